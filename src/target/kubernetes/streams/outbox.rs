//! From many streams into one bounded channel, losing no last state.
//!
//! Owns batching and coalescing. Streams never wait for the channel: what they tell is put into their slot, and one
//! forwarder empties the slots in turn, at most [`BATCH`] changes at a time, so that a large list does not hold up a small
//! change elsewhere. While the channel is full, slots coalesce by object: a slot never holds more than about twice as many
//! changes as there are objects.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use crate::base::problem::Problem;
use crate::base::text::Str;
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::request::StreamKey;

/// Changes in one event at most.
pub(crate) const BATCH: usize = 500;

/// How long changes are gathered before they are sent, unless a whole batch is there sooner.
const GATHER: Duration = Duration::from_millis(20);

/// All slots, and the bells that say that one of them holds something.
#[derive(Debug, Clone, Default)]
pub(crate) struct Outbox {
    slots: Arc<Mutex<Vec<Arc<Inner>>>>,
    bells: Arc<Bells>,
}

#[derive(Debug, Default)]
struct Bells {
    something: Notify,
    batch: Notify,
}

/// What one stream has to tell.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    inner: Arc<Inner>,
    bells: Arc<Bells>,
}

#[derive(Debug)]
struct Inner {
    key: StreamKey,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    changes: VecDeque<ObjectChange>,
    /// Length from which on coalescing is worth a pass.
    crowd: usize,
    state: Option<StreamState>,
    /// Problems and their solutions, by id: the last word counts.
    problems: VecDeque<(String, Option<Problem>)>,
    /// Nobody wants to hear it any more.
    closed: bool,
}

impl Outbox {
    /// A slot for a stream.
    pub(crate) fn slot(&self, key: StreamKey) -> Slot {
        let inner = Arc::new(Inner { key, pending: Mutex::default() });
        lock(&self.slots).push(inner.clone());
        Slot { inner, bells: self.bells.clone() }
    }

    /// Forgets a stream and what it still had to tell.
    pub(crate) fn remove(&self, key: &StreamKey) {
        lock(&self.slots).retain(|slot| {
            let keep = slot.key != *key;
            if !keep {
                *lock(&slot.pending) = Pending { closed: true, ..Pending::default() };
            }
            keep
        });
    }

    /// Forwards until the channel is closed. Dropping it sends nothing more.
    pub(crate) async fn forward(&self, events: mpsc::Sender<TargetEvent>) {
        loop {
            self.bells.something.notified().await;
            tokio::select! {
                () = tokio::time::sleep(GATHER) => {}
                () = self.bells.batch.notified() => {}
            }
            if self.empty(&events).await.is_err() {
                return;
            }
        }
    }

    /// Empties all slots, one event of each at a time.
    async fn empty(&self, events: &mpsc::Sender<TargetEvent>) -> Result<(), mpsc::error::SendError<()>> {
        let mut sent = true;
        while sent {
            sent = false;
            let slots = lock(&self.slots).clone();
            for slot in slots.iter().filter(|s| !lock(&s.pending).is_empty()) {
                // Room first, then content: what is pending goes on coalescing while there is no room.
                let room = events.reserve().await?;
                if let Some(event) = lock(&slot.pending).next(&slot.key) {
                    room.send(event);
                    sent = true;
                }
            }
        }
        Ok(())
    }
}

impl Slot {
    /// Whose it is.
    pub(crate) fn key(&self) -> &StreamKey {
        &self.inner.key
    }

    /// Tells a change.
    pub(crate) fn change(&self, change: ObjectChange) {
        let mut pending = lock(&self.inner.pending);
        if pending.closed {
            return;
        }
        pending.changes.push_back(change);
        let count = pending.changes.len();
        if count > pending.crowd.max(2 * BATCH) {
            coalesce(&mut pending.changes);
            pending.crowd = 2 * pending.changes.len();
        }
        drop(pending);
        if count == 1 {
            self.bells.something.notify_one();
        } else if count >= BATCH {
            self.bells.batch.notify_one();
        }
    }

    /// Tells a state; only the last one counts.
    pub(crate) fn state(&self, state: StreamState) {
        self.put(|pending| pending.state = Some(state));
    }

    /// Tells a problem of this stream.
    pub(crate) fn problem(&self, problem: Problem) {
        self.put(|pending| pending.problem(problem.id.clone(), Some(problem)));
    }

    /// Tells that a problem is gone.
    pub(crate) fn solved(&self, id: String) {
        self.put(|pending| pending.problem(id, None));
    }

    fn put(&self, change: impl FnOnce(&mut Pending)) {
        let mut pending = lock(&self.inner.pending);
        if !pending.closed {
            change(&mut pending);
            drop(pending);
            self.bells.something.notify_one();
        }
    }
}

impl Pending {
    fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.state.is_none() && self.problems.is_empty()
    }

    fn problem(&mut self, id: String, problem: Option<Problem>) {
        self.problems.retain(|(other, _)| *other != id);
        self.problems.push_back((id, problem));
    }

    /// The next event: a state comes after the changes that it speaks of.
    fn next(&mut self, key: &StreamKey) -> Option<TargetEvent> {
        if !self.changes.is_empty() {
            let count = self.changes.len().min(BATCH);
            let changes = self.changes.drain(..count).collect();
            if self.changes.is_empty() {
                // A list of thousands is told once; the room for it need not be kept.
                self.changes.shrink_to(BATCH);
                self.crowd = 0;
            }
            return Some(TargetEvent::Objects { key: key.clone(), changes });
        }
        if let Some(state) = self.state.take() {
            return Some(TargetEvent::Stream { key: key.clone(), state });
        }
        let (id, problem) = self.problems.pop_front()?;
        Some(problem.map_or(TargetEvent::Solved(id), TargetEvent::Problem))
    }
}

/// Keeps of every object the last word, in the place of its first: before `Listed` if it was before, so that no object seems
/// to go and come back. What was told before a fresh list began does not matter any more.
fn coalesce(changes: &mut VecDeque<ObjectChange>) {
    if let Some(begin) = changes.iter().rposition(|c| matches!(c, ObjectChange::Listing)) {
        changes.drain(..begin);
    }
    let mut places: HashMap<(Str, Str), usize> = HashMap::new();
    let mut kept: VecDeque<ObjectChange> = VecDeque::with_capacity(changes.len());
    for change in changes.drain(..) {
        let name = match &change {
            ObjectChange::Applied(object) => (object.meta().namespace.clone(), object.meta().name.clone()),
            ObjectChange::Deleted(reference) => (reference.namespace.clone(), reference.name.clone()),
            ObjectChange::Listing | ObjectChange::Listed => {
                kept.push_back(change);
                continue;
            }
        };
        if let Some(place) = places.get(&name).and_then(|place| kept.get_mut(*place)) {
            *place = change;
        } else {
            places.insert(name, kept.len());
            kept.push_back(change);
        }
    }
    *changes = kept;
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
