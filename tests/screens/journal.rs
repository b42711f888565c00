//! The journal of runs: the list, and one run in full.

use serde_json::{Value, json};
use timonel::app::App;
use timonel::app::effect::{Effect, Recall};
use timonel::app::msg::{Answer, Msg};
use timonel::run::journal::{Entry, EntryKind, record, runs};
use timonel::theme::Charset;

use super::scene::{frame_with, night, now, press};
use super::server::{Server, scale};
use super::shot::{Paint, picture, skin};

const RUN: &str = "20261122-143207-scale-0001";

fn shot(app: &mut App, width: u16, height: u16) -> String {
    picture(&frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode)).0)
}

fn line(run: &str, seconds: i64, kind: EntryKind, data: &Value) -> Entry {
    Entry {
        schema: "timonel.journal/1".into(),
        seq: 1,
        at: now() + jiff::SignedDuration::from_secs(seconds),
        host: "bastion".into(),
        user: "ana".into(),
        run: Some(run.into()),
        kind,
        data: data.as_object().cloned().unwrap_or_default(),
        prev: None,
        hash: String::new(),
    }
}

/// A scale that was killed while it proved, one that is proven, and a rollback that left debts.
fn journal() -> Vec<Entry> {
    let plan = scale(Server::default(), 5);
    let told =
        json!({ "subject": plan.subject().to_string(), "quantity": "3->5", "plan": plan, "inputs": { "overrides": [], "reason": "the sale" } });
    let confirm = json!({ "by": "ana@bastion", "cluster_user": "ana", "level": "env", "typed": "production" });
    let fields = json!([{ "field": "spec.replicas", "before": 3, "after": 5 }]);
    let debts = json!([{ "id": "write", "object": "Deployment eterna-rules/eterna-rules-backend", "what": "revision 11 is half there",
        "pay": "kubectl -n eterna-rules rollout undo deployment/eterna-rules-backend" }]);
    let short = |action: &str, quantity: &str| json!({ "subject": "Deployment eterna-rules/eterna-rules-backend", "quantity": quantity, "plan": { "action": action } });
    vec![
        line("20261121-090000-rollback-0003", -86_000, EntryKind::Plan, &short("rollback", "12->11")),
        line(
            "20261121-090000-rollback-0003",
            -85_900,
            EntryKind::End,
            &json!({ "outcome": "failed-with-debts", "undone": false, "reason": "no answer", "debts": debts }),
        ),
        line("20261122-120000-scale-0002", -9_000, EntryKind::Plan, &short("scale", "2->3")),
        line(
            "20261122-120000-scale-0002",
            -8_950,
            EntryKind::End,
            &json!({ "outcome": "proven", "undone": false, "reason": "every proof held", "debts": [] }),
        ),
        line(RUN, 0, EntryKind::Plan, &told),
        line(RUN, 0, EntryKind::Check, &json!({ "checks": plan.checks() })),
        line(RUN, 0, EntryKind::Confirm, &confirm),
        line(RUN, 1, EntryKind::Intent, &json!({ "step": "write", "object": plan.subject().to_string(), "fields": fields })),
        line(RUN, 1, EntryKind::Outcome, &json!({ "step": "write", "result": "accepted", "detail": "" })),
        line(RUN, 1, EntryKind::Note, &json!({ "text": "no right to annotate the workload" })),
    ]
}

fn asked(app: &mut App, key: &str) -> Option<(timonel::app::ticket::Ticket, Recall)> {
    let effects = app.update(Msg::Key(key.parse().unwrap()), now());
    effects
        .into_iter()
        .find_map(|e| if let Effect::Recall { ticket, what } = e { Some((ticket, what)) } else { None })
}

/// A console with the list open.
fn listed() -> App {
    let mut app = night();
    let (ticket, _) = asked(&mut app, "R").expect("the journal is asked");
    app.update(Msg::Answer(ticket, Answer::Runs(Ok(runs(&journal())))), now());
    app
}

#[test]
fn the_runs_of_the_journal() {
    for (width, height) in [(80, 24), (120, 36)] {
        insta::assert_snapshot!(format!("journal_{width}x{height}"), shot(&mut listed(), width, height));
    }
    let mut narrowed = listed();
    press(&mut narrowed, "d e b t s");
    insta::assert_snapshot!("journal_narrowed", shot(&mut narrowed, 100, 30));
}

#[test]
fn one_run_in_full() {
    for (run, down) in [(RUN, 0), ("20261121-090000-rollback-0003", 2)] {
        for (width, height) in [(80, 24), (120, 36)] {
            let mut app = listed();
            for _ in 0..down {
                press(&mut app, "down");
            }
            let (ticket, what) = asked(&mut app, "enter").expect("the run is asked for");
            assert_eq!(what, Recall::Run(run.into()));
            app.update(Msg::Answer(ticket, Answer::Record(Ok(Box::new(record(&journal(), run).unwrap())))), now());
            let name = run.rsplit('-').nth(1).unwrap();
            insta::assert_snapshot!(format!("record_{name}_{width}x{height}"), shot(&mut app, width, height));
        }
    }
}
