//! The logs pane: lines of many containers in one bounded buffer, with filters and search.
//!
//! Owns which lines are kept and shown. Must not decide which containers are followed (that is the selection's business,
//! `app::follow`) and must not draw.

mod buffer;
mod line;

use std::collections::BTreeMap;

use jiff::Timestamp;
use regex::{Regex, RegexBuilder};

pub use buffer::{Buffer, Entry, EntryKind};
pub use line::{Folded, Level, fold, level_of};

use crate::action::Action;
use crate::target::event::{LogEvent, LogLine, LogState};
use crate::target::request::LogSource;

/// Bounds of the pane's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogBounds {
    /// Lines kept at most.
    pub lines: usize,
    /// Bytes of text kept at most.
    pub bytes: usize,
    /// Streams followed at once at most.
    pub streams: usize,
}

impl Default for LogBounds {
    fn default() -> Self {
        Self { lines: 200_000, bytes: 64 << 20, streams: 50 }
    }
}

/// One followed container.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Source {
    /// Whose log it is.
    pub source: LogSource,
    /// What tells it apart on a line: the end of the pod's name, with the container where the pod has several.
    pub label: String,
    /// What its stream does.
    pub state: LogState,
    /// Still wanted; lines of sources that are not stay in the buffer.
    pub wanted: bool,
}

/// The logs pane.
#[derive(Debug)]
pub struct Logs {
    /// The lines.
    pub buffer: Buffer,
    /// Every source that has lines in the buffer or is followed, by its index in entries.
    pub sources: Vec<Source>,
    /// What is followed, in words: a workload, marked rows, everything.
    pub title: String,
    /// How many containers the selection has; more than `sources` when the bound on streams cut some off.
    pub candidates: usize,
    /// Only lines that match.
    pub include: Option<Regex>,
    /// No lines that match.
    pub exclude: Option<Regex>,
    /// Search pattern.
    pub search: Option<Regex>,
    /// Wrap long lines.
    pub wrap: bool,
    /// Show times.
    pub times: bool,
    /// Fold JSON lines.
    pub fold_json: bool,
    /// Follow the previous run of the containers.
    pub previous: bool,
    /// `None` follows the end; else the sequence number of the entry at the bottom of the view.
    pub paused_at: Option<u64>,
    /// First visible column.
    pub column: usize,
    /// Rows that fit on screen.
    pub height: usize,
    /// Lines taken in during the last full second, for the title.
    pub rate: u64,
    /// Lines that the way to the program dropped.
    pub lost: u64,
    index: BTreeMap<LogSource, u16>,
    staged: Vec<Entry>,
    second: (i64, u64),
}

impl Logs {
    /// An empty pane.
    pub fn new(bounds: LogBounds) -> Self {
        Self {
            buffer: Buffer::new(bounds.lines, bounds.bytes),
            sources: Vec::new(),
            title: String::new(),
            candidates: 0,
            include: None,
            exclude: None,
            search: None,
            wrap: false,
            times: true,
            fold_json: true,
            previous: false,
            paused_at: None,
            column: 0,
            height: 0,
            rate: 0,
            lost: 0,
            index: BTreeMap::new(),
            staged: Vec::new(),
            second: (0, 0),
        }
    }

    /// Sets what is followed from now on. Lines of sources that are no longer wanted stay, unless `fresh`.
    pub fn follow(&mut self, title: String, wanted: &[LogSource], candidates: usize, fresh: bool) {
        if fresh {
            self.buffer.clear();
            self.sources.clear();
            self.index.clear();
            self.staged.clear();
            self.paused_at = None;
            self.lost = 0;
        }
        self.title = title;
        self.candidates = candidates;
        for source in &mut self.sources {
            source.wanted = false;
        }
        for source in wanted {
            let index = self.source(source);
            self.sources[usize::from(index)].wanted = true;
        }
        self.relabel();
    }

    /// How many sources are being followed now, of how many that are wanted.
    pub fn streams(&self) -> (usize, usize) {
        let wanted = self.sources.iter().filter(|s| s.wanted);
        wanted.fold((0, 0), |(live, all), s| (live + usize::from(matches!(s.state, LogState::Following)), all + 1))
    }

    /// Takes in what a driver tells.
    pub fn apply(&mut self, event: LogEvent, now: Timestamp) {
        match event {
            LogEvent::Lines { source, lines } => self.lines(&source, lines, now),
            LogEvent::State { source, state } => self.state(&source, state, now),
        }
    }

    fn lines(&mut self, source: &LogSource, lines: Vec<LogLine>, now: Timestamp) {
        let index = self.source(source);
        let second = now.as_second();
        if second != self.second.0 {
            self.rate = if second == self.second.0 + 1 { self.second.1 } else { 0 };
            self.second = (second, 0);
        }
        self.second.1 += lines.len() as u64;
        self.staged.extend(lines.into_iter().map(|line| Entry {
            source: index,
            at: line.at,
            kind: EntryKind::Line(level_of(&line.text)),
            text: line.text,
        }));
    }

    fn state(&mut self, source: &LogSource, state: LogState, now: Timestamp) {
        let index = self.source(source);
        if let Some(text) = marker(&self.sources[usize::from(index)].label, &state) {
            self.staged.push(Entry { source: index, at: now, kind: EntryKind::Marker, text: text.into() });
        }
        match state {
            LogState::Dropped { lines } => self.lost += lines,
            LogState::Reconnected { .. } => self.sources[usize::from(index)].state = LogState::Following,
            state => self.sources[usize::from(index)].state = state,
        }
    }

    /// Forgets all lines; what is followed stays.
    pub fn clear(&mut self) {
        self.buffer.clear();
        self.staged.clear();
        self.paused_at = None;
    }

    /// Moves what came in since the last call into the buffer, in the order of time. Called once per frame, so that lines
    /// of several pods that arrive together read in their order. Returns whether anything visible changed.
    pub fn settle(&mut self) -> bool {
        if self.staged.is_empty() {
            return false;
        }
        let mut staged = std::mem::take(&mut self.staged);
        staged.sort_by_key(|e| e.at);
        for entry in staged {
            let shown = shown(self.include.as_ref(), self.exclude.as_ref(), &entry);
            let hit = shown && self.search.as_ref().is_some_and(|r| r.is_match(&entry.text));
            self.buffer.push(entry, shown, hit);
        }
        if let Some(at) = self.paused_at {
            self.paused_at = Some(at.max(self.buffer.first_shown().unwrap_or(at)));
        }
        true
    }

    /// Sets the filters and judges every kept line anew.
    pub fn refilter(&mut self) {
        let (include, exclude, search) = (self.include.clone(), self.exclude.clone(), self.search.clone());
        self.buffer.judge(|e| {
            let shown = shown(include.as_ref(), exclude.as_ref(), e);
            (shown, shown && search.as_ref().is_some_and(|r| r.is_match(&e.text)))
        });
        if let Some(at) = self.paused_at {
            self.paused_at = self.buffer.shown_at_or_before(at).or(self.buffer.first_shown());
        }
    }

    /// Sequence number of the entry at the bottom of the view.
    pub fn bottom(&self) -> Option<u64> {
        self.paused_at.or_else(|| self.buffer.last_shown())
    }

    /// Lines that wait below the view while paused.
    pub fn waiting(&self) -> usize {
        self.paused_at.map_or(0, |at| self.buffer.shown_after(at))
    }

    /// Carries out a movement; `false` when the action is none.
    pub fn motion(&mut self, action: Action) -> bool {
        let page = self.height.max(2);
        match action {
            Action::Up => self.scroll_back(1),
            Action::Down => self.scroll_forward(1),
            Action::HalfPageUp => self.scroll_back(page / 2),
            Action::HalfPageDown => self.scroll_forward(page / 2),
            Action::PageUp => self.scroll_back(page - 1),
            Action::PageDown => self.scroll_forward(page - 1),
            Action::Top => self.scroll_back(usize::MAX),
            Action::Bottom => self.paused_at = None,
            Action::Left => self.column = self.column.saturating_sub(16),
            Action::Right => self.column = (self.column + 16).min(20_000),
            Action::Next => self.hop(true),
            Action::Previous => self.hop(false),
            _ => return false,
        }
        true
    }

    fn scroll_back(&mut self, rows: usize) {
        let Some(bottom) = self.bottom() else { return };
        let floor = self.buffer.nth_shown(self.height.saturating_sub(1));
        let target = self.buffer.shown_before(bottom, rows);
        self.paused_at = Some(floor.map_or(target, |f| target.max(f)).min(bottom));
    }

    fn scroll_forward(&mut self, rows: usize) {
        if let Some(at) = self.paused_at {
            self.paused_at = self.buffer.shown_later(at, rows);
        }
    }

    fn hop(&mut self, forward: bool) {
        let Some(at) = self.bottom() else { return };
        let hit = if forward { self.buffer.hit_after(at) } else { self.buffer.hit_before(at) };
        if let Some(hit) = hit {
            self.paused_at = Some(hit);
        }
    }

    /// Pauses at what is on screen, or follows the end again.
    pub fn toggle_pause(&mut self) {
        self.paused_at = if self.paused_at.is_some() { None } else { self.buffer.last_shown() };
    }

    /// Goes to the first shown line at or after a time; `false` when the buffer ends before it.
    pub fn jump(&mut self, at: Timestamp) -> bool {
        let found = self.buffer.first_at(at);
        let Some(first) = found else { return false };
        // The found line becomes the top of the view: its bottom is a screenful later.
        self.paused_at = self.buffer.shown_later(first, self.height.saturating_sub(1)).or_else(|| self.buffer.last_shown());
        true
    }

    /// Searches; goes to the newest hit at or before the bottom of the view.
    pub fn search_for(&mut self, pattern: Option<Regex>) {
        self.search = pattern;
        self.refilter();
        if let (Some(_), Some(bottom)) = (&self.search, self.bottom()) {
            self.paused_at = self.buffer.hit_at_or_before(bottom).or(self.paused_at);
        }
    }

    /// All shown lines as text, for saving: time, source, text.
    pub fn export(&self) -> String {
        use std::fmt::Write;
        self.buffer.shown_entries().fold(String::new(), |mut out, e| {
            let label = self.sources.get(usize::from(e.source)).map_or("", |s| s.label.as_str());
            let _ = writeln!(out, "{} {label} {}", e.at, e.text);
            out
        })
    }

    fn source(&mut self, source: &LogSource) -> u16 {
        if let Some(index) = self.index.get(source) {
            return *index;
        }
        if self.sources.len() >= usize::from(u16::MAX) {
            return u16::MAX - 1;
        }
        let index = self.sources.len() as u16;
        self.index.insert(source.clone(), index);
        let state = LogState::Waiting { reason: "connecting".into() };
        self.sources.push(Source { source: source.clone(), label: source.pod.to_string(), state, wanted: false });
        self.relabel();
        index
    }

    fn relabel(&mut self) {
        let many: BTreeMap<_, usize> = self.sources.iter().fold(BTreeMap::new(), |mut counts, s| {
            *counts.entry((s.source.namespace.clone(), s.source.pod.clone())).or_default() += 1;
            counts
        });
        for s in &mut self.sources {
            let end = s.source.pod.rsplit('-').next().unwrap_or_default();
            // The last segment of a StatefulSet's pod is a number, which tells nothing without the name before it.
            let short = if end.len() >= 3 { end.to_owned() } else { s.source.pod.to_string() };
            let several = many.get(&(s.source.namespace.clone(), s.source.pod.clone())).is_some_and(|n| *n > 1);
            s.label = if several { format!("{short}/{}", s.source.container) } else { short };
        }
    }
}

fn shown(include: Option<&Regex>, exclude: Option<&Regex>, entry: &Entry) -> bool {
    matches!(entry.kind, EntryKind::Marker) || (include.is_none_or(|r| r.is_match(&entry.text)) && exclude.is_none_or(|r| !r.is_match(&entry.text)))
}

/// A pattern as typed: case counts only where a capital was typed; empty = none.
pub fn pattern(text: &str) -> Result<Option<Regex>, String> {
    if text.is_empty() {
        return Ok(None);
    }
    let insensitive = !text.chars().any(char::is_uppercase);
    RegexBuilder::new(text)
        .case_insensitive(insensitive)
        .size_limit(1 << 20)
        .build()
        .map(Some)
        .map_err(|e| match e {
            regex::Error::CompiledTooBig(_) => "the pattern is too large".to_owned(),
            other => other.to_string().lines().last().unwrap_or("not a pattern").trim_start_matches("error: ").to_owned(),
        })
}

/// The line of its own that a change of a stream's state leaves between the log lines.
pub fn marker(label: &str, state: &LogState) -> Option<String> {
    match state {
        LogState::Waiting { .. } | LogState::Following => None,
        LogState::Reconnected { gap_ms, missed } => {
            let gap = *gap_ms as f64 / 1000.0;
            let missed = match missed {
                Some(0) => "nothing missed".to_owned(),
                Some(n) => format!("{n} lines may be missing"),
                None => "lines may be missing".to_owned(),
            };
            Some(format!("{label} reconnected after {gap:.1} s, {missed}"))
        }
        LogState::Ended { reason } => Some(format!("{label} ended: {reason}")),
        LogState::Dropped { lines } => Some(format!("{label} {lines} lines dropped: more than could be taken in")),
        LogState::Failed { reason, .. } => Some(format!("{label} cannot be followed: {reason}")),
    }
}

#[cfg(test)]
mod tests;
