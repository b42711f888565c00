//! Servers that die or stand still: each fault is made once, and meets two runs at two places.

use std::time::Duration;

use super::{Place, SCALE};
use crate::cluster::Cluster;
use crate::faults::Watched;
use crate::middle::{Fate, Hold, When};
use crate::operator::Run;

pub(crate) fn an_api_server_that_is_killed_in_the_middle_of_a_write_leaves_no_doubt(cluster: &Cluster) {
    let bed = cluster.bed().expect("a cluster of our own");
    let (going, coming) = (Place::new(cluster), Place::new(cluster));
    let asked = going.middle.hold("PATCH", "/scale", 1, When::Asked, Fate::HandedOn);
    let answered = coming.middle.hold("PATCH", "/scale", 1, When::Answered, Fate::AnswerLost);
    let (first, second) = (going.operator.start(SCALE), coming.operator.start(SCALE));
    asked.reached();
    answered.reached();
    bed.kill_api_server();
    asked.go();
    answered.go();
    bed.start_api_server().unwrap_or_else(|error| panic!("{error}"));
    let (first, second) = (Run::of(&first.end()), Run::of(&second.end()));
    cluster.wait_until_it_answers().unwrap_or_else(|error| panic!("{error}"));
    going.ended("the API server is killed with the write on its way to it, and started again", first, "proven", 0, 2);
    coming.ended("the API server is killed with the answer on its way back, and started again", second, "proven", 0, 2);
}

/// A lock lasts 30 s as well: what was acknowledged before is proven, with or without the lock; what was not sent by then is not sent any
/// more, for the lock was older than the moment in which the store stood still.
pub(crate) fn a_data_store_that_stands_still_for_as_long_as_a_lock_lasts_leaves_no_doubt(cluster: &Cluster) {
    let (proving, locked) = (Place::new(cluster), Place::new(cluster));
    let acknowledged = proving.middle.hold("PATCH", "/scale", 1, When::Answered, Fate::HandedOn);
    let taken = locked.middle.hold("POST", "/leases", 1, When::Answered, Fate::HandedOn);
    let (first, second) = (proving.operator.start(SCALE), locked.operator.start(SCALE));
    acknowledged.reached();
    taken.reached();
    // So much older is the lock than the fault.
    std::thread::sleep(Duration::from_secs(5));
    let bed = cluster.bed().expect("a cluster of our own");
    bed.stand_still("etcd", true);
    acknowledged.go();
    taken.go();
    // The time itself is the fault.
    std::thread::sleep(Duration::from_secs(30));
    bed.stand_still("etcd", false);
    let (first, second) = (Run::of(&first.end()), Run::of(&second.end()));
    cluster.wait_until_it_answers().unwrap_or_else(|error| panic!("{error}"));
    proving.ended("etcd stands still for 30 s, as long as a lock lasts, once the write is acknowledged", first, "proven", 0, 2);
    locked.ended("etcd stands still for 30 s, as long as a lock lasts, before the write", second, "refused", 4, 1);
}

pub(crate) fn a_data_store_that_stands_still_delays_a_run_or_ends_it_without_a_doubt(cluster: &Cluster) {
    let (short, before, meanwhile) = (Place::new(cluster), Place::new(cluster), Place::new(cluster));
    let stand_still = |seconds: u64, let_go: &[&Hold]| {
        let bed = cluster.bed().expect("a cluster of our own");
        bed.stand_still("etcd", true);
        for hold in let_go {
            hold.go();
        }
        // The time itself is the fault.
        std::thread::sleep(Duration::from_secs(seconds));
        bed.stand_still("etcd", false);
    };
    let asked = |place: &Place<'_>| place.middle.hold("PATCH", "/scale", 1, When::Asked, Fate::HandedOn);
    let (hold, running) = (asked(&short), short.operator.start(SCALE));
    hold.reached();
    stand_still(20, &[&hold]);
    let run = Run::of(&running.end());
    short.ended("etcd stands still for 20 s with the write on its way", run, "proven", 0, 2);

    let locked = before.middle.hold("POST", "/leases", 1, When::Answered, Fate::HandedOn);
    let hold = asked(&meanwhile);
    let (first, second) = (before.operator.start(SCALE), meanwhile.operator.start(SCALE));
    locked.reached();
    hold.reached();
    stand_still(40, &[&locked, &hold]);
    let (first, second) = (Run::of(&first.end()), Run::of(&second.end()));
    cluster.wait_until_it_answers().unwrap_or_else(|error| panic!("{error}"));
    before.ended("etcd stands still for 40 s, longer than a lock lasts, once the lock is taken", first, "refused", 4, 1);
    // The data store may carry it out when it goes on: whether it did is found out, and that much is said.
    let (outcome, code) = if meanwhile.space.replicas("web") == 2 { ("proven", 0) } else { ("refused", 4) };
    let second = second.expect(outcome, code);
    let watched = Watched { cluster, space: &meanwhile.space, operator: &meanwhile.operator };
    watched.ended_as_it_was_read("etcd stands still for 40 s, longer than a lock lasts, with the write on its way", &second);
}
