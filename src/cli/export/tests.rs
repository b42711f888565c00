use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::timeline::{Source, Span, merged};
use super::{Answer, Asked, Since, markdown, moment, runs};
use crate::base::clock::FixedClock;
use crate::fleet::testing::{NOW, at, event_about, fleet, labels, replica_set, workload};
use crate::fleet::{Sighting, SightingKind};
use crate::run::journal::{self, Draft, EntryKind, Journal, Reading, Recorder as _, Seen};
use crate::target::model::{Event, Kind, Object};

const RUN: &str = "20261122-143312-scale-0001";

fn reading() -> Reading {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(FixedClock::new("2026-11-22T14:33:12Z".parse().expect("a time")));
    let journal = Journal::open(folder.path(), clock, "bastion", "ana").expect("a journal");
    let draft = |kind, data: Value| Draft { run: Some(RUN.into()), kind, data: data.as_object().cloned().unwrap_or_default() };
    let plan = json!({ "action": "scale", "same_as": ["kubectl scale deployment/api --replicas=5"] });
    let inputs = json!({ "reason": "the sale | token=abc123" });
    let fields = json!([{ "field": "spec.replicas", "before": 3, "after": 5 }]);
    let checks = json!([{ "id": "quota", "result": "ok", "required": true, "detail": "fits" },
        { "id": "image", "result": "unknown", "required": false, "detail": "no node lists it" }]);
    journal
        .record(&[
            draft(EntryKind::Plan, json!({ "subject": "Deployment shop/api", "quantity": "3->5", "plan": plan, "inputs": inputs })),
            draft(EntryKind::Check, json!({ "checks": checks })),
            draft(EntryKind::Confirm, json!({ "by": "ana@bastion", "level": "env", "typed": "production" })),
            draft(EntryKind::Intent, json!({ "step": "write", "object": "Deployment shop/api", "fields": fields })),
            draft(EntryKind::Outcome, json!({ "step": "write", "result": "accepted", "detail": "\u{1b}[2J" })),
            draft(
                EntryKind::End,
                json!({ "outcome": "failed-with-debts", "undone": false, "reason": "no room", "exit_code": 2,
                    "debts": [{ "id": "write", "object": "Deployment shop/api", "what": "carried out", "pay": "kubectl scale" }] }),
            ),
        ])
        .expect("recorded");
    journal::read(folder.path()).expect("readable")
}

fn answer(span: &Span, answered: bool) -> Answer {
    let reading = reading();
    let cluster = Asked {
        context: Some("shop-prod".into()),
        namespaces: None,
        answered,
        missing: if answered { Vec::new() } else { vec!["no answer within 10 s".into()] },
    };
    Answer {
        schema: "timonel.journal-export/1",
        taken_at: span.until,
        since: span.since,
        until: span.until,
        zone: "Europe/Madrid".into(),
        unreadable: 0,
        cluster,
        runs: runs(&reading, span),
        timeline: merged(&reading.entries, &[], None, None, span, &TimeZone::get("Europe/Madrid").expect("a zone")),
    }
}

fn last(time: Duration) -> Span {
    let now = "2026-11-22T15:00:00Z".parse().expect("a time");
    Span { since: Some(moment(Since::Ago(time), now)), until: now }
}

#[test]
fn a_span_of_time_is_told_with_the_commands_that_do_the_same_and_without_secrets() {
    let answer = answer(&last(Duration::from_hours(1)), true);
    let text = markdown::lines(&answer).join("\n");
    for part in [
        "# What happened from 2026-11-22T14:00:00Z to 2026-11-22T15:00:00Z",
        "### scale Deployment shop/api 3-\\>5",
        "- confirmed with `production`",
        "- why: the sale \\| token=\\<hidden\\>",
        "- 1 of 2 checks held",
        "- check image unknown: no node lists it",
        "- the same by hand: `kubectl scale deployment/api --replicas=5`",
        "- ended: failed-with-debts: no room",
        "- left behind: Deployment shop/api: carried out; pay it with `kubectl scale`",
        "| UTC | Europe/Madrid | | about | what |",
        "| 2026-11-22 14:33:12 | 2026-11-22 15:33:12 CET | run | 20261122-143312-scale-0001 | write intent: Deployment shop/api  spec.replicas 3 -\\> 5 |",
    ] {
        assert!(text.contains(part), "{part} is missing in\n{text}");
    }
    let json = serde_json::to_string(&answer).expect("JSON");
    assert!(!json.contains("abc123") && !text.contains('\u{1b}'), "{json}");
}

#[test]
fn what_is_outside_of_the_span_is_left_out() {
    let lines = markdown::lines(&answer(&last(Duration::from_mins(10)), true));
    assert!(lines.contains(&"None.".to_owned()) && lines.contains(&"Nothing.".to_owned()), "{lines:#?}");
}

#[test]
fn a_cluster_that_did_not_answer_is_said_and_the_rest_is_told() {
    let text = markdown::lines(&answer(&last(Duration::from_hours(1)), false)).join("\n");
    assert!(text.contains("`shop-prod` did not answer (no answer within 10 s): its events and its revisions are missing"), "{text}");
    assert!(text.contains("### scale Deployment"), "{text}");
}

fn seen(context: &str, at: Timestamp, workload: Option<&str>, what: SightingKind, from: &str, to: &str) -> Seen {
    let sighting = Sighting {
        at,
        workload: workload.map(Into::into),
        what,
        from: Some(from.into()),
        to: to.into(),
        reason: "password=hunter2".into(),
    };
    Seen { schema: "timonel.sighting/1".into(), context: context.into(), cluster_uid: None, sighting }
}

fn event(number: i64, source: &str, message: &str, seconds: i64) -> Object {
    let event = Event {
        source: source.into(),
        message: message.into(),
        last: NOW + seconds,
        first: NOW + seconds - 60,
        count: 3,
        warning: true,
        ..event_about("uid-web", number)
    };
    Object::Event(Arc::new(event))
}

#[test]
fn runs_health_rollouts_and_events_are_one_timeline() {
    let mut web = workload(Kind::Deployment, "web", 2);
    web.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "2")]);
    let mut set = replica_set("web", "r2", 2, 2);
    set.meta.created = NOW + 30;
    let mut cluster = fleet(&[
        Object::Workload(Arc::new(web)),
        Object::ReplicaSet(Arc::new(set)),
        event(1, "kubelet", "Back-off restarting failed container token=abc123", 40),
        event(2, "timonel.io/console", &format!("run {RUN}: scale 3->5 by ana@bastion"), 41),
        event(3, "timonel.io/console", "run 20261122-150000-scale-0002: scale 2->3 by bo@laptop", 42),
    ]);
    cluster.settle(at(NOW));
    let workload = Some("ns/deployment/web");
    let all = [
        seen("here", at(NOW + 10), None, SightingKind::Health, "ok", "degraded"),
        seen("here", at(NOW + 11), workload, SightingKind::Health, "ok", "down"),
        seen("here", at(NOW + 14), workload, SightingKind::Health, "ok", "down"),
        seen("here", at(NOW + 32), workload, SightingKind::Rollout, "revision 1", "revision 2"),
        seen("here", at(NOW + 50), workload, SightingKind::Rollout, "revision 2", "done"),
        seen("here", at(NOW + 99_999), None, SightingKind::Health, "ok", "down"),
    ];
    let span = Span { since: Some(at(NOW)), until: at(NOW + 3_600) };
    let mut entries = reading().entries;
    for entry in &mut entries {
        entry.at = at(NOW + 20);
    }
    let told = merged(&entries, &all, Some(&cluster), Some("here"), &span, &TimeZone::UTC);
    let words: Vec<(Source, i64)> = told.iter().map(|m| (m.source, m.at.as_second() - NOW)).collect();
    let (run, health, rollout, event) = (Source::Run, Source::Health, Source::Rollout, Source::Event);
    let expected = [(health, 10), (health, 11), (run, 20), (run, 20), (run, 20), (run, 20), (rollout, 30), (event, 40), (event, 42), (rollout, 50)];
    assert_eq!(words, expected, "{told:#?}");
    assert_eq!(told.iter().find(|m| m.source == rollout).map(|m| m.object.as_deref()), Some(workload));
    let text = serde_json::to_string(&told).expect("JSON");
    assert!(text.contains("bo@laptop") && text.contains("3x, since "), "{text}");
    assert!(!text.contains("hunter2") && !text.contains("abc123"), "{text}");
}

#[test]
fn a_rollout_seen_within_its_second_comes_before_what_it_did() {
    let mut web = workload(Kind::Deployment, "web", 2);
    web.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "2")]);
    let mut set = replica_set("web", "r2", 2, 2);
    set.meta.created = NOW + 30;
    let mut cluster = fleet(&[Object::Workload(Arc::new(web)), Object::ReplicaSet(Arc::new(set))]);
    cluster.settle(at(NOW));
    let workload = Some("ns/deployment/web");
    let millis = |millis| at(NOW + 30) + jiff::SignedDuration::from_millis(millis);
    let all = [
        seen("here", millis(300), workload, SightingKind::Health, "degraded", "ok"),
        seen("here", millis(600), workload, SightingKind::Rollout, "revision 1", "revision 2"),
        seen("here", millis(600), workload, SightingKind::Health, "ok", "degraded"),
    ];
    let span = Span { since: Some(at(NOW)), until: at(NOW + 3_600) };
    let told = merged(&[], &all, Some(&cluster), Some("here"), &span, &TimeZone::UTC);
    let words: Vec<(Source, &str)> = told.iter().map(|m| (m.source, m.text.split(':').next().unwrap_or_default())).collect();
    assert_eq!(
        words,
        [(Source::Health, "degraded -> ok"), (Source::Rollout, "revision 2 (1.0)"), (Source::Health, "ok -> degraded")],
        "{told:#?}"
    );
}
