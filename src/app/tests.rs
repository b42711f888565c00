//! Scripts of messages against the core: what a user would notice.

mod applied;
mod backups;
mod file_action;
mod journal;
mod locks;
mod schema;
mod telling;

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{Timestamp, tz::TimeZone};

use super::effect::{Effect, Fetch};
use super::logs::LogBounds;
use super::msg::{Answer, Measures, Msg};
use super::overlay::Overlay;
use super::ticket::Ticket;
use super::{App, Pane, Start};
use crate::base::environment::EnvironmentKind;
use crate::base::health::Health;
use crate::base::problem::{Level, Problem};
use crate::fleet::Writer;
use crate::fleet::testing::{NOW, at, broken, container, ended, labels, listed, meta, now, pod_of, replica_set, waiting, workload};
use crate::keymap::shipped;
use crate::target::event::{Opened, SIGN_IN, TargetEvent};
use crate::target::model::{Container, Kind, MetaOnly, Object};
use crate::target::probe::{ProbeReport, ProbeResult, ProbeSample};
use crate::target::request::{Namespaces, TargetSpec};

fn start() -> Start {
    Start {
        spec: TargetSpec::default(),
        keymap: shipped("default").expect("it is shipped"),
        service: None,
        context_kinds: BTreeMap::new(),
        operator: "ana@host".into(),
        zone: TimeZone::UTC,
        log_bounds: LogBounds::default(),
        journal: Ok(()),
        first_steps: None,
    }
}

fn opened(context: &str) -> TargetEvent {
    TargetEvent::Opened(Opened {
        context: context.into(),
        cluster: "c1".into(),
        user: "ana".into(),
        server: "https://127.0.0.1:6443".into(),
        namespaces: Some(vec!["ns".into()]),
        contexts: vec![context.into(), "other".into()],
    })
}

fn open_app(start: Start) -> App {
    let (mut app, first) = App::new(start, now());
    assert!(matches!(&first[..], [Effect::Open(_)]), "the first effect opens the target");
    app.update(Msg::Target(opened("shop-staging")), now());
    draw(&mut app, now());
    app
}

/// A console that sees two Deployments: `api` with a crash loop, `web` as wanted.
fn app() -> App {
    let mut app = open_app(start());
    show(&mut app, Kind::Deployment, vec![deployment("api", 2, 1), deployment("web", 2, 2)]);
    show(
        &mut app,
        Kind::ReplicaSet,
        vec![Object::ReplicaSet(Arc::new(replica_set("api", "a1", 1, 2))), Object::ReplicaSet(Arc::new(replica_set("web", "w1", 1, 2)))],
    );
    let crash = pod_of("api", "a1", "api-a1-bad", vec![broken("app", waiting("CrashLoopBackOff"), 7)]);
    let fine = ["web-w1-one", "web-w1-two"].map(|n| pod_of("web", "w1", n, vec![container("app")]));
    let pods = [crash, pod_of("api", "a1", "api-a1-good", vec![container("app")])].into_iter().chain(fine);
    show(&mut app, Kind::Pod, pods.map(|p| Object::Pod(Arc::new(p))).collect());
    draw(&mut app, now());
    app
}

fn probe(health: Health, samples: usize) -> Msg {
    let sample = ProbeSample { at: now(), result: ProbeResult::Ok, latency: None };
    Msg::Target(TargetEvent::Probe(ProbeReport {
        id: "health".into(),
        title: "health".into(),
        kind: "http".into(),
        target: "".into(),
        result: ProbeResult::Ok,
        health,
        counts: true,
        critical: true,
        since: now(),
        at: Some(now()),
        latency: None,
        detail: "200".into(),
        expires: None,
        history: vec![sample; samples].into(),
    }))
}

#[test]
fn a_probe_that_turns_well_is_seen_in_the_header_at_once() {
    let mut app = open_app(start());
    show(&mut app, Kind::Deployment, vec![deployment("web", 1, 1)]);
    app.update(probe(Health::Unknown, 1), now());
    draw(&mut app, at(NOW + 1));
    assert_eq!(app.answers.up.health, Health::Unknown);
    app.update(probe(Health::Ok, 2), at(NOW + 5));
    draw(&mut app, at(NOW + 5));
    assert_eq!((app.answers.up.health, app.answers.up.text().as_str()), (Health::Ok, "1/1 ready"));
}

fn deployment(name: &str, desired: i32, ready: i32) -> Object {
    let mut w = workload(Kind::Deployment, name, desired);
    (w.ready, w.available) = (ready, ready);
    Object::Workload(Arc::new(w))
}

fn show(app: &mut App, kind: Kind, objects: Vec<Object>) {
    for event in listed(kind, objects) {
        app.update(Msg::Target(event), now());
    }
}

fn draw(app: &mut App, at: Timestamp) -> Vec<Effect> {
    app.refresh(at);
    app.update(Msg::Drawn(Measures { workloads: 10, health: 10, releases: 10, logs: 10, overlay: 10 }), at)
}

/// Presses keys one after the other, with a frame after each.
fn press(app: &mut App, keys: &str) -> Vec<Effect> {
    let mut effects = Vec::new();
    for key in keys.split(' ') {
        effects.extend(app.update(Msg::Key(key.parse().expect(key)), app.now));
        effects.extend(draw(app, app.now));
    }
    effects
}

fn names(app: &App) -> Vec<String> {
    app.workloads.rows.iter().map(|r| format!("{}{}", "  ".repeat(r.depth.into()), last(&r.id))).collect()
}

fn last(id: &super::workloads::RowId) -> String {
    use super::workloads::RowId;
    match id {
        RowId::Workload(k) => k.name.to_string(),
        RowId::Job(_, k) | RowId::Pod(_, k) => k.name.to_string(),
        RowId::Container(_, _, c) => c.to_string(),
    }
}

fn notice(app: &App) -> &str {
    app.notice.as_ref().map_or("", |n| n.text.as_str())
}

#[test]
fn what_is_wrong_is_on_top_and_open_without_a_keystroke() {
    let app = app();
    assert_eq!(names(&app), ["api", "  api-a1-bad", "  api-a1-good", "web"]);
}

#[test]
fn the_logs_of_the_worst_workload_are_followed_without_a_keystroke() {
    let mut app = app();
    let effects = app.update(Msg::Tick, now());
    let followed = effects
        .iter()
        .chain([])
        .find_map(|e| if let Effect::Follow { sources, .. } = e { Some(sources.clone()) } else { None });
    let told = followed.unwrap_or_else(|| app.logs.sources.iter().map(|s| s.source.clone()).collect());
    assert_eq!(told.first().map(|s| &*s.pod), Some("api-a1-bad"), "the unhealthy pod comes first");
    assert_eq!(app.logs.title, "api");
}

#[test]
fn a_selection_must_rest_before_its_logs_are_followed() {
    let mut app = app();
    app.update(Msg::Tick, now());
    press(&mut app, "G");
    assert!(app.update(Msg::Tick, now()).is_empty());
    assert!(app.wakes_at().is_some_and(|t| t > now()));
    let effects = app.update(Msg::Tick, at(NOW + 1));
    assert!(matches!(&effects[..], [Effect::Follow { sources, .. }] if sources.len() == 2), "{effects:?}");
    assert_eq!(app.logs.title, "web");
}

#[test]
fn rows_that_arrive_do_not_move_the_selection() {
    let mut app = app();
    press(&mut app, "G");
    assert_eq!(app.workloads.selected_name().as_deref(), Some("web"));
    show(&mut app, Kind::Deployment, vec![deployment("aaa", 1, 0), deployment("api", 2, 1), deployment("web", 2, 2)]);
    draw(&mut app, now());
    assert_eq!(app.workloads.selected_name().as_deref(), Some("web"));
}

/// A rollback replaces the pod that the operator looked at: the panes stay with its workload.
#[test]
fn when_the_selected_pod_is_gone_the_selection_stays_with_its_workload() {
    let mut app = app();
    press(&mut app, "j");
    assert_eq!(app.workloads.selected_name().as_deref(), Some("api-a1-bad"));
    show(&mut app, Kind::Deployment, vec![deployment("aaa", 2, 2), deployment("api", 2, 2), deployment("web", 2, 2)]);
    let fine = ["api-a2-one", "api-a2-two"].map(|n| pod_of("api", "a1", n, vec![container("app")]));
    show(&mut app, Kind::Pod, fine.map(|p| Object::Pod(Arc::new(p))).into());
    draw(&mut app, now());
    assert_eq!(app.workloads.selected_name().as_deref(), Some("api"), "{:?}", names(&app));
}

#[test]
fn a_rollback_without_a_revision_known_to_be_good_lets_the_operator_choose_one() {
    let mut app = app();
    let mut api = workload(Kind::Deployment, "api", 2);
    api.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "2")]);
    show(&mut app, Kind::Deployment, vec![Object::Workload(Arc::new(api))]);
    let old = replica_set("api", "a0", 1, 0);
    let new = replica_set("api", "a1", 2, 2);
    show(&mut app, Kind::ReplicaSet, vec![Object::ReplicaSet(Arc::new(old)), Object::ReplicaSet(Arc::new(new))]);
    draw(&mut app, now());
    let effects = press(&mut app, "a b");
    assert!(!effects.iter().any(|e| matches!(e, Effect::Plan { .. })), "{effects:?}");
    assert!(notice(&app).contains("choose one here"), "{}", notice(&app));
    assert_eq!((app.focus, app.releases.selected().map(|r| r.number)), (Pane::Releases, Some(1)));
    let effects = press(&mut app, "a b");
    assert!(effects.iter().any(|e| matches!(e, Effect::Plan { request, .. } if request.parameters == ["to=1"])), "{effects:?}");
}

#[test]
fn why_shows_what_the_container_said_before_it_ended() {
    let mut app = app();
    let last = Some(Box::new(ended(3, "Error")));
    let crash = pod_of("api", "a1", "api-a1-bad", vec![Container { last, ..broken("app", waiting("CrashLoopBackOff"), 7) }]);
    show(&mut app, Kind::Pod, vec![Object::Pod(Arc::new(crash))]);
    draw(&mut app, now());
    let effects = press(&mut app, "x");
    let [Effect::Fetch { ticket, what: Fetch::LastLines(source) }] = &effects[..] else { panic!("{effects:?}") };
    assert_eq!(
        (&*source.pod, &*source.container, source.previous),
        ("api-a1-bad", "app", false),
        "the run that ended is the newest one"
    );
    app.update(Msg::Answer(*ticket, Answer::LastLines(Ok(vec!["starting".into(), "fatal: no database".into()]))), now());
    draw(&mut app, now());
    let Some(Overlay::Document(reading)) = app.overlays.last() else { panic!("a document") };
    let text: Vec<&str> = reading.document.body().iter().map(|l| l.text.as_str()).collect();
    assert!(text.contains(&"Last lines of container app of pod api-a1-bad") && text.contains(&"  fatal: no database"), "{text:#?}");
}

#[test]
fn events_that_cannot_be_read_are_not_told_as_none() {
    let mut app = app();
    press(&mut app, "e");
    let told = |app: &App| match app.overlays.last() {
        Some(Overlay::Document(reading)) => reading.document.body().iter().map(|l| l.text.clone()).collect::<String>(),
        other => panic!("{other:?}"),
    };
    assert_eq!(told(&app), "Events are not read yet.");
    press(&mut app, "esc");
    show(&mut app, Kind::Event, Vec::new());
    press(&mut app, "e");
    assert!(told(&app).starts_with("No events"), "{}", told(&app));
}

#[test]
fn n_and_shift_n_go_to_what_is_not_ok() {
    let mut app = app();
    press(&mut app, "G n");
    assert_eq!(app.workloads.selected_name().as_deref(), Some("api"));
    press(&mut app, "n");
    assert_eq!(app.workloads.selected_name().as_deref(), Some("api-a1-bad"));
    press(&mut app, "N");
    assert_eq!(app.workloads.selected_name().as_deref(), Some("api"));
}

#[test]
fn a_row_opens_and_closes_and_left_goes_to_the_parent() {
    let mut app = app();
    press(&mut app, "h");
    assert_eq!(names(&app), ["api", "web"], "closed although it is unhealthy: the user said so");
    press(&mut app, "l j l");
    assert_eq!(names(&app), ["api", "  api-a1-bad", "    app", "  api-a1-good", "web"]);
    press(&mut app, "j h");
    assert_eq!(app.workloads.selected_name().as_deref(), Some("api-a1-bad"));
}

#[test]
fn a_filter_narrows_while_it_is_typed_and_esc_takes_it_back() {
    let mut app = app();
    press(&mut app, "/ w e b");
    assert_eq!(names(&app)[0], "web");
    press(&mut app, "enter");
    assert!(app.overlays.is_empty() && app.workloads.has_filter());
    press(&mut app, "esc");
    assert!(!app.workloads.has_filter());
    assert_eq!(names(&app).len(), 4);
}

#[test]
fn quit_asks_for_nothing_and_esc_never_quits() {
    let mut app = app();
    assert!(press(&mut app, "esc esc esc").is_empty());
    assert_eq!(press(&mut app, "q"), [Effect::Quit]);
}

#[test]
fn esc_and_a_key_that_arrive_together_are_two_keys() {
    let mut app = app();
    press(&mut app, "?");
    assert_eq!(press(&mut app, "alt-q"), [Effect::Quit], "help is left, then the program");
    assert!(app.overlays.is_empty());
}

#[test]
fn a_key_without_a_meaning_says_so_and_names_the_help_key() {
    let mut app = app();
    press(&mut app, "f9");
    assert!(notice(&app).contains("'f9' does nothing here"), "{}", notice(&app));
    assert!(notice(&app).contains('?'));
}

#[test]
fn the_leader_waits_for_its_second_key_and_esc_ends_it() {
    let mut app = app();
    press(&mut app, "a");
    assert!(!app.pending.1.is_empty(), "the key line shows what can follow");
    press(&mut app, "esc");
    assert!(app.pending.0.is_empty() && app.overlays.is_empty());
}

#[test]
fn scale_asks_for_a_number_and_then_for_a_plan() {
    let mut app = app();
    press(&mut app, "a s");
    assert!(matches!(app.overlays.last(), Some(Overlay::Prompt(_))));
    press(&mut app, "x enter");
    assert!(matches!(app.overlays.last(), Some(Overlay::Prompt(p)) if p.error.is_some()), "'x' is no number");
    let effects = press(&mut app, "backspace 5 enter");
    assert!(
        matches!(&effects[..], [Effect::Plan { request, .. }] if request.action == "scale" && request.parameters == ["replicas=5"] && &*request.subject.name == "api"),
        "{effects:?}"
    );
    assert!(matches!(app.overlays.last(), Some(Overlay::Plan(_))));
}

#[test]
fn keys_typed_before_a_plan_was_on_screen_are_dropped() {
    let mut app = app();
    press(&mut app, "a s 5");
    app.update(Msg::Key("enter".parse().expect("a key")), now());
    for key in ["y", "enter", "q"] {
        assert!(app.update(Msg::Key(key.parse().expect(key)), now()).is_empty());
    }
    assert!(matches!(app.overlays.last(), Some(Overlay::Plan(_))), "nothing was closed or confirmed");
}

#[test]
fn read_only_says_so_before_anything_is_asked() {
    let mut start = start();
    start.spec.read_only = true;
    let mut app = open_app(start);
    show(&mut app, Kind::Deployment, vec![deployment("web", 2, 2)]);
    draw(&mut app, now());
    assert!(press(&mut app, "a s").is_empty());
    assert!(app.overlays.is_empty());
    assert!(notice(&app).starts_with("read only"), "{}", notice(&app));
}

#[test]
fn a_journal_that_cannot_be_written_blocks_before_the_plan() {
    let mut start = start();
    start.journal = Err("read-only file system".into());
    let mut app = open_app(start);
    show(&mut app, Kind::Deployment, vec![deployment("web", 2, 2)]);
    draw(&mut app, now());
    press(&mut app, "a s");
    assert!(app.overlays.is_empty());
    assert!(notice(&app).contains("journal"), "{}", notice(&app));
}

#[test]
fn an_answer_to_an_older_question_is_dropped() {
    let mut app = app();
    let ticket = |effects: Vec<Effect>| {
        effects
            .into_iter()
            .find_map(|e| if let Effect::Fetch { ticket, what: Fetch::Yaml(_) } = e { Some(ticket) } else { None })
    };
    let old = ticket(press(&mut app, "y")).expect("it was asked for");
    press(&mut app, "esc");
    let new = ticket(press(&mut app, "j y")).expect("it was asked for");
    app.update(Msg::Answer(old, Answer::Text(Ok("kind: Old".into()))), now());
    let body = |app: &App| if let Some(Overlay::Document(r)) = app.overlays.last() { r.document.body().len() } else { 99 };
    assert_eq!(body(&app), 0, "still loading");
    app.update(Msg::Answer(new, Answer::Text(Ok("kind: New\nmetadata: {}".into()))), now());
    assert_eq!(body(&app), 2);
}

#[test]
fn switching_the_context_forgets_what_was_seen_and_opens_the_other() {
    let mut app = app();
    app.update(Msg::Target(TargetEvent::Problem(Problem::new(Level::Warning, "watch:events", "no right"))), now());
    press(&mut app, ": c t x enter");
    assert!(matches!(app.overlays.last(), Some(Overlay::Choice(_))));
    let effects = press(&mut app, "o t h e r enter");
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Open(spec) if spec.context.as_deref() == Some("other") && spec.namespaces == Namespaces::FromContext))
    );
    assert!(app.workloads.rows.is_empty() && app.problems.is_empty() && app.opened.is_none());
}

#[test]
fn a_namespace_can_be_typed_although_none_may_be_listed() {
    let mut app = app();
    press(&mut app, ": n s enter");
    let effects = press(&mut app, "s h o p enter");
    assert!(
        effects
            .iter()
            .any(|e| matches!(e, Effect::Open(spec) if spec.namespaces == Namespaces::Some(vec!["shop".into()]))),
        "{effects:?}"
    );
}

#[test]
fn panes_are_reached_by_number_and_tab_and_zoomed() {
    let mut app = app();
    press(&mut app, "4");
    assert_eq!(app.focus, Pane::Logs);
    press(&mut app, "tab");
    assert_eq!(app.focus, Pane::Workloads);
    press(&mut app, "z");
    assert!(app.zoomed);
    press(&mut app, "esc");
    assert!(!app.zoomed);
}

#[test]
fn help_shows_what_works_here_first() {
    let mut app = app();
    press(&mut app, "?");
    let Some(Overlay::Document(reading)) = app.overlays.last() else { panic!("help is open") };
    let text: Vec<&str> = reading.document.body().iter().map(|l| l.text.as_str()).collect();
    assert_eq!(text.first(), Some(&"workloads"));
    assert!(text.iter().any(|l| l.contains("a s") && l.contains("scale")), "{text:#?}");
}

#[test]
fn the_kind_of_environment_comes_from_the_settings_before_the_names() {
    let mut app = app();
    assert_eq!(app.environment(), EnvironmentKind::Staging);
    app.start.context_kinds.insert("shop-staging".into(), EnvironmentKind::Production);
    assert_eq!(app.environment(), EnvironmentKind::Production);
}

#[test]
fn a_notice_goes_by_itself() {
    let mut app = app();
    press(&mut app, "f9");
    app.update(Msg::Tick, at(NOW + 10));
    assert!(app.notice.is_none());
}

#[test]
fn a_target_that_cannot_be_opened_leaves_a_working_program_that_says_why() {
    let (mut app, _) = App::new(start(), now());
    app.update(Msg::Target(TargetEvent::OpenFailed(Problem::new(Level::Error, "target:open", "connection refused"))), now());
    draw(&mut app, now());
    assert!(app.failure.is_some());
    press(&mut app, "?");
    assert!(matches!(app.overlays.last(), Some(Overlay::Document(_))));
}

#[test]
fn first_steps_go_on_when_they_were_done_and_are_dismissed_for_good() {
    let mut app = open_app(Start { first_steps: Some("/state/unwanted".into()), ..start() });
    let step = |app: &App| app.first_steps.as_ref().map_or(0, |steps| steps.next().1);
    assert_eq!(step(&app), 1);
    press(&mut app, "?");
    assert_eq!(step(&app), 2, "help was read");
    show(&mut app, Kind::Deployment, vec![deployment("api", 2, 2), deployment("web", 2, 2)]);
    press(&mut app, "esc G");
    assert_eq!(step(&app), 2, "nothing happened yet");
    show(&mut app, Kind::Deployment, vec![deployment("api", 2, 1), deployment("web", 2, 2)]);
    draw(&mut app, now());
    assert_eq!(step(&app), 3, "something is not ok");
    press(&mut app, "n");
    assert_eq!(step(&app), 4, "the selection is on it");
    press(&mut app, "x");
    assert_eq!(step(&app), 5, "it was explained");
    let effects = press(&mut app, "esc f2");
    assert!(effects.contains(&Effect::Remember("/state/unwanted".into())), "{effects:?}");
    assert_eq!(step(&app), 0);
    press(&mut app, "f2");
    assert!(notice(&app).contains("no first steps"), "{}", notice(&app));
}

/// A Deployment of which only the full object tells who brought its current revision.
fn nobodys(app: &mut App) -> Vec<Effect> {
    let mut w = workload(Kind::Deployment, "web", 2);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "1")]);
    show(app, Kind::Deployment, vec![w.into()]);
    show(app, Kind::ReplicaSet, vec![replica_set("web", "w1", 1, 2).into()]);
    draw(app, at(NOW + 1))
}

fn asked_writer(effects: &[Effect]) -> Option<Ticket> {
    effects
        .iter()
        .find_map(|e| if let Effect::Fetch { ticket, what: Fetch::Writer(_) } = e { Some(*ticket) } else { None })
}

#[test]
fn who_brought_the_newest_change_is_asked_once_and_shown() {
    let mut app = open_app(start());
    let ticket = asked_writer(&nobodys(&mut app)).expect("nobody is known for it");
    assert_eq!(asked_writer(&draw(&mut app, at(NOW + 1))), None, "one question is under way");
    let writer = Writer { name: "kubectl-set-image".into(), at: None };
    app.update(Msg::Answer(ticket, Answer::Writer(Ok(Some(writer)))), now());
    let later = at(NOW + 2);
    assert_eq!(asked_writer(&draw(&mut app, later)), None);
    assert_eq!(app.answers.changed.as_ref().and_then(|c| c.by.text()).as_deref(), Some("via kubectl-set-image"));
}

#[test]
fn a_writer_who_cannot_be_told_is_not_asked_for_again() {
    let mut app = open_app(start());
    let ticket = asked_writer(&nobodys(&mut app)).expect("nobody is known for it");
    app.update(Msg::Answer(ticket, Answer::Writer(Err("forbidden".into()))), now());
    assert_eq!(asked_writer(&draw(&mut app, at(NOW + 2))), None);
    assert_eq!(app.answers.changed.as_ref().and_then(|c| c.by.text()), None);
}

#[test]
fn a_credential_plugin_that_may_ask_gets_the_terminal_once_and_again_only_when_it_is_wanted() {
    let mut app = open_app(start());
    let asks = || Msg::Target(TargetEvent::OpenFailed(Problem::new(Level::Error, SIGN_IN, "made no credentials without a terminal")));
    let signs_in = |effects: &[Effect]| effects.iter().any(|e| matches!(e, Effect::SignIn(_)));
    assert!(signs_in(&app.update(asks(), now())));
    assert!(!signs_in(&app.update(asks(), now())), "whoever declined is not asked again");
    assert!(signs_in(&press(&mut app, ": s i g n - i n enter")), "the palette has it");
    app.update(Msg::Target(opened("shop-staging")), now());
    assert!(!app.problems.contains_key(SIGN_IN), "it is solved");
    assert!(signs_in(&app.update(asks(), now())), "another time is another time");
}

#[test]
fn a_secret_is_read_only_when_it_is_chosen() {
    let mut app = open_app(start());
    assert!(press(&mut app, ": s e c r e t s enter").iter().all(|e| !matches!(e, Effect::Fetch { .. })), "none is seen");
    let secret = |name: &str| Object::from(MetaOnly { meta: meta(name), kind: Kind::Secret });
    show(&mut app, Kind::Secret, vec![secret("shop-tls"), secret("sh.helm.release.v1.shop.v7")]);
    assert!(press(&mut app, ": s e c r e t s enter").iter().all(|e| !matches!(e, Effect::Fetch { .. })), "listed by name alone");
    let effects = press(&mut app, "enter");
    let read = effects
        .iter()
        .find_map(|e| if let Effect::Fetch { what: Fetch::Yaml(object), .. } = e { Some(object.to_string()) } else { None });
    assert!(read.is_some_and(|object| object.contains("shop-tls")), "{effects:?}");
}
