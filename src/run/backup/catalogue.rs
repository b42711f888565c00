//! The catalogue of a service's backups: the ConfigMap `timonel-backups-<service>`, one JSON value per dump (contract.md 8).
//!
//! Owns its content. Beside each dump lies a file that says the same: whoever restores needs no cluster to know what he has. What is in
//! the catalogue is anybody's to write: it is cleaned and bounded, and a dump is read again before anything rests on it. Pure.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::Dump;
use super::report::Report;
use crate::base::health::Health;
use crate::base::id::object_name;
use crate::base::text::{Str, clean};
use crate::base::{age, duration, quantity};
use crate::run::entries;
use crate::run::plan::Plan;
use crate::target::api::WriteRequest;
use crate::target::model::{Kind, ObjectRef};

/// Dumps that are kept in it; of more, those that count no longer go first, then the oldest of the backup that has most of them. A ConfigMap
/// holds 1 MiB, an entry is below 4 KiB.
const MOST: usize = 100;
/// So many dumps before the newest say how large one is as a rule: an alarm that looks at the one before alone ends with the next one.
pub(super) const LAST: usize = 7;
/// What is dated later than this from now was dated by a clock that is wrong: it says nothing of its age.
const AHEAD: Duration = Duration::from_mins(10);

/// One dump.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Entry {
    /// Id of the backup that it is one of.
    pub backup: String,
    /// When it was verified.
    pub at: Timestamp,
    /// The run that made it.
    pub run: String,
    /// Whose run that was: `user@host`.
    pub by: String,
    /// The claim whose volume holds it.
    pub claim: String,
    /// Form of the file: `custom`.
    pub format: String,
    /// What makes it verified: `full-read`.
    pub verified: String,
    /// When all of it was read again, last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub read_again: Option<Timestamp>,
    /// Set when it was read again and was not what it was: it counts as a backup no longer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub damaged: Option<Damage>,
    /// What it was made for, in its operator's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Its copy in an object store, where one is declared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub copy: Option<Copy>,
    /// When its file was deleted from the volume, being older than it is kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gone: Option<Timestamp>,
    /// What is known of the file.
    #[serde(flatten)]
    pub report: Report,
}

impl Entry {
    /// What a run of that plan made. It is dated by when it was read, as its own clock says; else by now, when that is heard of: a run may
    /// be taken up days later.
    pub(in crate::run) fn of(plan: &Plan, dump: &Dump, mut report: Report, now: Timestamp) -> Self {
        let at = report.read_at.take().unwrap_or(now);
        let operator = &plan.inner.operator;
        Self {
            backup: dump.id.clone(),
            at,
            run: plan.id.clone(),
            by: format!("{}@{}", operator.user, operator.host),
            claim: dump.claim.clone(),
            format: "custom".to_owned(),
            verified: "full-read".to_owned(),
            read_again: None,
            damaged: None,
            label: dump.label.clone(),
            copy: None,
            gone: None,
            report,
        }
    }

    /// Whether something can be restored from it, as far as is known: here, or from where it was taken.
    fn counts(&self) -> bool {
        self.damaged.is_none() && (self.gone.is_none() || self.copy.as_ref().is_some_and(Copy::is_there))
    }

    /// When it was last known to be whole.
    pub fn whole_at(&self) -> Timestamp {
        self.read_again.map_or(self.at, |again| again.max(self.at))
    }
}

/// A copy of a dump in an object store.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Copy {
    /// `s3://BUCKET/PREFIX/`.
    pub to: String,
    /// What the store was found to have it by: `sha256`, `etag`, `read-back`; null when it does not.
    pub checked: Option<String>,
    /// Why it does not have it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
}

impl Copy {
    /// What came of the upload.
    pub(in crate::run) fn of(to: &str, uploaded: Result<String, String>) -> Self {
        let (checked, failed) = match uploaded {
            Ok(checked) => (Some(checked), None),
            Err(why) => (None, Some(why)),
        };
        Self { to: to.to_owned(), checked, failed }
    }

    /// Whether the store was found to have it.
    pub const fn is_there(&self) -> bool {
        self.checked.is_some() && self.failed.is_none()
    }

    /// In words.
    pub fn words(&self) -> String {
        match (&self.checked, &self.failed) {
            (Some(checked), None) => format!("{} ({checked})", self.to),
            (_, Some(why)) => format!("NOT UPLOADED: {why}"),
            (None, None) => "not uploaded".to_owned(),
        }
    }
}

/// What was wrong with a dump that was read again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Damage {
    /// When it was found.
    pub at: Timestamp,
    /// The run that found it.
    pub run: String,
    /// What is wrong.
    pub why: String,
}

/// What a run brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) enum News {
    /// It made a dump, and deleted these older files of the same backup after it.
    Made {
        /// The new one.
        entry: Box<Entry>,
        /// Names of the files.
        deleted: Vec<String>,
    },
    /// It read the dump of that run again, to its end.
    ReadAgain {
        /// The run that made it.
        of: String,
        /// When.
        at: Timestamp,
    },
    /// It found the dump of that run damaged.
    Damaged {
        /// The run that made it.
        of: String,
        /// How.
        damage: Damage,
    },
}

/// Whether a declared backup can be relied on, as far as the catalogue says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Freshness {
    /// The newest is young enough, or no age is declared.
    Fresh(Timestamp),
    /// The newest is older than it may be.
    Stale(Timestamp, Duration),
    /// The newest is less than half as large as one of the last few before it: something may be missing.
    Shrunk(Timestamp, u64, u64),
    /// The newest is to be in an object store as well, which does not have it.
    NotUploaded(Timestamp),
    /// The newest one was found damaged, and there is no other.
    Damaged(Timestamp),
    /// The catalogue knows none.
    None,
    /// The catalogue could not be read, and why.
    Unknown(String),
}

impl Freshness {
    /// Of the backup with that id, by the entries of the catalogue, the newest first.
    pub fn of(entries: &[Entry], backup: &str, most: Option<Duration>, now: Timestamp) -> Self {
        let all = || entries.iter().filter(|e| e.backup == backup);
        let ahead = |e: &Entry| Duration::try_from(e.at.duration_since(now)).is_ok_and(|ahead| ahead > AHEAD);
        let counting = || all().filter(|e| e.counts());
        let Some(newest) = counting().find(|e| !ahead(e)) else {
            let early = counting().next().map(|e| format!("the newest is dated {}, which is yet to come: a clock is wrong", e.at));
            let damage = all().find_map(|e| e.damaged.as_ref());
            return early.map_or_else(|| damage.map_or(Self::None, |damage| Self::Damaged(damage.at)), Self::Unknown);
        };
        let age = Duration::try_from(now.duration_since(newest.at)).unwrap_or_default();
        let bytes = newest.report.bytes;
        // What is deleted tells all the same how large they were.
        let before = all().filter(|e| e.damaged.is_none() && e.at < newest.at).take(LAST);
        let largest = before.map(|e| e.report.bytes).max().unwrap_or_default();
        match most {
            Some(most) if age > most => Self::Stale(newest.at, most),
            _ if bytes.saturating_mul(2) < largest => Self::Shrunk(newest.at, bytes, largest),
            _ if newest.copy.as_ref().is_some_and(|copy| !copy.is_there()) => Self::NotUploaded(newest.at),
            _ => Self::Fresh(newest.at),
        }
    }

    /// Whether it may be relied on.
    pub const fn is_good(&self) -> bool {
        matches!(self, Self::Fresh(_))
    }

    /// Whether there is one that was verified, however old.
    pub const fn is_there(&self) -> bool {
        matches!(self, Self::Fresh(_) | Self::Stale(..) | Self::Shrunk(..) | Self::NotUploaded(_))
    }

    /// How well that is: what cannot be relied on is a fault, what is not known is unknown.
    pub const fn health(&self) -> Health {
        match self {
            Self::Fresh(_) => Health::Ok,
            Self::Stale(..) | Self::Shrunk(..) | Self::NotUploaded(_) | Self::Damaged(_) | Self::None => Health::Degraded,
            Self::Unknown(_) => Health::Unknown,
        }
    }

    /// In one word.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Fresh(_) => "fresh",
            Self::Stale(..) => "stale",
            Self::Shrunk(..) => "shrunk",
            Self::NotUploaded(_) => "not-uploaded",
            Self::Damaged(_) => "damaged",
            Self::None => "none",
            Self::Unknown(_) => "unknown",
        }
    }

    /// In words.
    pub fn words(&self, now: Timestamp) -> String {
        match self {
            Self::Fresh(at) => format!("fresh, verified {} ago", age::coarse(*at, now)),
            Self::Stale(at, most) => format!("stale, verified {} ago and may be {} old", age::coarse(*at, now), duration::show(*most)),
            Self::Shrunk(at, bytes, before) => {
                format!(
                    "shrunk: {} of {} ago, and one shortly before had {}",
                    quantity::bytes(*bytes),
                    age::coarse(*at, now),
                    quantity::bytes(*before)
                )
            }
            Self::NotUploaded(at) => format!("not uploaded: verified {} ago, on its volume alone", age::coarse(*at, now)),
            Self::Damaged(at) => format!("damaged: found {} ago, and there is no other", age::coarse(*at, now)),
            Self::None => "none is known".to_owned(),
            Self::Unknown(why) => format!("unknown: {why}"),
        }
    }
}

/// The catalogue of a service in a namespace.
pub fn of(service: &str, namespace: &str) -> ObjectRef {
    ObjectRef::new(Kind::ConfigMap, Str::from(namespace), object_name(&format!("timonel-backups-{service}")))
}

/// What it says, the newest first. An entry that cannot be read is none.
pub fn read(raw: &Value) -> Vec<Entry> {
    let mut all: Vec<Entry> = keyed(raw).into_iter().map(|(_, entry)| entry).collect();
    all.sort_by(|a, b| (b.at, &b.run).cmp(&(a.at, &a.run)));
    all
}

fn keyed(raw: &Value) -> Vec<(String, Entry)> {
    let data = raw.pointer("/data").and_then(Value::as_object).into_iter().flatten().take(2 * MOST);
    let entry = |(key, value): (&String, &Value)| Some((key.clone(), cleaned(serde_json::from_str(value.as_str()?).ok()?)));
    data.filter_map(entry).collect()
}

fn cleaned(mut entry: Entry) -> Entry {
    let report = &mut entry.report;
    let texts = [&mut entry.backup, &mut entry.run, &mut entry.by, &mut entry.claim, &mut entry.format, &mut entry.verified];
    for part in texts.into_iter().chain([&mut report.file, &mut report.sha256, &mut report.revision]) {
        *part = clean(part).into_owned();
    }
    if let Some(label) = &mut entry.label {
        *label = clean(label).into_owned();
    }
    if let Some(copy) = &mut entry.copy {
        for part in std::iter::once(&mut copy.to).chain(&mut copy.checked).chain(&mut copy.failed) {
            *part = clean(part).into_owned();
        }
    }
    if let Some(damage) = &mut entry.damaged {
        damage.why = clean(&damage.why).into_owned();
        damage.run = clean(&damage.run).into_owned();
    }
    report.rows = report.rows.iter().map(|(table, rows)| (clean(table).into_owned(), *rows)).collect();
    entry
}

/// The request that takes in what a run brings; `None` when it is there already. `raw` is what is there now.
pub(in crate::run) fn update(record: ObjectRef, raw: Option<&Value>, news: &News) -> Option<WriteRequest> {
    let known = raw.map(keyed).unwrap_or_default();
    let (entry, deleted) = match news {
        News::Made { entry, deleted } => (entry, deleted),
        News::ReadAgain { of, at } => return changed(record, raw, &known, of, |e| e.read_again = Some(*at)),
        News::Damaged { of, damage } => return changed(record, raw, &known, of, |e| e.damaged = Some(damage.clone())),
    };
    if known.iter().any(|(key, _)| *key == entry.run) {
        return None;
    }
    let mut data = Map::new();
    let text = |entry: &Entry| Value::from(serde_json::to_string(entry).unwrap_or_default());
    let mut all = known;
    for (key, old) in &mut all {
        let same = old.backup == entry.backup && old.claim == entry.claim && old.gone.is_none();
        if same && deleted.contains(&old.report.file) {
            old.gone = Some(entry.at);
            data.insert(key.clone(), text(old));
        }
    }
    while all.len() + 1 > MOST {
        let (key, _) = all.remove(superfluous(&all));
        data.insert(key, Value::Null);
    }
    data.insert(entry.run.clone(), text(entry));
    Some(entries::request(record, raw, &data))
}

/// Which of them goes first where there are too many: one backup that is made every hour leaves those of another that is made every week.
fn superfluous(all: &[(String, Entry)]) -> usize {
    let of = |backup: &str| all.iter().filter(|(_, e)| e.backup == backup).count();
    let rank = |(key, e): &(String, Entry)| (e.counts(), std::cmp::Reverse(of(&e.backup)), e.at, key.clone());
    (0..all.len()).min_by_key(|at| rank(&all[*at])).unwrap_or_default()
}

/// The request that changes the entry of a run; `None` when there is none any more, or it says so already.
fn changed(record: ObjectRef, raw: Option<&Value>, known: &[(String, Entry)], of: &str, change: impl FnOnce(&mut Entry)) -> Option<WriteRequest> {
    let (key, entry) = known.iter().find(|(_, entry)| entry.run == of)?;
    let mut new = entry.clone();
    change(&mut new);
    let data = Map::from_iter([(key.clone(), serde_json::to_string(&new).unwrap_or_default().into())]);
    (new != *entry).then(|| entries::request(record, raw, &data))
}

#[cfg(test)]
pub(in crate::run) mod testing {
    //! Entries for tests.

    use jiff::Timestamp;

    use super::Entry;
    use crate::run::backup::report::Report;

    /// An entry of the backup `daily`, so many hours after the beginning.
    pub(in crate::run) fn entry(run: &str, hours: i64, bytes: u64) -> Entry {
        Entry {
            backup: "daily".into(),
            at: Timestamp::from_second(1_800_000_000 + hours * 3600).expect("a time"),
            run: run.into(),
            by: "ana@bastion".into(),
            claim: "backups".into(),
            format: "custom".into(),
            verified: "full-read".into(),
            read_again: None,
            damaged: None,
            label: None,
            copy: None,
            gone: None,
            report: Report {
                file: format!("shop-daily-{run}.dump"),
                bytes,
                sha256: "a".repeat(64),
                tables: 3,
                server: 15,
                client: 15,
                database_bytes: 2 * bytes,
                revision: "4f1c".into(),
                rows: [("rules".to_owned(), Some(200))].into(),
                read_at: None,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::testing::entry;
    use super::{Copy, Damage, Entry, Freshness, MOST, News, of, read, update};
    use crate::target::api::Change;

    fn record(entries: &[Entry]) -> Value {
        let data: serde_json::Map<String, Value> = entries.iter().map(|e| (e.run.clone(), serde_json::to_string(e).expect("JSON").into())).collect();
        json!({ "metadata": { "uid": "u1", "resourceVersion": "7" }, "data": data })
    }

    fn made(new: &Entry, deleted: &[&str]) -> News {
        News::Made { entry: Box::new(new.clone()), deleted: deleted.iter().map(|file| (*file).to_owned()).collect() }
    }

    fn data(record: Option<&Value>, new: &Entry) -> Option<Value> {
        let request = update(of("shop", "ns"), record, &made(new, &[]))?;
        match request.change {
            Change::MergePatch(body) | Change::Create(body) => Some(body["data"].clone()),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn what_was_written_is_read_again_the_newest_first_and_cleaned() {
        let (old, new) = (entry("r1", 0, 100), entry("r2", 1, 120));
        let mut all = record(&[old.clone(), new.clone()]);
        all["data"]["broken"] = "{".into();
        assert_eq!(read(&all), [new, old]);
        let hostile = Entry { by: "\u{1b}[2Jeve".into(), ..entry("r3", 2, 1) };
        assert!(!read(&record(&[hostile]))[0].by.contains('\u{1b}'));
    }

    #[test]
    fn a_dump_is_added_once_and_the_oldest_goes_when_there_are_too_many() {
        let new = entry("r-new", 900, 1);
        assert_eq!(data(None, &new).expect("made").as_object().map(serde_json::Map::len), Some(1));
        assert_eq!(data(Some(&record(std::slice::from_ref(&new))), &new), None, "it is there already");
        let full: Vec<Entry> = (0..MOST).map(|n| entry(&format!("r{n:03}"), i64::try_from(n).expect("small"), 1)).collect();
        let change = data(Some(&record(&full)), &new).expect("a change");
        assert_eq!((&change["r000"], change.as_object().map(serde_json::Map::len)), (&Value::Null, Some(2)));
    }

    #[test]
    fn what_is_found_of_a_dump_goes_into_its_own_entry() {
        let (one, two) = (entry("r1", 0, 100), entry("r2", 1, 100));
        let all = record(&[one.clone(), two]);
        let damage = Damage { at: one.at, run: "r9".into(), why: "half of it".into() };
        let request = |news: &News| update(of("shop", "ns"), Some(&all), news);
        let Some(Change::MergePatch(body)) = request(&News::Damaged { of: "r1".into(), damage: damage.clone() }).map(|r| r.change) else {
            unreachable!("a patch")
        };
        let changed: Entry = serde_json::from_str(body["data"]["r1"].as_str().expect("text")).expect("an entry");
        assert_eq!((body["data"].as_object().map(serde_json::Map::len), changed), (Some(1), Entry { damaged: Some(damage), ..one }));
        assert!(request(&News::ReadAgain { of: "gone".into(), at: changed_at() }).is_none());
    }

    #[test]
    fn what_retention_deleted_is_marked_and_counts_no_longer() {
        let (old, other) = (entry("r1", 0, 100), Entry { backup: "weekly".into(), ..entry("r2", 1, 100) });
        let all = record(&[old.clone(), other.clone()]);
        let new = entry("r3", 240, 100);
        let request = update(of("shop", "ns"), Some(&all), &made(&new, &[&old.report.file, &other.report.file]));
        let Some(Change::MergePatch(body)) = request.map(|r| r.change) else { unreachable!("a patch") };
        assert_eq!(body["data"].as_object().map(serde_json::Map::len), Some(2), "that of another backup stays: {body:#}");
        let gone: Entry = serde_json::from_str(body["data"]["r1"].as_str().expect("text")).expect("an entry");
        assert_eq!(gone, Entry { gone: Some(new.at), ..old.clone() });
        // The newest is damaged: what is left is no backup but by its copy in a store.
        let damage = Damage { at: new.at, run: "r9".into(), why: "half of it".into() };
        let damaged = Entry { damaged: Some(damage), ..new.clone() };
        let asked = |gone: &Entry| Freshness::of(&[damaged.clone(), gone.clone()], "daily", None, new.at);
        assert_eq!(asked(&gone), Freshness::Damaged(new.at));
        let copy = |checked: Option<&str>| Some(Copy { to: "s3://dumps/".into(), checked: checked.map(str::to_owned), failed: None });
        assert!(asked(&Entry { copy: copy(Some("etag")), ..gone.clone() }).is_good());
        assert_eq!(asked(&Entry { copy: copy(None), ..gone }), Freshness::Damaged(new.at));
    }

    #[test]
    fn a_backup_that_is_made_every_hour_does_not_push_out_one_that_is_made_every_week() {
        let weekly = Entry { backup: "weekly".into(), ..entry("w1", 0, 1) };
        let mut all: Vec<Entry> = (1..MOST).map(|n| entry(&format!("r{n:03}"), i64::try_from(n).expect("small"), 1)).collect();
        all.push(weekly);
        let new = entry("r-new", 900, 1);
        let change = data(Some(&record(&all)), &new).expect("a change");
        assert_eq!((&change["r001"], change.get("w1")), (&Value::Null, None));
        all[50].gone = Some(new.at);
        assert_eq!(data(Some(&record(&all)), &new).expect("a change")["r051"], Value::Null, "what is deleted goes first");
    }

    fn changed_at() -> Timestamp {
        entry("r", 5, 1).at
    }

    #[test]
    fn a_dump_that_a_declared_store_does_not_have_is_not_fresh() {
        let now = entry("r", 10, 1).at;
        let copy = |uploaded: Result<String, String>| Some(Copy::of("s3://dumps/", uploaded));
        let of = |copy| Freshness::of(&[Entry { copy, ..entry("r1", 9, 100) }], "daily", None, now);
        assert!(of(copy(Ok("sha256".into()))).is_good());
        let refused = of(copy(Err("AccessDenied".into())));
        assert_eq!((refused.word(), refused.is_good(), refused.is_there()), ("not-uploaded", false, true));
        assert_eq!(refused.words(now), "not uploaded: verified 1h ago, on its volume alone");
    }

    #[test]
    fn a_clock_that_is_ahead_makes_nothing_fresh_and_hides_nothing() {
        let now = entry("r", 10, 1).at;
        let of = |entries: &[Entry]| Freshness::of(entries, "daily", Some(Duration::from_hours(5)), now);
        let early = of(&[entry("r9", 90, 100)]);
        assert!(matches!(&early, Freshness::Unknown(why) if why.contains("a clock is wrong")), "{early:?}");
        assert!(matches!(of(&[entry("r9", 90, 100), entry("r1", 0, 100)]), Freshness::Stale(..)));
        assert!(of(&[entry("r9", 90, 100), entry("r2", 9, 100)]).is_good(), "a good one of now counts");
        let little = Entry { at: now + jiff::SignedDuration::from_mins(5), ..entry("r3", 0, 100) };
        assert!(of(&[little]).is_good(), "two clocks are never the same");
    }

    #[test]
    fn a_database_that_was_emptied_is_told_for_more_than_one_dump() {
        let at = |hours: i64, bytes| entry(&format!("r{hours:02}"), hours, bytes);
        let now = entry("r", 20, 1).at;
        let mut all = vec![at(0, 1000)];
        for hours in 1..=7 {
            all.insert(0, at(hours, 10));
            assert!(matches!(Freshness::of(&all, "daily", None, now), Freshness::Shrunk(_, 10, 1000)), "after {hours}");
        }
        // One that is as large as it was is well at once.
        let mut again = all.clone();
        again.insert(0, at(8, 900));
        assert!(Freshness::of(&again, "daily", None, now).is_good());
        all.insert(0, at(8, 10));
        assert!(Freshness::of(&all, "daily", None, now).is_good());
    }

    #[test]
    fn a_backup_is_fresh_stale_shrunk_or_none() {
        let now = Timestamp::from_second(1_800_000_000 + 10 * 3600).expect("a time");
        let day = Some(Duration::from_hours(26));
        let of = |entries: &[Entry], most| Freshness::of(entries, "daily", most, now);
        assert_eq!(of(&[], day), Freshness::None);
        assert!(of(&[entry("r1", 0, 100)], day).is_good() && of(&[entry("r1", 0, 100)], None).is_good());
        assert!(matches!(of(&[entry("r1", 0, 100)], Some(Duration::from_hours(9))), Freshness::Stale(..)));
        assert!(matches!(of(&[entry("r2", 9, 49), entry("r1", 0, 100)], day), Freshness::Shrunk(_, 49, 100)));
        assert!(of(&[entry("r2", 9, 50), entry("r1", 0, 100)], day).is_good());
        let damage = Damage { at: now, run: "r3".into(), why: "cut off".into() };
        let damaged = |entry: Entry| Entry { damaged: Some(damage.clone()), ..entry };
        assert_eq!(of(&[damaged(entry("r2", 9, 50))], day), Freshness::Damaged(now));
        assert_eq!(
            of(&[damaged(entry("r2", 9, 50)), entry("r1", 0, 100)], day),
            Freshness::Fresh(entry("r1", 0, 1).at),
            "the older one counts"
        );
        let other = Entry { backup: "weekly".into(), ..entry("r9", 9, 1) };
        assert_eq!(of(&[other], day), Freshness::None, "another backup is not this one");
    }
}
