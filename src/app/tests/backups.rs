//! What is known of the backups of a service: never better than what was read.

use std::sync::Arc;

use serde_json::json;

use super::{draw, listed, open_app, press, start};
use crate::app::App;
use crate::app::effect::{Effect, Fetch};
use crate::app::msg::{Answer, Msg};
use crate::app::overlay::{Overlay, Pick};
use crate::app::ticket::Ticket;
use crate::base::health::Health;
use crate::fleet::testing::{NOW, at, meta, now};
use crate::run::backup::{Known, catalogue};
use crate::service::{Origin, ServiceFile};
use crate::target::model::{Kind, MetaOnly, Object};

const FILE: &str = "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"pg\"\nkind = \"statefulset\"\nname = \"pg\"\n\
    [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"pg\"\nname = \"shop\"\nuser = \"shop\"\n\
    [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"dumps\"\nmax_age = \"1d\"\n\
    [[backup]]\nid = \"far\"\nkind = \"velero\"\nmax_age = \"1d\"\n";

fn console() -> App {
    with(FILE)
}

fn with(text: &str) -> App {
    let (file, _) = ServiceFile::read("f.toml", text, &Origin::Operator);
    let mut start = start();
    start.service = Some(file.expect("a file").resolve(None).0);
    let mut app = open_app(start);
    draw(&mut app, now());
    app
}

/// The catalogue is asked for, when something is.
fn asked(effects: &[Effect]) -> Option<Ticket> {
    effects.iter().find_map(|effect| match effect {
        Effect::Fetch { ticket, what: Fetch::Backups(object) } => {
            assert_eq!(*object, catalogue::of("shop", "ns"));
            Some(*ticket)
        }
        _ => None,
    })
}

fn said(app: &mut App, seconds: i64) -> Vec<(Health, String)> {
    draw(app, at(NOW + seconds));
    let items = app.answers.items.iter().filter(|i| i.id.starts_with("backup/"));
    items.map(|i| (i.health, format!("{}: {}", i.title, i.detail))).collect()
}

#[test]
fn a_declared_backup_is_unknown_until_the_catalogue_was_read_and_what_it_says_then() {
    let mut app = console();
    let before = said(&mut app, 1);
    assert!(before.iter().all(|(health, _)| *health == Health::Unknown), "{before:?}");
    let ticket = asked(&app.update(Msg::Tick, at(NOW + 61))).expect("it is read again once in a while");
    app.update(Msg::Answer(ticket, Answer::Backups(Known::Read(Vec::new()))), at(NOW + 62));
    let far = (Health::Unknown, "Backup far: velero: not read by this version".to_owned());
    assert_eq!(said(&mut app, 62), [(Health::Degraded, "Backup daily: none is known".to_owned()), far.clone()]);
    app.backups.learn(Known::Unread("the catalogue cannot be read: forbidden".to_owned()));
    let unread = (Health::Unknown, "Backup daily: unknown: the catalogue cannot be read: forbidden".to_owned());
    assert_eq!(said(&mut app, 63), [unread, far]);
}

#[test]
fn the_catalogue_is_read_when_it_changes_and_not_with_every_message() {
    let mut app = console();
    asked(&app.update(Msg::Tick, at(NOW + 61))).expect("the first");
    assert_eq!(asked(&app.update(Msg::Tick, at(NOW + 62))), None);
    let mut seen = meta(&catalogue::of("shop", "ns").name);
    seen.resource_version = 9;
    let events = listed(Kind::ConfigMap, vec![Object::MetaOnly(Arc::new(MetaOnly { kind: Kind::ConfigMap, meta: seen }))]);
    let effects: Vec<Effect> = events.into_iter().flat_map(|event| app.update(Msg::Target(event), at(NOW + 62))).collect();
    assert!(asked(&effects).is_some(), "it changed");
}

fn planned(effects: &[Effect]) -> Option<(String, Vec<String>)> {
    effects.iter().find_map(|effect| match effect {
        Effect::Plan { request, .. } => Some((request.subject.to_string(), request.parameters.clone())),
        _ => None,
    })
}

#[test]
fn the_one_backup_that_a_job_can_make_is_planned_at_once_and_of_several_one_is_chosen() {
    let mut one = console();
    let wanted = Some(("PersistentVolumeClaim ns/dumps".to_owned(), vec!["backup=daily".to_owned()]));
    assert_eq!(planned(&press(&mut one, "a k")), wanted);
    let more = "[[backup]]\nid = \"weekly\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"tapes\"\nmax_age = \"7d\"\n";
    let mut two = with(&format!("{FILE}{more}"));
    assert_eq!(planned(&press(&mut two, "a k")), None);
    assert!(matches!(two.overlays.last(), Some(Overlay::Choice(p)) if p.purpose == Pick::Backup && p.choice.visible().len() == 2));
    let wanted = Some(("PersistentVolumeClaim ns/tapes".to_owned(), vec!["backup=weekly".to_owned()]));
    assert_eq!(planned(&press(&mut two, "down enter")), wanted);
    let mut none = open_app(start());
    press(&mut none, "a k");
    assert!(none.notice.as_ref().is_some_and(|n| n.text.contains("declares a backup")), "{:?}", none.notice);
}

#[test]
fn a_backup_tells_its_dumps_as_the_catalogue_has_them() {
    let mut app = console();
    let entry = json!({ "backup": "daily", "at": at(NOW - 3600), "run": "20261122-133312-backup-0001", "by": "ana@bastion", "claim": "dumps", "format": "custom",
        "verified": "full-read", "file": "shop-daily-1.dump", "bytes": 4096, "sha256": "c".repeat(64), "tables": 2, "server": 16,
        "database_bytes": 9_000_000, "revision": "b2", "rows": { "rules": 500, "users": 7 } });
    let entries = vec![serde_json::from_value(entry).expect("an entry")];
    app.backups.learn(Known::Read(entries));
    draw(&mut app, at(NOW + 1));
    press(&mut app, "2");
    while app.answers.items.get(app.health.selected).is_some_and(|item| item.id != "backup/daily") {
        press(&mut app, "j");
    }
    press(&mut app, "x");
    let Some(Overlay::Document(reading)) = app.overlays.last() else { unreachable!("{:?}", app.overlays) };
    let told = reading.document.body().iter().map(|l| l.text.as_str()).collect::<Vec<_>>().join("\n");
    let wanted = [
        "shop-daily-1.dump",
        "by ana@bastion, run 20261122-133312-backup-0001",
        "verified: full-read",
        "size: 4Ki",
        "format: custom, PostgreSQL 16, 2 tables",
        "schema revision: b2",
        "rules: about 500 rows",
    ];
    for words in wanted {
        assert!(told.contains(words), "'{words}' is missing: {told}");
    }
}
