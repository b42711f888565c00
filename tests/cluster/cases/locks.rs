//! Issue text "Two operators, no server": who holds the lock, which run and step, live on every other console until its end.

use serde_json::json;

use crate::cluster::{Cluster, Namespace};
use crate::manifest::Web;
use crate::operator::{Operator, Run};
use crate::support::screen::Size;

const SIZE: Size = (120, 36);

pub(crate) fn another_console_sees_who_works_at_which_step_and_how_it_ends(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // New pods take their time, so that the run is there to be watched.
    space.apply(&Web::new("web", 1).init("slow", "sleep 8").yaml());
    space.wait_ready("web", 1);
    let (operator, second) = (Operator::new(cluster, "operator", &space), Operator::new(cluster, "second", &space));
    let mut console = second.console(SIZE, &[]);
    console.wait("nobody works yet", |screen| screen.has("no run"));
    console.press("W");
    console.wait_for("Nobody else works here");
    console.press("esc");
    let run = operator.start(&["run", "scale", "web=2", "--confirm", "y", "-o", "json", "--reason", "the fair begins"]);
    console.wait("the bottom line tells the run and its step", |screen| screen.has("scale 1->2 at prove-ready: "));
    console.press("W");
    let screen = console.wait("the view tells who, what and why", |screen| screen.has("now at prove-ready: "));
    for told in ["web", "scale 1->2 by operator@", "in the cluster)", "since ", "-scale-", "why: the fair begins"] {
        assert!(screen.has(told), "'{told}' is missing:\n{}", screen.dump());
    }
    run.end().exits(0);
    let screen = console.wait("and how it ended", |screen| screen.has("let go") && screen.has("every proof held"));
    assert!(!screen.has("now at"), "{}", screen.dump());
    console.press("esc");
    console.wait("nobody works any more", |screen| screen.has("no run"));
}

/// A place where a second pod takes so long that a run waits for it, and two operators.
fn slow(cluster: &Cluster) -> (Namespace<'_>, Operator, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).init("slow", "sleep 30").yaml());
    space.wait_ready("web", 1);
    let (operator, second) = (Operator::new(cluster, "operator", &space), Operator::new(cluster, "second", &space));
    (space, operator, second)
}

pub(crate) fn a_mitigation_asks_a_live_run_for_its_lock_and_both_records_say_so(cluster: &Cluster) {
    let (space, operator, second) = slow(cluster);
    let held = operator.start(&["run", "scale", "web=2", "--confirm", "y", "-o", "json"]);
    let id = operator.wait_for_line("the count is written", |line| line["kind"] == "outcome");
    let refused = second.call(&["run", "scale", "web=3", "--confirm", "y"]).exits(4);
    assert!(refused.stdout.contains("--preempt") && refused.stdout.contains(&id), "{}", refused.stdout);
    let said = second.call(&["run", "scale", "web=1", "--confirm", "y", "--preempt"]).exits(64).stderr;
    assert!(said.contains("only a mitigation"), "{said}");
    let asks = Run::of(&second.call(&["run", "scale", "web=3", "--confirm", "y", "--preempt", "-o", "json"])).expect("proven", 0);
    let held = Run::of(&held.end());
    assert_eq!((held.code, &held.end()["outcome"]), (Some(2), &json!("failed-with-debts")), "{:#}", held.end());
    let reason = held.end()["reason"].as_str().unwrap_or_default();
    assert!(reason.starts_with("asked to stop by second@") && reason.ends_with("(scale 2->3)"), "{reason}");
    assert_eq!(space.replicas("web"), 3);
    let lock = asks.named("step_proven").find(|step| step["step"] == "lock").expect("a lock");
    assert!(lock["text"].as_str().is_some_and(|text| text.contains(&id) && text.contains("who let go of it")), "{lock:#}");
    let own = operator.journal();
    assert!(own.iter().any(|line| line["kind"] == "end" && line["reason"] == held.end()["reason"]), "{own:#?}");
    let lease = space.get("coordination.k8s.io/v1", "Lease", "timonel-deployment-web").unwrap_or_default();
    assert!(lease["metadata"]["annotations"].get("timonel.io/preempt-by").is_none(), "{lease:#}");
}

pub(crate) fn a_mitigation_asks_on_its_screen_and_the_holder_s_screen_says_who(cluster: &Cluster) {
    let (space, operator, second) = slow(cluster);
    let (mut holds, mut asks) = (operator.console(SIZE, &[]), second.console(SIZE, &[]));
    let scale = |console: &mut crate::support::terminal::Terminal, count: &str| {
        console.press("a s");
        console.wait("a number is asked for", |screen| screen.has("eplicas"));
        console.type_text(&format!("{count}\r"));
    };
    holds.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    scale(&mut holds, "2");
    holds.wait_for("to go on");
    holds.type_text("y\r");
    asks.wait("another works", |screen| screen.has("scale 1->2 at prove-ready: "));
    scale(&mut asks, "3");
    asks.wait("the lock is in the way", |screen| {
        screen.has("lock stands in the way") && screen.has("[s] ask it to stop after its step")
    });
    asks.press("s");
    asks.wait("it may be confirmed", |screen| screen.has("to go on") && screen.has("it is asked to stop after its step"));
    asks.type_text("y\r");
    holds.wait("who asks", |screen| screen.has("asks for the lock") && screen.has("second@"));
    holds.wait("and how it ends", |screen| screen.has("asked to stop by second@"));
    asks.wait("it is carried out", |screen| screen.has("every proof held"));
    assert_eq!(space.replicas("web"), 3);
}

pub(crate) fn one_run_at_a_time_changes_a_service(cluster: &Cluster) {
    let (space, operator, second) = slow(cluster);
    space.apply(&Web::new("api", 1).yaml());
    space.wait_ready("api", 1);
    let text = "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
                [[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = \"api\"\nmin_ready = 2\n";
    let [own, theirs] = [&operator, &second].map(|who| who.sandbox.write("shop.toml", text).display().to_string());
    let held = operator.start(&["run", "scale", "web=2", "--confirm", "y", "-f", &own, "-o", "json"]);
    let id = operator.wait_for_line("the count is written", |line| line["kind"] == "outcome");
    let refused = second.call(&["run", "scale", "api=2", "--confirm", "y", "-f", &theirs]).exits(4);
    assert!(
        refused.stdout.contains("operator@") && refused.stdout.contains(&id) && refused.stdout.contains("since "),
        "{}",
        refused.stdout
    );
    // Another service, or none, is not in its way.
    second.call(&["run", "scale", "api=2", "--confirm", "y"]).exits(0);
    Run::of(&held.end()).expect("proven", 0);
    for name in ["timonel-deployment-web", "timonel-file-shop"] {
        let lease = space.get("coordination.k8s.io/v1", "Lease", name).unwrap_or_default();
        assert!(lease["metadata"]["uid"].is_string() && lease["spec"]["holderIdentity"].is_null(), "{lease:#}");
    }
}

pub(crate) fn a_second_rollback_within_minutes_is_said_whoever_made_the_first(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    for word in ["one", "two", "three"] {
        space.apply(&Web::new("web", 1).shell(&format!("echo {word}; exec sleep 3600")).yaml());
        space.wait_ready("web", 1);
    }
    let operator = Operator::new(cluster, "operator", &space);
    let second = Operator::new(cluster, "second", &space);
    let first = operator.plan_of("rollback", &["web", "to=2"]);
    assert!(!first.expect_check("gap", "ok"), "it never blocks");
    operator.run_of("rollback", &["web", "to=2"]).expect("proven", 0);
    let plan = second.plan_of("rollback", &["web", "to=1"]);
    assert!(!plan.expect_check("gap", "failed"));
    let said = plan.check("gap")["detail"].as_str().unwrap_or_default();
    assert!(said.contains("ago, by operator@") && said.contains("-rollback-"), "{said}");
    assert_eq!(plan.code, Some(0), "{:#}", plan.value);
}
