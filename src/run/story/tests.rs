use std::sync::Arc;

use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::story;
use crate::base::clock::FixedClock;
use crate::run::journal::{self, Draft, EntryKind, Journal, Recorder as _};
use crate::run::{PlanLine, Tone};

fn lines(lines: &[(EntryKind, Value)]) -> Vec<PlanLine> {
    let folder = tempfile::tempdir().expect("a folder");
    let clock = Arc::new(FixedClock::new("2026-11-22T14:33:12Z".parse().expect("a time")));
    let journal = Journal::open(folder.path(), clock, "bastion", "ana").expect("a journal");
    let draft = |(kind, data): &(EntryKind, Value)| Draft {
        run: Some("20261122-143312-scale-0001".into()),
        kind: *kind,
        data: data.as_object().cloned().unwrap_or_default(),
    };
    journal.record(&lines.iter().map(draft).collect::<Vec<_>>()).expect("recorded");
    let entries = journal::read(folder.path()).expect("readable").entries;
    let record = journal::record(&entries, "20261122-143312-scale-0001").expect("a run");
    story(&record, &TimeZone::UTC)
}

fn told(of: &[(EntryKind, Value)]) -> String {
    let with_label = |l: PlanLine| if l.label.is_empty() { l.text } else { format!("[{}] {}", l.label, l.text) };
    lines(of).into_iter().map(with_label).collect::<Vec<_>>().join("\n")
}

fn plan() -> (EntryKind, Value) {
    let changes = json!([{ "field": "spec.replicas", "before": 3, "after": 5 }]);
    let plan = json!({ "action": "scale", "same_as": ["kubectl scale deployment/api --replicas=5"], "risks": ["it is late"],
        "undo": "scale back to 3", "target": { "context": "shop-prod", "cluster_uid": "c0ffee" },
        "objects": [{ "kind": "Deployment", "namespace": "shop", "name": "api", "changes": changes }],
        "steps": [{ "id": "write", "title": "set replicas", "proof": "the API shows 5" }] });
    let inputs = json!({ "overrides": ["freeze"], "reason": "the sale" });
    (EntryKind::Plan, json!({ "subject": "Deployment shop/api", "quantity": "3->5", "plan": plan, "inputs": inputs }))
}

fn end(outcome: &str) -> (EntryKind, Value) {
    let debts = json!([{ "id": "write", "object": "Deployment shop/api", "what": "wants 5", "pay": "timonel run scale api=3" }]);
    (EntryKind::End, json!({ "outcome": outcome, "undone": false, "reason": "so it went", "debts": debts, "exit_code": 0 }))
}

#[test]
fn a_run_is_told_from_plan_to_end_with_what_was_typed_and_the_command_that_does_the_same() {
    let checks = json!({ "checks": [
        { "id": "quota", "required": true, "result": "ok", "detail": "2 pods fit" },
        { "id": "freeze", "required": true, "result": "failed", "detail": "no changes tonight" },
        { "id": "image", "required": false, "result": "unknown", "detail": "no node lists it" },
    ] });
    let fields = json!([{ "field": "spec.replicas", "before": 3, "after": 5 }]);
    let text = told(&[
        plan(),
        (EntryKind::Check, checks),
        (EntryKind::Confirm, json!({ "by": "ana@bastion", "cluster_user": "ana", "level": "env", "typed": "production" })),
        (EntryKind::Intent, json!({ "step": "write", "try": 2, "object": "Deployment shop/api", "fields": fields })),
        (EntryKind::Outcome, json!({ "step": "write", "result": "accepted", "detail": "" })),
        (EntryKind::Proof, json!({ "step": "prove-ready", "holds": true, "text": "5 of 5 pods ready" })),
        (EntryKind::Proof, json!({ "step": "prove-again", "undo": true, "holds": false, "text": "2 of 3" })),
        end("failed-with-debts"),
    ]);
    assert_eq!(
        text,
        "[Run] scale Deployment shop/api 3->5\n\
         20261122-143312-scale-0001  by ana@bastion  in context shop-prod  cluster c0ffee\n\
         began 2026-11-22 14:33:12 UTC, took 0.0 s\n\
         [Plan] Deployment shop/api  spec.replicas 3 -> 5\n\
         step write: set replicas; done when the API shows 5\n\
         risk: it is late\n\
         undo: scale back to 3\n\
         [Checks] quota ok: 2 pods fit\n\
         freeze failed (overridden): no changes tonight\n\
         image unknown (advisory): no node lists it\n\
         [Why] the sale\n\
         [Typed] 14:33:12.0  'production' (level env) by ana@bastion, in the cluster ana\n\
         [Steps] 14:33:12.0  write intent (try 2): Deployment shop/api  spec.replicas 3 -> 5\n\
         14:33:12.0  write accepted\n\
         14:33:12.0  prove-ready proven: 5 of 5 pods ready\n\
         14:33:12.0  prove-again (the way back) failed: 2 of 3\n\
         [Outcome] 14:33:12.0  failed-with-debts: so it went\n\
         [Debts] Deployment shop/api: wants 5\n\
         \x20 pay it with: timonel run scale api=3\n\
         [Same as] kubectl scale deployment/api --replicas=5"
    );
}

#[test]
fn an_unknown_check_and_an_unknown_end_are_never_good_news() {
    let check = json!({ "checks": [{ "id": "quota", "required": true, "result": "unknown", "detail": "" }] });
    let all = lines(&[plan(), (EntryKind::Check, check), end("unknown")]);
    let unknown: Vec<&str> = all.iter().filter(|l| l.tone == Tone::Unknown).map(|l| l.text.as_str()).collect();
    assert_eq!(unknown, ["quota unknown", "14:33:12.0  unknown: so it went"]);
    assert!(!all.iter().any(|l| l.tone == Tone::Ok));
}

#[test]
fn a_run_whose_process_died_is_said_to_be_open_and_hostile_text_is_cleaned() {
    let text = told(&[plan(), (EntryKind::Note, json!({ "text": "took over \u{1b}[2J the lock" }))]);
    assert!(text.contains("not ended"), "{text}");
    assert!(!text.contains('\u{1b}'), "{text:?}");
}

#[test]
fn an_end_that_was_gone_on_after_is_part_of_the_way() {
    let resumed = (EntryKind::Note, json!({ "note": "resumed", "text": "resumed by ana@bastion" }));
    let text = told(&[plan(), end("unknown"), resumed, end("proven")]);
    assert!(
        text.contains("14:33:12.0  end: unknown (exit code 0): so it went\n14:33:12.0  note: resumed by ana@bastion\n[Outcome] "),
        "{text}"
    );
}
