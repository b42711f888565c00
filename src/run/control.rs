//! Talking to a run that is under way: stop it, cancel it, answer it, leave it alone.
//!
//! Owns the wishes that a run heeds (contract.md 6). A handle outlives the view that shows the run.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::Notify;

use super::machine::Stop;
use super::outcome::{Signal, Way};
use crate::base::text::Str;

/// The handle of a run. Shared between whoever shows the run and the run itself.
#[derive(Debug)]
pub struct Control {
    attended: AtomicBool,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    stop: Stop,
    answer: Option<Way>,
    /// What must be typed to go on.
    typed: Option<Str>,
}

impl Control {
    /// A handle; `attended` = somebody sits at a terminal and can be asked.
    pub fn new(attended: bool) -> Self {
        Self { attended: AtomicBool::new(attended), state: Mutex::default(), changed: Notify::new() }
    }

    fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        let result = change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        self.changed.notify_one();
        result
    }

    /// An interrupt: once = stop after this step, twice = stop now and ask or go back.
    pub fn interrupt(&self) {
        self.with(|state| {
            state.stop = match state.stop {
                Stop::No => Stop::AfterStep(Signal::Interrupt),
                Stop::AfterStep(signal) => Stop::Now(signal),
                stop => stop,
            };
        });
    }

    /// TERM: stop after this step.
    pub fn terminate(&self) {
        self.with(|state| {
            if state.stop == Stop::No {
                state.stop = Stop::AfterStep(Signal::Terminate);
            }
        });
    }

    /// Cancel and undo.
    pub fn undo(&self) {
        self.with(|state| {
            state.stop = Stop::Undo;
            state.answer = Some(Way::Undo);
        });
    }

    /// The terminal is gone: nobody can be asked any more, and what fails is undone.
    pub fn detach(&self) {
        self.attended.store(false, Ordering::Relaxed);
        self.with(|_| ());
    }

    /// Answers the question that the run asked. Going on where something must be typed is no answer.
    pub fn answer(&self, way: Way) {
        self.with(|state| {
            if way != Way::GoOn || state.typed.is_none() {
                state.answer = Some(way);
            }
        });
    }

    /// Goes on when this is what the question asks to be typed; whether it is.
    pub fn type_in(&self, text: &str) -> bool {
        self.with(|state| {
            let right = state.typed.as_deref() == Some(text.trim());
            if right {
                state.answer = Some(Way::GoOn);
            }
            right
        })
    }

    pub(in crate::run) fn attended(&self) -> bool {
        self.attended.load(Ordering::Relaxed)
    }

    pub(in crate::run) fn stop(&self) -> Stop {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).stop
    }

    /// Forgets answers from before the question was asked.
    pub(in crate::run) fn asking(&self, typed: Option<Str>) {
        let mut state = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        (state.answer, state.typed) = (None, typed);
    }

    /// The answer, once there is one; without anybody to ask it is to undo.
    pub(in crate::run) async fn answered(&self) -> Way {
        loop {
            let changed = self.changed.notified();
            let answer = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).answer.take();
            match answer {
                Some(Way::Wait) => {
                    self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).stop = Stop::No;
                    return Way::Wait;
                }
                Some(way) => return way,
                None if !self.attended() => return Way::Undo,
                None => changed.await,
            }
        }
    }

    /// Returns when something changed that a waiting run should look at.
    pub(in crate::run) async fn changed(&self) {
        self.changed.notified().await;
    }
}
