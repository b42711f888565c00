//! The line of first steps: the next useful key, and how to be rid of the line.
//!
//! Owns its words' places. Which step is next is the app's.

use ratatui::layout::Rect;

use crate::action::{Action, Context};
use crate::app::App;
use crate::app::first_steps::FirstSteps;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// Draws it into one row.
pub(super) fn draw(app: &App, steps: &FirstSteps, canvas: &mut Canvas<'_>, area: Rect) {
    let (step, number, of) = steps.next();
    let mut line = Line::of(Role::NoticeGood, format!("FIRST STEPS {number}/{of}  "));
    if let Some(key) = step.action.and_then(|action| key(app, action)) {
        line = line.with(Role::Key, key).with(Role::Text, " ");
    }
    line = line.with(Role::Text, step.say);
    let width = area.width.saturating_sub(2);
    let away = key(app, Action::DismissFirstSteps).map_or_else(Line::new, |key| Line::of(Role::Key, key).with(Role::Dim, " hides this for good"));
    // The way out gives way to the step, which says more.
    let whole = line.width() + away.width() + 2 <= usize::from(width);
    canvas.line(area.x + 1, area.y, width, &line.cut(usize::from(width), Cut::End));
    if whole {
        canvas.line_right(area.x + 1 + width, area.y, width, &away);
    }
}

/// The key of an action on the bridge, from where the newcomer is; one that works among the workloads alone begins with the way there.
fn key(app: &App, action: Action) -> Option<String> {
    let hint = |contexts: [Context; 2], action| app.start.keymap.hint(&contexts, action).map(ToString::to_string);
    let here = [app.focus.context(), Context::Global];
    hint(here, action).or_else(|| {
        let there = hint([Context::Workloads, Context::Global], action)?;
        Some(format!("{} {there}", hint(here, Action::FocusWorkloads)?))
    })
}
