//! Clocks that disagree, locks whose holders are gone or are not, and a plan that is too old.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use serde_json::json;

use super::{Place, at_once};
use crate::cluster::Cluster;
use crate::faults::{refused, tell};
use crate::support::terminal::End;

const FIVE_MINUTES: i64 = 300;

pub(crate) fn clocks_that_disagree_are_told_and_change_no_outcome(cluster: &Cluster) {
    at_once(
        cluster,
        &[
            the_server_is_ahead,
            a_holder_who_is_behind_is_left_alone,
            a_holder_who_was_ahead_and_vanished_is_followed,
            a_holder_who_vanished_is_followed,
        ],
    );
}

fn the_server_is_ahead(place: &Place<'_>) {
    place.middle.clock_ahead(FIVE_MINUTES);
    let doctor = place.operator.call(&["doctor"]);
    assert!(doctor.stdout.contains("This machine's clock and the server's are") && doctor.code == Some(1), "{doctor:?}");
    place.ended("the server's clock is 5 minutes ahead", place.operator.run(&["web=2"]), "proven", 0, 2);
}

/// Somebody's lock on `web`, renewed so many seconds after now by its own clock.
fn lock(place: &Place<'_>, ahead: i64) {
    let renewed = Timestamp::from_second(Timestamp::now().as_second() + ahead).expect("a time");
    // Times of leases have microseconds: whoever renews twice within a second is seen.
    let renewed = renewed + Duration::from_micros(u64::try_from(Timestamp::now().subsec_microsecond()).unwrap_or_default());
    place.space.apply(&format!(
        "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {{name: timonel-deployment-web}}\n\
         spec: {{holderIdentity: bob@desk/run-1, leaseDurationSeconds: 30, renewTime: '{}'}}\n",
        renewed.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
    ));
}

fn a_holder_who_is_behind_is_left_alone(place: &Place<'_>) {
    lock(place, -FIVE_MINUTES);
    let over = AtomicBool::new(false);
    let run = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                lock(place, -FIVE_MINUTES);
                std::thread::park_timeout(Duration::from_millis(500));
            }
        });
        let run = place.operator.run(&["web=2"]);
        over.store(true, Ordering::Relaxed);
        run
    });
    let run = place.ended("the holder of the lock is alive, and its clock is 5 minutes behind", run, "refused", 4, 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("bob@desk/run-1 works on it"), "{:#}", run.end());
}

fn followed(place: &Place<'_>, row: &str, ahead: i64) {
    lock(place, ahead);
    let run = place.ended(row, place.operator.run(&["web=2"]), "proven", 0, 2);
    let told = |step: &serde_json::Value| {
        step["step"] == "lock" && step["text"].as_str().is_some_and(|text| text.contains("took over the lock of bob@desk"))
    };
    assert!(run.named("step_proven").any(told), "{run:#?}");
    let recorded = place.operator.journal();
    assert!(recorded.iter().any(|line| line["kind"] == "proof" && line.to_string().contains("bob@desk/run-1")), "it is on record");
    let lease = place.space.get("coordination.k8s.io/v1", "Lease", "timonel-deployment-web").unwrap();
    assert_eq!(lease["spec"].get("holderIdentity"), None, "{lease:#}");
}

fn a_holder_who_was_ahead_and_vanished_is_followed(place: &Place<'_>) {
    followed(place, "the holder of the lock vanished, and its clock was 5 minutes ahead", FIVE_MINUTES);
}

fn a_holder_who_vanished_is_followed(place: &Place<'_>) {
    followed(place, "the holder of the lock vanished", -FIVE_MINUTES);
}

pub(crate) fn a_plan_that_waited_longer_than_it_holds_is_refused_at_the_terminal(cluster: &Cluster) {
    let place = Place::new(cluster);
    let mut terminal = place.operator.terminal((110, 40), &["run", "scale", "web=2"]);
    terminal.wait_for("to go on:");
    // The time itself is what is tried here: nothing else makes a plan old.
    std::thread::sleep(Duration::from_secs(91));
    terminal.press("y enter");
    assert_eq!(terminal.wait_end(), End::Code(4));
    let screen = terminal.screen();
    let said = "the plan is too old: 90 s passed";
    assert!(screen.rows.iter().any(|row| row.contains(said)), "{screen:?}");
    assert_eq!(place.space.replicas("web"), 1);
    assert!(place.operator.journal().is_empty(), "nothing began");
    tell(cluster, &place.space, "the plan is 91 s old", Some(4), &refused(said));
    assert_eq!(json!(place.space.list("coordination.k8s.io/v1", "Lease").len()), json!(0), "no lock was taken");
}
