//! Batches, coalescing, and that the last state of nothing is lost.

use tokio::sync::mpsc;

use super::{BATCH, Outbox, Slot};
use crate::base::problem::{Level, Problem};
use crate::target::event::{ObjectChange, StreamState, TargetEvent};
use crate::target::kubernetes::wire::{Decoder, Format};
use crate::target::model::{Kind, Object, ObjectRef, Scope};
use crate::target::request::StreamKey;

fn key(kind: Kind) -> StreamKey {
    StreamKey { kind, scope: Scope::Cluster }
}

fn applied(name: &str, version: u32) -> ObjectChange {
    let text = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
    ObjectChange::Applied(Decoder::new(Kind::Pod).object(Format::Json, text.into()).expect("a pod"))
}

fn deleted(name: &str) -> ObjectChange {
    ObjectChange::Deleted(ObjectRef::new(Kind::Pod, "", name))
}

fn words(changes: &[ObjectChange]) -> Vec<String> {
    let word = |c: &ObjectChange| match c {
        ObjectChange::Applied(o) => format!("{}@{}", o.meta().name, o.meta().resource_version),
        ObjectChange::Deleted(r) => format!("-{}", r.name),
        ObjectChange::Listing => "listing".into(),
        ObjectChange::Listed => "listed".into(),
    };
    changes.iter().map(word).collect()
}

/// Everything that is pending, through a channel with little room.
async fn drain(outbox: Outbox, room: usize) -> Vec<TargetEvent> {
    let (send, mut receive) = mpsc::channel(room);
    let emptying = tokio::spawn(async move { outbox.empty(&send).await });
    let mut all = Vec::new();
    while let Some(event) = receive.recv().await {
        all.push(event);
    }
    emptying.await.expect("a task").expect("an open channel");
    all
}

fn objects(events: &[TargetEvent]) -> Vec<&Vec<ObjectChange>> {
    let mut all = Vec::new();
    for event in events {
        if let TargetEvent::Objects { changes, .. } = event {
            all.push(changes);
        }
    }
    all
}

fn flood(slot: &Slot, rounds: u32) {
    for version in 1..=rounds {
        for n in 0..50 {
            slot.change(applied(&format!("p{n}"), version));
        }
    }
}

#[tokio::test]
async fn changes_come_in_order_in_batches_and_the_state_after_what_it_speaks_of() {
    let outbox = Outbox::default();
    let slot = outbox.slot(key(Kind::Pod));
    slot.change(ObjectChange::Listing);
    (0..1200).for_each(|n| slot.change(applied(&format!("p{n}"), 1)));
    slot.change(ObjectChange::Listed);
    slot.state(StreamState::Loading);
    slot.state(StreamState::Connected);
    let events = drain(outbox, 4).await;
    let batches = objects(&events);
    assert!(batches.iter().all(|b| b.len() <= BATCH));
    let all: Vec<_> = batches.into_iter().flat_map(|b| words(b)).collect();
    assert_eq!((all.len(), all[0].as_str(), all[1].as_str(), all[1201].as_str()), (1202, "listing", "p0@1", "listed"));
    assert!(
        matches!(events.last(), Some(TargetEvent::Stream { state: StreamState::Connected, .. })),
        "only the last state, at the end"
    );
}

#[tokio::test]
async fn while_nobody_takes_anything_only_the_last_state_of_each_object_is_kept() {
    let outbox = Outbox::default();
    let slot = outbox.slot(key(Kind::Pod));
    flood(&slot, 200);
    slot.change(deleted("p7"));
    let held = super::lock(&slot.inner.pending).changes.len();
    assert!(held <= 2 * BATCH + 1, "{held} of 10,001 changes are held");
    let events = drain(outbox, 1).await;
    let mut last = std::collections::BTreeMap::new();
    for change in objects(&events).into_iter().flatten() {
        match change {
            ObjectChange::Applied(Object::Pod(p)) => last.insert(p.meta.name.to_string(), Some(p.meta.resource_version)),
            ObjectChange::Deleted(r) => last.insert(r.name.to_string(), None),
            _ => None,
        };
    }
    assert_eq!(last.len(), 50);
    assert!(last.iter().all(|(name, version)| *version == if name == "p7" { None } else { Some(200) }), "{last:?}");
}

#[test]
fn coalescing_lets_no_object_go_and_come_back() {
    let mut changes = [
        applied("old", 1),
        ObjectChange::Listing,
        applied("a", 1),
        applied("b", 1),
        ObjectChange::Listed,
        applied("a", 2),
        deleted("b"),
        applied("c", 3),
    ]
    .into_iter()
    .collect();
    super::coalesce(&mut changes);
    assert_eq!(words(changes.make_contiguous()), ["listing", "a@2", "-b", "listed", "c@3"]);
}

#[tokio::test]
async fn a_small_stream_does_not_wait_behind_a_large_one() {
    let outbox = Outbox::default();
    let (large, small) = (outbox.slot(key(Kind::Pod)), outbox.slot(key(Kind::Node)));
    (0..5000).for_each(|n| large.change(applied(&format!("p{n}"), 1)));
    small.state(StreamState::Connected);
    let events = drain(outbox, 1).await;
    let place = events.iter().position(|e| matches!(e, TargetEvent::Stream { key, .. } if key.kind == Kind::Node));
    assert_eq!(place, Some(1), "after one batch, not after ten");
}

#[tokio::test]
async fn a_removed_stream_tells_nothing_more() {
    let outbox = Outbox::default();
    let (gone, kept) = (outbox.slot(key(Kind::Pod)), outbox.slot(key(Kind::Node)));
    gone.change(applied("a", 1));
    outbox.remove(&key(Kind::Pod));
    gone.change(applied("b", 1));
    gone.state(StreamState::Connected);
    kept.state(StreamState::Loading);
    let events = drain(outbox, 4).await;
    assert!(matches!(&events[..], [TargetEvent::Stream { key, .. }] if key.kind == Kind::Node), "{events:?}");
}

#[tokio::test]
async fn of_a_problem_the_last_word_counts() {
    let outbox = Outbox::default();
    let slot = outbox.slot(key(Kind::Pod));
    slot.problem(Problem::new(Level::Error, "watch:pods", "No right."));
    slot.problem(Problem::new(Level::Error, "watch:pods", "No answer."));
    slot.problem(Problem::new(Level::Error, "other", "Odd."));
    slot.solved("watch:pods".into());
    let events = drain(outbox, 4).await;
    assert!(
        matches!(&events[..], [TargetEvent::Problem(p), TargetEvent::Solved(id)] if p.id == "other" && id == "watch:pods"),
        "{events:?}"
    );
}

#[tokio::test]
async fn what_is_told_is_forwarded_by_itself_and_nothing_after_the_receiver_is_gone() {
    let outbox = Outbox::default();
    let slot = outbox.slot(key(Kind::Pod));
    let (send, mut receive) = mpsc::channel(1);
    let forwarding = tokio::spawn(async move { outbox.forward(send).await });
    slot.change(applied("a", 1));
    assert!(matches!(receive.recv().await, Some(TargetEvent::Objects { changes, .. }) if words(&changes) == ["a@1"]));
    slot.state(StreamState::Connected);
    assert!(matches!(receive.recv().await, Some(TargetEvent::Stream { .. })));
    drop(receive);
    slot.change(applied("a", 2));
    forwarding.await.expect("it ends by itself");
}
