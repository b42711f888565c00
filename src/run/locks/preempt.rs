//! Asking for a lock that a live run holds, and hearing that somebody asks for one of ours.
//!
//! Owns the annotation `timonel.io/preempt-by`, on both sides. One holder is asked, once: whoever takes the lock after it is not asked
//! again, so that two mitigations do not take it from each other for ever.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Held, Locks, SEEN_MAX, Taken};
use crate::base::text::{Str, elide};
use crate::run::lease::{Holder, LeaseFacts};
use crate::run::preempt;
use crate::target::api::TargetError;
use crate::target::model::ObjectRef;

/// Who was asked for one lock, and since when.
#[derive(Default)]
pub(super) struct Asking {
    of: Option<(LeaseFacts, Duration)>,
}

impl Asking {
    /// The lock is ours: how it came to be.
    pub(super) fn taken(self, held: Held) -> Taken {
        match self.of {
            Some((was, _)) => Taken::Over(held, format!("asked {} for the lock, who let go of it", was.words())),
            None => Taken::Ours(held),
        }
    }
}

impl Locks {
    /// Asks the holder, or goes on waiting for it; `Some` = why that is of no use, after what it is about.
    pub(super) async fn ask_for(&self, lease: &ObjectRef, facts: &LeaseFacts, asking: &mut Asking) -> Result<Option<String>, TargetError> {
        if preempt::refuses(&facts.action) {
            return Ok(Some(", and does not stop before its end".to_owned()));
        }
        let now = self.clock.monotonic();
        match &asking.of {
            Some((was, _)) if was.holder != facts.holder => Ok(Some(format!(", who took the lock before us when {} let go of it", was.holder))),
            Some((_, since)) if now.saturating_sub(*since) >= preempt::WITHIN => {
                // What cannot be taken back goes with the holder's own release.
                let _ = self.gate.send(Holder::preempt_no_more(lease, facts)).await;
                Ok(Some(format!(", and did not let go within {} s of being asked", preempt::WITHIN.as_secs())))
            }
            Some(_) => Ok(None),
            None => {
                // Somebody who asked before us is waited for with us: whoever is first takes it.
                if facts.preempt_by.is_empty() {
                    self.gate.send(self.holder.preempt(lease, facts)).await?;
                }
                asking.of = Some((facts.clone(), now));
                Ok(None)
            }
        }
    }

    /// Who asks for one of our locks, and for what.
    pub(in crate::run) fn asked_by(&self) -> Option<Str> {
        self.asked_by.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when somebody asks for one of our locks.
    pub(in crate::run) async fn wanted(&self) {
        self.wanted.notified().await;
    }

    /// Takes note of who asks, after the locks were renewed. A run that does not stop before its end does not hear it.
    pub(super) fn heed(&self, held: &[Held]) {
        let asks = held.iter().map(|h| &h.asked_by).find(|by| !by.is_empty());
        let by: Option<Str> = asks.filter(|_| !preempt::refuses(&self.holder.action)).map(|by| elide(by, SEEN_MAX).as_ref().into());
        let mut asked_by = self.asked_by.lock().unwrap_or_else(PoisonError::into_inner);
        if *asked_by != by {
            let asked = by.is_some();
            *asked_by = by;
            if asked {
                self.wanted.notify_one();
            }
        }
    }
}
