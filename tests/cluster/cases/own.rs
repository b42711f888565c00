//! Actions of a service file on real pods: several steps in one plan, each rule of a failed step, killed between two steps and resumed.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::Value;

use super::approvals::waits;
use crate::cluster::{Cluster, Namespace, PATIENCE};
use crate::manifest::Web;
use crate::operator::{Operator, Run, place};
use crate::support::proxy::Proxy;
use crate::support::terminal::End;

const SLOW: Duration = Duration::from_millis(400);

/// A service with these actions; its probe `health` is green and its probe `page` is never.
fn service(space: &Namespace<'_>, operator: &Operator, actions: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n\
         [vars.replicas]\ntype = \"int\"\nmin = 0\nmax = 5\ndefault = 2\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\nnamespace = \"{0}\"\n\
         [[probe]]\nid = \"health\"\nkind = \"http-each-pod\"\nworkload = \"web\"\nport = 8000\npath = \"/health\"\n\
         [[probe]]\nid = \"page\"\nkind = \"http-each-pod\"\nworkload = \"web\"\nport = 8000\npath = \"/no-such-page\"\noptional = true\n{actions}",
        space.name()
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

fn step(id: &str, rest: &str) -> String {
    format!("[[action.step]]\nid = \"{id}\"\n{rest}\n")
}

/// Up, a check that fails with this rule, and something after it.
fn failing(rule: &str) -> String {
    let check = format!("type = \"http-check\"\nprobes = [\"page\"]\ntimeout = \"4s\"\nretries = 1\nbackoff = \"1s\"\non_fail = \"{rule}\"");
    let steps = [
        step("up", "type = \"scale\"\nworkload = \"web\"\nreplicas = \"${var.replicas}\""),
        step("look", &check),
        step("after", "type = \"wait\"\nfor = \"1s\""),
    ];
    format!("[[action]]\nid = \"{rule}-it\"\nvars = [\"replicas\"]\n{}", steps.concat())
}

fn began(run: &Run) -> Vec<String> {
    run.named("step_started").map(|event| event["step"].as_str().unwrap().to_owned()).collect()
}

fn restarted(space: &Namespace<'_>) -> bool {
    let web = space.get("apps/v1", "Deployment", "web").unwrap();
    web["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_string()
}

pub(crate) fn an_action_of_a_service_file_is_one_plan_and_is_proven_step_by_step(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let steps = [
        step("up", "type = \"scale\"\nworkload = \"web\"\nreplicas = \"${var.replicas}\""),
        step("look", "type = \"http-check\"\nprobes = [\"health\"]"),
        step("fresh", "type = \"restart\"\nworkload = \"web\""),
        step("sure", "type = \"confirm\"\nlevel = \"phrase\"\nphrase = \"keep ${var.replicas} of ${service.id}\""),
    ];
    let actions = format!("[[action]]\nid = \"busy\"\ntitle = \"Busy hours\"\nvars = [\"replicas\"]\n{}", steps.concat());
    let file = service(&space, &operator, &actions);
    let plan = operator.plan_of("busy", &["replicas=3", "-f", &file]);
    assert_eq!((plan.code, plan.text("/action")), (Some(0), "busy"), "{:#}", plan.value);
    assert!(!restarted(&space) && space.replicas("web") == 1, "a plan writes nothing");
    let other = operator.plan_of("busy", &["replicas=2", "-f", &file]);
    assert_ne!(plan.text("/hash"), other.text("/hash"));
    let mut terminal = operator.terminal((110, 50), &["run", "busy", "replicas=3", "-f", &file]);
    terminal.wait("the confirmation", |screen| screen.has("Type  y  to go on"));
    terminal.type_text("y");
    terminal.press("enter");
    terminal.wait("the question in the middle", |screen| screen.has("Type  keep 3 of shop  to go on"));
    assert!(restarted(&space), "what came before the question is done");
    terminal.type_text("keep 3 of shop");
    terminal.press("enter");
    assert_eq!(terminal.wait_end(), End::Code(0));
    assert_eq!(space.replicas("web"), 3);
    let ends: Vec<Value> = operator.journal().into_iter().filter(|line| line["kind"] == "end").collect();
    assert_eq!((ends.len(), &ends[0]["outcome"]), (1, &Value::from("proven")), "{ends:#?}");
    operator.call(&["journal", "verify"]).exits(0);
    let wrong = operator.call(&["plan", "busy", "replicas=9", "-f", &file]).exits(64);
    assert!(wrong.stderr.contains("more than 5"), "{wrong:?}");
}

pub(crate) fn each_rule_of_a_step_decides_what_follows_its_failure(cluster: &Cluster) {
    for (rule, code, replicas, goes_on) in [("pause", 1, 1, false), ("undo", 1, 1, false), ("abort", 2, 2, false), ("continue", 1, 2, true)] {
        let (space, operator) = place(cluster);
        let file = service(&space, &operator, &failing(rule));
        let run = operator.run_of(&format!("{rule}-it"), &["-f", &file]);
        let end = run.end();
        assert_eq!((run.code, space.replicas("web")), (Some(code), replicas), "{rule}: {end:#}");
        assert_eq!(began(&run).iter().any(|id| id == "3/wait"), goes_on, "{rule}: {:?}", began(&run));
        assert_eq!(end["failed_steps"].as_array().is_some_and(|f| !f.is_empty()), goes_on, "{rule}: {end:#}");
        assert_eq!(end["debts"].as_array().map_or(0, Vec::len), usize::from(rule == "abort"), "{rule}: {end:#}");
        assert_ne!(end["outcome"], "proven", "{rule}: {end:#}");
        assert!(
            run.named("note").any(|note| note["text"].as_str().is_some_and(|t| t.contains("try 2 of 2"))),
            "{rule}: it was tried again"
        );
    }
}

pub(crate) fn a_step_that_always_runs_is_carried_out_on_the_way_out(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let back = step("back", "type = \"scale\"\nworkload = \"web\"\nreplicas = 1\nalways = true");
    let file = service(&space, &operator, &format!("{}{back}", failing("abort")));
    let run = operator.run_of("abort-it", &["-f", &file]);
    let end = run.end();
    assert_eq!((run.code, space.replicas("web")), (Some(1), 1), "{end:#}");
    assert_eq!(end["debts"], serde_json::json!([]), "what it put back is no debt: {end:#}");
    let steps = began(&run);
    assert!(steps.iter().any(|id| id.starts_with("4/")) && !steps.iter().any(|id| id == "3/wait"), "{steps:?}");
}

pub(crate) fn a_run_that_is_killed_between_two_steps_goes_on_with_what_is_true(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let steps = [
        step("up", "type = \"scale\"\nworkload = \"web\"\nreplicas = 2"),
        step("settle", "type = \"wait\"\nfor = \"5s\""),
        step("fresh", "type = \"restart\"\nworkload = \"web\""),
    ];
    let file = service(&space, &operator, &format!("[[action]]\nid = \"busy\"\n{}", steps.concat()));
    let line = Proxy::to(cluster.address());
    let operator = operator.over(cluster, "operator", &line).env("TIMONEL_SERVICE", &file);
    line.slow(SLOW);
    let running = operator.start(&["run", "busy", "-f", &file, "--confirm", "y", "-o", "json"]);
    let id = operator.wait_for_line("the scale is proven", |line| line["kind"] == "proof" && line["step"] == "1/prove-ready");
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    line.slow(Duration::ZERO);
    assert!(!restarted(&space) && space.replicas("web") == 2);
    let run = operator.resume(&id).expect("proven", 0);
    assert!(restarted(&space) && space.replicas("web") == 2, "{run:#?}");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_key_of_the_console_launches_an_action_and_its_question_is_answered_there(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let steps = [
        step("up", "type = \"scale\"\nworkload = \"web\"\nreplicas = \"${var.replicas}\""),
        step("sure", "type = \"confirm\"\nlevel = \"phrase\"\nphrase = \"keep ${var.replicas}\""),
        step("fresh", "type = \"restart\"\nworkload = \"web\""),
    ];
    let actions = format!("[[action]]\nid = \"busy\"\nkey = \"h\"\ntitle = \"Busy hours\"\nvars = [\"replicas\"]\n{}", steps.concat());
    let file = service(&space, &operator, &actions);
    let mut terminal = operator.console((130, 40), &["-f", &file]);
    terminal.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    terminal.press("a");
    terminal.wait("the leader's menu has it", |screen| screen.has("h Busy hours"));
    terminal.press("h");
    terminal.wait("the variable is asked for", |screen| screen.has("Busy hours: replicas"));
    terminal.press("ctrl-u");
    terminal.type_text("3\r");
    terminal.wait("the plan is on the screen", |screen| screen.has("Will change") && screen.has("to go on"));
    assert_eq!(space.replicas("web"), 1, "a plan writes nothing");
    terminal.type_text("y\r");
    terminal.wait("the step asks", |screen| screen.has("Waiting for you") && screen.has("go on"));
    assert!(space.replicas("web") == 3 && !restarted(&space), "what came before the question is done, and nothing after it");
    let ways = terminal.wait_for("Waiting for you");
    let way = (1..=4).find(|n| ways.has(&format!("{n}  go on"))).expect("a way on");
    terminal.press(&way.to_string());
    terminal.wait_for("to go on type");
    terminal.type_text("keep 2\r");
    terminal.wait_for("not what the step asks for");
    terminal.press("ctrl-u");
    terminal.type_text("keep 3\r");
    terminal.wait("the run is proven", |screen| screen.has("every proof held"));
    assert!(restarted(&space));
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn an_action_that_asks_for_two_people_is_approved_with_the_same_file_alone(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let action = |replicas: u32| {
        let up = step("up", &format!("type = \"scale\"\nworkload = \"web\"\nreplicas = {replicas}"));
        format!("[[action]]\nid = \"grow\"\nconfirm = \"two-person\"\nphrase = \"grow\"\n{up}")
    };
    let file = service(&space, &operator, &action(2));
    let (same, other) = (service(&space, &second, &action(2)), second.sandbox.write("other.toml", "").display().to_string());
    let text = std::fs::read_to_string(&same).unwrap().replace("replicas = 2", "replicas = 4");
    std::fs::write(&other, text).unwrap();
    let running = operator.start(&["run", "grow", "-f", &file, "--confirm", "grow", "-o", "json"]);
    let id = waits(&second);
    let refused = second.call(&["approve", &id, "-f", &other, "--confirm", "grow"]).exits(4);
    assert!(refused.stderr.contains("another service file"), "{refused:?}");
    let without = second.call(&["approve", &id, "--confirm", "grow"]);
    assert!(without.code != Some(0) && without.stderr.contains("service file"), "{without:?}");
    assert_eq!(space.replicas("web"), 1);
    second.call(&["approve", &id, "-f", &same, "--confirm", "grow"]).exits(0);
    Run::of(&running.end()).expect("proven", 0);
    assert_eq!(space.replicas("web"), 2);
}

pub(crate) fn a_command_runs_once_in_a_pod_and_after_a_kill_its_operator_is_asked(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let folder = format!("/tmp/timonel-exec-{}", space.name());
    let volume = format!(
        "\n        volumeMounts: [{{name: shared, mountPath: /shared}}]\n      volumes: [{{name: shared, hostPath: {{path: {folder}, type: DirectoryOrCreate}}}}]\n"
    );
    space.apply(&(Web::new("web", 1).yaml().trim_end().to_owned() + &volume));
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let run = |words: &str| format!("type = \"exec\"\nworkload = \"web\"\nargv = [{words}]");
    let shell = |script: &str| run(&format!("\"sh\", \"-c\", \"{script}\""));
    let actions = [
        format!("[[action]]\nid = \"look\"\n{}", step("who", &format!("{}\nread_only = true", shell("true")))),
        format!("[[action]]\nid = \"fail\"\n{}", step("seven", &shell("echo no room left >&2; exit 7"))),
        format!("[[action]]\nid = \"none\"\n{}", step("gone", &run("\"/bin/no-such-program\""))),
        format!("[[action]]\nid = \"slow\"\n{}", step("rest", &shell("echo ran >> /shared/ran; sleep 6"))),
    ];
    let file = service(&space, &operator, &actions.concat());
    let denied = Operator::new(cluster, "viewer", &space).plan_of("look", &["-f", &file]);
    assert!(denied.code == Some(4) && denied.value["blocked_by"].to_string().contains("create pods/exec"), "{:#}", denied.value);
    let looked = operator.run_of("look", &["-f", &file]).expect("proven", 0);
    assert!(
        looked.named("step_proven").any(|e| e["text"].as_str().is_some_and(|t| t.starts_with("exit code 0 in web-"))),
        "{looked:#?}"
    );
    let failed = operator.run_of("fail", &["-f", &file]);
    let end = failed.end();
    assert_eq!((failed.code, end["debts"].as_array().map(Vec::len)), (Some(2), Some(1)), "{end:#}");
    assert!(end["reason"].as_str().is_some_and(|r| r.contains("exit code 7") && r.contains("no room left")), "{end:#}");
    let none = operator.run_of("none", &["-f", &file]);
    assert_eq!((none.code, &none.end()["outcome"]), (Some(4), &Value::from("refused")), "{:#}", none.end());
    // Killed while the command runs: it goes on in the pod, and nobody can tell.
    let running = operator.start(&["run", "slow", "-f", &file, "--confirm", "y", "-o", "json"]);
    let ran = || std::fs::read_to_string(format!("{folder}/ran")).unwrap_or_default();
    let until = Instant::now() + PATIENCE;
    while ran().is_empty() {
        assert!(Instant::now() < until, "the command has not begun");
        std::thread::park_timeout(Duration::from_millis(50));
    }
    let id =
        operator.wait_for_line("the command was sent", |line| line["kind"] == "intent" && line["run"].as_str().is_some_and(|r| r.contains("slow")));
    running.signal(Signal::KILL);
    running.end();
    let blind = operator.resume(&id);
    assert_eq!((blind.code, &blind.end()["outcome"]), (Some(3), &Value::from("unknown")), "{:#}", blind.end());
    let mut terminal = operator.terminal((110, 40), &["runs", "resume", &id]);
    terminal.wait("it is asked", |screen| screen.has("is not known") && screen.has("it was done: go on") && screen.has("run it again"));
    terminal.type_text("2\r");
    assert_eq!(terminal.wait_end(), End::Code(0));
    assert_eq!(ran(), "ran\n", "it ran once");
    operator.call(&["journal", "verify"]).exits(0);
    let _ = std::fs::remove_dir_all(folder);
}

pub(crate) fn a_freeze_is_on_line_1_blocks_what_it_does_not_allow_and_one_that_denies_wins(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    // A mitigation passes every freeze; another image is none.
    let up = step("up", "type = \"set-image\"\nworkload = \"web\"\nimage = \"docker.io/timonel/app:1.1.0\"");
    let image = || space.get("apps/v1", "Deployment", "web").unwrap()["spec"]["template"]["spec"]["containers"][0]["image"].to_string();
    let freeze =
        |name: &str, allow: &str| format!("[[env.test.freeze]]\nname = \"{name}\"\ncron = \"* * * * *\"\nduration = \"1h\"\nallow = [{allow}]\n");
    let action = format!("[[action]]\nid = \"grow\"\nclass = \"deploy\"\n{up}");
    let file = service(&space, &operator, &format!("{}{}{action}", freeze("audit", "\"deploy\""), freeze("sale", "")));
    let plan = operator.plan_of("grow", &["-f", &file]);
    assert!(plan.code == Some(4) && plan.check("freeze")["detail"].as_str().is_some_and(|d| d.contains("sale")), "{:#}", plan.value);
    let run = operator.run_of("grow", &["-f", &file]);
    assert!(run.code == Some(4) && image().contains("1.0.0"), "{run:#?}");
    let terminal = operator.console((140, 36), &["-f", &file]);
    terminal.wait("line 1 says it", |screen| screen.rows[0].contains("frozen until"));
    let file = service(&space, &operator, &format!("{}{action}", freeze("audit", "\"deploy\"")));
    operator.run_of("grow", &["-f", &file]).expect("proven", 0);
    assert!(image().contains("1.1.0"), "one that allows it lets it through");
}
