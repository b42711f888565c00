//! What the workload of a run carries, for whoever is told how the run went.
//!
//! Owns that it is read from a proof that held: what was written since and not proven makes it unknown. Never a guess.

use serde_json::Value;

use super::{Leg, Machine};
use crate::run::facts::{items, text};
use crate::run::step::{Fact, Pin, Step, Work};

/// What is told where no proof says it.
const UNKNOWN: &str = "unknown";
const TEMPLATE: &str = "/spec/template";

impl Machine {
    /// The image that the workload carries by the newest proof; of a pod with several containers, all of them.
    pub(super) fn image_after(&self) -> String {
        self.image_proven().unwrap_or_else(|| UNKNOWN.to_owned())
    }

    fn image_proven(&self) -> Option<String> {
        let undo = || self.plan.inner.undo_steps.iter().map(|u| &u.step);
        let proven = |step: &Step| match &step.work {
            Work::Prove(proof) => match &proof.fact {
                Fact::Rollout { pin, .. } => Some((proof.object.clone(), images(pin)?)),
                _ => None,
            },
            _ => None,
        };
        let held = self.held.iter().filter_map(|id| {
            let step = self.plan.steps.iter().chain(undo()).find(|s| s.id == *id)?;
            let (object, image) = proven(step)?;
            Some((*id, object, image))
        });
        let held: Vec<_> = held.collect();
        let (last, object, image) = held.last()?;
        // Of several workloads nobody knows which one is meant.
        if held.iter().any(|(_, other, _)| other != object) {
            return None;
        }
        let written: Vec<&Step> = self.plan.steps.iter().filter(|s| sets_images(s) && self.begun.contains(&s.id.member())).collect();
        let went_back = self.leg == Leg::Back || !self.undone.is_empty();
        let is_last = if went_back {
            let taken_back = |s: &&Step| !self.carried.contains(&s.id) || self.undone.contains(&s.id);
            written.iter().all(taken_back) && undo().any(|s| s.id == *last)
        } else {
            written.last().is_none_or(|s| s.id.member() == last.member())
        };
        is_last.then(|| image.clone())
    }
}

fn sets_images(step: &Step) -> bool {
    let Work::Write(write) = &step.work else { return false };
    write.changes.iter().any(|c| c.pointer == TEMPLATE || c.pointer.ends_with("/image"))
}

/// The images that a template is told by, where it is told by any.
fn images(pin: &Pin) -> Option<String> {
    if pin.pointer.ends_with("/image") {
        return pin.value.as_str().map(str::to_owned);
    }
    let containers: Vec<&Value> = if pin.pointer == TEMPLATE { items(&pin.value, "/spec/containers").collect() } else { Vec::new() };
    let of = |c: &&Value| text(c, "/image");
    match &containers[..] {
        [] => None,
        [one] => Some(of(one)),
        several => Some(several.iter().map(|c| format!("{}={}", text(c, "/name"), of(c))).collect::<Vec<_>>().join(", ")),
    }
}
