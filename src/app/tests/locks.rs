//! Other consoles at work: who, what, and that it is not known.

use std::sync::Arc;

use super::{app, draw, press, show};
use crate::app::App;
use crate::app::msg::Msg;
use crate::app::overlay::Overlay;
use crate::fleet::lock::note;
use crate::fleet::testing::{NOW, at, labels, meta, now, stream};
use crate::target::api::ErrorKind;
use crate::target::event::{StreamState, TargetEvent};
use crate::target::model::{Kind, Lease, Object};

fn lease(notes: &[(&str, &str)]) -> Object {
    let mut meta = meta("timonel-deployment-api");
    meta.annotations = labels(notes);
    Object::Lease(Arc::new(Lease { meta, holder: "bob@desk/r1".into(), duration: 30, acquired: Some(NOW), renewed: Some(NOW) }))
}

fn shown(app: &App) -> String {
    let Some(Overlay::Document(reading)) = app.overlays.last() else { panic!("a reading view") };
    reading.document.body().iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n")
}

#[test]
fn what_others_do_is_told_while_it_happens_and_a_silent_holder_is_no_good_news() {
    let mut app = app();
    let notes = [(note::RUN, "r1"), (note::ACTION, "scale 5->3"), (note::STEP, "prove-ready: 4/3 ready"), (note::HOLDER_USER, "bob")];
    show(&mut app, Kind::Lease, vec![lease(&notes)]);
    press(&mut app, "W");
    let text = shown(&app);
    for told in ["Deployment ns/api", "scale 5->3 by bob@desk (bob in the cluster)", "run r1", "now at prove-ready: 4/3 ready"] {
        assert!(text.contains(told), "{told}: {text}");
    }
    draw(&mut app, at(NOW + 31));
    let text = shown(&app);
    assert!(text.contains("silent for 31s") && !text.contains("now at"), "{text}");
}

#[test]
fn locks_that_cannot_be_seen_are_not_known_and_none_is_said_only_where_they_were_read() {
    let mut app = app();
    press(&mut app, "W");
    let text = shown(&app);
    assert!(text.contains("locks in ns are not read yet") && !text.contains("Nobody"), "{text}");
    show(&mut app, Kind::Lease, vec![]);
    draw(&mut app, now());
    assert!(shown(&app).contains("locks in kube-system are not read yet"), "those of nodes are elsewhere");
}

#[test]
fn where_locks_cannot_be_read_nothing_is_said_to_wait_or_not() {
    let mut app = app();
    let state = StreamState::Failed { kind: ErrorKind::Forbidden, reason: "no right".into() };
    app.update(Msg::Target(TargetEvent::Stream { key: stream(Kind::Lease), state }), now());
    press(&mut app, "a a");
    assert!(app.notice.as_ref().is_some_and(|n| n.text.contains("not known")), "{:?}", app.notice);
    assert!(app.locks_lost());
}
