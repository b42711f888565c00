//! What one pod says about its chances.
//!
//! Owns the reading of a pod's state into "ready", "on its way" or the trouble that it is in.

use jiff::Timestamp;
use serde_json::Value;

use super::{int, items, text};

/// A pod as the server has it.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct PodFacts<'a> {
    raw: &'a Value,
}

/// What keeps a pod from becoming ready.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) enum Trouble {
    /// No node takes it.
    Unschedulable(String),
    /// Its image cannot be had, or its container cannot be made: reason and message.
    CannotStart {
        /// `ImagePullBackOff`, `CreateContainerConfigError`, ...
        reason: String,
        /// In words.
        message: String,
        /// It will never be otherwise: no such name, never pulled by policy.
        for_good: bool,
    },
    /// It starts and ends, again and again.
    Crashing {
        /// In words.
        message: String,
        /// How often.
        restarts: i64,
    },
    /// It runs and is not ready, or is on its way.
    Waiting(String),
}

impl<'a> PodFacts<'a> {
    pub(in crate::run) fn of(raw: &'a Value) -> Self {
        Self { raw }
    }

    pub(in crate::run) fn name(self) -> String {
        text(self.raw, "/metadata/name")
    }

    pub(in crate::run) fn bears(self, pointer: &str, value: &str) -> bool {
        self.raw.pointer(pointer).and_then(Value::as_str) == Some(value)
    }

    pub(in crate::run) fn deleting(self) -> bool {
        self.raw.pointer("/metadata/deletionTimestamp").is_some()
    }

    pub(in crate::run) fn over(self) -> bool {
        matches!(self.raw.pointer("/status/phase").and_then(Value::as_str), Some("Succeeded" | "Failed"))
    }

    pub(in crate::run) fn spec(self) -> &'a Value {
        self.raw.get("spec").unwrap_or(&Value::Null)
    }

    pub(in crate::run) fn ready(self) -> bool {
        !self.deleting() && self.condition("Ready").is_some_and(|c| c["status"] == "True")
    }

    fn condition(self, kind: &str) -> Option<&'a Value> {
        items(self.raw, "/status/conditions").find(|c| c["type"] == kind)
    }

    /// When it was made.
    pub(in crate::run) fn created(self) -> Option<Timestamp> {
        text(self.raw, "/metadata/creationTimestamp").parse().ok()
    }

    /// How often its containers were started again, by the one that was most often.
    pub(in crate::run) fn restarts(self) -> i64 {
        let statuses = items(self.raw, "/status/initContainerStatuses").chain(items(self.raw, "/status/containerStatuses"));
        statuses.filter_map(|s| int(s, "/restartCount")).max().unwrap_or(0)
    }

    /// What keeps it from being ready; `None` when it is.
    pub(in crate::run) fn trouble(self) -> Option<Trouble> {
        if self.ready() {
            return None;
        }
        if let Some(scheduled) = self.condition("PodScheduled").filter(|c| c["status"] == "False") {
            return Some(match text(scheduled, "/reason").as_str() {
                "Unschedulable" => Trouble::Unschedulable(text(scheduled, "/message")),
                reason => Trouble::Waiting(format!("not scheduled: {reason}")),
            });
        }
        let statuses = items(self.raw, "/status/initContainerStatuses").chain(items(self.raw, "/status/containerStatuses"));
        let mut waiting = None;
        for status in statuses {
            match container(status) {
                Some(Trouble::Waiting(text)) => waiting = waiting.or(Some(text)),
                Some(trouble) => return Some(trouble),
                None => {}
            }
        }
        Some(Trouble::Waiting(waiting.unwrap_or_else(|| text(self.raw, "/status/phase"))))
    }
}

fn container(status: &Value) -> Option<Trouble> {
    let (name, restarts) = (text(status, "/name"), int(status, "/restartCount").unwrap_or(0));
    let waiting = status.pointer("/state/waiting");
    let reason = waiting.map(|w| text(w, "/reason")).unwrap_or_default();
    let message = |w: &Value| format!("container {name}: {reason}: {}", text(w, "/message"));
    match (waiting, reason.as_str()) {
        (Some(w), "ErrImagePull" | "ImagePullBackOff" | "CreateContainerConfigError" | "CreateContainerError" | "RegistryUnavailable") => {
            Some(Trouble::CannotStart { message: message(w), reason, for_good: false })
        }
        (Some(w), "InvalidImageName" | "ErrImageNeverPull") => Some(Trouble::CannotStart { message: message(w), reason, for_good: true }),
        (Some(_), "CrashLoopBackOff") => {
            let code = int(status, "/lastState/terminated/exitCode");
            let why = text(status, "/lastState/terminated/reason");
            let exit = code.map_or_else(|| why.clone(), |c| format!("exit {c} ({why})"));
            Some(Trouble::Crashing { message: format!("container {name}: CrashLoopBackOff, {exit}, {restarts} restarts"), restarts })
        }
        (Some(_), "") => Some(Trouble::Waiting(format!("container {name} is waiting"))),
        (Some(_), other) => Some(Trouble::Waiting(format!("container {name}: {other}"))),
        (None, _) if status["ready"] == true => None,
        (None, _) if status.pointer("/state/running").is_some() => Some(Trouble::Waiting(format!("container {name} runs and is not ready yet"))),
        (None, _) => {
            let code = int(status, "/state/terminated/exitCode").unwrap_or(0);
            (code != 0).then(|| Trouble::Waiting(format!("container {name} ended with exit {code}, {restarts} restarts")))
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{PodFacts, Trouble};

    fn trouble(status: &Value) -> Option<Trouble> {
        PodFacts::of(&json!({ "metadata": { "name": "api-1" }, "status": status })).trouble()
    }

    #[test]
    fn a_pods_state_is_read_to_its_root_cause() {
        let waiting = |reason: &str| {
            json!({ "containerStatuses": [{ "name": "c", "restartCount": 4,
            "state": { "waiting": { "reason": reason, "message": "m" } }, "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] })
        };
        assert_eq!(trouble(&json!({ "conditions": [{ "type": "Ready", "status": "True" }] })), None);
        assert_eq!(
            trouble(&json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes" }] })),
            Some(Trouble::Unschedulable("0/1 nodes".into()))
        );
        for (reason, for_good) in [("ImagePullBackOff", false), ("ErrImageNeverPull", true), ("CreateContainerConfigError", false)] {
            let expected = Trouble::CannotStart { reason: reason.into(), message: format!("container c: {reason}: m"), for_good };
            assert_eq!(trouble(&waiting(reason)), Some(expected));
        }
        assert_eq!(
            trouble(&waiting("CrashLoopBackOff")),
            Some(Trouble::Crashing { message: "container c: CrashLoopBackOff, exit 137 (OOMKilled), 4 restarts".into(), restarts: 4 })
        );
        assert_eq!(trouble(&waiting("ContainerCreating")), Some(Trouble::Waiting("container c: ContainerCreating".into())));
        let running = json!({ "containerStatuses": [{ "name": "c", "ready": false, "state": { "running": {} } }] });
        assert_eq!(trouble(&running), Some(Trouble::Waiting("container c runs and is not ready yet".into())));
    }

    #[test]
    fn control_sequences_in_messages_are_gone() {
        let status = json!({ "conditions": [{ "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "\u{1b}[2Jboo" }] });
        assert_eq!(trouble(&status), Some(Trouble::Unschedulable("boo".into())));
    }
}
