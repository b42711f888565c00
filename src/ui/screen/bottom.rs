//! The bottom line: a question, a notice, a key sequence under way, or the keys that work now.
//!
//! Owns which of these is shown, and which keys are worth a hint in which pane. Keys come from the live keymap.

use ratatui::layout::{Position, Rect};

use crate::action::Action;
use crate::app::armed::left;
use crate::app::notice::{Notice, Tone};
use crate::app::overlay::Overlay;
use crate::app::prompt::Prompt;
use crate::app::{App, Pane};
use crate::fleet::{Lock, LockState};
use crate::keymap::show;
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};
use crate::ui::widget::field::Field;
use crate::ui::widget::keys::{self, Hint};

/// Draws it and answers where the cursor belongs when text is typed here.
pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    if let Some(Overlay::Prompt(prompt)) = app.overlays.last() {
        return draw_prompt(prompt, canvas, area);
    }
    let inside = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if let Some(notice) = &app.notice {
        draw_notice(notice, canvas, inside);
    } else if !app.pending.0.is_empty() {
        keys::draw(canvas, area, &continuations(app), &state(app));
    } else {
        keys::draw(canvas, area, &hints(app), &state(app));
    }
    None
}

fn draw_prompt(prompt: &Prompt, canvas: &mut Canvas<'_>, area: Rect) -> Option<Position> {
    let mut room = Rect { x: area.x + 1, width: area.width.saturating_sub(2), ..area };
    if let Some(error) = &prompt.error {
        let error = Line::of(Role::Danger, format!("{} ", glyph::FAILED))
            .with(Role::Danger, &**error)
            .cut(usize::from(room.width / 2), Cut::End);
        let taken = canvas.line_right(room.right(), room.y, room.width / 2, &error);
        room.width -= taken + 1;
    }
    let label = Line::of(Role::Label, prompt.purpose.label()).with(Role::Text, " ");
    let field = Field { label, text: prompt.field.text(), cursor: prompt.field.cursor(), hint: prompt.purpose.placeholder() };
    field.draw(canvas, room)
}

fn draw_notice(notice: &Notice, canvas: &mut Canvas<'_>, area: Rect) {
    let (mark, role) = match notice.tone {
        Tone::Done => (glyph::DONE, Role::NoticeGood),
        Tone::Refused => ("!", Role::NoticeWarn),
        Tone::Failed => (glyph::FAILED, Role::NoticeError),
    };
    canvas.line(area.x, area.y, area.width, &Line::of(role, format!("{mark} ")).with(role, &*notice.text));
}

/// How the keys pressed so far can go on: the leader's menu.
fn continuations(app: &App) -> Vec<Hint> {
    let hint = |candidate: &crate::keymap::Candidate| {
        let why = app.unavailable(candidate.action);
        Hint { works: why.is_none(), ..Hint::new(show(&candidate.rest), candidate.action.short()) }
    };
    let pressed = Hint::new(show(&app.pending.0), "…");
    let leader = app.start.keymap.leader().is_some_and(|leader| app.pending.0 == [leader]);
    let of_file = if leader { app.file_keys() } else { Vec::new() };
    let short = |title: &str| title.split(':').next().unwrap_or_default().to_owned();
    let of_file = of_file.into_iter().map(|k| Hint { works: k.works, ..Hint::new(k.key.to_string(), short(&k.title)) });
    // What is the service's own comes first: where not all fit, the others are known from elsewhere.
    std::iter::once(pressed).chain(of_file).chain(app.pending.1.iter().map(hint)).collect()
}

/// The keys worth a hint, the most useful first; help always.
fn hints(app: &App) -> Vec<Hint> {
    let contexts = app.contexts();
    let mut hints = Vec::new();
    if app.overlays.is_empty()
        && let Some(leader) = app.start.keymap.leader()
    {
        let works = app.start.keymap.under_leader().iter().any(|(_, action)| app.unavailable(*action).is_none());
        hints.push(Hint { works, ..Hint::new(leader.to_string(), "act…") });
    }
    for (action, label) in worth(app) {
        if let Some(chord) = app.start.keymap.hint(&contexts, *action) {
            hints.push(Hint { works: app.unavailable(*action).is_none(), ..Hint::new(chord.to_string(), *label) });
        }
    }
    if let Some(chord) = app.start.keymap.hint(&contexts, Action::Help) {
        hints.push(Hint { pinned: true, ..Hint::new(chord.to_string(), "help") });
    }
    hints
}

fn worth(app: &App) -> &'static [(Action, &'static str)] {
    match (app.overlays.last(), app.focus) {
        // Of a run that is read there are two more: elsewhere they have no key.
        (Some(Overlay::Document(_)), _) => &[
            (Action::ResumeRun, "resume"),
            (Action::UndoRun, "undo it"),
            (Action::Back, "close"),
            (Action::Filter, "search"),
            (Action::Next, "next match"),
            (Action::Copy, "copy"),
            (Action::Bottom, "end"),
        ],
        (Some(_), _) => &[],
        (None, Pane::Workloads) => &[
            (Action::Explain, "explain"),
            (Action::Logs, "logs"),
            (Action::Describe, "describe"),
            (Action::Yaml, "yaml"),
            (Action::Filter, "filter"),
            (Action::Next, "next unhealthy"),
            (Action::Palette, "command"),
            (Action::Zoom, "zoom"),
            (Action::Events, "events"),
            (Action::UndoLast, "undo"),
        ],
        (None, Pane::Health) => &[
            (Action::Open, "history"),
            (Action::Next, "next unhealthy"),
            (Action::Palette, "command"),
            (Action::Zoom, "zoom"),
            (Action::Events, "events"),
        ],
        (None, Pane::Releases) => &[
            (Action::BackPreview, "going back"),
            (Action::DiffRelease, "diff"),
            (Action::Explain, "explain"),
            (Action::Mark, "mark two"),
            (Action::Palette, "command"),
            (Action::Zoom, "zoom"),
        ],
        (None, Pane::Logs) => &[
            (Action::LogsPause, "pause"),
            (Action::Filter, "search"),
            (Action::LogsInclude, "only"),
            (Action::LogsExclude, "without"),
            (Action::LogsWrap, "wrap"),
            (Action::LogsJump, "to time"),
            (Action::LogsPrevious, "previous run"),
            (Action::LogsSave, "save"),
            (Action::Zoom, "zoom"),
            (Action::Palette, "command"),
        ],
    }
}

/// What is going on: problems, debts, the run.
fn state(app: &App) -> Line<'static> {
    let mut parts: Vec<Line<'static>> = Vec::new();
    let problems = app.problems.len();
    if problems > 0 {
        parts.push(Line::of(Role::NoticeWarn, plural(problems, "problem")));
    }
    if let Some(next) = app.armed().first() {
        parts.push(Line::of(Role::NoticeWarn, format!("{} back in {}", next.words(), left(next, app.now))));
    }
    let debts = &app.owing.all;
    parts.push(match debts.owed.len() {
        0 if debts.are_paid() => Line::of(Role::Dim, "no debts"),
        // What was not or cannot be looked at may owe something.
        0 => Line::of(if debts.reading { Role::Dim } else { Role::Unknown }, "debts ?"),
        owed => Line::of(Role::NoticeError, plural(owed, "debt")),
    });
    match app.runs.live() {
        Some(run) if run.question.is_some() => parts.push(Line::of(Role::NoticeError, format!("{} waits for you", run.title))),
        Some(run) => parts.push(Line::of(Role::NoticeGood, format!("{} {}", glyph::CURRENT, run.title))),
        None => parts.push(others(app).unwrap_or_else(|| Line::of(Role::Dim, "no run"))),
    }
    let mut line = Line::new();
    for (at, part) in parts.into_iter().enumerate() {
        line.push(Role::Dim, if at > 0 { " · " } else { "" });
        line = line.join(part);
    }
    line
}

/// What other consoles do here: a plan that waits before a run that goes on.
fn others(app: &App) -> Option<Line<'static>> {
    let locks = app.locks_of_others();
    let waits = |l: &&Lock| matches!(l.state, LockState::Waits { .. }) && l.approved_by.is_none();
    if let Some(lock) = locks.iter().find(waits) {
        return Some(Line::of(Role::NoticeWarn, format!("{} waits for a second person", lock.action)));
    }
    if locks.is_empty() && app.locks_lost() {
        return Some(Line::of(Role::Unknown, "other runs ?"));
    }
    let lock = locks.first()?;
    let more = if locks.len() > 1 { format!(" and {} more", locks.len() - 1) } else { String::new() };
    Some(match lock.state {
        LockState::Silent { .. } => Line::of(Role::NoticeError, format!("{}: {} is silent{more}", lock.by, lock.action)),
        _ => Line::of(Role::NoticeWarn, format!("{}: {} at {}{more}", lock.by, lock.action, lock.step)),
    })
}

pub(super) fn plural(count: usize, word: &str) -> String {
    if count == 1 { format!("1 {word}") } else { format!("{count} {word}s") }
}
