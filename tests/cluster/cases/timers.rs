//! Changes that are armed with a timer, from the console and from the command line: kept, taken back, taken up again, and owed.

use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::manifest::{Web, cron_job};
use crate::operator::{Operator, with_web};
use crate::support::screen::Size;
use crate::support::terminal::Terminal;

const SIZE: Size = (120, 36);
const LEASE: (&str, &str) = ("coordination.k8s.io/v1", "Lease");
const TIMER: &str = "timonel-timer-deployment-web";

/// Who holds a timer; null when nobody does.
fn holder(space: &Namespace<'_>, timer: &str) -> Value {
    let lease = space.get(LEASE.0, LEASE.1, timer).unwrap_or(Value::Null);
    lease["spec"]["holderIdentity"].clone()
}

/// Moves the end of a timer: so many seconds from now.
fn ends_in(space: &Namespace<'_>, timer: &str, seconds: i64) {
    let at = Timestamp::from_second(Timestamp::now().as_second() + seconds).unwrap();
    let end = json!({ "metadata": { "annotations": { "timonel.io/expires-at": at.to_string() } } });
    space.patch(LEASE.0, LEASE.1, timer, &end);
}

/// Ids of the runs in an operator's journal, the oldest first.
fn runs(operator: &Operator) -> Vec<String> {
    let plans = operator.journal().into_iter().filter(|line| line["kind"] == "plan");
    plans.map(|line| line["run"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Scales `web` to 2 with a timer of ten minutes, on the screen.
fn arm(operator: &Operator, space: &Namespace<'_>) -> Terminal {
    let mut console = operator.console(SIZE, &[]);
    console.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    console.press("a s");
    console.wait("a number is asked for", |screen| screen.has("eplicas"));
    console.type_text("2\r");
    console.wait_for("to go on");
    console.press("ctrl-t");
    console.wait("the plan is armed", |screen| screen.has("after 10m unless it is kept") && screen.has("to go on"));
    console.type_text("y\r");
    console.wait("the run is proven", |screen| screen.has("every proof held"));
    console.press("esc");
    console.wait("the countdown is in the bottom line", |screen| screen.rows[35].contains("scale 1->2 back in 10 min"));
    assert!(holder(space, TIMER).is_string());
    console
}

pub(crate) fn what_is_armed_on_the_screen_is_counted_down_and_kept_there(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let mut console = arm(&operator, &space);
    console.press("$");
    console.wait("it is listed", |screen| screen.has("Enter keeps it"));
    console.press("enter");
    console.wait("its plan", |screen| screen.has("holderIdentity") && screen.has("to go on"));
    console.type_text("y\r");
    console.wait("it is kept", |screen| screen.has("every proof held"));
    console.press("esc");
    console.wait("nothing is armed or owed", |screen| screen.rows[35].contains("no debts") && !screen.rows[35].contains("back in"));
    assert_eq!((space.replicas("web"), holder(&space, TIMER)), (2, Value::Null));
}

pub(crate) fn what_is_armed_on_the_screen_is_taken_back_at_its_time_and_every_console_sees_it(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let second = Operator::new(cluster, "admin", &space).console(SIZE, &[]);
    let console = arm(&operator, &space);
    second.wait("the second operator sees the countdown", |screen| screen.rows[35].contains("scale 1->2 back in"));
    ends_in(&space, TIMER, 3);
    console.wait("it is taken back, and that is proven", |screen| screen.has("Scale web 2->1: proven"));
    for screen in [&console, &second] {
        screen.wait("nothing is armed or owed", |s| {
            s.rows[35].contains("no debts") && !s.rows[35].contains("back in") && s.has_row(&["web", "1/1"])
        });
    }
    assert_eq!((space.replicas("web"), holder(&space, TIMER), runs(&operator).len()), (1, Value::Null, 2));
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_killed_console_leaves_a_debt_that_a_second_operator_pays(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let mut second = Operator::new(cluster, "admin", &space).console(SIZE, &[]);
    let mut console = arm(&operator, &space);
    console.signal(Signal::KILL);
    console.wait_end();
    ends_in(&space, TIMER, -60);
    second.wait("it is a debt", |screen| screen.rows[35].contains("1 debt"));
    assert_eq!(space.replicas("web"), 2, "nobody else takes it back by itself");
    second.press("$");
    second.wait("it is listed", |screen| screen.has("armed and not taken back"));
    second.press("enter");
    second.wait("its plan", |screen| screen.has("2 -> 1") && screen.has("to go on"));
    // Half of the pods go: more than a key is asked for.
    second.type_text("scale web 2->1\r");
    second.wait("the run is proven", |screen| screen.has("every proof held"));
    second.press("esc");
    second.wait("it is paid", |screen| screen.rows[35].contains("no debts"));
    assert_eq!((space.replicas("web"), holder(&space, TIMER)), (1, Value::Null));
}

pub(crate) fn the_next_consoles_of_its_operator_take_a_timer_up_and_one_of_them_takes_back(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let mut console = arm(&operator, &space);
    console.signal(Signal::KILL);
    console.wait_end();
    let mut consoles = [operator.console(SIZE, &[]), operator.console(SIZE, &[])];
    consoles[0].wait("it is said", |screen| screen.has("this console takes it back"));
    consoles[0].press("q");
    consoles[0].wait_for("nobody takes it back until a console of yours is here again");
    ends_in(&space, TIMER, 3);
    space.wait("it is taken back", LEASE.0, LEASE.1, TIMER, |lease| lease["spec"]["holderIdentity"].is_null());
    for console in &consoles {
        console.wait("both see it", |screen| screen.has_row(&["web", "1/1"]) && screen.rows[35].contains("no debts"));
    }
    assert_eq!(space.replicas("web"), 1);
    assert_eq!(runs(&operator).len(), 2, "armed once, taken back once");
}

pub(crate) fn a_time_that_came_while_nobody_was_there_is_said_and_taken_back_a_moment_later(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let mut console = arm(&operator, &space);
    console.signal(Signal::KILL);
    console.wait_end();
    ends_in(&space, TIMER, -3600);
    let console = operator.console(SIZE, &[]);
    console.wait("it is said first", |screen| screen.has("its time came while no console was there"));
    assert_eq!(space.replicas("web"), 2);
    console.wait("it is taken back", |screen| screen.has_row(&["web", "1/1"]) && screen.rows[35].contains("no debts"));
    assert_eq!((holder(&space, TIMER), runs(&operator).len()), (Value::Null, 2));
}

pub(crate) fn a_run_that_was_killed_while_it_waited_is_resumed_and_taken_back(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let running = operator.start(&["run", "scale", "web=2", "--revert-after", "10m", "--confirm", "y", "-o", "json"]);
    let run = operator.wait_for_line("the change is proven", |line| line["kind"] == "end" && line["outcome"] == "proven");
    running.signal(Signal::KILL);
    running.end();
    // Another operator's journal does not hold the confirmation.
    Operator::new(cluster, "admin", &space).call(&["runs", "resume", &run]).exits(64);
    let resumed = operator.start(&["runs", "resume", &run, "-o", "json"]);
    ends_in(&space, TIMER, 3);
    let finished = resumed.end();
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert!(finished.stdout.contains("its time has come"), "{finished:#?}");
    assert_eq!((space.replicas("web"), holder(&space, TIMER), runs(&operator).len()), (1, Value::Null, 2));
}

pub(crate) fn a_pause_and_a_suspension_are_taken_back_at_their_time(cluster: &Cluster) {
    let (space, _) = with_web(cluster, &[Web::new("web", 1)], 1);
    let operator = Operator::new(cluster, "admin", &space);
    space.apply(&cron_job("nightly", "Allow", "exit 0"));
    for (action, name, (version, kind), field, timer) in [
        ("pause", "web", ("apps/v1", "Deployment"), "paused", TIMER),
        ("suspend", "nightly", ("batch/v1", "CronJob"), "suspend", "timonel-timer-cronjob-nightly"),
    ] {
        let running = operator.start(&["run", action, name, "--revert-after", "10m", "--confirm", "y", "-o", "json"]);
        space.wait("the timer runs", LEASE.0, LEASE.1, timer, |lease| lease["spec"]["holderIdentity"].is_string());
        space.wait("it is done", version, kind, name, |object| object["spec"][field] == true);
        operator.wait_for_line("the change is proven", |line| line["kind"] == "end" && line["run"].as_str().is_some_and(|r| r.contains(action)));
        ends_in(&space, timer, 2);
        let finished = running.end();
        assert_eq!(finished.code, Some(1), "{finished:#?}");
        let now = space.get(version, kind, name).unwrap();
        assert!(now["spec"][field].is_null() || now["spec"][field] == false, "{:#}", now["spec"]);
        assert_eq!(holder(&space, timer), Value::Null);
    }
    let debts = operator.call(&["status", "-o", "json"]).json();
    assert_eq!(debts["debts"], json!([]));
}

pub(crate) fn several_armed_in_one_plan_go_back_together_but_for_what_is_kept(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    space.apply(&Web::new("worker", 1).yaml());
    space.wait_ready("worker", 1);
    let second = Operator::new(cluster, "second", &space);
    let console = second.console(SIZE, &[]);
    let plan = operator.plan(&["web=2", "worker=2", "--revert-after", "10m"]);
    let asked = plan.text("/confirmation/type").to_owned();
    let running = operator.start(&["run", "scale", "web=2", "worker=2", "--revert-after", "10m", "--confirm", &asked, "-o", "json"]);
    console.wait("both are counted down as one", |screen| screen.rows[35].contains("scale of 2 back in"));
    operator.wait_for_line("the change is proven", |line| line["kind"] == "end" && line["outcome"] == "proven");
    second.run_of("keep", &["worker"]).expect("proven", 0);
    ends_in(&space, TIMER, 2);
    let finished = running.end();
    assert_eq!(finished.code, Some(1), "{finished:#?}");
    assert_eq!((space.replicas("web"), space.replicas("worker")), (1, 2));
    assert_eq!((holder(&space, TIMER), holder(&space, "timonel-timer-deployment-worker")), (Value::Null, Value::Null));
}

pub(crate) fn a_status_tells_timers_and_locks_and_the_doctor_whose_they_are(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let running = operator.start(&["run", "scale", "web=2", "--revert-after", "10m", "--confirm", "y", "-o", "json"]);
    operator.wait_for_line("the change is proven", |line| line["kind"] == "end" && line["outcome"] == "proven");
    let second = Operator::new(cluster, "admin", &space);
    let timer = |expired: bool| {
        let told = second.call(&["status", "-o", "json"]).json();
        let timer = &told["timers"][0];
        assert_eq!((&timer["change"], &timer["expired"]), (&json!("scale 1->2"), &json!(expired)), "{told:#}");
        assert!(timer["keep"].as_str().unwrap().ends_with("deployment/web"), "{timer:#}");
    };
    timer(false);
    let text = second.call(&["status"]).stdout;
    assert!(text.contains("armed: Deployment") && text.contains("timonel run keep"), "{text}");
    running.signal(Signal::KILL);
    running.end();
    ends_in(&space, TIMER, -60);
    timer(true);
    // A holder that vanished an hour ago is none that works.
    let lock = json!({ "spec": { "holderIdentity": "ana@bastion/20261122-143312-scale-7f3a", "renewTime": "2026-11-22T14:33:12.000000Z" } });
    space.patch(LEASE.0, LEASE.1, "timonel-deployment-web", &lock);
    let told = second.call(&["status", "-o", "json"]).json();
    assert_eq!(
        (&told["locks"][0]["state"], &told["locks"][0]["silent_since"]),
        (&json!("silent"), &json!("2026-11-22T14:33:12Z")),
        "{told:#}"
    );
    let text = second.call(&["status"]).stdout;
    assert!(text.contains("no sign of life since 2026-11-22T14:33:12Z"), "{text}");
    let told = second.call(&["doctor", "--cluster"]).stdout;
    for part in ["timonel-deployment-web: lock of ana@bastion/", "timonel-timer-deployment-web: timer of operator@", "timonel.io/last-run", "events"]
    {
        assert!(told.contains(part), "{part} is missing in\n{told}");
    }
    let asked = second.call(&["doctor", "--cluster", "-o", "json"]).json();
    let left = asked["left"]["objects"].as_array().unwrap_or_else(|| panic!("no list: {asked:#}"));
    for (kind, name, made, what) in [
        ("Lease", "timonel-deployment-web", true, "lock of ana@bastion/"),
        ("Lease", TIMER, true, "timer of operator@"),
        ("Deployment", "web", false, "timonel.io/last-run: "),
    ] {
        let is = |o: &&Value| o["kind"] == kind && o["name"] == name && o["made"] == made && o["what"].as_str().is_some_and(|w| w.starts_with(what));
        assert!(left.iter().any(|o| is(&o)), "{kind} {name}: {left:#?}");
    }
    assert!(asked["left"]["events"].as_u64().is_some_and(|n| n > 0), "{asked:#}");
    assert_eq!(second.call(&["doctor", "-o", "json"]).json()["left"], Value::Null, "nobody asked");
}
