//! `timonel doctor`: what works here, what does not, and what to do about it.
//!
//! Owns the list of examinations and how they are printed. Changes nothing; every question has a deadline.

mod left;

use std::io::IsTerminal;
use std::time::Duration;

use futures_util::future::join_all;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, cluster, kept_file, status};
use crate::base::problem::{Level, Place, Problem};
use crate::boot::Booted;
use crate::runtime::terminal;
use crate::target::api::{Access, ErrorKind, Read};
use crate::target::kubernetes::Client;
use crate::target::model::Kind;

/// Difference of clocks that makes times on screen misleading, in seconds.
const SKEW: i64 = 30;
/// The oldest server that is supported (cli.md).
const OLDEST: (u32, u32) = (1, 29);

/// What the console wants to read; without the optional ones the rest works.
const READS: [(Kind, bool); 14] = [
    (Kind::Pod, true),
    (Kind::Deployment, true),
    (Kind::StatefulSet, true),
    (Kind::DaemonSet, true),
    (Kind::ReplicaSet, true),
    (Kind::Service, true),
    (Kind::EndpointSlice, true),
    (Kind::Event, false),
    (Kind::Job, false),
    (Kind::CronJob, false),
    (Kind::HorizontalPodAutoscaler, false),
    (Kind::Ingress, false),
    (Kind::ConfigMap, false),
    (Kind::Lease, false),
];

/// `timonel.doctor/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    /// Null when the target could not be reached; the problems say why.
    target: Option<status::StatusTarget>,
    doctor: Vec<Problem>,
    /// What Timonel wrote in the cluster; null unless `--cluster` asked for it and the target could be reached. What could not be looked at
    /// is a problem `left:KINDS`.
    left: Option<left::Left>,
}

/// What was examined: one line each for people, only what is wrong for machines.
#[derive(Default)]
struct Findings {
    lines: Vec<(Option<Level>, String, Option<String>)>,
    problems: Vec<Problem>,
    target: Option<status::StatusTarget>,
    left: Option<left::Left>,
}

impl Findings {
    fn good(&mut self, text: impl Into<String>) {
        self.lines.push((None, text.into(), None));
    }

    fn bad(&mut self, problem: Problem) {
        let place = problem.place.as_ref().map(|p: &Place| format!("{p}: ")).unwrap_or_default();
        self.lines.push((Some(problem.level), format!("{place}{}", problem.message), problem.hint.clone()));
        self.problems.push(problem);
    }
}

/// 0 = no problem, 1 = warnings, 2 = errors, 3 = could not find out.
pub(super) fn run(global: &Global, left: bool, file: &ServiceFile, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, file)?;
    let mut found = Findings::default();
    on_this_machine(&booted, &mut found);
    let deadline = global.timeout;
    cluster::within(deadline + Duration::from_secs(1), async {
        match cluster::open(&booted).await {
            Ok(client) => on_the_target(&client, &booted, left, &mut found).await,
            Err(failure) => {
                let level = if failure.exit == Exit::CONFIG { Level::Error } else { Level::Unknown };
                let problem = Problem::new(level, "target:open", format!("{}.", failure.message));
                found.bad(match failure.hint {
                    Some(hint) => problem.hint(hint),
                    None => problem,
                });
            }
        }
        Ok(())
    })?;
    let worst = found.problems.iter().map(|p| p.level).max();
    if printer.output() == Output::Table {
        for (level, text, hint) in &found.lines {
            let sign = match level {
                None => printer.colored("32", "ok      "),
                Some(Level::Warning) => printer.colored("33", "warning "),
                Some(Level::Unknown) => printer.colored("35", "unknown "),
                Some(Level::Error) => printer.colored("31;1", "error   "),
            };
            printer.line(&format!("{sign}{text}"))?;
            for line in hint.iter().flat_map(|h| h.lines()) {
                printer.line(&format!("        {line}"))?;
            }
        }
    } else {
        let answer = Answer {
            schema: "timonel.doctor/1",
            taken_at: booted.clock.now(),
            target: found.target,
            doctor: found.problems,
            left: found.left,
        };
        printer.value(&answer)?;
    }
    Ok(match worst {
        None => Exit::OK,
        Some(Level::Warning) => Exit(1),
        Some(Level::Unknown) => Exit::UNKNOWN,
        Some(Level::Error) => Exit(2),
    })
}

fn on_this_machine(booted: &Booted, found: &mut Findings) {
    match terminal::check() {
        Ok(()) => found.good(format!("terminal: {}", std::env::var("TERM").unwrap_or_default())),
        Err(_) if !std::io::stdout().is_terminal() => found.good("terminal: none here; commands work, the console needs one"),
        Err(error) => found.bad(Problem::new(Level::Warning, "terminal", format!("{error}.")).hint("commands work all the same")),
    }
    for problem in &booted.problems {
        found.bad(problem.clone());
    }
    match booted.journal() {
        Ok(journal) => found.good(format!("journal: {}", journal.folder().display())),
        Err(why) => found.bad(Problem::new(Level::Error, "journal", format!("{why}.")).hint("without it nothing is ever written to a target")),
    }
}

/// Service files that the namespaces of this target keep. That they cannot be listed says the question about rights.
async fn kept(client: &Client, found: &mut Findings) {
    for namespace in client.opened().namespaces.iter().flatten() {
        for file in kept_file::all(client, namespace).await {
            found.good(format!("{namespace} keeps a service file: timonel -n {namespace} -f {file}"));
        }
    }
}

async fn on_the_target(client: &Client, booted: &Booted, left: bool, found: &mut Findings) {
    let opened = client.opened();
    found.good(format!(
        "kubeconfig: context '{}', cluster '{}', user '{}', server {}",
        opened.context, opened.cluster, opened.user, opened.server
    ));
    for problem in client.problems() {
        found.bad(problem.clone());
    }
    if let Err(error) = client.reach(Duration::from_secs(5)).await {
        found.bad((*error.problem).clone());
        return;
    }
    let identity = client.identity().await;
    found.target = Some(status::target_of(opened, &identity));
    version(&identity.server_version, found);
    match &identity.cluster_uid {
        Some(uid) => found.good(format!("cluster UID {uid}; the server says that you are '{}'", identity.user)),
        None => found.bad(
            Problem::new(
                Level::Warning,
                "rights:cluster-uid",
                format!("The cluster's UID cannot be read: {}.", identity.cluster_uid_reason.unwrap_or_default()),
            )
            .hint("grant: get namespaces/kube-system"),
        ),
    }
    match identity.clock_skew {
        Some(skew) if skew.abs() > SKEW => found.bad(
            Problem::new(Level::Warning, "clock", format!("This machine's clock and the server's are {} s apart.", skew.abs()))
                .hint("ages and timers mislead until they agree"),
        ),
        Some(skew) => found.good(format!("clock: {skew} s from the server's")),
        None => found.good("clock: the server did not say its time"),
    }
    rights(client, booted, found).await;
    metrics(client, found).await;
    kept(client, found).await;
    if left {
        left::look(client, found).await;
    }
}

fn version(text: &str, found: &mut Findings) {
    let numbers: Vec<u32> = text
        .trim_start_matches('v')
        .split('.')
        .take(2)
        .map(|n| n.trim_end_matches(|c: char| !c.is_ascii_digit()))
        .filter_map(|n| n.parse().ok())
        .collect();
    match numbers[..] {
        [major, minor] if (major, minor) < OLDEST => found.bad(
            Problem::new(
                Level::Warning,
                "server:old",
                format!("The server is {text}; the oldest that is supported is {}.{}.", OLDEST.0, OLDEST.1),
            )
            .hint("what it does not have is shown as unknown"),
        ),
        [_, _] => found.good(format!("server {text}")),
        _ => found.bad(Problem::new(Level::Unknown, "server:version", "The server did not say its version.")),
    }
}

async fn rights(client: &Client, booted: &Booted, found: &mut Findings) {
    let namespaces: Vec<Option<String>> = match &client.opened().namespaces {
        None => vec![None],
        Some(names) => names.iter().cloned().map(Some).collect(),
    };
    let mut wanted: Vec<(Access, Level)> = Vec::new();
    for namespace in &namespaces {
        for (kind, needed) in READS {
            let level = if needed { Level::Error } else { Level::Warning };
            wanted.push((Access { verb: "watch", kind, subresource: "", namespace: namespace.clone(), name: None }, level));
        }
        wanted.push((Access { verb: "get", kind: Kind::Pod, subresource: "log", namespace: namespace.clone(), name: None }, Level::Warning));
        if !booted.spec.read_only {
            wanted.push((
                Access { verb: "patch", kind: Kind::Deployment, subresource: "scale", namespace: namespace.clone(), name: None },
                Level::Warning,
            ));
        }
    }
    wanted.push((Access { verb: "watch", kind: Kind::Node, subresource: "", namespace: None, name: None }, Level::Warning));
    let answers = join_all(wanted.iter().map(|(access, _)| client.may(access))).await;
    let mut good = 0;
    for ((access, level), answer) in wanted.iter().zip(answers) {
        match answer {
            Ok(allowed) if allowed.allowed => good += 1,
            Ok(_) => found.bad(missing(access, *level)),
            Err(error) => found.bad(Problem::new(
                Level::Unknown,
                "rights",
                format!("Whether you may {} cannot be told: {}.", words(access), error.message.trim_end_matches('.')),
            )),
        }
    }
    found.good(format!("rights: {good} of {} that the console uses", wanted.len()));
}

fn words(access: &Access) -> String {
    let sub = if access.subresource.is_empty() { String::new() } else { format!("/{}", access.subresource) };
    let place = access.namespace.as_ref().map(|ns| format!(" in {ns}")).unwrap_or_default();
    format!("{} {}{sub}{place}", access.verb, access.kind.plural())
}

fn missing(access: &Access, level: Level) -> Problem {
    let sub = if access.subresource.is_empty() { String::new() } else { format!("/{}", access.subresource) };
    let verbs = if access.verb == "watch" { "get, list, watch" } else { access.verb };
    Problem::new(level, format!("rights:{}", words(access)), format!("You may not {}.", words(access))).hint(format!(
        "rule: apiGroups: [\"{}\"], resources: [\"{}{sub}\"], verbs: [{verbs}]",
        access.kind.group(),
        access.kind.plural()
    ))
}

async fn metrics(client: &Client, found: &mut Findings) {
    match client.raw("/apis/metrics.k8s.io/v1beta1").await {
        Ok(_) => found.good("metrics: metrics.k8s.io answers"),
        Err(error) if error.kind == ErrorKind::NotFound => {
            found.bad(Problem::new(Level::Warning, "metrics", "There is no metrics API: CPU and memory show n/a.").hint("install metrics-server"));
        }
        Err(error) => found.bad(Problem::new(Level::Warning, "metrics", format!("Metrics cannot be had: {}.", error.message.trim_end_matches('.')))),
    }
}
