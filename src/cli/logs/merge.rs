//! Lines of many containers in the order of their times.
//!
//! Owns what is held until it is printed, its bound, and the order: by time, yet never against the order of one container. Pure.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::app::logs::marker;
use crate::target::event::{LogLine, LogState};
use crate::target::request::LogSource;

/// Lines and bytes of text that are held; then they are printed as they are.
const LINES: usize = 50_000;
const BYTES: usize = 32 << 20;

/// One thing to print.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Said {
    /// Whose.
    pub(super) source: Arc<LogSource>,
    /// When.
    pub(super) at: Timestamp,
    /// What it is.
    pub(super) what: What,
    /// The line; or what happened, in words.
    pub(super) text: Box<str>,
}

/// What is said.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(super) enum What {
    /// The container wrote a line.
    Line,
    /// The connection was lost and came back; lines may be missing, as the text says.
    Reconnected,
    /// Nothing more will come of this container.
    Ended,
    /// Lines were dropped, because they could not be taken in as fast as they came.
    Dropped,
    /// The log cannot be read.
    Failed,
}

impl Said {
    /// What the change of a stream's state has to say; `None` when that is nothing to people.
    pub(super) fn of_state(source: &LogSource, state: &LogState, now: Timestamp) -> Option<Self> {
        let what = match state {
            LogState::Waiting { .. } | LogState::Following => return None,
            LogState::Reconnected { .. } => What::Reconnected,
            LogState::Ended { .. } => What::Ended,
            LogState::Dropped { .. } => What::Dropped,
            LogState::Failed { .. } => What::Failed,
        };
        let text = marker("", state)?.trim_start().into();
        Some(Self { source: Arc::new(source.clone()), at: now, what, text })
    }

    /// Whether it only says that everything was read.
    pub(super) fn is_all_there_was(&self) -> bool {
        &*self.text == ALL
    }
}

/// What a reader who does not follow expects to hear last.
const ALL: &str = "ended: all there was";

/// What was said and is not printed yet.
#[derive(Debug, Default)]
pub(super) struct Merge {
    held: Vec<(Timestamp, Said)>,
    bytes: usize,
    /// The newest time of each container: what it says later is not sorted before it, whatever time it bears.
    newest: HashMap<LogSource, Timestamp>,
}

impl Merge {
    /// Takes in lines of one container, in its order.
    pub(super) fn lines(&mut self, source: &LogSource, lines: impl Iterator<Item = LogLine>) {
        let source = Arc::new(source.clone());
        for line in lines {
            self.put(Said { source: source.clone(), at: line.at, what: What::Line, text: line.text });
        }
    }

    /// Takes in one thing.
    pub(super) fn put(&mut self, said: Said) {
        let at = if let Some(newest) = self.newest.get_mut(&*said.source) {
            *newest = said.at.max(*newest);
            *newest
        } else {
            self.newest.insert((*said.source).clone(), said.at);
            said.at
        };
        self.bytes += said.text.len();
        self.held.push((at, said));
    }

    /// Everything that is held, in order.
    pub(super) fn take(&mut self) -> Vec<Said> {
        self.bytes = 0;
        let mut held = std::mem::take(&mut self.held);
        held.sort_by_key(|(at, _)| *at);
        held.into_iter().map(|(_, said)| said).collect()
    }

    /// Whether nothing is held.
    pub(super) fn is_empty(&self) -> bool {
        self.held.is_empty()
    }

    /// Whether no more should be held.
    pub(super) fn is_full(&self) -> bool {
        self.held.len() >= LINES || self.bytes >= BYTES
    }

    /// Forgets containers that are none of these.
    pub(super) fn keep(&mut self, sources: &[LogSource]) {
        let kept: HashSet<&LogSource> = sources.iter().collect();
        self.newest.retain(|source, _| kept.contains(source));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{LINES, Merge};
    use crate::target::event::LogLine;
    use crate::target::request::LogSource;

    fn source(pod: &str) -> LogSource {
        LogSource { namespace: "shop".into(), pod: pod.into(), pod_uid: pod.into(), container: "c".into(), previous: false }
    }

    fn lines(all: &[(i64, &str)]) -> Vec<LogLine> {
        let line = |(at, text): &(i64, &str)| LogLine { at: Timestamp::from_second(*at).expect("a time"), text: (*text).into() };
        all.iter().map(line).collect()
    }

    fn texts(merge: &mut Merge) -> Vec<String> {
        merge.take().iter().map(|s| s.text.to_string()).collect()
    }

    #[test]
    fn lines_of_several_containers_read_in_the_order_of_their_times() {
        let mut merge = Merge::default();
        merge.lines(&source("a"), lines(&[(1, "a1"), (4, "a4"), (4, "a4 too")]).into_iter());
        merge.lines(&source("b"), lines(&[(2, "b2"), (3, "b3"), (5, "b5")]).into_iter());
        assert_eq!(texts(&mut merge), ["a1", "b2", "b3", "a4", "a4 too", "b5"]);
        assert!(merge.is_empty());
    }

    #[test]
    fn the_order_of_one_container_holds_even_when_its_clock_went_back() {
        let mut merge = Merge::default();
        merge.lines(&source("a"), lines(&[(5, "first"), (1, "second")]).into_iter());
        merge.lines(&source("b"), lines(&[(3, "other")]).into_iter());
        assert_eq!(texts(&mut merge), ["other", "first", "second"]);
        merge.lines(&source("a"), lines(&[(2, "third")]).into_iter());
        merge.lines(&source("b"), lines(&[(4, "more")]).into_iter());
        assert_eq!(texts(&mut merge), ["more", "third"]);
    }

    #[test]
    fn what_is_held_has_a_bound_and_what_is_gone_is_forgotten() {
        let mut merge = Merge::default();
        let many: Vec<(i64, &str)> = (0..i64::try_from(LINES).expect("a number")).map(|n| (n, "x")).collect();
        merge.lines(&source("a"), lines(&many).into_iter());
        assert!(merge.is_full());
        merge.take();
        assert!(!merge.is_full());
        merge.keep(&[source("b")]);
        assert!(merge.newest.is_empty());
    }
}
