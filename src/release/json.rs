//! Releases and the header's answers as they are printed (cli.md): unknown is null plus a reason, never 0 or "".
//!
//! Owns these shapes. Must not print them.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::back::{Back, BackVerdict, Judged};
use super::by::By;
use super::changed::Changed;
use super::history::Revision;
use crate::fleet::image::Image;
use crate::fleet::{RowImage, WorkloadKey};
use crate::target::model::Seconds;

/// The last change of what is looked at.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChangedAnswer {
    /// When.
    pub at: Option<Timestamp>,
    /// What: `Deployment backend revision 12 (v1.8.3)`.
    pub what: String,
    /// By whom or what, when that can be told.
    pub by: Option<String>,
    /// Why it cannot.
    pub by_reason: Option<&'static str>,
    /// The same as it goes on in a sentence.
    #[serde(skip)]
    pub phrase: Option<String>,
}

/// Whether one can go back, and to what.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct BackAnswer {
    /// Id of the workload that would go back.
    pub workload: String,
    /// Tag or digest of the revision that one would return to.
    pub to: Option<String>,
    /// Its number.
    pub revision: Option<i64>,
    /// Whether that is safe.
    pub verdict: BackVerdict,
    /// Why it is not simply safe.
    pub reasons: Vec<String>,
    /// How long it would take, when that can be told.
    pub estimate_seconds: Option<Seconds>,
}

/// One revision of one workload.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ReleaseAnswer {
    /// Id of the workload: `namespace/kind/name`.
    pub workload: String,
    /// `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The number.
    pub revision: i64,
    /// Whether it is the one that is wanted now.
    pub current: bool,
    /// When it began.
    pub at: Option<Timestamp>,
    /// Why that is not known.
    pub at_reason: Option<&'static str>,
    /// By whom or what, when that can be told.
    pub by: Option<String>,
    /// Why it cannot.
    pub by_reason: Option<&'static str>,
    /// The annotation `kubernetes.io/change-cause`.
    pub change_cause: Option<String>,
    /// The images of its containers.
    pub images: Vec<ImageAnswer>,
    /// Pods that it has.
    pub replicas: i32,
    /// Pods of it that are ready.
    pub ready: i32,
    /// Whether it was seen fully ready.
    pub ready_once: Option<bool>,
    /// Why that is not known.
    pub ready_once_reason: Option<&'static str>,
    /// Whether going back to it is safe; null for the current one.
    pub verdict: Option<BackVerdict>,
    /// What the verdict rests on.
    pub verdict_reason: String,
    /// Why going back to it is not simply safe.
    pub verdict_reasons: Vec<String>,
}

/// The image of one container.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ImageAnswer {
    /// The container.
    pub container: String,
    /// The image as the template names it.
    pub image: String,
    /// Its tag.
    pub tag: Option<String>,
    /// The digest that a pod of it runs.
    pub digest: Option<String>,
    /// Why that is not known.
    pub digest_reason: Option<&'static str>,
}

impl ChangedAnswer {
    /// As `timonel.status/1` has it.
    pub fn of(changed: &Changed) -> Self {
        let (by, by_reason) = by(&changed.by);
        Self { at: time(changed.at), what: changed.what.clone(), by, by_reason, phrase: changed.by.phrase() }
    }
}

impl BackAnswer {
    /// As `timonel.status/1` has it.
    pub fn of(back: &Back) -> Self {
        Self {
            workload: back.workload.id(),
            to: back.to.as_ref().and_then(|t| t.version.clone()),
            revision: back.to.as_ref().map(|t| t.revision),
            verdict: back.verdict,
            reasons: back.reasons.clone(),
            estimate_seconds: back.estimate,
        }
    }
}

impl ReleaseAnswer {
    /// As `timonel.releases/1` has it; `judged` is what is known of its schema, where that is declared.
    pub fn of(key: &WorkloadKey, r: &Revision, judged: Option<&Judged>) -> Self {
        let judged = judged.filter(|_| !r.current);
        let reason = match judged {
            None if r.current => "this is the current one".to_owned(),
            None => "no service file names the migrations".to_owned(),
            Some(j) => j.reasons.first().filter(|_| j.verdict != BackVerdict::Safe).unwrap_or(&j.evidence).clone(),
        };
        let (by, by_reason) = by(&r.by);
        Self {
            workload: key.id(),
            kind: key.kind.word().to_owned(),
            namespace: key.namespace.to_string(),
            name: key.name.to_string(),
            revision: r.number,
            current: r.current,
            at: r.at.and_then(time),
            at_reason: r.at.is_none().then_some("an older revision that was returned to; nothing tells when"),
            by,
            by_reason,
            change_cause: r.cause.as_deref().map(str::to_owned),
            images: r.images.iter().map(ImageAnswer::of).collect(),
            replicas: r.replicas,
            ready: r.ready,
            ready_once: r.ready_once,
            ready_once_reason: r.ready_once.is_none().then_some("nobody watched it"),
            verdict: (!r.current).then(|| judged.map_or(BackVerdict::Unknown, |j| j.verdict)),
            verdict_reason: reason,
            verdict_reasons: judged.map(|j| j.reasons.clone()).unwrap_or_default(),
        }
    }
}

impl ImageAnswer {
    fn of(image: &RowImage) -> Self {
        Self {
            container: image.container.to_string(),
            image: image.image.to_string(),
            tag: Image::parse(&image.image).tag.map(str::to_owned),
            digest: image.digest.as_deref().map(str::to_owned),
            digest_reason: image.digest.is_none().then_some("no pod was seen that runs it"),
        }
    }
}

fn by(by: &By) -> (Option<String>, Option<&'static str>) {
    let text = by.text();
    let reason = text.is_none().then_some("no run, Helm release, change cause or field manager is bound to it");
    (text, reason)
}

/// A moment that lies outside of what a calendar holds is none.
fn time(seconds: Seconds) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}
