//! The record of what a service's images are like: the ConfigMap `timonel-releases-<service>`, one JSON value per image (contract.md 8).
//!
//! Owns its content. What is in it is anybody's to write: it is cleaned and bounded, and a migration asks again before it changes
//! anything. Pure.

use jiff::Timestamp;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use super::answer::Seen;
use super::standing::is_ahead;
use crate::base::id::{hex, object_name};
use crate::base::text::{Str, clean};
use crate::migrate::Inspection;
use crate::run::{entries, image};
use crate::target::api::{ErrorKind, Read, WriteRequest};
use crate::target::model::{Kind, ObjectRef};

/// Images that are kept in it; of more, those that were asked longest ago go.
const MOST: usize = 50;
/// Bytes of all entries together: a ConfigMap holds 1 MiB. What is over goes as well, those that were asked longest ago first.
const TOTAL: usize = 900 * 1024;
/// Bytes of an entry; what is over loses its scripts, and is not kept when it is over still.
const ENTRY: usize = 64 * 1024;
/// Settings of a release that are kept.
const SETTINGS: usize = 100;
/// Names of one image that are kept.
const NAMES: usize = 5;

/// What is known of the images of a service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// What the record says, the newest first; none is empty.
    Read(Vec<Seen>),
    /// It could not be read, and why.
    Unread(String),
}

impl Default for Record {
    fn default() -> Self {
        Self::Unread("nobody read the record yet".to_owned())
    }
}

impl Record {
    /// Reads a record by one GET.
    pub async fn of(target: &dyn Read, record: &ObjectRef) -> Self {
        match target.get(record, "").await {
            Ok(raw) => Self::Read(read(&raw)),
            Err(error) if error.kind == ErrorKind::NotFound => Self::Read(Vec::new()),
            Err(error) => Self::Unread(error.message.trim_end_matches('.').to_owned()),
        }
    }

    /// What is known of each image, the newest first.
    pub fn seen(&self) -> &[Seen] {
        match self {
            Self::Read(seen) => seen,
            Self::Unread(_) => &[],
        }
    }

    /// Why it could not be read.
    pub fn unread(&self) -> Option<&str> {
        match self {
            Self::Read(_) => None,
            Self::Unread(why) => Some(why),
        }
    }
}

/// The record of a service in a namespace.
pub fn of(service: &str, namespace: &str) -> ObjectRef {
    ObjectRef::new(Kind::ConfigMap, Str::from(namespace), object_name(&format!("timonel-releases-{service}")))
}

/// What it says, the newest first. An entry that cannot be read is none.
pub fn read(raw: &Value) -> Vec<Seen> {
    let mut all: Vec<Seen> = keyed(raw).into_iter().map(|(_, seen)| seen).collect();
    all.sort_by(|a, b| (b.at, &b.run).cmp(&(a.at, &a.run)));
    all
}

/// What is known of an image, by its name or by the digest in it.
pub fn find<'a>(all: &'a [Seen], image: &str) -> Option<&'a Seen> {
    let same = |seen: &&Seen| image::digest(image).is_some_and(|digest| digest == seen.digest);
    all.iter().find(|seen| seen.images.iter().any(|name| name == image)).or_else(|| all.iter().find(same))
}

fn keyed(raw: &Value) -> Vec<(String, Seen)> {
    let data = raw.pointer("/data").and_then(Value::as_object).into_iter().flatten().take(2 * MOST);
    let entry = |(key, value): (&String, &Value)| Some((key.clone(), cleaned(serde_json::from_str(value.as_str()?).ok()?)));
    data.filter_map(entry).collect()
}

fn cleaned(mut seen: Seen) -> Seen {
    seen.images.truncate(NAMES);
    for part in seen.images.iter_mut().chain([&mut seen.digest, &mut seen.run, &mut seen.by]) {
        *part = clean(part).into_owned();
    }
    let settings = seen
        .settings
        .into_iter()
        .take(SETTINGS)
        .map(|(name, version)| (clean(&name).into_owned(), clean(&version).into_owned()));
    Seen { inspection: seen.inspection.cleaned(), settings: settings.collect(), ..seen }
}

/// The key of an image: its digest where that is known.
fn key(seen: &Seen) -> String {
    let digest = seen.digest.strip_prefix("sha256:").filter(|d| d.len() == 64 && d.bytes().all(|b| b.is_ascii_hexdigit()));
    digest.map_or_else(
        || format!("name-{}", hex(&Sha256::digest(seen.images.first().map_or("", String::as_str)))),
        |digest| format!("sha256-{digest}"),
    )
}

/// The request that keeps an answer; `None` when there is a newer one of the same image, or it is too large. `raw` is what is there now.
///
/// What is dated ahead of this clock would be the newest word for as long as that time is not there, whatever is said until then: nobody
/// knows when it was, and it goes.
pub(in crate::run) fn update(record: ObjectRef, raw: Option<&Value>, seen: &Seen, now: Timestamp) -> Option<WriteRequest> {
    let (ahead, known): (Vec<_>, Vec<_>) = raw.map(keyed).unwrap_or_default().into_iter().partition(|(_, seen)| is_ahead(seen.at, now));
    let key = key(seen);
    let mut seen = seen.clone();
    if let Some((_, before)) = known.iter().find(|(k, _)| *k == key) {
        // A run that took back what it did says so once more.
        let same = before.run == seen.run && before.inspection.applied == seen.inspection.applied;
        if before.at > seen.at || same {
            return None;
        }
        seen.images
            .extend(before.images.iter().filter(|name| !seen.images.contains(name)).cloned().collect::<Vec<_>>());
        seen.images.truncate(NAMES);
        // A migration does not say again what its revisions do.
        let new = seen.inspection.scripts.is_empty() && seen.inspection.revisions == before.inspection.revisions;
        if new {
            seen.inspection.scripts.clone_from(&before.inspection.scripts);
        }
    }
    let mut data: Map<String, Value> = ahead.into_iter().map(|(key, _)| (key, Value::Null)).collect();
    // A name belongs to one image: the newest that was asked under it.
    for (other, old) in known.iter().filter(|(k, _)| *k != key) {
        let mut old = old.clone();
        let before = old.images.len();
        old.images.retain(|name| Some(name) != seen.images.first());
        if old.images.len() < before && !old.images.is_empty() {
            data.insert(other.clone(), serde_json::to_string(&old).unwrap_or_default().into());
        } else if old.images.is_empty() {
            data.insert(other.clone(), Value::Null);
        }
    }
    let mut oldest: Vec<&(String, Seen)> = known.iter().filter(|(k, _)| *k != key).collect();
    oldest.sort_by_key(|(key, seen)| (seen.at, key.clone()));
    let own = small(seen)?;
    let size = |key: &String| raw.and_then(|raw| raw.pointer("/data")?.get(key)?.as_str()).map_or(0, str::len);
    let mut total = own.len() + oldest.iter().map(|(key, _)| size(key)).sum::<usize>();
    let mut over = (oldest.len() + 1).saturating_sub(MOST);
    for (at, (key, _)) in oldest.iter().enumerate() {
        if at >= over && total <= TOTAL {
            break;
        }
        (over, total) = (over.max(at + 1), total - size(key));
    }
    data.extend(oldest.iter().take(over).map(|(key, _)| (key.clone(), Value::Null)));
    data.insert(key, own.into());
    Some(entries::request(record, raw, &data))
}

/// An entry within its bounds: what revisions do is told shorter first.
fn small(mut seen: Seen) -> Option<String> {
    let text = |seen: &Seen| serde_json::to_string(seen).ok();
    let fits = |text: &String| text.len() <= ENTRY;
    if let Some(whole) = text(&seen).filter(fits) {
        return Some(whole);
    }
    seen.inspection = worst_only(seen.inspection);
    if let Some(shorter) = text(&seen).filter(fits) {
        return Some(shorter);
    }
    seen.inspection.scripts.clear();
    seen.inspection.there.clear();
    seen.inspection.returns.clear();
    seen.inspection.database.sizes.clear();
    text(&seen).filter(fits)
}

fn worst_only(mut inspection: Inspection) -> Inspection {
    for script in &mut inspection.scripts {
        let worst = script.statements.iter().max_by_key(|s| s.harm).cloned();
        script.more += script.statements.len().saturating_sub(1);
        script.statements = worst.into_iter().collect();
    }
    for back in &mut inspection.returns {
        // The first is the largest.
        back.losses.truncate(1);
    }
    inspection
}

#[cfg(test)]
pub(in crate::run) mod tests {
    use jiff::Timestamp;
    use serde_json::{Value, json};

    use super::{ENTRY, MOST, find, key, of, read, small, update};
    use crate::migrate::inspection::tests::{alembic, inspection};
    use crate::run::migrate::Seen;
    use crate::target::api::Change;

    pub(in crate::run) fn seen(image: &str, digest: &str, minutes: i64) -> Seen {
        Seen {
            images: vec![image.into()],
            digest: if digest.is_empty() { String::new() } else { format!("sha256:{}", digest.repeat(64)) },
            at: Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time"),
            run: format!("r{minutes}"),
            by: "ana@bastion".into(),
            pulled: false,
            settings: std::collections::BTreeMap::new(),
            inspection: inspection(&alembic()),
        }
    }

    pub(in crate::run) fn record(all: &[Seen]) -> Value {
        let data: serde_json::Map<String, Value> = all.iter().map(|s| (key(s), serde_json::to_string(s).expect("JSON").into())).collect();
        json!({ "metadata": { "uid": "u1", "resourceVersion": "7" }, "data": data })
    }

    fn data(raw: Option<&Value>, seen: &Seen) -> Option<Value> {
        data_at(raw, seen, 100)
    }

    fn data_at(raw: Option<&Value>, seen: &Seen, minutes: i64) -> Option<Value> {
        let now = Timestamp::from_second(1_800_000_000 + minutes * 60).expect("a time");
        match update(of("shop", "ns"), raw, seen, now)?.change {
            Change::MergePatch(body) | Change::Create(body) => Some(body["data"].clone()),
            other => unreachable!("{other:?}"),
        }
    }

    #[test]
    fn what_was_written_is_found_by_name_and_cleaned() {
        let (one, two) = (seen("shop:1", "a", 0), seen("shop:2", "b", 1));
        let all = read(&record(&[one.clone(), two.clone()]));
        assert_eq!(all, [two.clone(), one]);
        assert_eq!((find(&all, "shop:2"), find(&all, "shop:3")), (Some(&two), None));
        let hostile = Seen { by: "\u{1b}[2Jeve".into(), ..seen("shop:4", "c", 2) };
        assert!(!read(&record(&[hostile]))[0].by.contains('\u{1b}'));
    }

    #[test]
    fn a_name_that_moved_to_another_image_is_taken_from_the_one_before() {
        let (old, new) = (seen("shop:latest", "a", 0), seen("shop:latest", "b", 1));
        let change = data(Some(&record(std::slice::from_ref(&old))), &new).expect("a change");
        assert_eq!(change[key(&old)], Value::Null, "{change:#}");
        let named = Seen { images: vec!["shop:latest".into(), "shop:1".into()], ..old.clone() };
        let change = data(Some(&record(&[named])), &new).expect("a change");
        assert!(change[key(&old)].as_str().is_some_and(|entry| entry.contains("shop:1") && !entry.contains("latest")), "{change:#}");
    }

    #[test]
    fn what_revisions_do_is_kept_when_a_migration_does_not_say_it_again() {
        let before = seen("shop:1", "a", 0);
        let mut after = seen("shop:1", "a", 1);
        (after.inspection.scripts, after.inspection.applied) = (Vec::new(), vec!["c3".into()]);
        let raw = record(std::slice::from_ref(&before));
        let change = data(Some(&raw), &after).expect("a change");
        let kept: Seen = serde_json::from_str(change[key(&after)].as_str().expect("an entry")).expect("JSON");
        assert_eq!((kept.inspection.scripts, kept.inspection.applied), (before.inspection.scripts.clone(), vec!["c3".to_owned()]));
        assert_eq!(data(Some(&raw), &seen("shop:1", "a", -1)), None, "a newer one stays");
    }

    #[test]
    fn what_a_clock_that_was_ahead_has_dated_hides_no_newer_answer() {
        let (wrong, other) = (seen("shop:2", "b", 30 * 24 * 60), seen("shop:9", "c", 30 * 24 * 60));
        let raw = record(&[wrong.clone(), other.clone(), seen("shop:1", "a", 0)]);
        let new = seen("shop:2", "b", 5);
        let change = data_at(Some(&raw), &new, 5).expect("it is kept");
        let kept: Seen = serde_json::from_str(change[key(&new)].as_str().expect("an entry")).expect("JSON");
        assert_eq!((kept.at, &change[key(&other)]), (new.at, &Value::Null), "{change:#}");
        // A clock that is ahead by minutes is none that is wrong.
        assert_eq!(data_at(Some(&record(&[seen("shop:2", "b", 10)])), &new, 5), None);
    }

    #[test]
    fn it_stays_within_its_bounds() {
        let all: Vec<Seen> = (0..50_i64).map(|n| seen(&format!("shop:{n}"), "", n)).collect();
        assert_eq!(all.len(), MOST);
        let gone = |raw: &Value| {
            let change = data(Some(raw), &seen("shop:new", "f", 90)).expect("a change");
            change.as_object().map(|data| data.values().filter(|v| v.is_null()).count())
        };
        assert_eq!(gone(&record(&all)), Some(1));
        // Long ones are fewer: a ConfigMap holds no more.
        let mut raw = record(&all[..20]);
        for entry in raw["data"].as_object_mut().expect("entries").values_mut() {
            *entry = format!("{}{}", entry.as_str().expect("text"), " ".repeat(50 * 1024)).into();
        }
        assert_eq!(gone(&raw), Some(3));
        let mut long = seen("shop:1", "a", 0);
        long.inspection.scripts = (0..500).map(|_| long.inspection.scripts[0].clone()).collect();
        for script in &mut long.inspection.scripts {
            script.statements = vec![script.statements[0].clone(); 20];
        }
        assert!(small(long.clone()).is_none_or(|text| text.len() <= ENTRY));
        long.inspection.applied = vec!["x".repeat(2 * ENTRY)];
        assert_eq!(small(long), None);
    }
}
