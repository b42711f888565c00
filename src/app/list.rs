//! A cursor over rows that come and go.
//!
//! Owns selection and scrolling by row number; who knows the rows keeps the selection on the same thing by id. Must not
//! know what the rows are.

use crate::action::Action;

/// Where the cursor is and what part of the rows is visible.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListState {
    /// Row under the cursor.
    pub selected: usize,
    /// First visible row.
    pub offset: usize,
    /// Rows that fit on screen; told by whoever knows the layout.
    pub height: usize,
}

impl ListState {
    /// Carries out a movement among `len` rows; `false` when the action is none.
    pub fn motion(&mut self, action: Action, len: usize) -> bool {
        let last = len.saturating_sub(1);
        let page = self.height.max(2);
        self.selected = match action {
            Action::Down => self.selected.saturating_add(1).min(last),
            Action::Up => self.selected.saturating_sub(1),
            Action::HalfPageDown => (self.selected + page / 2).min(last),
            Action::HalfPageUp => self.selected.saturating_sub(page / 2),
            Action::PageDown => (self.selected + page - 1).min(last),
            Action::PageUp => self.selected.saturating_sub(page - 1),
            Action::Top => 0,
            Action::Bottom => last,
            _ => return false,
        };
        self.show(len);
        true
    }

    /// Puts the cursor on a row.
    pub fn select(&mut self, row: usize, len: usize) {
        self.selected = row.min(len.saturating_sub(1));
        self.show(len);
    }

    /// Keeps the cursor within `len` rows and on screen.
    pub fn show(&mut self, len: usize) {
        self.selected = self.selected.min(len.saturating_sub(1));
        let height = self.height.max(1);
        if self.selected < self.offset {
            self.offset = self.selected;
        } else if self.selected >= self.offset + height {
            self.offset = self.selected + 1 - height;
        }
        self.offset = self.offset.min(len.saturating_sub(height));
    }

    /// The row under the cursor stays at the same height of the screen when rows above it came or went.
    pub fn follow(&mut self, row: usize, len: usize) {
        let on_screen = self.selected.saturating_sub(self.offset);
        self.selected = row;
        self.offset = row.saturating_sub(on_screen);
        self.show(len);
    }
}

#[cfg(test)]
mod tests {
    use super::ListState;
    use crate::action::Action;

    #[test]
    fn the_cursor_stays_in_the_list_and_on_screen() {
        let mut list = ListState { height: 5, ..ListState::default() };
        list.motion(Action::Bottom, 20);
        assert_eq!((list.selected, list.offset), (19, 15));
        list.motion(Action::PageUp, 20);
        assert_eq!((list.selected, list.offset), (15, 15));
        list.motion(Action::Up, 20);
        assert_eq!((list.selected, list.offset), (14, 14));
        list.show(3);
        assert_eq!((list.selected, list.offset), (2, 0));
        list.show(0);
        assert_eq!((list.selected, list.offset), (0, 0));
    }

    #[test]
    fn rows_that_arrive_above_do_not_move_the_selection_on_screen() {
        let mut list = ListState { selected: 7, offset: 5, height: 5 };
        list.follow(17, 30);
        assert_eq!((list.selected, list.offset), (17, 15));
    }
}
