//! UP: is it up?
//!
//! Owns the answer for everything that is looked at: the worst health by the rules of the whole, how many of each, and the
//! reasons, the worst first.

use jiff::Timestamp;

use super::health::{Member, Part, whole};
use super::workload::WorkloadKey;
use super::{Fleet, WorkloadKind};
use crate::base::health::Health;

/// What a service file says about what counts; without one everything counts and nothing is critical.
#[derive(Clone, Copy)]
pub struct Counting<'a> {
    /// Which workloads belong to the whole.
    pub counts: &'a dyn Fn(&WorkloadKey) -> bool,
    /// Which of them take the whole down with them.
    pub critical: &'a dyn Fn(&WorkloadKey) -> bool,
    /// Probes and KPIs: how well, and what is said about each that is not ok.
    pub others: &'a [(Member, String)],
}

impl Counting<'_> {
    /// Everything counts, nothing is critical.
    pub const ALL: Counting<'static> = Counting { counts: &|_| true, critical: &|_| false, others: &[] };
}

/// Is it up?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Up {
    /// The health of the whole.
    pub health: Health,
    /// Pods ready of those wanted, of all workloads that count (Jobs left out).
    pub ready: i64,
    /// Pods wanted.
    pub desired: i64,
    /// Workloads by health.
    pub counts: Vec<(Health, usize)>,
    /// Why it is not ok, the worst first: `backend: 2 of 3 ready: pod …-ghi: …`.
    pub reasons: Vec<Reason>,
}

/// One reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// How bad.
    pub health: Health,
    /// Which workload; `None` for a Service, a probe, a KPI.
    pub workload: Option<WorkloadKey>,
    /// In one line.
    pub text: String,
}

impl Up {
    /// The answer in one line, as the header shows it.
    pub fn text(&self) -> String {
        let counts = format!("{}/{} ready", self.ready, self.desired);
        match (self.reasons.first(), self.health) {
            (Some(first), _) => first.text.clone(),
            (None, Health::Off) => "nothing is wanted".into(),
            (None, _) => counts,
        }
    }
}

impl Fleet {
    /// Is it up?
    pub fn up(&self, counting: &Counting<'_>, now: Timestamp) -> Up {
        let mut members = Vec::new();
        let mut up = Up { health: Health::Unknown, ready: 0, desired: 0, counts: Vec::new(), reasons: Vec::new() };
        for row in self.rows().filter(|r| (counting.counts)(&r.key)) {
            members.push(Member { health: row.health, part: Part::Workload { critical: (counting.critical)(&row.key) } });
            match up.counts.iter_mut().find(|(h, _)| *h == row.health) {
                Some((_, n)) => *n += 1,
                None => up.counts.push((row.health, 1)),
            }
            if !matches!(row.key.kind, WorkloadKind::Job | WorkloadKind::CronJob) {
                up.ready += i64::from(row.ready.min(row.desired));
                up.desired += i64::from(row.desired);
            }
            if let Some(reason) = row.reason() {
                let text = format!("{}: {reason}", row.key.name);
                up.reasons.push(Reason { health: row.health, workload: Some((*row.key).clone()), text });
            }
        }
        self.count_services(counting, now, &mut members, &mut up.reasons);
        for (member, text) in counting.others {
            members.push(*member);
            if !matches!(member.health, Health::Ok | Health::Off) {
                up.reasons.push(Reason { health: member.health, workload: None, text: text.clone() });
            }
        }
        up.counts.sort_by_key(|(h, _)| std::cmp::Reverse(h.severity()));
        up.reasons.sort_by(|a, b| (b.health.severity(), &a.text).cmp(&(a.health.severity(), &b.text)));
        if members.is_empty() {
            up.reasons.push(Reason { health: Health::Unknown, workload: None, text: self.nothing(now) });
        }
        up.health = whole(&members);
        up
    }

    /// Services in front of what counts; one that is down repeats what its workload says and is told only when that is silent.
    fn count_services(&self, counting: &Counting<'_>, now: Timestamp, members: &mut Vec<Member>, reasons: &mut Vec<Reason>) {
        for service in self.services() {
            let name = &service.meta.name;
            let behind = self.rows_in(&service.meta.namespace).filter(|r| r.services.contains(name));
            let behind: Vec<_> = behind.filter(|r| (counting.counts)(&r.key)).collect();
            let Some(verdict) = self.service_verdict(service, now).filter(|_| !behind.is_empty()) else { continue };
            members.push(Member { health: verdict.health, part: Part::Other });
            let told = behind.iter().any(|r| r.reason().is_some());
            if !told && let Some(text) = verdict.text.filter(|_| !matches!(verdict.health, Health::Ok | Health::Off)) {
                reasons.push(Reason { health: verdict.health, workload: None, text: format!("Service {name}: {text}") });
            }
        }
    }

    /// Why there is nothing to judge by.
    fn nothing(&self, now: Timestamp) -> String {
        use super::stream::Trust;
        use crate::target::model::{Kind, Scope};
        let judged = [Kind::Deployment, Kind::StatefulSet, Kind::DaemonSet, Kind::Pod];
        for (key, _) in self.streams().filter(|(k, _)| judged.contains(&k.kind)) {
            let namespace = match &key.scope {
                Scope::Cluster => "".into(),
                Scope::Namespace(ns) => ns.clone(),
            };
            match self.trust(key.kind, &namespace, now) {
                Trust::Lost(why) => return why,
                Trust::Pending => return "not read yet".into(),
                Trust::Live => {}
            }
        }
        if self.streams().next().is_none() { "nothing is watched yet".into() } else { "there are no workloads here".into() }
    }
}

#[cfg(test)]
mod tests;
