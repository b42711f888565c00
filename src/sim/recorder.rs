//! Events: what controllers, the scheduler and the kubelets say about objects.
//!
//! Owns their form, the counting of repeated ones, and how many are kept.

use std::collections::{HashMap, VecDeque};

use serde_json::{Value, json};

use super::api::kinds::{Res, known};
use super::store::Key;
use super::wire::canon::{micros, seconds};
use super::world::World;

/// How many Events are kept; the oldest go first. The real server keeps them an hour.
const KEPT: usize = 4_000;

/// About whom, for what reason, in which words.
type Identity = (String, String, String);

/// Remembers what was said.
#[derive(Debug, Default)]
pub(crate) struct Recorder {
    said: HashMap<Identity, Key>,
    order: VecDeque<(Identity, Key)>,
}

/// Something to say about an object.
pub(crate) struct Saying<'a> {
    /// What kind of object.
    pub(crate) res: Res,
    /// The object (its metadata is enough).
    pub(crate) object: &'a Value,
    /// `Warning` instead of `Normal`.
    pub(crate) warning: bool,
    /// `BackOff`.
    pub(crate) reason: &'a str,
    /// The sentence.
    pub(crate) message: String,
    /// `deployment-controller`.
    pub(crate) component: &'a str,
    /// The node, of a kubelet.
    pub(crate) host: &'a str,
    /// The container, when it is about one: its name and the list it stands in.
    pub(crate) container: Option<(&'a str, &'static str)>,
}

impl World {
    /// A controller says something.
    pub(crate) fn say(&mut self, component: &str, res: Res, object: &Value, reason: &str, message: String) {
        self.record(&Saying { res, object, warning: false, reason, message, component, host: "", container: None });
    }

    /// A controller warns.
    pub(crate) fn warn(&mut self, component: &str, res: Res, object: &Value, reason: &str, message: String) {
        self.record(&Saying { res, object, warning: true, reason, message, component, host: "", container: None });
    }

    /// Writes an Event, or counts one up that said the same about the same object.
    pub(crate) fn record(&mut self, saying: &Saying<'_>) {
        let events = known().events;
        let metadata = &saying.object["metadata"];
        let uid = metadata["uid"].as_str().unwrap_or_default().to_owned();
        let identity = (uid, saying.reason.to_owned(), saying.message.clone());
        if let Some(key) = self.recorder.said.get(&identity).cloned() {
            let now = seconds(self.now);
            let counted = self.edit(events, &key, |event| {
                event["count"] = json!(event["count"].as_u64().unwrap_or_default() + 1);
                event["lastTimestamp"] = json!(now);
            });
            if counted.is_some() {
                return;
            }
        }
        let event = self.event(saying);
        let key = Key::new(event["metadata"]["namespace"].as_str().unwrap_or_default(), event["metadata"]["name"].as_str().unwrap_or_default());
        self.recorder.said.insert(identity.clone(), key.clone());
        self.recorder.order.push_back((identity, key));
        self.put(events, event);
        if self.recorder.order.len() > KEPT
            && let Some((identity, key)) = self.recorder.order.pop_front()
        {
            self.recorder.said.remove(&identity);
            self.remove(events, &key);
        }
    }

    fn event(&mut self, saying: &Saying<'_>) -> Value {
        let (row, metadata) = (saying.res.row(), &saying.object["metadata"]);
        let name = metadata["name"].as_str().unwrap_or_default();
        let namespace = metadata["namespace"].as_str().unwrap_or("default");
        let mut involved = json!({"kind": row.kind, "namespace": metadata["namespace"], "name": name, "uid": metadata["uid"],
            "apiVersion": row.api_version(), "resourceVersion": metadata["resourceVersion"]});
        if let Some((container, list)) = saying.container {
            involved["fieldPath"] = json!(format!("spec.{list}{{{container}}}"));
        }
        if let Some(map) = involved.as_object_mut() {
            map.retain(|_, v| !v.is_null());
        }
        // The scheduler speaks the new Events API: no first and last time, no source.
        let scheduler = saying.component == "default-scheduler";
        let now = json!(seconds(self.now));
        let nanos = self.now.as_nanosecond() + i128::from(self.rng.u16(..));
        let mut event = json!({
            "metadata": {"name": format!("{name}.{nanos:x}"), "namespace": namespace},
            "involvedObject": involved,
            "reason": saying.reason,
            "message": saying.message,
            "source": if scheduler { json!({}) } else { json!({"component": saying.component, "host": saying.host}) },
            "firstTimestamp": if scheduler { Value::Null } else { now.clone() },
            "lastTimestamp": if scheduler { Value::Null } else { now },
            "type": if saying.warning { "Warning" } else { "Normal" },
            "eventTime": if scheduler { json!(micros(self.now)) } else { Value::Null },
            "reportingComponent": saying.component,
            "reportingInstance": if scheduler { "default-scheduler-demo" } else { saying.host },
        });
        if saying.host.is_empty()
            && let Some(source) = event["source"].as_object_mut()
        {
            source.shift_remove("host");
        }
        if scheduler {
            event["action"] = json!(if saying.warning { "Scheduling" } else { "Binding" });
        } else {
            event["count"] = json!(1);
        }
        self.born(&mut event);
        event
    }
}
