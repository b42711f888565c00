//! The whole screen: header, four panes, what lies over them, the bottom line.
//!
//! Owns the order in which things are drawn, and tells how much of each is seen.

use ratatui::layout::{Position, Rect};

use super::{bottom, choice, first_steps, health, logs, plan, reading, releases, run, top, workloads};
use crate::app::msg::Measures;
use crate::app::overlay::Overlay;
use crate::app::{App, Pane};
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::layout::{LEAST, Layout, Place, layout, too_small};
use crate::ui::line::Line;

/// What came of a drawing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Drawn {
    /// Where the terminal's cursor belongs; `None` hides it.
    pub cursor: Option<Position>,
    /// How many rows of everything are seen.
    pub measures: Measures,
}

/// Draws the console.
pub(crate) fn draw(app: &App, canvas: &mut Canvas<'_>) -> Drawn {
    let area = canvas.area();
    if too_small(area) {
        let text = format!("{}x{} is too small: {}x{} at least", area.width, area.height, LEAST.0, LEAST.1);
        canvas.line(area.x, area.y, area.width, &Line::of(Role::NoticeWarn, text));
        return Drawn::default();
    }
    let focus = usize::from(app.focus.number() - 1);
    let places = layout(area, focus, app.zoomed, app.first_steps.is_some());
    top::draw(app, canvas, places.header);
    let mut drawn = Drawn { cursor: None, measures: measures(app, area, &places) };
    // A reading view hides everything below it.
    let first = app.overlays.iter().rposition(|o| matches!(o, Overlay::Document(_)));
    if first.is_none() {
        draw_panes(app, canvas, &places);
    }
    for overlay in &app.overlays[first.unwrap_or(0)..] {
        draw_overlay(app, overlay, canvas, places.body, &mut drawn);
    }
    if let Some(steps) = &app.first_steps {
        first_steps::draw(app, steps, canvas, places.first_steps);
    }
    let typed = bottom::draw(app, canvas, places.keys);
    drawn.cursor = typed.or(drawn.cursor);
    drawn
}

/// The pane at a place of the screen, and which visible row of its list is there.
pub(crate) fn pane_at(app: &App, area: Rect, at: Position) -> Option<(Pane, Option<u16>)> {
    if too_small(area) {
        return None;
    }
    let places = layout(area, usize::from(app.focus.number() - 1), app.zoomed, app.first_steps.is_some());
    Pane::ALL.into_iter().find_map(|pane| match places.panes[usize::from(pane.number() - 1)] {
        Place::Pane(area) if area.contains(at) => {
            let head = 1 + u16::from(matches!(pane, Pane::Workloads | Pane::Releases));
            let row = at.y.checked_sub(area.y + head).filter(|_| at.y + 1 < area.bottom());
            Some((pane, row))
        }
        Place::Summary(area) if area.contains(at) => Some((pane, None)),
        _ => None,
    })
}

fn draw_panes(app: &App, canvas: &mut Canvas<'_>, places: &Layout) {
    for pane in Pane::ALL {
        // With something over the panes none of them has the keys.
        let focused = pane == app.focus && app.overlays.iter().all(|o| matches!(o, Overlay::Prompt(_)));
        match places.panes[usize::from(pane.number() - 1)] {
            Place::Pane(area) => {
                match pane {
                    Pane::Workloads => workloads::draw(app, canvas, area, focused),
                    Pane::Health => health::draw(app, canvas, area, focused),
                    Pane::Releases => releases::draw(app, canvas, area, focused),
                    Pane::Logs => logs::draw(app, canvas, area, focused),
                };
            }
            Place::Summary(area) => draw_summary(app, pane, canvas, area),
            Place::Hidden => {}
        }
    }
}

fn draw_summary(app: &App, pane: Pane, canvas: &mut Canvas<'_>, area: Rect) {
    let text = match pane {
        Pane::Workloads => workloads::summary(app),
        Pane::Health => health::summary(app),
        Pane::Releases => releases::summary(app),
        Pane::Logs => logs::summary(app),
    };
    let line = Line::of(Role::Title, format!("{} {}: ", pane.number(), pane.title())).join(text);
    canvas.line(area.x + 1, area.y, area.width.saturating_sub(2), &line);
}

fn draw_overlay(app: &App, overlay: &Overlay, canvas: &mut Canvas<'_>, body: Rect, drawn: &mut Drawn) {
    drawn.cursor = None;
    match overlay {
        Overlay::Document(view) => drawn.measures.overlay = reading::draw(view, canvas, body),
        Overlay::Choice(picker) => (drawn.cursor, drawn.measures.overlay) = choice::draw(&picker.choice, canvas, body),
        Overlay::Prompt(_) => {}
        Overlay::Plan(panel) => drawn.cursor = plan::draw(app, panel, canvas, body),
        Overlay::Run(id) => run::draw(app, id, canvas, body),
    }
}

/// Rows of each pane: of one that is not on screen those it would have, so that its cursor does not jump when it comes back.
fn measures(app: &App, area: Rect, places: &Layout) -> Measures {
    let rows = |pane: usize| {
        let here = places.panes[pane].pane();
        let place = here.or_else(|| layout(area, pane, false, app.first_steps.is_some()).panes[pane].pane()).unwrap_or_default();
        place.height.saturating_sub(2)
    };
    // Workloads and releases have a head.
    Measures {
        workloads: rows(0).saturating_sub(1),
        health: rows(1),
        releases: rows(2).saturating_sub(1),
        logs: rows(3),
        overlay: 0,
    }
}
