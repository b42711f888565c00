//! The two lines at the top: where we are and whether what we see is live; is it up, what changed, can we go back, who to call.
//!
//! Owns their order of importance (screens.md 1, 2). What cannot be known says so and never looks like good news.

mod stream;

use ratatui::layout::Rect;

use crate::app::App;
use crate::base::age;
use crate::base::environment::EnvironmentKind;
use crate::base::health::Health;
use crate::release::BackVerdict;
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::header::{Segment, draw as draw_segments};

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect) {
    draw_segments(canvas, Rect { height: 1, ..area }, &place(app));
    if area.height > 1 {
        draw_segments(canvas, Rect { y: area.y + 1, height: 1, ..area }, &answers(app));
    }
}

/// The word of an environment on its own ground: on every screen and every panel.
pub(super) fn environment(kind: EnvironmentKind) -> Line<'static> {
    let role = match kind {
        EnvironmentKind::Production => Role::EnvProduction,
        EnvironmentKind::Staging => Role::EnvStaging,
        EnvironmentKind::Unknown => Role::EnvUnknown,
        EnvironmentKind::Development | EnvironmentKind::Test | EnvironmentKind::Local | EnvironmentKind::Demo => Role::EnvDevelopment,
    };
    Line::of(role, format!(" {} ", kind.word().to_uppercase()))
}

fn place(app: &App) -> Vec<Segment<'_>> {
    let mut segments = vec![Segment::whole(environment(app.environment()), 0)];
    if let Some(service) = &app.start.service {
        segments.push(Segment::elastic(Line::of(Role::Strong, &*service.id), 2, 10, 24));
    }
    segments.push(Segment::elastic(target(app), 1, 14, 40).lead(if app.start.service.is_some() { " · " } else { "  " }));
    if let Some(who) = who(app) {
        segments.push(Segment::elastic(Line::of(Role::Dim, who), 5, 6, 20).lead(" · "));
    }
    if app.read_only() {
        segments.push(Segment::whole(Line::of(Role::ReadOnly, " READ ONLY "), 0));
    }
    segments.push(Segment::elastic(stream::state(app), 0, 10, 48).right());
    match &app.start.journal {
        Ok(()) => segments.push(Segment::whole(Line::of(Role::Dim, "journal ok"), 4).right()),
        Err(_) => segments.push(Segment::whole(Line::of(Role::Lost, "journal not writable"), 0).right()),
    }
    let clock = app.now.to_zoned(app.start.zone.clone()).strftime("%H:%M %Z").to_string();
    segments.push(Segment::whole(Line::of(Role::Dim, clock), 3).right());
    segments
}

fn target(app: &App) -> Line<'_> {
    let Some(opened) = &app.opened else { return Line::of(Role::Dim, "no target") };
    let context = if opened.context.is_empty() { "in the cluster" } else { &*opened.context };
    let namespaces = match &opened.namespaces {
        None => "all namespaces".to_owned(),
        Some(names) => names.join(", "),
    };
    Line::of(Role::Strong, context).with(Role::Dim, " / ").with(Role::Strong, namespaces)
}

/// Who the server says we are, else the kubeconfig's user.
fn who(app: &App) -> Option<&str> {
    let known = app.identity.as_ref().map(|i| i.user.as_str()).filter(|user| !user.is_empty());
    known.or_else(|| app.opened.as_ref().map(|o| o.user.as_str())).filter(|user| !user.is_empty())
}

fn answers(app: &App) -> Vec<Segment<'_>> {
    vec![
        Segment::elastic(Line::of(Role::Label, "UP ").join(up(app)), 0, 16, 34),
        Segment::elastic(Line::of(Role::Label, "CHANGED ").join(changed(app)), 1, 18, 34),
        Segment::elastic(Line::of(Role::Label, "BACK ").join(back(app)), 0, 14, 26),
        Segment::elastic(Line::of(Role::Label, "CALL ").join(call(app)), 2, 14, 26),
    ]
}

/// The health of the whole and its first reason.
fn up(app: &App) -> Line<'_> {
    let up = &app.answers.up;
    let role = glyph::health_role(up.health);
    match (up.health, up.reasons.first()) {
        (Health::Ok, None) => Line::of(role, up.text()),
        (health, Some(first)) => Line::of(role, format!("{}: ", health.word())).with(Role::Text, &*first.text),
        (Health::Unknown, None) => Line::of(role, "unknown: nothing is seen yet"),
        (health, None) => Line::of(role, format!("{}: ", health.word())).with(Role::Text, up.text()),
    }
}

/// The newest change of any kind, when, by whom.
fn changed(app: &App) -> Line<'_> {
    let Some(changed) = &app.answers.changed else { return Line::of(Role::Unknown, "unknown: no change is seen") };
    let at = jiff::Timestamp::from_second(changed.at).unwrap_or(app.now);
    let by = changed.by.text().map_or_else(|| " by unknown".to_owned(), |by| format!(" by {by}"));
    Line::of(Role::Text, &*changed.short)
        .with(Role::Text, format!(" {} ago", age::coarse(at, app.now)))
        .with(Role::Dim, by)
}

/// The way back, and what it costs; what cannot be known says so.
fn back(app: &App) -> Line<'static> {
    match &app.answers.back {
        Some(back) if back.verdict == BackVerdict::Safe => Line::of(Role::Ok, back.text()),
        Some(back) => Line::of(Role::Unknown, back.text()),
        None => Line::of(Role::Unknown, "unknown: no workload with revisions is seen"),
    }
}

/// Who can be reached now.
fn call(app: &App) -> Line<'static> {
    let Some(service) = &app.start.service else { return Line::of(Role::Unknown, "unknown: no service file names contacts") };
    let calls = crate::service::to_call(&service.contacts, &service.escalations, app.now, &app.start.zone);
    match calls.into_iter().next() {
        Some((contact, _)) => Line::of(Role::Text, format!("{}, {}", contact.role, contact.how())),
        None => Line::of(Role::Unknown, "unknown: the service file names nobody"),
    }
}
