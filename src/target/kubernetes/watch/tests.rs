//! The machine by itself: what it asks for, tells and waits for after each thing that can happen.

use jiff::{SignedDuration, Timestamp};

use super::{Ask, Input, Machine, Output};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::{ObjectChange, StreamState};
use crate::target::kubernetes::wire::{Decoder, Format, ListEnd};
use crate::target::model::{Kind, Object, ObjectRef};

/// A machine, a clock, and a readable record of what came out.
struct Bench {
    machine: Machine,
    now: Timestamp,
    sleeps: Vec<f64>,
}

impl Bench {
    fn new(streams: bool) -> Self {
        let now = "2026-11-22T12:00:00Z".parse().expect("a time");
        Self { machine: Machine::new(streams, 7, now), now, sleeps: Vec::new() }
    }

    fn after(&mut self, seconds: i64) -> &mut Self {
        self.now = self.now.checked_add(SignedDuration::from_secs(seconds)).expect("a time");
        self
    }

    fn step(&mut self, input: Input) -> Vec<String> {
        let mut out = Vec::new();
        self.machine.step(input, self.now, &mut out);
        out.into_iter().map(|o| self.words(o)).collect()
    }

    fn fail(&mut self, kind: ErrorKind) -> Vec<String> {
        self.step(Input::Failed(TargetError::new(kind, "why")))
    }

    fn words(&mut self, output: Output) -> String {
        match output {
            Output::Ask(Ask::Stream { version }) => format!("stream from '{version}'"),
            Output::Ask(Ask::List { version, next, paged }) => format!("list '{version}' next '{next}'{}", if paged { "" } else { " whole" }),
            Output::Ask(Ask::Watch { version }) => format!("watch from '{version}'"),
            Output::Sleep(time) => {
                self.sleeps.push(time.as_secs_f64());
                "sleep".into()
            }
            Output::Change(ObjectChange::Applied(o)) => format!("+{}", o.meta().name),
            Output::Change(ObjectChange::Deleted(r)) => format!("-{}", r.name),
            Output::Change(ObjectChange::Listing) => "listing".into(),
            Output::Change(ObjectChange::Listed) => "listed".into(),
            Output::State(StreamState::Stale { since, .. }) => format!("stale since {}", since.strftime("%H:%M:%S")),
            Output::State(StreamState::Failed { kind, .. }) => format!("failed {kind:?}"),
            Output::State(state) => format!("{state:?}").to_lowercase(),
            Output::Trouble(error) => format!("trouble {:?}", error.kind),
        }
    }

    /// A machine whose list is complete and whose watch has held for a minute, at version 9.
    fn settled(streams: bool) -> Self {
        let mut bench = Self::new(streams);
        bench.step(Input::Woken);
        bench.step(Input::Answered);
        if streams {
            bench.step(end("9"));
        } else {
            bench.step(page("9", ""));
            bench.step(Input::Answered);
        }
        bench.after(60);
        bench
    }
}

fn pod(name: &str, version: &str) -> Object {
    let text = format!(r#"{{"metadata":{{"name":"{name}","resourceVersion":"{version}"}}}}"#);
    Decoder::new(Kind::Pod).object(Format::Json, text.into()).expect("a pod")
}

fn end(version: &str) -> Input {
    Input::Bookmark { version: version.into(), end: true }
}

fn bookmark(version: &str) -> Input {
    Input::Bookmark { version: version.into(), end: false }
}

fn page(version: &str, next: &str) -> Input {
    Input::Page(ListEnd { resource_version: version.into(), next: next.into() })
}

#[test]
fn a_near_server_streams_its_list_and_goes_on_as_a_watch() {
    let mut b = Bench::new(true);
    assert_eq!(b.step(Input::Woken), ["stream from '0'"]);
    assert_eq!(b.step(Input::Answered), ["listing"]);
    assert_eq!(b.step(Input::Applied(pod("a", "5"))), ["+a"]);
    assert_eq!(b.step(end("9")), ["listed", "connected"]);
    assert_eq!(b.step(Input::Applied(pod("a", "10"))), ["+a"]);
    assert_eq!(b.step(Input::Deleted(ObjectRef::new(Kind::Pod, "", "a"), 11)), ["-a"]);
    assert_eq!(b.after(60).step(Input::Ended), ["watch from '11'"], "a watch that ends is taken up where it was");
    assert_eq!(b.step(Input::Answered), [""; 0], "and nobody is told");
    assert_eq!(b.step(bookmark("20")), [""; 0]);
    assert_eq!(b.after(60).step(Input::Ended), ["watch from '20'"], "a bookmark moves the place");
}

#[test]
fn a_far_server_is_asked_for_pages_and_then_for_a_watch() {
    let mut b = Bench::new(false);
    assert_eq!(b.step(Input::Woken), ["list '0' next ''"]);
    assert_eq!(b.step(Input::Answered), ["listing"]);
    assert_eq!(b.step(Input::Applied(pod("a", "5"))), ["+a"]);
    assert_eq!(b.step(page("9", "token")), ["list '' next 'token'"]);
    assert_eq!(b.step(Input::Answered), [""; 0], "the same list goes on");
    assert_eq!(b.step(Input::Applied(pod("b", "6"))), ["+b"]);
    assert_eq!(b.step(page("9", "")), ["listed", "connected", "watch from '9'"]);
}

#[test]
fn an_expired_page_begins_the_list_again_in_one_piece() {
    let mut b = Bench::new(false);
    b.step(Input::Woken);
    b.step(Input::Answered);
    b.step(page("9", "token"));
    assert_eq!(b.fail(ErrorKind::Gone), ["list '0' next '' whole"]);
    assert_eq!(b.step(Input::Answered), ["listing"], "what the first pages brought is brought again");
    assert_eq!(b.step(page("12", "")), ["listed", "connected", "watch from '12'"]);
}

#[test]
fn a_server_without_streaming_lists_is_asked_for_pages_from_then_on() {
    let mut b = Bench::new(true);
    b.step(Input::Woken);
    assert_eq!(b.fail(ErrorKind::Invalid), ["list '0' next ''"]);
    b.step(Input::Answered);
    b.step(page("9", ""));
    b.step(Input::Answered);
    assert_eq!(b.after(60).fail(ErrorKind::Gone), ["list '' next ''"]);
}

#[test]
fn a_streaming_list_that_never_ends_gives_way_to_pages() {
    for input in [Input::Failed(TargetError::new(ErrorKind::Timeout, "silence")), Input::Ended] {
        let mut b = Bench::new(true);
        b.step(Input::Woken);
        b.step(Input::Answered);
        b.step(Input::Applied(pod("a", "5")));
        assert_eq!(b.step(input), ["list '0' next ''"]);
    }
}

#[test]
fn a_version_too_old_is_a_new_list_at_once_and_a_second_time_only_after_a_wait() {
    let mut b = Bench::settled(true);
    assert_eq!(b.fail(ErrorKind::Gone), ["stream from ''"], "the newest, so that nothing goes back in time");
    b.step(Input::Answered);
    assert_eq!(b.step(end("30")), ["listed"], "still connected: nobody was told otherwise");
    let again = b.fail(ErrorKind::Gone);
    assert_eq!(again, ["trouble Gone", "stale since 12:01:00", "sleep"]);
}

#[test]
fn objects_gone_while_listing_again_are_left_to_the_fresh_list() {
    let mut b = Bench::settled(true);
    b.fail(ErrorKind::Gone);
    assert_eq!(b.step(Input::Answered), ["listing"]);
    b.step(Input::Applied(pod("a", "50")));
    assert_eq!(b.fail(ErrorKind::Unreachable), ["stale since 12:01:00", "sleep"]);
    assert_eq!(b.step(Input::Woken), ["stream from ''"], "half a list is no place to go on from");
}

#[test]
fn a_connection_that_breaks_after_a_while_is_tried_quietly_once() {
    let mut b = Bench::settled(false);
    assert_eq!(b.fail(ErrorKind::Unreachable), ["sleep"]);
    assert!(b.sleeps[0] < 0.25);
    assert_eq!(b.step(Input::Woken), ["watch from '9'"]);
    assert_eq!(b.after(2).step(Input::Slow), ["stale since 12:00:00"], "but not in silence for long");
    assert_eq!(b.fail(ErrorKind::Unreachable), ["stale since 12:00:00", "sleep"], "now with the reason");
    assert_eq!(b.step(Input::Woken), ["watch from '9'"]);
    assert_eq!(b.step(Input::Answered), ["connected"]);
}

#[test]
fn waits_double_up_to_half_a_minute_and_shrink_again_after_a_connection_that_held() {
    let mut b = Bench::new(false);
    b.step(Input::Woken);
    for _ in 0..12 {
        assert_eq!(b.fail(ErrorKind::Unreachable), ["failed Unreachable", "sleep"]);
        assert_eq!(b.step(Input::Woken), ["list '0' next ''"]);
    }
    for (n, wait) in b.sleeps.iter().enumerate() {
        let full = (0.5 * f64::from(1 << n)).min(30.0);
        assert!((full / 2.0..=full).contains(wait), "wait {n} is {wait} of {full}");
    }
    b.step(Input::Answered);
    b.step(page("9", ""));
    b.step(Input::Answered);
    b.after(60).fail(ErrorKind::Unreachable);
    b.step(Input::Woken);
    b.fail(ErrorKind::Unreachable);
    assert!(b.sleeps.last().is_some_and(|s| *s <= 0.5));
}

#[test]
fn a_connection_that_never_holds_is_asked_for_ever_more_rarely() {
    let mut b = Bench::settled(false);
    b.fail(ErrorKind::Unreachable);
    for _ in 0..8 {
        b.step(Input::Woken);
        b.step(Input::Answered);
        b.after(1).fail(ErrorKind::Unreachable);
    }
    assert!(b.sleeps.last().is_some_and(|s| *s >= 15.0), "{:?}", b.sleeps);
}

#[test]
fn no_rights_and_no_such_resource_are_told_and_asked_again_slowly() {
    for kind in [ErrorKind::Forbidden, ErrorKind::NotFound] {
        let mut b = Bench::new(true);
        b.step(Input::Woken);
        assert_eq!(b.fail(kind), [format!("failed {kind:?}"), format!("trouble {kind:?}"), "sleep".into()]);
        assert!((30.0..=60.0).contains(&b.sleeps[0]));
        assert!(!b.machine.is_waiting(), "a server that is back is no reason to ask again");
        assert_eq!(b.step(Input::Woken), ["stream from '0'"]);
        b.step(Input::Answered);
        assert_eq!(b.step(end("9")), ["listed", "connected"], "granted at last");
    }
}

#[test]
fn rights_that_are_withdrawn_fail_a_stream_that_had_objects() {
    let mut b = Bench::settled(false);
    assert_eq!(b.fail(ErrorKind::Forbidden), ["failed Forbidden", "trouble Forbidden", "sleep"]);
    assert_eq!(b.step(Input::Woken), ["watch from '9'"]);
    assert_eq!(b.step(Input::Answered), ["connected"]);
}

#[test]
fn the_server_may_ask_for_patience() {
    let mut b = Bench::new(false);
    b.step(Input::Woken);
    let error = TargetError { retry_after: Some(12), ..TargetError::new(ErrorKind::TooManyRequests, "slow down") };
    assert_eq!(b.step(Input::Failed(error)), ["failed TooManyRequests", "sleep"]);
    assert!((b.sleeps[0] - 12.0).abs() < f64::EPSILON);
    assert!(b.machine.is_waiting());
}

#[test]
fn a_watch_that_is_closed_at_once_is_not_asked_for_in_a_loop() {
    let mut b = Bench::settled(false);
    assert_eq!(b.step(Input::Ended), ["watch from '9'"]);
    b.step(Input::Answered);
    assert_eq!(b.step(Input::Ended), ["trouble Server", "stale since 12:01:00", "sleep"]);
    b.step(Input::Woken);
    b.step(Input::Answered);
    b.step(Input::Applied(pod("a", "12")));
    assert_eq!(b.step(Input::Ended), ["watch from '12'"], "one that brought something is taken up");
}

#[test]
fn versions_that_are_no_numbers_resume_at_the_last_bookmark() {
    let mut b = Bench::settled(false);
    b.step(bookmark("m-3"));
    b.step(Input::Applied(pod("a", "m-4")));
    assert_eq!(b.step(Input::Ended), ["watch from 'm-3'"]);
}

#[test]
fn everything_anew_is_a_fresh_list_whatever_was_going_on() {
    let mut b = Bench::settled(true);
    assert_eq!(b.step(Input::Refresh), ["stream from ''"]);
    let mut b = Bench::new(false);
    b.step(Input::Woken);
    b.fail(ErrorKind::Forbidden);
    assert_eq!(b.step(Input::Refresh), ["list '0' next ''"]);
    assert_eq!(b.step(Input::Woken), [""; 0], "the sleep that it ended does not wake it again");
}
