//! Lists to choose from: palette, contexts, namespaces, runs, checks to override.

use ratatui::layout::{Position, Rect};

use crate::app::choice::Choice;
use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::field::Field;
use crate::ui::widget::panel::centered;
use crate::ui::widget::pick::{CHROME, Entry, Pick};

/// As wide as the list ever gets.
const WIDEST: u16 = 90;

/// As many rows as are shown at once at most.
const MOST: u16 = 14;

/// Draws it; answers where the cursor belongs and how many entries are seen.
pub(super) fn draw(choice: &Choice, canvas: &mut Canvas<'_>, within: Rect) -> (Option<Position>, u16) {
    let found: Vec<_> = choice.visible().collect();
    let height = MOST.min(within.height.saturating_sub(CHROME)).max(1);
    let area = centered(within, within.width.min(WIDEST), height + CHROME);
    let entry = |index: usize| {
        let (item, matched) = found[index];
        Entry { label: &item.label, matched, detail: &item.detail, disabled: item.disabled.is_some(), marked: item.marked }
    };
    let field = Field {
        label: Line::of(Role::Key, "› "),
        text: choice.field.text(),
        cursor: choice.field.cursor(),
        hint: "type to narrow",
    };
    let pick = Pick {
        title: &choice.title,
        field,
        len: found.len(),
        entry: &entry,
        selected: choice.list.selected,
        offset: choice.list.offset,
        note: note(choice),
    };
    let cursor = pick.draw(canvas, area);
    (cursor, area.height.saturating_sub(CHROME))
}

/// Why the entry under the cursor cannot be chosen, or how several are.
fn note(choice: &Choice) -> Line<'_> {
    if let Some(why) = choice.selected().and_then(|item| item.disabled.as_deref()) {
        return Line::of(Role::NoticeWarn, "not now: ").with(Role::Text, why);
    }
    if choice.multiple {
        let keys = [("space", " marks   "), ("enter", " takes what is marked   "), ("esc", " closes")];
        return keys.into_iter().fold(Line::new(), |line, (key, does)| line.with(Role::Key, key).with(Role::Dim, does));
    }
    Line::of(Role::Key, "enter").with(Role::Dim, " takes it   ").with(Role::Key, "esc").with(Role::Dim, " closes")
}
