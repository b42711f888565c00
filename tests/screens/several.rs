//! Several workloads in one plan: the panel before it, and the run panel object by object.

use std::sync::Arc;

use timonel::app::App;
use timonel::app::effect::Effect;
use timonel::app::msg::{Answer, Msg};
use timonel::run::{End, Happening, Outcome, Plan, Progress, Question, StepId, Way};
use timonel::theme::Charset;

use super::panels::confirmed;
use super::scene::{frame_with, night, now, press};
use super::server::{Server, restart};
use super::shot::{Paint, picture, skin};

const NAMES: [&str; 3] = ["eterna-rules-backend", "eterna-rules-frontend", "eterna-rules-worker"];

fn shot(app: &mut App, width: u16, height: u16) -> String {
    picture(&frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode)).0)
}

/// Marks what can be restarted, asks for it, and answers with a plan.
fn planned(plan: Plan) -> App {
    let mut app = night();
    press(&mut app, "left space space");
    let effects = press_last(&mut app, &["a", "r"]);
    let Some(Effect::Plan { ticket, request }) = effects.into_iter().find(|e| matches!(e, Effect::Plan { .. })) else {
        panic!("a plan is asked for: {}", shot(&mut app, 120, 36))
    };
    assert_eq!(request.action, "restart");
    assert_eq!(request.parameters.iter().filter(|p| p.starts_with("with=")).count(), 1, "{request:?}");
    app.update(Msg::Answer(ticket, Answer::Plan(Ok(Arc::new(plan)))), now());
    app
}

fn press_last(app: &mut App, keys: &[&str]) -> Vec<Effect> {
    keys.iter().fold(Vec::new(), |_, key| app.update(Msg::Key(key.parse().unwrap()), now()))
}

#[test]
fn the_panel_names_each_object_and_offers_the_other_order() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut app = planned(restart(Server::default(), &NAMES));
        insta::assert_snapshot!(format!("several_plan_{width}x{height}"), shot(&mut app, width, height));
        let effects = press_last(&mut app, &["ctrl-o"]);
        let asked = effects.iter().find_map(|e| if let Effect::Plan { request, .. } = e { Some(request) } else { None }).unwrap();
        assert!(asked.parameters.contains(&"order=parallel".to_owned()), "{asked:?}");
    }
}

fn running(events: Vec<(i64, Happening)>) -> App {
    let plan = restart(Server::default(), &NAMES);
    confirmed(planned(plan.clone()), plan, events)
}

fn steps() -> Vec<(StepId, String)> {
    restart(Server::default(), &NAMES).steps().iter().map(|s| (s.id, s.title.clone())).collect()
}

/// The first object is proven, the second is on its way.
fn half_way() -> Vec<(i64, Happening)> {
    let mut events = Vec::new();
    let all = steps();
    let second = all.iter().position(|(id, _)| *id == "2/prove-rollout").unwrap();
    for (at, (step, title)) in all.iter().enumerate().take(second + 1) {
        let at_second = i64::try_from(at).unwrap() * 3;
        events.push((at_second, Happening::StepStarted { step: *step, title: title.clone(), undo: false }));
        if at < second {
            events.push((
                at_second + 2,
                Happening::StepProven { step: *step, text: "3 of 3 pods are new and available".into(), took_seconds: 2.1 },
            ));
        }
    }
    let progress = Progress {
        done: Some(1),
        of: Some(3),
        text: "1/3 new".into(),
        details: vec!["eterna-rules-frontend-7d9f4b5c6-zzzzz  Pulling image (23 s)".into()],
    };
    events.push((40, Happening::Progress { step: all[second].0, progress }));
    events
}

#[test]
fn a_run_shows_what_is_done_in_a_line_and_what_is_under_way_in_full() {
    for (width, height) in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("several_run_{width}x{height}"), shot(&mut running(half_way()), width, height));
    }
}

#[test]
fn the_first_failure_asks_and_what_was_not_begun_is_said() {
    let mut events = half_way();
    let step = steps().into_iter().map(|(id, _)| id).find(|id| *id == "2/prove-rollout").unwrap();
    let reason = "eterna-rules-frontend: 1/3 new: ImagePullBackOff";
    events.push((50, Happening::StepFailed { step, reason: reason.into(), took_seconds: 44.0 }));
    let mut asked = events.clone();
    asked.push((50, Happening::Asked { question: Question { reason: reason.into(), ways: vec![Way::Leave, Way::Wait], typed: None } }));
    insta::assert_snapshot!("several_run_asking", shot(&mut running(asked), 100, 30));
    let outcome = Outcome::new(End::Failed, format!("{reason}; not begun: eterna-rules-worker"));
    events.push((53, Happening::Ended { exit_code: outcome.exit_code(), outcome }));
    insta::assert_snapshot!("several_run_failed", shot(&mut running(events), 100, 30));
}

#[test]
fn each_marked_workload_is_asked_for_its_own_count() {
    let mut app = night();
    press(&mut app, "left space space a s");
    assert!(shot(&mut app, 120, 36).contains("(1 of 2)"));
    assert!(press_last(&mut app, &["enter"]).iter().all(|e| !matches!(e, Effect::Plan { .. })), "no count is a default");
    app.update(Msg::Paste("4".into()), now());
    press_last(&mut app, &["enter"]);
    assert!(shot(&mut app, 120, 36).contains("(2 of 2)"));
    app.update(Msg::Paste("2".into()), now());
    let effects = press_last(&mut app, &["enter"]);
    let request = effects.iter().find_map(|e| if let Effect::Plan { request, .. } = e { Some(request) } else { None }).unwrap();
    assert_eq!(request.parameters[0], "replicas=4");
    assert!(request.parameters[1].starts_with("with=") && request.parameters[1].ends_with("=2"), "{request:?}");
}
