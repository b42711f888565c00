//! Whether a release can go back to an image, given what the database has become.
//!
//! Owns that verdict. The image that is gone back to knows only its own revisions; what lies above them, and what it did, is told by an
//! image that has them.

use std::collections::BTreeSet;

use super::inspection::Inspection;
use super::sql::Harm;
use super::state::{MigrationState, below_all, some};

/// What going back to an image means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The database is where the image left it.
    Safe,
    /// The database has these revisions above the image: they must be taken back first, from an image that has them.
    NeedsDowngrade(Vec<String>),
    /// One of these revisions lost data that no downgrade brings back: what, in words.
    LosesData(Vec<String>, String),
    /// It is not known, and why.
    Unknown(String),
}

impl Verdict {
    /// Of an image, by its own inspection and by the newest that there is of the database.
    pub fn of(image: &Inspection, newest: &Inspection) -> Self {
        let position = match MigrationState::of(&image.on_database_of(newest)) {
            MigrationState::Known(position) => position,
            MigrationState::Unknown(why) => return Self::Unknown(why),
        };
        if !position.ahead.is_empty() {
            return Self::above(image, newest);
        }
        if position.is_at_head() {
            Self::Safe
        } else {
            Self::Unknown(format!("the database is no longer as the image left it: {}", position.words()))
        }
    }

    fn above(image: &Inspection, newest: &Inspection) -> Self {
        let own: BTreeSet<&str> = image.revisions.iter().map(|r| r.id.as_str()).collect();
        let known: BTreeSet<&str> = newest.revisions.iter().map(|r| r.id.as_str()).collect();
        if let Some(lost) = newest.applied.iter().find(|id| !known.contains(id.as_str()) && !own.contains(id.as_str())) {
            return Self::Unknown(format!("the database has {lost}, and no image that was inspected says what it did"));
        }
        let done = below_all(newest);
        let between: Vec<String> = newest
            .revisions
            .iter()
            .map(|r| &r.id)
            .filter(|id| done.contains(id.as_str()) && !own.contains(id.as_str()))
            .cloned()
            .collect();
        let statements = newest
            .scripts
            .iter()
            .filter(|s| between.contains(&s.id))
            .flat_map(|s| s.statements.iter().map(|one| (&s.id, one)));
        let untold = between.iter().find(|id| newest.scripts.iter().all(|s| s.id != **id));
        match (statements.filter(|(_, s)| s.harm.loses_data()).max_by_key(|(_, s)| s.harm == Harm::Destructive), untold) {
            (Some((id, statement)), _) => {
                let table = statement.table.as_deref().map(|t| format!(" in {t}")).unwrap_or_default();
                let words =
                    format!("{id} {}{table}: {}", if statement.harm == Harm::Unknown { "may have lost data" } else { "lost data" }, statement.text);
                Self::LosesData(between, words)
            }
            (None, Some(untold)) => Self::Unknown(format!("the database has {}, and what {untold} did is not known", some(&between))),
            (None, None) => Self::NeedsDowngrade(between),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::Verdict;
    use crate::migrate::Inspection;
    use crate::migrate::inspection::tests::{alembic, inspection};

    /// An image with the first of these revisions, and a database that is at `at`.
    fn seen(count: usize, at: &str) -> Inspection {
        let mut answer = alembic();
        let all = answer["revisions"].as_array().expect("revisions")[..count].to_vec();
        answer["heads"] = json!([all.last().expect("a revision")["id"]]);
        (answer["revisions"], answer["applied"]) = (json!(all), json!([at]));
        let script = |id: &str, sql: &str| json!({ "id": id, "sql": sql });
        answer["scripts"] = json!([script("b2", "ALTER TABLE rules ADD COLUMN note text"), script("c3", "ALTER TABLE rules DROP COLUMN body")]);
        inspection(&answer)
    }

    #[test]
    fn an_image_whose_newest_revision_the_database_has_is_safe() {
        assert_eq!(Verdict::of(&seen(2, "a1"), &seen(2, "b2")), Verdict::Safe);
        assert!(matches!(Verdict::of(&seen(2, "a1"), &seen(2, "a1")), Verdict::Unknown(why) if why.contains("1 pending: b2")));
    }

    #[test]
    fn what_was_added_above_it_must_be_taken_back_first() {
        assert_eq!(Verdict::of(&seen(1, "a1"), &seen(2, "b2")), Verdict::NeedsDowngrade(vec!["b2".into()]));
    }

    #[test]
    fn what_was_lost_above_it_does_not_come_back() {
        let verdict = Verdict::of(&seen(1, "a1"), &seen(3, "c3"));
        let lost = "c3 lost data in rules: ALTER TABLE rules DROP COLUMN body";
        assert_eq!(verdict, Verdict::LosesData(vec!["b2".into(), "c3".into()], lost.into()));
    }

    #[test]
    fn what_nobody_told_is_unknown() {
        assert!(matches!(Verdict::of(&seen(1, "a1"), &seen(2, "zz")), Verdict::Unknown(why) if why.contains("zz")));
        let mut untold = seen(2, "b2");
        untold.scripts.clear();
        assert!(matches!(Verdict::of(&seen(1, "a1"), &untold), Verdict::Unknown(why) if why.contains("b2 did is not known")));
    }
}
