//! What a bad day came to on the real cluster: the page `assets/faults-real.md`, row by row.
//!
//! Owns the rows and what each of them says of a run: how it ended, its exit code, how often it wrote by the server's own book, what it
//! left behind. That the journal of the run is whole and tells the same end is part of every row.

use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::operator::{Operator, Run};
use crate::page::{Cell, Page, Table, timeless};

/// The page.
pub(crate) const PAGE: Page = Page {
    file: "faults-real.md",
    head: HEAD,
    tables: &[
        Table {
            title: "What goes wrong",
            text: "A scale from one pod to two, where nothing else is said.",
            columns: COLUMNS,
            rows: FAULTS,
        },
        Table {
            title: "Every action: the good case, a refused one, and each way to fail",
            text: "What stands in the way of each action before it is begun, check by check: actions-real.md.",
            columns: COLUMNS,
            rows: ACTIONS,
        },
        Table {
            title: "Dumps and migrations of a PostgreSQL",
            text: "A dump to a volume of its own, a migration by Alembic. What a Job makes is said by the Job; its console may be gone meanwhile.",
            columns: COLUMNS,
            rows: DATA,
        },
    ],
};

const COLUMNS: &[&str] = &["what goes wrong", "it ends as", "exit", "writes", "left behind", "what it says"];

const HEAD: &str = "# What happens on a real Kubernetes when something goes wrong

Each row is a run of a test on a real Kubernetes with real pods (`tests/cluster`), and fails when it is not so any more; the last column
is what was said when the page was written. How often a run wrote is counted in the API server's own audit log: requests of the operator
that were carried out, dry runs, locks, events and Timonel's own notes left out; `?` where that log does not tell (nodes have no
namespace). After every run its journal was verified, and its last entry says the same end as the exit code.

`TIMONEL_UPDATE_PAGES=1 ./tests/run cluster` writes this page anew. The same faults on a simulated API, every moment of them: faults.md.
";

const FAULTS: &[&str] = &[
    "kill -9 once the confirmation is recorded; resumed",
    "kill -9 once the lock is taken; resumed",
    "kill -9 between intent and request; resumed",
    "kill -9 once the outcome of the write is recorded; resumed",
    "kill -9 once its end is recorded, before the lock is let go",
    "kill -9 while the write is on its way; resumed",
    "kill -9 of a rollback once its first proof is recorded; resumed",
    "kill -9 of a rollback once its write is recorded; resumed",
    "kill -9, and somebody takes the change back; resumed",
    "the terminal is gone (SIGHUP)",
    "it is terminated (SIGTERM)",
    "it is terminated (SIGTERM); resumed",
    "the network is gone after the write",
    "the network is gone after the write, and comes back; resumed",
    "the connection is cut in the middle of the write; it was carried out",
    "the connection is cut in the middle of the write; it was not carried out",
    "the API server is killed with the write on its way to it, and started again",
    "the API server is killed with the answer on its way back, and started again",
    "etcd stands still for 20 s with the write on its way",
    "etcd stands still for 30 s, as long as a lock lasts, once the write is acknowledged",
    "etcd stands still for 30 s, as long as a lock lasts, before the write",
    "etcd stands still for 40 s, longer than a lock lasts, with the write on its way",
    "etcd stands still for 40 s, longer than a lock lasts, once the lock is taken",
    "two conflicts in a row (409)",
    "conflicts without end (409)",
    "the server is busy, and says for how long (429, Retry-After)",
    "the server stays busy (429, Retry-After)",
    "the server fails once (500)",
    "a webhook denies the dry run",
    "a webhook denies the write",
    "a webhook is down",
    "a webhook goes down after the dry run",
    "the server's clock is 5 minutes ahead",
    "the holder of the lock is alive, and its clock is 5 minutes behind",
    "the holder of the lock vanished, and its clock was 5 minutes ahead",
    "the holder of the lock vanished",
    "the disk is full before the run",
    "the disk is full before the write",
    "the disk is full after the write",
    "two consoles confirm the same plan at the same instant: the first",
    "two consoles confirm the same plan at the same instant: the second",
    "somebody scales between plan and confirmation",
    "it is deleted and made again between plan and confirmation",
    "the plan is 91 s old",
    "Argo CD owns it",
    "Argo CD owns it, and that is overridden with a reason",
    "Helm installed it",
];

const ACTIONS: &[&str] = &[
    "scale",
    "scale to nothing",
    "scale of a StatefulSet",
    "scale of two",
    "scale, its autoscaler's bound raised",
    "scale, its autoscaler paused",
    "scale, armed: taken back at its time",
    "scale: an autoscaler would undo it",
    "scale: no node has room",
    "scale: a quota has no room, and that is overridden with a reason",
    "scale: its image cannot be pulled",
    "scale: its pods crash",
    "scale: a probe of the service stays red",
    "scale: not proven within its deadline",
    "scale: somebody scales it otherwise at once",
    "scale: it is deleted at once",
    "scale of a StatefulSet: what it reads at its start is gone",
    "scale of two: a quota has no room for the second",
    "scale, its autoscaler's bound raised: a quota has no room",
    "scale, its autoscaler paused: a quota has no room",
    "resume an autoscaler",
    "resume an autoscaler: it is not paused",
    "resume an autoscaler: somebody pauses it again at once",
    "keep",
    "keep: nothing is armed",
    "keep: somebody arms it again at once",
    "rollback",
    "rollback of a StatefulSet",
    "rollback of a DaemonSet",
    "rollback: its rollout is paused",
    "rollback: the pods of that revision crash",
    "rollback: the pods of that revision never become ready",
    "rollback: its image cannot be pulled",
    "rollback: a quota has no room for a new pod",
    "rollback: no node takes the pods of that revision",
    "rollback: not proven within its deadline",
    "rollback: somebody rolls out something else at once",
    "rollback: it is deleted at once",
    "rollback of a StatefulSet: its image cannot be pulled",
    "rollback of a DaemonSet: its image cannot be pulled",
    "undo of a rollback",
    "undo of a scale",
    "undo of a scale: its rollout is paused",
    "restart",
    "restart of a StatefulSet",
    "restart of a DaemonSet",
    "restart of two",
    "restart: its rollout is paused",
    "restart: a quota has no room for a new pod",
    "restart: what it reads at its start is gone",
    "restart: no node takes a second pod",
    "restart: not proven within its deadline",
    "restart: somebody restarts it once more at once",
    "restart: it is deleted at once",
    "restart of a StatefulSet: what it reads at its start is gone",
    "restart of a DaemonSet: what it reads at its start is gone",
    "restart of two: the first cannot start",
    "pause",
    "pause, armed: taken back at its time",
    "pause: a viewer",
    "pause: somebody takes it back at once",
    "pause: it is deleted at once",
    "resume a rollout",
    "resume a rollout: a viewer",
    "resume a rollout: its image cannot be pulled",
    "resume a rollout: its pods crash",
    "resume a rollout: a quota has no room for a new pod",
    "resume a rollout: somebody rolls out something else at once",
    "trigger",
    "trigger: its Job runs, and it allows one at a time",
    "trigger: its Job fails",
    "trigger: its image cannot be pulled",
    "trigger: a quota has no room for its pod",
    "trigger: no node takes its pod",
    "trigger: its template starts no pod",
    "trigger: somebody deletes its Job at once",
    "suspend",
    "suspend, armed: taken back at its time",
    "suspend: it is suspended already",
    "suspend: somebody takes it back at once",
    "suspend: it is deleted at once",
    "resume a schedule",
    "resume a schedule: it is not suspended",
    "resume a schedule: somebody takes it back at once",
    "evict",
    "evict: its disruption budget leaves no room",
    "evict: a disruption budget comes after it was confirmed",
    "evict: a quota has no room for its replacement",
    "evict: what its replacement reads at its start is gone",
    "evict: the pod does not go",
    "cordon",
    "cordon: it is cordoned already",
    "cordon: somebody takes it back at once",
    "cordon: the node is gone at once",
    "uncordon",
    "uncordon: it is not cordoned",
    "uncordon: somebody takes it back at once",
    "uncordon: the node is gone at once",
    "backup",
    "backup: its database has no ready pod",
    "backup: the volume is too small",
    "backup: its password is not in the Secret",
    "backup: its pod is killed",
];

const DATA: &[&str] = &[
    "dump: kill -9 once the confirmation is recorded; resumed",
    "dump: kill -9 once the lock is taken; resumed",
    "dump: kill -9 with the request for its Job on its way, which does not arrive; resumed",
    "dump: kill -9 once its Job is made; resumed",
    "dump: a second operator meanwhile",
    "dump: the holder of the lock vanished",
    "dump: the service file means another cluster",
    "dump: a viewer",
    "dump: the server's clock is 5 minutes ahead",
    "dump: the API server is out of reach until it is done",
    "dump: the API server is killed while its Job runs, and started again",
    "dump: the API server is killed with the request for its Job on its way to it, and started again",
    "dump: a second operator's restart asks for its lock while its Job runs; both write once",
    "dump: a second operator's restart asks for its lock while its Job runs; resumed",
    "dump: the volume fills up while it is written",
    "dump: its image is missing",
    "dump: the object store refuses it",
    "verify: the dump was cut short since",
    "migration: kill -9 once the confirmation is recorded; resumed",
    "migration: kill -9 once the lock is taken; resumed",
    "migration: kill -9 with the request for its Job on its way, which does not arrive; resumed",
    "migration: kill -9 once its Job is made; resumed",
    "migration: a second operator meanwhile",
    "migration: the holder of the lock vanished",
    "migration: the service file means another cluster",
    "migration: a viewer",
    "migration: the server's clock is 5 minutes ahead",
    "migration: the API server is out of reach until it is done",
    "migration: the API server is killed while its Job runs, and started again",
    "migration: the API server is killed with the answer on its way back, and started again",
    "migration: a second operator's restart asks for its lock while its Job runs",
    "migration: its pod is killed in the middle of its second revision",
    "migration: it fails half-way",
    "migration: a session holds its table, and that is overridden with a reason",
    "inspection: its image is missing",
];

/// A run that was watched: who carried it out, and where.
pub(crate) struct Watched<'a> {
    pub(crate) cluster: &'a Cluster,
    pub(crate) space: &'a Namespace<'a>,
    pub(crate) operator: &'a Operator,
}

impl Watched<'_> {
    /// Tells how a run ended.
    pub(crate) fn ended(&self, row: &str, run: &Run) {
        self.journal_says(row, run.end());
        tell(self.cluster, self.space, row, run.code, run.end());
    }

    /// The same, for a run whose write may be in the server's book once, or not at all because its client was gone by then.
    pub(crate) fn ended_with_one_write_at_most(&self, row: &str, run: &Run) {
        self.journal_says(row, run.end());
        let writes = self.cluster.writes(self.space);
        assert!(writes.is_none_or(|count| count <= 1), "{row}: {writes:?}");
        told(self.space, row, run.code, run.end(), Cell::Held("1 at most".to_owned()));
    }

    /// The same, for a run that was killed between the record of its end and its last word: only its journal tells.
    pub(crate) fn ended_before_it_was_told(&self, row: &str, run: &str) {
        let recorded = self.operator.journal();
        let end = recorded.iter().rfind(|line| line["run"] == run && line["kind"] == "end");
        let end = end.unwrap_or_else(|| panic!("{row}: {recorded:#?}"));
        self.journal_says(row, end);
        told(self.space, row, None, end, Cell::Held("1 at most".to_owned()));
    }

    /// The same, for a run on an object that has no namespace.
    pub(crate) fn ended_on_a_node(&self, row: &str, run: &Run) {
        self.journal_says(row, run.end());
        told(self.space, row, run.code, run.end(), Cell::Held("?".to_owned()));
    }

    /// The same, for a run whose write was carried out after all, or was not, and which says what is so.
    pub(crate) fn ended_as_it_was_read(&self, row: &str, run: &Run) {
        self.journal_says(row, run.end());
        let held = ["proven if it was carried out after all, else refused", "0 or 4", "1 at most", "nothing"].map(|text| Cell::Held(text.to_owned()));
        let said = Cell::Shown(timeless(run.end()["reason"].as_str().unwrap_or_default(), self.space.name()));
        PAGE.tell(row, &[held.as_slice(), &[said]].concat());
    }

    /// The journal is whole, and knows the same end; a run that never began is not in it.
    fn journal_says(&self, row: &str, end: &Value) {
        let verified = self.operator.call(&["journal", "verify"]);
        let recorded = self.operator.journal();
        if end["journal"].is_string() {
            // What could not be recorded is told on the screen instead.
            return;
        }
        assert!(recorded.is_empty() || verified.code == Some(0), "{row}: {verified:?}");
        let own = recorded.iter().rfind(|line| line["run"] == end["run"]);
        assert!(own.is_none_or(|line| line["kind"] == "end" && line["outcome"] == end["outcome"]), "{row}: {own:#?} {end:#}");
        assert!(own.is_some() || end["outcome"] == "refused", "{row}: a run that began is on record: {end:#}");
    }
}

/// Tells how a run ended by its exit code and its last event.
pub(crate) fn tell(cluster: &Cluster, space: &Namespace<'_>, row: &str, code: Option<i32>, end: &Value) {
    let writes = cluster.writes(space).map_or(Cell::Untold, |count| Cell::Held(count.to_string()));
    told(space, row, code, end, writes);
}

fn told(space: &Namespace<'_>, row: &str, code: Option<i32>, end: &Value, writes: Cell) {
    let text = |field: &str| end[field].as_str().unwrap_or_default();
    let words = match (text("outcome"), end["undone"] == true) {
        ("failed", true) => "failed and undone",
        ("failed", false) => "failed, nothing is left behind",
        ("failed-with-debts", _) => "failed with debts",
        ("refused", _) => "refused, nothing was written",
        (other, _) => other,
    };
    let debts: Vec<&str> = end["debts"].as_array().into_iter().flatten().filter_map(|debt| debt["what"].as_str()).collect();
    let left = if debts.is_empty() { "nothing".to_owned() } else { debts.join("; ") };
    PAGE.tell(
        row,
        &[
            Cell::Held(words.to_owned()),
            Cell::Held(code.map_or("killed".to_owned(), |code| code.to_string())),
            writes,
            Cell::Held(timeless(&left, space.name())),
            Cell::Shown(timeless(text("reason"), space.name())),
        ],
    );
}

/// The end of a run that was not asked to speak JSON.
pub(crate) fn refused(reason: &str) -> Value {
    json!({"outcome": "refused", "reason": reason, "debts": []})
}

/// Fails unless every row of the page is there.
pub(crate) fn the_page_of_faults_is_whole() {
    PAGE.is_whole();
}
