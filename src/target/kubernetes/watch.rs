//! The life of one list-watch, as a pure state machine.
//!
//! Owns what is asked next, what a failure means, and when objects are complete. Inputs are what happened, outputs are what
//! to do; there is no request, clock or task in here (those are in `task`). Rules:
//!
//! - Near servers are asked for a streaming list (`sendInitialEvents`): nothing is ever held but the rows. It cannot be
//!   compressed, so far ones are asked for a list (gzip: a twentieth of the bytes) and a watch; so is every server that
//!   refuses or does not finish a streaming list.
//! - The first list may come from the server's cache (version `0`: an order of magnitude cheaper). Every later one is
//!   consistent, so that what was seen never goes back in time.
//! - A watch that ends is taken up where it was. 410 means list again; 403 and 404 are asked again slowly.

mod backoff;
mod task;
#[cfg(test)]
mod tests;

use jiff::Timestamp;

pub(crate) use task::{Beside, Task, Timing};

use self::backoff::Backoff;
use super::wire::ListEnd;
use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::{ObjectChange, StreamState};
use crate::target::model::{Object, ObjectRef};

/// Objects of one page of a list. A server with a cache gives everything at once when asked for version `0`.
pub(crate) const PAGE: u32 = 500;

/// A connection that held for so long forgives the failures before it.
const STABLE_SECONDS: i64 = 10;

/// A watch that ends sooner than this without having said anything counts as a failure, or it would be asked for in a loop.
const ABRUPT_MILLIS: i64 = 1000;

/// A request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ask {
    /// A watch that begins with all objects and marks where they end.
    Stream {
        /// `0` = from the cache, empty = the newest.
        version: String,
    },
    /// One page of a list.
    List {
        /// `0` = from the cache, empty = the newest, or the page is not the first.
        version: String,
        /// Where the page begins.
        next: String,
        /// In pages; not after the server forgot where a page began.
        paged: bool,
    },
    /// A watch from a version on.
    Watch {
        /// The version.
        version: String,
    },
}

/// What happened.
#[derive(Debug)]
pub(crate) enum Input {
    /// The answer to a request began.
    Answered,
    /// It has not begun for longer than people should believe that all is well.
    Slow,
    /// An object is there or changed: by a watch, or an item of a list.
    Applied(Object),
    /// An object is gone, at a version (0 = not a number).
    Deleted(ObjectRef, u64),
    /// Nothing changed up to a version; `end`: and all objects of the beginning were sent.
    Bookmark {
        /// The version.
        version: String,
        /// The initial objects are complete.
        end: bool,
    },
    /// A page of a list is complete.
    Page(ListEnd),
    /// A watch ended as it should.
    Ended,
    /// Anything that went wrong.
    Failed(TargetError),
    /// The sleep is over, or there is reason to try at once.
    Woken,
    /// Somebody wants everything anew.
    Refresh,
}

/// What to do.
#[derive(Debug)]
pub(crate) enum Output {
    /// Send this request; what was being read is dropped.
    Ask(Ask),
    /// Wait, for [`Input::Woken`].
    Sleep(std::time::Duration),
    /// Tell a change.
    Change(ObjectChange),
    /// Tell a state.
    State(StreamState),
    /// Tell what is wrong with this stream in particular (not with the connection to the server).
    Trouble(TargetError),
}

/// What is being waited for.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Phase {
    /// The answer to a request.
    Asking(Ask),
    /// The objects of a streaming list.
    Streaming,
    /// The items of a page.
    Listing,
    /// Changes.
    Watching,
    /// The end of a sleep.
    Sleeping,
}

/// What was last told, so that nothing is told twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    Loading,
    Connected,
    Stale,
    Failed,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Machine {
    phase: Phase,
    /// Whether the server is worth asking for streaming lists.
    streams: bool,
    /// Whether it forgot where a page began, so that the next list is asked for in one piece.
    unpaged: bool,
    /// Where a watch would go on; empty when only a list helps.
    version: String,
    /// Whether a complete set of objects was told.
    listed: bool,
    told: Told,
    /// Last sign of life.
    heard: Timestamp,
    /// Since when the watch holds, and whether it said anything.
    since: Option<Timestamp>,
    said: bool,
    /// The version was too old although a list had just been read.
    gone: bool,
    backoff: Backoff,
}

impl Machine {
    /// A stream that has not begun. `streams`: ask for streaming lists; `seed`: of the jitter.
    pub(crate) fn new(streams: bool, seed: u64, now: Timestamp) -> Self {
        Self {
            phase: Phase::Sleeping,
            streams,
            unpaged: false,
            version: String::new(),
            listed: false,
            told: Told::Loading,
            heard: now,
            since: None,
            said: false,
            gone: false,
            backoff: Backoff::new(seed),
        }
    }

    /// Whether it sleeps because the server could not be reached, so that news about the server are reason to wake it.
    pub(crate) fn is_waiting(&self) -> bool {
        self.phase == Phase::Sleeping && !self.backoff.is_slow()
    }

    /// Whether changes are told, rather than a list.
    pub(crate) fn is_watching(&self) -> bool {
        self.phase == Phase::Watching
    }

    /// One step; what is to be done is appended to `out`. Ends with at most one `Ask` or `Sleep`.
    pub(crate) fn step(&mut self, input: Input, now: Timestamp, out: &mut Vec<Output>) {
        if !matches!(input, Input::Woken | Input::Refresh | Input::Failed(_) | Input::Slow) {
            self.heard = now;
        }
        match input {
            Input::Woken if self.phase == Phase::Sleeping => self.ask_next(out),
            Input::Woken => {}
            Input::Refresh => {
                self.version.clear();
                self.ask_next(out);
            }
            Input::Answered => self.answered(now, out),
            Input::Slow => self.slow(out),
            Input::Applied(object) => self.applied(object, out),
            Input::Deleted(reference, version) => {
                self.advance(version);
                self.said = true;
                out.push(Output::Change(ObjectChange::Deleted(reference)));
            }
            Input::Bookmark { version, end } => self.bookmark(version, end, now, out),
            Input::Page(end) => self.page(end, out),
            Input::Ended => self.ended(now, out),
            Input::Failed(error) => self.failed(error, now, out),
        }
    }

    fn applied(&mut self, object: Object, out: &mut Vec<Output>) {
        if self.phase == Phase::Watching {
            self.advance(object.meta().resource_version);
        }
        self.said = true;
        out.push(Output::Change(ObjectChange::Applied(object)));
    }

    /// A version that is not a number (some servers of custom resources) is not kept: the watch is then taken up at the
    /// last bookmark, which repeats some changes and loses none.
    fn advance(&mut self, version: u64) {
        if version != 0 {
            self.version.clear();
            // Writing to a String cannot fail.
            let _ = std::fmt::Write::write_fmt(&mut self.version, format_args!("{version}"));
        }
    }

    fn ask_next(&mut self, out: &mut Vec<Output>) {
        let ask = if self.listed && !self.version.is_empty() { Ask::Watch { version: self.version.clone() } } else { self.list_anew() };
        self.ask(ask, out);
    }

    fn list_anew(&self) -> Ask {
        let version = if self.listed { String::new() } else { "0".to_owned() };
        if self.streams { Ask::Stream { version } } else { Ask::List { version, next: String::new(), paged: !self.unpaged } }
    }

    fn ask(&mut self, ask: Ask, out: &mut Vec<Output>) {
        self.phase = Phase::Asking(ask.clone());
        out.push(Output::Ask(ask));
    }

    fn answered(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let Phase::Asking(ask) = &self.phase else { return };
        self.phase = match ask {
            Ask::Stream { .. } => {
                out.push(Output::Change(ObjectChange::Listing));
                Phase::Streaming
            }
            Ask::List { next, .. } => {
                if next.is_empty() {
                    out.push(Output::Change(ObjectChange::Listing));
                }
                Phase::Listing
            }
            Ask::Watch { .. } => {
                self.watching(now, out);
                Phase::Watching
            }
        };
    }

    /// A watch holds from now on.
    fn watching(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        self.since = Some(now);
        self.said = false;
        self.tell(Told::Connected, StreamState::Connected, out);
    }

    fn bookmark(&mut self, version: String, end: bool, now: Timestamp, out: &mut Vec<Output>) {
        self.said = true;
        if !version.is_empty() {
            self.version = version;
        }
        if end && self.phase == Phase::Streaming {
            self.complete(out);
            self.phase = Phase::Watching;
            self.watching(now, out);
        }
    }

    fn page(&mut self, end: ListEnd, out: &mut Vec<Output>) {
        if !end.next.is_empty() {
            return self.ask(Ask::List { version: String::new(), next: end.next, paged: true }, out);
        }
        self.version = end.resource_version;
        self.unpaged = false;
        self.complete(out);
        // What was told is complete now; whether the watch will come is another question.
        self.tell(Told::Connected, StreamState::Connected, out);
        self.ask(Ask::Watch { version: self.version.clone() }, out);
    }

    fn complete(&mut self, out: &mut Vec<Output>) {
        self.listed = true;
        out.push(Output::Change(ObjectChange::Listed));
    }

    fn ended(&mut self, now: Timestamp, out: &mut Vec<Output>) {
        let abrupt = self.since.is_none_or(|s| now.as_millisecond() - s.as_millisecond() < ABRUPT_MILLIS) && !self.said;
        if self.phase == Phase::Watching && !abrupt {
            return self.ask_next(out);
        }
        let error = match self.phase {
            Phase::Streaming => TargetError::new(ErrorKind::Garbage, "the list ended in the middle"),
            _ => TargetError::new(ErrorKind::Server, "the watch was closed at once"),
        };
        self.failed(error, now, out);
    }

    /// Nothing has come for a while: what is shown can no longer be vouched for.
    fn slow(&mut self, out: &mut Vec<Output>) {
        if self.told == Told::Connected {
            self.tell(Told::Stale, StreamState::Stale { since: self.heard, reason: "waiting for an answer".into() }, out);
        }
    }

    fn failed(&mut self, error: TargetError, now: Timestamp, out: &mut Vec<Output>) {
        let held = self.since.take().is_some_and(|s| now.as_second() - s.as_second() >= STABLE_SECONDS);
        if held {
            self.backoff.reset();
            self.gone = false;
        }
        if self.another_way(&error, out) {
            return;
        }
        if self.phase != Phase::Watching && !matches!(&self.phase, Phase::Asking(Ask::Watch { .. })) {
            // Half a list is no place to go on from.
            self.version.clear();
        }
        self.phase = Phase::Sleeping;
        let denied = matches!(error.kind, ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Denied | ErrorKind::ReadOnly);
        if denied {
            self.refused(error, out);
        } else if held && error.kind != ErrorKind::Unauthorised {
            // Balancers and proxies close connections all the time: one quiet try before anybody is alarmed. It does not
            // stay quiet for long ([`Input::Slow`]).
            out.push(Output::Sleep(self.backoff.quiet()));
        } else {
            self.lost(error, out);
        }
    }

    /// Failures that have a way out other than waiting. Whether there was one.
    fn another_way(&mut self, error: &TargetError, out: &mut Vec<Output>) -> bool {
        let asked = match &self.phase {
            Phase::Asking(ask) => Some(ask),
            _ => None,
        };
        let in_page = matches!(asked, Some(Ask::List { next, .. }) if !next.is_empty());
        // In the middle: it took the question for an ordinary watch and will never mark the end, or cannot do it right; or it
        // is cut off, and then a list fails as well.
        let no_streaming = matches!(
            (&self.phase, error.kind),
            (Phase::Asking(Ask::Stream { .. }), ErrorKind::Invalid) | (Phase::Streaming, ErrorKind::Timeout | ErrorKind::Garbage)
        );
        let expired = error.kind == ErrorKind::Gone;
        if no_streaming {
            self.streams = false;
        } else if expired && in_page {
            self.unpaged = true;
        } else if !expired || std::mem::replace(&mut self.gone, true) {
            return false;
        }
        self.version.clear();
        let anew = self.list_anew();
        self.ask(anew, out);
        true
    }

    fn refused(&mut self, error: TargetError, out: &mut Vec<Output>) {
        self.tell(Told::Failed, StreamState::Failed { kind: error.kind, reason: error.message.clone() }, out);
        out.push(Output::Trouble(error));
        out.push(Output::Sleep(self.backoff.slow()));
    }

    fn lost(&mut self, error: TargetError, out: &mut Vec<Output>) {
        let wait = self.backoff.after(error.retry_after);
        if matches!(error.kind, ErrorKind::Garbage | ErrorKind::Invalid | ErrorKind::Gone | ErrorKind::Conflict | ErrorKind::Server) {
            out.push(Output::Trouble(error.clone()));
        }
        if self.listed && error.kind != ErrorKind::Unauthorised {
            self.tell(Told::Stale, StreamState::Stale { since: self.heard, reason: error.message }, out);
        } else {
            self.tell(Told::Failed, StreamState::Failed { kind: error.kind, reason: error.message }, out);
        }
        out.push(Output::Sleep(wait));
    }

    /// Tells a state. Good news once; bad news each time, since the reason may be another.
    fn tell(&mut self, told: Told, state: StreamState, out: &mut Vec<Output>) {
        if self.told != told || matches!(told, Told::Stale | Told::Failed) {
            self.told = told;
            out.push(Output::State(state));
        }
    }
}
