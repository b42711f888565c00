//! Releases and the header's answers as JSON (cli.md): unknown is null plus a reason, never 0 or "".

use jiff::Timestamp;
use serde_json::{Value, json};

use super::back::Back;
use super::by::By;
use super::changed::Changed;
use super::history::Revision;
use crate::fleet::WorkloadKey;
use crate::fleet::image::Image;
use crate::target::model::Seconds;

/// `timonel.releases/1`: the revisions of several workloads; `target` as in `timonel.status/1`.
pub fn releases_json(taken_at: Timestamp, target: &Value, workloads: &[(WorkloadKey, Vec<Revision>)]) -> Value {
    let all = workloads.iter().flat_map(|(key, revisions)| revisions.iter().map(move |r| revision(key, r)));
    json!({ "schema": "timonel.releases/1", "taken_at": time(taken_at.as_second()), "target": target, "releases": all.collect::<Vec<_>>() })
}

/// `changed` of `timonel.status/1`; null when no change has a time that can be known.
pub fn changed_json(changed: Option<&Changed>) -> Value {
    changed.map_or(Value::Null, |c| {
        let (by, by_reason) = by(&c.by);
        json!({ "at": time(c.at), "what": c.what, "by": by, "by_reason": by_reason })
    })
}

/// `back` of `timonel.status/1`; null when there is no workload to go back with.
pub fn back_json(back: Option<&Back>) -> Value {
    back.map_or(Value::Null, |b| {
        json!({
            "workload": b.workload.id(),
            "to": b.to.as_ref().and_then(|t| t.version.clone()),
            "revision": b.to.as_ref().map(|t| t.revision),
            "verdict": b.verdict,
            "reasons": b.reasons,
            "estimate_seconds": b.estimate,
        })
    })
}

fn revision(key: &WorkloadKey, r: &Revision) -> Value {
    let (by, by_reason) = by(&r.by);
    let image = |i: &crate::fleet::RowImage| {
        let reason = i.digest.is_none().then_some("no pod was seen that runs it");
        json!({ "container": &*i.container, "image": &*i.image, "tag": Image::parse(&i.image).tag, "digest": i.digest.as_deref(), "digest_reason": reason })
    };
    json!({
        "workload": key.id(),
        "kind": key.kind.word(),
        "namespace": &*key.namespace,
        "name": &*key.name,
        "revision": r.number,
        "current": r.current,
        "at": r.at.map(time),
        "at_reason": r.at.is_none().then_some("an older revision that was returned to; nothing tells when"),
        "by": by,
        "by_reason": by_reason,
        "change_cause": r.cause.as_deref(),
        "images": r.images.iter().map(image).collect::<Vec<_>>(),
        "replicas": r.replicas,
        "ready": r.ready,
        "ready_once": r.ready_once,
        "ready_once_reason": r.ready_once.is_none().then_some("nobody watched it"),
        "verdict": if r.current { Value::Null } else { json!("unknown") },
        "verdict_reason": if r.current { "this is the current one" } else { "no service file names the migrations" },
    })
}

fn by(by: &By) -> (Option<String>, Option<&'static str>) {
    let text = by.text();
    let reason = text.is_none().then_some("no run, Helm release, change cause or field manager is bound to it");
    (text, reason)
}

fn time(seconds: Seconds) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |t| t.to_string())
}
