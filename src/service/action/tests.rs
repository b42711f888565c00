//! Actions of service files as they are read.

use std::collections::BTreeMap;

use super::{BackupState, Migrated, OnFail, Requirement, StepKind, Template};
use crate::base::confirmation::Confirmation;
use crate::service::{FileAction, Origin, ServiceFile};

const HEAD: &str = r#"schema = 1
[service]
id = "shop"
[env.production]
kind = "production"
[env.production.vars]
color = "blue"
[env.staging]
kind = "staging"
[vars.replicas]
type = "int"
min = 0
max = 20
default = 3
[vars.size]
type = "enum"
values = ["small", "large"]
[vars.copy]
type = "backup"
[[workload]]
id = "api"
kind = "deployment"
name = "shop-api"
[[workload]]
id = "nightly"
kind = "cronjob"
name = "nightly"
[[probe]]
id = "health"
kind = "http"
url = "http://shop/health"
"#;

fn read(text: &str) -> (Vec<FileAction>, Vec<String>) {
    let text = format!("{HEAD}{text}");
    let (file, problems) = ServiceFile::read("f.toml", &text, &Origin::Operator);
    let told = problems.iter().map(|p| {
        let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
        format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
    });
    let problems = told.collect();
    (file.expect("a service").resolve(Some("production")).0.actions, problems)
}

fn good(text: &str) -> FileAction {
    let (mut actions, problems) = read(text);
    assert_eq!(problems, Vec::<String>::new());
    actions.remove(0)
}

const BUSY: &str = r#"
[[action]]
id = "busy"
envs = ["production"]
key = "1"
title = "Busy hours in ${env.color}"
vars = ["replicas", "size"]
confirm = "env"
phrase = "busy ${var.replicas} ${env.color}"
reason = true
raise = [{ when = "var.replicas == 0", to = "phrase" }]
require = ["probe:health", "rollout:idle", "freeze:open", "target:is-local"]
[[action.step]]
id = "up"
type = "scale"
workload = "api"
replicas = "${var.replicas}"
timeout = "2m"
retries = 2
backoff = "3s"
on_fail = "continue"
[[action.step]]
id = "ask"
type = "confirm"
level = "phrase"
phrase = "go ${operator}"
when = "var.size == large"
[[action.step]]
id = "batch"
type = "cronjob"
workload = "nightly"
op = "suspend"
undo = false
[[action.step]]
id = "look"
type = "http-check"
probes = ["health"]
always = true
"#;

#[test]
fn an_action_is_read_whole() {
    let action = good(BUSY);
    assert_eq!((action.id.as_str(), action.key, action.confirm, action.reason), ("busy", Some('1'), Confirmation::Env, true));
    assert_eq!(action.disabled, None);
    assert_eq!((action.require.len(), action.raises.len(), action.steps.len()), (4, 1, 4));
    let values = action.values(&[("size".into(), "large".into())]).expect("values");
    assert_eq!(values, BTreeMap::from([("var.replicas".to_owned(), "3".to_owned()), ("var.size".to_owned(), "large".to_owned())]));
    assert_eq!(action.phrase.as_ref().map(|p| p.fill(&values)), Some(Ok("busy 3 blue".to_owned())));
    let up = &action.steps[0];
    assert_eq!((up.retries, up.backoff.as_secs(), up.timeout.map(|t| t.as_secs()), up.on_fail), (2, 3, Some(120), OnFail::Continue));
    let StepKind::Scale { replicas, .. } = &up.kind else { unreachable!("a scale") };
    assert_eq!(replicas.fill(&values).as_deref(), Ok("3"));
    assert!(action.steps[1].when.is_some() && !action.steps[2].undo && action.steps[3].always);
}

#[test]
fn values_are_checked_by_their_type() {
    let action = good(BUSY);
    let of = |given: &[(&str, &str)]| action.values(&given.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>());
    for (given, part) in [
        (vec![], "needs size="),
        (vec![("size", "medium")], "none of small, large"),
        (vec![("size", "large"), ("replicas", "21")], "more than 20"),
        (vec![("size", "large"), ("replicas", "-1")], "less than 0"),
        (vec![("size", "large"), ("replicas", "two")], "no whole number"),
        (vec![("size", "large"), ("replcas", "2")], "Did you mean 'replicas'?"),
        (vec![("size", "large\u{1b}[31m")], "control characters"),
    ] {
        let why = of(&given).expect_err(part);
        assert!(why.contains(part), "{why}");
    }
}

#[test]
fn a_backup_is_required_as_fresh_or_as_verified_and_must_be_declared() {
    let backups = "[[database]]\nid = \"main\"\nkind = \"postgres\"\nhost = \"db\"\nname = \"s\"\nuser = \"s\"\n\
        [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"v\"\nmax_age = \"1d\"\n\
        [[backup]]\nid = \"far\"\nkind = \"velero\"\nmax_age = \"1d\"\n";
    let step = "[[action.step]]\nid = \"s\"\ntype = \"wait\"\nfor = \"1s\"\n";
    let of = |require: &str| read(&format!("{backups}[[action]]\nid = \"a\"\nrequire = [\"{require}\"]\n{step}"));
    for (require, state) in [("backup:daily fresh", BackupState::Fresh), ("backup:daily verified", BackupState::Verified)] {
        let (actions, problems) = of(require);
        assert_eq!((&actions[0].require[..], problems), (&[Requirement::Backup("daily".into(), state)][..], Vec::new()));
    }
    for (require, part) in
        [("backup:daly fresh", "Did you mean 'daily'?"), ("backup:daily", "backup:daily fresh"), ("backup:daily young", "verified")]
    {
        let (_, problems) = of(require);
        assert!(problems.iter().any(|p| p.contains(part)), "{require}: {problems:?}");
    }
    let (actions, _) = of("backup:far fresh");
    assert!(actions[0].disabled.as_ref().is_some_and(|why| why.contains("cannot see")), "{:?}", actions[0].disabled);
}

#[test]
fn what_is_not_there_yet_disables_one_action_with_its_reason_and_what_is_wrong_is_a_problem_with_its_place() {
    let step = "\n[[action.step]]\nid = \"s\"\n";
    for (text, reason) in [
        (format!("[[action]]\nid = \"a\"{step}type = \"restore\"\nanything = 1\n"), "step 's' is of type restore"),
        (
            format!("[[action]]\nid = \"a\"\nrequire = [\"alerts:none-critical\"]{step}type = \"wait\"\nfor = \"1s\"\n"),
            "requires 'alerts:none-critical'",
        ),
        (format!("[[action]]\nid = \"a\"\nvars = [\"copy\"]{step}type = \"wait\"\nfor = \"1s\"\n"), "of type backup"),
        (
            format!("[[action]]\nid = \"a\"{step}type = \"restart\"\nworkload = \"api\"\nundo = {{ type = \"restart\" }}\n"),
            "an undo of its own",
        ),
        (
            format!("[[action]]\nid = \"a\"{step}type = \"restart\"\nworkload = \"api\"\nwhen = \"kpi.p95 > 2\"\n"),
            "asks for kpi.p95",
        ),
        (
            format!("[[action]]\nid = \"a\"{step}type = \"scale\"\nworkload = \"api\"\nreplicas = \"${{step.x.count}}\"\n"),
            "uses ${step.x.count}",
        ),
    ] {
        let action = good(&text);
        assert!(action.disabled.as_deref().is_some_and(|d| d.contains(reason)), "{text}: {:?}", action.disabled);
    }
    for (text, problem) in [
        (
            format!("[[action]]\nid = \"a\"{step}type = \"restrat\"\nworkload = \"api\"\n"),
            "f.toml:36:8 There is no type of step 'restrat'. | Did you mean 'restart'?",
        ),
        (
            format!("[[action]]\nid = \"a\"{step}type = \"restart\"\nworkload = \"apy\"\n"),
            "There is no workload 'apy'. | Did you mean 'api'?",
        ),
        (format!("[[action]]\nid = \"a\"{step}type = \"restart\"\nworkload = \"nightly\"\n"), "A cronjob cannot be the workload"),
        (format!("[[action]]\nid = \"a\"{step}type = \"restart\"\nworkload = \"api\"\nretires = 2\n"), "Did you mean 'retries'?"),
        (format!("[[action]]\nid = \"a\"{step}type = \"http-check\"\nprobes = [\"helth\"]\n"), "Did you mean 'health'?"),
        (
            format!("[[action]]\nid = \"a\"{step}type = \"wait\"\nfor = \"1s\"\nwhen = \"var.replicas > 1\"\n"),
            "'var.replicas' is not known",
        ),
        (format!("[[action]]\nid = \"a\"{step}type = \"wait\"\nfor = \"1s\"\nwhen = \"1 > 2\"\n"), "a name comes first"),
        ("[[action]]\nid = \"a\"\n".to_owned(), "has no step"),
        ("[[action]]\nid = \"A B\"\n".to_owned(), "is no word"),
        (
            format!("[[action]]\nid = \"a\"\nenvs = [\"prodction\"]{step}type = \"wait\"\nfor = \"1s\"\n"),
            "Did you mean 'production'?",
        ),
        (
            format!("[[action]]\nid = \"a\"\nvars = [\"replicsa\"]{step}type = \"wait\"\nfor = \"1s\"\n"),
            "Did you mean 'replicas'?",
        ),
        (
            format!("[[action]]\nid = \"a\"\nrequire = [\"probe:helth\"]{step}type = \"wait\"\nfor = \"1s\"\n"),
            "Did you mean 'health'?",
        ),
        (
            format!("[[action]]\nid = \"a\"\nrequire = [\"rollout:iddle\"]{step}type = \"wait\"\nfor = \"1s\"\n"),
            "Did you mean 'rollout:idle'?",
        ),
        (format!("[[action]]\nid = \"a\"{step}type = \"confirm\"\nlevel = \"phrase\"\n"), "needs a phrase"),
    ] {
        let (_, problems) = read(&text);
        assert!(problems.iter().any(|p| p.contains(problem)), "{problem}: {problems:?}");
    }
}

/// A release: every step that brings one.
const RELEASE: &str = r#"
[[database]]
id = "main"
kind = "postgres"
host = "db"
name = "s"
user = "s"
[[backup]]
id = "daily"
kind = "pg_dump"
database = "main"
volume = "v"
max_age = "1d"
[[action]]
id = "deploy"
envs = ["production"]
vars = ["size"]
require = ["migrations:single-head", "disk:free 2x", "revision:differs"]
[[action.step]]
id = "copy"
type = "backup"
backup = "daily"
label = "pre-${var.size}"
done_when = "backup:label=pre-${var.size} verified"
[[action.step]]
id = "plan"
type = "migrate-plan"
image = "shop:${var.size}"
gate = "show-sql"
[[action.step]]
id = "migrate"
type = "job"
workload = "api"
image = "shop:${var.size}"
argv = ["alembic", "upgrade", "head"]
backoff = 0
keep = "failed"
done_when = "migrations:at-head"
idempotent = true
[[action.step]]
id = "seed"
type = "job"
workload = "api"
argv = ["app", "seed", "${env.color}"]
backoff = 2
[[action.step]]
id = "roll"
type = "set-image"
workload = "api"
image = "${release.current.repository}:${var.size}"
change_cause = "${run.id}"
undo = { type = "rollback", workload = "api", to = "${run.before.revision}" }
"#;

#[test]
fn the_steps_of_a_release_are_read_whole_and_what_they_say_anyway_is_taken_for_it() {
    let action = good(RELEASE);
    assert_eq!(action.disabled, None);
    let [copy, plan, migrate, seed, roll] = &action.steps[..] else { unreachable!("five steps") };
    assert!(matches!(&copy.kind, StepKind::Backup { backup, label: Some(_) } if backup == "daily") && copy.done_when.is_empty());
    assert!(matches!(&plan.kind, StepKind::MigratePlan { image: Some(_), gate: true }));
    assert!(matches!(&migrate.kind, StepKind::Job { at_head: true, again: true, backoff: 0, .. }) && migrate.done_when.is_empty());
    assert!(matches!(&seed.kind, StepKind::Job { at_head: false, again: false, backoff: 2, image: None, .. }));
    assert!(matches!(&roll.kind, StepKind::SetImage { cause: Some(_), .. }) && roll.undo);
    assert_eq!(action.require[0], Requirement::Migrations(Migrated::SingleHead));
}

#[test]
fn a_step_of_a_release_that_cannot_be_taken_disables_its_action_or_is_a_problem() {
    for (from, to, reason) in [
        (r#"["alembic", "upgrade", "head"]"#, r#"["flask", "db", "upgrade"]"#, "not what a migration tool itself"),
        (r#"to = "${run.before.revision}""#, r#"to = "7""#, "an undo of its own"),
        (r#"kind = "pg_dump""#, r#"kind = "velero""#, "not one that a Job can make"),
        ("idempotent = true", r#"when = "migrations:at-head""#, "migrations:at-head"),
    ] {
        let (actions, problems) = read(&RELEASE.replace(from, to));
        let disabled = actions[0].disabled.clone().unwrap_or_default();
        assert!(disabled.contains(reason), "{disabled}: {problems:?}");
    }
    for (from, to, problem) in [
        (r#"backup = "daily""#, r#"backup = "daly""#, "Did you mean 'daily'?"),
        ("backoff = 2", "retries = 2", "backoff = N"),
        (r#"gate = "show-sql""#, r#"gate = "show-sqll""#, "Did you mean 'show-sql'?"),
        (r#"image = "${release.current.repository}:${var.size}""#, r#"imag = "shop:2""#, "'image' is missing"),
    ] {
        let (_, problems) = read(&RELEASE.replace(from, to));
        assert!(problems.iter().any(|p| p.contains(problem)), "{problem}: {problems:?}");
    }
}

#[test]
fn an_action_of_other_environments_is_not_here() {
    let (actions, problems) = read("[[action]]\nid = \"a\"\nenvs = [\"staging\"]\n[[action.step]]\nid = \"s\"\ntype = \"wait\"\nfor = \"1s\"\n");
    assert_eq!((actions.len(), problems.len()), (0, 0));
}

/// What the steps that look and tell refer to.
const AROUND: &str = r#"
[secrets.hook]
ref = "env:HOOK"
[notify.chat]
kind = "slack-webhook"
url = "secret:hook"
[notify.mail]
kind = "mail-draft"
to = "a@b.c"
[[database]]
id = "main"
kind = "postgres"
host = "db"
name = "shop"
user = "shop"
[[kpi]]
id = "p95"
query = "x"
crit = "> 2"
"#;
const MEASURED: &str = "[sources.prometheus]\nurl = \"http://prometheus:9090\"\n";

#[test]
fn steps_that_look_and_tell_are_read_whole() {
    let step = |id: &str, rest: &str| format!("[[action.step]]\nid = \"{id}\"\n{rest}\n");
    let steps = [
        step(
            "ask",
            "type = \"sql-check\"\ndatabase = \"main\"\nchecks = [{ sql = \"select 1\", expect = \"> 0\" }, { sql = \"select 2\", show = true }]",
        ),
        step("soak", "type = \"metric-check\"\nkpis = [\"p95\"]\nhold = \"5m\""),
        step("log", "type = \"logs\"\nworkload = \"api\"\ntail = 20\nack = false"),
        step("say", "type = \"notify\"\nto = [\"chat\"]\ntext = \"${run.result} by ${operator}\"\nalways = true"),
    ];
    let action = good(&format!("{AROUND}{MEASURED}[[action]]\nid = \"a\"\n{}", steps.concat()));
    assert_eq!(action.disabled, None);
    let StepKind::SqlCheck { database, checks } = &action.steps[0].kind else { unreachable!("a sql-check") };
    assert_eq!((database.as_str(), checks.len(), checks[0].expect.as_deref(), checks[1].show), ("main", 2, Some("> 0"), true));
    let StepKind::MetricCheck { kpis, hold } = &action.steps[1].kind else { unreachable!("a metric-check") };
    assert_eq!((&kpis[..], hold.as_secs()), (&["p95".to_owned()][..], 300));
    assert!(matches!(&action.steps[2].kind, StepKind::Logs { tail: 20, ack: false, .. }));
    assert!(matches!(&action.steps[3].kind, StepKind::Notify { to, .. } if to == &["chat"]) && action.steps[3].always);
}

#[test]
fn a_step_that_may_not_or_cannot_be_carried_out_disables_its_action_and_a_name_that_leads_nowhere_is_a_problem() {
    let of = |rest: &str| read(&format!("{AROUND}[[action]]\nid = \"a\"\n[[action.step]]\nid = \"s\"\n{rest}\n"));
    for (rest, part) in [
        ("type = \"shell\"\nargv = [\"true\"]", "shell = \"allow\""),
        ("type = \"metric-check\"\nkpis = [\"p95\"]", "[sources.prometheus]"),
        ("type = \"logs\"\nworkload = \"nightly\"", "log of a cronjob"),
        ("type = \"notify\"\nto = [\"chat\"]\ntext = \"${run.weather}\"", "uses ${run.weather}"),
        (
            "type = \"sql-check\"\ndatabase = \"${env.color}_restore\"\nchecks = [{ sql = \"select 1\" }]",
            "not known before it runs",
        ),
    ] {
        let (actions, problems) = of(rest);
        assert!(actions[0].disabled.as_deref().is_some_and(|d| d.contains(part)), "{rest}: {:?} {problems:?}", actions[0].disabled);
    }
    for (rest, part) in [
        ("type = \"sql-check\"\ndatabase = \"mian\"\nchecks = [{ sql = \"select 1\" }]", "Did you mean 'main'?"),
        ("type = \"sql-check\"\ndatabase = \"main\"\nchecks = [{ sql = \"select 1\", expect = \"= 1\" }]", "no operator"),
        ("type = \"sql-check\"\ndatabase = \"main\"\nchecks = [{ sql = \"select '${var.size}'\" }]", "var.size"),
        ("type = \"metric-check\"\nkpis = [\"p99\"]", "Did you mean 'p95'?"),
        ("type = \"notify\"\nto = [\"caht\"]\ntext = \"x\"", "Did you mean 'chat'?"),
        ("type = \"shell\"\nargv = [\"true\"]\nscript = \"true\"", "either argv or a script"),
    ] {
        let (_, problems) = of(rest);
        assert!(problems.iter().any(|p| p.contains(part)), "{rest}: {problems:?}");
    }
}

#[test]
fn alerts_and_mounted_secrets_are_required_and_migrations_are_a_condition() {
    let of = |more: &str, require: &str, step: &str| {
        read(&format!(
            "{AROUND}{more}[[action]]\nid = \"a\"\nrequire = [\"{require}\"]\n[[action.step]]\nid = \"s\"\ntype = \"restart\"\nworkload = \"api\"\n{step}\n"
        ))
    };
    let alerts = "[sources.alertmanager]\nurl = \"http://alertmanager:9093\"\nmatch = [\"team=shop\"]\n";
    let (actions, problems) = of(alerts, "alerts:none-critical", "when = \"migrations:pending\"");
    assert_eq!((&actions[0].disabled, &problems[..], &actions[0].require[..]), (&None, &[][..], &[Requirement::NoCriticalAlert][..]));
    assert_eq!(
        actions[0].steps[0].when.as_ref().map(|w| (w.text(), w.names())),
        Some(("migrations:pending", vec!["migrations.pending"]))
    );
    let (actions, _) = of("", "alerts:none-critical", "");
    assert!(actions[0].disabled.as_deref().is_some_and(|d| d.contains("[sources.alertmanager]")), "{:?}", actions[0].disabled);
    let (actions, problems) = of("", "secret:hook mounted-by api", "");
    let wanted = Requirement::Mounted("hook".into(), "api".into());
    assert_eq!((&actions[0].disabled, &problems[..], &actions[0].require[..]), (&None, &[][..], &[wanted][..]));
    for (require, part) in [("secret:hok mounted-by api", "Did you mean 'hook'?"), ("secret:hook mounted-by apo", "Did you mean 'api'?")] {
        let (_, problems) = of("", require, "");
        assert!(problems.iter().any(|p| p.contains(part)), "{require}: {problems:?}");
    }
}

#[test]
fn an_image_check_yields_its_digest_to_the_steps_after_it_and_to_no_other() {
    let step = |id: &str, rest: &str| format!("[[action.step]]\nid = \"{id}\"\n{rest}\n");
    let check = |more: &str| step("image", &format!("type = \"image-check\"\nimage = \"shop:${{var.size}}\"\n{more}"));
    let set = |name: &str| step("roll", &format!("type = \"set-image\"\nworkload = \"api\"\nimage = \"${{step.image.{name}}}\""));
    let of = |steps: &[String]| read(&format!("[[action]]\nid = \"a\"\nvars = [\"size\"]\n{}", steps.concat()));
    let (actions, problems) = of(&[check("capture = { which = \"digest\" }"), set("digest"), set("which").replace("roll", "again")]);
    assert_eq!((&actions[0].disabled, &problems[..]), (&None, &[][..]));
    let StepKind::ImageCheck { yields, workload: None, .. } = &actions[0].steps[0].kind else { unreachable!("an image-check") };
    assert_eq!(yields, &["step.image.digest", "step.image.which"]);
    let (actions, _) = of(&[set("digest"), check("")]);
    assert!(
        actions[0].disabled.as_deref().is_some_and(|d| d.contains("step.image.digest")),
        "it comes after: {:?}",
        actions[0].disabled
    );
    for (steps, part) in [
        ([check(""), set("digst")], "Did you mean 'step.image.digest'?"),
        ([check("capture = { which = \"diget\" }"), set("digest")], "Did you mean 'digest'?"),
        ([check("workload = \"apo\""), set("digest")], "Did you mean 'api'?"),
        ([check("registry = \"x\""), set("digest")], "registry"),
    ] {
        let (_, problems) = of(&steps);
        assert!(problems.iter().any(|p| p.contains(part)), "{part}: {problems:?}");
    }
}

#[test]
fn done_when_takes_probes_measures_and_backups_and_on_fail_another_action() {
    let backups = "[[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"v\"\nmax_age = \"1d\"\n";
    let of = |rest: &str| {
        read(&format!(
            "{AROUND}{MEASURED}{backups}[[action]]\nid = \"a\"\n[[action.step]]\nid = \"s\"\ntype = \"restart\"\nworkload = \"api\"\n{rest}\n"
        ))
    };
    for (rest, wanted) in [
        ("done_when = \"probe.health == ok and kpi.p95 == ok\"", &["health", "kpi:p95"][..]),
        ("done_when = \"backup:daily verified\"", &["backup:daily verified"][..]),
        ("done_when = \"backup:label=pre-1 verified\"", &["backup:label=pre-1 verified"][..]),
    ] {
        let (actions, problems) = of(rest);
        assert_eq!((&actions[0].disabled, &problems[..]), (&None, &[][..]));
        let read: Vec<String> = actions[0].steps[0].done_when.iter().filter_map(Template::literal).collect();
        assert_eq!(read, wanted);
    }
    for (rest, part) in [
        ("done_when = \"migrations:at-head\"", "cannot wait for yet"),
        ("done_when = \"backup:label=x fresh\"", "cannot wait for yet"),
        ("done_when = \"probe.health != failed\"", "all is ok"),
    ] {
        let (actions, problems) = of(rest);
        assert!(problems.is_empty() && actions[0].disabled.as_deref().is_some_and(|d| d.contains(part)), "{rest}: {problems:?}");
    }
    let (actions, problems) = of("on_fail = \"run:a\"");
    assert_eq!((actions[0].steps[0].on_fail, actions[0].steps[0].offers.as_deref(), problems.len()), (OnFail::Abort, Some("a"), 0));
    let (_, problems) = of("on_fail = \"run:bb\"");
    assert!(problems.iter().any(|p| p.contains("There is no action 'bb'")), "{problems:?}");
}
