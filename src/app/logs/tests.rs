use jiff::Timestamp;
use regex::Regex;

use super::{LogBounds, Logs};
use crate::action::Action;
use crate::target::event::{LogEvent, LogLine, LogState};
use crate::target::request::LogSource;

fn source(pod: &str, container: &str) -> LogSource {
    LogSource { namespace: "ns".into(), pod: pod.into(), pod_uid: pod.into(), container: container.into(), previous: false }
}

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_000 + second).expect("a time")
}

fn feed(logs: &mut Logs, pod: &str, lines: &[(i64, &str)]) {
    let lines = lines.iter().map(|(s, t)| LogLine { at: at(*s), text: (*t).into() }).collect();
    logs.apply(LogEvent::Lines { source: source(pod, "app"), lines }, at(0));
}

fn texts(logs: &Logs) -> Vec<&str> {
    logs.buffer.shown_entries().map(|e| &*e.text).collect()
}

#[test]
fn lines_of_several_pods_that_arrive_together_read_in_the_order_of_time() {
    let mut logs = Logs::new(LogBounds::default());
    feed(&mut logs, "api-abc", &[(1, "a1"), (3, "a3")]);
    feed(&mut logs, "api-def", &[(2, "d2")]);
    assert!(texts(&logs).is_empty(), "nothing shows before the frame");
    assert!(logs.settle());
    assert_eq!(texts(&logs), ["a1", "d2", "a3"]);
    assert!(!logs.settle());
}

#[test]
fn filters_judge_kept_lines_anew_and_markers_always_show() {
    let mut logs = Logs::new(LogBounds::default());
    feed(&mut logs, "api-abc", &[(1, "GET /health"), (2, "ERROR boom")]);
    logs.apply(LogEvent::State { source: source("api-abc", "app"), state: LogState::Ended { reason: "exit 1".into() } }, at(3));
    logs.settle();
    logs.exclude = Regex::new("health").ok();
    logs.refilter();
    assert_eq!(texts(&logs), ["ERROR boom", "abc ended: exit 1"]);
    logs.exclude = None;
    logs.include = Regex::new("nothing").ok();
    logs.refilter();
    assert_eq!(texts(&logs), ["abc ended: exit 1"]);
}

#[test]
fn a_paused_view_stays_while_lines_arrive_and_says_how_many_wait() {
    let mut logs = Logs::new(LogBounds::default());
    logs.height = 2;
    feed(&mut logs, "p-abc", &[(1, "1"), (2, "2"), (3, "3")]);
    logs.settle();
    logs.motion(Action::Up);
    let bottom = logs.bottom();
    feed(&mut logs, "p-abc", &[(4, "4"), (5, "5")]);
    logs.settle();
    assert_eq!(logs.bottom(), bottom);
    assert_eq!(logs.waiting(), 3);
    logs.motion(Action::Bottom);
    assert_eq!(logs.waiting(), 0);
}

#[test]
fn scrolling_down_to_the_end_follows_again() {
    let mut logs = Logs::new(LogBounds::default());
    logs.height = 2;
    feed(&mut logs, "p-abc", &[(1, "1"), (2, "2"), (3, "3"), (4, "4")]);
    logs.settle();
    logs.motion(Action::Top);
    assert_eq!(logs.bottom(), Some(1), "the first screenful");
    for _ in 0..2 {
        logs.motion(Action::Down);
    }
    assert_eq!(logs.paused_at, None);
}

#[test]
fn the_buffer_is_bounded_and_a_paused_view_moves_with_what_is_left() {
    let mut logs = Logs::new(LogBounds { lines: 3, ..LogBounds::default() });
    feed(&mut logs, "p-abc", &[(1, "1"), (2, "2")]);
    logs.settle();
    logs.toggle_pause();
    feed(&mut logs, "p-abc", &[(3, "3"), (4, "4"), (5, "5")]);
    logs.settle();
    assert_eq!(texts(&logs), ["3", "4", "5"]);
    assert_eq!(logs.buffer.dropped(), 2);
    assert!(logs.bottom().and_then(|b| logs.buffer.get(b)).is_some());
}

#[test]
fn search_counts_hits_and_hops_between_them() {
    let mut logs = Logs::new(LogBounds::default());
    feed(&mut logs, "p-abc", &[(1, "x"), (2, "hit one"), (3, "y"), (4, "hit two"), (5, "z")]);
    logs.settle();
    logs.search_for(Regex::new("hit").ok());
    assert_eq!((logs.buffer.hits(), logs.bottom()), (2, Some(3)));
    logs.motion(Action::Previous);
    assert_eq!(logs.bottom(), Some(1));
    logs.motion(Action::Next);
    assert_eq!(logs.bottom(), Some(3));
}

#[test]
fn jumping_to_a_time_puts_its_line_at_the_top() {
    let mut logs = Logs::new(LogBounds::default());
    logs.height = 2;
    feed(&mut logs, "p-abc", &[(1, "1"), (2, "2"), (3, "3"), (4, "4"), (5, "5")]);
    logs.settle();
    assert!(logs.jump(at(2)));
    assert_eq!(logs.bottom(), Some(2));
    assert!(!logs.jump(at(99)));
}

#[test]
fn containers_are_named_only_where_a_pod_has_several_and_numbered_pods_keep_their_name() {
    let mut logs = Logs::new(LogBounds::default());
    logs.follow("x".into(), &[source("api-7d9-abc", "app"), source("api-7d9-abc", "sidecar"), source("db-0", "db")], 3, true);
    let labels: Vec<_> = logs.sources.iter().map(|s| s.label.as_str()).collect();
    assert_eq!(labels, ["abc/app", "abc/sidecar", "db-0"]);
    assert_eq!(logs.streams(), (0, 3));
}
