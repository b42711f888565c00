//! Looking once more at what a plan rests on, before anything of it is written.
//!
//! Owns how much is looked at before which write. What counts as moved is the plan's.

use super::{Effect, Leg, Machine, State};
use crate::target::api::TargetError;

impl Machine {
    /// The way back rests on what the way forward has looked at.
    pub(super) fn is_verified(&self) -> bool {
        self.leg == Leg::Back || self.verified.contains(&self.number())
    }

    /// Before the first write all that the plan rests on is looked at again; before that of each further object, what that one rests on.
    pub(super) fn verify(&mut self) -> Effect {
        self.state = State::Verifying;
        let number = if self.leg == Leg::Forward && self.carried.is_empty() && self.past.is_none() { 0 } else { self.number() };
        Effect::Verify(self.plan.frozen_of(number).cloned().collect())
    }

    pub(super) fn verified(&mut self, moved: Result<Vec<String>, TargetError>) -> Effect {
        match moved {
            Ok(moved) if moved.is_empty() => {
                self.verified.push(self.number());
                self.look()
            }
            Ok(moved) => self.failed(format!("the plan is stale: {}", moved.join("; "))),
            Err(error) => self.failed(format!("what the plan rests on cannot be read again: {}", error.message)),
        }
    }
}
