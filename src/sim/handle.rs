//! Starting and stopping a simulated cluster.
//!
//! Owns its threads, its kubeconfig, and that nothing of it is left when it stops. A cluster has its address at once and is built behind
//! it: who connects meanwhile is answered when it is there.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::Timestamp;
use serde_json::json;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Runtime};
use tokio_util::sync::CancellationToken;

use super::cluster::{Cluster, Pace};
use super::load;
use super::serve::{self, Certificate, Identities, Server};
use super::story::scenario::{self, Scenario};
use super::story::{Beat, begin};
use crate::base::clock::FixedClock;
use crate::base::problem::{Level, Problem};

/// How a simulated cluster is started.
#[derive(Debug, Clone)]
pub struct SimOptions {
    /// Name of a shipped scenario: see [`super::scenarios`].
    pub scenario: String,
    /// How many times faster than life things happen; timestamps stay those of the wall clock.
    pub speed: f64,
    /// The same seed makes the same story.
    pub seed: u64,
    /// The clock stands at this time and moves only by [`SimHandle::advance`]; `None` = it runs.
    pub hold: Option<Timestamp>,
}

impl Default for SimOptions {
    fn default() -> Self {
        Self { scenario: "first-steps".to_owned(), speed: 1.0, seed: 1, hold: None }
    }
}

/// A running simulated cluster. It stops, and its files go, when this is dropped.
#[derive(Debug)]
pub struct SimHandle {
    kubeconfig: PathBuf,
    folder: PathBuf,
    server: String,
    measures: String,
    stop: CancellationToken,
    built: Arc<OnceLock<Built>>,
    thread: Option<JoinHandle<()>>,
}

/// The cluster, or why there is none.
type Built = Result<Arc<Cluster>, Box<Problem>>;

/// Starts a simulated cluster on a free port of 127.0.0.1, in threads of its own, and does not wait until it is there.
///
/// # Errors
///
/// An unknown scenario, no free port, or a temporary folder that cannot be written, each as a problem with what to do.
pub fn start(options: &SimOptions) -> Result<SimHandle, Box<Problem>> {
    let scenario = scenario::find(&options.scenario).map_err(|e| Box::new(problem(e).hint("Name one of them with --scenario.")))?;
    let certificate = Certificate::generate().map_err(problem)?;
    let identities = Identities::generate();
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("sim").enable_all().build();
    let runtime = runtime.map_err(|e| problem(format!("No thread for the simulated cluster can be had: {e}.")))?;
    let (listener, address) = listen(&runtime)?;
    let (measuring, measures) = listen(&runtime)?;
    let (server, measures) = (format!("https://{address}"), format!("http://{measures}"));
    let text = kubeconfig(&server, &certificate.authority, &identities);
    let folder = folder(&text).map_err(|e| problem(format!("The kubeconfig of the simulated cluster cannot be written: {e}.")))?;
    let (stop, built) = (CancellationToken::new(), Arc::new(OnceLock::new()));
    let thread = std::thread::Builder::new().name("sim".to_owned()).spawn({
        let (options, stop, building) = (options.clone(), stop.clone(), Building(built.clone()));
        move || {
            let outcome = build(scenario, &options, stop).map(Arc::new);
            building.0.set(outcome.clone()).ok();
            if let Ok(cluster) = outcome {
                let shared = Arc::new(Server { cluster: cluster.clone(), identities, address });
                run(runtime, [listener, measuring], certificate, shared, &cluster);
            }
        }
    });
    let thread = thread.map_err(|e| problem(format!("No thread for the simulated cluster can be had: {e}.")))?;
    Ok(SimHandle { kubeconfig: folder.join("kubeconfig"), folder, server, measures, stop, built, thread: Some(thread) })
}

/// Says that a cluster broke, when nothing else was said about it.
struct Building(Arc<OnceLock<Built>>);

impl Drop for Building {
    fn drop(&mut self) {
        self.0.set(Err(problem("The simulated cluster broke while it was built."))).ok();
    }
}

fn build(scenario: Scenario, options: &SimOptions, stop: CancellationToken) -> Result<Cluster, Box<Problem>> {
    let now = options.hold.unwrap_or_else(Timestamp::now);
    let mut world = load::world(scenario, now, options.seed, options.speed).map_err(problem)?;
    begin(&mut world, Beat::Begin);
    let pace = options.hold.map_or(Pace::Real, |at| Pace::Held(Arc::new(FixedClock::new(at))));
    Ok(Cluster::new(world, pace, stop))
}

/// A free port of 127.0.0.1.
fn listen(runtime: &Runtime) -> Result<(TcpListener, SocketAddr), Box<Problem>> {
    let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)));
    let listener = listener.map_err(|e| problem(format!("No port for the simulated cluster can be had: {e}.")))?;
    let address = listener.local_addr().map_err(|e| problem(format!("The simulated cluster has no address: {e}.")))?;
    Ok((listener, address))
}

fn run(runtime: Runtime, [listener, measuring]: [TcpListener; 2], certificate: Certificate, server: Arc<Server>, cluster: &Arc<Cluster>) {
    runtime.block_on(async {
        tokio::join!(serve::serve(listener, certificate, server), serve::measures::serve(measuring, cluster.clone()), cluster.live());
    });
    runtime.shutdown_timeout(Duration::from_millis(500));
}

fn problem(message: impl Into<String>) -> Box<Problem> {
    Box::new(Problem::new(Level::Error, "demo", message))
}

impl SimHandle {
    /// The kubeconfig: contexts `demo` (all rights), `demo-operator` and `demo-viewer`. It lies in a folder of its own that only
    /// this user can read.
    pub fn kubeconfig(&self) -> &Path {
        &self.kubeconfig
    }

    /// A folder for whoever uses this cluster, readable only by this user: it goes when the cluster stops.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// `https://127.0.0.1:PORT`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// `http://127.0.0.1:PORT`: where measures of its systems are asked, as of a Prometheus.
    pub fn measures(&self) -> &str {
        &self.measures
    }

    /// Waits until the cluster is there.
    ///
    /// # Errors
    ///
    /// It could not be built, as a problem.
    pub fn wait(&self) -> Result<(), Box<Problem>> {
        self.built.wait().as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Moves a held clock forward, and lets everything happen that becomes due, in its order. Does nothing to a running clock.
    pub fn advance(&self, by: Duration) {
        if let Ok(cluster) = self.built.wait() {
            cluster.advance(by);
        }
    }

    /// Stops the cluster and removes its files. Dropping does the same.
    pub fn stop(self) {
        drop(self);
    }
}

impl Drop for SimHandle {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has said so; there is nothing left to stop.
            thread.join().ok();
        }
        fs::remove_dir_all(&self.folder).ok();
    }
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cluster")
    }
}

/// Writes the kubeconfig into a new folder that only this user can read.
fn folder(kubeconfig: &str) -> std::io::Result<PathBuf> {
    let folder = std::env::temp_dir().join(format!("timonel-sim-{}-{:08x}", std::process::id(), fastrand::u32(..)));
    DirBuilder::new().mode(0o700).create(&folder)?;
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join("kubeconfig"))?;
    file.write_all(kubeconfig.as_bytes())?;
    Ok(folder)
}

fn kubeconfig(server: &str, authority: &str, identities: &Identities) -> String {
    let context = |user: &str| if user == "admin" { "demo".to_owned() } else { format!("demo-{user}") };
    let users: Vec<_> = identities.all().collect();
    let config = json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "demo", "cluster": {"server": server, "certificate-authority-data": BASE64_STANDARD.encode(authority)}}],
        "users": users.iter().map(|(name, token)| json!({"name": name, "user": {"token": token}})).collect::<Vec<_>>(),
        "contexts": users.iter().map(|(name, _)| json!({"name": context(name), "context": {"cluster": "demo", "user": name, "namespace": "eterna-rules"}})).collect::<Vec<_>>(),
        "current-context": "demo",
    });
    // JSON is YAML, too.
    format!("{config:#}\n")
}
