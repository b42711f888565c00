//! The five words for how well something is, and how they add up (contract.md 1).
//!
//! Owns the order of the words. Must not know what they are derived from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How well a workload, a probe or a whole service is.
///
/// `Unknown` is a result of its own: what could not be read is never drawn as good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Health {
    /// Works as wanted.
    Ok,
    /// Works, but less than wanted.
    Degraded,
    /// Does not work.
    Down,
    /// Could not be found out.
    Unknown,
    /// Not wanted at the moment: scaled to zero, suspended, optional and not implemented.
    Off,
}

impl Health {
    /// The word as scripts and people read it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Degraded => "degraded",
            Self::Down => "down",
            Self::Unknown => "unknown",
            Self::Off => "off",
        }
    }

    /// The worse of two: down > degraded > unknown > ok > off.
    ///
    /// `Off` does not count, so it loses against everything.
    #[must_use]
    pub fn worse(self, other: Self) -> Self {
        if other.severity() > self.severity() { other } else { self }
    }

    /// The worst of a group; `None` for an empty group, `Off` when nothing but off is in it.
    pub fn worst(group: impl IntoIterator<Item = Self>) -> Option<Self> {
        group.into_iter().reduce(Self::worse)
    }

    /// A number that sorts by how much attention it deserves; larger is worse.
    pub const fn severity(self) -> u8 {
        match self {
            Self::Off => 0,
            Self::Ok => 1,
            Self::Unknown => 2,
            Self::Degraded => 3,
            Self::Down => 4,
        }
    }

    /// The exit code of `timonel status`: the convention of monitoring plugins (cli.md).
    pub const fn exit_code(self) -> u8 {
        match self {
            Self::Ok | Self::Off => 0,
            Self::Degraded => 1,
            Self::Down => 2,
            Self::Unknown => 3,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Health::{self, Degraded, Down, Off, Ok, Unknown};

    #[test]
    fn down_beats_degraded_beats_unknown_beats_ok_and_off_does_not_count() {
        assert_eq!(Health::worst([Ok, Unknown]), Some(Unknown));
        assert_eq!(Health::worst([Unknown, Degraded]), Some(Degraded));
        assert_eq!(Health::worst([Degraded, Down, Ok]), Some(Down));
        assert_eq!(Health::worst([Off, Ok]), Some(Ok));
        assert_eq!(Health::worst([Off]), Some(Off));
        assert_eq!(Health::worst([]), None);
    }
}
