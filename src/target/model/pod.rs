//! Pods and their containers.
//!
//! Owns the fields that kubectl's columns and the root-cause rules need (`fleet`), nothing else.

use super::{Condition, Meta, Seconds};
use crate::base::text::Str;

/// A pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pod {
    /// What every object has.
    pub meta: Meta,
    /// Node it is bound to; empty while unscheduled.
    pub node: Str,
    /// `Pending`, `Running`, `Succeeded`, `Failed`, `Unknown`.
    pub phase: Str,
    /// `status.reason`: `Evicted`, `NodeLost`; usually empty.
    pub reason: Str,
    /// `status.message`; usually empty.
    pub message: Box<str>,
    /// First pod address; empty when none.
    pub ip: Box<str>,
    /// When the kubelet took it.
    pub started: Option<Seconds>,
    /// Spec and status merged: init (sidecars among them), main, ephemeral, in the order of the spec.
    pub containers: Box<[Container]>,
    /// All conditions.
    pub conditions: Box<[Condition]>,
    /// `spec.restartPolicy`.
    pub restart_policy: Str,
    /// Number of `spec.readinessGates`.
    pub readiness_gates: u8,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Container {
    /// Name within the pod.
    pub name: Str,
    /// Which list of the spec it is in.
    pub role: ContainerRole,
    /// As the spec names it.
    pub image: Str,
    /// What ran, with its digest (`status.imageID`); empty when unknown.
    pub image_id: Str,
    /// Passes its readiness probe.
    pub ready: bool,
    /// Passed its startup probe.
    pub started: bool,
    /// Restart count.
    pub restarts: u32,
    /// What it does now.
    pub state: ContainerState,
    /// How it ended the last time.
    pub last: Option<Box<Termination>>,
    /// `resources.requests`.
    pub requests: Resources,
    /// `resources.limits`.
    pub limits: Resources,
}

/// Which list of the pod spec a container is in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ContainerRole {
    /// Runs to its end before the main ones start.
    Init,
    /// An init container with `restartPolicy: Always`: runs beside the main ones and counts in READY.
    Sidecar,
    /// `spec.containers`.
    Main,
    /// Added for debugging.
    Ephemeral,
}

/// `status.containerStatuses[].state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ContainerState {
    /// The status does not speak of this container yet.
    Absent,
    /// Not running yet, or between restarts.
    Waiting {
        /// `CrashLoopBackOff`, `ImagePullBackOff`, `PodInitializing`, ...
        reason: Str,
        /// Prose.
        message: Box<str>,
    },
    /// Running.
    Running {
        /// Since when.
        since: Option<Seconds>,
    },
    /// Ended.
    Terminated(Box<Termination>),
}

/// How a container ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Termination {
    /// Exit code.
    pub exit_code: i32,
    /// Signal number, 0 when none.
    pub signal: i32,
    /// `Completed`, `Error`, `OOMKilled`, ...
    pub reason: Str,
    /// Prose.
    pub message: Box<str>,
    /// When it began.
    pub started: Option<Seconds>,
    /// When it ended.
    pub finished: Option<Seconds>,
}

/// CPU and memory; `None` means not given, which is not zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub struct Resources {
    /// CPU in thousandths of a core.
    pub cpu_milli: Option<i64>,
    /// Memory in bytes.
    pub memory: Option<i64>,
}
