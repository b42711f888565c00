//! Whether what is seen is live: the worst of what the streams say.
//!
//! Owns the judgement. Must not know how it is shown.

use jiff::Timestamp;

use super::App;
use crate::target::api::ErrorKind;
use crate::target::event::StreamState;

/// How live everything is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Live {
    /// The target cannot be opened, and why.
    NotOpen(String),
    /// It is being opened.
    Connecting,
    /// The server cannot be reached at all, and why.
    Lost(String),
    /// Something is not up to date.
    Stale {
        /// Since when, of what is so for longest.
        since: Timestamp,
        /// Why.
        reason: String,
    },
    /// First lists are under way.
    Reading {
        /// Kinds that are up to date.
        connected: usize,
        /// Kinds that are wanted.
        all: usize,
    },
    /// Everything that may be read is up to date.
    Live,
}

impl App {
    /// How live what is seen is.
    pub fn live(&self) -> Live {
        if let Some(problem) = &self.failure {
            return Live::NotOpen(problem.message.clone());
        }
        if self.opened.is_none() {
            return Live::Connecting;
        }
        let mut seen = Seen::default();
        for (_, stream) in self.fleet.streams() {
            seen.take(&stream.state);
        }
        seen.judge()
    }
}

/// What all streams say together.
#[derive(Default)]
struct Seen {
    all: usize,
    connected: usize,
    loading: usize,
    /// The one that is stale for longest, and why.
    stale: Option<(Timestamp, String)>,
    /// Cannot reach the server at all, and why. Missing rights are not this: they are problems of their own.
    lost: Option<String>,
}

impl Seen {
    fn take(&mut self, state: &StreamState) {
        self.all += 1;
        match state {
            StreamState::Loading => self.loading += 1,
            StreamState::Connected => self.connected += 1,
            StreamState::Stale { since, reason } => {
                if self.stale.as_ref().is_none_or(|(oldest, _)| since < oldest) {
                    self.stale = Some((*since, reason.clone()));
                }
            }
            StreamState::Failed { kind: ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Denied, .. } => self.all -= 1,
            StreamState::Failed { reason, .. } => self.lost = Some(reason.clone()),
        }
    }

    fn judge(self) -> Live {
        if let Some(reason) = self.lost.filter(|_| self.connected == 0) {
            return Live::Lost(reason);
        }
        if let Some((since, reason)) = self.stale {
            return Live::Stale { since, reason };
        }
        if self.loading > 0 || self.all == 0 {
            return Live::Reading { connected: self.connected, all: self.all };
        }
        Live::Live
    }
}
