//! Everything that the simulated cluster is at one moment, and the queue of what happens next.
//!
//! Owns the objects, the time, the randomness and the timers. All of it is behind one lock, and everything happens in the order of
//! its time, so that the same seed makes the same story. Must not know HTTP.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::api::kinds::{Res, known};
use super::control::{self, Notes, Work};
use super::errand::Errands;
use super::kubelet::{self, Kubelet, PodStep};
use super::network::Network;
use super::recorder::Recorder;
use super::store::{Change, Entry, Key, Store};
use super::story::{self, Story};
use super::wire::canon::seconds;

/// Something that is due at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Task {
    /// A controller looks at one object.
    Reconcile(Work),
    /// Something happens to a pod.
    Pod(PodStep),
    /// The story goes on.
    Story(story::Beat),
}

/// The simulated cluster.
pub(crate) struct World {
    /// Its objects.
    pub(crate) store: Store,
    /// Its time.
    pub(crate) now: Timestamp,
    /// Until when it is to run now: later than [`Self::now`] while more is due than has happened yet.
    pub(crate) until: Timestamp,
    /// When it was started: the story counts from here.
    pub(crate) started: Timestamp,
    /// Where chance comes from.
    pub(crate) rng: fastrand::Rng,
    /// How many times faster than life things happen.
    pub(crate) speed: f64,
    /// What runs on the nodes.
    pub(crate) kubelet: Kubelet,
    /// Addresses that were given out.
    pub(crate) network: Network,
    /// Who writes Events.
    pub(crate) recorder: Recorder,
    /// What controllers remember.
    pub(crate) notes: Notes,
    /// What is going to happen, and how things behave.
    pub(crate) story: Story,
    /// Databases, and the dumps of them.
    pub(crate) errands: Errands,
    timers: BTreeMap<(Timestamp, u64), Task>,
    sequence: u64,
    queued: HashSet<Work>,
}

/// How long a controller takes to notice a change.
const NOTICE: Duration = Duration::from_millis(4);

impl World {
    /// An empty cluster.
    pub(crate) fn new(now: Timestamp, seed: u64, speed: f64, story: Story, errands: Errands) -> Self {
        Self {
            store: Store::new(1_000),
            now,
            until: now,
            started: now,
            rng: fastrand::Rng::with_seed(seed),
            speed,
            kubelet: Kubelet::default(),
            network: Network::default(),
            recorder: Recorder::default(),
            notes: Notes::default(),
            story,
            errands,
            timers: BTreeMap::new(),
            sequence: 0,
            queued: HashSet::new(),
        }
    }

    /// Now, as the API writes it.
    pub(crate) fn stamp(&self) -> String {
        seconds(self.now)
    }

    /// A new identity.
    pub(crate) fn uid(&mut self) -> String {
        let n = self.rng.u128(..);
        let hex = format!("{n:032x}");
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }

    /// A suffix as the API server makes them: no vowels, so no words.
    pub(crate) fn suffix(&mut self, length: usize) -> String {
        (0..length).map(|_| char::from(SAFE[self.rng.usize(..SAFE.len())])).collect()
    }

    /// A duration of life, at the speed of this cluster.
    pub(crate) fn scaled(&self, life: Duration) -> Duration {
        life.div_f64(self.speed.max(0.001))
    }

    /// Life that passed since `then`: the opposite of [`Self::scaled`].
    pub(crate) fn life_since(&self, then: Timestamp) -> Duration {
        Duration::try_from(self.now.duration_since(then)).unwrap_or_default().mul_f64(self.speed)
    }

    /// Lets something happen after a duration of life.
    pub(crate) fn after(&mut self, life: Duration, task: Task) {
        self.at(self.now.checked_add(self.scaled(life)).unwrap_or(self.now), task);
    }

    /// Lets something happen at a time.
    pub(crate) fn at(&mut self, due: Timestamp, task: Task) {
        self.sequence += 1;
        self.timers.insert((due, self.sequence), task);
    }

    /// Lets a controller look at an object soon; asked twice, it looks once.
    pub(crate) fn enqueue(&mut self, work: Work) {
        if self.queued.insert(work.clone()) {
            self.at(self.now.checked_add(NOTICE).unwrap_or(self.now), Task::Reconcile(work));
        }
    }

    /// Lets happen what is due until `until`, at most `budget` things; answers whether all of it happened.
    pub(crate) fn run(&mut self, until: Timestamp, budget: usize) -> bool {
        self.until = until;
        for _ in 0..budget {
            match self.timers.first_key_value() {
                Some((&(due, _), _)) if due <= until => {}
                _ => {
                    self.now = self.now.max(until);
                    return true;
                }
            }
            if let Some(((due, _), task)) = self.timers.pop_first() {
                self.now = self.now.max(due);
                self.happen(task);
            }
        }
        false
    }

    /// Moves the time to `now`, though something earlier may still be due.
    pub(crate) fn reach(&mut self, now: Timestamp) {
        self.now = self.now.max(now);
    }

    /// When something is due next.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.timers.first_key_value().map(|((due, _), _)| *due)
    }

    fn happen(&mut self, task: Task) {
        match task {
            Task::Reconcile(work) => {
                self.queued.remove(&work);
                control::reconcile(self, &work);
            }
            Task::Pod(step) => kubelet::step(self, &step),
            Task::Story(beat) => story::beat(self, &beat),
        }
    }

    /// Writes an object, and lets everyone whom it concerns know.
    pub(crate) fn put(&mut self, res: Res, value: Value) -> Arc<Entry> {
        let change = self.store.put(res, value);
        self.react(&change);
        change.now
    }

    /// Takes an object out, and lets everyone whom it concerns know.
    pub(crate) fn remove(&mut self, res: Res, key: &Key) -> Option<Arc<Entry>> {
        let change = self.store.remove(res, key)?;
        self.react(&change);
        Some(change.now)
    }

    /// Changes an object in place. Nothing is written when nothing changed; a changed spec counts as a new generation,
    /// except that of a pod: only clients change what a pod is to be.
    pub(crate) fn edit(&mut self, res: Res, key: &Key, change: impl FnOnce(&mut Value)) -> Option<Arc<Entry>> {
        let entry = self.store.get(res, key)?.clone();
        let old = entry.value();
        let mut new = old.clone();
        change(&mut new);
        if new == old {
            return Some(entry);
        }
        if res != known().pods && new["spec"] != old["spec"] && old["metadata"]["generation"].is_u64() {
            new["metadata"]["generation"] = json!(old["metadata"]["generation"].as_u64().unwrap_or_default() + 1);
        }
        Some(self.put(res, new))
    }

    /// Fills in what every new object gets: identity, time, first generation.
    pub(crate) fn born(&mut self, value: &mut Value) {
        value["metadata"]["uid"] = json!(self.uid());
        value["metadata"]["creationTimestamp"] = json!(self.stamp());
    }

    fn react(&mut self, change: &Change) {
        control::react(self, change);
        kubelet::react(self, change);
    }
}

/// What generated names are made of.
pub(crate) const SAFE: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
