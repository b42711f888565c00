//! The bottom line: keys that work now, and on the right what is going on.
//!
//! Owns which hints fit. Must not know what a key does.

use ratatui::layout::Rect;

use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// A key and what it does.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    /// The key as it is pressed.
    pub key: String,
    /// What it does, in a word or two.
    pub label: String,
    /// Works now.
    pub works: bool,
    /// Is drawn even when others must go: help.
    pub pinned: bool,
}

impl Hint {
    /// A key that works.
    pub fn new(key: impl Into<String>, label: impl Into<String>) -> Self {
        Self { key: key.into(), label: label.into(), works: true, pinned: false }
    }

    fn line(&self) -> Line<'_> {
        let (key, label) = if self.works { (Role::Key, Role::KeyLabel) } else { (Role::KeyOff, Role::KeyOff) };
        Line::of(key, &*self.key).with(label, " ").with(label, &*self.label)
    }
}

/// Draws hints from the left, as many as fit, whole; and `right` at the right end, cut if it must be, of at most half the line.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, hints: &[Hint], right: &Line<'_>) {
    if area.width < 3 || area.height == 0 {
        return;
    }
    let room = area.width - 2;
    let pinned: usize = hints.iter().filter(|h| h.pinned).map(|h| h.line().width() + 2).sum();
    let right_room = usize::from(room).saturating_sub(pinned).min(usize::from(room / 2));
    let right = if right_room < 6 { Line::new() } else { right.clone().cut(right_room, Cut::End) };
    let right_width = canvas.line_right(area.right() - 1, area.y, room, &right);
    let room = usize::from(room - right_width).saturating_sub(if right_width > 0 { 2 } else { 0 });
    let shown = fitting(hints, room);
    let mut x = area.x + 1;
    for (at, hint) in shown.into_iter().enumerate() {
        x += if at > 0 { 2 } else { 0 };
        x += canvas.line(x, area.y, area.right() - x, &hint.line());
    }
}

fn fitting(hints: &[Hint], room: usize) -> Vec<&Hint> {
    let cost = |h: &Hint| h.line().width() + 2;
    let mut left = (room + 2).saturating_sub(hints.iter().filter(|h| h.pinned).map(cost).sum());
    let mut full = false;
    hints
        .iter()
        .filter(|h| {
            if h.pinned {
                return true;
            }
            full |= cost(h) > left;
            if !full {
                left -= cost(h);
            }
            !full
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{Hint, fitting};

    #[test]
    fn hints_go_from_the_right_and_help_stays() {
        let mut help = Hint::new("?", "help");
        help.pinned = true;
        let hints = [Hint::new("a", "act"), Hint::new("l", "logs"), Hint::new("y", "yaml"), help];
        let shown = |room| fitting(&hints, room).iter().map(|h| h.key.as_str()).collect::<String>();
        assert_eq!(shown(40), "aly?");
        assert_eq!(shown(21), "al?");
        assert_eq!(shown(13), "a?");
        assert_eq!(shown(6), "?");
    }
}
