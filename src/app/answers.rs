//! The answers that the header gives without a keystroke, and the rows of the health pane, worked out once per change.
//!
//! Owns when they are worked out again. What they say comes from the fleet, the probes and the service file.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::backups::Backups;
use super::schema::Schema;
use crate::base::health::Health;
use crate::base::text::Str;
use crate::fleet::health::{Member, Part};
use crate::fleet::{Counting, Fleet, HealthItem, Up, WorkloadKey, promised};
use crate::release::{self, Back, Changed, Unexplained};
use crate::run::journal::Took;
use crate::service::Service;
use crate::target::probe::ProbeReport;

/// A flood of events works the answers out no more often than this.
const REST: SignedDuration = SignedDuration::from_millis(200);

/// Workloads that are asked about at most per pass: each is one request.
const UNEXPLAINED: usize = 8;

/// What is answered without a keystroke.
#[derive(Debug)]
pub struct Answers {
    /// Is it up?
    pub up: Up,
    /// What changed last; `None` = nothing whose time can be known.
    pub changed: Option<Changed>,
    /// Can we go back? `None` = there is no workload to go back with.
    pub back: Option<Back>,
    /// What the cluster says about health by itself.
    pub items: Vec<HealthItem>,
    /// What only full objects can tell.
    pub unexplained: Vec<Unexplained>,
    seen: Option<([u64; 4], Timestamp)>,
}

impl Default for Answers {
    fn default() -> Self {
        let up = Up { health: Health::Unknown, ready: 0, desired: 0, counts: Vec::new(), reasons: Vec::new() };
        Self { up, changed: None, back: None, items: Vec::new(), unexplained: Vec::new(), seen: None }
    }
}

/// What a service file declares, and what is known of it.
#[derive(Debug, Clone, Copy)]
pub struct Declared<'a> {
    /// The service.
    pub service: Option<&'a Service>,
    /// Its backups.
    pub backups: &'a Backups,
    /// The schema of its database.
    pub schema: &'a Schema,
    /// How long going back took, and on which cluster this is.
    pub took: (&'a Took, Option<&'a str>),
}

impl App {
    /// Whether something changed since the answers were worked out.
    pub fn answers_are_behind(&self) -> bool {
        let revision = revision(&self.fleet, &self.probes, &self.backups, &self.schema);
        self.answers.seen.is_none_or(|(seen, _)| seen != revision)
    }
}

impl Answers {
    /// Works the answers out again when something changed, and at least once a minute: certificates and staleness move with
    /// the time alone.
    pub fn refresh(&mut self, fleet: &Fleet, probes: &BTreeMap<Str, ProbeReport>, declared: Declared<'_>, now: Timestamp) {
        let Declared { service, backups, schema, took: (took, cluster) } = declared;
        let revision = revision(fleet, probes, backups, schema);
        if let Some((seen, at)) = self.seen {
            let age = now.duration_since(at);
            if (seen == revision && age < SignedDuration::from_secs(60)) || (age < REST && age >= SignedDuration::ZERO) {
                return;
            }
        }
        self.seen = Some((revision, now));
        let others: Vec<(Member, String)> = probes.values().filter(|p| p.counts).map(probe).collect();
        let counts = |key: &WorkloadKey| service.is_none_or(|s| s.workloads.is_empty() || of(s, key).is_some());
        let critical = |key: &WorkloadKey| service.and_then(|s| of(s, key)).is_some_and(crate::service::Workload::is_critical);
        self.up = fleet.up(&Counting { counts: &counts, critical: &critical, others: &others }, now);
        self.items = fleet.health_items(now);
        self.items.extend(service.map(|s| promised(s, |b| backups.standing(b, now))).unwrap_or_default());
        self.items.extend(schema.row(fleet, now));
        self.changed = release::changed(fleet, &counts);
        self.unexplained = release::unexplained(fleet, &counts, self.changed.as_ref(), UNEXPLAINED);
        let owns = |key: &WorkloadKey| schema.is_about(key);
        self.back = release::subject(fleet, &counts, &owns).map(|key| {
            let seconds = took.of(cluster, &key.id());
            release::back(fleet, &key, &|key, r| schema.judge(fleet, key, r, now)).taking(seconds)
        });
    }
}

/// Tells apart whatever the answers rest on. Of the probes it is a digest: in a sum, one that turns well as its history grows by one
/// would leave no trace.
fn revision(fleet: &Fleet, probes: &BTreeMap<Str, ProbeReport>, backups: &Backups, schema: &Schema) -> [u64; 4] {
    let mut digest = DefaultHasher::new();
    for probe in probes.values() {
        (&probe.id, probe.health.severity(), probe.counts, &probe.detail, probe.at).hash(&mut digest);
    }
    [fleet.revision(), backups.revision(), schema.revision(), digest.finish()]
}

/// The service file's entry for a workload: by name, and by namespace where it names one.
fn of<'a>(service: &'a Service, key: &WorkloadKey) -> Option<&'a crate::service::Workload> {
    service
        .workloads
        .iter()
        .find(|w| w.name.as_deref() == Some(&*key.name) && w.namespace.as_deref().is_none_or(|ns| *ns == *key.namespace))
}

fn probe(report: &ProbeReport) -> (Member, String) {
    let part = Part::Probe { critical: report.critical };
    (Member { health: report.health, part }, format!("probe {}: {}", report.title, report.detail))
}
