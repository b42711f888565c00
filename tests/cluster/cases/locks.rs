//! Issue text "Two operators, no server": who holds the lock, which run and step, live on every other console until its end.

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::Operator;
use crate::support::screen::Size;

const SIZE: Size = (120, 36);

pub(crate) fn another_console_sees_who_works_at_which_step_and_how_it_ends(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // New pods take their time, so that the run is there to be watched.
    space.apply(&Web::new("web", 1).init("slow", "sleep 8").yaml());
    space.wait_ready("web", 1);
    let (operator, second) = (Operator::new(cluster, "operator", &space), Operator::new(cluster, "second", &space));
    let mut console = second.console(SIZE, &[]);
    console.wait("nobody works yet", |screen| screen.has("no run"));
    console.press("W");
    console.wait_for("Nobody else works here");
    console.press("esc");
    let run = operator.start(&["run", "scale", "web=2", "--confirm", "y", "-o", "json", "--reason", "the fair begins"]);
    console.wait("the bottom line tells the run and its step", |screen| screen.has("scale 1->2 at prove-ready: "));
    console.press("W");
    let screen = console.wait("the view tells who, what and why", |screen| screen.has("now at prove-ready: "));
    for told in ["web", "scale 1->2 by operator@", "in the cluster)", "since ", "-scale-", "why: the fair begins"] {
        assert!(screen.has(told), "'{told}' is missing:\n{}", screen.dump());
    }
    run.end().exits(0);
    let screen = console.wait("and how it ended", |screen| screen.has("let go") && screen.has("every proof held"));
    assert!(!screen.has("now at"), "{}", screen.dump());
    console.press("esc");
    console.wait("nobody works any more", |screen| screen.has("no run"));
}
