//! Whether what is on screen is live: the worst of what the streams say, in a few words.

use jiff::Timestamp;

use crate::app::App;
use crate::base::age;
use crate::target::api::ErrorKind;
use crate::target::event::StreamState;
use crate::theme::{Role, glyph};
use crate::ui::line::Line;

/// `● live`, `◐ stale 40s: connection refused`, `✗ disconnected: …`, `… reading 3 of 14`.
pub(super) fn state(app: &App) -> Line<'static> {
    if let Some(problem) = &app.failure {
        return Line::of(Role::Lost, format!("{} not connected: ", glyph::FAILED)).with(Role::Text, problem.message.clone());
    }
    if app.opened.is_none() {
        return Line::of(Role::Stale, "… connecting");
    }
    let mut seen = Seen::default();
    for (_, stream) in app.fleet.streams() {
        seen.take(&stream.state);
    }
    seen.say(app.now)
}

/// What all streams say together.
#[derive(Default)]
struct Seen {
    all: usize,
    connected: usize,
    loading: usize,
    /// The one that is stale for longest, and why.
    stale: Option<(Timestamp, String)>,
    /// Cannot reach the server at all, and why. Missing rights are not this: they are problems of their own.
    lost: Option<String>,
}

impl Seen {
    fn take(&mut self, state: &StreamState) {
        self.all += 1;
        match state {
            StreamState::Loading => self.loading += 1,
            StreamState::Connected => self.connected += 1,
            StreamState::Stale { since, reason } => {
                if self.stale.as_ref().is_none_or(|(oldest, _)| since < oldest) {
                    self.stale = Some((*since, reason.clone()));
                }
            }
            StreamState::Failed { kind: ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::Denied, .. } => self.all -= 1,
            StreamState::Failed { reason, .. } => self.lost = Some(reason.clone()),
        }
    }

    fn say(self, now: Timestamp) -> Line<'static> {
        if let Some(reason) = self.lost.filter(|_| self.connected == 0) {
            return Line::of(Role::Lost, format!("{} disconnected: ", glyph::FAILED)).with(Role::Text, reason);
        }
        if let Some((since, reason)) = self.stale {
            return Line::of(Role::Stale, format!("◐ stale {}: ", age::coarse(since, now))).with(Role::Text, reason);
        }
        if self.loading > 0 || self.all == 0 {
            return Line::of(Role::Stale, format!("… reading {} of {}", self.connected, self.all));
        }
        Line::of(Role::Live, format!("{} live", glyph::health(crate::base::health::Health::Ok)))
    }
}
