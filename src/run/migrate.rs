//! Migrate: what an image and a database say of each other, and what a plan makes of it.
//!
//! Owns the two actions (`inspect`, which only reads, and `migrate`), the Job that carries them out (`job`), what that Job says
//! (`answer`), what a service file declares of it (`service`), the record of it that colleagues see (`releases`), by which it is told
//! where a database stands (`standing`), and the verdict on going back that rests on it (`judge`). The Job is made of the workload's own
//! pod template with the image
//! that is meant: the pods that run have neither its files nor its code. What an answer means is the room `migrate`'s.

mod answer;
mod apply;
mod back;
mod checks;
mod downgrade;
mod inspect;
mod job;
mod judge;
mod network;
pub mod releases;
mod service;
mod standing;

pub use answer::{Failure, Seen};
pub(in crate::run) use answer::{Said, progress, said};
pub(in crate::run) use apply::{harm, part as apply};
pub(in crate::run) use back::Ahead;
pub(in crate::run) use checks::{forbidden, logs};
pub use downgrade::TO;
pub(in crate::run) use downgrade::{part as downgrade, taken_back, with_templates};
pub(in crate::run) use inspect::part as inspect;
pub use job::{Asked, Back, LOCK, Migration, Mode};
pub use judge::{Applied, Judge, Known, MOST_APPLIED};
pub use service::of_service;
pub use standing::{Stand, Standing};

use serde_json::Value;

use super::facts::WorkloadFacts;
use super::plan::Plan;
use super::step::{Fact, Proof, StepId, Work};
use crate::target::model::ObjectRef;

/// The parameter that names the image.
pub const PARAMETER: &str = "image";

/// Whether what an action is about is what `[migrations]` of a service file says, so that nothing need be named.
pub fn is_declared(action: &str) -> bool {
    matches!(action, "inspect" | "migrate" | "downgrade")
}

/// The image that the parameters of a request name.
pub fn image(parameters: &[String]) -> Option<&str> {
    parameters.iter().find_map(|p| p.strip_prefix(PARAMETER)?.strip_prefix('='))
}

/// Something that is asked of an image, for tests beside the observer.
#[cfg(test)]
pub(in crate::run) fn asked_for(mode: Mode) -> Asked {
    job::tests::asked(mode)
}

/// A record in which `api:2` has one revision above `api:1`, and so many rows are in what that added, for tests of rollbacks.
#[cfg(test)]
pub(crate) fn known_above(rows: u64) -> Value {
    use crate::migrate::verdict::tests::seen;
    let of = |image: &str, digest: &str, minutes, inspection| Seen { inspection, ..releases::tests::seen(image, digest, minutes) };
    releases::tests::record(&[of("api:2", "b", 1, seen(2, "b2", rows)), of("api:1", "a", 0, seen(1, "a1", rows))])
}

/// A record that knows the image `shop:2`, which has more than the database, and `shop:1`, which has less, for tests beside the actions.
#[cfg(test)]
pub(in crate::run) fn known_releases() -> Value {
    use crate::migrate::verdict::tests::seen;
    let of = |image: &str, digest: &str, minutes, inspection| Seen { inspection, ..releases::tests::seen(image, digest, minutes) };
    // Some minutes before the world of the tests begins.
    releases::tests::record(&[of("shop:2", "b", -77_370, seen(3, "b2", 0)), of("shop:1", "a", -77_371, seen(1, "b2", 0))])
}

/// A record in which `api:2`, which runs, and `api:1` were inspected some minutes before the world of the tests begins, with the database at
/// `at`, and `api:3` after them where that is so.
#[cfg(test)]
pub(crate) fn known_at(at: &str, newer: bool) -> Value {
    use crate::migrate::verdict::tests::seen;
    let of = |image: &str, digest: &str, minutes, inspection| Seen { inspection, ..releases::tests::seen(image, digest, minutes) };
    let newer = newer.then(|| of("api:3", "c", -77_369, seen(3, at, 0)));
    let others = [of("api:2", "b", -77_370, seen(2, at, 0)), of("api:1", "a", -77_371, seen(1, at, 0))];
    releases::tests::record(&newer.into_iter().chain(others).collect::<Vec<_>>())
}

/// What a plan asks of images, on its way forward and back: the step that proves it, its Job, and what is asked.
pub(in crate::run) fn asked(plan: &Plan) -> impl Iterator<Item = (StepId, &ObjectRef, &Asked)> {
    let steps = plan.steps.iter().chain(plan.inner.undo_steps.iter().map(|u| &u.step));
    steps.filter_map(|step| match &step.work {
        Work::Prove(Proof { fact: Fact::Answered { asked, .. }, object, .. }) => Some((step.id, object, &**asked)),
        _ => None,
    })
}

/// What the Jobs of a plan are made of, as their workload is: a record of the run keeps none of it in clear.
pub(in crate::run) fn values(workload: &WorkloadFacts, plan: &Plan) -> Vec<Value> {
    asked(plan).map(|(_, _, asked)| asked.job(workload, &plan.id)).collect()
}
