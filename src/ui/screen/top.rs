//! The two lines at the top: where we are and whether what we see is live; is it up, what changed, can we go back, who to call.
//!
//! Owns their order of importance (screens.md 1, 2). What cannot be known says so and never looks like good news.

mod stream;

use ratatui::layout::Rect;

use crate::app::App;
use crate::base::age;
use crate::base::environment::EnvironmentKind;
use crate::base::health::Health;
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

/// The worst health and its reason.
fn up(app: &App) -> Line<'_> {
    let worst = app.fleet.rows().filter(|row| row.health != Health::Off).max_by_key(|row| row.health.severity());
    let Some(worst) = worst else { return Line::of(Role::Unknown, "unknown: nothing is seen yet") };
    let role = glyph::health_role(worst.health);
    if worst.health == Health::Ok {
        let (ready, desired) = app.fleet.rows().fold((0, 0), |(r, d), row| (r + row.ready, d + row.desired));
        return Line::of(role, format!("{ready}/{desired} ready"));
    }
    let text = worst.reason().unwrap_or(worst.health.word());
    Line::of(role, format!("{}: ", worst.health.word()))
        .with(Role::Text, &*worst.key.name)
        .with(Role::Text, " ")
        .with(Role::Text, text)
}

fn changed(app: &App) -> Line<'static> {
    let newest = app.fleet.rows().max_by_key(|row| row.created);
    match newest.filter(|row| row.created > 0) {
        Some(row) => {
            let at = jiff::Timestamp::from_second(row.created).unwrap_or(app.now);
            Line::of(Role::Text, format!("{} {} ago", row.key.name, age::coarse(at, app.now)))
        }
        None => Line::of(Role::Unknown, "unknown"),
    }
}

fn back(_app: &App) -> Line<'static> {
    Line::of(Role::Unknown, "unknown: no service file names the migrations")
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
