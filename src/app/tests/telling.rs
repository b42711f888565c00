//! The bridge as lines.

use std::sync::Arc;

use jiff::SignedDuration;

use super::{app, deployment, draw, now, open_app, show, start};
use crate::app::App;
use crate::app::msg::Msg;
use crate::app::telling::Telling;
use crate::base::problem::{Level, Problem};
use crate::fleet::testing::{broken, pod_of, waiting};
use crate::target::event::TargetEvent;
use crate::target::model::{Kind, Object};

fn told(telling: &mut Telling, app: &mut App, after: i64) -> Vec<String> {
    let at = now() + SignedDuration::from_secs(after);
    app.update(Msg::Tick, at);
    draw(app, at);
    let line = |t: crate::app::telling::Told| {
        let health = t.health.map(|h| format!("{} ", h.word())).unwrap_or_default();
        format!("{} {health}{}", t.word, t.text)
    };
    telling.tell(app).into_iter().map(line).collect()
}

fn words(lines: &[String]) -> Vec<&str> {
    lines.iter().filter_map(|l| l.split(' ').next()).collect()
}

#[test]
fn the_answers_come_first_and_what_is_well_is_not_listed() {
    let (mut telling, mut app) = (Telling::default(), app());
    assert_eq!(words(&told(&mut telling, &mut app, 0)), ["PLACE", "STATE"], "the answers are of a moment ago");
    let lines = told(&mut telling, &mut app, 1);
    assert_eq!(words(&lines)[..4], ["UP", "CHANGED", "BACK", "CALL"], "{lines:#?}");
    assert!(lines[0].starts_with("UP degraded "), "{lines:#?}");
    assert!(lines.iter().any(|l| l.starts_with("WORKLOAD") && l.contains("ns/deployment/api")), "{lines:#?}");
    assert!(!lines.iter().any(|l| l.contains("ns/deployment/web")), "{lines:#?}");
    assert_eq!(told(&mut telling, &mut app, 2), Vec::<String>::new(), "nothing is said twice");
}

#[test]
fn one_line_tells_each_change() {
    let (mut telling, mut app) = (Telling::default(), app());
    told(&mut telling, &mut app, 1);
    show(&mut app, Kind::Deployment, vec![deployment("api", 2, 2), deployment("fresh", 1, 1)]);
    let lines = told(&mut telling, &mut app, 2);
    assert!(lines.contains(&"WORKLOAD ok ns/deployment/fresh: new".to_owned()), "{lines:#?}");
    assert!(
        lines.iter().any(|l| l.contains("ns/deployment/web is gone")) || lines.iter().any(|l| l.contains("deployment/web")),
        "{lines:#?}"
    );
    assert!(lines.iter().all(|l| !l.starts_with("PLACE") && !l.starts_with("CALL")), "{lines:#?}");
}

#[test]
fn words_that_change_while_health_stays_are_told_once_in_a_while() {
    let (mut telling, mut app) = (Telling::default(), app());
    told(&mut telling, &mut app, 1);
    let crash = |restarts| Object::Pod(Arc::new(pod_of("api", "a1", "api-a1-bad", vec![broken("app", waiting("CrashLoopBackOff"), restarts)])));
    let mut lines = Vec::new();
    for (after, restarts) in [(2, 8), (3, 9), (4, 10), (40, 11), (41, 12)] {
        let key = crate::fleet::testing::stream(Kind::Pod);
        let changes = vec![crate::target::event::ObjectChange::Applied(crash(restarts))];
        app.update(Msg::Target(TargetEvent::Objects { key, changes }), now() + SignedDuration::from_secs(after));
        lines.extend(told(&mut telling, &mut app, after).into_iter().filter(|l| l.starts_with("WORKLOAD")));
    }
    assert!(lines.len() <= 1, "{lines:#?}");
}

#[test]
fn problems_are_told_when_they_come_and_when_they_go() {
    let (mut telling, mut app) = (Telling::default(), app());
    told(&mut telling, &mut app, 1);
    let problem = Problem::new(Level::Warning, "watch:events", "Events may not be read.").hint("grant: list events");
    app.update(Msg::Target(TargetEvent::Problem(problem)), now());
    assert_eq!(told(&mut telling, &mut app, 2), ["PROBLEM Events may not be read. (grant: list events)"]);
    app.update(Msg::Target(TargetEvent::Solved("watch:events".into())), now());
    assert_eq!(told(&mut telling, &mut app, 3), ["SOLVED Events may not be read. (grant: list events)"]);
}

#[test]
fn a_target_that_cannot_be_opened_is_never_good_news() {
    let (mut telling, mut app) = (Telling::default(), open_app(start()));
    let problem = Problem::new(Level::Error, "target:open", "The server does not answer.");
    app.update(Msg::Target(TargetEvent::OpenFailed(problem)), now());
    let lines = told(&mut telling, &mut app, 1);
    assert!(lines.contains(&"STATE not connected: The server does not answer.".to_owned()), "{lines:#?}");
    assert!(!lines.iter().any(|l| l.starts_with("UP ok")), "{lines:#?}");
}

#[test]
fn a_flood_of_changes_is_counted() {
    let (mut telling, mut app) = (Telling::default(), open_app(start()));
    show(&mut app, Kind::Deployment, (0..100).map(|n| deployment(&format!("app-{n}"), 2, 0)).collect());
    let lines = told(&mut telling, &mut app, 1);
    assert!(lines.iter().filter(|l| l.starts_with("WORKLOAD")).count() <= 40, "{}", lines.len());
    assert_eq!(lines.last().map(String::as_str), Some("MORE 60 more changes are not listed"), "{:#?}", lines.last());
}
