//! Where the schema of a database stands against an image, as far as the record of releases says.
//!
//! Owns that judgement and its words, the same for screen and command line. It asks nobody: how old its word is, is part of it. Pure.

use jiff::{SignedDuration, Timestamp};
use schemars::JsonSchema;
use serde::Serialize;

use super::checks::BELIEVED;
use super::releases::{self, Record};
use crate::base::age;
use crate::base::health::Health;
use crate::migrate::inspection::Script;
use crate::migrate::{Harm, MigrationState, Position};

/// Where a database stood longer ago is no news of where it stands: somebody else may have moved it.
const NEWS: SignedDuration = SignedDuration::from_hours(24);
/// Clocks differ; by more than this, one of them is wrong.
const SKEW: SignedDuration = SignedDuration::from_mins(10);

/// Whether that time is ahead of this clock by more than clocks differ: nobody knows when it was.
pub(super) fn is_ahead(at: Timestamp, now: Timestamp) -> bool {
    at.duration_since(now) > SKEW
}

/// Whether what was said then tells of now.
pub(super) fn is_news(at: Timestamp, now: Timestamp) -> bool {
    !is_ahead(at, now) && now.duration_since(at) <= NEWS
}

/// `4m ago`; of a clock that is wrong, that.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    if is_ahead(at, now) { format!("dated {} ahead of this clock", age::coarse(now, at)) } else { format!("{} ago", age::coarse(at, now)) }
}

/// Where it stands, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Stand {
    /// All that the image has is applied.
    AtHead,
    /// The image has revisions that the database has not.
    Pending,
    /// The database has revisions that the image has not.
    Ahead,
    /// Something must be mended before anything is migrated.
    Refused,
    /// It is not known.
    Unknown,
}

/// Where it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// In a word.
    pub stand: Stand,
    /// In a line, its age among it.
    pub words: String,
    /// When the database was asked; `None` = never.
    pub at: Option<Timestamp>,
    /// It was asked not long ago.
    news: bool,
}

impl Standing {
    /// Nothing is known, and why.
    pub fn unknown(why: impl Into<String>) -> Self {
        Self { stand: Stand::Unknown, words: why.into(), at: None, news: true }
    }

    /// How well that is: what was said long ago is not known now.
    pub const fn health(&self) -> Health {
        match self.stand {
            _ if !self.news => Health::Unknown,
            Stand::AtHead => Health::Ok,
            Stand::Pending | Stand::Ahead | Stand::Refused => Health::Degraded,
            Stand::Unknown => Health::Unknown,
        }
    }
}

impl Record {
    /// Where the database stands against an image: by what that image said of its own revisions, and the newest word of the database.
    pub fn standing(&self, image: &str, now: Timestamp) -> Standing {
        let (own, newest) = match (releases::find(self.seen(), image), self.seen().first(), self.unread()) {
            (Some(own), Some(newest), _) => (own, newest),
            (_, _, Some(why)) => return Standing::unknown(format!("not known: {why}")),
            (None, Some(newest), _) => {
                let at = newest.inspection.applied.last().map_or("nothing", String::as_str);
                let words = format!("not inspected; the database was at {at}, {}", ago(newest.at, now));
                return Standing { at: Some(newest.at), ..Standing::unknown(words) };
            }
            _ => return Standing::unknown("not inspected"),
        };
        let there = own.inspection.on_database_of(&newest.inspection);
        let (stand, words) = match MigrationState::of(&there) {
            MigrationState::Unknown(why) => (Stand::Unknown, why),
            MigrationState::Known(position) => {
                let scripts = own.inspection.pending(&position);
                told(&position, &scripts, &there.tool)
            }
        };
        let words = format!("{words}, {}", ago(newest.at, now));
        Standing { stand, words, at: Some(newest.at), news: is_news(newest.at, now) }
    }

    /// Whether what is known of an image is enough to plan its migration on: it is of now, and nothing has moved the database since.
    pub fn is_fresh(&self, image: &str, now: Timestamp) -> bool {
        let (Some(own), Some(newest)) = (releases::find(self.seen(), image), self.seen().first()) else { return false };
        now.duration_since(own.at).unsigned_abs() <= BELIEVED && own.inspection.applied == newest.inspection.applied
    }
}

fn told(position: &Position, scripts: &[Script], tool: &str) -> (Stand, String) {
    if position.is_at_head() {
        return (Stand::AtHead, format!("at head {}", position.current.join(", ")));
    }
    if !position.ahead.is_empty() {
        return (Stand::Ahead, format!("the database is ahead by {}", position.ahead.join(", ")));
    }
    if let Some(refusal) = position.refusals(tool).into_iter().next() {
        return (Stand::Refused, refusal.reason);
    }
    let worst = scripts.iter().map(Script::harm).max().map_or("unknown", Harm::word);
    (Stand::Pending, format!("{} pending, {worst}: {}", position.pending.len(), position.pending.join(", ")))
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    use super::Stand;
    use crate::base::health::Health;
    use crate::migrate::inspection::tests::{alembic, inspection};
    use crate::run::migrate::Seen;
    use crate::run::migrate::releases::Record;
    use crate::run::migrate::releases::tests::seen;

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time")
    }

    fn record(all: &[Seen]) -> Record {
        Record::Read(all.to_vec())
    }

    #[test]
    fn where_the_schema_stands_is_told_with_its_age_and_never_as_good_when_nobody_knows() {
        let told = |record: &Record, minutes: i64| {
            let standing = record.standing("shop:2", at(minutes));
            (standing.stand, standing.health(), standing.words)
        };
        let pending = record(&[seen("shop:2", "a", 0)]);
        assert_eq!(told(&pending, 5), (Stand::Pending, Health::Degraded, "1 pending, destructive: c3, 5m ago".to_owned()));
        let mut done = seen("shop:2", "a", 0);
        done.inspection.applied = vec!["c3".into()];
        assert_eq!(told(&record(&[done.clone()]), 5), (Stand::AtHead, Health::Ok, "at head c3, 5m ago".to_owned()));
        assert_eq!(told(&record(&[done.clone()]), 25 * 60).1, Health::Unknown, "what was said a day ago is not known now");
        let (_, health, words) = told(&record(&[done]), -3 * 24 * 60);
        assert_eq!((health, words.as_str()), (Health::Unknown, "at head c3, dated 3d ahead of this clock"), "a clock is wrong");
        assert_eq!(told(&record(&[]), 5), (Stand::Unknown, Health::Unknown, "not inspected".to_owned()));
        let other = record(&[seen("shop:9", "b", 0)]);
        assert_eq!(told(&other, 5), (Stand::Unknown, Health::Unknown, "not inspected; the database was at b2, 5m ago".to_owned()));
        assert_eq!(told(&Record::Unread("forbidden".into()), 5).2, "not known: forbidden");
    }

    #[test]
    fn an_older_image_is_judged_by_the_newest_word_of_the_database() {
        let mut moved = seen("shop:3", "b", 9);
        let mut answer = alembic();
        answer["revisions"] = json!([{ "id": "a1" }, { "id": "b2", "down": ["a1"] }, { "id": "c3", "down": ["b2"] }, { "id": "d4", "down": ["c3"] }]);
        (answer["heads"], answer["applied"]) = (json!(["d4"]), json!(["d4"]));
        moved.inspection = inspection(&answer);
        let all = record(&[moved, seen("shop:2", "a", 0)]);
        let standing = all.standing("shop:2", at(10));
        assert_eq!((standing.stand, standing.words.as_str()), (Stand::Ahead, "the database is ahead by d4, 1m ago"));
        assert!(all.is_fresh("shop:3", at(10)) && !all.is_fresh("shop:2", at(10)), "another image moved the database");
        assert!(!all.is_fresh("shop:3", at(9) + SignedDuration::from_mins(11)));
    }
}
