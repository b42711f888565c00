//! What is on its way from the log tasks to the program.
//!
//! Owns the bound: when the program does not keep up, the oldest lines go first and are counted where they were missed.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use tokio::sync::Notify;

use crate::target::event::{LogEvent, LogLine, LogState};
use crate::target::request::LogSource;

/// Lines and bytes that may wait.
const LINES: usize = 50_000;
const BYTES: usize = 32 << 20;

/// A queue of log events, bounded in lines and bytes.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    queue: Mutex<Queue>,
    filled: Notify,
}

impl Outbox {
    /// Puts an event at the end.
    pub(super) fn push(&self, event: LogEvent) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).push(event);
        self.filled.notify_one();
    }

    /// Takes the first event; waits for one.
    pub(super) async fn pop(&self) -> LogEvent {
        loop {
            let event = self.queue.lock().unwrap_or_else(PoisonError::into_inner).pop();
            if let Some(event) = event {
                return event;
            }
            self.filled.notified().await;
        }
    }

    /// Throws away what a source that nobody wants any more still had to tell.
    pub(super) fn forget(&self, source: &LogSource) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).forget(source);
    }
}

#[derive(Debug, Default)]
struct Queue {
    events: VecDeque<LogEvent>,
    lines: usize,
    bytes: usize,
}

impl Queue {
    fn push(&mut self, event: LogEvent) {
        let (lines, bytes) = size(&event);
        self.lines += lines;
        self.bytes += bytes;
        match self.events.iter_mut().rev().find(|e| of(e) == of(&event)) {
            Some(last) if is_passing(last) && is_passing(&event) => *last = event,
            _ => self.events.push_back(event),
        }
        while self.lines > LINES || self.bytes > BYTES {
            if !self.drop_oldest() {
                break;
            }
        }
    }

    fn pop(&mut self) -> Option<LogEvent> {
        let event = self.events.pop_front()?;
        let (lines, bytes) = size(&event);
        self.lines -= lines;
        self.bytes -= bytes;
        Some(event)
    }

    /// Replaces the oldest lines by how many they were; adds to such a count of the same source right before them.
    fn drop_oldest(&mut self) -> bool {
        let Some(at) = self.events.iter().position(|e| matches!(e, LogEvent::Lines { .. })) else { return false };
        let (lines, bytes) = size(&self.events[at]);
        self.lines -= lines;
        self.bytes -= bytes;
        let LogEvent::Lines { source, .. } = &self.events[at] else { return false };
        let source = source.clone();
        let before = self.events.iter_mut().take(at).rev().find(|e| of(e) == &source);
        if let Some(LogEvent::State { state: LogState::Dropped { lines: count }, .. }) = before {
            *count += lines as u64;
            self.events.remove(at);
        } else {
            self.events[at] = LogEvent::State { source, state: LogState::Dropped { lines: lines as u64 } };
        }
        true
    }

    fn forget(&mut self, source: &LogSource) {
        self.events.retain(|e| of(e) != source);
        let sizes: Vec<(usize, usize)> = self.events.iter().map(size).collect();
        self.lines = sizes.iter().map(|s| s.0).sum();
        self.bytes = sizes.iter().map(|s| s.1).sum();
    }
}

fn of(event: &LogEvent) -> &LogSource {
    match event {
        LogEvent::Lines { source, .. } | LogEvent::State { source, .. } => source,
    }
}

/// A state that the next one makes pointless.
fn is_passing(event: &LogEvent) -> bool {
    matches!(event, LogEvent::State { state: LogState::Waiting { .. } | LogState::Following, .. })
}

/// Lines and bytes of an event.
fn size(event: &LogEvent) -> (usize, usize) {
    match event {
        LogEvent::Lines { lines, .. } => (lines.len(), lines.iter().map(|l| l.text.len() + size_of::<LogLine>()).sum()),
        LogEvent::State { .. } => (0, 0),
    }
}

#[cfg(test)]
mod tests {
    use super::{LINES, Queue};
    use crate::target::event::{LogEvent, LogLine, LogState};
    use crate::target::request::LogSource;

    fn source(pod: &str) -> LogSource {
        LogSource { namespace: "shop".into(), pod: pod.into(), pod_uid: "u".into(), container: "c".into(), previous: false }
    }

    fn lines(pod: &str, first: usize, count: usize, text: &str) -> LogEvent {
        let at = jiff::Timestamp::UNIX_EPOCH;
        let lines = (first..first + count).map(|n| LogLine { at, text: format!("{n}{text}").into() }).collect();
        LogEvent::Lines { source: source(pod), lines }
    }

    /// What the queue holds: `pod:first..last`, `pod-dropped`.
    fn told(queue: &mut Queue) -> Vec<String> {
        std::iter::from_fn(|| queue.pop())
            .map(|e| match e {
                LogEvent::Lines { source, lines } => format!("{}:{}..{}", source.pod, lines[0].text, lines[lines.len() - 1].text),
                LogEvent::State { source, state: LogState::Dropped { lines } } => format!("{}-{lines}", source.pod),
                LogEvent::State { source, state } => format!("{}{state:?}", source.pod),
            })
            .collect()
    }

    #[test]
    fn the_oldest_lines_go_first_and_are_counted_per_source_in_their_place() {
        let mut queue = Queue::default();
        let step = LINES / 5;
        for n in 0..5 {
            queue.push(lines(if n % 2 == 0 { "a" } else { "b" }, n * step, step, ""));
        }
        assert_eq!(queue.lines, LINES);
        queue.push(LogEvent::State { source: source("a"), state: LogState::Following });
        queue.push(lines("a", 5 * step, 2 * step, ""));
        assert_eq!(
            told(&mut queue),
            ["a-10000", "b-10000", "a:20000..29999", "b:30000..39999", "a:40000..49999", "aFollowing", "a:50000..69999"]
        );
        assert_eq!((queue.lines, queue.bytes), (0, 0));
    }

    #[test]
    fn counts_of_one_source_add_up() {
        let mut queue = Queue::default();
        for n in 0..20 {
            queue.push(lines("a", n * 10_000, 10_000, ""));
        }
        assert_eq!(told(&mut queue)[0], "a-150000");
    }

    #[test]
    fn long_lines_count_by_their_bytes() {
        let mut queue = Queue::default();
        let text = "x".repeat(16 << 10);
        for n in 0..40 {
            queue.push(lines("a", n * 100, 100, &text));
        }
        assert!(queue.bytes <= super::BYTES && queue.lines >= 1900, "{} {}", queue.bytes, queue.lines);
    }

    #[test]
    fn states_that_nobody_saw_do_not_pile_up() {
        let mut queue = Queue::default();
        for n in 0..1000 {
            queue.push(LogEvent::State { source: source("a"), state: LogState::Waiting { reason: n.to_string() } });
            queue.push(LogEvent::State { source: source("b"), state: LogState::Following });
        }
        assert_eq!(told(&mut queue), ["aWaiting { reason: \"999\" }", "bFollowing"]);
    }

    #[test]
    fn a_source_that_is_not_wanted_leaves_nothing_behind() {
        let mut queue = Queue::default();
        queue.push(lines("a", 0, 10, ""));
        queue.push(lines("b", 0, 5, ""));
        queue.forget(&source("a"));
        assert_eq!(queue.lines, 5);
        assert_eq!(told(&mut queue), ["b:0..4"]);
    }
}
