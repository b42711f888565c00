//! The journal holds what it was given, and shows when it was touched.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Map, json};

use super::files::{CURRENT, HEAD};
use super::{DamageKind, Draft, EntryKind, Journal, Recorder, read, runs, signatures, verify};
use crate::base::clock::{Clock, FixedClock};

fn clock() -> Arc<dyn Clock> {
    Arc::new(FixedClock::new("2026-11-22T14:33:12Z".parse().expect("a time")))
}

fn journal(folder: &Path) -> Journal {
    Journal::open(folder, clock(), "bastion", "ana").expect("a journal")
}

fn note(text: &str) -> Draft {
    let mut data = Map::new();
    data.insert("text".into(), text.into());
    Draft { run: Some("20261122-143312-scale-7f3a".into()), kind: EntryKind::Note, data }
}

fn filled(folder: &Path, lines: usize) {
    let journal = journal(folder);
    for n in 0..lines {
        journal.record(&[note(&format!("line {n}"))]).expect("recorded");
    }
}

fn lines(folder: &Path) -> Vec<String> {
    std::fs::read_to_string(folder.join(CURRENT)).expect("a file").lines().map(str::to_owned).collect()
}

fn rewrite(folder: &Path, lines: &[String]) {
    let text = lines.iter().fold(String::new(), |text, line| text + line + "\n");
    std::fs::write(folder.join(CURRENT), text).expect("written");
}

fn damages(folder: &Path) -> Vec<(usize, DamageKind)> {
    verify(folder).expect("readable").damages.into_iter().map(|d| (d.line, d.kind)).collect()
}

#[test]
fn what_was_recorded_is_read_back_and_the_chain_is_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 3);
    let reading = read(folder.path()).expect("readable");
    assert_eq!(reading.entries.iter().map(|e| e.seq).collect::<Vec<_>>(), [1, 2, 3]);
    assert_eq!((reading.entries[0].user.as_str(), reading.entries[0].host.as_str()), ("ana", "bastion"));
    assert_eq!(reading.entries[0].prev, None);
    assert_eq!(reading.entries[2].prev.as_ref(), Some(&reading.entries[1].hash));
    assert_eq!(damages(folder.path()), []);
}

#[test]
fn folder_and_files_are_for_their_owner_alone_even_when_the_folder_was_open_before() {
    let parent = tempfile::tempdir().expect("a folder");
    let folder = parent.path().join("state");
    std::fs::create_dir(&folder).expect("made");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).expect("opened up");
    filled(&folder, 1);
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    assert_eq!(mode(&folder.join(CURRENT)), 0o600);
    assert_eq!(mode(&folder.join(HEAD)), 0o600);
}

#[test]
fn secrets_do_not_reach_the_disk() {
    let folder = tempfile::tempdir().expect("a folder");
    journal(folder.path()).record(&[note("because DB_PASSWORD=hunter2 leaked")]).expect("recorded");
    assert!(!lines(folder.path())[0].contains("hunter2"));
    assert_eq!(damages(folder.path()), [], "the hash is over what was stored");
}

#[test]
fn a_torn_last_line_is_moved_aside_and_the_fact_recorded() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 2);
    let mut whole = std::fs::read(folder.path().join(CURRENT)).expect("a file");
    whole.extend_from_slice(b"{\"seq\":3,\"at\":\"2026");
    std::fs::write(folder.path().join(CURRENT), whole).expect("written");
    assert_eq!(damages(folder.path()), [(3, DamageKind::Torn)]);
    filled(folder.path(), 1);
    assert_eq!(damages(folder.path()), []);
    let entries = read(folder.path()).expect("readable").entries;
    assert_eq!(entries[2].data["note"], json!("torn-line"));
    assert_eq!(entries.len(), 4);
    assert!(std::fs::read_to_string(folder.path().join("journal.torn")).expect("aside").starts_with("{\"seq\":3"));
}

#[test]
fn rotation_keeps_the_chain_and_survives_a_death_between_the_two_files() {
    let folder = tempfile::tempdir().expect("a folder");
    let small = Journal { rotate_at: 600, ..journal(folder.path()) };
    for n in 0..9 {
        small.record(&[note(&format!("line {n}"))]).expect("recorded");
    }
    let report = verify(folder.path()).expect("readable");
    assert_eq!(report.damages, []);
    assert!(report.files > 2, "it rotated: {report:?}");
    // The process dies after the rename: the current file is gone, the head is there.
    let last = verify(folder.path()).expect("readable").lines;
    std::fs::rename(folder.path().join(CURRENT), folder.path().join(format!("journal-{last:012}.jsonl"))).expect("renamed");
    small.record(&[note("after")]).expect("recorded");
    assert_eq!(damages(folder.path()), []);
    let entries = read(folder.path()).expect("readable").entries;
    assert_eq!(entries[entries.len() - 2].data["previous_file"], json!(format!("journal-{last:012}.jsonl")));
}

#[test]
fn a_process_that_was_killed_before_the_head_moved_leaves_no_damage() {
    let folder = tempfile::tempdir().expect("a folder");
    journal(folder.path()).record(&[note("plan"), note("check"), note("confirm")]).expect("recorded");
    let head = std::fs::read(folder.path().join(HEAD)).expect("a head");
    std::fs::remove_file(folder.path().join(HEAD)).expect("removed");
    assert_eq!(damages(folder.path()), [], "killed in the very first append");
    std::fs::write(folder.path().join(HEAD), head).expect("written");
    let before = std::fs::read(folder.path().join(HEAD)).expect("a head");
    journal(folder.path()).record(&[note("plan"), note("check"), note("confirm")]).expect("recorded");
    std::fs::write(folder.path().join(HEAD), before).expect("written");
    assert_eq!(damages(folder.path()), []);
    filled(folder.path(), 9);
    std::fs::remove_file(folder.path().join(HEAD)).expect("removed");
    assert_eq!(damages(folder.path()), [(15, DamageKind::Head)]);
}

#[test]
fn several_writers_share_one_chain() {
    let folder = tempfile::tempdir().expect("a folder");
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| filled(folder.path(), 10));
        }
    });
    let report = verify(folder.path()).expect("readable");
    assert_eq!((report.lines, report.damages), (40, vec![]));
}

#[test]
fn each_kind_of_damage_is_named_with_its_line() {
    type Touch = fn(&mut Vec<String>);
    type Expected = &'static [(usize, DamageKind)];
    let cases: [(&str, Touch, Expected); 6] = [
        ("edited", |l| l[2] = l[2].replace("line 2", "line 9"), &[(3, DamageKind::Edited)]),
        ("removed", |l| drop(l.remove(2)), &[(3, DamageKind::Missing)]),
        ("cut off", |l| l.truncate(4), &[(4, DamageKind::CutTail)]),
        ("swapped", |l| l.swap(1, 2), &[(2, DamageKind::Missing), (3, DamageKind::Reordered), (4, DamageKind::Missing)]),
        ("garbled", |l| l[1] = "garbage".into(), &[(2, DamageKind::Unreadable)]),
        ("emptied", Vec::clear, &[(0, DamageKind::CutTail)]),
    ];
    for (name, touch, expected) in cases {
        let folder = tempfile::tempdir().expect("a folder");
        filled(folder.path(), 6);
        let mut text = lines(folder.path());
        touch(&mut text);
        rewrite(folder.path(), &text);
        assert_eq!(damages(folder.path()), expected, "{name}");
    }
}

#[test]
fn a_cut_tail_stays_visible_after_the_next_append() {
    let folder = tempfile::tempdir().expect("a folder");
    filled(folder.path(), 4);
    let text = lines(folder.path());
    rewrite(folder.path(), &text[..2]);
    filled(folder.path(), 1);
    assert_eq!(damages(folder.path()), [(3, DamageKind::Missing)]);
}

#[test]
fn what_cannot_be_written_is_an_error_and_leaves_the_journal_whole() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(folder.path());
    journal.record(&[note("one")]).expect("recorded");
    // A folder in place of the file makes every append fail, whoever runs the test.
    let current = folder.path().join(CURRENT);
    std::fs::rename(&current, folder.path().join("kept")).expect("moved");
    std::fs::create_dir(&current).expect("made");
    let error = journal.record(&[note("two")]).expect_err("not writable").to_string();
    assert!(error.contains("cannot be written"), "{error}");
    std::fs::remove_dir(&current).expect("removed");
    std::fs::rename(folder.path().join("kept"), &current).expect("moved back");
    assert_eq!(damages(folder.path()), []);
}

#[test]
fn runs_are_told_from_plan_to_end_newest_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(folder.path());
    let draft = |run: &str, kind, data: serde_json::Value| Draft { run: Some(run.into()), kind, data: data.as_object().cloned().unwrap_or_default() };
    let (old, new) = ("20261122-143312-scale-0001", "20261122-143312-scale-0002");
    let plan = json!({ "plan": { "action": "scale" }, "subject": "Deployment shop/api", "quantity": "3->5" });
    let end = json!({ "outcome": "failed", "undone": true, "reason": "quota", "debts": [] });
    journal
        .record(&[draft(old, EntryKind::Plan, plan.clone()), draft(old, EntryKind::End, end), draft(new, EntryKind::Plan, plan)])
        .expect("recorded");
    let runs = runs(&read(folder.path()).expect("readable").entries);
    assert_eq!(runs.iter().map(|r| r.id.as_str()).collect::<Vec<_>>(), [new, old]);
    assert_eq!((runs[0].outcome, runs[0].ended_at), (None, None), "still running, or killed");
    assert_eq!((runs[1].subject.as_str(), runs[1].quantity.as_str(), runs[1].undone), ("Deployment shop/api", "3->5", true));
}

#[test]
fn the_newest_run_signs_what_it_changed_and_a_refused_one_signs_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = journal(folder.path());
    let draft = |run: &str, kind, data: serde_json::Value| Draft { run: Some(run.into()), kind, data: data.as_object().cloned().unwrap_or_default() };
    let plan =
        |uid: &str| json!({ "plan": { "action": "scale", "objects": [{ "uid": uid }] }, "subject": "Deployment shop/api", "quantity": "3->5" });
    let ids = ["20261122-143312-scale-0001", "20261122-143312-scale-0002", "20261122-143312-scale-0003"];
    let refused = json!({ "outcome": "refused", "undone": false, "reason": "", "debts": [] });
    journal
        .record(&[
            draft(ids[0], EntryKind::Plan, plan("u1")),
            draft(ids[1], EntryKind::Plan, plan("u1")),
            draft(ids[2], EntryKind::Plan, plan("u2")),
            draft(ids[2], EntryKind::End, refused),
        ])
        .expect("recorded");
    let signed = signatures(&read(folder.path()).expect("readable").entries);
    assert_eq!(signed.keys().collect::<Vec<_>>(), ["u1"]);
    assert!(signed["u1"].starts_with("20261122-143312-scale-0002 scale 3->5 "), "{signed:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Whoever touches the lines without the head and every later hash is found.
    #[test]
    fn any_touch_is_found(count in 2_usize..12, at in any::<prop::sample::Index>(), other in any::<prop::sample::Index>(), how in 0..5_u8, byte in any::<prop::sample::Index>()) {
        let folder = tempfile::tempdir().expect("a folder");
        filled(folder.path(), count);
        let before = lines(folder.path());
        let mut after = before.clone();
        let at = at.index(count);
        match how {
            0 => {
                let mut bytes = after[at].clone().into_bytes();
                let byte = byte.index(bytes.len());
                bytes[byte] = if bytes[byte] == b'x' { b'y' } else { b'x' };
                after[at] = String::from_utf8_lossy(&bytes).into_owned();
            }
            1 => drop(after.remove(at)),
            2 => after.swap(at, other.index(count)),
            3 => after.truncate(at),
            _ => after.insert(other.index(count), before[at].clone()),
        }
        prop_assume!(after != before);
        rewrite(folder.path(), &after);
        prop_assert!(!damages(folder.path()).is_empty(), "{how} at {at}");
    }
}
