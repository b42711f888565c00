//! A bad day on the real cluster: what the network, the servers, the clocks, the disk and other people do to a run.
//!
//! Each case tells its rows of `assets/faults-real.md`.

mod answers;
mod clocks;
mod disk;
mod dumps;
mod others;
mod schemas;
mod servers;
mod webhooks;

pub(crate) use answers::*;
pub(crate) use clocks::*;
pub(crate) use disk::*;
pub(crate) use dumps::*;
pub(crate) use others::*;
pub(crate) use schemas::*;
pub(crate) use servers::*;
pub(crate) use webhooks::*;

use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::middle::Middle;
use crate::operator::{Operator, Run, place};

const SCALE: &[&str] = &["run", "scale", "web=2", "--confirm", "y", "-o", "json"];

/// A namespace in which `web` runs with one pod, and its operator behind a server in between.
struct Place<'a> {
    cluster: &'a Cluster,
    space: Namespace<'a>,
    operator: Operator,
    middle: Middle,
}

impl<'a> Place<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        let (space, operator) = place(cluster);
        let middle = Middle::of(cluster, "operator");
        let operator = operator.through(cluster, "operator", &middle);
        Self { cluster, space, operator, middle }
    }

    /// Ends as meant, with that count, and the page says so.
    fn ended(&self, row: &str, run: Run, outcome: &str, code: i32, replicas: u64) -> Run {
        let run = run.expect(outcome, code);
        assert_eq!(self.space.replicas("web"), replicas, "{row}");
        Watched { cluster: self.cluster, space: &self.space, operator: &self.operator }.ended(row, &run);
        run
    }
}

/// A lock whose holder renewed it last five minutes ago.
fn vanished(space: &Namespace<'_>, of: &str) {
    let renewed = jiff::Timestamp::from_second(jiff::Timestamp::now().as_second() - 300).expect("a time");
    space.apply(&format!(
        "apiVersion: coordination.k8s.io/v1\nkind: Lease\nmetadata: {{name: timonel-{of}}}\n\
         spec: {{holderIdentity: bob@desk/run-1, leaseDurationSeconds: 30, renewTime: '{}'}}\n",
        renewed.strftime("%Y-%m-%dT%H:%M:%S.%6fZ")
    ));
}

/// A service file like that one, which means another cluster.
fn pinned(operator: &Operator, file: &str) -> String {
    let text = std::fs::read_to_string(file).unwrap();
    let pinned = "type = \"kubernetes\"\ncluster_uid = \"0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55\"\n";
    let text = text.replacen("type = \"kubernetes\"\n", pinned, 1);
    operator.sandbox.write("pinned.toml", &text).display().to_string()
}

/// Carries these out at once, each in a place of its own: most of their time is waiting.
fn at_once(cluster: &Cluster, parts: &[fn(&Place<'_>)]) {
    std::thread::scope(|scope| {
        for part in parts {
            scope.spawn(|| part(&Place::new(cluster)));
        }
    });
}
