//! The bridge as lines: what it says at first, then one line for every change.
//!
//! Owns what is worth a line, and how often: for screen readers, pipes and slow links nothing is said twice, and nothing in a
//! flood. The answers are those of the screen. Must not print.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::live::Live;
use crate::base::health::Health;
use crate::fleet::health::Rollout;
use crate::fleet::{Topic, WorkloadKey, WorkloadRow};
use crate::service::{Reachable, to_call};

/// Words that change while health stays what it is (counts, restarts) are told no more often.
const REST: SignedDuration = SignedDuration::from_secs(30);
/// Lines about workloads and rows of the health pane in one telling; the others are counted.
const MOST: usize = 40;

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What it is about: `UP`, `WORKLOAD`.
    pub word: &'static str,
    /// How well that is, where it is a matter of health.
    pub health: Option<Health>,
    /// What is said.
    pub text: String,
}

impl Told {
    fn plain(word: &'static str, text: impl Into<String>) -> Self {
        Self { word, health: None, text: text.into() }
    }

    fn of(word: &'static str, health: Health, text: impl Into<String>) -> Self {
        Self { word, health: Some(health), text: text.into() }
    }
}

/// What was said last.
#[derive(Debug, Default)]
pub struct Telling {
    place: String,
    live: String,
    begun: bool,
    /// At most one, as the others are of many.
    up: BTreeMap<(), Said<Health>>,
    changed: String,
    back: String,
    call: String,
    debts: String,
    workloads: BTreeMap<Arc<WorkloadKey>, Said<(Health, Rollout)>>,
    items: BTreeMap<String, Said<Health>>,
    problems: BTreeMap<String, String>,
}

/// Something that was said.
#[derive(Debug)]
struct Said<T> {
    what: T,
    text: String,
    at: Timestamp,
}

impl<T: PartialEq> Said<T> {
    fn new(what: T, text: &str, at: Timestamp) -> Self {
        Self { what, text: text.to_owned(), at }
    }

    /// Whether it is news; it is taken for told then.
    fn is_news(&mut self, what: T, text: &str, now: Timestamp) -> bool {
        let news = self.what != what || (self.text != text && now.duration_since(self.at) >= REST);
        if news {
            *self = Self::new(what, text, now);
        }
        news
    }
}

/// What is new about something.
enum News<T> {
    /// Nothing that is worth a line.
    None,
    /// It was never spoken of.
    First,
    /// It was so, and is another way now.
    Changed(T),
}

/// Whether there is news of `key`; what is news counts as told.
fn news<K: Ord, T: PartialEq + Copy>(told: &mut BTreeMap<K, Said<T>>, key: K, what: T, text: &str, now: Timestamp) -> News<T> {
    if let Some(said) = told.get_mut(&key) {
        let was = said.what;
        return if said.is_news(what, text, now) { News::Changed(was) } else { News::None };
    }
    told.insert(key, Said::new(what, text, now));
    News::First
}

impl Telling {
    /// What there is to say about the app now that was not said yet.
    pub fn tell(&mut self, app: &App) -> Vec<Told> {
        let mut lines = Vec::new();
        self.whereabouts(app, &mut lines);
        self.problems(app, &mut lines);
        let early = matches!(app.live(), Live::Connecting | Live::Reading { .. } | Live::NotOpen(_));
        // Answers that do not know yet what was read a moment ago are no first word.
        if !self.begun && (early || app.answers_are_behind()) {
            return lines;
        }
        self.answers(app, &mut lines);
        let first = lines.len();
        self.workloads(app, &mut lines);
        self.health(app, &mut lines);
        let more = lines.len() - first;
        if more > MOST {
            lines.truncate(first + MOST);
            lines.push(Told::plain("MORE", format!("{} more changes are not listed", more - MOST)));
        }
        self.begun = true;
        lines
    }

    /// Where we are, and whether what is said is live.
    fn whereabouts(&mut self, app: &App, lines: &mut Vec<Told>) {
        if let Some(opened) = &app.opened {
            let context = if opened.context.is_empty() { "in the cluster" } else { &*opened.context };
            let namespaces = opened.namespaces.as_ref().map_or_else(|| "all namespaces".to_owned(), |names| names.join(", "));
            let mode = if app.read_only() { ", read only" } else { "" };
            let place = format!("{context} / {namespaces}, {}{mode}", app.environment().word());
            once(&mut self.place, "PLACE", place, lines);
        }
        let live = match app.live() {
            Live::NotOpen(reason) => format!("not connected: {reason}"),
            Live::Connecting => "connecting".to_owned(),
            Live::Lost(reason) => format!("disconnected: {reason}"),
            Live::Stale { reason, .. } => format!("stale: {reason}"),
            // How far it is would be a line a moment.
            Live::Reading { .. } => "reading".to_owned(),
            Live::Live => "live".to_owned(),
        };
        once(&mut self.live, "STATE", live, lines);
    }

    fn answers(&mut self, app: &App, lines: &mut Vec<Told>) {
        let up = &app.answers.up;
        let text = up.text();
        if !matches!(news(&mut self.up, (), up.health, &text, app.now), News::None) {
            lines.push(Told::of("UP", up.health, text));
        }
        let changed = app.answers.changed.as_ref().map_or_else(
            || "unknown: no change is seen".to_owned(),
            |c| {
                let at = Timestamp::from_second(c.at).map_or_else(|_| "an unknown time".to_owned(), |at| when(app, at));
                format!("{} at {at} {}", c.what, c.by.phrase().as_deref().unwrap_or("nobody knows by whom"))
            },
        );
        once(&mut self.changed, "CHANGED", changed, lines);
        let back = app
            .answers
            .back
            .as_ref()
            .map_or_else(|| "unknown: no workload with revisions is seen".to_owned(), crate::release::Back::text);
        once(&mut self.back, "BACK", back, lines);
        once(&mut self.call, "CALL", call(app), lines);
        once(&mut self.debts, "DEBTS", debts(app), lines);
    }

    fn workloads(&mut self, app: &App, lines: &mut Vec<Told>) {
        let gone: Vec<Arc<WorkloadKey>> = self.workloads.keys().filter(|key| app.fleet.row(key).is_none()).cloned().collect();
        for key in gone {
            self.workloads.remove(&key);
            lines.push(Told::plain("WORKLOAD", format!("{} is gone", key.id())));
        }
        for row in app.fleet.rows() {
            let (what, text) = ((row.health, row.rollout), row.reason().or(row.text.as_deref()).unwrap_or_default());
            let was = match news(&mut self.workloads, row.key.clone(), what, text, app.now) {
                News::None => continue,
                // At first only what is not well is worth a line: UP has the others.
                News::First if !self.begun && matches!(row.health, Health::Ok | Health::Off) && row.rollout == Rollout::Done => continue,
                News::First => None,
                News::Changed(was) => Some(was),
            };
            lines.push(Told::of("WORKLOAD", row.health, workload(row, text, was, self.begun)));
        }
    }

    /// Probes, and what the cluster says about health beside workloads.
    fn health(&mut self, app: &App, lines: &mut Vec<Told>) {
        let probes = app.probes.values().filter(|p| p.at.is_some()).map(|p| {
            let text = format!("{}: {}: {}", p.title, p.result.word(), p.detail);
            (format!("probe:{}", p.id), p.health, text)
        });
        let seen = app.answers.items.iter().filter(|i| i.topic != Topic::Workloads);
        let all: Vec<(String, Health, String)> = probes.chain(seen.map(|i| (i.id.clone(), i.health, format!("{}: {}", i.title, i.detail)))).collect();
        self.items.retain(|id, _| all.iter().any(|(known, ..)| known == id));
        for (id, health, text) in all {
            let worth = match news(&mut self.items, id, health, &text, app.now) {
                News::None => false,
                News::First => !matches!(health, Health::Ok | Health::Off),
                // Latencies and days left change all the time.
                News::Changed(was) => was != health,
            };
            if worth {
                lines.push(Told::of("HEALTH", health, text));
            }
        }
    }

    fn problems(&mut self, app: &App, lines: &mut Vec<Told>) {
        let solved: Vec<String> = self.problems.keys().filter(|id| !app.problems.contains_key(*id)).cloned().collect();
        for id in solved {
            lines.extend(self.problems.remove(&id).map(|text| Told::plain("SOLVED", text)));
        }
        for (id, problem) in &app.problems {
            let place = problem.place.as_ref().map(|p| format!("{p}: ")).unwrap_or_default();
            let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
            let text = format!("{place}{}{hint}", problem.message);
            if self.problems.get(id) != Some(&text) {
                self.problems.insert(id.clone(), text.clone());
                lines.push(Told::plain("PROBLEM", text));
            }
        }
    }
}

/// A line when it differs from the one that was said last.
fn once(last: &mut String, word: &'static str, text: String, lines: &mut Vec<Told>) {
    if *last != text {
        last.clone_from(&text);
        lines.push(Told::plain(word, text));
    }
}

/// `shop/deployment/api: 1 of 2 ready`, and how far a rollout is where that changed.
fn workload(row: &WorkloadRow, text: &str, was: Option<(Health, Rollout)>, begun: bool) -> String {
    let mut parts = vec![row.key.id()];
    if was.is_none() && begun {
        parts.push("new".to_owned());
    }
    if !text.is_empty() {
        parts.push(text.to_owned());
    }
    if was.is_some_and(|(_, rollout)| rollout != Rollout::Done) && row.rollout == Rollout::Done {
        parts.push(row.revision.map_or_else(|| "rollout done".to_owned(), |n| format!("rollout done, revision {n}")));
    } else if row.rollout == Rollout::Stalled {
        parts.push("rollout stalled".to_owned());
    }
    if parts.len() == 1 {
        parts.push(format!("{} of {} ready", row.ready, row.desired));
    }
    parts.join(": ")
}

fn when(app: &App, at: Timestamp) -> String {
    at.to_zoned(app.start.zone.clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
}

/// What is owed, each with what pays it.
fn debts(app: &App) -> String {
    let all = &app.owing.all;
    if all.are_paid() {
        return "none".to_owned();
    }
    let owed = all.owed.iter().map(|d| format!("{}: {}; pay it with: {}", d.object, d.what, d.command()));
    let reading = all.reading.then(|| "unknown: not everything was read yet".to_owned());
    owed.chain(all.unseen.iter().map(|why| format!("unknown: {why}")))
        .chain(reading)
        .collect::<Vec<_>>()
        .join("; ")
}

fn call(app: &App) -> String {
    let Some(service) = &app.start.service else { return "unknown: no service file names contacts".to_owned() };
    let calls = to_call(&service.contacts, &service.escalations, app.now, &app.start.zone);
    let Some((contact, reachable)) = calls.into_iter().next() else { return "unknown: the service file names nobody".to_owned() };
    let reach = match reachable {
        Reachable::Now => "now".to_owned(),
        Reachable::From(at) => format!("from {}", when(app, at)),
        Reachable::Unknown(why) => format!("unknown when: {why}"),
    };
    format!("{} ({reach}), {}", contact.role, contact.how())
}
