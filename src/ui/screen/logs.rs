//! The logs pane.
//!
//! Owns how a log line reads: its level's colour, its JSON folded, and what the frame says about the streams.

use std::ops::Range;

use jiff::tz::TimeZone;
use ratatui::layout::Rect;

use crate::app::App;
use crate::app::logs::{Entry, EntryKind, Level, Logs, fold};
use crate::base::text::width;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::logs::{Entry as Drawn, LogLine, LogView};
use crate::ui::widget::pane::Pane;

/// Source names get at most so many columns, and a fifth of the width.
const SOURCE_MOST: usize = 24;

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, focused: bool) -> Rect {
    let logs = &app.logs;
    let mut title = Line::of(if focused { Role::TitleFocus } else { Role::Title }, "Logs");
    if !logs.title.is_empty() {
        title = title.with(Role::Text, "  ").with(Role::Text, &*logs.title);
    }
    let pane = Pane { number: Some(4), title, info: info(logs), foot: foot(logs), focused };
    let inner = pane.draw(canvas, area);
    let zone = &app.start.zone;
    let bottom = logs.bottom();
    let upwards = bottom
        .into_iter()
        .flat_map(|bottom| logs.buffer.upwards(bottom))
        .filter_map(|sequence| logs.buffer.get(sequence));
    let find = |text: &str| found(logs, text);
    LogView {
        upwards: &mut upwards.map(|entry| drawn(logs, entry, zone)),
        source_width: source_width(logs, usize::from(inner.width)),
        wrap: logs.wrap,
        column: logs.column,
        find: &find,
        at_hit: bottom.is_some_and(|b| logs.search.is_some() && logs.buffer.is_hit(b)),
        empty: empty(logs),
    }
    .draw(canvas, inner);
    inner
}

/// One line for narrow screens: `4 Logs: backend, 3/3 streams, 612 lines/s`.
pub(super) fn summary(app: &App) -> Line<'static> {
    let mut line = Line::of(Role::Text, app.logs.title.clone());
    line.push(Role::Dim, "  ");
    line.join(info(&app.logs))
}

/// `3/3 streams  612 lines/s`, and what the bound on streams left out.
fn info(logs: &Logs) -> Line<'static> {
    let (live, wanted) = logs.streams();
    let mut line = Line::new();
    if wanted > 0 {
        let role = if live < wanted { Role::Stale } else { Role::Dim };
        line.push(role, format!("{live}/{wanted} streams"));
        if logs.candidates > wanted {
            line.push(Role::NoticeWarn, format!(" of {}", logs.candidates));
        }
    }
    if logs.rate > 0 {
        line.push(Role::Dim, format!("  {} line{}/s", logs.rate, if logs.rate == 1 { "" } else { "s" }));
    }
    line
}

/// What narrows, pauses or cut the view: all of it is said, for a log that hides lines silently is worse than none.
fn foot(logs: &Logs) -> Line<'static> {
    let mut parts: Vec<Line<'static>> = Vec::new();
    if let Some(include) = &logs.include {
        parts.push(Line::of(Role::Key, "only ").with(Role::Text, include.to_string()));
    }
    if let Some(exclude) = &logs.exclude {
        parts.push(Line::of(Role::Key, "without ").with(Role::Text, exclude.to_string()));
    }
    if let Some(search) = &logs.search {
        let at = logs.bottom().map_or(0, |bottom| logs.buffer.hit_number(bottom));
        parts.push(Line::of(Role::Key, format!("/{search} ")).with(Role::Text, format!("{at} of {}", logs.buffer.hits())));
    }
    if logs.previous {
        parts.push(Line::of(Role::NoticeWarn, "previous run"));
    }
    let gone = logs.lost + logs.buffer.dropped();
    if gone > 0 {
        parts.push(Line::of(Role::NoticeWarn, format!("{gone} oldest gone")));
    }
    if logs.paused_at.is_some() {
        let waiting = match logs.waiting() {
            0 => String::new(),
            1 => ", 1 line waits".to_owned(),
            lines => format!(", {lines} lines wait"),
        };
        parts.push(Line::of(Role::NoticeWarn, format!("paused{waiting}")));
    }
    let mut line = Line::new();
    for (at, part) in parts.into_iter().enumerate() {
        line.push(Role::Dim, if at > 0 { " · " } else { "" });
        line = line.join(part);
    }
    line
}

fn empty(logs: &Logs) -> Line<'static> {
    let (_, wanted) = logs.streams();
    let text = match (wanted, logs.buffer.is_empty()) {
        (0, true) => "no containers to follow: select a workload or a pod",
        (_, true) => "no lines yet",
        _ => "no line passes the filters",
    };
    Line::of(Role::Dim, text)
}

/// The width of the widest name among what is followed; 0 when there is one source only, whose name the title says.
fn source_width(logs: &Logs, room: usize) -> usize {
    if logs.sources.len() < 2 {
        return 0;
    }
    let widest = logs.sources.iter().map(|s| width(&s.label)).max().unwrap_or_default();
    widest.min(SOURCE_MOST).min((room / 5).max(5))
}

fn drawn<'a>(logs: &'a Logs, entry: &'a Entry, zone: &TimeZone) -> Drawn<'a> {
    let EntryKind::Line(level) = entry.kind else { return Drawn::Marker(entry.text.to_string()) };
    let source = logs.sources.get(usize::from(entry.source)).map_or("", |s| s.label.as_str());
    let time = if logs.times { entry.at.to_zoned(zone.clone()).strftime("%H:%M:%S").to_string() } else { String::new() };
    Drawn::Line(LogLine { time, source, color: usize::from(entry.source), text: text(logs, &entry.text, level) })
}

/// The text of a line: folded when it is JSON, in its level's colour when that is a warning or worse.
fn text<'a>(logs: &Logs, text: &'a str, level: Level) -> Line<'a> {
    let role = match level {
        Level::Error => Role::LevelError,
        Level::Warn => Role::LevelWarn,
        Level::Debug => Role::LevelDebug,
        Level::Info | Level::None => Role::Text,
    };
    let Some(folded) = Some(text).filter(|_| logs.fold_json).and_then(fold) else { return Line::of(role, text) };
    let (word, word_role) = match level {
        Level::Error => ("ERROR ", Role::LevelError),
        Level::Warn => ("WARN  ", Role::LevelWarn),
        Level::Info => ("INFO  ", Role::LevelInfo),
        Level::Debug => ("DEBUG ", Role::LevelDebug),
        Level::None => ("", Role::Dim),
    };
    let mut line = Line::of(word_role, word).with(role, folded.message);
    for (key, value) in folded.fields {
        let gap = if line.is_empty() { "" } else { " " };
        line.push(Role::LogKey, format!("{gap}{key}="));
        line.push(Role::Text, value);
    }
    line
}

fn found(logs: &Logs, text: &str) -> Vec<Range<usize>> {
    let ranges = logs.search.iter().flat_map(|pattern| pattern.find_iter(text));
    ranges.map(|found| found.range()).filter(|range| !range.is_empty()).collect()
}
