//! Releases brought by an action of a service file on real pods: copied, migrated, rolled out in one plan, or taken back.

use std::time::Duration;

use rustix::process::Signal;
use serde_json::{Value, json};

use super::migrations::{image, workload};
use crate::bed::node::{DATABASE, MIGRATIONS};
use crate::cluster::{Cluster, Namespace};
use crate::operator::{Operator, Run};
use crate::postgres::{PASSWORD, Postgres, Volume};
use crate::support::proxy::Proxy;
use crate::support::terminal::End;

const SLOW: Duration = Duration::from_millis(400);

/// The steps of a whole release.
const DEPLOY: &str = "[[action]]\nid = \"deploy\"\nclass = \"deploy\"\nvars = [\"version\"]\n\
    [[action.step]]\nid = \"copy\"\ntype = \"backup\"\nbackup = \"daily\"\nlabel = \"pre-${var.version}\"\ntimeout = \"2m\"\n\
    done_when = \"backup:label=pre-${var.version} verified\"\n\
    [[action.step]]\nid = \"pending\"\ntype = \"migrate-plan\"\nimage = \"IMAGE:${var.version}\"\ngate = \"show-sql\"\ntimeout = \"2m\"\n\
    [[action.step]]\nid = \"migrate\"\ntype = \"job\"\nworkload = \"api\"\nimage = \"IMAGE:${var.version}\"\nargv = [\"alembic\", \"upgrade\", \"head\"]\n\
    backoff = 0\ntimeout = \"2m\"\ndone_when = \"migrations:at-head\"\nidempotent = true\n\
    [[action.step]]\nid = \"roll\"\ntype = \"set-image\"\nworkload = \"api\"\nimage = \"IMAGE:${var.version}\"\nchange_cause = \"${var.version} by ${operator}\"\n\
    undo = { type = \"rollback\", workload = \"api\", to = \"${run.before.revision}\" }\non_fail = \"undo\"\ntimeout = \"2m\"\n\
    [[action.step]]\nid = \"wait\"\ntype = \"rollout-wait\"\nworkload = \"api\"\ntimeout = \"1m\"\n";

/// A database with a volume for dumps, a service of the first release beside it, an operator with a service file.
struct Shop<'a> {
    space: &'a Namespace<'a>,
    postgres: Postgres<'a>,
    _volume: Volume<'a>,
    operator: Operator,
    file: String,
}

impl<'a> Shop<'a> {
    fn new(cluster: &Cluster, space: &'a Namespace<'a>, actions: &str) -> Self {
        let (postgres, volume) = (Postgres::new(space), Volume::new(space, "backups", None));
        workload(space, "alembic-1");
        let operator = Operator::new(cluster, "operator", space);
        let file = file(&operator, space, "test", actions);
        Self { space, postgres, _volume: volume, operator, file }
    }

    /// A database at the first revision.
    fn at_the_first(cluster: &Cluster, space: &'a Namespace<'a>, actions: &str) -> Self {
        let shop = Self::new(cluster, space, actions);
        let image = format!("image={}", image("alembic-1"));
        for action in ["inspect", "migrate"] {
            shop.operator.run_of(action, &[&image, "-f", &shop.file]).expect("proven", 0);
        }
        shop
    }

    fn deploy(&self, version: &str) -> Run {
        self.operator.run_of("deploy", &[&format!("version={version}"), "-f", &self.file])
    }

    fn runs(&self) -> String {
        let api = self.space.get("apps/v1", "Deployment", "api").unwrap();
        api["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
    }

    fn revision(&self) -> String {
        self.postgres.ask("select version_num from alembic_version")
    }

    fn catalogue(&self) -> Vec<Value> {
        super::backups::catalogue(self.space)
    }

    fn jobs(&self, what: &str) -> Vec<Value> {
        let all = self.space.list("batch/v1", "Job").into_iter();
        all.filter(|job| job["metadata"]["name"].as_str().is_some_and(|name| name.ends_with(what))).collect()
    }
}

fn file(operator: &Operator, space: &Namespace<'_>, kind: &str, actions: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.{kind}]\nkind = \"{kind}\"\n[env.{kind}.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"k8s:{0}/db#password\"\n[vars.version]\ntype = \"image-tag\"\n\
         [[workload]]\nid = \"api\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"api\"\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [migrations]\ntool = \"alembic\"\nworkload = \"api\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\nimage = \"{DATABASE}\"\n\
         [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"backups\"\nmax_age = \"26h\"\n{1}",
        space.name(),
        actions.replace("IMAGE", MIGRATIONS)
    );
    operator.sandbox.write(&format!("{kind}.toml"), &text).display().to_string()
}

fn reason(run: &Run) -> String {
    run.end()["reason"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn a_release_is_copied_migrated_and_rolled_out_by_one_plan(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::at_the_first(cluster, &space, DEPLOY);
    let plan = shop.operator.plan_of("deploy", &["version=alembic-2", "-f", &shop.file]);
    assert_eq!(plan.code, Some(0), "{:#}", plan.value);
    assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-1"), "a1"), "a plan writes nothing");
    let run = shop.deploy("alembic-2").expect("proven", 0);
    assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-2"), "b2"));
    let [entry] = &shop.catalogue()[..] else { panic!("{:#?}", shop.catalogue()) };
    assert_eq!((&entry["label"], &entry["revision"], &entry["verified"]), (&json!("pre-alembic-2"), &json!("a1"), &json!("full-read")));
    let table = shop.operator.call(&["backups", "-f", &shop.file]).exits(0).stdout;
    assert!(table.contains("pre-alembic-2"), "{table}");
    let api = space.get("apps/v1", "Deployment", "api").unwrap();
    assert_eq!(api["metadata"]["annotations"]["kubernetes.io/change-cause"], "alembic-2 by operator");
    assert!(run.named("step_proven").any(|e| e["text"].as_str().is_some_and(|t| t.contains("loses no data"))), "{run:#?}");
    let journal = std::fs::read_to_string(shop.operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(!journal.contains(PASSWORD) && !format!("{run:?}").contains(PASSWORD), "{run:#?}");
    // The same once more: what is there already is not written again.
    let generation = api["metadata"]["generation"].clone();
    shop.deploy("alembic-2").expect("proven", 0);
    assert_eq!(space.get("apps/v1", "Deployment", "api").unwrap()["metadata"]["generation"], generation);
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn what_loses_data_is_asked_about_in_the_middle_of_a_release(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let shop = Shop::at_the_first(cluster, &space, DEPLOY);
    // In production two persons confirm it: what was found out meanwhile makes the next plan ask for them.
    let production = file(&shop.operator, &space, "production", DEPLOY);
    let plan = shop.operator.plan_of("deploy", &["version=alembic-3", "-f", &production]);
    let typed = plan.value["confirmation"]["type"].as_str().unwrap_or_default().to_owned();
    let refused = shop
        .operator
        .call(&["run", "deploy", "version=alembic-3", "-f", &production, "--confirm", &typed, "-o", "json"]);
    let why = reason(&Run::of(&refused));
    assert!(why.contains("DROP COLUMN body") && why.contains("two persons"), "{why}");
    assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-1"), "a1"));
    let again = shop.operator.plan_of("deploy", &["version=alembic-3", "-f", &production]);
    assert_eq!(again.value["confirmation"]["level"], "two-person", "{:#}", again.value);
    // Elsewhere somebody types it; nobody there is no answer.
    let blind = shop.deploy("alembic-3");
    assert!(reason(&blind).contains("nobody is there to be asked"), "{}", reason(&blind));
    assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-1"), "a1"));
    let words = shop.operator.plan_of("deploy", &["version=alembic-3", "-f", &shop.file]);
    let typed = words.value["confirmation"]["type"].as_str().unwrap_or_default().to_owned();
    let mut terminal = shop.operator.terminal((120, 60), &["run", "deploy", "version=alembic-3", "-f", &shop.file]);
    terminal.wait("the confirmation", |screen| screen.has("to go on"));
    terminal.type_text(&typed);
    terminal.press("enter");
    terminal.wait("the question in the middle", |screen| {
        screen.has("Type  lose data  to go on, or a number:") && screen.has("DROP COLUMN body")
    });
    assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-1"), "a1"));
    terminal.type_text("lose data");
    terminal.press("enter");
    assert_eq!(terminal.wait_end(), End::Code(0));
    assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-3"), "c3"));
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_release_that_does_not_start_is_taken_back_and_what_was_copied_stays(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let roll = "[[action]]\nid = \"deploy\"\nvars = [\"version\"]\n\
        [[action.step]]\nid = \"copy\"\ntype = \"backup\"\nbackup = \"daily\"\ntimeout = \"2m\"\n\
        [[action.step]]\nid = \"roll\"\ntype = \"set-image\"\nworkload = \"api\"\nimage = \"IMAGE:${var.version}\"\non_fail = \"undo\"\ntimeout = \"2m\"\n";
    let shop = Shop::at_the_first(cluster, &space, roll);
    let run = shop.deploy("no-such-release");
    let end = run.end();
    assert_eq!((run.code, &end["outcome"], &end["debts"]), (Some(1), &json!("failed"), &json!([])), "{end:#}");
    assert!(reason(&run).contains("no-such-release") || reason(&run).contains("ErrImageNeverPull"), "{}", reason(&run));
    assert_eq!(shop.runs(), image("alembic-1"));
    assert_eq!(shop.catalogue().len(), 1, "the copy is a backup all the same");
    shop.operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_release_whose_console_is_killed_goes_on_with_what_is_true(cluster: &Cluster) {
    for (step, kind) in [("2/write", "intent"), ("3/write", "intent"), ("4/write", "outcome")] {
        // A release that is there already is not brought again: each kill has a place of its own.
        let space = cluster.namespace("shop-test").unwrap();
        let shop = Shop::at_the_first(cluster, &space, DEPLOY);
        let line = Proxy::to(cluster.address());
        let operator = Operator::new(cluster, "operator", &space).over(cluster, "operator", &line).env("TIMONEL_SERVICE", &shop.file);
        line.slow(SLOW);
        let running = operator.start(&["run", "deploy", "version=alembic-2", "-f", &shop.file, "--confirm", "y", "-o", "json"]);
        let id = operator.wait_for_line("it is under way", |line| line["kind"] == kind && line["step"] == step);
        running.signal(Signal::KILL);
        assert_eq!(running.end().code, None, "killed");
        line.slow(Duration::ZERO);
        operator.resume(&id).expect("proven", 0);
        assert_eq!((shop.runs(), shop.revision().as_str()), (image("alembic-2"), "b2"), "{step}");
        operator.call(&["journal", "verify"]).exits(0);
        let own = |job: &Value| job["metadata"]["name"].as_str().is_some_and(|name| name.contains("-deploy-"));
        let migrated = shop.jobs("-migrate").into_iter().filter(own).filter(|job| job["status"]["succeeded"] == 1).count();
        assert_eq!((migrated, shop.catalogue().len()), (1, 1), "{step}: {:#?}", shop.catalogue());
    }
}

pub(crate) fn a_command_in_a_job_runs_once_says_what_it_says_and_is_kept_when_it_fails(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let job = |id: &str, script: &str| {
        format!(
            "[[action]]\nid = \"{id}\"\n[[action.step]]\nid = \"{id}\"\ntype = \"job\"\nworkload = \"api\"\nimage = \"IMAGE:alembic-2\"\n\
             argv = [\"sh\", \"-c\", \"{script}\"]\nbackoff = 0\ntimeout = \"1m\"\n"
        )
    };
    let actions = [
        job("seed", "echo seeded $DB_NAME"),
        job("fail", "echo no room left; exit 7"),
        job("slow", "echo counting; sleep 8; echo counted"),
        job("never", "sleep 600").replace("1m", "20s"),
    ];
    let shop = Shop::new(cluster, &space, &actions.concat());
    let run = |id: &str| shop.operator.run_of(id, &["-f", &shop.file]);
    let seeded = run("seed").expect("proven", 0);
    assert!(seeded.named("step_proven").any(|e| e["text"].as_str().is_some_and(|t| t.ends_with("seeded shop"))), "{seeded:#?}");
    let failed = run("fail");
    assert_eq!((failed.code, failed.end()["debts"].as_array().map(Vec::len)), (Some(2), Some(1)), "{:#}", failed.end());
    assert!(reason(&failed).contains("BackoffLimitExceeded") && reason(&failed).contains("no room left"), "{}", reason(&failed));
    assert_eq!(shop.jobs("-fail").len(), 1, "the Job of a failure is kept");
    let late = run("never");
    assert!(reason(&late).contains("DeadlineExceeded"), "{}", reason(&late));
    let running = shop.operator.start(&["run", "slow", "-f", &shop.file, "--confirm", "y", "-o", "json"]);
    let id = shop
        .operator
        .wait_for_line("the Job was made", |line| line["kind"] == "outcome" && line["run"].as_str().is_some_and(|r| r.contains("slow")));
    running.signal(Signal::KILL);
    running.end();
    let resumed = shop.operator.resume(&id).expect("proven", 0);
    assert!(resumed.named("step_proven").any(|e| e["text"].as_str().is_some_and(|t| t.ends_with("counted"))), "{resumed:#?}");
    assert_eq!(shop.jobs("-slow").len(), 1, "it ran once");
    let denied = Operator::new(cluster, "viewer", &space).plan_of("seed", &["-f", &shop.file]);
    assert!(denied.code == Some(4) && denied.value["blocked_by"].to_string().contains("create jobs"), "{:#}", denied.value);
    shop.operator.call(&["journal", "verify"]).exits(0);
}
