//! What is known of the backups that a service file declares, and what rests on it: rows of health, and preconditions.
//!
//! Owns that what could not be read is unknown, never fresh and never none. Reads the catalogue by one GET.

use std::time::Duration;

use jiff::Timestamp;

use super::catalogue::{self, Entry, Freshness};
use crate::run::check::Check;
use crate::target::api::{ErrorKind, Read};
use crate::target::model::ObjectRef;

/// What is known of the dumps of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// What the catalogue says, the newest first; none is empty.
    Read(Vec<Entry>),
    /// It could not be read, and why.
    Unread(String),
}

impl Default for Known {
    fn default() -> Self {
        Self::Unread("nobody read the catalogue yet".to_owned())
    }
}

/// What a precondition asks of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// The newest is verified, young enough, and not much smaller than the one before.
    Fresh,
    /// There is one that was verified, however old.
    Verified,
}

impl Wanted {
    /// The word as service files write it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Fresh => "fresh",
            Self::Verified => "verified",
        }
    }
}

impl Known {
    /// Reads a catalogue.
    pub async fn of(read: &dyn Read, catalogue: &ObjectRef) -> Self {
        match read.get(catalogue, "").await {
            Ok(raw) => Self::Read(catalogue::read(&raw)),
            Err(error) if error.kind == ErrorKind::NotFound => Self::Read(Vec::new()),
            Err(error) => Self::Unread(format!("the catalogue cannot be read: {}", error.message.trim_end_matches('.'))),
        }
    }

    /// The dumps that are known, the newest first.
    pub fn entries(&self) -> &[Entry] {
        match self {
            Self::Read(entries) => entries,
            Self::Unread(_) => &[],
        }
    }

    /// Whether a declared backup can be relied on; `most` is the age that it may have.
    pub fn freshness(&self, backup: &str, most: Option<Duration>, now: Timestamp) -> Freshness {
        match self {
            Self::Read(entries) => Freshness::of(entries, backup, most, now),
            Self::Unread(why) => Freshness::Unknown(why.clone()),
        }
    }

    /// The precondition that a backup is as wanted (contract.md 4): required, and overridable with a reason.
    pub fn check(&self, backup: &str, most: Option<Duration>, wanted: Wanted, now: Timestamp) -> Check {
        let check = Check::overridable(format!("backup:{backup} {}", wanted.word()));
        let freshness = self.freshness(backup, most, now);
        let detail = format!("backup {backup}: {}", freshness.words(now));
        let holds = match wanted {
            Wanted::Fresh => freshness.is_good(),
            Wanted::Verified => freshness.is_there(),
        };
        match freshness {
            Freshness::Unknown(_) => check.unknown(detail, "the right to get this ConfigMap, or a server that answers"),
            _ if holds => check.ok(detail),
            _ => check.failed(detail, format!("timonel run backup {backup}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;

    use super::{Known, Wanted};
    use crate::run::backup::catalogue::testing::entry;
    use crate::run::check::Answer;

    #[test]
    fn a_gate_is_failed_without_a_fresh_backup_and_unknown_without_a_catalogue() {
        let now = Timestamp::from_second(1_800_000_000 + 10 * 3600).expect("a time");
        let day = Some(Duration::from_hours(5));
        let old = Known::Read(vec![entry("r1", 0, 100)]);
        let asked = |known: &Known, wanted| known.check("daily", day, wanted, now).result;
        assert_eq!((asked(&old, Wanted::Fresh), asked(&old, Wanted::Verified)), (Answer::Failed, Answer::Ok));
        let young = Known::Read(vec![entry("r2", 9, 100), entry("r1", 0, 100)]);
        assert_eq!(asked(&young, Wanted::Fresh), Answer::Ok);
        let none = Known::Read(Vec::new());
        assert_eq!((asked(&none, Wanted::Fresh), asked(&none, Wanted::Verified)), (Answer::Failed, Answer::Failed));
        let unread = Known::Unread("forbidden".to_owned());
        assert_eq!((asked(&unread, Wanted::Fresh), asked(&unread, Wanted::Verified)), (Answer::Unknown, Answer::Unknown));
        let check = young.check("daily", day, Wanted::Fresh, now);
        assert!(check.required && check.overridable && check.id == "backup:daily fresh", "{check:?}");
    }
}
