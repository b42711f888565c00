//! Why something is not ok: one line for its row, and the chain of reasons behind it.
//!
//! Owns the root-cause rules for pods. Texts carry no ages, so that a row changes only when its cause does; `since` has the
//! time. Must not decide health (that is `health`).

mod container;
pub mod exit;
pub(crate) mod message;
mod workload;

use serde::Serialize;

use super::Fleet;
use super::objects::PodEntry;
use crate::target::model::{Container, ContainerRole, ContainerState, Event, Pod, Seconds, condition};

/// The kubelet forgets a container's crashes after it ran for ten minutes; until then a restart is news.
pub const RESTART_IS_NEWS: Seconds = 600;
/// A pod that takes longer to go away than its grace period and this is stuck.
const STUCK: Seconds = 60;

/// Why something is not ok.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// What kind of trouble.
    pub trouble: Trouble,
    /// A word or two, for narrow rows: `OOMKilled`, `ImagePullBackOff`.
    pub short: String,
    /// One line: `container backend: CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts`.
    pub text: String,
    /// Since when, as far as it is known.
    pub since: Option<Seconds>,
    /// From the top down to the last exit or message, in full.
    pub chain: Vec<Link>,
}

/// One step of the reason chain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Link {
    /// What speaks: `Deployment web`, `pod web-7d9-x`, `container app`, `last exit`.
    pub what: String,
    /// What it says.
    pub says: String,
    /// Since when.
    pub since: Option<Seconds>,
}

impl Link {
    pub(crate) fn new(what: impl Into<String>, says: impl Into<String>, since: Option<Seconds>) -> Self {
        Self { what: what.into(), says: says.into(), since }
    }
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trouble {
    /// A container ends again and again.
    CrashLoop,
    /// A container ended badly.
    Exit,
    /// The image cannot be had.
    Image,
    /// The container cannot be made: missing ConfigMap, Secret, command.
    Config,
    /// A volume is missing or cannot be mounted.
    Volume,
    /// No node takes the pod.
    Scheduling,
    /// A quota or an admission rule refuses pods.
    Quota,
    /// A probe fails.
    Probe,
    /// An init container is not done.
    Init,
    /// The node is not ready.
    Node,
    /// Not there yet.
    Starting,
    /// Thrown off its node.
    Evicted,
    /// Does not go away.
    Stuck,
    /// Was restarted lately.
    Restarted,
    /// A rollout does not get on.
    Rollout,
    /// A scheduled run did not happen.
    Missed,
    /// Cannot be read, or is stale.
    Unseen,
    /// None of these.
    Other,
}

impl Cause {
    pub(crate) fn new(trouble: Trouble, short: impl Into<String>, text: impl Into<String>, since: Option<Seconds>) -> Self {
        Self { trouble, short: short.into(), text: text.into(), since, chain: Vec::new() }
    }

    /// The same with the next step of its chain.
    #[must_use]
    pub(crate) fn link(mut self, what: impl Into<String>, says: impl Into<String>, since: Option<Seconds>) -> Self {
        self.chain.push(Link::new(what, says, since));
        self
    }

    /// The same cause as seen from something above: `text` in front, one link on top of the chain.
    #[must_use]
    pub(crate) fn under(mut self, prefix: &str, top: Link) -> Self {
        self.text = format!("{prefix}: {}", self.text);
        self.chain.insert(0, top);
        self
    }
}

/// Why a pod is not as wanted, or what is remarkable about it; `None` when there is nothing to say.
pub fn pod(fleet: &Fleet, entry: &PodEntry, now: Seconds) -> Option<Cause> {
    let pod = &*entry.pod;
    let found = stuck(pod, now)
        .or_else(|| pod_reason(pod))
        .or_else(|| unscheduled(fleet, pod))
        .or_else(|| lost_node(fleet, pod))
        .or_else(|| initialising(fleet, pod))
        .or_else(|| main(fleet, pod))
        .or_else(|| gate(pod))
        .or_else(|| restarted(fleet, pod, now))?;
    Some(Cause {
        chain: std::iter::once(Link::new(format!("pod {}", pod.meta.name), &*entry.columns.status, None))
            .chain(found.chain)
            .collect(),
        ..found
    })
}

/// Whether a pod serves: running and its Ready condition true.
pub fn is_ready(pod: &Pod) -> bool {
    &*pod.phase == "Running" && condition(&pod.conditions, "Ready").is_some_and(|c| c.status == Some(true))
}

fn stuck(pod: &Pod, now: Seconds) -> Option<Cause> {
    let deadline = pod.meta.deleted?;
    (now - deadline > STUCK).then(|| {
        let text = "does not go away: its grace period is over";
        Cause::new(Trouble::Stuck, "stuck terminating", text, Some(deadline)).link(
            "deletion",
            "grace period over; a finalizer or a lost node holds it",
            Some(deadline),
        )
    })
}

fn pod_reason(pod: &Pod) -> Option<Cause> {
    if pod.reason.is_empty() {
        return None;
    }
    let trouble = if &*pod.reason == "Evicted" { Trouble::Evicted } else { Trouble::Other };
    Some(Cause::new(trouble, &*pod.reason, with_message(&pod.reason, &message::first_words(&pod.message, 100)), None).link(
        "status",
        &*pod.message,
        None,
    ))
}

fn unscheduled(fleet: &Fleet, pod: &Pod) -> Option<Cause> {
    let scheduled = condition(&pod.conditions, "PodScheduled").filter(|c| c.status == Some(false))?;
    if &*scheduled.reason == "SchedulingGated" {
        return Some(Cause::new(Trouble::Scheduling, "SchedulingGated", "held back by a scheduling gate", scheduled.since));
    }
    let event = newest(fleet, pod, |e| &*e.reason == "FailedScheduling");
    let full = if scheduled.message.is_empty() { event.map_or("", |e| &*e.message) } else { &*scheduled.message };
    let short = message::scheduling(full);
    let cause = if message::waits_for_volume(full) {
        Cause::new(Trouble::Volume, "volume pending", with_message("waits for its volume", short), scheduled.since)
    } else {
        Cause::new(Trouble::Scheduling, "Unschedulable", with_message("cannot be scheduled", short), scheduled.since)
    };
    Some(cause.link("scheduler", full, scheduled.since))
}

fn lost_node(fleet: &Fleet, pod: &Pod) -> Option<Cause> {
    if is_ready(pod) || matches!(&*pod.phase, "Succeeded" | "Failed") {
        return None;
    }
    let ready = condition(&fleet.node(&pod.node)?.conditions, "Ready").filter(|c| c.status != Some(true))?;
    let text = with_message(&format!("node {} is not ready", pod.node), &ready.reason);
    Some(Cause::new(Trouble::Node, "node not ready", text, ready.since).link(format!("node {}", pod.node), &*ready.message, ready.since))
}

/// The first init container that is not done, as kubectl's STATUS finds it.
fn initialising(fleet: &Fleet, pod: &Pod) -> Option<Cause> {
    if condition(&pod.conditions, "Initialized").is_some_and(|c| c.status == Some(true)) {
        return None;
    }
    let undone = |c: &&Container| match (&c.state, c.role) {
        (ContainerState::Absent, _) | (_, ContainerRole::Main | ContainerRole::Ephemeral) => false,
        (ContainerState::Terminated(t), _) => t.exit_code != 0,
        (_, ContainerRole::Sidecar) => !c.started,
        _ => true,
    };
    let container = pod.containers.iter().find(undone)?;
    container::cause(fleet, pod, container).or_else(|| {
        let ContainerState::Running { since } = container.state else { return None };
        let text = format!("init container {} still runs", container.name);
        Some(Cause::new(Trouble::Init, "initialising", text, since).link(format!("init container {}", container.name), "running", since))
    })
}

/// The worst main container or sidecar; among equals the first.
fn main(fleet: &Fleet, pod: &Pod) -> Option<Cause> {
    if is_ready(pod) {
        return None;
    }
    let relevant = pod.containers.iter().filter(|c| matches!(c.role, ContainerRole::Main | ContainerRole::Sidecar));
    let causes = relevant.filter_map(|c| container::cause(fleet, pod, c));
    causes.min_by_key(|c| match c.trouble {
        Trouble::CrashLoop => 0,
        Trouble::Image | Trouble::Config | Trouble::Volume => 1,
        Trouble::Exit => 2,
        Trouble::Probe => 3,
        _ => 4,
    })
}

/// Every container is ready, the pod is not: a readiness gate.
fn gate(pod: &Pod) -> Option<Cause> {
    if &*pod.phase != "Running" || is_ready(pod) || pod.readiness_gates == 0 {
        return None;
    }
    let ready = condition(&pod.conditions, "Ready")?;
    let text = with_message("a readiness gate does not hold", &ready.message);
    Some(Cause::new(Trouble::Probe, "readiness gate", text, ready.since).link(
        "condition Ready",
        with_message(&ready.reason, &ready.message),
        ready.since,
    ))
}

/// Ready again after a restart that is still news.
fn restarted(fleet: &Fleet, pod: &Pod, now: Seconds) -> Option<Cause> {
    let newest = pod
        .containers
        .iter()
        .filter(|c| matches!(c.role, ContainerRole::Main | ContainerRole::Sidecar) && c.restarts > 0)
        .filter_map(|c| Some((c, c.last.as_deref()?)))
        .max_by_key(|(_, end)| end.finished)?;
    let (container, end) = newest;
    let at = end.finished.filter(|at| now - at < RESTART_IS_NEWS)?;
    let text = format!(
        "container {} was restarted: {}, {}",
        container.name,
        container::ended(fleet, pod, container, end),
        restarts(container.restarts)
    );
    Some(container::ended_link(Cause::new(Trouble::Restarted, container::end_word(end), text, Some(at)), end))
}

/// The newest event about a pod that a rule wants.
fn newest<'a>(fleet: &'a Fleet, pod: &Pod, wanted: impl Fn(&Event) -> bool) -> Option<&'a Event> {
    fleet.events_about(&pod.meta.uid).map(|e| &**e).find(|e| wanted(e))
}

fn restarts(count: u32) -> String {
    if count == 1 { "1 restart".into() } else { format!("{count} restarts") }
}

fn with_message(what: &str, message: &str) -> String {
    if message.is_empty() { what.to_owned() } else { format!("{what}: {message}") }
}

#[cfg(test)]
mod tests;
