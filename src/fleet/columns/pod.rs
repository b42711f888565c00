//! READY, STATUS, RESTARTS and AGE of a pod: `printPod`.
//!
//! One deviation in form, none in outcome: `printPod` walks `status.containerStatuses` from last to first so that the first
//! one wins. The kubelet sorts that list by name, so here the container with the smallest name wins, in whatever order the
//! spec has them.

use jiff::Timestamp;

use super::age_since;
use crate::base::age;
use crate::base::text::Str;
use crate::target::model::{Container, ContainerRole, ContainerState, Pod, Seconds, Termination, condition};

/// What kubectl prints of a pod, apart from ages, which are made when they are drawn.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PodColumns {
    /// STATUS.
    pub status: Str,
    /// Containers that are ready, of `total`.
    pub ready: u16,
    /// Main containers and sidecars.
    pub total: u16,
    /// RESTARTS.
    pub restarts: u32,
    /// When a container last ended before it was restarted.
    pub last_restart: Option<Seconds>,
}

impl PodColumns {
    /// `1/2`.
    pub fn ready_text(&self) -> String {
        format!("{}/{}", self.ready, self.total)
    }

    /// `7` or `7 (3m12s ago)`.
    pub fn restarts_text(&self, now: Timestamp) -> String {
        match self.last_restart {
            Some(at) if self.restarts > 0 => format!("{} ({} ago)", self.restarts, age::human(now.as_second() - at)),
            _ => self.restarts.to_string(),
        }
    }
}

/// The cells of `kubectl get pod`: NAME, READY, STATUS, RESTARTS, AGE.
pub fn cells(pod: &Pod, columns: &PodColumns, now: Timestamp) -> [String; 5] {
    [pod.meta.name.to_string(), columns.ready_text(), columns.status.to_string(), columns.restarts_text(now), age_since(pod.meta.created, now)]
}

/// Counts restarts and remembers the newest end of an earlier run.
#[derive(Default, Clone, Copy)]
struct Restarts {
    count: u32,
    last: Option<Seconds>,
}

impl Restarts {
    fn add(&mut self, container: &Container) {
        self.count += container.restarts;
        self.last = self.last.max(container.last.as_ref().and_then(|t| t.finished));
    }
}

/// What `printPod` computes.
pub fn pod(pod: &Pod) -> PodColumns {
    let total = pod.containers.iter().filter(|c| matches!(c.role, ContainerRole::Main | ContainerRole::Sidecar)).count();
    let mut reason = if pod.reason.is_empty() { pod.phase.clone() } else { pod.reason.clone() };
    if pod.conditions.iter().any(|c| &*c.kind == "PodScheduled" && &*c.reason == "SchedulingGated") {
        reason = "SchedulingGated".into();
    }
    let init = initialise(pod);
    let mut restarts = init.restarts;
    let mut ready = init.ready;
    if let Some(why) = &init.unfinished {
        reason = why.as_str().into();
    }
    if init.unfinished.is_none() || holds(pod, "Initialized") {
        restarts = init.sidecars;
        let main = run(pod);
        pod.containers.iter().filter(|c| c.role == ContainerRole::Main).for_each(|c| restarts.add(c));
        ready += main.ready;
        if let Some(word) = main.word {
            reason = word;
        }
        if &*reason == "Completed" {
            if main.ready > 0 && holds(pod, "Ready") {
                reason = "Running".into();
            } else if let Some(error) = main.error {
                reason = error;
            } else if main.ready > 0 {
                reason = "NotReady".into();
            }
        }
    }
    if pod.meta.deleted.is_some() {
        if &*pod.reason == "NodeLost" {
            reason = "Unknown".into();
        } else if !matches!(&*pod.phase, "Succeeded" | "Failed") {
            reason = "Terminating".into();
        }
    }
    PodColumns { status: reason, ready, total: total as u16, restarts: restarts.count, last_restart: restarts.last }
}

/// What the loop over init containers finds.
#[derive(Default)]
struct Initialising {
    /// Of all init containers up to the one that is not done.
    restarts: Restarts,
    /// Of the sidecars among them.
    sidecars: Restarts,
    ready: u16,
    /// `Init:…` when one is not done.
    unfinished: Option<String>,
}

fn initialise(pod: &Pod) -> Initialising {
    let mut found = Initialising::default();
    let count = pod.containers.iter().filter(|c| is_init(c)).count();
    let reported = pod.containers.iter().filter(|c| is_init(c) && c.state != ContainerState::Absent);
    for (index, container) in reported.enumerate() {
        let sidecar = container.role == ContainerRole::Sidecar;
        found.restarts.add(container);
        if sidecar {
            found.sidecars.add(container);
        }
        match &container.state {
            ContainerState::Terminated(t) if t.exit_code == 0 => continue,
            _ if sidecar && container.started => {
                found.ready += u16::from(container.ready);
                continue;
            }
            ContainerState::Terminated(t) => found.unfinished = Some(format!("Init:{}", end_word(t))),
            ContainerState::Waiting { reason, .. } if !reason.is_empty() && &**reason != "PodInitializing" => {
                found.unfinished = Some(format!("Init:{reason}"));
            }
            _ => found.unfinished = Some(format!("Init:{index}/{count}")),
        }
        break;
    }
    found
}

/// What the loop over main containers finds.
#[derive(Default)]
struct Running {
    ready: u16,
    /// Word of the container that wins.
    word: Option<Str>,
    /// Word of the first container that ended badly.
    error: Option<Str>,
}

fn run(pod: &Pod) -> Running {
    let mut found = Running::default();
    let (mut word_of, mut error_of): (Option<&Str>, Option<&Str>) = (None, None);
    let first = |best: Option<&Str>, c: &Container| best.is_none_or(|b| c.name < *b);
    for container in pod.containers.iter().filter(|c| c.role == ContainerRole::Main) {
        match &container.state {
            ContainerState::Waiting { reason, .. } if !reason.is_empty() && first(word_of, container) => {
                (word_of, found.word) = (Some(&container.name), Some(reason.clone()));
            }
            ContainerState::Terminated(t) => {
                let word = end_word(t);
                if t.exit_code != 0 && first(error_of, container) {
                    (error_of, found.error) = (Some(&container.name), Some(word.clone()));
                }
                if first(word_of, container) {
                    (word_of, found.word) = (Some(&container.name), Some(word));
                }
            }
            ContainerState::Running { .. } => found.ready += u16::from(container.ready),
            _ => {}
        }
    }
    found
}

/// `OOMKilled`, else `Signal:9`, else `ExitCode:1`.
fn end_word(t: &Termination) -> Str {
    match (t.reason.is_empty(), t.signal) {
        (false, _) => t.reason.clone(),
        (true, 0) => format!("ExitCode:{}", t.exit_code).into(),
        (true, signal) => format!("Signal:{signal}").into(),
    }
}

fn is_init(container: &Container) -> bool {
    matches!(container.role, ContainerRole::Init | ContainerRole::Sidecar)
}

fn holds(pod: &Pod, kind: &str) -> bool {
    condition(&pod.conditions, kind).is_some_and(|c| c.status == Some(true))
}

#[cfg(test)]
mod tests;
