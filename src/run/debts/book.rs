//! The record of debts in a namespace: the ConfigMap `timonel-debts`, one JSON value per debt (contract.md 8).
//!
//! Owns its content: how it is read, and the one request that brings it up to date at a run's end. It tells every console of debts
//! that no object shows, and is removable with kubectl. What is in it is anybody's to write: it is cleaned, bounded, and nothing
//! of it is done without a plan and a confirmation. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value};

use super::{MOST, Owed, account};
use crate::base::text::{Str, clean};
use crate::run::entries;
use crate::run::facts::text;
use crate::run::outcome::Outcome;
use crate::run::plan::Plan;
use crate::run::scrub;
use crate::target::api::WriteRequest;
use crate::target::model::{Kind, ObjectRef};

/// Its name.
pub const NAME: &str = "timonel-debts";
/// Characters of one text in it.
const MOST_TEXT: usize = 600;
/// Fields and parameters of one debt.
const MOST_PARTS: usize = 16;

/// The record about objects like this one: in its namespace, or in kube-system for objects without one.
pub fn of(object: &ObjectRef) -> ObjectRef {
    let namespace: Str = if object.namespace.is_empty() { "kube-system".into() } else { object.namespace.clone() };
    ObjectRef::new(Kind::ConfigMap, namespace, NAME)
}

/// What it says. An entry that cannot be read is none.
pub fn read(raw: &Value) -> Vec<Owed> {
    entries(raw).into_iter().map(|(_, owed)| owed).collect()
}

fn entries(raw: &Value) -> Vec<(String, Owed)> {
    let namespace = text(raw, "/metadata/namespace");
    let data = raw.pointer("/data").and_then(Value::as_object).into_iter().flatten().take(MOST);
    let entry = |(key, value): (&String, &Value)| {
        let owed: Owed = serde_json::from_str(value.as_str()?).ok()?;
        // A record speaks of its own namespace alone.
        let own = *of(&owed.object).namespace == *namespace;
        own.then(|| (key.clone(), trimmed(owed, |text| short(&clean(text)))))
    };
    let mut found: Vec<(String, Owed)> = data.filter_map(entry).collect();
    found.sort_by(|a, b| (a.1.since, &a.0).cmp(&(b.1.since, &b.0)));
    found
}

/// The request that takes a run's end into the record; `None` when nothing of it changes. `raw` is what is there now.
pub(in crate::run) fn update(raw: Option<&Value>, plan: &Plan, outcome: &Outcome, at: Timestamp) -> Option<WriteRequest> {
    let object = of(plan.subject());
    let before = raw.map(entries).unwrap_or_default();
    let mut owed: Vec<Owed> = before.iter().map(|(_, o)| o.clone()).collect();
    account(&mut owed, plan, outcome, at);
    let mut data = Map::new();
    for (key, _) in before.iter().filter(|(_, o)| !owed.contains(o)) {
        data.insert(key.clone(), Value::Null);
    }
    let new = owed.into_iter().filter(|o| !before.iter().any(|(_, known)| known == o) && of(&o.object) == object);
    for (number, debt) in new.enumerate() {
        let value = serde_json::to_string(&trimmed(debt, |text| short(&scrub::text(text)))).unwrap_or_default();
        data.insert(format!("{}.{number}", plan.id()), value.into());
    }
    if data.is_empty() {
        return None;
    }
    Some(entries::request(object, raw, &data))
}

/// Whether a request is one of this file, for a run about this object.
pub(in crate::run) fn is_update(subject: &ObjectRef, request: &WriteRequest) -> bool {
    entries::is_request(&of(subject), request)
}

fn trimmed(owed: Owed, text: impl Fn(&str) -> String) -> Owed {
    let mut owed = owed;
    for part in [&mut owed.uid, &mut owed.what, &mut owed.run, &mut owed.by, &mut owed.action, &mut owed.by_hand] {
        *part = text(part);
    }
    owed.fields.truncate(MOST_PARTS);
    owed.parameters.truncate(MOST_PARTS);
    owed.fields.iter_mut().for_each(|(field, value)| {
        *field = text(field);
        *value = super::kept(value);
    });
    owed.parameters.iter_mut().for_each(|p| *p = text(p));
    let name = |name: &Str| Str::from(text(name).as_str());
    owed.object = ObjectRef::new(owed.object.kind, name(&owed.object.namespace), name(&owed.object.name));
    owed
}

fn short(text: &str) -> String {
    text.chars().take(MOST_TEXT).collect()
}
