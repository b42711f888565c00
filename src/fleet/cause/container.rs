//! Why one container is not as wanted.

use super::message::{self, first_words};
use super::{Cause, Trouble, exit, newest, restarts, with_message};
use crate::fleet::Fleet;
use crate::fleet::image::Image;
use crate::target::model::{Container, ContainerRole, ContainerState, Event, Pod, Termination};

/// Longest part of a termination message on a row.
const MESSAGE: usize = 80;

/// A kill and the end that follows it may be as far apart as the grace period and some more.
const KILL_TAKES: crate::target::model::Seconds = 120;

/// A run that fails sooner than this did not get to work.
const SHORT_RUN: crate::target::model::Seconds = 60;

/// Why this container is not ready; `None` when there is nothing wrong with it.
pub(super) fn cause(fleet: &Fleet, pod: &Pod, container: &Container) -> Option<Cause> {
    match &container.state {
        ContainerState::Absent => None,
        ContainerState::Waiting { reason, message } => waiting(fleet, pod, container, reason, message),
        ContainerState::Terminated(end) => terminated(fleet, pod, container, end),
        ContainerState::Running { .. } if container.ready || container.role == ContainerRole::Init => None,
        ContainerState::Running { .. } => Some(unready(fleet, pod, container)),
    }
}

/// `container backend`, `init container migrate`.
fn name(container: &Container) -> String {
    match container.role {
        ContainerRole::Init => format!("init container {}", container.name),
        ContainerRole::Sidecar => format!("sidecar {}", container.name),
        ContainerRole::Main | ContainerRole::Ephemeral => format!("container {}", container.name),
    }
}

fn waiting(fleet: &Fleet, pod: &Pod, container: &Container, reason: &str, message: &str) -> Option<Cause> {
    let who = name(container);
    let cause = match reason {
        "CrashLoopBackOff" => return Some(crash_loop(fleet, pod, container, &who, message)),
        "ImagePullBackOff"
        | "ErrImagePull"
        | "ErrImageNeverPull"
        | "InvalidImageName"
        | "ImageInspectError"
        | "RegistryUnavailable"
        | "SignatureValidationFailed" => return Some(image(fleet, pod, container, &who, reason, message)),
        "" | "ContainerCreating" | "PodInitializing" => return creating(fleet, pod, container),
        "CreateContainerConfigError" | "CreateContainerError" | "RunContainerError" | "PostStartHookError" | "PreStartHookError" => Trouble::Config,
        _ => Trouble::Other,
    };
    let said = if cause == Trouble::Config { message::runtime(message) } else { message };
    let text = format!("{who}: {}", with_message(reason, &first_words(said, 120)));
    Some(Cause::new(cause, reason, text, None).link(who, with_message(reason, message), None))
}

fn crash_loop(fleet: &Fleet, pod: &Pod, container: &Container, who: &str, message: &str) -> Cause {
    let mut text = format!("{who}: CrashLoopBackOff");
    let end = container.last.as_deref();
    if let Some(end) = end {
        text = format!("{text}, {}", ended(fleet, pod, container, end));
    }
    text = format!("{text}, {}", restarts(container.restarts));
    if let Some(said) = end.map(|e| first_words(&e.message, MESSAGE)).filter(|m| !m.is_empty()) {
        text = format!("{text}: {said}");
    }
    let short = end.map_or("CrashLoopBackOff".to_owned(), end_word);
    let since = end.and_then(|e| e.finished);
    let cause = Cause::new(Trouble::CrashLoop, short, text, since).link(who, with_message("CrashLoopBackOff", message), since);
    match end {
        Some(end) => ended_link(cause, end),
        None => cause,
    }
}

fn image(fleet: &Fleet, pod: &Pod, container: &Container, who: &str, reason: &str, message: &str) -> Cause {
    let failed = newest(fleet, pod, |e| &*e.reason == "Failed" && e.message.contains(&*container.image));
    let why = message::pull(message).or_else(|| failed.and_then(|e| message::pull(&e.message)));
    let wanted = Image::parse(&container.image);
    let short_name = wanted.repository.rsplit('/').next().unwrap_or(wanted.repository);
    let text = match why {
        Some(why) => format!("{who}: {reason}: {short_name}:{}: {}", wanted.version(), first_words(why, MESSAGE)),
        None => format!("{who}: {reason}: {short_name}:{}", wanted.version()),
    };
    let cause = Cause::new(Trouble::Image, reason, text, None).link(who, with_message(reason, message), None);
    let cause = cause.link("image", &*container.image, None);
    match failed {
        Some(event) => cause.link("kubelet", &*event.message, Some(event.last)),
        None => cause,
    }
}

/// Being made: what the kubelet complains about meanwhile, if anything.
fn creating(fleet: &Fleet, pod: &Pod, container: &Container) -> Option<Cause> {
    const COMPLAINTS: [&str; 6] =
        ["FailedMount", "FailedAttachVolume", "FailedMapVolume", "FailedCreatePodSandBox", "NetworkNotReady", "FailedCreatePodContainer"];
    let event = newest(fleet, pod, |e| e.warning && COMPLAINTS.contains(&&*e.reason))?;
    let volume = matches!(&*event.reason, "FailedMount" | "FailedAttachVolume" | "FailedMapVolume");
    let trouble = if volume { Trouble::Volume } else { Trouble::Config };
    let text = format!("{}: {}: {}", name(container), event.reason, first_words(message::mount(&event.message), 120));
    Some(
        Cause::new(trouble, &*event.reason, text, Some(event.first))
            .link(name(container), "ContainerCreating", None)
            .link("kubelet", &*event.message, Some(event.last)),
    )
}

fn terminated(fleet: &Fleet, pod: &Pod, container: &Container, end: &Termination) -> Option<Cause> {
    // Ended as it should; a restart follows where the pod wants one, and until then it serves nobody.
    let done = end.exit_code == 0 && end.signal == 0;
    if done && (container.role != ContainerRole::Main || &*pod.restart_policy != "Always") {
        return None;
    }
    let who = name(container);
    let mut text = format!("{who}: {}", ended(fleet, pod, container, end));
    if container.restarts > 0 {
        text = format!("{text}, {}", restarts(container.restarts));
    }
    let said = first_words(&end.message, MESSAGE);
    if !said.is_empty() {
        text = format!("{text}: {said}");
    }
    let cause = Cause::new(Trouble::Exit, end_word(end), text, end.finished).link(who, "terminated", end.finished);
    Some(ended_link(cause, end))
}

/// Runs, is not ready: the failing probe from events, or how it ended before.
fn unready(fleet: &Fleet, pod: &Pod, container: &Container) -> Cause {
    let who = name(container);
    let since = match container.state {
        ContainerState::Running { since } => since,
        _ => None,
    };
    let failing = failing_probe(fleet, pod, container);
    if let Some(end) = container.last.as_deref().filter(|end| loops(container, end)) {
        let text = format!("{who}: {}, {}", ended(fleet, pod, container, end), restarts(container.restarts));
        let cause = Cause::new(Trouble::CrashLoop, end_word(end), text, end.finished).link(who, "running, not ready", since);
        let cause = match failing {
            Some((event, _)) => cause.link("kubelet", &*event.message, Some(event.last)),
            None => cause,
        };
        return ended_link(cause, end);
    }
    if let Some((event, (probe, got))) = failing {
        let text = format!("{who}: {probe} probe fails: {got}");
        let cause = Cause::new(Trouble::Probe, format!("{probe} probe"), text, Some(event.first)).link(who, "running, not ready", since);
        return cause.link("kubelet", format!("{} ({} times)", event.message, event.count.max(1)), Some(event.last));
    }
    if let Some(end) = container.last.as_deref().filter(|_| container.restarts > 0) {
        let text = format!("{who} is not ready after {}: {}", restarts(container.restarts), ended(fleet, pod, container, end));
        return ended_link(Cause::new(Trouble::Restarted, end_word(end), text, end.finished).link(who, "running, not ready", since), end);
    }
    let says = if container.started { "is not ready yet" } else { "has not started yet" };
    Cause::new(Trouble::Starting, "not ready", format!("{who} {says}"), since).link(who, "running, not ready", since)
}

/// Caught between two crashes: that it is not ready yet, and that its probe fails, follows from how it ends again and again.
fn loops(container: &Container, end: &Termination) -> bool {
    let lasted = end.finished.zip(end.started).map(|(finished, started)| finished - started);
    let failed = end.exit_code != 0 || end.signal != 0;
    container.restarts >= 2 && failed && lasted.is_some_and(|seconds| seconds < SHORT_RUN)
}

/// The newest event of a probe of this container that failed since the container runs.
fn failing_probe<'a>(fleet: &'a Fleet, pod: &Pod, container: &Container) -> Option<(&'a Event, (&'static str, String))> {
    let ContainerState::Running { since } = container.state else { return None };
    let mine = |e: &Event| e.field_path.is_empty() || e.field_path.contains(&format!("{{{}}}", container.name));
    let event = newest(fleet, pod, |e| {
        &*e.reason == "Unhealthy" && mine(e) && since.is_none_or(|s| e.last >= s) && message::probe(&e.message).is_some()
    })?;
    Some((event, message::probe(&event.message)?))
}

/// How a container ended: the exit code and what it means, or who killed it. A kill looks like any other SIGKILL or SIGTERM in
/// the exit code; the kubelet's event tells of the probe that asked for it.
pub(super) fn ended(fleet: &Fleet, pod: &Pod, container: &Container, end: &Termination) -> String {
    let killed = matches!(end.exit_code, 137 | 143) && matches!(&*end.reason, "" | "Error");
    let asked = |e: &Event| {
        let near = end.finished.is_none_or(|at| (e.last - at).abs() <= KILL_TAKES);
        &*e.reason == "Killing" && near && e.field_path.contains(&format!("{{{}}}", container.name))
    };
    let probe = newest(fleet, pod, |e| killed && asked(e))
        .and_then(|e| ["liveness", "startup"].into_iter().find(|p| e.message.contains(&format!("failed {p} probe"))));
    match probe {
        Some(probe) => format!("exit {} (killed, {probe} probe failed)", end.exit_code),
        None => exit::text(end),
    }
}

/// The word of how it ended, for narrow rows.
pub(super) fn end_word(end: &Termination) -> String {
    match &*end.reason {
        "" | "Error" | "Completed" => format!("exit {}", end.exit_code),
        reason => reason.to_owned(),
    }
}

/// The last link of a chain: how the container ended.
pub(super) fn ended_link(cause: Cause, end: &Termination) -> Cause {
    cause.link("last exit", with_message(&exit::text(end), &end.message), end.finished)
}
