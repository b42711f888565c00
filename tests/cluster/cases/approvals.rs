//! Issue text "Two operators, no server": a plan for two people, approved with another login, with and without the admission policy.

use std::time::{Duration, Instant};

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace, PATIENCE};
use crate::operator::{Operator, Run, place};
use crate::support::screen::Size;
use crate::support::terminal::Terminal;

const SIZE: Size = (120, 36);
const COORDINATION: &str = "coordination.k8s.io/v1";
const PHRASE: &str = "scale web 1->2";

/// A service file by which every change needs two people.
fn for_two(operator: &Operator) -> String {
    let text = "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\nconfirm_floor = \"two-person\"\n\
                [env.test.target]\ntype = \"kubernetes\"\n";
    operator.sandbox.write("two.toml", text).display().to_string()
}

fn asking<'a>(file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["run", "scale", "web=2", "-f", file, "--confirm", PHRASE, "-o", "json"], more].concat()
}

/// The run id of the plan that waits, once there is one.
pub(super) fn waits(operator: &Operator) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let listed = operator.call(&["approve", "-o", "json"]).exits(0).json();
        if let Some(run) = listed["plans"][0]["run"].as_str() {
            return run.to_owned();
        }
        assert!(Instant::now() < until, "nothing waits: {listed:#}");
        std::thread::park_timeout(Duration::from_millis(200));
    }
}

fn lease(space: &Namespace<'_>) -> Value {
    space.get(COORDINATION, "Lease", "timonel-deployment-web").unwrap_or_default()
}

fn expect_free(space: &Namespace<'_>) {
    let lease = lease(space);
    assert!(lease["spec"]["holderIdentity"].is_null(), "{lease:#}");
    let left: Vec<&String> = lease["metadata"]["annotations"].as_object().into_iter().flat_map(|all| all.keys()).collect();
    assert_eq!(left, Vec::<&String>::new(), "nothing stays in the Lease");
}

pub(crate) fn a_second_person_approves_and_whoever_asked_confirms_once_more(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let file = for_two(&operator);
    let run = operator.start(&asking(&file, &[]));
    let id = waits(&second);
    let said = operator.call(&["approve", &id, "--confirm", PHRASE]).exits(4).stderr;
    assert!(said.contains("asked for it: a second person approves"), "{said}");
    let said = second.call(&["approve", &id, "--confirm", "yes"]).exits(4).stderr;
    assert!(said.contains("type 'scale web 1->2'"), "{said}");
    assert_eq!(space.replicas("web"), 1, "nothing is written before");
    let approved = second.call(&["approve", &id, "--confirm", PHRASE, "-o", "json"]).exits(0).json();
    assert_eq!((&approved["schema"], &approved["approved"]), (&json!("timonel.approvals/1"), &json!(true)), "{approved:#}");
    let run = Run::of(&run.end()).expect("proven", 0);
    let names = run.names();
    let at = |name: &str| names.iter().position(|known| *known == name).unwrap_or_else(|| panic!("no {name}: {names:?}"));
    assert!(at("waiting") < at("approved") && at("approved") < at("confirmed"), "{names:?}");
    assert_eq!((run.end()["run"].as_str(), space.replicas("web")), (Some(id.as_str()), 2));
    expect_free(&space);
    let by = &run.named("approved").next().expect("approved")["by"];
    let journal = operator.journal();
    let confirm = journal.iter().find(|line| line["kind"] == "confirm").expect("a confirmation");
    assert!(by.as_str().is_some_and(|by| by.contains("second")) && confirm["approved_by"] == *by, "{confirm:#}");
    let own: Vec<Value> = second.journal();
    assert!(
        own.iter().any(|line| line["note"] == "approved" && line["approves"] == *id),
        "the approver's own record has it: {own:#?}"
    );
    second.call(&["journal", "verify"]).exits(0);
    let told = operator.call(&["runs", "show", &id]).exits(0).stdout;
    assert!(told.contains("approved by "), "{told}");
}

pub(crate) fn a_plan_that_waits_is_withdrawn_by_an_interrupt_and_leaves_nothing(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let file = for_two(&operator);
    let run = operator.start(&asking(&file, &[]));
    let id = waits(&second);
    run.signal(Signal::INT);
    let run = Run::of(&run.end());
    assert_eq!((run.code, run.end()["reason"].as_str()), (Some(130), Some("withdrawn by its operator")));
    expect_free(&space);
    assert_eq!(space.replicas("web"), 1);
    let said = second.call(&["approve", &id, "--confirm", PHRASE]).exits(4).stderr;
    assert!(said.contains("no plan of run"), "{said}");
}

pub(crate) fn a_plan_that_is_another_one_meanwhile_is_not_begun(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let file = for_two(&operator);
    let run = operator.start(&asking(&file, &[]));
    let id = waits(&second);
    // Somebody scales by hand, so that the plan made anew has nothing left to write.
    space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"replicas": 2}}));
    let said = second.call(&["approve", &id, "--confirm", PHRASE]).exits(4).stderr;
    assert!(said.contains("the plan is not the one that was meant"), "{said}");
    // An approval that was forged all the same: the requester's own check finds that the world moved.
    let was = lease(&space);
    let hash = was["metadata"]["annotations"]["timonel.io/plan-hash"].as_str().expect("a hash");
    let forged = json!({"metadata": {"annotations": {"timonel.io/approved-by": "somebody", "timonel.io/approved-hash": format!("{id} {hash}")}}});
    space.patch(COORDINATION, "Lease", "timonel-deployment-web", &forged);
    let run = Run::of(&run.end()).expect("refused", 4);
    assert!(!run.names().contains(&"step_started"), "{:?}", run.names());
    expect_free(&space);
}

pub(crate) fn alone_it_takes_a_minute_a_reason_and_a_mark_on_the_record(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let file = for_two(&operator);
    let said = operator.call(&asking(&file, &["--break-glass"])).exits(4).stderr;
    assert!(said.contains("needs a reason"), "{said}");
    let run = Run::of(&operator.call(&asking(&file, &["--break-glass", "--reason", "nobody answers"]))).expect("proven", 0);
    assert_eq!(space.replicas("web"), 2);
    let journal = operator.journal();
    let confirm = journal.iter().find(|line| line["kind"] == "confirm").expect("a confirmation");
    assert_eq!((&confirm["break_glass"], &confirm["approved_by"]), (&json!(true), &Value::Null));
    let export = operator.call(&["journal", "export"]).exits(0).stdout;
    assert!(export.contains("BREAK-GLASS") && export.contains("why: nobody answers"), "{export}");
    let id = run.end()["run"].as_str().expect("an id");
    let events = space.list("events.k8s.io/v1", "Event");
    let told = |event: &&Value| event["note"].as_str().is_some_and(|note| note.contains(id) && note.contains("break-glass (nobody answers)"));
    assert!(events.iter().any(|event| told(&event)), "others see it: {events:#?}");
}

pub(crate) fn two_consoles_ask_approve_and_begin_on_their_screens(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let file = for_two(&operator);
    let mut asks = operator.console(SIZE, &["-f", &file]);
    let mut approves = second.console(SIZE, &[]);
    asks.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    asks.press("a s");
    asks.wait("a number is asked for", |screen| screen.has("eplicas"));
    asks.type_text("2\r");
    asks.wait_for("to go on");
    asks.type_text(&format!("{PHRASE}\r"));
    asks.wait_for("waits for a second person until");
    approves.wait_for("scale 1->2 waits for a second person");
    approves.press("W");
    approves.wait_for("the plan waits for a second person until");
    approves.press("esc a a");
    let screen = approves.wait("the plan is made anew", |screen| screen.has("Approve: ") && screen.has("to go on"));
    assert!(screen.has("asked for by") && screen.has("1 -> 2"), "{}", screen.dump());
    approves.type_text(&format!("{PHRASE}\r"));
    approves.wait_for("approved: ");
    let screen = asks.wait("it is confirmed once more", |screen| screen.has("confirm once more") && screen.has("to go on"));
    assert_eq!(space.replicas("web"), 1, "{}", screen.dump());
    asks.type_text(&format!("{PHRASE}\r"));
    asks.wait("the run is proven", |screen| screen.has("every proof held"));
    assert_eq!(space.replicas("web"), 2);
    expect_free(&space);
}

pub(crate) fn alone_at_a_console_it_takes_a_minute_and_the_phrase_comes_last(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let file = for_two(&operator);
    let mut console = operator.console(SIZE, &["-f", &file]);
    let plan_for_two = |console: &mut Terminal| {
        console.press("a s");
        console.wait("a number is asked for", |screen| screen.has("eplicas"));
        console.type_text("2\r");
        console.wait_for("break the glass");
        console.press("ctrl-g");
        console.wait_for("why without a second person");
        console.type_text("nobody answers\r");
        console.wait_for("until this plan may go without a second person");
    };
    console.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    plan_for_two(&mut console);
    console.press("esc");
    console.wait_gone("until this plan may go");
    plan_for_two(&mut console);
    assert!(space.get(COORDINATION, "Lease", "timonel-deployment-web").is_none(), "nothing is sent meanwhile");
    let screen = console
        .wait_at_most(PATIENCE + Duration::from_mins(1), "the minute is over", |screen| screen.has("to go on"))
        .expect("a plan");
    assert!(screen.has("BREAK-GLASS") && screen.has("nobody answers"), "{}", screen.dump());
    assert_eq!(space.replicas("web"), 1, "nothing is written before the phrase");
    console.type_text(&format!("{PHRASE}\r"));
    console.wait("the run is proven", |screen| screen.has("every proof held"));
    assert_eq!(space.replicas("web"), 2);
    let journal = operator.journal();
    let confirms: Vec<&Value> = journal.iter().filter(|line| line["kind"] == "confirm").collect();
    let [confirm] = &confirms[..] else { panic!("one run: {journal:#?}") };
    assert_eq!((&confirm["break_glass"], &confirm["typed"]), (&json!(true), &json!(PHRASE)));
    let export = operator.call(&["journal", "export"]).exits(0).stdout;
    assert!(export.contains("BREAK-GLASS") && export.contains("why: nobody answers"), "{export}");
}

/// A console whose plan was approved and is to be confirmed once more, and the run.
fn approved(operator: &Operator, second: &Operator) -> (Terminal, String) {
    let file = for_two(operator);
    let mut asks = operator.console(SIZE, &["-f", &file]);
    asks.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    asks.press("a s");
    asks.wait("a number is asked for", |screen| screen.has("eplicas"));
    asks.type_text("2\r");
    asks.wait_for("to go on");
    asks.type_text(&format!("{PHRASE}\r"));
    let id = waits(second);
    second.call(&["approve", &id, "--confirm", PHRASE]).exits(0);
    asks.wait("it is confirmed once more", |screen| screen.has("confirm once more") && screen.has("to go on"));
    (asks, id)
}

pub(crate) fn nobody_takes_the_lock_between_the_approval_and_the_start(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let [second, third] = ["second", "operator"].map(|user| Operator::new(cluster, user, &space));
    let (mut asks, id) = approved(&operator, &second);
    let renewed = |lease: &Value| lease["spec"]["renewTime"].as_str().unwrap_or_default().to_owned();
    let mut before = renewed(&lease(&space));
    // Longer than a lease lasts, by renewals and not by our clock.
    for _ in 0..4 {
        space.wait("its lock is renewed", COORDINATION, "Lease", "timonel-deployment-web", |lease| renewed(lease) != before);
        let now = lease(&space);
        let approved = now["metadata"]["annotations"]["timonel.io/approved-by"].as_str().unwrap_or_default();
        assert!(
            now["spec"]["holderIdentity"].as_str().is_some_and(|holder| holder.contains(&id)) && approved.contains("second"),
            "{now:#}"
        );
        before = renewed(&now);
    }
    let plan = third.plan_of("restart", &["web"]);
    let lock = plan.check("lock");
    assert!(lock["detail"].as_str().is_some_and(|said| said.contains(&id)), "who holds it is said: {lock:#}");
    Run::of(&third.call(&["run", "restart", "web", "--confirm", "y", "-o", "json"])).expect("refused", 4);
    asks.type_text(&format!("{PHRASE}\r"));
    asks.wait("the run is proven", |screen| screen.has("every proof held"));
    assert_eq!(space.replicas("web"), 2);
    expect_free(&space);
}

pub(crate) fn an_approved_plan_that_is_left_gives_its_lock_back(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let (mut asks, _) = approved(&operator, &second);
    asks.press("esc");
    asks.wait_for("refused, nothing was written");
    expect_free(&space);
    assert_eq!(space.replicas("web"), 1);
    let end = operator.journal().into_iter().filter(|line| line["kind"] == "intent").count();
    assert_eq!(end, 0, "nothing was begun");
}

/// The shipped policy, for one namespace; gone when the test is over.
struct Policy<'a>(&'a Namespace<'a>);

impl<'a> Policy<'a> {
    fn new(cluster: &Cluster, space: &'a Namespace<'a>) -> Self {
        let documents: Vec<Value> = serde_saphyr::from_multiple(include_str!("../../../assets/admission/approvals.yaml")).expect("YAML");
        let [mut policy, mut binding] = <[Value; 2]>::try_from(documents).expect("a policy and its binding");
        for object in [&mut policy, &mut binding] {
            object["metadata"]["name"] = json!(space.name());
        }
        binding["spec"]["policyName"] = json!(space.name());
        binding["spec"]["matchResources"] = json!({"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": space.name()}}});
        cluster.apply_all(&[policy, binding]).expect("applied");
        Self(space)
    }
}

impl Drop for Policy<'_> {
    fn drop(&mut self) {
        for kind in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
            self.0.delete("admissionregistration.k8s.io/v1", kind, self.0.name());
        }
    }
}

pub(crate) fn the_admission_policy_makes_approvals_authentic(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let second = Operator::new(cluster, "second", &space);
    let _policy = Policy::new(cluster, &space);
    let leases = format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases", space.name());
    let note = |notes: Value| json!({"metadata": {"annotations": notes}});
    // Nothing announces that a policy has taken effect: a forged holder is made until it is refused.
    let probe =
        json!({"apiVersion": COORDINATION, "kind": "Lease", "metadata": {"name": "timonel-probe-x", "annotations": {"timonel.io/holder-user": "x"}}});
    let until = Instant::now() + PATIENCE;
    while cluster.ask_as("second", "POST", &leases, &probe).is_ok() {
        assert!(Instant::now() < until, "the policy never takes effect");
        space.delete(COORDINATION, "Lease", "timonel-probe-x");
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let file = for_two(&operator);
    let run = operator.start(&asking(&file, &[]));
    let id = waits(&second);
    let own = format!("{leases}/timonel-deployment-web");
    let was = lease(&space);
    let said = |key: &str| was["metadata"]["annotations"][key].as_str().expect(key).to_owned();
    let (asker, hash) = (said("timonel.io/holder-user"), format!("{id} {}", said("timonel.io/plan-hash")));
    let approver = asker.replace("operator", "second");
    let approval = |by: &str| note(json!({"timonel.io/approved-by": by, "timonel.io/approved-hash": hash}));
    for (who, change, refusal) in [
        ("operator", approval(&approver), "must be the login of whoever approves"),
        ("second", approval(&asker), "must be the login of whoever approves"),
        ("operator", approval(&asker), "whoever asked for the approval cannot give it"),
        (
            "second",
            note(json!({"timonel.io/holder-user": asker.replace("operator", "viewer")})),
            "must be the login of whoever takes the lock",
        ),
        ("second", note(json!({"timonel.io/approved-hash": hash})), "must be the login of whoever approves"),
        (
            "second",
            note(json!({"timonel.io/approved-by": approver, "timonel.io/approved-hash": hash, "timonel.io/plan-hash": "sha256:other"})),
            "another run, plan, inputs or holder ends the approval",
        ),
    ] {
        let answer = cluster.ask_as(who, "PATCH", &own, &change).expect_err("refused");
        assert!(answer.contains(refusal), "{who} {change}: {answer}");
    }
    // Nor does anybody begin with an approval that was there from the start.
    cluster
        .ask_as(
            "second",
            "POST",
            &leases,
            &json!({"apiVersion": COORDINATION, "kind": "Lease", "metadata": {"name": "timonel-deployment-x",
        "annotations": {"timonel.io/approved-by": approver, "timonel.io/approved-hash": "x"}}}),
        )
        .expect_err("a new Lease is not approved");
    second.call(&["approve", &id, "--confirm", PHRASE]).exits(0);
    Run::of(&run.end()).expect("proven", 0);
    expect_free(&space);
    // And it stops nobody from changing the workload with kubectl: that is what roles are for.
    let scale = format!("/apis/apps/v1/namespaces/{}/deployments/web/scale", space.name());
    cluster.ask_as("operator", "PATCH", &scale, &json!({"spec": {"replicas": 1}})).expect("a policy about Leases");
}
