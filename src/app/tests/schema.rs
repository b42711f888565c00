//! Where the schema stands, and the way to a migration: never better than what was read, and never without an inspection.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{deployment, draw, open_app, press, show, start};
use crate::action::Action;
use crate::app::App;
use crate::app::effect::{Effect, Fetch, PlanRequest};
use crate::app::msg::{Answer, Msg};
use crate::app::overlay::{Overlay, Pick};
use crate::app::ticket::Ticket;
use crate::base::health::Health;
use crate::fleet::testing::{NOW, at, now, replica_set, template};
use crate::run::migrate::releases::{self, Record};
use crate::service::{Origin, ServiceFile};
use crate::target::model::{Kind, Object};

const FILE: &str = "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n\
    [migrations]\ntool = \"alembic\"\nrun_as = \"job\"\nworkload = \"web\"\n";

/// The image of the pod template that runs, as the fleet of the tests has it.
const RUNS: &str = "img:1";

/// What an image said `seconds` before now: `c3` is pending on `b2`, and drops a column.
fn seen(image: &str, seconds: i64, applied: &str) -> Value {
    let drops = json!({ "id": "c3", "statements": [{ "text": "ALTER TABLE rules DROP COLUMN body", "harm": "destructive", "table": "rules", "why": "it drops a column" }] });
    json!({
        "images": [image], "digest": "", "at": at(NOW - seconds), "run": "r1", "by": "ana@host",
        "inspection": {
            "tool": "alembic", "revisions": [{ "id": "b2" }, { "id": "c3", "down": ["b2"] }], "heads": ["c3"], "applied": [applied],
            "failed": [], "recorded": true, "tables": 1, "scripts": [drops],
            "database": { "server": 16, "bytes": 9_000_000, "sizes": { "rules": { "rows": 200, "bytes": 8192 } } },
        },
    })
}

fn record(entries: &[Value]) -> Record {
    let data: serde_json::Map<String, Value> = entries.iter().enumerate().map(|(n, e)| (n.to_string(), e.to_string().into())).collect();
    Record::Read(releases::read(&json!({ "data": data })))
}

fn console() -> App {
    let (file, _) = ServiceFile::read("f.toml", FILE, &Origin::Operator);
    let mut start = start();
    start.service = Some(file.expect("a file").resolve(None).0);
    let mut app = open_app(start);
    let mut set = replica_set("web", "w1", 1, 2);
    set.template = vec![template(RUNS)].into();
    show(&mut app, Kind::Deployment, vec![deployment("web", 2, 2)]);
    show(&mut app, Kind::ReplicaSet, vec![Object::ReplicaSet(Arc::new(set))]);
    draw(&mut app, now());
    app
}

fn asked(effects: &[Effect]) -> Option<Ticket> {
    effects.iter().find_map(|effect| match effect {
        Effect::Fetch { ticket, what: Fetch::Schema(object) } => {
            assert_eq!(*object, releases::of("shop", "ns"));
            Some(*ticket)
        }
        _ => None,
    })
}

fn row(app: &mut App, seconds: i64) -> (Health, String) {
    draw(app, at(NOW + seconds));
    let item = app.answers.items.iter().find(|i| i.id == super::super::schema::ROW).expect("a row");
    (item.health, item.detail.clone())
}

fn planned(effects: &[Effect]) -> Option<PlanRequest> {
    effects.iter().find_map(|effect| match effect {
        Effect::Plan { request, .. } => Some(request.clone()),
        _ => None,
    })
}

#[test]
fn the_schema_is_unknown_until_an_inspection_was_read_and_is_read_again_once_in_a_while() {
    let mut app = console();
    assert_eq!(row(&mut app, 1).0, Health::Unknown);
    let ticket = asked(&app.update(Msg::Tick, at(NOW + 61))).expect("it is read again once in a while");
    assert_eq!(asked(&app.update(Msg::Tick, at(NOW + 62))), None);
    app.update(Msg::Answer(ticket, Answer::Schema(Record::Read(Vec::new()))), at(NOW + 62));
    assert_eq!(row(&mut app, 62), (Health::Unknown, "not inspected".to_owned()));
    app.schema.learn(Record::Unread("forbidden".to_owned()));
    assert_eq!(row(&mut app, 63), (Health::Unknown, "not known: forbidden".to_owned()));
    app.schema.learn(record(&[seen(RUNS, 60, "b2")]));
    assert_eq!(row(&mut app, 64), (Health::Degraded, "1 pending, destructive: c3, 2m ago".to_owned()));
}

#[test]
fn an_image_that_was_not_inspected_just_now_is_inspected_before_it_is_migrated_to() {
    let mut app = console();
    app.schema.learn(record(&[seen(RUNS, 3600, "b2")]));
    press(&mut app, "a m");
    assert!(matches!(app.overlays.last(), Some(Overlay::Choice(p)) if p.purpose == Pick::Image(Action::Migrate) && p.choice.visible().len() == 2));
    let inspect = planned(&press(&mut app, "enter")).expect("a plan");
    assert_eq!((&*inspect.action, &inspect.parameters[..]), ("inspect", &[format!("image={RUNS}")][..]));
    let mut app = console();
    app.schema.learn(record(&[seen(RUNS, 60, "b2")]));
    let migrate = planned(&press(&mut app, "a m enter")).expect("a plan");
    assert_eq!((&*migrate.action, migrate.subject.to_string()), ("migrate", "Deployment ns/web".to_owned()));
    let again = planned(&press(&mut app, "esc a i enter")).expect("a plan");
    assert_eq!(&*again.action, "inspect", "who asks gets a new answer");
}

#[test]
fn another_image_is_typed_and_a_bare_tag_is_one_of_the_image_that_runs() {
    let mut app = console();
    press(&mut app, "a i down enter");
    assert!(matches!(app.overlays.last(), Some(Overlay::Prompt(p)) if p.field.text() == "img:"), "{:?}", app.overlays.last());
    let typed = planned(&press(&mut app, "2 enter")).expect("a plan");
    assert_eq!(typed.parameters, ["image=img:2"]);
    let mut app = console();
    press(&mut app, "a m");
    let narrowed = planned(&press(&mut app, "2 . 0 enter")).expect("what matches nothing is taken as it was typed");
    assert_eq!(narrowed.parameters, ["image=img:2.0"]);
    let mut app = console();
    let tagged = planned(&app.plan_image(Action::Inspect, "1.9.0")).expect("a plan");
    assert_eq!(tagged.parameters, ["image=img:1.9.0"]);
    let mut app = console();
    let whole = planned(&app.plan_image(Action::Inspect, "registry/other:3")).expect("a plan");
    assert_eq!(whole.parameters, ["image=registry/other:3"]);
}

#[test]
fn without_declared_migrations_the_keys_say_what_is_missing() {
    let mut app = open_app(start());
    press(&mut app, "a m");
    assert!(app.notice.as_ref().is_some_and(|n| n.text.contains("[migrations]")), "{:?}", app.notice);
}

#[test]
fn the_row_of_the_schema_explains_each_image_with_the_harm_of_what_is_pending() {
    let mut app = console();
    app.schema.learn(record(&[seen(RUNS, 60, "b2")]));
    press(&mut app, "2 G x");
    let Some(Overlay::Document(reading)) = app.overlays.last() else { unreachable!("{:?}", app.overlays) };
    let told = reading.document.body().iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n");
    for words in
        ["runs: img:1", "at b2, 1 pending: c3", "destructive: ALTER TABLE rules DROP COLUMN body (it drops a column)", "rules: about 200 rows"]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
}
