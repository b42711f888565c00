//! The verified action as an operator meets it on the screen: plan panel, confirmation, run panel, record.

use serde_json::json;

use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, autoscaler};
use crate::operator::Operator;
use crate::support::screen::{Screen, Size};
use crate::support::terminal::{End, Terminal};

const SIZE: Size = (150, 44);

fn place<'a>(cluster: &'a Cluster, name: &str, web: &Web, replicas: u64) -> (Namespace<'a>, Operator) {
    let space = cluster.namespace(name).unwrap();
    space.apply(&web.yaml());
    space.wait_ready("web", replicas);
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

/// Opens the plan panel for `web` and waits for the plan.
fn plan_for(operator: &Operator, replicas: &str) -> Terminal {
    let mut terminal = operator.console(SIZE, &[]);
    terminal.wait("the workload is there", |screen| screen.has_row(&["web", "/"]));
    terminal.press("a s");
    terminal.wait("a number is asked for", |screen| screen.has("eplicas"));
    terminal.type_text(&format!("{replicas}\r"));
    terminal.wait("the plan is on the screen", |screen| screen.has("Will change") && screen.has("Checks"));
    terminal
}

pub(crate) fn a_scale_is_planned_confirmed_proven_and_on_record(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-prod", &Web::new("web", 2), 2);
    let mut terminal = plan_for(&operator, "3");
    let screen = terminal.wait_for("to go on");
    for told in ["PRODUCTION", "2 -> 3", "Undo", "kubectl", "production"] {
        assert!(screen.has(told), "'{told}' is missing:\n{}", screen.dump());
    }
    terminal.type_text("production\r");
    terminal.wait("the run is proven", |screen| screen.has("every proof held"));
    let now = space.get("apps/v1", "Deployment", "web").unwrap();
    assert_eq!((&now["spec"]["replicas"], &now["status"]["readyReplicas"]), (&json!(3), &json!(3)));
    terminal.press("esc");
    terminal.wait("the bridge shows it", |screen| screen.has_row(&["web", "3/3"]));
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    let kinds: Vec<String> = operator.journal().iter().map(|line| line["kind"].as_str().unwrap_or_default().to_owned()).collect();
    for kind in ["plan", "check", "confirm", "intent", "outcome", "proof", "end"] {
        assert!(kinds.iter().any(|known| known == kind), "no {kind}: {kinds:?}");
    }
}

pub(crate) fn a_bare_enter_and_a_wrong_word_confirm_nothing(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-prod", &Web::new("web", 2), 2);
    let mut terminal = plan_for(&operator, "3");
    terminal.wait_for("to go on");
    terminal.press("enter");
    terminal.type_text("prod\r");
    terminal.wait("the panel is still there and says so", |screen| screen.has("to go on") && screen.has("prod"));
    assert_eq!(space.replicas("web"), 2);
    terminal.press("esc");
    terminal.wait_gone("Will change");
    assert_eq!(space.replicas("web"), 2);
    assert!(operator.journal().iter().all(|line| line["kind"] != "intent"));
}

pub(crate) fn a_run_survives_leaving_its_view(cluster: &Cluster) {
    // Pods that take a while to be ready, so that there is something to leave.
    let slow = Web::new("web", 1).shell("sleep 4; exec /bin/app");
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(
        &slow
            .yaml()
            .replace("command:", "readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}\n        command:"),
    );
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let mut terminal = plan_for(&operator, "2");
    terminal.wait_for("to go on");
    terminal.type_text("y\r");
    terminal.wait("the run has begun", |screen| screen.has("prove 2 pods ready") && !screen.has("to go on"));
    terminal.press("esc");
    terminal.wait("the bridge is back", |screen| screen.has("Health") && screen.has("Releases"));
    space.wait_ready("web", 2);
    terminal.press("R");
    terminal.wait("the run is listed with its end", |screen| screen.has("proven"));
}

pub(crate) fn an_autoscaler_offers_its_ways_and_one_key_takes_one(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-test", &Web::new("web", 2).resources("{requests: {cpu: 10m}}"), 2);
    space.apply(&autoscaler("web", 2, 6));
    space.wait("the autoscaler has looked at its target", "autoscaling/v2", "HorizontalPodAutoscaler", "web", |hpa| {
        hpa["status"]["currentReplicas"] == 2 && hpa["status"]["desiredReplicas"] == 2
    });
    let mut terminal = plan_for(&operator, "4");
    terminal.wait("it blocks and offers ways", |screen| screen.has("HPA") && screen.has("[r]"));
    terminal.press("r");
    terminal.wait("the new plan moves the bound as well", |screen| screen.has("minReplicas") && screen.has("to go on"));
    terminal.type_text("y\r");
    terminal.wait("the run is proven", |screen| screen.has("proven"));
    space.wait_ready("web", 4);
}

pub(crate) fn a_scale_without_room_ends_as_failed_and_undone(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-test", &Web::new("web", 1).resources("{requests: {memory: 8Mi, cpu: 10m}}"), 1);
    let mut terminal = operator.console(SIZE, &[]);
    terminal.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    terminal.press("a s");
    terminal.wait("a number is asked for", |screen| screen.has("eplicas"));
    terminal.type_text("1000\r");
    terminal.wait_for("to go on");
    terminal.type_text("y\r");
    // Before the write nothing is there to be undone: a run that is cancelled then is refused, and says that nothing was written.
    terminal.wait("the write is done and its proof waited for", |screen| screen.has("/1000") && !screen.has("to go on"));
    terminal.press("c");
    terminal.wait("it is undone, and said so", |screen| screen.has("failed") || screen.has("undone"));
    space.wait_ready("web", 1);
    assert_eq!(space.replicas("web"), 1);
}

pub(crate) fn a_plan_goes_stale_when_somebody_else_scales_first(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-prod", &Web::new("web", 2), 2);
    let mut terminal = plan_for(&operator, "3");
    terminal.wait_for("to go on");
    space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"replicas": 4}}));
    terminal.wait("the panel says what moved", |screen| screen.has("The world moved") && screen.has("replicas"));
    terminal.type_text("production\r");
    space.wait_ready("web", 4);
    assert_eq!(space.replicas("web"), 4, "nothing was written for a stale plan");
    assert!(operator.journal().iter().all(|line| line["kind"] != "intent"));
}

pub(crate) fn a_running_scale_can_be_cancelled_and_is_undone(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // The second pod never becomes ready: only the first finds its mark free.
    let web = Web::new("web", 1).shell("mkdir /shared/taken && exec /bin/app; sleep 3600");
    let probe = "\n        readinessProbe: {httpGet: {path: /health, port: 8000}, periodSeconds: 1}";
    let volume = "\n        volumeMounts: [{name: shared, mountPath: /shared}]\n      volumes: [{name: shared, hostPath: {path: /tmp/timonel-cancel-NAME, type: DirectoryOrCreate}}]\n";
    space.apply(&(web.yaml().trim_end().to_owned() + probe + &volume.replace("NAME", space.name())));
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let mut terminal = plan_for(&operator, "2");
    terminal.wait_for("to go on");
    terminal.type_text("y\r");
    terminal.wait("the proof is waited for", |screen| screen.has("1/2"));
    terminal.press("c");
    terminal.wait("the way back is shown to its end", |screen| screen.has("undone") || screen.has("failed"));
    space.wait_ready("web", 1);
    assert_eq!(space.replicas("web"), 1);
    let _ = std::fs::remove_dir_all(format!("/tmp/timonel-cancel-{}", space.name()));
}

pub(crate) fn two_screens_that_confirm_the_same_plan_at_once_write_once(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-test", &Web::new("web", 1), 1);
    let second = Operator::new(cluster, "second", &space);
    let mut screens = [plan_for(&operator, "2"), plan_for(&second, "2")];
    for screen in &screens {
        screen.wait_for("to go on");
    }
    for screen in &mut screens {
        screen.type_text("y\r");
    }
    let over = |screen: &Screen| screen.has("every proof held") || screen.has("nothing was written");
    let ends = screens.each_ref().map(|screen| screen.wait("its run is over", over));
    assert_eq!(ends.iter().filter(|end| end.has("every proof held")).count(), 1, "{}\n{}", ends[0].dump(), ends[1].dump());
    assert_eq!(space.replicas("web"), 2);
    assert!(cluster.writes(&space).is_none_or(|count| count == 1), "one of them wrote, and once");
    for operator in [&operator, &second] {
        operator.call(&["journal", "verify"]).exits(0);
    }
}

pub(crate) fn marked_workloads_are_restarted_by_one_plan(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-test", &Web::new("web", 1), 1);
    space.apply(&[Web::new("api", 1).yaml(), Web::new("other", 1).yaml()].join("---\n"));
    for name in ["api", "other"] {
        space.wait_ready(name, 1);
    }
    let mut terminal = operator.console(SIZE, &[]);
    terminal.wait("all are there", |screen| ["api", "other", "web"].iter().all(|name| screen.has_row(&[name, "1/1"])));
    for name in ["api", "web"] {
        terminal.press("/");
        terminal.type_text(&format!("{name}\r"));
        terminal.wait("it alone is there", |screen| screen.has_row(&[name, "1/1"]) && !screen.has_row(&["other", "1/1"]));
        terminal.press("space esc");
        terminal.wait("all are there again", |screen| screen.has_row(&["other", "1/1"]));
    }
    terminal.press("a r");
    let screen = terminal.wait("one plan for both", |screen| screen.has("Will change") && screen.has("to go on"));
    for (name, named) in [("api", true), ("web", true), ("other", false)] {
        assert_eq!(screen.has(&format!("rollout restart deployment/{name}")), named, "{name}\n{}", screen.dump());
    }
    terminal.type_text("y\r");
    terminal.wait("both are proven", |screen| screen.has("every proof held"));
    let restarted = |name: &str| {
        space.get("apps/v1", "Deployment", name).unwrap()["spec"]["template"]["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"]
            .is_string()
    };
    assert_eq!(["api", "other", "web"].map(restarted), [true, false, true]);
}
