//! The program on a real Kubernetes. `./tests/run cluster` runs the tests; `tests/cluster/up` starts the same cluster for people.
//!
//! Not `cargo test`'s own harness: one cluster serves all tests and has to be stopped after the last, and what cannot run on this
//! machine must count as skipped, not as passed.

#![allow(
    clippy::panic,
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "helpers of tests fail by panicking"
)]
#![allow(clippy::format_collect, clippy::format_push_string, reason = "short texts, made once")]

mod bed;
mod bench;
mod cases;
mod clients;
mod cluster;
mod comparison;
mod conformance;
mod faults;
mod manifest;
mod matrix;
mod middle;
mod operator;
mod page;
mod postgres;
mod simulator;
mod store;
#[path = "../support/kit.rs"]
mod support;
mod webhook;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::{Arc, Mutex};

use bed::{Bed, Shape};
use cluster::Cluster;
use libtest_mimic::{Arguments, Failed, Trial};

fn main() -> ExitCode {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let words: Vec<String> = std::env::args().skip(1).collect();
    match words.first().map(String::as_str) {
        Some("up") => up(&words[1..]),
        Some("bench") => bench::bench(&words[1..]),
        _ => tests(),
    }
}

/// The cluster of this run, shared with the thread that stops it when the run is interrupted.
type Shared = Arc<Mutex<Option<Arc<Cluster>>>>;

fn tests() -> ExitCode {
    let arguments = arguments();
    let given = std::env::var_os("TIMONEL_TEST_KUBECONFIG").map(PathBuf::from);
    let missing = if given.is_some() { Vec::new() } else { bed::missing(Shape::Real) };
    if !missing.is_empty() {
        eprintln!("SKIPPED: the tests on a real Kubernetes need {}", missing.join(", "));
    }
    let unfetched = clients::missing();
    if !unfetched.is_empty() {
        eprintln!("SKIPPED: the tests with other clients need {}", unfetched.join(", "));
    }
    let lacks_database = lacks("backups", postgres::missing());
    let lacks_store = lacks("uploads", store::missing());
    let lacks_python = lacks("migrations", postgres::python_missing());
    let lacks_node = lacks("Prisma's migrations", postgres::node_missing());
    let wanted = |name: &str| arguments.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()));
    let cases = cases::ALL.iter().map(|(name, case)| ((*name).to_owned(), Need::Cluster(Box::new(*case))));
    let migrations = cases::MIGRATIONS.iter().map(|(name, case)| ((*name).to_owned(), Need::Python(*case)));
    let prisma = cases::PRISMA.iter().map(|(name, case)| ((*name).to_owned(), Need::Node(*case)));
    let databases = cases::DATABASE.iter().map(|(name, case)| ((*name).to_owned(), Need::Database(*case)));
    let stores = cases::STORE.iter().map(|(name, case)| ((*name).to_owned(), Need::Store(*case)));
    let chapters = conformance::names().map(|name| {
        let play = move |cluster: &Cluster| conformance::chapter(name, cluster);
        (format!("conformance::{name}"), Need::Cluster(Box::new(play)))
    });
    let clients = clients::ALL.iter().map(|(name, case)| ((*name).to_owned(), Need::Clients(*case)));
    let pairs = comparison::ALL.iter().map(|(name, case)| ((*name).to_owned(), Need::ClusterAndClients(*case)));
    let quiet = cases::QUIET.iter().map(|(name, case)| ((*name).to_owned(), Need::QuietCluster(*case)));
    let alone = conformance::ALONE.iter().chain(ALONE).map(|(name, case)| ((*name).to_owned(), Need::Nothing(*case)));
    let all: Vec<(String, Need)> = cases
        .chain(databases)
        .chain(migrations)
        .chain(prisma)
        .chain(stores)
        .chain(chapters)
        .chain(pairs)
        .chain(quiet)
        .chain(clients)
        .chain(alone)
        .collect();
    let any = all.iter().any(|(name, need)| need.a_cluster() && wanted(name)) && !arguments.list;
    let shared = Shared::default();
    let foreign = given.is_some();
    if missing.is_empty() && any {
        stop_when_interrupted(&shared);
        match start(given) {
            Ok(cluster) => *shared.lock().unwrap() = Some(Arc::new(cluster)),
            Err(error) => {
                eprintln!("the cluster did not come up: {error}");
                return ExitCode::FAILURE;
            }
        }
    }
    let mut last = Vec::new();
    let trials = all.into_iter().filter_map(|(name, need)| {
        let not_yet = cases::NOT_YET.iter().any(|(case, _)| *case == name);
        let lacking = match need {
            Need::Cluster(_) => !missing.is_empty(),
            // Nobody's cluster but our own is broken on purpose.
            Need::Database(_) => !missing.is_empty() || lacks_database,
            Need::Python(_) => !missing.is_empty() || lacks_python,
            Need::Node(_) => !missing.is_empty() || lacks_node,
            Need::Store(_) => !missing.is_empty() || lacks_database || lacks_store,
            Need::QuietCluster(_) => !missing.is_empty() || foreign,
            Need::Clients(_) => !unfetched.is_empty(),
            Need::ClusterAndClients(_) => !missing.is_empty() || !unfetched.is_empty(),
            Need::Nothing(_) => false,
        };
        let (shared, quiet) = (Arc::clone(&shared), matches!(need, Need::QuietCluster(_)));
        let trial = Trial::test(name, move || need.run(&shared)).with_ignored_flag(not_yet || lacking);
        if quiet {
            last.push(trial);
            return None;
        }
        Some(trial)
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    let afterwards = Arguments { test_threads: Some(1), ..arguments };
    let broken = libtest_mimic::run(&afterwards, last);
    drop(shared.lock().unwrap().take());
    if conclusion.has_failed() { conclusion.exit_code() } else { broken.exit_code() }
}

/// Those of the command line, with twice as many cases at once as there are cores: a case waits for the cluster for most of its time.
fn arguments() -> Arguments {
    let given = Arguments::from_args();
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    Arguments { test_threads: given.test_threads.or(Some(2 * cores)), ..given }
}

/// Whether this machine lacks what some tests need; says so.
fn lacks(tests: &str, missing: Option<&str>) -> bool {
    if let Some(missing) = missing {
        eprintln!("SKIPPED: the tests of {tests} need {missing}");
    }
    missing.is_some()
}

/// Tests of what the tests here share.
const ALONE: &[(&str, fn())] = &[
    ("comparison::the_page_of_the_comparison_is_whole", comparison::the_page_of_the_comparison_is_whole),
    ("faults::the_page_of_faults_is_whole", faults::the_page_of_faults_is_whole),
    ("matrix::the_page_of_actions_is_whole", matrix::the_page_of_actions_is_whole),
    ("page::a_row_that_is_not_so_any_more_is_noticed", page::a_row_that_is_not_so_any_more_is_noticed),
];

/// A test, by what it needs. Each fails by panicking.
enum Need {
    /// A real Kubernetes.
    Cluster(Box<dyn Fn(&Cluster) + Send>),
    /// A real Kubernetes, and PostgreSQL in a pod of it.
    Database(cases::Case),
    /// The same, and images with Alembic and Django.
    Python(cases::Case),
    /// The same, and images with Prisma.
    Node(cases::Case),
    /// The same, and an object store.
    Store(cases::Case),
    /// A real Kubernetes of our own that nobody else uses meanwhile: parts of it are stopped. These run last, one by one.
    QuietCluster(cases::Case),
    /// kubectl and helm.
    Clients(fn()),
    /// A real Kubernetes, and kubectl.
    ClusterAndClients(cases::Case),
    /// Nothing beside the program.
    Nothing(fn()),
}

impl Need {
    fn a_cluster(&self) -> bool {
        !matches!(self, Self::Clients(_) | Self::Nothing(_))
    }

    fn run(&self, shared: &Shared) -> Result<(), Failed> {
        match self {
            Self::Cluster(case) => {
                let cluster = shared.lock().unwrap().clone();
                case(&*cluster.ok_or("there is no cluster")?);
            }
            Self::Database(case)
            | Self::Store(case)
            | Self::Python(case)
            | Self::Node(case)
            | Self::QuietCluster(case)
            | Self::ClusterAndClients(case) => {
                let cluster = shared.lock().unwrap().clone();
                case(&*cluster.ok_or("there is no cluster")?);
            }
            Self::Clients(case) | Self::Nothing(case) => case(),
        }
        Ok(())
    }
}

fn start(given: Option<PathBuf>) -> Result<Cluster, String> {
    match given {
        Some(kubeconfig) => {
            let folder = std::env::temp_dir().join(format!("timonel-users-{}", std::process::id()));
            std::fs::create_dir_all(&folder).map_err(|error| error.to_string())?;
            Cluster::existing(&kubeconfig, &folder)
        }
        None => Cluster::of(Bed::start(Shape::Real)?),
    }
}

/// Takes the cluster down when somebody presses Ctrl-C: its processes have groups of their own and would stay.
fn stop_when_interrupted(shared: &Shared) {
    let shared = Arc::clone(shared);
    std::thread::spawn(move || {
        wait_for_interrupt();
        let cluster = shared.lock().unwrap().take();
        // Tests hold on to it; what matters is on the machine, and the ledger knows it.
        drop(cluster);
        bed::clear_own();
        std::process::exit(130);
    });
}

fn wait_for_interrupt() {
    use tokio::signal::unix::{SignalKind, signal};
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime for signals");
    runtime.block_on(async {
        let (mut term, mut hangup) = (signal(SignalKind::terminate()).expect("SIGTERM"), signal(SignalKind::hangup()).expect("SIGHUP"));
        tokio::select! { _ = tokio::signal::ctrl_c() => {}, _ = term.recv() => {}, _ = hangup.recv() => {} }
    });
}

/// `up [--pods N]`: a cluster for people, until Ctrl-C.
fn up(words: &[String]) -> ExitCode {
    let pods: Option<usize> = match words {
        [] => None,
        [flag, number] if flag == "--pods" && number.parse::<usize>().is_ok() => number.parse().ok(),
        _ => {
            eprintln!("usage: tests/cluster/up [--pods NUMBER]");
            return ExitCode::from(64);
        }
    };
    let shape = if pods.is_some() { Shape::Scale } else { Shape::Real };
    let missing = bed::missing(shape);
    if !missing.is_empty() {
        eprintln!("this machine lacks {}", missing.join(", "));
        return ExitCode::FAILURE;
    }
    let started = Bed::start(shape).and_then(|bed| {
        let folder = bed.folder().to_owned();
        let cluster = match pods {
            None => Cluster::of(bed)?,
            Some(pods) => Cluster::played(bed, pods)?,
        };
        Ok((cluster, folder))
    });
    match started {
        Ok((cluster, folder)) => {
            println!("export KUBECONFIG={}", cluster.kubeconfig("admin").display());
            println!("# viewer, operator, second and stranger have kubeconfigs beside it, and each component a log: {}", folder.display());
            println!("# Ctrl-C stops it");
            wait_for_interrupt();
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("the cluster did not come up: {error}");
            ExitCode::FAILURE
        }
    }
}
