//! What going back to an older template does not take back: configuration, secrets, autoscalers, data, schema.

use serde_json::Value;

use super::diff::{Reference, references};
use crate::base::text::Str;
use crate::fleet::{Fleet, Trust, WorkloadKey};
use crate::target::model::{Kind, ObjectRef, Seconds};
use jiff::Timestamp;

/// One thing that stays as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stays {
    /// The object, where it is one.
    pub object: Option<ObjectRef>,
    /// What, in a word or two: `ConfigMap settings`, `replicas`, `schema`.
    pub what: String,
    /// What is known about it.
    pub says: String,
    /// It is not there any more, and pods of the old template cannot start without it.
    pub missing: bool,
}

/// What stays as it is now when `workload` returns to `template`, which was current since `at`.
///
/// `schema` is what is known of it; `None` = nothing is declared.
pub fn stays(fleet: &Fleet, workload: &WorkloadKey, template: &Value, at: Option<Seconds>, schema: Option<String>, now: Timestamp) -> Vec<Stays> {
    let mut found: Vec<Stays> = references(template).iter().map(|r| reference(fleet, &workload.namespace, r, at, now)).collect();
    if let Some(hpa) = fleet.hpa_of(workload) {
        let object = ObjectRef::new(Kind::HorizontalPodAutoscaler, hpa.meta.namespace.clone(), hpa.meta.name.clone());
        found.push(Stays {
            object: Some(object),
            what: "replicas".into(),
            says: format!("HPA {} decides, {}..{}", hpa.meta.name, hpa.min, hpa.max),
            missing: false,
        });
    } else {
        found.push(Stays { object: None, what: "replicas".into(), says: "as they are now".into(), missing: false });
    }
    let says = schema.unwrap_or_else(|| "unknown: no service file names the migrations".to_owned());
    found.push(Stays { object: None, what: "schema".into(), says, missing: false });
    // What is missing first: it decides.
    found.sort_by_key(|s| !s.missing);
    found
}

fn reference(fleet: &Fleet, namespace: &Str, r: &Reference, at: Option<Seconds>, now: Timestamp) -> Stays {
    let object = ObjectRef::new(r.kind, namespace.clone(), r.name.as_str());
    let what = format!("{} {}", r.kind.word(), r.name);
    let stay = |says: String, missing: bool| Stays { object: Some(object.clone()), what: what.clone(), says, missing };
    let Some(found) = fleet.object(&object) else {
        return match fleet.trust(r.kind, namespace, now) {
            Trust::Live if r.optional => stay("does not exist, and is optional".into(), false),
            Trust::Live => stay("does not exist: pods of that revision cannot start".into(), true),
            Trust::Pending | Trust::Lost(_) => stay("cannot be seen".into(), false),
        };
    };
    if r.kind == Kind::PersistentVolumeClaim {
        return stay("its data stays as it is".into(), false);
    }
    if at.is_some_and(|at| found.meta().created > at) {
        return stay("was made after that revision".into(), false);
    }
    let edited = fleet.changes().find(|c| c.object == object).map(|c| c.at);
    match edited {
        Some(edited) if at.is_none_or(|at| edited > at) => stay("was edited since that revision".into(), false),
        _ => stay("as it is now; earlier versions are not kept".into(), false),
    }
}
