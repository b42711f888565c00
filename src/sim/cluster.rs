//! The simulated cluster as several connections share it.
//!
//! Owns the one lock around the world, the clock, and the task that lets time pass. Nothing is awaited while the lock is held.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::{Notify, watch};
use tokio_util::sync::CancellationToken;

use super::world::World;
use crate::base::clock::{Clock, FixedClock, SystemClock};

/// How many things happen before others may take the lock.
const BUDGET: usize = 400;

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
    pace: Pace,
    /// The latest revision, and a sign whenever something changed or time was moved.
    changed: watch::Sender<u64>,
    wake: Notify,
    /// Cancelled when the cluster stops: every stream ends.
    pub(crate) stop: CancellationToken,
}

impl Cluster {
    /// Shares a world.
    pub(crate) fn new(world: World, pace: Pace) -> Self {
        let (changed, _) = watch::channel(world.store.revision());
        Self { world: Mutex::new(world), pace, changed, wake: Notify::new(), stop: CancellationToken::new() }
    }

    /// Does something with the world, after everything that is due has happened.
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut World) -> R) -> R {
        let (result, revision) = {
            let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            world.run(self.pace.now(), BUDGET);
            let result = f(&mut world);
            (result, world.store.revision())
        };
        self.changed.send_if_modified(|last| std::mem::replace(last, revision) != revision);
        self.wake.notify_one();
        result
    }

    /// The cluster's time.
    pub(crate) fn now(&self) -> Timestamp {
        self.pace.now()
    }

    /// Hears of every change.
    pub(crate) fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }

    /// Moves a held clock forward, and lets everything happen that becomes due, in its order.
    pub(crate) fn advance(&self, by: Duration) {
        if let Pace::Held(clock) = &self.pace {
            clock.advance(by);
            while !self.turn().0 {}
            self.changed.send_modify(|_| ());
        }
    }

    /// Waits until the cluster's time has passed by `by`; a held clock may be moved in between.
    pub(crate) async fn sleep(&self, by: Duration, changes: &mut watch::Receiver<u64>) {
        match &self.pace {
            Pace::Real => tokio::time::sleep(by).await,
            Pace::Held(_) => drop(changes.changed().await),
        }
    }

    /// Lets things happen that are due; answers whether all of them did, and when the next is due.
    fn turn(&self) -> (bool, Option<Timestamp>) {
        let (done, next, revision) = {
            let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
            let done = world.run(self.pace.now(), BUDGET);
            (done, world.next_due(), world.store.revision())
        };
        self.changed.send_if_modified(|last| std::mem::replace(last, revision) != revision);
        (done, next)
    }

    /// Lets time pass until the cluster stops.
    pub(crate) async fn live(&self) {
        loop {
            let (done, next) = self.turn();
            if !done {
                tokio::task::yield_now().await;
                continue;
            }
            let wait = match (&self.pace, next) {
                (Pace::Real, Some(at)) => Duration::try_from(at.duration_since(self.now())).unwrap_or_default(),
                _ => Duration::from_hours(1),
            };
            tokio::select! {
                () = self.stop.cancelled() => return,
                () = self.wake.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }
}
