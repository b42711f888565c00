//! What the console says about one workload now.
//!
//! Owns plain data, computed when something about the workload changed (`judge`), read when it is drawn or printed.

use std::sync::Arc;

use super::cause::Cause;
use super::health::{Endpoints, Rollout};
use super::image::Image;
use super::workload::{WorkloadKey, WorkloadKind};
use crate::base::health::Health;
use crate::base::text::Str;
use crate::target::model::{Resources, Seconds, Usage};

/// One workload, judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkloadRow {
    /// Which.
    pub key: Arc<WorkloadKey>,
    /// Its identity; empty when the object itself cannot be seen.
    pub uid: Str,
    /// When it was made; 0 when unknown.
    pub created: Seconds,
    /// How well it is.
    pub health: Health,
    /// How far its rollout is.
    pub rollout: Rollout,
    /// What is said beside the health: `2 of 3 ready`, `paused`, `progressing: …`, `complete`.
    pub text: Option<String>,
    /// Why it is not ok.
    pub cause: Option<Cause>,
    /// Pods wanted; of a Job the completions.
    pub desired: i32,
    /// Pods ready; of a Job the completions so far.
    pub ready: i32,
    /// Pods of the newest template.
    pub updated: i32,
    /// Pods ready for long enough.
    pub available: i32,
    /// Pods that are there, those that are going away included.
    pub pods: usize,
    /// Restarts of all its pods.
    pub restarts: u32,
    /// When a container of it was last restarted.
    pub last_restart: Option<Seconds>,
    /// Main containers of its template.
    pub images: Box<[RowImage]>,
    /// Number of the current revision.
    pub revision: Option<i64>,
    /// Services of the namespace that select its pods.
    pub services: Box<[Str]>,
    /// Endpoints behind these Services; of several the one with the fewest ready. `None` without a Service.
    pub endpoints: Option<Endpoints>,
    /// Bounds of its autoscaler.
    pub autoscaler: Option<Autoscaler>,
    /// What its pods use; `None` = not known, which is not zero.
    pub usage: Option<Usage>,
    /// Requests of its pods; `None` where no container has one.
    pub requests: Resources,
    /// Limits of its pods; `None` where no container has one.
    pub limits: Resources,
    /// When the verdict changes by itself.
    pub turn: Option<Seconds>,
}

/// One image of a workload.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowImage {
    /// Container.
    pub container: Str,
    /// As the template names it.
    pub image: Str,
    /// Digest of what a pod of this template runs; `None` = not known.
    pub digest: Option<Str>,
}

impl RowImage {
    /// The reference by digest where it is known, else as written: `ghcr.io/a/b@sha256:…`.
    pub fn pinned(&self) -> String {
        match &self.digest {
            Some(digest) => format!("{}@{digest}", Image::parse(&self.image).repository),
            None => self.image.to_string(),
        }
    }

    /// The tag, else the digest, short.
    pub fn version(&self) -> String {
        Image::parse(&self.image).version()
    }
}

/// A horizontal pod autoscaler as the row shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Autoscaler {
    /// Name of the object.
    pub name: Str,
    /// Lower bound.
    pub min: i32,
    /// Upper bound.
    pub max: i32,
    /// What it wants now.
    pub wants: i32,
    /// Somebody paused it: neither up nor down.
    pub paused: bool,
}

impl WorkloadRow {
    /// READY as the tree shows it: `2/3`, and for Jobs a word.
    pub fn ready_text(&self) -> String {
        let word = self.text.as_deref().unwrap_or_default();
        match self.key.kind {
            WorkloadKind::Job if word == "complete" => "done".into(),
            WorkloadKind::Job if word.starts_with("failed") => "failed".into(),
            WorkloadKind::Job | WorkloadKind::CronJob if word == "suspended" => word.into(),
            WorkloadKind::CronJob if self.ready > 0 => format!("{} active", self.ready),
            WorkloadKind::CronJob => "idle".into(),
            _ => format!("{}/{}", self.ready, self.desired),
        }
    }

    /// The version of the first image: tag, else digest.
    pub fn release(&self) -> Option<String> {
        self.images.first().map(RowImage::version)
    }

    /// CPU used, in per cent of the limit, else of the request; `None` when either is not known.
    pub fn cpu_percent(&self) -> Option<i64> {
        percent(self.usage.map(|u| u.cpu_milli), self.limits.cpu_milli.or(self.requests.cpu_milli))
    }

    /// Memory used, in per cent of the limit, else of the request; `None` when either is not known.
    pub fn memory_percent(&self) -> Option<i64> {
        percent(self.usage.map(|u| u.memory), self.limits.memory.or(self.requests.memory))
    }

    /// Why it is not ok, in one line; the verdict's own words where there is no cause.
    pub fn reason(&self) -> Option<&str> {
        match (&self.cause, self.health) {
            (Some(cause), _) => Some(&cause.text),
            (None, Health::Ok | Health::Off) => None,
            (None, _) => self.text.as_deref(),
        }
    }
}

/// `used` in per cent of `of`.
pub(crate) fn percent(used: Option<i64>, of: Option<i64>) -> Option<i64> {
    let (used, of) = (used?, of.filter(|of| *of > 0)?);
    Some(used.saturating_mul(100) / of)
}
