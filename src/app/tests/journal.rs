//! The journal on screen: what is asked of it, and what its answers lead to.

use serde_json::json;

use super::{app, notice, now, open_app, press, start};
use crate::app::App;
use crate::app::effect::{Effect, Recall};
use crate::app::msg::{Answer, Msg};
use crate::app::overlay::Overlay;
use crate::app::ticket::Ticket;
use crate::run::journal::{Entry, EntryKind, RunRecord, record, runs};
use crate::run::{ActionRequest, End, Happening, Outcome, PlanTarget, RunEvent, Undo};
use crate::target::api::Identity;
use crate::target::event::TargetEvent;
use crate::target::model::{Kind, ObjectRef};

const RUN: &str = "20261122-143312-scale-0001";

/// The lines of a run that ended so, or did not.
fn lines(id: &str, end: Option<&str>) -> Vec<Entry> {
    let line = |kind, data: serde_json::Value| Entry {
        schema: "timonel.journal/1".into(),
        seq: 1,
        at: now(),
        host: "bastion".into(),
        user: "ana".into(),
        run: Some(id.into()),
        kind,
        data: data.as_object().cloned().unwrap_or_default(),
        prev: None,
        hash: String::new(),
    };
    let plan = line(EntryKind::Plan, json!({ "subject": "Deployment ns/api", "quantity": "3->5", "plan": { "action": "scale" } }));
    let end = end.map(|end| line(EntryKind::End, json!({ "outcome": end, "undone": false, "reason": "so it went", "debts": [] })));
    std::iter::once(plan).chain(end).collect()
}

fn read(id: &str, end: Option<&str>) -> Box<RunRecord> {
    Box::new(record(&lines(id, end), id).expect("a run"))
}

fn asked(effects: &[Effect]) -> Option<(Ticket, Recall)> {
    effects
        .iter()
        .find_map(|e| if let Effect::Recall { ticket, what } = e { Some((*ticket, what.clone())) } else { None })
}

/// A console that shows the run as its journal has it.
fn reading(end: Option<&str>) -> App {
    let mut app = app();
    let (ticket, what) = asked(&press(&mut app, "R")).expect("the journal is asked");
    assert_eq!(what, Recall::Runs);
    app.update(Msg::Answer(ticket, Answer::Runs(Ok(runs(&lines(RUN, end))))), now());
    let (ticket, what) = asked(&press(&mut app, "enter")).expect("the run is asked for");
    assert_eq!(what, Recall::Run(RUN.into()));
    app.update(Msg::Answer(ticket, Answer::Record(Ok(read(RUN, end)))), now());
    press(&mut app, "j");
    app
}

fn text(app: &App) -> String {
    match app.overlays.last() {
        Some(Overlay::Document(reading)) => reading.document.body().iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n"),
        other => panic!("no document: {other:?}"),
    }
}

fn undo() -> Box<Undo> {
    let target = PlanTarget {
        kind: "kubernetes",
        context: "shop-staging".into(),
        cluster_uid: None,
        cluster_uid_reason: None,
        namespaces: Vec::new(),
        server_version: String::new(),
    };
    let request = ActionRequest {
        action: "scale".into(),
        object: ObjectRef::new(Kind::Deployment, "ns", "api"),
        parameters: vec!["replicas=3".into()],
        overrides: Vec::new(),
        reason: Some(format!("undo of {RUN}")),
    };
    Box::new(Undo { run: RUN.into(), target, file: None, request })
}

#[test]
fn the_journal_lists_its_runs_and_closing_one_leads_back_to_the_list() {
    let mut app = reading(Some("proven"));
    assert!(text(&app).contains("scale Deployment ns/api 3->5"), "{}", text(&app));
    press(&mut app, "esc");
    assert!(matches!(app.overlays.last(), Some(Overlay::Choice(_))));
    press(&mut app, "esc");
    assert!(app.overlays.is_empty());
}

#[test]
fn an_empty_journal_and_one_that_cannot_be_read_say_so() {
    for (answer, says) in [(Ok(Vec::new()), "the journal has no run"), (Err("it is a folder".to_owned()), "it is a folder")] {
        let mut app = app();
        let (ticket, _) = asked(&press(&mut app, "R")).expect("the journal is asked");
        app.update(Msg::Answer(ticket, Answer::Runs(answer)), now());
        assert!(app.overlays.is_empty());
        assert!(notice(&app).contains(says), "{}", notice(&app));
    }
}

#[test]
fn a_run_that_did_not_end_is_resumed_from_there_and_one_that_did_is_not() {
    let mut open = reading(None);
    let effects = press(&mut open, "r");
    assert!(effects.contains(&Effect::Resume(RUN.into())), "{effects:?}");
    assert!(matches!(open.overlays.last(), Some(Overlay::Run(id)) if id == RUN));
    let mut over = reading(Some("proven"));
    assert!(!press(&mut over, "r").iter().any(|e| matches!(e, Effect::Resume(_))));
    assert!(notice(&over).contains("over: proven"), "{}", notice(&over));
}

#[test]
fn a_resumed_run_is_shown_from_its_beginning_and_its_end_is_read_again() {
    let mut app = reading(Some("unknown"));
    press(&mut app, "r");
    let event = |what| Msg::Run(RunEvent::new(RUN, now(), what));
    let told = |outcome: Outcome| Happening::Ended { exit_code: outcome.exit_code(), outcome };
    app.update(event(told(Outcome::new(End::Unknown, "no answer"))), now());
    let again = press(&mut app, "r");
    assert!(again.contains(&Effect::Resume(RUN.into())), "an end that says too little is no end: {again:?}");
    let effects = app.update(event(told(Outcome::new(End::Failed, "no room"))), now());
    assert_eq!(effects.iter().filter(|e| matches!(e, Effect::Recall { .. })).count(), 2, "the list and the run: {effects:?}");
}

#[test]
fn undo_from_the_journal_and_from_anywhere_opens_a_plan_of_its_own() {
    let mut app = reading(Some("proven"));
    let (_, what) = asked(&press(&mut app, "u")).expect("the way back is asked for");
    assert!(matches!(what, Recall::Undo(Some(ref id), _) if id == RUN), "{what:?}");
    for keys in ["u", "4 u", "x u"] {
        let mut app = super::app();
        let (ticket, what) = asked(&press(&mut app, keys)).expect("the way back is asked for");
        assert!(matches!(what, Recall::Undo(None, ref here) if here.context == "shop-staging"), "{keys}: {what:?}");
        let effects = app.update(Msg::Answer(ticket, Answer::Undo(Ok(undo()))), now());
        let planned = effects
            .iter()
            .find_map(|e| if let Effect::Plan { request, .. } = e { Some(request.clone()) } else { None })
            .expect("a plan is asked for");
        assert_eq!((&*planned.action, &planned.parameters[..]), ("scale", &["replicas=3".to_owned()][..]));
        assert!(matches!(app.overlays.last(), Some(Overlay::Plan(_))));
    }
}

#[test]
fn undo_asks_for_the_cluster_that_is_looked_at() {
    let mut app = app();
    let identity = Identity { cluster_uid: Some("c0ffee".into()), ..Identity::default() };
    app.update(Msg::Target(TargetEvent::Identity(identity)), now());
    let (ticket, what) = asked(&press(&mut app, "u")).expect("the way back is asked for");
    assert!(matches!(what, Recall::Undo(None, ref here) if here.cluster_uid.as_deref() == Some("c0ffee")), "{what:?}");
    app.update(Msg::Answer(ticket, Answer::Undo(Err("there is nothing to undo".into()))), now());
    assert!(app.overlays.is_empty());
    assert_eq!(notice(&app), "there is nothing to undo");
}

#[test]
fn a_console_that_may_not_write_neither_undoes_nor_resumes() {
    let mut start = start();
    start.spec.read_only = true;
    let mut app = open_app(start);
    assert_eq!(asked(&press(&mut app, "u")), None);
    assert!(notice(&app).contains("read only"), "{}", notice(&app));
    let (ticket, _) = asked(&press(&mut app, "R")).expect("the journal is read all the same");
    app.update(Msg::Answer(ticket, Answer::Runs(Ok(runs(&lines(RUN, None))))), now());
    let (ticket, _) = asked(&press(&mut app, "enter")).expect("the run is asked for");
    app.update(Msg::Answer(ticket, Answer::Record(Ok(read(RUN, None)))), now());
    assert!(!press(&mut app, "r").iter().any(|e| matches!(e, Effect::Resume(_))));
}
