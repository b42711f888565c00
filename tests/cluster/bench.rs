//! Measures the console on thousands of played pods and prints a table. Nothing passes or fails here: a machine decides the numbers.
//!
//! What is measured is what an operator feels: the first frame, the first rows, all rows with their health, memory, what an idle
//! screen costs, and how soon a key is answered.

mod crowd;
mod verdict;

use std::fs;
use std::process::ExitCode;
use std::time::Duration;

use crate::bed::{Bed, Shape, missing};
use crate::cluster::Cluster;
use crate::support::sandbox::{Sandbox, program};
use crate::support::terminal::Terminal;

/// Starts that are measured; the median is told.
const STARTS: usize = 5;
/// Keys that are timed.
const KEYS: usize = 60;
/// How long the idle screen is watched: a whole minute, since the clock and the ages of what is young step once in it.
const IDLE: Duration = Duration::from_mins(1);

/// `bench [--pods N]`, `bench --simulator`, or `bench --verdicts`.
pub(crate) fn bench(words: &[String]) -> ExitCode {
    if words == ["--simulator"] {
        return told(crowd::measure());
    }
    if words == ["--verdicts"] {
        return told(verdict::measure().map(|rows| table("50 releases", &rows)));
    }
    let pods: usize = match words {
        [] => 5000,
        [flag, number] if flag == "--pods" && number.parse::<usize>().is_ok() => number.parse().unwrap_or(5000),
        _ => {
            eprintln!("usage: tests/run bench [--pods NUMBER | --simulator | --verdicts]");
            return ExitCode::from(64);
        }
    };
    told(measure(pods))
}

fn told(table: Result<String, String>) -> ExitCode {
    match table {
        Ok(table) => {
            println!("{table}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn measure(pods: usize) -> Result<String, String> {
    let given = std::env::var_os("TIMONEL_TEST_KUBECONFIG").map(std::path::PathBuf::from);
    let cluster = if given.is_none() { Some(played(pods)?) } else { None };
    let kubeconfig = given.or_else(|| cluster.as_ref().map(|cluster| cluster.kubeconfig("admin"))).ok_or("no kubeconfig")?;
    let complete = format!("{pods}/{pods} ready");
    let mut starts = Vec::new();
    for _ in 0..STARTS {
        starts.push(start(&kubeconfig, &complete)?);
    }
    let (mut terminal, _sandbox) = open(&kubeconfig);
    terminal.wait_at_most(Duration::from_mins(2), &complete, |screen| screen.has(&complete))?;
    terminal.wait_silent(Duration::from_secs(2));
    let (memory, peak) = (status(terminal.id(), "VmRSS:"), status(terminal.id(), "VmHWM:"));
    let ticks = cpu_ticks(terminal.id());
    let bytes = terminal.bytes_written_during(IDLE);
    let used = cpu_ticks(terminal.id()).saturating_sub(ticks);
    let mut keys: Vec<Duration> = (0..KEYS).map(|at| terminal.time_key(if at % 20 == 19 { "g" } else { "j" })).collect();
    keys.sort();
    let after = status(terminal.id(), "VmRSS:");
    let seconds = IDLE.as_secs_f64();
    let rows = [
        ("first byte", middle(starts.iter().map(|start| start.byte).collect())),
        ("first frame", middle(starts.iter().map(|start| start.frame).collect())),
        ("first rows", middle(starts.iter().map(|start| start.rows).collect())),
        ("every row with its health", middle(starts.iter().map(|start| start.complete).collect())),
        (
            "resident memory, at rest / after scrolling / highest",
            format!("{:.1} / {:.1} / {:.1} MiB", mib(memory), mib(after), mib(peak)),
        ),
        ("CPU of an idle screen", format!("{:.2} %", f64::from(used) / seconds)),
        ("bytes to the terminal of an idle screen", format!("{:.1} per second", bytes as f64 / seconds)),
        ("key to screen, median / slowest of 60", format!("{:.1} / {:.1} ms", millis(keys[KEYS / 2]), millis(keys[KEYS - 1]))),
        ("binary", format!("{:.1} MiB", fs::metadata(program()).map_or(0.0, |file| file.len() as f64) / 1_048_576.0)),
    ];
    Ok(table(&format!("{pods} pods, 140x40"), &rows))
}

fn table(title: &str, rows: &[(&str, String)]) -> String {
    let lines: Vec<String> = rows.iter().map(|(what, value)| format!("| {what} | {value} |")).collect();
    format!("| {title} | |\n|---|---|\n{}", lines.join("\n"))
}

/// The median of some times, in words.
fn middle(mut values: Vec<Duration>) -> String {
    values.sort();
    format!("{:.0} ms", millis(values.get(values.len() / 2).copied().unwrap_or_default()))
}

fn played(pods: usize) -> Result<Cluster, String> {
    let missing = missing(Shape::Scale);
    if !missing.is_empty() {
        return Err(format!("this machine lacks {}", missing.join(", ")));
    }
    eprintln!("starting {pods} pods");
    Cluster::played(Bed::start(Shape::Scale)?, pods)
}

/// What one start took.
struct Start {
    byte: Duration,
    frame: Duration,
    rows: Duration,
    complete: Duration,
}

fn open(kubeconfig: &std::path::Path) -> (Terminal, Sandbox) {
    let sandbox = Sandbox::with_kubeconfig(kubeconfig);
    (Terminal::start(&sandbox, (140, 40), &["-A"]), sandbox)
}

fn start(kubeconfig: &std::path::Path, complete: &str) -> Result<Start, String> {
    let (mut terminal, _sandbox) = open(kubeconfig);
    let patience = Duration::from_mins(2);
    terminal.wait_at_most(patience, "a frame", |screen| screen.has("Workloads"))?;
    let frame = terminal.since_start();
    terminal.wait_at_most(patience, "rows", |screen| screen.has("svc-"))?;
    let rows = terminal.since_start();
    terminal.wait_at_most(patience, complete, |screen| screen.has(complete))?;
    let all = terminal.since_start();
    let byte = terminal.first_byte();
    terminal.press("q");
    terminal.wait_end();
    Ok(Start { byte, frame, rows, complete: all })
}

/// A line of /proc/PID/status in KiB.
fn status(pid: u32, name: &str) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix(name));
    line.and_then(|rest| rest.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

/// Hundredths of a second that a process has computed so far.
fn cpu_ticks(pid: u32) -> u32 {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let fields: Vec<u32> = text
        .rsplit_once(')')
        .map(|(_, rest)| rest.split_whitespace().map(|field| field.parse().unwrap_or(0)).collect())
        .unwrap_or_default();
    fields.get(11).copied().unwrap_or(0) + fields.get(12).copied().unwrap_or(0)
}

fn mib(kib: u64) -> f64 {
    kib as f64 / 1024.0
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
