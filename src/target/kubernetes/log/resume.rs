//! Going on after a lost connection without showing a line twice or losing one.
//!
//! Owns the rule. The server can be asked for lines since a second, never since a line, so it sends some again: everything
//! up to the last line that was told is dropped, everything after it is new. When that line does not come again, the log
//! was rotated or is another run's: all that comes is new, and what may be missing cannot be told. Pure: no time, no network.

use jiff::{SignedDuration, Timestamp};

use super::lines::Line;

/// Runtimes stamp stdout and stderr apart, so that lines may stand in a file slightly out of the order of their times.
const DISORDER: SignedDuration = SignedDuration::from_secs(1);

/// How far before the last line to ask, so that the second it fell into is whole even in disorder.
const MARGIN: SignedDuration = SignedDuration::from_millis(100);

/// Lines that are held while the last one is looked for.
const HELD: usize = 50_000;
const HELD_BYTES: usize = 16 << 20;

/// How a resume came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    /// Nothing is missing.
    Exact,
    /// Lines may be missing, nobody knows how many.
    Unknown,
}

/// What was told of a log, as far as it is needed to go on.
#[derive(Debug, Default)]
pub(super) struct Resume {
    last: Option<Last>,
    search: Option<Search>,
}

/// The last line that was told.
#[derive(Debug, Clone)]
struct Last {
    at: Timestamp,
    identity: u64,
    /// Identities of all lines told of that very time, in order.
    same: Vec<u64>,
}

/// Looking for the last line in what comes after a reconnect.
#[derive(Debug)]
struct Search {
    /// How many lines equal to the last one are still to come.
    left: usize,
    held: Vec<Line>,
    bytes: usize,
}

impl Resume {
    /// The time of the last line that was told.
    pub(super) fn last(&self) -> Option<Timestamp> {
        self.last.as_ref().map(|l| l.at)
    }

    /// The connection was lost: returns the second to ask from, and looks for the last line in what comes. `None` when
    /// nothing was told yet, and the first question is to be asked again.
    pub(super) fn reconnect(&mut self) -> Option<i64> {
        let last = self.last.as_ref()?;
        let left = last.same.iter().filter(|i| **i == last.identity).count();
        self.search = Some(Search { left, held: Vec::new(), bytes: 0 });
        Some(last.at.checked_sub(MARGIN).unwrap_or(last.at).as_second())
    }

    /// Another run of the container begins: nothing of it was told.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Whether the last line is still looked for.
    pub(super) fn is_searching(&self) -> bool {
        self.search.is_some()
    }

    /// Takes a line and passes on what is new. Says how the resume came out, once.
    pub(super) fn take(&mut self, line: Line, out: &mut Vec<Line>) -> Option<Outcome> {
        let (Some(search), Some(last)) = (&mut self.search, &self.last) else {
            self.pass(line, out);
            return None;
        };
        match line.at {
            Some(at) if at < last.at.checked_sub(DISORDER).unwrap_or(last.at) => return None,
            Some(at) if at == last.at && line.identity == last.identity => {
                search.left -= 1;
                if search.left == 0 {
                    self.search = None;
                    return Some(Outcome::Exact);
                }
            }
            Some(at) if at > last.at.checked_add(DISORDER).unwrap_or(last.at) => {
                let outcome = self.give_up(out);
                self.pass(line, out);
                return outcome;
            }
            _ => {}
        }
        search.bytes += line.text.len();
        search.held.push(line);
        if search.held.len() > HELD || search.bytes > HELD_BYTES {
            let told = last.at;
            search.held.retain(|l| l.at.is_some_and(|at| at > told));
            return self.give_up(out);
        }
        None
    }

    /// Nothing more comes for now, or at all: what was held is new.
    pub(super) fn give_up(&mut self, out: &mut Vec<Line>) -> Option<Outcome> {
        let search = self.search.take()?;
        for line in search.held {
            self.pass(line, out);
        }
        Some(Outcome::Unknown)
    }

    fn pass(&mut self, line: Line, out: &mut Vec<Line>) {
        if let Some(at) = line.at {
            match &mut self.last {
                Some(last) if last.at == at => {
                    last.identity = line.identity;
                    last.same.push(line.identity);
                }
                last => *last = Some(Last { at, identity: line.identity, same: vec![line.identity] }),
            }
        }
        out.push(line);
    }
}

#[cfg(test)]
mod tests;
