//! The plan panel and the run panel, drawn from real plans and from what a run tells.

use std::sync::Arc;

use jiff::SignedDuration;
use timonel::app::App;
use timonel::app::effect::{Effect, Second};
use timonel::app::msg::{Answer, Msg};
use timonel::base::problem::{Level, Problem};
use timonel::run::{Debt, End, Happening, Outcome, Plan, Progress, Question, RunEvent, StepId, Way};
use timonel::theme::Charset;

use super::scene::{frame_with, night, now, press, written};
use super::server::{Server, scale, scale_for_two};
use super::shot::{Paint, picture, skin};

fn shot(app: &mut App, width: u16, height: u16) -> String {
    picture(&frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode)).0)
}

/// Asks for a scale and answers with a plan.
fn planned(plan: Result<Plan, Problem>) -> App {
    let mut app = night();
    press(&mut app, "a s");
    app.update(Msg::Paste("5".into()), now());
    let effects = app.update(Msg::Key("enter".parse().unwrap()), now());
    let Some(Effect::Plan { ticket, .. }) = effects.into_iter().find(|e| matches!(e, Effect::Plan { .. })) else { panic!("a plan is asked for") };
    app.update(Msg::Answer(ticket, Answer::Plan(plan.map(Arc::new).map_err(Box::new))), now());
    app
}

#[test]
fn a_plan_that_may_run_asks_for_the_environments_word() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut app = planned(Ok(scale(Server::default(), 5)));
        shot(&mut app, width, height);
        for key in ["p", "r", "o", "d"] {
            app.update(Msg::Key(key.parse().unwrap()), now());
        }
        let (buffer, drawn) = frame_with(&mut app, width, height, &skin(Paint::Roles, Charset::Unicode));
        insta::assert_snapshot!(format!("plan_{width}x{height}"), picture(&buffer));
        assert!(drawn.cursor.is_some(), "the cursor stands in the field");
    }
}

#[test]
fn a_plan_that_writes_nothing_begins_with_one_key_and_a_blocked_one_with_none() {
    let mut app = planned(Ok(scale(Server::default(), 3)));
    let screen = shot(&mut app, 100, 30);
    assert!(screen.contains("Will change   nothing") && screen.contains("enter go on"), "{screen}");
    let run = keys(&mut app, "enter", SignedDuration::ZERO);
    assert!(matches!(&run[..], [Effect::Run { typed, .. }] if typed.is_empty()), "{run:?}");
    let mut blocked = planned(Ok(scale(Server { forbidden: true, ..Server::default() }, 5)));
    let screen = shot(&mut blocked, 100, 30);
    assert!(screen.contains("This plan may not run") && !screen.contains("enter go on"), "{screen}");
    assert_eq!(keys(&mut blocked, "enter", SignedDuration::ZERO), []);
}

fn keys(app: &mut App, keys: &str, at: SignedDuration) -> Vec<Effect> {
    keys.split(' ').flat_map(|key| app.update(Msg::Key(key.parse().unwrap()), now() + at)).collect()
}

/// A plan for two whose glass is being broken.
fn breaking() -> (App, Vec<Effect>) {
    let mut app = planned(Ok(scale_for_two(5, None)));
    shot(&mut app, 100, 30);
    keys(&mut app, "ctrl-g n o b o d y", SignedDuration::ZERO);
    let effects = keys(&mut app, "enter", SignedDuration::ZERO);
    (app, effects)
}

#[test]
fn the_glass_of_a_plan_for_two_breaks_in_a_minute_and_in_writing() {
    let (mut app, effects) = breaking();
    let armed = matches!(&effects[..], [Effect::BreakGlass { reason, .. }] if reason == "nobody");
    assert!(armed, "{effects:?}");
    let quiet = |effects: &[Effect]| assert!(effects.is_empty(), "nothing is sent or planned meanwhile: {effects:?}");
    quiet(&keys(&mut app, "s c a l e enter n ctrl-o o ctrl-t ctrl-g", SignedDuration::from_secs(30)));
    quiet(&app.update(Msg::Tick, now() + SignedDuration::from_millis(59_900)));
    let again = app.update(Msg::Tick, now() + SignedDuration::from_mins(1));
    let [Effect::Plan { ticket, request }] = &again[..] else { panic!("everything is checked again: {again:?}") };
    let plan = scale_for_two(5, Some("nobody"));
    assert_eq!((request.reason.as_deref(), request.second.as_ref().map(Second::run)), (Some("nobody"), Some(plan.id())));
    app.update(Msg::Answer(*ticket, Answer::Plan(Ok(Arc::new(plan)))), now());
    shot(&mut app, 100, 30);
    let phrase = "scale space e t e r n a - r u l e s - b a c k e n d space 3 - > 5";
    quiet(&keys(&mut app, &phrase.replace("scale", "s c a l e"), SignedDuration::from_secs(20)));
    let run = keys(&mut app, "enter", SignedDuration::from_secs(20));
    assert!(matches!(&run[..], [Effect::Run { typed, .. }] if typed == "scale eterna-rules-backend 3->5"), "{run:?}");
}

#[test]
fn leaving_takes_the_glass_back_and_a_plan_for_one_has_none() {
    let (mut app, _) = breaking();
    let left = keys(&mut app, "esc", SignedDuration::from_secs(30));
    assert!(matches!(&left[..], [Effect::CancelRun(_)]), "{left:?}");
    let later = app.update(Msg::Tick, now() + SignedDuration::from_mins(2));
    assert!(!later.iter().any(|e| matches!(e, Effect::Plan { .. } | Effect::Run { .. })), "{later:?}");
    let mut app = planned(Ok(scale_for_two(5, None)));
    shot(&mut app, 100, 30);
    assert_eq!(keys(&mut app, "ctrl-g enter", SignedDuration::ZERO), [], "not without a reason");
    let mut one = planned(Ok(scale(Server::default(), 5)));
    shot(&mut one, 100, 30);
    assert_eq!(keys(&mut one, "ctrl-g", SignedDuration::ZERO), []);
    assert!(shot(&mut one, 100, 30).contains("asks for no second person"));
}

#[test]
fn a_plan_for_two_its_glass_while_it_breaks_and_after() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut two = planned(Ok(scale_for_two(5, None)));
        let (mut broken, _) = breaking();
        let (mut breaking, _) = breaking();
        breaking.now = now() + SignedDuration::from_secs(17);
        let again = broken.update(Msg::Tick, now() + SignedDuration::from_mins(1));
        let [Effect::Plan { ticket, .. }] = &again[..] else { panic!("{again:?}") };
        broken.update(Msg::Answer(*ticket, Answer::Plan(Ok(Arc::new(scale_for_two(5, Some("nobody")))))), now());
        for (name, app) in [("two", &mut two), ("breaking", &mut breaking), ("broken", &mut broken)] {
            insta::assert_snapshot!(format!("plan_{name}_{width}x{height}"), shot(app, width, height));
        }
    }
}

#[test]
fn a_plan_that_is_blocked_says_what_stands_in_the_way_and_offers_the_ways_on() {
    for (name, server, replicas) in [
        ("hpa", Server { hpa: true, ..Server::default() }, 2),
        ("forbidden", Server { forbidden: true, ..Server::default() }, 5),
        ("denied", Server { denied: true, ..Server::default() }, 5),
        ("to_zero", Server::default(), 0),
    ] {
        let mut app = planned(Ok(scale(server, replicas)));
        insta::assert_snapshot!(format!("plan_{name}"), shot(&mut app, 110, 34));
    }
}

#[test]
fn a_plan_on_its_way_stale_failed_or_confirmed_wrongly() {
    let mut making = night();
    press(&mut making, "a s 5 enter");
    let mut stale = planned(Ok(scale(Server::default(), 5)));
    stale.now = now() + SignedDuration::from_secs(95);
    let problem = Problem::new(Level::Error, "plan", "Deployment eterna-rules/eterna-rules-backend cannot be read: timed out after 10 s.");
    let mut failed = planned(Err(problem.hint("Try again when the server answers.")));
    let mut wrong = planned(Ok(scale(Server::default(), 5)));
    shot(&mut wrong, 100, 30);
    for key in ["p", "r", "enter"] {
        wrong.update(Msg::Key(key.parse().unwrap()), now());
    }
    for (name, app) in [("making", &mut making), ("stale", &mut stale), ("failed", &mut failed), ("wrong", &mut wrong)] {
        insta::assert_snapshot!(format!("plan_{name}"), shot(app, 100, 30));
    }
}

#[test]
fn a_plan_panel_without_colours() {
    let mut app = planned(Ok(scale(Server { hpa: true, ..Server::default() }, 2)));
    let (buffer, _) = frame_with(&mut app, 100, 34, &skin(Paint::Mono, Charset::Ascii));
    insta::assert_snapshot!(picture(&buffer));
}

fn running(events: Vec<(i64, Happening)>) -> App {
    let plan = scale(Server::default(), 5);
    confirmed(planned(Ok(plan.clone())), plan, events)
}

/// The console whose plan was confirmed and whose run told `events`, each at so many seconds after its beginning.
pub(super) fn confirmed(mut app: App, plan: Plan, events: Vec<(i64, Happening)>) -> App {
    let id = plan.id().to_owned();
    shot(&mut app, 100, 30);
    app.update(Msg::Paste("production".into()), now());
    app.update(Msg::Key("enter".parse().unwrap()), now());
    let mut last = now();
    for (seconds, what) in std::iter::once((0, Happening::Planned { plan: Box::new(plan) })).chain(events) {
        last = now() + SignedDuration::from_secs(seconds);
        app.update(Msg::Run(RunEvent::new(id.clone(), last, what)), last);
    }
    app.now = last;
    app
}

/// The id of a step of the plan, by its place.
fn step(place: usize) -> StepId {
    scale(Server::default(), 5).steps()[place].id
}

fn title(place: usize) -> String {
    scale(Server::default(), 5).steps()[place].title.clone()
}

fn started(place: usize) -> Happening {
    Happening::StepStarted { step: step(place), title: title(place), undo: false }
}

fn proving() -> Vec<(i64, Happening)> {
    let proven = |place, text: &str| Happening::StepProven { step: step(place), text: text.into(), took_seconds: 0.13 };
    let progress = Progress {
        done: Some(4),
        of: Some(5),
        text: "4/5 ready".into(),
        details: vec!["eterna-rules-backend-7d9f4b5c6-zzzzz  Pulling image ghcr.io/eterna/rules-engine@sha256:9f2c (23 s)".into()],
    };
    vec![
        (0, started(0)),
        (0, proven(0, "held by this run")),
        (0, started(1)),
        (1, proven(1, "accepted, resourceVersion 88290")),
        (1, started(2)),
        (40, Happening::Progress { step: step(2), progress }),
    ]
}

#[test]
fn a_run_while_it_happens() {
    let mut app = running(proving());
    insta::assert_snapshot!("run_proving", shot(&mut app, 100, 30));
    press(&mut app, "esc");
    insta::assert_snapshot!("run_left_running", shot(&mut app, 100, 30).lines().nth(29).unwrap_or_default().to_owned());
}

#[test]
fn a_run_that_waits_for_an_answer() {
    let mut events = proving();
    let reason = "0 of 2 new pods became ready within 300 s: 0/3 nodes are available: insufficient memory";
    events.push((301, Happening::StepFailed { step: step(2), reason: reason.into(), took_seconds: 300.0 }));
    events.push((
        301,
        Happening::Asked { question: Question { reason: reason.into(), ways: vec![Way::Undo, Way::Wait, Way::Leave], typed: None } },
    ));
    insta::assert_snapshot!("run_asking", shot(&mut running(events), 100, 30));
}

#[test]
fn how_a_run_ended() {
    let debts = vec![Debt {
        id: "scale".into(),
        object: "Deployment eterna-rules/eterna-rules-backend".into(),
        what: "wants 5 replicas, 3 are ready".into(),
        pay: "timonel run scale eterna-rules-backend=3".into(),
    }];
    let undone = Outcome { undone: true, ..Outcome::new(End::Failed, "2 pods found no node: insufficient memory") };
    let left = Outcome {
        debts,
        hint: "look at the nodes first".into(),
        ..Outcome::new(End::FailedWithDebts, "the undo could not be proven")
    };
    let unknown = Outcome {
        hint: "ask again when the server answers: timonel runs show".into(),
        ..Outcome::new(End::Unknown, "no answer to the write came")
    };
    for (name, outcome) in [("proven", Outcome::new(End::Proven, "")), ("undone", undone), ("debts", left), ("unknown", unknown)] {
        let mut events = proving();
        events.push((52, Happening::StepProven { step: step(2), text: "5 of 5 ready".into(), took_seconds: 51.2 }));
        events.push((52, Happening::Note { text: "no right to annotate the workload".into() }));
        events.push((53, Happening::Ended { exit_code: outcome.exit_code(), outcome }));
        let mut app = running(events);
        if name == "debts" {
            written(&mut app, 5);
        }
        insta::assert_snapshot!(format!("run_{name}"), shot(&mut app, 100, 30));
    }
}
