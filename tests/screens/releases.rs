//! Can we go back, and to what: the header, the releases and the explanation, from what was inspected.

use insta::assert_snapshot;
use serde_json::{Value, json};
use timonel::app::App;
use timonel::app::effect::{Effect, Fetch};
use timonel::app::msg::{Answer, Msg};
use timonel::run::migrate::releases::{self, Record};
use timonel::service::{Origin, ServiceFile};
use timonel::theme::Charset;

use super::scene::{frame_with, night_with, now, press};
use super::shot::{Paint, picture, skin};

const FILE: &str = "schema = 1\n[service]\nid = \"rules\"\nname = \"Rules\"\n[[workload]]\nid = \"backend\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"eterna-rules-backend\"\n\
    [migrations]\ntool = \"alembic\"\nworkload = \"backend\"\n";

/// What an image with the first of these revisions says of a database that has all of them; `rows` are in what b2 added.
fn entry(tag: &str, revisions: &[&str], minutes: i64, rows: u64) -> Value {
    let all: Vec<Value> = revisions
        .iter()
        .enumerate()
        .map(|(at, id)| json!({ "id": id, "down": revisions[..at].last().into_iter().collect::<Vec<_>>() }))
        .collect();
    let adds = json!({ "text": "ALTER TABLE orders ADD COLUMN discount numeric", "harm": "additive", "table": "orders", "why": "a new column" });
    let script = |id: &&str| json!({ "id": id, "statements": [adds] });
    let loss = |id: &&str| json!({ "id": id, "losses": [{ "table": "orders", "column": "discount", "rows": if *id == "b2" { rows } else { 0 }, "statement": "ALTER TABLE orders DROP COLUMN discount" }] });
    json!({
        "images": [format!("ghcr.io/eterna/rules-engine:{tag}")], "digest": "", "at": (now() - jiff::SignedDuration::from_mins(minutes)).to_string(),
        "run": format!("20261122-{minutes:06}-inspect-0000"), "by": "ana@console",
        "inspection": {
            "tool": "alembic", "revisions": all, "heads": [revisions.last()], "applied": ["b2"], "failed": [], "recorded": true, "tables": 4,
            "scripts": revisions.iter().map(script).collect::<Vec<_>>(), "returns": revisions.iter().map(loss).collect::<Vec<_>>(),
            "database": { "server": 15, "bytes": 9_000_000, "lock_timeout_ms": 5000 },
        },
    })
}

/// The night with a service file and what was inspected.
fn judged(rows: u64) -> App {
    let (file, _) = ServiceFile::read("f.toml", FILE, &Origin::Operator);
    let mut app = night_with(Some(file.unwrap().resolve(None).0));
    let all = [entry("v1.8.3", &["a1", "b2"], 4, rows), entry("v1.8.2", &["a1", "b2"], 90, rows), entry("v1.8.1", &["a1"], 200, rows)];
    let data: serde_json::Map<String, Value> = all.iter().enumerate().map(|(at, e)| (format!("name-{at}"), e.to_string().into())).collect();
    let later = now() + jiff::SignedDuration::from_secs(61);
    let effects = app.update(Msg::Tick, later);
    let ticket = effects
        .iter()
        .find_map(|e| if let Effect::Fetch { ticket, what: Fetch::Schema(_) } = e { Some(*ticket) } else { None });
    let seen = releases::read(&json!({ "data": data }));
    assert_eq!(seen.len(), 3, "the entries are read");
    app.update(Msg::Answer(ticket.expect("the record is asked for"), Answer::Schema(Record::Read(seen))), now());
    // A flood of events works the answers out no more often than so.
    app.refresh(later);
    app
}

fn shot(app: &mut App, width: u16, height: u16) -> String {
    picture(&frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode)).0)
}

#[test]
fn the_header_and_the_releases_say_to_what_one_can_go_back() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut app = judged(12_431);
        shot(&mut app, width, height);
        press(&mut app, "3");
        assert_snapshot!(format!("releases_judged_{width}x{height}"), shot(&mut app, width, height));
    }
}

#[test]
fn a_release_is_explained_with_what_would_be_lost_and_what_a_rollback_does() {
    for (rows, name) in [(12_431, "loses_data"), (0, "needs_downgrade")] {
        let mut app = judged(rows);
        shot(&mut app, 120, 36);
        press(&mut app, "3 G");
        shot(&mut app, 120, 36);
        press(&mut app, "x");
        assert_snapshot!(format!("release_explained_{name}"), shot(&mut app, 120, 24));
    }
}
