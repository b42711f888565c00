//! Events as a reading view, newest first, one line each.
//!
//! Owns their form. Events are hints, not facts: kubernetes drops and merges them.

use jiff::Timestamp;

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::base::age;
use crate::base::text::Str;
use crate::fleet::Trust;
use crate::target::model::{Event, Kind, ObjectRef, Scope};

/// Events shown at most.
const SHOWN: usize = 500;

impl App {
    /// Events of an object and of what belongs to it, or of everything that is looked at.
    pub(super) fn event_lines(&self, object: Option<&ObjectRef>) -> Vec<DocumentLine> {
        let mut events: Vec<&Event> = match object {
            Some(object) => self.uids(object).iter().flat_map(|uid| self.fleet.events_about(uid)).map(|e| &**e).collect(),
            None => self.fleet.events().map(|e| &**e).collect(),
        };
        events.sort_by(|a, b| b.last.cmp(&a.last).then_with(|| a.meta.name.cmp(&b.meta.name)));
        let more = events.len().saturating_sub(SHOWN);
        let mut lines: Vec<DocumentLine> = events.into_iter().take(SHOWN).map(|e| line(e, self.now, object.is_none())).collect();
        if more > 0 {
            lines.push(DocumentLine::new(LineKind::Dim, format!("and {more} older ones")));
        }
        if lines.is_empty() {
            lines.push(DocumentLine::new(LineKind::Dim, self.no_events(object)));
        }
        lines
    }

    /// Why there are none: seen to be so, or not seen.
    fn no_events(&self, object: Option<&ObjectRef>) -> String {
        let own = object.map(|o| &o.namespace).filter(|n| !n.is_empty());
        let watched = self.fleet.streams().filter(|(key, _)| key.kind == Kind::Event).filter_map(|(key, _)| match &key.scope {
            Scope::Namespace(name) => Some(name),
            Scope::Cluster => None,
        });
        let everywhere = Str::default();
        let mut namespaces: Vec<&Str> = own.map_or_else(|| watched.collect(), |name| vec![name]);
        if namespaces.is_empty() {
            namespaces.push(&everywhere);
        }
        let unseen = namespaces.into_iter().find_map(|name| match self.fleet.trust(Kind::Event, name, self.now) {
            Trust::Live => None,
            Trust::Pending => Some("Events are not read yet.".to_owned()),
            Trust::Lost(why) => Some(format!("Unknown: {why}.")),
        });
        unseen.unwrap_or_else(|| "No events: the cluster keeps them for an hour or so.".to_owned())
    }

    /// Identities of an object and of what is below it in the tree.
    fn uids(&self, object: &ObjectRef) -> Vec<Str> {
        let mut uids: Vec<_> = self.fleet.object(object).map(|o| o.meta().uid.clone()).into_iter().collect();
        if let Some(key) = crate::fleet::WorkloadKey::of(object) {
            if let Some(workload) = self.fleet.workload(object.kind, &object.namespace, &object.name) {
                uids.extend(self.fleet.replica_sets_of(workload).map(|r| r.meta.uid.clone()));
            }
            uids.extend(self.fleet.hpa_of(&key).map(|h| h.meta.uid.clone()));
            uids.extend(self.fleet.pods_of(&key).map(|p| p.pod.meta.uid.clone()));
        }
        uids.sort();
        uids.dedup();
        uids
    }
}

/// `3m  12x  Warning  Unhealthy  Pod api-7d9-x  Readiness probe failed: …`
fn line(event: &Event, now: Timestamp, with_namespace: bool) -> DocumentLine {
    let at = Timestamp::from_second(event.last).unwrap_or(now);
    let count = if event.count > 1 { format!("{}x", event.count) } else { String::new() };
    let namespace = if with_namespace && !event.about_namespace.is_empty() { format!("{}/", event.about_namespace) } else { String::new() };
    let text = format!(
        "{:>5} {count:>5}  {:<22} {} {namespace}{}  {}",
        age::coarse(at, now),
        event.reason,
        event.about_kind,
        event.about_name,
        event.message
    );
    DocumentLine::new(if event.warning { LineKind::Warning } else { LineKind::Plain }, text)
}
