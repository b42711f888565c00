//! Servers that die or stand still: each fault is made once, and meets two runs at two places.

use std::time::{Duration, Instant};

use super::dumps::{DUMP, place};
use super::schemas::{CHANGING, GATE, inspected, slow};
use super::{Place, SCALE};
use crate::cases::backups::{Begun, begun, catalogue, file};
use crate::cases::migrations::{COLUMNS, Shop, image};
use crate::cluster::{Cluster, Namespace, PATIENCE};
use crate::faults::Watched;
use crate::middle::{Fate, Hold, Middle, When};
use crate::operator::{Operator, Run};
use crate::support::sandbox::Running;

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

/// What the Jobs do, they do without a server; what they said is read once there is one again.
pub(crate) fn an_api_server_that_is_killed_while_a_dump_and_a_migration_run_leaves_no_doubt(cluster: &Cluster) {
    let bed = cluster.bed().expect("a cluster of our own");
    let (here, there) = (cluster.namespace("shop-test").unwrap(), cluster.namespace("shop-test").unwrap());
    let Begun { volume, held, operator, running: dump, .. } = begun(cluster, &here, None);
    volume.wait_for(".errors");
    let shop = Shop::new(cluster, &there, "alembic", "alembic-1");
    inspected(&shop);
    slow(&shop, "true");
    let (gate, mut columns) = (shop.postgres.hold_lock(GATE), shop.postgres.question(COLUMNS));
    let image = format!("image={}", image("alembic-2"));
    let _ = cluster.writes(&there);
    let migration = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    shop.postgres.wait_for(CHANGING, "1");
    bed.kill_api_server();
    drop((held, gate));
    // Both come to their ends while there is nobody to tell.
    volume.wait_for_files(2);
    let until = Instant::now() + PATIENCE;
    while columns() != "body id note" {
        assert!(Instant::now() < until, "the migration goes on");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    bed.start_api_server().unwrap_or_else(|error| panic!("{error}"));
    let rows = [
        "dump: the API server is killed while its Job runs, and started again",
        "migration: the API server is killed while its Job runs, and started again",
    ];
    let [dump, migration] = both_proven(cluster, rows, [(&here, &operator, dump), (&there, &shop.operator, migration)]);
    let of = |run: &Run| run.end()["run"].as_str().unwrap_or_default().to_owned();
    assert_eq!((here.jobs_of(&of(&dump)), there.jobs_of(&of(&migration)), catalogue(&here).len()), (1, 1, 1));
}

/// Two runs come to a proven end once the server is there again; each is a row of the page.
fn both_proven(cluster: &Cluster, rows: [&str; 2], running: [(&Namespace<'_>, &Operator, Running); 2]) -> [Run; 2] {
    let ended = running.map(|(space, operator, running)| (space, operator, Run::of(&running.end()).expect("proven", 0)));
    cluster.wait_until_it_answers().unwrap_or_else(|error| panic!("{error}"));
    let mut rows = rows.into_iter();
    ended.map(|(space, operator, run)| {
        Watched { cluster, space, operator }.ended(rows.next().unwrap_or_default(), &run);
        run
    })
}

pub(crate) fn an_api_server_that_is_killed_with_the_request_for_a_job_on_its_way_makes_one_job(cluster: &Cluster) {
    let bed = cluster.bed().expect("a cluster of our own");
    let (here, there) = (cluster.namespace("shop-test").unwrap(), cluster.namespace("shop-test").unwrap());
    let (_postgres, volume) = place(&here);
    let [to_dumps, to_schemas] = [(); 2].map(|()| Middle::of(cluster, "operator"));
    let operator = Operator::new(cluster, "operator", &here).through(cluster, "operator", &to_dumps);
    let own = file(&operator, &here, "password");
    let shop = Shop::new(cluster, &there, "alembic", "alembic-1");
    inspected(&shop);
    let shop = Shop { operator: shop.operator.through(cluster, "operator", &to_schemas), ..shop };
    let asked = to_dumps.hold("POST", "/jobs", 1, When::Asked, Fate::HandedOn);
    let answered = to_schemas.hold("POST", "/jobs", 1, When::Answered, Fate::AnswerLost);
    let image = format!("image={}", image("alembic-2"));
    let _ = cluster.writes(&there);
    let dump = operator.start(&[DUMP, &[&*own]].concat());
    let migration = shop.operator.start(&["run", "migrate", &image, "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    asked.reached();
    answered.reached();
    bed.kill_api_server();
    asked.go();
    answered.go();
    bed.start_api_server().unwrap_or_else(|error| panic!("{error}"));
    let rows = [
        "dump: the API server is killed with the request for its Job on its way to it, and started again",
        "migration: the API server is killed with the answer on its way back, and started again",
    ];
    let [_, migration] = both_proven(cluster, rows, [(&here, &operator, dump), (&there, &shop.operator, migration)]);
    assert_eq!((here.list("batch/v1", "Job").len(), volume.files().len(), catalogue(&here).len()), (1, 2, 1), "one Job, one dump");
    let of = migration.end()["run"].as_str().unwrap_or_default();
    assert_eq!((there.jobs_of(of), shop.columns().as_str()), (1, "body id note"));
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
    let renewed = |lease: serde_json::Value| lease["spec"]["renewTime"].as_str()?.parse::<jiff::Timestamp>().ok();
    let lock = locked
        .space
        .get("coordination.k8s.io/v1", "Lease", "timonel-deployment-web")
        .and_then(renewed)
        .expect("a lock");
    while jiff::Timestamp::now().duration_since(lock).as_secs() < 5 {
        std::thread::park_timeout(Duration::from_millis(50));
    }
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
