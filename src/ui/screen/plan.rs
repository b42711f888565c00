//! The plan panel: what will happen, what was checked, what must be typed (screens.md 3).
//!
//! Owns its looks. Every line comes from the plan value itself.

use std::sync::Arc;

use ratatui::layout::{Position, Rect};

use crate::action::{Action, Context};
use crate::app::App;
use crate::app::effect::Second;
use crate::app::overlay::{PlanPanel, PlanState};
use crate::base::confirmation::Confirmation;
use crate::run::{Answer, Plan, PlanLine, Tone, program};
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::screen::top;
use crate::ui::widget::field::Field;
use crate::ui::widget::panel::{Panel, centered};

/// Columns of the words at the left: `Will change`.
const LABEL: usize = 14;

/// As wide as the panel ever gets: longer lines are hard to read.
const WIDEST: u16 = 120;

pub(super) fn draw(app: &App, panel: &PlanPanel, canvas: &mut Canvas<'_>, within: Rect) -> Option<Position> {
    let width = within.width.min(WIDEST);
    let text_width = usize::from(width.saturating_sub(4));
    let pinned = pinned(app, panel, text_width);
    let room = usize::from(within.height).saturating_sub(pinned.len() + 3);
    let body = body(app, panel, text_width, room);
    let drawn = Panel {
        title: title(panel),
        info: top::environment(app.environment()),
        body,
        pinned,
        foot: foot(app, panel),
        offset: 0,
    };
    let (_, height) = drawn.size();
    let place = drawn.draw(canvas, centered(within, width, height));
    let field_row = Rect { y: place.pinned.bottom().saturating_sub(1), height: 1, ..place.pinned };
    ask(panel).and_then(|label| {
        let field = Field { label, text: panel.typed.text(), cursor: panel.typed.cursor(), hint: "" };
        field.draw(canvas, field_row)
    })
}

/// Whose plan it is where two people are in it.
fn title(panel: &PlanPanel) -> Line<'static> {
    let own = own_title(panel);
    match &panel.request.second {
        Some(Second::Approve(asked)) => Line::of(Role::PanelTitle, "Approve: ")
            .join(own)
            .with(Role::PanelTitle, format!(", asked for by {}", asked.by)),
        Some(Second::Again(_)) => Line::of(Role::PanelTitle, "Approved, confirm once more: ").join(own),
        Some(Second::Alone(_)) => Line::of(Role::Danger, "BREAK-GLASS: ").join(own),
        None => own,
    }
}

fn own_title(panel: &PlanPanel) -> Line<'static> {
    match &panel.state {
        PlanState::Ready(plan) | PlanState::Stale(plan, _) => Line::of(Role::PanelTitle, plan.title()),
        PlanState::Making(_) | PlanState::Failed(_) => {
            let further = panel.request.parameters.iter().filter(|p| p.starts_with("with=")).count();
            let further = if further > 0 { format!(" and {further} more") } else { String::new() };
            Line::of(
                Role::PanelTitle,
                format!(
                    "{} {}{further}",
                    capital(program::named(&panel.request.action).unwrap_or(&panel.request.action)),
                    panel.request.subject.name
                ),
            )
        }
    }
}

fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn body(app: &App, panel: &PlanPanel, width: usize, room: usize) -> Vec<Line<'static>> {
    match &panel.state {
        PlanState::Making(_) => vec![
            Line::of(Role::Text, "Reading the target, asking what is allowed, trying it as a dry run …"),
            Line::of(Role::Dim, "Nothing has been written."),
        ],
        PlanState::Failed(problem) => {
            let mut lines = Line::of(Role::Danger, format!("{} ", glyph::FAILED)).with(Role::Text, problem.message.clone()).wrap(width, 8);
            if let Some(hint) = &problem.hint {
                lines.push(Line::new());
                lines.extend(Line::of(Role::Label, "Next  ").with(Role::Text, hint.clone()).wrap(width, 6));
            }
            lines.push(Line::of(Role::Dim, "Nothing has been written."));
            lines
        }
        PlanState::Ready(plan) | PlanState::Stale(plan, _) => plan_rows(app, plan, width, room),
    }
}

/// The plan's lines. Where they do not fit, checks that hold are told in one line, for the others matter more; then what one
/// would type without this program goes, which is in the journal too.
fn plan_rows(app: &App, plan: &Plan, width: usize, room: usize) -> Vec<Line<'static>> {
    let lines = without_confirm(plan.lines(app.now));
    let all = rows(&lines, width);
    if all.len() <= room {
        return all;
    }
    let lines = shortened(plan, lines);
    let short = rows(&lines, width);
    if short.len() <= room {
        return short;
    }
    let end = lines.iter().position(|l| l.label == "Same as").unwrap_or(lines.len());
    rows(&lines[..end], width)
}

/// What must be typed, and what stands in the way, is said where it is always in sight.
fn without_confirm(mut lines: Vec<PlanLine>) -> Vec<PlanLine> {
    if let Some(at) = lines.iter().position(|l| matches!(l.label, "Confirm" | "Blocked by")) {
        lines.truncate(at);
    }
    lines
}

fn shortened(plan: &Plan, lines: Vec<PlanLine>) -> Vec<PlanLine> {
    let held = lines.iter().filter(|l| l.tone == Tone::Ok).count();
    if held < 2 {
        return lines;
    }
    let mut label = "";
    let mut told = false;
    let mut short = Vec::with_capacity(lines.len());
    for mut line in lines {
        if line.tone == Tone::Ok {
            label = if line.label.is_empty() { label } else { line.label };
            if !told {
                told = true;
                let text = format!("{held} checks hold: {}", holding(plan));
                short.push(PlanLine { label: std::mem::take(&mut label), tone: Tone::Ok, text });
            }
            continue;
        }
        if line.label.is_empty() && !label.is_empty() {
            line.label = label;
        }
        label = "";
        short.push(line);
    }
    short
}

/// What the checks that hold are about, each word once: `rbac, identity, lock, quota`.
fn holding(plan: &Plan) -> String {
    let held = plan.checks().iter().filter(|check| check.result == Answer::Ok);
    let mut words: Vec<&str> = Vec::new();
    for word in held.map(|check| check.id.split(':').next().unwrap_or(&check.id)) {
        if !words.contains(&word) {
            words.push(word);
        }
    }
    words.join(", ")
}

fn rows(lines: &[PlanLine], width: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::with_capacity(lines.len());
    for line in lines {
        let (mark, role) = look(line.tone);
        let label = format!("{:<LABEL$}", line.label);
        let mark_width = if mark.is_empty() { 0 } else { 2 };
        // What goes on in the next row stands under its own beginning.
        let text = line.text.trim_start();
        let indent = line.text.len() - text.len();
        let parts = Line::of(role, text.to_owned()).wrap(width.saturating_sub(LABEL + mark_width + indent), 6);
        for (at, part) in parts.into_iter().enumerate() {
            let mut row = if at == 0 { Line::of(Role::Label, label.clone()) } else { Line::of(Role::Label, " ".repeat(LABEL)) };
            if mark_width > 0 {
                row.push(mark_role(line.tone), if at == 0 { format!("{mark} ") } else { "  ".to_owned() });
            }
            row.push(role, " ".repeat(indent));
            rows.push(row.join(part));
        }
    }
    rows
}

const fn look(tone: Tone) -> (&'static str, Role) {
    match tone {
        Tone::Plain => ("", Role::Text),
        Tone::Muted => ("", Role::Dim),
        Tone::Ok => (glyph::DONE, Role::Text),
        Tone::Warning => ("!", Role::NoticeWarn),
        Tone::Danger => ("!", Role::Danger),
        Tone::Failed => (glyph::FAILED, Role::Danger),
        Tone::Unknown => ("?", Role::Unknown),
    }
}

const fn mark_role(tone: Tone) -> Role {
    match tone {
        Tone::Ok => Role::Ok,
        Tone::Warning => Role::NoticeWarn,
        Tone::Danger | Tone::Failed => Role::Danger,
        Tone::Unknown => Role::Unknown,
        Tone::Plain | Tone::Muted => Role::Text,
    }
}

/// Rows that are always in sight: what moved, the ways on, why so much is asked, what was typed wrongly, and the field.
fn pinned(app: &App, panel: &PlanPanel, width: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    match &panel.state {
        PlanState::Stale(_, moved) => {
            let again = app.start.keymap.hint(&[Context::Plan], Action::NewPlan).map(ToString::to_string).unwrap_or_default();
            let text = Line::of(Role::Danger, "The world moved: ").with(Role::Text, moved.clone());
            rows.extend(text.wrap(width, 3));
            rows.push(Line::of(Role::Key, again).with(Role::Text, " makes a new plan. Nothing has been written."));
        }
        PlanState::Ready(plan) => rows.extend(asked(panel, plan, width)),
        PlanState::Making(_) | PlanState::Failed(_) => {}
    }
    rows.extend(breaking(app, panel, width));
    if let Some(error) = &panel.error {
        rows.extend(Line::of(Role::Danger, format!("{} {error}", glyph::FAILED)).wrap(width, 2));
    }
    if ask(panel).is_some() {
        rows.push(Line::new());
    }
    if !rows.is_empty() {
        rows.insert(0, Line::new());
    }
    rows
}

/// The minute in which the glass breaks.
fn breaking(app: &App, panel: &PlanPanel, width: usize) -> Vec<Line<'static>> {
    let Some(at) = panel.breaks_at else { return Vec::new() };
    let left = at.duration_since(app.now).as_millis().max(0).unsigned_abs().div_ceil(1000);
    let text = format!("{left} s until this plan may go without a second person. Nothing is sent meanwhile; leaving takes it back.");
    Line::of(Role::Danger, format!("{} {text}", glyph::FAILED)).wrap(width, 3)
}

fn asked(panel: &PlanPanel, plan: &Plan, width: usize) -> Vec<Line<'static>> {
    let mut rows = Vec::new();
    let choices = plan.checks().iter().flat_map(|check| &check.choices);
    let mut ways = Line::new();
    for choice in choices {
        ways = ways.with(Role::Key, format!("[{}]", choice.key)).with(Role::Text, format!(" {}   ", choice.title));
    }
    if !ways.is_empty() {
        rows.extend(Line::of(Role::Label, format!("{:<LABEL$}", "Choose")).join(ways).wrap(width, 3));
    }
    if !plan.allowed() {
        let blocked = Line::of(Role::Danger, "This plan may not run: ").with(Role::Text, format!("{} in the way.", stands(plan.blocked_by())));
        rows.extend(blocked.wrap(width, 2));
        return rows;
    }
    let reasons: Vec<&str> = plan.raises().iter().filter(|r| r.to == plan.confirmation().level).map(|r| r.why.as_str()).collect();
    if !reasons.is_empty() {
        rows.extend(Line::of(Role::NoticeWarn, format!("So much is asked for because of this: {}.", reasons.join(", "))).wrap(width, 2));
    }
    if plan.confirmation().level == Confirmation::TwoPerson && panel.breaks_at.is_none() {
        let (role, text) = match &panel.request.second {
            Some(Second::Approve(_)) => (Role::NoticeWarn, "You are the second person: this approves it, and whoever asked begins.".to_owned()),
            Some(Second::Again(_)) => (Role::NoticeWarn, "It is approved: this begins it. Leaving takes the question back.".to_owned()),
            Some(Second::Alone(_)) => {
                let reason = plan.inputs().reason.as_deref().unwrap_or_default();
                (Role::Danger, format!("Nobody approves it: this begins it, and it is on record: {reason}"))
            }
            None => (Role::NoticeWarn, "A second person must approve it as well.".to_owned()),
        };
        rows.extend(Line::of(role, text).wrap(width, 2));
    }
    rows
}

/// `hpa stands`, `hpa and quota stand`.
fn stands(checks: &[String]) -> String {
    match checks {
        [one] => format!("{one} stands"),
        [all @ .., last] => format!("{} and {last} stand", all.join(", ")),
        [] => "nothing stands".to_owned(),
    }
}

/// What stands before the field, when something is to be typed.
fn ask(panel: &PlanPanel) -> Option<Line<'static>> {
    let plan = panel.ready().filter(|_| panel.takes_text())?;
    let text = plan.confirmation().text.clone()?;
    Some(Line::of(Role::Text, "Type ").with(Role::Typed, text).with(Role::Text, " to go on: "))
}

fn foot(app: &App, panel: &PlanPanel) -> Line<'static> {
    let mut line = Line::new();
    let takes_text = panel.takes_text();
    let contexts = if takes_text { vec![Context::Text, Context::Plan] } else { vec![Context::Plan] };
    let mut key = |action: Action, label: &str| {
        if let Some(chord) = app.start.keymap.hint(&contexts, action) {
            let gap = if line.is_empty() { "" } else { "   " };
            line.push(Role::KeyLabel, gap);
            line.push(Role::Key, chord.to_string());
            line.push(Role::KeyLabel, format!(" {label}"));
        }
    };
    if panel.breaks_at.is_some() {
        key(Action::Back, "take it back");
        return line;
    }
    key(Action::Back, "cancel");
    if panel.begins() {
        key(Action::Submit, "go on");
    }
    key(Action::NewPlan, "new plan");
    if takes_text && panel.request.second.is_none() && panel.ready().is_some_and(|plan| plan.needs_approval()) {
        key(Action::BreakGlass, "break the glass");
    }
    if panel.request.is_about_several() {
        let parallel = panel.request.parameters.iter().any(|p| p == "order=parallel");
        key(Action::OtherOrder, if parallel { "one after the other" } else { "all at once" });
    }
    let overridable = |plan: &Arc<Plan>| plan.checks().iter().any(|c| c.overridable && plan.blocked_by().contains(&c.id));
    if panel.ready().is_some_and(overridable) {
        key(Action::Override, "override in writing");
    }
    line
}
