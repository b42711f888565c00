//! Changes that are armed with a timer: arming a plan on screen, and what is armed now.
//!
//! Owns the times that the key goes through. When a change is taken back, and who may, is `run`'s.

use super::App;
use super::effect::{Effect, PlanRequest};
use super::overlay::Overlay;
use crate::fleet::armed::Armed;
use crate::run::armed::PARAMETER;

/// The times that the key goes through.
const TIMES: [&str; 3] = ["10m", "30m", "2h"];

impl App {
    /// The same plan, to be taken back after the next of these times unless it is kept; after the last, for good.
    pub(super) fn arm(&mut self) -> Vec<Effect> {
        let Some(Overlay::Plan(panel)) = self.overlays.last() else { return Vec::new() };
        if !["scale", "pause", "suspend"].contains(&panel.request.action) {
            return self.refuse("scale, pause and suspend can be armed");
        }
        let request = panel.request.clone();
        let is_timer = |p: &&String| p.split('=').next() == Some(PARAMETER);
        let now = request.parameters.iter().find(is_timer).and_then(|p| p.split('=').nth(1).map(ToOwned::to_owned));
        let next = now.map_or(TIMES.first(), |now| TIMES.iter().skip_while(|t| **t != now).nth(1));
        let mut parameters: Vec<String> = request.parameters.iter().filter(|p| !is_timer(p)).cloned().collect();
        parameters.extend(next.map(|time| format!("{PARAMETER}={time}")));
        self.overlays.pop();
        self.open_plan(PlanRequest { parameters, ..request })
    }

    /// What is armed and not expired, the next to be taken back first.
    pub fn armed(&self) -> Vec<Armed> {
        let mut armed: Vec<Armed> = self.fleet.armed().into_iter().filter(|a| a.expires > self.now).collect();
        armed.sort_by_key(|a| a.expires);
        armed
    }
}

/// How long until it is taken back, coarsely: an idle screen sends next to nothing.
pub fn left(armed: &Armed, now: jiff::Timestamp) -> String {
    match armed.expires.duration_since(now).as_secs() {
        seconds @ ..=60 => format!("{} s", (seconds + 9) / 10 * 10),
        seconds @ ..=7200 => format!("{} min", (seconds + 59) / 60),
        seconds => format!("{} h", (seconds + 3599) / 3600),
    }
}
