//! Conformance: one table of requests, asked of the simulated cluster and of a real one, and the answers compared field by field.
//!
//! Owns how a chapter of the table is played and judged. The requests are in `chapters`, what may differ is in `compare` (on any two
//! servers) and `known` (between these two).

mod chapters;
mod compare;
mod known;
mod row;
mod side;

use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio::runtime::Runtime;

use crate::cluster::Cluster;
use crate::simulator::Simulator;
use compare::{Difference, differences, normal};
use known::Known;
use row::Row;
use side::{AGAIN, Side};

pub(crate) use chapters::names;

/// How long two servers may take to come to rest, and how long they must not have changed to count as resting.
const REST: (Duration, Duration) = (Duration::from_secs(8), Duration::from_millis(1200));

/// The tests of this harness, which need no cluster.
pub(crate) const ALONE: &[(&str, fn())] = &[
    ("conformance::a_field_that_differs_is_found", compare::finds_what_differs),
    ("conformance::a_known_difference_covers_what_it_says", known::a_pattern_covers_what_it_says),
    ("conformance::the_page_lists_every_known_difference", known::the_page_lists_every_known_difference),
    ("conformance::the_table_has_several_hundred_requests", chapters::are_many),
];

/// Plays a chapter against both servers. Fails with every difference that is not known, and with every known one that is gone.
pub(crate) fn chapter(name: &str, cluster: &Cluster) {
    let simulator = Simulator::start("quiet");
    let runtime = Runtime::new().expect("a runtime");
    let found = runtime.block_on(played(name, simulator.kubeconfig(), &cluster.kubeconfig("admin")));
    assert!(found.is_empty(), "chapter '{name}': {} differences\n\n{}\n", found.len(), found.join("\n"));
}

async fn played(chapter: &str, simulated: &Path, real: &Path) -> Vec<String> {
    let opened = tokio::join!(Side::open("simulated", simulated), Side::open("real", real));
    let (Ok(mut simulated), Ok(mut real)) = opened else { panic!("a server cannot be asked: {:?} {:?}", opened.0.err(), opened.1.err()) };
    let namespace = format!("conformance-{}-{}", chapter.replace(' ', "-"), std::process::id());
    let mut known = Known::read();
    let mut found = Vec::new();
    for side in [&mut simulated, &mut real] {
        side.keep("ns", &namespace);
    }
    for row in chapters::before().iter().chain(&chapters::rows(chapter)).chain(&chapters::after()) {
        let mut fresh = ask(row, &mut simulated, &mut real, &namespace).await;
        let (ends, mut still) = (Instant::now() + REST.0, Instant::now());
        while row.settles
            && Instant::now() < ends
            && still.elapsed() < REST.1
            && fresh.as_ref().is_ok_and(|all| all.iter().any(|d| !known.covers(chapter, &row.name, d)))
        {
            // Both are still at work, each in its own time, and say so nowhere.
            tokio::time::sleep(AGAIN).await;
            let again = ask(row, &mut simulated, &mut real, &namespace).await;
            if again != fresh {
                (fresh, still) = (again, Instant::now());
            }
        }
        let unknown = fresh.map_or_else(
            |error| vec![error],
            |all| all.iter().filter(|d| !known.covers(chapter, &row.name, d)).map(ToString::to_string).collect(),
        );
        if !unknown.is_empty() {
            found.push(format!("{}: {} {}\n    {}", row.name, row.method, row.path, unknown.join("\n    ")));
        }
    }
    found.extend(
        known
            .unseen(chapter)
            .into_iter()
            .map(|what| format!("listed as a known difference, and did not show: {what}")),
    );
    found
}

async fn ask(row: &Row, simulated: &mut Side, real: &mut Side, namespace: &str) -> Result<Vec<Difference>, String> {
    let (ours, theirs) = tokio::join!(simulated.play(row), real.play(row));
    let (ours, theirs): (Value, Value) = (ours?, theirs?);
    Ok(if row.silent { Vec::new() } else { differences(&normal(&ours, namespace), &normal(&theirs, namespace)) })
}
