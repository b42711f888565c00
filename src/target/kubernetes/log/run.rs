//! The runs of a container, as its pod tells them: what it means that a log came to its end.
//!
//! Owns the decision whether to go on, wait or stop. Pure: reads a pod as JSON.

use jiff::Timestamp;
use serde::Deserialize;

use crate::target::kubernetes::error::shown;
use crate::target::request::LogSource;

/// What to do next with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Ask on from where we were.
    GoOn,
    /// Another run has begun, whose log begins: ask from its start.
    NewRun,
    /// Nothing to read now; look again later.
    Wait(String),
    /// Nothing more will come.
    End(String),
}

/// What of a log was read.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Read {
    /// Time of the last line.
    pub(super) last: Option<Timestamp>,
    /// Start of the run whose log was read to its end.
    pub(super) run: Option<Timestamp>,
    /// The last answer came to its proper end; otherwise there may be more of the same run.
    pub(super) to_the_end: bool,
}

/// A pod, as far as logs need it.
#[derive(Debug, Deserialize)]
pub(super) struct Pod {
    metadata: Meta,
    spec: Spec,
    #[serde(default)]
    status: Status,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Meta {
    #[serde(default)]
    uid: String,
    #[serde(default)]
    deletion_timestamp: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Spec {
    #[serde(default)]
    restart_policy: String,
    #[serde(default)]
    init_containers: Vec<Container>,
    #[serde(default)]
    containers: Vec<Container>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Container {
    name: String,
    #[serde(default)]
    restart_policy: Option<String>,
}

#[derive(Debug, Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Status {
    phase: String,
    reason: String,
    init_container_statuses: Vec<ContainerStatus>,
    container_statuses: Vec<ContainerStatus>,
    ephemeral_container_statuses: Vec<ContainerStatus>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct ContainerStatus {
    name: String,
    #[serde(default)]
    state: State,
    #[serde(default)]
    last_state: State,
}

#[derive(Debug, Deserialize, Default)]
struct State {
    running: Option<Running>,
    waiting: Option<Waiting>,
    terminated: Option<Terminated>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Running {
    started_at: Option<Timestamp>,
}

#[derive(Debug, Deserialize)]
struct Waiting {
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Terminated {
    #[serde(default)]
    exit_code: i32,
    #[serde(default)]
    signal: i32,
    #[serde(default)]
    reason: String,
    started_at: Option<Timestamp>,
}

impl Pod {
    /// What to do after a log ended or broke off.
    pub(super) fn next(&self, source: &LogSource, read: Read) -> Next {
        if !self.is(source) {
            return Next::End("the pod is gone".into());
        }
        let Some(status) = self.status_of(&source.container) else { return self.without_status() };
        let Some(run) = status.latest_run() else { return Next::Wait(status.waiting()) };
        let is_new = match (read.run, read.last) {
            (None, None) => false,
            (known, last) => known.is_none_or(|k| run > k) && last.is_none_or(|l| run.as_second() > l.as_second()),
        };
        match (is_new, &status.state.running) {
            (true, _) => Next::NewRun,
            (false, Some(_)) => Next::GoOn,
            // The run is over, but we were cut off before its end.
            (false, None) if !read.to_the_end => Next::GoOn,
            (false, None) => self.after(source, status),
        }
    }

    /// The start of the container's latest run.
    pub(super) fn latest_run(&self, source: &LogSource) -> Option<Timestamp> {
        self.status_of(&source.container)?.latest_run()
    }

    /// How the container's previous run ended, in words.
    pub(super) fn previous_end(&self, source: &LogSource) -> Option<String> {
        let status = self.status_of(&source.container).filter(|_| self.is(source))?;
        status.last_state.terminated.as_ref().map(Terminated::words)
    }

    fn is(&self, source: &LogSource) -> bool {
        self.metadata.uid == *source.pod_uid || source.pod_uid.is_empty()
    }

    fn status_of(&self, container: &str) -> Option<&ContainerStatus> {
        let s = &self.status;
        [&s.container_statuses, &s.init_container_statuses, &s.ephemeral_container_statuses]
            .into_iter()
            .flatten()
            .find(|c| c.name == container)
    }

    fn without_status(&self) -> Next {
        let reason = if self.status.reason.is_empty() { &self.status.phase } else { &self.status.reason };
        if self.is_over() { Next::End(format!("the pod is over: {}", shown(reason))) } else { Next::Wait(shown(reason)) }
    }

    /// The latest run was read to its end.
    fn after(&self, source: &LogSource, status: &ContainerStatus) -> Next {
        let ended = status.state.terminated.as_ref().or(status.last_state.terminated.as_ref());
        let words = ended.map_or_else(|| "ended".into(), Terminated::words);
        if !self.is_over() && self.metadata.deletion_timestamp.is_none() && self.restarts(&source.container, ended) {
            let waiting = status.state.waiting.as_ref().map_or("to be restarted", |w| &w.reason);
            return Next::Wait(format!("{words}; {}", shown(waiting)));
        }
        Next::End(words)
    }

    /// Whether the kubelet starts a container again that ended so.
    fn restarts(&self, container: &str, ended: Option<&Terminated>) -> bool {
        let failed = ended.is_none_or(|t| t.exit_code != 0);
        let own = |list: &[Container]| list.iter().find(|c| c.name == container).map(|c| c.restart_policy.clone());
        let policy = |own: Option<String>| own.unwrap_or_else(|| self.spec.restart_policy.clone());
        if let Some(own) = own(&self.spec.containers) {
            return match policy(own).as_str() {
                "Never" => false,
                "OnFailure" => failed,
                _ => true,
            };
        }
        match own(&self.spec.init_containers) {
            // A sidecar restarts for ever; an init container until it succeeds.
            Some(own) => own.as_deref() == Some("Always") || (failed && policy(own) != "Never"),
            None => false,
        }
    }

    fn is_over(&self) -> bool {
        matches!(self.status.phase.as_str(), "Succeeded" | "Failed")
    }
}

impl ContainerStatus {
    fn latest_run(&self) -> Option<Timestamp> {
        let running = self.state.running.as_ref().and_then(|r| r.started_at);
        let ended = |state: &State| state.terminated.as_ref().and_then(|t| t.started_at);
        running.or_else(|| ended(&self.state)).or_else(|| ended(&self.last_state))
    }

    fn waiting(&self) -> String {
        self.state.waiting.as_ref().map_or_else(|| "not started yet".into(), |w| shown(&w.reason))
    }
}

impl Terminated {
    /// `Completed`, `OOMKilled, exit code 137`, `Error, signal 9`.
    fn words(&self) -> String {
        let how = match (self.signal, self.exit_code) {
            (0, 0) => String::new(),
            (0, code) => format!("exit code {code}"),
            (signal, _) => format!("signal {signal}"),
        };
        match (self.reason.is_empty(), how.is_empty()) {
            (true, true) => "completed".into(),
            (true, false) => how,
            (false, true) => shown(&self.reason),
            (false, false) => format!("{}, {how}", shown(&self.reason)),
        }
    }
}

#[cfg(test)]
mod tests;
