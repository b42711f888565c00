//! Whether a release can go back to an image, given what the database has become.
//!
//! Owns that verdict. The image that is gone back to knows only its own revisions; what lies above them, what it did, and what taking it
//! back would lose, is told by an image that has them.

use std::collections::{BTreeMap, BTreeSet};

use super::back::{Loss, Return};
use super::inspection::Inspection;
use super::sql::{Harm, Statement};
use super::state::{MigrationState, below_all, some};

/// What going back to an image means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// The database is where the image left it.
    Safe,
    /// The database has revisions above the image: they must be taken back first, from an image that has them.
    NeedsDowngrade(WayBack),
    /// Data is lost: what, in words.
    LosesData(WayBack, Vec<String>),
    /// There is no way back through these revisions: why.
    Impossible(Vec<String>, String),
    /// The database has revisions above the image, and what taking them back means is not known: why.
    Above(String),
    /// It is not known, and why.
    Unknown(String),
}

/// What has to be taken back before an older image can run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WayBack {
    /// The revisions above the image, the oldest first.
    pub above: Vec<String>,
    /// What the database is at afterwards: Alembic's revision; the newest of each of Django's apps that moves, or `app.zero`.
    pub to: Vec<String>,
}

impl WayBack {
    /// The first few of its revisions.
    pub fn words(&self) -> String {
        some(&self.above)
    }
}

impl Verdict {
    /// Of an image, by its own inspection, by the newest that there is of the database, and by all that were made, the newest first.
    pub fn of(image: &Inspection, newest: &Inspection, all: &[&Inspection]) -> Self {
        let position = match MigrationState::of(&image.on_database_of(newest)) {
            MigrationState::Known(position) => position,
            MigrationState::Unknown(why) => return Self::Unknown(why),
        };
        if !position.ahead.is_empty() {
            return Self::above(image, newest, all);
        }
        if position.is_at_head() {
            Self::Safe
        } else {
            Self::Unknown(format!("the database is no longer as the image left it: {}", position.words()))
        }
    }

    fn above(image: &Inspection, newest: &Inspection, all: &[&Inspection]) -> Self {
        let own: BTreeSet<&str> = image.revisions.iter().flat_map(|r| r.replaces.iter().chain([&r.id])).map(String::as_str).collect();
        // An image that has all that the database has; what lies between is told by it.
        let knows = |i: &&&Inspection| {
            let known: BTreeSet<&str> = i.revisions.iter().map(|r| r.id.as_str()).collect();
            newest.applied.iter().all(|id| known.contains(id.as_str()) || own.contains(id.as_str()))
        };
        let Some(knowing) = all.iter().find(knows) else {
            let known: BTreeSet<&str> = all.iter().flat_map(|i| &i.revisions).map(|r| r.id.as_str()).collect();
            let lost = newest.applied.iter().find(|id| !known.contains(id.as_str()) && !own.contains(id.as_str()));
            let lost = lost.map_or_else(|| some(&newest.applied), String::clone);
            return Self::Above(format!("the database has {lost}, and no image that was inspected says what it did"));
        };
        let there = Inspection { applied: newest.applied.clone(), ..(*knowing).clone() };
        let done = below_all(&there);
        let is_above = |id: &&String| done.contains(id.as_str()) && !own.contains(id.as_str());
        let above: Vec<String> = knowing.revisions.iter().map(|r| &r.id).filter(is_above).cloned().collect();
        let way = WayBack { to: target(image, &above), above };
        if !matches!(newest.tool.as_str(), "alembic" | "django") {
            let why = format!("{} takes nothing back: only a newer migration or a restore does", newest.tool);
            return Self::Impossible(way.above, why);
        }
        Self::judged(way, all)
    }

    fn judged(way: WayBack, all: &[&Inspection]) -> Self {
        let known = |id: &String| all.iter().find_map(|i| i.returns.iter().find(|r| r.id == *id));
        let returns: BTreeMap<&String, Option<&Return>> = way.above.iter().map(|id| (id, known(id))).collect();
        let none = returns
            .iter()
            .find_map(|(id, r)| Some(format!("{id} cannot be taken back: {}", r.as_ref()?.irreversible.as_ref()?)));
        if let Some(why) = none {
            return Self::Impossible(way.above, why);
        }
        // What they did when they were applied: it does not come back with a downgrade.
        let script = |id: &String| all.iter().find_map(|i| Some((i.scripts.iter().find(|s| s.id == *id)?, *i)));
        let scripts: Vec<_> = way.above.iter().map(|id| (id, script(id))).collect();
        let statements = scripts.iter().filter_map(|(id, s)| s.map(|(s, i)| (*id, s, i)));
        let mut lost: Vec<String> = statements
            .flat_map(|(id, s, i)| s.statements.iter().filter(|s| s.harm.loses_data()).map(move |one| lost_before(id, one, i)))
            .collect();
        lost.extend(
            returns
                .iter()
                .flat_map(|(id, r)| r.iter().flat_map(|r| r.lost()).map(move |loss: &Loss| format!("taking {id} back loses {}", loss.words()))),
        );
        if !lost.is_empty() {
            return Self::LosesData(way, lost);
        }
        let unsaid = scripts.iter().find(|(_, s)| s.is_none()).map(|(id, _)| format!("what {id} did is not known"));
        let untold = returns.iter().find_map(|(id, r)| match r {
            None => Some(format!("what taking {id} back loses is not known: an image that has it must be inspected again")),
            Some(r) => r.untold.as_ref().map(|why| format!("what taking {id} back does is not known: {why}")),
        });
        match unsaid.or(untold) {
            Some(why) => Self::Above(format!("the database has {}, and {why}", way.words())),
            None => Self::NeedsDowngrade(way),
        }
    }

    /// The way that an ordered plan takes: where there is one.
    pub const fn way(&self) -> Option<&WayBack> {
        match self {
            Self::NeedsDowngrade(way) | Self::LosesData(way, _) => Some(way),
            _ => None,
        }
    }
}

/// What is gone since a revision was applied, with the size of its table as it is now.
fn lost_before(id: &str, statement: &Statement, seen: &Inspection) -> String {
    let may = if statement.harm == Harm::Unknown { "may have lost data" } else { "lost data" };
    let table = statement.table.as_deref().map(|t| format!(" in {t}")).unwrap_or_default();
    let size = statement.table.as_ref().and_then(|t| seen.database.sizes.get(t));
    // A table that the server has not counted yet has as many as it says of an empty one.
    let rows = size.filter(|s| s.rows > 0).map(|s| format!(" (about {} rows)", s.rows)).unwrap_or_default();
    format!("{id} {may}{table}{rows}: {}", statement.text)
}

/// Where the tool is told to go: what the image has as its newest.
fn target(image: &Inspection, above: &[String]) -> Vec<String> {
    if image.tool != "django" {
        return image.heads.clone();
    }
    let app = |id: &str| id.split('.').next().unwrap_or_default().to_owned();
    let apps: BTreeSet<String> = above.iter().map(|id| app(id)).collect();
    let newest = |name: &String| image.heads.iter().find(|id| app(id) == *name).cloned().unwrap_or_else(|| format!("{name}.zero"));
    apps.iter().map(newest).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use serde_json::{Value, json};

    use super::{Verdict, WayBack};
    use crate::migrate::Inspection;
    use crate::migrate::inspection::tests::{alembic, inspection};

    /// An image with the first of these revisions, and a database that is at `at`; `note` of what b2 added holds so many rows.
    pub(crate) fn seen(count: usize, at: &str, note: impl Into<Value>) -> Inspection {
        let note: Value = note.into();
        let mut answer = alembic();
        let all = answer["revisions"].as_array().expect("revisions")[..count].to_vec();
        answer["heads"] = json!([all.last().expect("a revision")["id"]]);
        (answer["revisions"], answer["applied"]) = (json!(all), json!([at]));
        // It tells of those that it has.
        let own = |all: [Value; 2]| json!(all[..count.saturating_sub(1)]);
        answer["scripts"] = own([
            json!({ "id": "b2", "sql": "ALTER TABLE rules ADD COLUMN note text" }),
            json!({ "id": "c3", "sql": "ALTER TABLE rules DROP COLUMN body" }),
        ]);
        answer["returns"] = own([
            json!({ "id": "b2", "sql": "ALTER TABLE rules DROP COLUMN note", "rows": { "rules.note": note } }),
            json!({ "id": "c3", "sql": "ALTER TABLE rules ADD COLUMN body text" }),
        ]);
        inspection(&answer)
    }

    fn verdict(image: &Inspection, newest: &Inspection) -> Verdict {
        Verdict::of(image, newest, &[newest, image])
    }

    fn way(above: &[&str]) -> WayBack {
        WayBack { above: above.iter().map(|id| (*id).to_owned()).collect(), to: vec!["a1".to_owned()] }
    }

    #[test]
    fn an_image_whose_newest_revision_the_database_has_is_safe() {
        assert_eq!(verdict(&seen(2, "a1", json!(0)), &seen(2, "b2", json!(0))), Verdict::Safe);
        assert!(matches!(verdict(&seen(2, "a1", json!(0)), &seen(2, "a1", json!(0))), Verdict::Unknown(why) if why.contains("1 pending: b2")));
    }

    #[test]
    fn what_was_added_above_it_must_be_taken_back_first() {
        assert_eq!(verdict(&seen(1, "a1", json!(0)), &seen(2, "b2", json!(0))), Verdict::NeedsDowngrade(way(&["b2"])));
    }

    #[test]
    fn rows_written_since_into_what_going_back_would_drop_are_a_loss_with_table_column_and_number() {
        let lost = |note: Value| match verdict(&seen(1, "a1", json!(0)), &seen(2, "b2", note)) {
            Verdict::LosesData(back, lost) if back == way(&["b2"]) => lost,
            other => unreachable!("{other:?}"),
        };
        assert_eq!(lost(json!(12_431)), ["taking b2 back loses rules.note (12431 rows)"]);
        assert_eq!(lost(Value::Null), ["taking b2 back loses rules.note (how many rows is not known)"]);
    }

    #[test]
    fn what_was_lost_above_it_does_not_come_back() {
        let found = verdict(&seen(1, "a1", json!(0)), &seen(3, "c3", json!(0)));
        let lost = "c3 lost data in rules (about 200 rows): ALTER TABLE rules DROP COLUMN body";
        assert_eq!(found, Verdict::LosesData(way(&["b2", "c3"]), vec![lost.into()]));
    }

    #[test]
    fn a_revision_that_cannot_be_taken_back_makes_it_impossible() {
        let mut newest = seen(2, "b2", json!(0));
        newest.returns[0].irreversible = Some("its downgrade only raises".into());
        let found = verdict(&seen(1, "a1", json!(0)), &newest);
        assert_eq!(found, Verdict::Impossible(vec!["b2".into()], "b2 cannot be taken back: its downgrade only raises".into()));
        // A tool that takes nothing back.
        let tool = |mut i: Inspection| {
            i.tool = "prisma".into();
            i
        };
        let found = verdict(&tool(seen(1, "a1", json!(0))), &tool(seen(2, "b2", json!(0))));
        assert!(matches!(&found, Verdict::Impossible(_, why) if why.contains("prisma takes nothing back")), "{found:?}");
    }

    #[test]
    fn what_nobody_told_is_unknown() {
        let image = seen(1, "a1", json!(0));
        assert!(matches!(verdict(&image, &seen(2, "zz", json!(0))), Verdict::Above(why) if why.contains("zz")));
        for part in ["scripts", "returns"] {
            let mut untold = seen(2, "b2", json!(0));
            if part == "scripts" {
                untold.scripts.clear();
            } else {
                untold.returns.clear();
            }
            assert!(matches!(verdict(&image, &untold), Verdict::Above(why) if why.contains("is not known")), "{part}");
        }
        let mut untold = seen(2, "b2", json!(0));
        untold.returns[0].untold = Some("it asks the database".into());
        assert!(matches!(verdict(&image, &untold), Verdict::Above(why) if why.contains("it asks the database")));
    }

    #[test]
    fn an_older_image_that_was_asked_last_says_where_the_database_is_and_a_newer_one_what_lies_between() {
        let (image, knowing) = (seen(1, "b2", json!(0)), seen(2, "b2", json!(3)));
        assert!(matches!(Verdict::of(&image, &image, &[&image, &knowing]), Verdict::LosesData(..)));
    }

    #[test]
    fn each_app_of_django_goes_to_what_the_image_has_of_it() {
        let answer = |names: &[&str], applied: &[&str]| {
            let mut answer = alembic();
            answer["tool"] = json!("django");
            let all: Vec<Value> = names.iter().map(|n| json!({ "id": n, "down": [] })).collect();
            let heads: Vec<&&str> = names.iter().filter(|n| !n.ends_with("0001") || !names.contains(&&*n.replace("0001", "0002"))).collect();
            (answer["revisions"], answer["heads"], answer["applied"]) = (json!(all), json!(heads), json!(applied));
            let scripts: Vec<Value> = names.iter().map(|n| json!({ "id": n, "sql": "CREATE TABLE t (id int)" })).collect();
            let returns: Vec<Value> = names.iter().map(|n| json!({ "id": n, "sql": "DROP TABLE t", "rows": { "t": 0 } })).collect();
            (answer["scripts"], answer["returns"]) = (json!(scripts), json!(returns));
            inspection(&answer)
        };
        let all = ["shop.0001", "shop.0002", "tags.0001"];
        let found = verdict(&answer(&["shop.0001"], &all), &answer(&all, &all));
        let wanted = WayBack { above: vec!["shop.0002".into(), "tags.0001".into()], to: vec!["shop.0001".into(), "tags.zero".into()] };
        assert_eq!(found, Verdict::NeedsDowngrade(wanted));
    }
}
