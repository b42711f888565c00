//! Measures the demo's start and the simulated cluster under load: how much it holds, how fast it changes, how much it says.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use http_body_util::BodyExt;
use kube::client::Body;
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use serde_json::Value;
use tokio::runtime::Runtime;

use super::{STARTS, cpu_ticks, mib, middle, millis, status, table};
use crate::support::sandbox::{Sandbox, program};
use crate::support::terminal::Terminal;

/// For how long changes and lines are counted.
const COUNTED: Duration = Duration::from_secs(10);
/// Logs that are followed at once: each has 100 lines a second.
const LOGS: usize = 500;
/// How long a stream may take to its first line.
const PATIENCE: Duration = Duration::from_mins(1);

/// The table.
pub(super) fn measure() -> Result<String, String> {
    let (mut frames, mut rows, mut all) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        let sandbox = Sandbox::new();
        let mut terminal = Terminal::start(&sandbox, (140, 40), &["demo", "--scenario", "quiet"]);
        for (times, what) in [(&mut frames, "1 Workloads"), (&mut rows, "eterna-rules-backend"), (&mut all, "● live")] {
            terminal.wait_at_most(PATIENCE, what, |screen| screen.has(what))?;
            times.push(terminal.since_start());
        }
        terminal.press("q");
        terminal.wait_end();
    }
    let mut measured = vec![("demo: first frame", middle(frames)), ("demo: first rows", middle(rows)), ("demo: everything read", middle(all))];
    measured.extend(crowd()?);
    Ok(table("the simulated cluster", &measured))
}

/// A simulated cluster that ends with this value.
struct Simulated(std::process::Child);

impl Drop for Simulated {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn crowd() -> Result<Vec<(&'static str, String)>, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let sandbox = Sandbox::new();
    let began = Instant::now();
    let mut command = Command::new(program());
    command.args(["sim", "--scenario", "crowd"]).env_clear().envs(sandbox.variables().iter().cloned());
    let mut simulated = Simulated(command.stdin(Stdio::null()).stdout(Stdio::piped()).spawn().map_err(|e| words(&e))?);
    let output = simulated.0.stdout.take().ok_or("no output")?;
    let mut line = String::new();
    BufReader::new(output).read_line(&mut line).map_err(|e| words(&e))?;
    let built = began.elapsed();
    let pid = simulated.0.id();
    let rest = status(pid, "VmRSS:");
    let runtime = Runtime::new().map_err(|e| words(&e))?;
    let counted = runtime.block_on(count(Path::new(line.trim()), pid))?;
    let per_second = |n: u64| format!("{:.0}", n as f64 / COUNTED.as_secs_f64());
    Ok(vec![
        ("5,000 pods are there after", format!("{:.0} ms", millis(built))),
        ("resident memory with them, at rest", format!("{:.1} MiB", mib(rest))),
        ("the same at the end of the measurement", format!("{:.1} MiB", mib(status(pid, "VmRSS:")))),
        ("changes that a watch of all pods sees, a second", per_second(counted.changes)),
        ("CPU with that watch alone", format!("{:.0} %", f64::from(counted.alone) / COUNTED.as_secs_f64())),
        ("log lines that 500 followers read, a second, besides the watch", per_second(counted.lines)),
        ("CPU with all of them", format!("{:.0} %", f64::from(counted.together) / COUNTED.as_secs_f64())),
    ])
}

struct Counted {
    changes: u64,
    alone: u32,
    lines: u64,
    together: u32,
}

async fn count(kubeconfig: &Path, pid: u32) -> Result<Counted, String> {
    let words = |error: &dyn std::fmt::Display| error.to_string();
    let kubeconfig = Kubeconfig::read_from(kubeconfig).map_err(|e| words(&e))?;
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.map_err(|e| words(&e))?;
    let client = Client::try_from(config).map_err(|e| words(&e))?;
    let request = Request::get("/api/v1/pods?limit=700").body(Vec::new()).map_err(|e| words(&e))?;
    let pods: Value = client.request(request).await.map_err(|e| words(&e))?;
    let revision = pods["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let changes = follow(&client, format!("/api/v1/pods?watch=true&resourceVersion={revision}")).await?;
    let (alone, seen) = during(pid, &changes).await;
    let mut logs = Vec::new();
    let crowded = |pod: &&Value| pod["metadata"]["namespace"].as_str().is_some_and(|n| n.starts_with("load-"));
    for pod in pods["items"].as_array().into_iter().flatten().filter(crowded).take(LOGS) {
        let text = |field: &str| pod["metadata"][field].as_str().unwrap_or_default();
        let path = format!("/api/v1/namespaces/{}/pods/{}/log?container=app&follow=true&tailLines=1", text("namespace"), text("name"));
        logs.push(follow(&client, path).await?);
    }
    let total = || logs.iter().map(|log| log.load(Ordering::Relaxed)).sum::<u64>();
    let (ticks, before) = (cpu_ticks(pid), total());
    tokio::time::sleep(COUNTED).await;
    Ok(Counted { changes: seen, alone, lines: total() - before, together: cpu_ticks(pid) - ticks })
}

/// What the process computed, and what was counted, while it was counted.
async fn during(pid: u32, counter: &AtomicU64) -> (u32, u64) {
    let (ticks, before) = (cpu_ticks(pid), counter.load(Ordering::Relaxed));
    tokio::time::sleep(COUNTED).await;
    (cpu_ticks(pid) - ticks, counter.load(Ordering::Relaxed) - before)
}

/// Counts the lines of a stream, from its first one on.
async fn follow(client: &Client, path: String) -> Result<Arc<AtomicU64>, String> {
    let request = Request::get(&path).body(Body::empty()).map_err(|error| error.to_string())?;
    let answer = client.send(request).await.map_err(|error| format!("{path}: {error}"))?;
    if !answer.status().is_success() {
        return Err(format!("{path}: {}", answer.status()));
    }
    let counter = Arc::new(AtomicU64::new(0));
    let mut body = answer.into_body();
    tokio::spawn({
        let counter = counter.clone();
        async move {
            while let Some(Ok(frame)) = body.frame().await {
                let lines = frame.data_ref().map_or(0, |data| data.split(|byte| *byte == b'\n').count() - 1);
                counter.fetch_add(lines as u64, Ordering::Relaxed);
            }
        }
    });
    Ok(counter)
}
