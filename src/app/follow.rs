//! Which logs are followed: those of the selection, once it rests.
//!
//! Owns the choice of containers and the wait before it changes, so that walking through a list opens no streams. Must not
//! hold lines.

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::effect::Effect;
use crate::base::health::Health;
use crate::base::text::Str;
use crate::fleet::{Key, PodEntry, WorkloadKey, health};
use crate::target::model::{ContainerState, Pod};
use crate::target::request::{LogOptions, LogSource};

/// How long a selection must rest before its logs are followed.
const REST: SignedDuration = SignedDuration::from_millis(350);
/// Lines of each container from before now.
const TAIL: u32 = 200;

/// What logs are wanted of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// All pods of these workloads.
    Workloads(Vec<WorkloadKey>),
    /// All pods of a workload.
    Workload(WorkloadKey),
    /// One pod.
    Pod(Key),
    /// One container.
    Container(Key, Str),
}

/// What is followed and what waits to be.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// What is followed.
    target: Option<Target>,
    /// The sources that the driver was told last.
    told: Vec<LogSource>,
    /// What the selection points at, and since when.
    waiting: Option<(Target, Timestamp)>,
    /// The fleet's revision at which the sources were worked out.
    revision: u64,
    /// Ask again even if nothing seems to have changed.
    again: bool,
}

impl App {
    /// Follows what is selected, without waiting.
    pub(super) fn follow_now(&mut self) {
        if let Some(target) = self.workloads.log_target() {
            self.follow_target(target);
        }
    }

    /// Follows something, without waiting.
    pub(super) fn follow_target(&mut self, target: Target) {
        self.following.waiting = Some((target, Timestamp::MIN));
    }

    /// Follows the same again with other options.
    pub(super) fn follow_again(&mut self) {
        self.following.again = true;
    }

    /// Forgets what was followed.
    pub(super) fn follow_nothing(&mut self) {
        self.following = Following::default();
        self.logs.follow(String::new(), &[], 0, true);
    }

    /// When a resting selection wants its logs: the loop wakes up then.
    pub fn wakes_at(&self) -> Option<Timestamp> {
        let (_, since) = self.following.waiting.as_ref()?;
        since.checked_add(REST).ok()
    }

    /// Tells the driver when what is to be followed changed: another selection that rests, a new pod, a container that
    /// started.
    pub(super) fn follow_selection(&mut self) -> Vec<Effect> {
        self.note_selection();
        let mut fresh = false;
        if let Some((target, since)) = &self.following.waiting
            && since.checked_add(REST).is_ok_and(|t| t <= self.now)
        {
            fresh = self.following.target.as_ref() != Some(target);
            self.following.target = Some(target.clone());
            self.following.waiting = None;
            self.following.again = true;
        }
        let revision = self.fleet.revision();
        if !self.following.again && revision == self.following.revision {
            return Vec::new();
        }
        self.following.revision = revision;
        let Some(target) = self.following.target.clone() else { return Vec::new() };
        let (title, mut sources) = self.sources(&target);
        let candidates = sources.len();
        sources.truncate(self.start.log_bounds.streams);
        if sources == self.following.told && !std::mem::take(&mut self.following.again) {
            return Vec::new();
        }
        self.following.again = false;
        self.logs.follow(title, &sources, candidates, fresh);
        self.following.told.clone_from(&sources);
        vec![Effect::Follow { sources, options: LogOptions { tail: Some(TAIL), since: None, follow: true } }]
    }

    fn note_selection(&mut self) {
        let Some(wanted) = self.workloads.log_target() else { return };
        let followed = self.following.target.as_ref() == Some(&wanted);
        match &self.following.waiting {
            Some((_, since)) if *since == Timestamp::MIN => {}
            Some((target, _)) if *target == wanted => {}
            _ if followed => self.following.waiting = None,
            // The first selection of all is followed at once.
            _ if self.following.target.is_none() => self.following.waiting = Some((wanted, Timestamp::MIN)),
            _ => self.following.waiting = Some((wanted, self.now)),
        }
    }

    /// The containers of a target, unhealthy pods first, so that a bound on streams cuts off the healthy ones.
    fn sources(&self, target: &Target) -> (String, Vec<LogSource>) {
        let (title, mut pods): (String, Vec<&PodEntry>) = match target {
            Target::Workload(key) => (key.name.to_string(), self.fleet.pods_of(key).collect()),
            Target::Workloads(keys) => (format!("{} workloads", keys.len()), keys.iter().flat_map(|k| self.fleet.pods_of(k)).collect()),
            Target::Pod(key) => (key.name.to_string(), self.fleet.pod(&key.namespace, &key.name).into_iter().collect()),
            Target::Container(key, name) => (format!("{}/{name}", key.name), self.fleet.pod(&key.namespace, &key.name).into_iter().collect()),
        };
        pods.sort_by_key(|p| std::cmp::Reverse(health::pod(&p.pod, self.now.as_second()).health.severity().max(Health::Ok.severity())));
        let only = match target {
            Target::Container(_, name) => Some(name),
            _ => None,
        };
        let previous = self.logs.previous;
        let sources = pods.iter().flat_map(|p| containers(&p.pod, only, previous)).collect();
        (title, sources)
    }
}

/// The containers of a pod that have a log: those that ran, init ones included; of the previous run those that restarted.
pub fn containers(pod: &Pod, only: Option<&Str>, previous: bool) -> Vec<LogSource> {
    pod.containers
        .iter()
        .filter(|c| only.is_none_or(|name| c.name == *name))
        .filter(|c| if previous { c.last.is_some() } else { has_log(&c.state) || c.last.is_some() || c.restarts > 0 })
        .map(|c| LogSource {
            namespace: pod.meta.namespace.clone(),
            pod: pod.meta.name.clone(),
            pod_uid: pod.meta.uid.clone(),
            container: c.name.clone(),
            previous,
        })
        .collect()
}

fn has_log(state: &ContainerState) -> bool {
    matches!(state, ContainerState::Running { .. } | ContainerState::Terminated(_))
}
