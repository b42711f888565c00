//! Runs about several objects that are killed and resumed: what was done is found again, what was not begun is begun.

use super::{Desk, at_every_place};
use crate::run::End;
use crate::run::world::{Limit, deployment, neighbour};
use crate::target::model::{Kind, ObjectRef};

fn counts(desk: &Desk) -> [i64; 2] {
    [deployment(), ObjectRef::new(Kind::Deployment, "shop", "web")].map(|o| desk.world.object(&o)["spec"]["replicas"].as_i64().expect("a number"))
}

#[test]
fn two_scales_that_are_killed_anywhere_are_proven_and_each_written_once() {
    let make = || {
        let desk = Desk::new();
        neighbour(&desk.world, "web");
        let plan = desk.plan("scale", &["replicas=5", "with=deployment/web=4"]);
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        assert_eq!(outcome.outcome, End::Proven, "{place}: {outcome:?}");
        assert_eq!((desk.arrived(), counts(desk), desk.locked()), (2, [5, 4], false), "{place}");
    });
}

#[test]
fn two_scales_of_which_one_fails_go_back_once_each_when_they_are_resumed() {
    let make = || {
        let desk = Desk::new();
        neighbour(&desk.world, "web");
        let plan = desk.plan("scale", &["replicas=4", "with=deployment/web=6"]);
        desk.world.with(|s| (s.limit, s.limited) = (Limit::Quota(4), "web"));
        (desk, plan)
    };
    at_every_place(make, |desk, place, outcome| {
        assert_eq!((outcome.outcome, outcome.undone), (End::Failed, true), "{place}: {outcome:?}");
        assert_eq!((desk.arrived(), counts(desk), desk.locked()), (4, [3, 3], false), "{place}");
    });
}
