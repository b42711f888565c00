//! The simulated cluster as several connections share it.
//!
//! Owns the one lock around the world, the clock, and the task that lets time pass. Nothing is awaited while the lock is held, and
//! nobody holds it for long: a cluster in which more happens than its machine can do answers late, but it answers, and it ends.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::world::World;
use crate::base::clock::{Clock, FixedClock, SystemClock};

/// For how long things happen before others may take the lock; what is due then happens a moment later.
const TURN: Duration = Duration::from_millis(4);
/// How long others have to take the lock when some wait for it.
const PAUSE: Duration = Duration::from_millis(1);
/// How long a cluster sleeps in which nothing is going to happen.
const IDLE: Duration = Duration::from_hours(1);

/// Where the time of a cluster comes from.
#[derive(Debug, Clone)]
pub(crate) enum Pace {
    /// It passes.
    Real,
    /// It stands, and moves when told to.
    Held(Arc<FixedClock>),
}

impl Pace {
    /// Now.
    pub(crate) fn now(&self) -> Timestamp {
        match self {
            Self::Real => SystemClock.now(),
            Self::Held(clock) => clock.now(),
        }
    }
}

/// The simulated cluster.
pub(crate) struct Cluster {
    world: Mutex<World>,
    /// How many requests wait for the lock: a thread that takes it again and again would leave it to none of them.
    waiting: AtomicUsize,
    pace: Pace,
    /// The latest revision, and a sign whenever something changed or time was moved.
    changed: watch::Sender<u64>,
    wake: Notify,
    /// Cancelled when the cluster stops: every stream ends.
    pub(crate) stop: CancellationToken,
}

impl Cluster {
    /// Shares a world until `stop` is cancelled.
    pub(crate) fn new(world: World, pace: Pace, stop: CancellationToken) -> Self {
        let (changed, _) = watch::channel(world.store.revision());
        Self { world: Mutex::new(world), waiting: AtomicUsize::new(0), pace, changed, wake: Notify::new(), stop }
    }

    /// Does something with the world. With a held clock everything that is due has happened before; otherwise it happens as soon as
    /// there is time for it, as with any cluster.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        self.waiting.fetch_add(1, Ordering::Relaxed);
        let mut world = self.lock();
        self.waiting.fetch_sub(1, Ordering::Relaxed);
        let now = self.pace.now();
        match self.pace {
            Pace::Real => world.reach(now),
            Pace::Held(_) => while !world.run(now, 1) {},
        }
        let before = world.store.revision();
        let result = f(&mut world);
        let revision = world.store.revision();
        drop(world);
        self.announce(revision);
        if revision != before {
            self.wake.notify_one();
        }
        result
    }

    fn lock(&self) -> MutexGuard<'_, World> {
        self.world.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, revision: u64) {
        self.changed.send_if_modified(|last| std::mem::replace(last, revision) != revision);
    }

    /// The cluster's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.pace.now()
    }

    /// Hears of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Moves a held clock forward, and lets everything happen that becomes due, in its order and each at its own time.
    pub(crate) fn advance(&self, by: Duration) {
        let Pace::Held(clock) = &self.pace else { return };
        let mut world = self.lock();
        clock.advance(by);
        let now = clock.now();
        while let Some(due) = world.next_due().filter(|due| *due <= now) {
            world.run(due, 1);
        }
        world.run(now, 1);
        let revision = world.store.revision();
        drop(world);
        self.announce(revision);
        // Time has passed, which is news for whoever follows a log.
        self.changed.send_modify(|_| ());
    }

    /// Waits until the cluster's time has passed by `by`; a held clock may be moved in between.
    pub(crate) async fn sleep(&self, by: Duration, changes: &mut watch::Receiver<u64>) {
        match &self.pace {
            Pace::Real => tokio::time::sleep(by).await,
            Pace::Held(_) => drop(changes.changed().await),
        }
    }

    /// Lets things happen that are due, for a [`TURN`]; answers whether all of them did, and when the next is due.
    fn turn(&self) -> (bool, Option<Timestamp>) {
        let mut world = self.lock();
        let (now, began) = (self.pace.now(), SystemClock.monotonic());
        let mut done = world.run(now, 1);
        while !done && SystemClock.monotonic().saturating_sub(began) < TURN {
            done = world.run(now, 1);
        }
        let (next, revision) = (world.next_due(), world.store.revision());
        drop(world);
        self.announce(revision);
        (done, next)
    }

    /// Lets time pass until the cluster stops. A held clock moves by [`Self::advance`] alone.
    pub(crate) async fn live(&self) {
        if matches!(self.pace, Pace::Held(_)) {
            return self.stop.cancelled().await;
        }
        while !self.stop.is_cancelled() {
            let (done, next) = self.turn();
            if !done {
                if self.waiting.load(Ordering::Relaxed) > 0 {
                    tokio::time::sleep(PAUSE).await;
                } else {
                    tokio::task::yield_now().await;
                }
                continue;
            }
            let wait = next.map_or(IDLE, |at| Duration::try_from(at.duration_since(self.now())).unwrap_or_default());
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
