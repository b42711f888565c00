//! Whether what is on screen is live, in a few words.

use crate::app::App;
use crate::app::live::Live;
use crate::base::age;
use crate::base::health::Health;
use crate::theme::{Role, glyph};
use crate::ui::line::Line;

/// `● live`, `◐ stale 40s: connection refused`, `✗ disconnected: …`, `… reading 3 of 14`.
pub(super) fn state(app: &App) -> Line<'static> {
    match app.live() {
        Live::NotOpen(reason) => Line::of(Role::Lost, format!("{} not connected: ", glyph::FAILED)).with(Role::Text, reason),
        Live::Connecting => Line::of(Role::Stale, "… connecting"),
        Live::Lost(reason) => Line::of(Role::Lost, format!("{} disconnected: ", glyph::FAILED)).with(Role::Text, reason),
        Live::Stale { since, reason } => Line::of(Role::Stale, format!("◐ stale {}: ", age::coarse(since, app.now))).with(Role::Text, reason),
        Live::Reading { connected, all } => Line::of(Role::Stale, format!("… reading {connected} of {all}")),
        Live::Live => Line::of(Role::Live, format!("{} live", glyph::health(Health::Ok))),
    }
}
