//! The two lines at the top: where we are and whether what we see is live; is it up, what changed, can we go back, who to call.
//!
//! Owns their order of importance (screens.md 1, 2). What cannot be known says so and never looks like good news.

mod stream;

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::app::App;
use crate::base::age;
use crate::base::environment::EnvironmentKind;
use crate::base::health::Health;
use crate::base::problem::Level;
use crate::fleet::Trouble;
use crate::service::{PIN, Reachable, to_call};
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::screen::{reason, releases};
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
    let banner = app.start.service.as_ref().and_then(|s| s.environment.as_ref()?.banner.as_deref());
    if let Some(banner) = banner.filter(|text| !text.eq_ignore_ascii_case(app.environment().word())) {
        segments.push(Segment::elastic(Line::of(Role::NoticeWarn, banner), 2, 8, 30));
    }
    if let Some(service) = &app.start.service {
        segments.push(Segment::elastic(Line::of(Role::Strong, &*service.id), 2, 10, 24));
        segments.push(Segment::elastic(Line::of(Role::Dim, &*service.source), 6, 12, 24).lead(" "));
    }
    segments.push(Segment::elastic(target(app), 1, 14, 40).lead(if app.start.service.is_some() { " · " } else { "  " }));
    if let Some(problem) = app.problems.get(PIN) {
        let text = if problem.level == Level::Error { " NOT THE PINNED CLUSTER " } else { " CLUSTER NOT KNOWN " };
        segments.push(Segment::whole(Line::of(Role::Lost, text), 0));
    }
    if let Some(who) = who(app) {
        segments.push(Segment::elastic(Line::of(Role::Dim, who), 5, 6, 20).lead(" · "));
    }
    if app.read_only() {
        segments.push(Segment::whole(Line::of(Role::ReadOnly, " READ ONLY "), 0));
    }
    let environment = app.start.service.as_ref().and_then(|s| s.environment.as_ref());
    if let Some((name, until)) = environment.and_then(|e| e.frozen(None, app.now, &app.start.zone)) {
        let until = until.to_zoned(app.start.zone.clone()).strftime("%a %H:%M");
        segments.push(Segment::elastic(Line::of(Role::NoticeWarn, format!(" frozen until {until}: {name} ")), 1, 20, 36));
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
    let segment = |word: &'static str, mut forms: Vec<Line<'static>>, rank, min, good| {
        for form in &mut forms {
            *form = Line::of(Role::Label, word).with(Role::Label, " ").join(std::mem::take(form));
        }
        let shorter = forms.split_off(1);
        Segment::elastic(forms.remove(0), rank, min, good).shorter(shorter)
    };
    vec![
        segment("UP", up(app), 0, 16, 36),
        segment("CHANGED", changed(app), 1, 20, 36),
        segment("BACK", back(app), 0, 14, 26),
        segment("CALL", call(app), 2, 14, 26),
    ]
}

/// The health of the whole and its first reason, from the fullest form to the shortest.
fn up(app: &App) -> Vec<Line<'static>> {
    let up = &app.answers.up;
    let role = glyph::health_role(up.health);
    let sign = glyph::health(up.health);
    let word = |text: &str| Line::of(role, format!("{sign} {}: ", up.health.word())).with(Role::Text, text.to_owned());
    let Some(first) = up.reasons.first() else {
        return match up.health {
            Health::Ok => vec![Line::of(role, format!("{sign} {}", up.text()))],
            Health::Unknown => vec![Line::of(role, "? unknown: nothing is seen yet"), Line::of(role, "? unknown")],
            _ => vec![word(&up.text())],
        };
    };
    let mut forms = vec![word(&first.text)];
    let row = first.workload.as_ref().and_then(|key| app.fleet.row(key));
    if let Some((row, cause)) = row.and_then(|row| Some((row, row.cause.as_ref()?))) {
        if cause.trouble == Trouble::Unseen {
            forms.extend([word("nothing is seen any more"), Line::of(role, format!("{sign} unknown"))]);
            return forms;
        }
        let shorter = reason::forms(&cause.text, &cause.short);
        forms.extend(shorter.iter().map(|form| word(&format!("{}: {form}", row.key.name))));
        let short = Line::of(role, format!("{sign} {}", cause.short));
        forms.extend([short.clone().with(Role::Text, format!(" {}", row.key.name)), short]);
    }
    forms
}

/// The newest change of any kind, when, by whom.
fn changed(app: &App) -> Vec<Line<'static>> {
    let Some(changed) = &app.answers.changed else {
        return vec![Line::of(Role::Unknown, "unknown: no change is seen"), Line::of(Role::Unknown, "unknown")];
    };
    let at = Timestamp::from_second(changed.at).unwrap_or(app.now);
    let ago = format!(" {} ago", age::coarse(at, app.now));
    let what = Line::of(Role::Text, changed.short.clone()).with(Role::Text, ago.clone());
    let by = changed.by.phrase().map_or_else(|| ", nobody knows by whom".to_owned(), |by| format!(" {by}"));
    let mut forms = vec![what.clone().with(Role::Dim, by), what];
    // `web v1.8.3` without the name: the version alone says what there is to go back from.
    if let Some(nameless) = changed.short.strip_prefix(&*changed.object.name).map(str::trim_start).filter(|rest| !rest.is_empty()) {
        forms.push(Line::of(Role::Text, nameless.to_owned()).with(Role::Text, ago));
    }
    forms
}

/// The way back, and what it costs; what cannot be known says so.
fn back(app: &App) -> Vec<Line<'static>> {
    let Some(back) = &app.answers.back else {
        return vec![Line::of(Role::Unknown, "unknown: no workload with revisions is seen"), Line::of(Role::Unknown, "unknown")];
    };
    let role = releases::verdict_role(back.verdict);
    let full = back.text();
    let short = full.split_once(": ").map_or(full.clone(), |(short, _)| short.to_owned());
    vec![Line::of(role, full), Line::of(role, short)]
}

/// Who can be reached now.
fn call(app: &App) -> Vec<Line<'static>> {
    let unknown = |why: &str| vec![Line::of(Role::Unknown, format!("unknown: {why}")), Line::of(Role::Unknown, "unknown")];
    let Some(service) = &app.start.service else { return unknown("no service file names contacts") };
    let calls = to_call(&service.contacts, &service.escalations, app.now, &app.start.zone);
    let Some((contact, reachable)) = calls.into_iter().next() else { return unknown("the service file names nobody") };
    let when = match reachable {
        Reachable::Now => Line::of(Role::Text, contact.role.clone()),
        Reachable::From(at) => {
            let at = at.to_zoned(app.start.zone.clone()).strftime("%a %H:%M").to_string();
            Line::of(Role::Unknown, contact.role.clone()).with(Role::Unknown, format!(" from {at}"))
        }
        Reachable::Unknown(_) => Line::of(Role::Unknown, contact.role.clone()).with(Role::Unknown, "?"),
    };
    vec![when.clone().with(Role::Dim, format!(", {}", contact.how())), when]
}
