//! A list to choose from, narrowed by typing: the palette, contexts, namespaces, runs.
//!
//! Owns matching and the cursor. Must not know what choosing does.

use nucleo_matcher::pattern::{CaseMatching, Normalization, Pattern};
use nucleo_matcher::{Config, Matcher, Utf32Str};

use super::list::ListState;
use super::text_field::TextField;
use crate::action::Action;

/// One thing to choose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// What is chosen, for whoever acts on it.
    pub id: String,
    /// What is matched and shown.
    pub label: String,
    /// What is shown beside it: a key, a state.
    pub detail: String,
    /// Why it cannot be chosen now; shown when somebody tries.
    pub disabled: Option<String>,
    /// Marked (several may be chosen) or current.
    pub marked: bool,
}

impl Item {
    /// An item that can be chosen.
    pub fn new(id: impl Into<String>, label: impl Into<String>) -> Self {
        Self { id: id.into(), label: label.into(), detail: String::new(), disabled: None, marked: false }
    }

    /// The same with something beside it.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same, marked.
    #[must_use]
    pub fn marked(mut self, marked: bool) -> Self {
        self.marked = marked;
        self
    }

    /// The same, not to be chosen now.
    #[must_use]
    pub fn disabled(mut self, why: Option<String>) -> Self {
        self.disabled = why;
        self
    }
}

/// A list with a text that narrows it.
#[derive(Debug, Clone)]
pub struct Choice {
    /// What is chosen here, in words.
    pub title: String,
    /// What was typed.
    pub field: TextField,
    /// Cursor over the matches.
    pub list: ListState,
    /// Whether Space marks items, so that several can be taken.
    pub multiple: bool,
    items: Vec<Item>,
    /// Indices of items that match, best first, with the columns of the label that matched.
    matches: Vec<(usize, Vec<u32>)>,
}

impl Choice {
    /// A list of items in their order.
    pub fn new(title: impl Into<String>, items: Vec<Item>) -> Self {
        let mut choice = Self {
            title: title.into(),
            field: TextField::default(),
            list: ListState::default(),
            multiple: false,
            items,
            matches: Vec::new(),
        };
        choice.narrow();
        choice
    }

    /// The same, with several to be taken.
    #[must_use]
    pub fn multiple(mut self) -> Self {
        self.multiple = true;
        self
    }

    /// Puts the cursor on an item.
    pub fn select(&mut self, id: &str) {
        if let Some(row) = self.matches.iter().position(|(i, _)| self.items[*i].id == id) {
            self.list.select(row, self.matches.len());
        }
    }

    /// Takes the items of a fresh list; what was typed and marked, and the item under the cursor, stay.
    pub fn grow(&mut self, fresh: Self) {
        let selected = self.selected().map(|i| i.id.clone());
        let marked: Vec<String> = self.items.iter().filter(|i| i.marked).map(|i| i.id.clone()).collect();
        self.items = fresh.items;
        for item in &mut self.items {
            item.marked = marked.contains(&item.id);
        }
        self.narrow();
        if let Some(id) = selected {
            self.select(&id);
        }
    }

    /// Types text.
    pub fn insert(&mut self, text: &str) {
        self.field.insert(text);
        self.narrow();
    }

    /// Carries out a movement or an edit; `false` when the action is none.
    pub fn act(&mut self, action: Action) -> bool {
        // The text that narrows has no history: the keys for it, the arrows among them, move the cursor of the list.
        let action = match action {
            Action::HistoryBack => Action::Up,
            Action::HistoryForward => Action::Down,
            other => other,
        };
        if self.list.motion(action, self.matches.len()) {
            return true;
        }
        let edited = self.field.edit(action);
        if edited {
            self.narrow();
        }
        edited
    }

    /// Marks or unmarks the item under the cursor and goes on to the next.
    pub fn toggle(&mut self) {
        if let Some(index) = self.matches.get(self.list.selected).map(|(i, _)| *i) {
            self.items[index].marked ^= true;
            self.list.motion(Action::Down, self.matches.len());
        }
    }

    /// The item under the cursor.
    pub fn selected(&self) -> Option<&Item> {
        self.matches.get(self.list.selected).map(|(i, _)| &self.items[*i])
    }

    /// All marked items; the one under the cursor when none is.
    pub fn taken(&self) -> Vec<&Item> {
        let marked: Vec<_> = self.items.iter().filter(|i| i.marked).collect();
        if marked.is_empty() || !self.multiple { self.selected().into_iter().collect() } else { marked }
    }

    /// The matches, best first, with the character positions that matched.
    pub fn visible(&self) -> impl ExactSizeIterator<Item = (&Item, &[u32])> {
        self.matches.iter().map(|(i, positions)| (&self.items[*i], positions.as_slice()))
    }

    fn narrow(&mut self) {
        let text = self.field.text().trim();
        self.matches = if text.is_empty() { (0..self.items.len()).map(|i| (i, Vec::new())).collect() } else { best(&self.items, text) };
        self.list.selected = 0;
        self.list.show(self.matches.len());
    }
}

fn best(items: &[Item], text: &str) -> Vec<(usize, Vec<u32>)> {
    let mut matcher = Matcher::new(Config::DEFAULT);
    let pattern = Pattern::parse(text, CaseMatching::Smart, Normalization::Smart);
    let mut buffer = Vec::new();
    let mut found: Vec<(u32, usize, Vec<u32>)> = items
        .iter()
        .enumerate()
        .filter_map(|(i, item)| {
            let mut positions = Vec::new();
            let score = pattern.indices(Utf32Str::new(&item.label, &mut buffer), &mut matcher, &mut positions)?;
            positions.sort_unstable();
            positions.dedup();
            Some((score, i, positions))
        })
        .collect();
    found.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
    found.into_iter().map(|(_, i, positions)| (i, positions)).collect()
}

#[cfg(test)]
mod tests {
    use super::{Choice, Item};
    use crate::action::Action;

    fn choice() -> Choice {
        Choice::new("ns", ["default", "eterna-rules", "kube-system"].map(|n| Item::new(n, n)).into())
    }

    #[test]
    fn typing_narrows_and_the_best_match_is_under_the_cursor() {
        let mut c = choice();
        c.insert("ru");
        assert_eq!(c.selected().map(|i| i.id.as_str()), Some("eterna-rules"));
        c.act(Action::DeleteLine);
        assert_eq!(c.visible().len(), 3);
        c.insert("nothing like it");
        assert_eq!(c.selected(), None);
    }

    #[test]
    fn the_arrows_which_recall_in_other_fields_move_the_cursor() {
        let mut c = choice();
        assert!(c.act(Action::HistoryForward));
        assert_eq!(c.selected().map(|i| i.id.as_str()), Some("eterna-rules"));
        assert!(c.act(Action::HistoryBack));
        assert_eq!(c.selected().map(|i| i.id.as_str()), Some("default"));
    }

    #[test]
    fn marked_items_are_taken_and_without_marks_the_one_under_the_cursor() {
        let mut c = choice().multiple();
        assert_eq!(c.taken().len(), 1);
        c.toggle();
        c.toggle();
        assert_eq!(c.taken().iter().map(|i| i.id.as_str()).collect::<Vec<_>>(), ["default", "eterna-rules"]);
    }
}
