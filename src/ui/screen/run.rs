//! The run panel: steps while they happen, and how it ended (screens.md 4).
//!
//! Owns its looks. Nothing is drawn as done before its proof holds.

use std::time::Duration;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::action::{Action, Context};
use crate::app::App;
use crate::app::runs::{RunView, StepState, StepView};
use crate::run::{End, Outcome};
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};
use crate::ui::widget::bar;
use crate::ui::widget::panel::{Panel, centered};

/// As wide as the panel ever gets.
const WIDEST: u16 = 110;

/// Columns of the progress bar.
const BAR: usize = 15;

pub(super) fn draw(app: &App, id: &str, canvas: &mut Canvas<'_>, within: Rect) {
    let width = within.width.min(WIDEST);
    let room = usize::from(width.saturating_sub(4));
    let Some(run) = app.runs.get(id) else {
        let body = vec![Line::of(Role::Text, "Starting: taking the lock …")];
        let panel = Panel { title: Line::of(Role::PanelTitle, format!("Run {id}")), body, foot: foot(app, None), ..Panel::default() };
        panel.draw(canvas, centered(within, width, 5));
        return;
    };
    let mut body = rows(run, app.now, room);
    let waiting = body.iter().rev().take_while(|line| line.text().starts_with(glyph::WAITING)).count();
    // Where steps wait for their turn, the next of them is the last to see.
    let seen = body.len() - waiting.saturating_sub(1);
    body.extend(run.notes.iter().flat_map(|note| Line::of(Role::Dim, format!("  {note}")).wrap(room, 3)));
    let seen = if waiting > 0 { seen } else { body.len() };
    let pinned = ending(run, room);
    let title = Line::of(Role::PanelTitle, run.title.clone()).with(Role::Dim, format!("  {}", run.id));
    let panel = Panel { title, info: clock(run, app.now), body, pinned, foot: foot(app, Some(run)), offset: 0 };
    let (_, height) = panel.size();
    // The newest steps are the ones to see when not all fit.
    let visible = usize::from(within.height.min(height)).saturating_sub(panel.pinned.len() + 2);
    let offset = seen.saturating_sub(visible);
    Panel { offset, ..panel }.draw(canvas, centered(within, width, height));
}

fn clock(run: &RunView, now: Timestamp) -> Line<'static> {
    let end = run.ended.as_ref().map_or(now, |(_, at)| *at);
    let seconds = (end.as_second() - run.started.as_second()).max(0);
    Line::of(Role::PanelTitle, format!("{:02}:{:02}", seconds / 60, seconds % 60))
}

fn rows(run: &RunView, now: Timestamp, room: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    let mut undoing = false;
    for (at, step) in run.steps.iter().enumerate() {
        if step.undo && !undoing {
            undoing = true;
            rows.push(Line::of(Role::Label, "The way back"));
        }
        match member(run, step) {
            Some(label) if !is_in_motion(run, step) => {
                // All of an object in one line, where its first step stands.
                if same(run, step).next().is_some_and(|(first, _)| first == at) {
                    rows.push(member_row(run, step, label, room));
                }
            }
            Some(label) => {
                if same(run, step).next().is_some_and(|(first, _)| first == at) {
                    rows.push(Line::of(Role::Strong, label.to_owned()));
                }
                step_rows(step, own_title(step, label), now, room, &mut rows);
            }
            None => step_rows(step, &step.title, now, room, &mut rows),
        }
    }
    rows
}

/// The name of the object that the step is about, where there are several.
fn member<'a>(run: &'a RunView, step: &StepView) -> Option<&'a str> {
    run.plan.as_ref()?.label(step.id)
}

/// The steps of the same object on the same way.
fn same<'a>(run: &'a RunView, step: &StepView) -> impl Iterator<Item = (usize, &'a StepView)> {
    let (number, undo) = (step.id.member(), step.undo);
    run.steps.iter().enumerate().filter(move |(_, s)| s.id.member() == number && s.undo == undo)
}

/// Whether the object of the step is being changed, or cannot be: then each of its steps matters.
fn is_in_motion(run: &RunView, step: &StepView) -> bool {
    let waits = same(run, step).all(|(_, s)| s.state == StepState::Waiting);
    let done = same(run, step).all(|(_, s)| matches!(s.state, StepState::Proven(..)));
    !waits && !done
}

/// An object that is done, or waits for its turn.
fn member_row(run: &RunView, step: &StepView, label: &str, room: usize) -> Line<'static> {
    let proven = same(run, step).filter_map(|(_, s)| if let StepState::Proven(text, took) = &s.state { Some((text, took)) } else { None });
    match proven.map(|(text, took)| (text.clone(), *took)).reduce(|all, next| (next.0, all.1 + next.1)) {
        Some((text, took)) => {
            let left = Line::of(Role::Ok, format!("{} ", glyph::DONE)).with(Role::Text, label.to_owned());
            row(left, Line::of(Role::Dim, text), &format!("{took:.1} s"), room)
        }
        None => Line::of(Role::Dim, format!("{} {label}", glyph::WAITING)),
    }
}

/// The title under the name of its object, which need not be told in each line.
fn own_title<'a>(step: &'a StepView, label: &str) -> &'a str {
    step.title.strip_prefix(label).and_then(|rest| rest.strip_prefix(": ")).unwrap_or(&step.title)
}

fn step_rows(step: &StepView, title: &str, now: Timestamp, room: usize, rows: &mut Vec<Line<'static>>) {
    let (mark, role, text_role) = match step.state {
        StepState::Waiting => (glyph::WAITING, Role::Dim, Role::Dim),
        StepState::Running => (glyph::CURRENT, Role::PanelTitle, Role::Strong),
        StepState::Proven(..) => (glyph::DONE, Role::Ok, Role::Text),
        StepState::Failed(..) => (glyph::FAILED, Role::Down, Role::Strong),
    };
    let left = Line::of(role, format!("{mark} ")).with(text_role, title.to_owned());
    match &step.state {
        StepState::Waiting => rows.push(left),
        StepState::Running => {
            let took = Duration::from_secs((now.as_second() - step.since.as_second()).max(0).unsigned_abs());
            rows.push(row(left, progress(step), &format!("{} s", took.as_secs()), room));
            rows.extend(step.progress.details.iter().map(|detail| Line::of(Role::Dim, format!("    {detail}")).cut(room, Cut::End)));
        }
        StepState::Proven(text, took) => rows.push(row(left, Line::of(Role::Dim, text.clone()), &format!("{took:.1} s"), room)),
        StepState::Failed(reason, took) => {
            rows.push(row(left, Line::new(), &format!("{took:.1} s"), room));
            rows.extend(
                Line::of(Role::Danger, reason.clone())
                    .wrap(room.saturating_sub(4), 6)
                    .into_iter()
                    .map(|l| Line::of(Role::Text, "    ").join(l)),
            );
        }
    }
}

/// Title on the left, what was observed in the middle, seconds on the right.
fn row(left: Line<'static>, middle: Line<'static>, right: &str, room: usize) -> Line<'static> {
    let right = Line::of(Role::Dim, format!("{right:>8}"));
    let middle_at = room * 45 / 100;
    let left = if middle.is_empty() { left } else { left.cut(middle_at.saturating_sub(1), Cut::End) };
    let pad = middle_at.saturating_sub(left.width());
    let middle_room = room.saturating_sub(left.width() + pad + right.width());
    let line = if middle.is_empty() {
        left.cut(room.saturating_sub(right.width()), Cut::End)
    } else {
        left.with(Role::Text, " ".repeat(pad)).join(middle.cut(middle_room, Cut::End))
    };
    let gap = room.saturating_sub(line.width() + right.width());
    line.with(Role::Text, " ".repeat(gap)).join(right)
}

fn progress(step: &StepView) -> Line<'static> {
    let text = Line::of(Role::Text, step.progress.text.clone());
    match (step.progress.done, step.progress.of) {
        (Some(done), Some(of)) => {
            let number = |n: i64| u64::try_from(n).unwrap_or_default();
            bar::progress(number(done), number(of), BAR).with(Role::Text, "  ").join(text)
        }
        _ => text,
    }
}

/// The question that waits, or the end with what is left behind: always in sight.
fn ending(run: &RunView, room: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    if let Some(question) = &run.question {
        rows.push(Line::new());
        rows.extend(Line::of(Role::NoticeWarn, "Waiting for you: ").with(Role::Text, question.reason.to_string()).wrap(room, 4));
        for (at, way) in question.ways.iter().enumerate() {
            rows.push(Line::of(Role::Key, format!("  {}", at + 1)).with(Role::Text, format!("  {}", way.title())));
        }
    }
    if let Some((outcome, _)) = &run.ended {
        rows.push(Line::new());
        rows.extend(outcome_rows(outcome, room));
    }
    rows
}

fn outcome_rows(outcome: &Outcome, room: usize) -> Vec<Line<'static>> {
    let (mark, role) = match outcome.outcome {
        End::Proven => (glyph::DONE, Role::NoticeGood),
        End::Failed | End::FailedWithDebts => (glyph::FAILED, Role::NoticeError),
        End::Unknown => ("?", Role::Unknown),
        End::Refused => (glyph::FAILED, Role::NoticeWarn),
    };
    let mut line = Line::of(role, format!("{mark} {}", outcome.words()));
    if !outcome.reason.is_empty() {
        line = line.with(Role::Text, format!(": {}", outcome.reason));
    }
    let mut rows = line.wrap(room, 6);
    if !outcome.hint.is_empty() {
        rows.extend(Line::of(Role::Label, "Next  ").with(Role::Text, outcome.hint.clone()).wrap(room, 4));
    }
    for debt in &outcome.debts {
        rows.extend(Line::of(Role::NoticeWarn, "Debt  ").with(Role::Text, format!("{}: {}", debt.object, debt.what)).wrap(room, 3));
        rows.extend(Line::of(Role::Label, "      pay: ").with(Role::Text, debt.pay.clone()).wrap(room, 3));
    }
    if let Some(why) = &outcome.journal {
        rows.extend(Line::of(Role::NoticeError, format!("The journal does not have all of this: {why}")).wrap(room, 3));
    }
    rows
}

fn foot(app: &App, run: Option<&RunView>) -> Line<'static> {
    let over = run.is_some_and(|r| r.ended.is_some());
    let keys: &[(Action, &str)] = if over {
        &[(Action::Back, "close"), (Action::UndoRun, "undo: a new plan"), (Action::ResumeRun, "resume"), (Action::RunLogs, "logs of the pods")]
    } else {
        &[(Action::Back, "leave it running"), (Action::CancelRun, "cancel and undo"), (Action::RunLogs, "logs of the pods")]
    };
    let mut line = Line::new();
    for (action, label) in keys.iter().filter(|(action, _)| *action != Action::ResumeRun || app.unavailable(*action).is_none()) {
        if let Some(chord) = app.start.keymap.hint(&[Context::Run], *action) {
            line.push(Role::KeyLabel, if line.is_empty() { "" } else { "   " });
            line.push(Role::Key, chord.to_string());
            line.push(Role::KeyLabel, format!(" {label}"));
        }
    }
    line
}
