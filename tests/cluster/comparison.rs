//! Ten bad situations, each met twice on the real cluster: with kubectl by hand, and with Timonel. The page `assets/comparison.md`.
//!
//! Owns the page and how one of its rows is told: what was typed, what was said, and what is left, read from the cluster by neither of
//! the two. `./tests/run comparison` writes the page anew. What a situation is, is in `situations`.

mod situations;

use std::cell::RefCell;

use serde_json::Value;

use crate::clients::Clients;
use crate::cluster::{Cluster, Namespace};
use crate::operator::{Operator, Run};
use crate::page::{Cell, Page, Table, timeless};
use crate::support::sandbox::{Finished, Sandbox};

pub(crate) use situations::ALL;

/// The page.
pub(crate) const PAGE: Page = Page { file: "comparison.md", head: HEAD, tables: TABLES };

const HEAD: &str = "# Ten bad situations, with kubectl by hand and with Timonel

Each situation was made twice, in two namespaces of a real Kubernetes with real pods, and met once with kubectl and once with Timonel; what
is left was read from the API by neither of the two. `./tests/run comparison` makes all of it again and writes this page; the tests fail
when an exit code or what is left is not so any more. Where kubectl does as well, it is said.
";

const COLUMNS: &[&str] = &["with", "what is typed", "what it says", "exit", "what it leaves"];

const TABLES: &[Table] = &[
    Table {
        title: "1. A rollback to a revision that crashes",
        text: "The revision before is the one whose pods crash after three seconds. kubectl goes back to it, and says that it is rolled out: its \
               pod was available for a moment. Timonel waits whether it stays, ends with the root cause, and puts the template back.",
        columns: COLUMNS,
        rows: &["1 kubectl", "1 Timonel"],
    },
    Table {
        title: "2. A scale under an autoscaler",
        text: "kubectl says that it is scaled, and two seconds later it is not. Timonel says before what the autoscaler will do.",
        columns: COLUMNS,
        rows: &["2 kubectl", "2 Timonel"],
    },
    Table {
        title: "3. No quota is left",
        text: "kubectl says that it is scaled; the pods never come. Timonel counts before.",
        columns: COLUMNS,
        rows: &["3 kubectl", "3 Timonel"],
    },
    Table {
        title: "4. A stale view",
        text: "One pod was seen and two are wanted; somebody scales to three meanwhile. kubectl takes a pod away without a word; it does as well \
               as Timonel when it is told what was seen (`--current-replicas=1`), which nobody types by hand. Timonel is confirmed for the plan \
               that was read, and for no other.",
        columns: COLUMNS,
        rows: &["4 kubectl", "4 Timonel"],
    },
    Table {
        title: "5. A rollback while the rollout is paused",
        text: "kubectl does as well: both refuse and say what to do first.",
        columns: COLUMNS,
        rows: &["5 kubectl", "5 Timonel"],
    },
    Table {
        title: "6. A user who may only look",
        text: "kubectl does as well: the server refuses, and names the right. Timonel asks for the right while it plans, so that nobody confirms \
               what cannot be done.",
        columns: COLUMNS,
        rows: &["6 kubectl", "6 Timonel"],
    },
    Table {
        title: "7. The client is killed while the request is on its way",
        text: "With kubectl nobody knows whether it was carried out, and nothing is on record. Timonel lists the run as not ended, finds out by \
               reading, proves it, and writes nothing twice.",
        columns: COLUMNS,
        rows: &["7 kubectl", "7 Timonel"],
    },
    Table {
        title: "8. Two operators at once",
        text: "Both kubectl succeed, the later wins, and nobody is told. With Timonel the second is told who works on it, and since when.",
        columns: COLUMNS,
        rows: &["8 kubectl", "8 Timonel"],
    },
    Table {
        title: "9. A rollback to an image that is gone",
        text: "kubectl goes back and leaves a rollout that cannot end; whoever waits is told that it is late, not why. Timonel says in its plan that \
               no node lists the image, ends with the cause, and puts the template back.",
        columns: COLUMNS,
        rows: &["9 kubectl", "9 Timonel"],
    },
    Table {
        title: "10. Stuck on one pod",
        text: "The second pod never becomes ready. kubectl waits until its deadline and says how many are there, not which is missing; the pod stays. \
               Timonel names it, and takes the change back.",
        columns: COLUMNS,
        rows: &["10 kubectl", "10 Timonel"],
    },
];

/// One side of one situation: a namespace, and somebody in it.
struct Side<'a> {
    cluster: &'a Cluster,
    space: Namespace<'a>,
    user: &'static str,
}

impl<'a> Side<'a> {
    fn new(cluster: &'a Cluster) -> Self {
        Self { cluster, space: cluster.namespace("shop-test").unwrap_or_else(|error| panic!("{error}")), user: "operator" }
    }

    /// The same for another user.
    fn of(self, user: &'static str) -> Self {
        Self { user, ..self }
    }

    fn kubectl(&self) -> Clients {
        Clients::with(Sandbox::with_kubeconfig(&self.cluster.kubeconfig(self.user)))
    }

    fn operator(&self) -> Operator {
        Operator::new(self.cluster, self.user, &self.space)
    }

    /// kubectl with these words in the namespace, however it ends.
    fn by_hand(&self, words: &str) -> Finished {
        self.kubectl().try_kubectl(&format!("-n {} {words}", self.space.name()))
    }

    /// What is there.
    fn left(&self) -> String {
        describe(&self.space.get("apps/v1", "Deployment", "web").unwrap_or_else(|| panic!("web is gone")))
    }

    /// What is there as soon as this holds.
    fn left_when(&self, what: &str, holds: impl Fn(&Value) -> bool) -> String {
        let seen = RefCell::new(Value::Null);
        self.space.wait(what, "apps/v1", "Deployment", "web", |web| {
            seen.replace(web.clone());
            holds(web)
        });
        describe(&seen.into_inner())
    }

    /// Tells of the side with kubectl.
    fn tell_by_hand(&self, row: &str, typed: &[&str], finished: &[Finished], left: &str) {
        let says: Vec<String> = finished.iter().map(|one| one.stdout.clone() + &one.stderr).collect();
        let exits: Vec<String> = finished.iter().map(|one| one.code.map_or("killed".to_owned(), |code| code.to_string())).collect();
        self.tell(row, typed, &says.join(" "), &exits.join(", "), left);
    }

    /// Tells of the side with Timonel.
    fn tell_run(&self, row: &str, typed: &[&str], run: &Run, left: &str) {
        let end = run.end();
        let says = format!("{}: {}", end["outcome"].as_str().unwrap_or_default(), end["reason"].as_str().unwrap_or_default());
        let plan = run.named("planned").next().map_or(&Value::Null, |event| &event["plan"]);
        self.tell(row, typed, &(says + &blocks(plan)), &run.code.map_or("killed".to_owned(), |code| code.to_string()), left);
    }

    fn tell(&self, row: &str, typed: &[&str], says: &str, exit: &str, left: &str) {
        let typed: Vec<String> = typed.iter().map(|words| format!("`{words}`")).collect();
        let cells = [
            Cell::Held(typed.join("; ")),
            Cell::Shown(timeless(says, self.space.name())),
            Cell::Held(exit.to_owned()),
            Cell::Held(timeless(left, self.space.name())),
        ];
        PAGE.tell(row, &cells);
    }
}

/// Of a Deployment how many pods it wants, how many are ready, and its version.
fn describe(web: &Value) -> String {
    let count = |value: &Value| value.as_u64().unwrap_or(0);
    let (wanted, ready) = (count(&web["spec"]["replicas"]), count(&web["status"]["readyReplicas"]));
    let waiting = if count(&web["status"]["unavailableReplicas"]) > 0 { ", a pod that is not ready" } else { "" };
    let image = web["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default();
    format!("{ready} of {wanted} pods ready{waiting}; version {}", image.rsplit(':').next().unwrap_or_default())
}

/// What a plan says of the checks that block it.
fn blocks(plan: &Value) -> String {
    let blocking = plan["blocked_by"].as_array().map(Vec::as_slice).unwrap_or_default();
    let checks = plan["checks"].as_array().into_iter().flatten().filter(|check| blocking.contains(&check["id"]));
    checks.map(|check| format!(" ({})", check["detail"].as_str().unwrap_or_default())).collect()
}

/// Fails unless every row of the page is there.
pub(crate) fn the_page_of_the_comparison_is_whole() {
    PAGE.is_whole();
}
