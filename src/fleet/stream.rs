//! What is known of each stream: its state, whether it ever was complete, and the first paint before that.
//!
//! Owns the answer to "can this kind be trusted now". Must not know objects.

use std::collections::BTreeMap;

use crate::base::text::Str;
use crate::target::event::StreamState;
use crate::target::model::{Kind, Scope, Seconds};
use crate::target::request::StreamKey;

/// Stale for longer than this is unknown (contract.md 1).
pub const STALE_AFTER: Seconds = 60;

/// One stream as the console sees it.
#[derive(Debug, Clone)]
pub struct Stream {
    /// Its state as the driver told it last.
    pub state: StreamState,
    /// A first list was complete.
    pub complete: bool,
    /// Number of the listing that is under way.
    pub(crate) listing: Option<u32>,
    /// kubectl's columns by a server-side Table, until the first list is complete.
    pub paint: Option<Paint>,
}

impl Stream {
    fn trust(&self, kind: Kind, now: Seconds) -> Trust {
        match &self.state {
            StreamState::Stale { since, reason } if now - since.as_second() > STALE_AFTER => {
                Trust::Lost(format!("{} stale for {} s: {reason}", kind.plural(), now - since.as_second()))
            }
            StreamState::Failed { reason, .. } => Trust::Lost(format!("{} cannot be read: {reason}", kind.plural())),
            _ if self.complete => Trust::Live,
            _ => Trust::Pending,
        }
    }
}

/// Rows that came before the objects: kubectl's own columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paint {
    /// Column titles.
    pub columns: Vec<Str>,
    /// Cells; the first is the name.
    pub rows: Vec<Vec<Str>>,
}

/// How far what was read of a kind can be trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trust {
    /// Complete and live, or stale for a moment only.
    Live,
    /// Nobody asked for it, or its first list is not complete.
    Pending,
    /// Stale for more than 60 s, or it cannot be read: in words.
    Lost(String),
}

/// All streams.
#[derive(Debug, Default)]
pub(crate) struct Streams {
    by_key: BTreeMap<StreamKey, Stream>,
}

impl Streams {
    pub(crate) fn entry(&mut self, key: &StreamKey) -> &mut Stream {
        self.by_key
            .entry(key.clone())
            .or_insert(Stream { state: StreamState::Loading, complete: false, listing: None, paint: None })
    }

    pub(crate) fn get(&self, key: &StreamKey) -> Option<&Stream> {
        self.by_key.get(key)
    }

    pub(crate) fn forget(&mut self, key: &StreamKey) {
        self.by_key.remove(key);
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&StreamKey, &Stream)> {
        self.by_key.iter()
    }

    /// The stream that brings objects of a kind in a namespace.
    pub(crate) fn covering(&self, kind: Kind, namespace: &Str) -> Option<&Stream> {
        let own = StreamKey { kind, scope: Scope::Namespace(namespace.clone()) };
        self.by_key.get(&own).or_else(|| self.by_key.get(&StreamKey { kind, scope: Scope::Cluster }))
    }

    /// How far objects of a kind in a namespace can be trusted at `now`.
    pub(crate) fn trust(&self, kind: Kind, namespace: &Str, now: Seconds) -> Trust {
        self.covering(kind, namespace).map_or(Trust::Pending, |stream| stream.trust(kind, now))
    }

    /// Why what was once seen of a kind, anywhere, cannot be trusted any more.
    pub(crate) fn lost(&self, kind: Kind, now: Seconds) -> Option<String> {
        let seen = self.by_key.iter().filter(|(key, stream)| key.kind == kind && stream.complete);
        seen.map(|(_, stream)| stream.trust(kind, now))
            .find_map(|trust| if let Trust::Lost(why) = trust { Some(why) } else { None })
    }

    /// When a kind that is stale now becomes unknown.
    pub(crate) fn loss(&self, kind: Kind, namespace: &Str) -> Option<Seconds> {
        match self.covering(kind, namespace)?.state {
            StreamState::Stale { since, .. } => Some(since.as_second() + STALE_AFTER + 1),
            _ => None,
        }
    }
}
