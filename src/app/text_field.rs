//! One line of text being typed.
//!
//! Owns the text and the cursor. Must not know what the text is for.

use unicode_segmentation::UnicodeSegmentation;

use crate::action::Action;

/// A one-line text with a cursor between graphemes and a history.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TextField {
    text: String,
    /// Byte offset of the cursor, always on a grapheme boundary.
    cursor: usize,
    history: Vec<String>,
    /// Which entry of the history is shown; `None` = what is being typed.
    recalled: Option<usize>,
}

/// How many texts a field remembers.
const HISTORY: usize = 50;
/// What a field takes at most, in bytes; more is refused, so that a paste cannot fill the memory.
const MAX: usize = 4096;

impl TextField {
    /// A field with a text, the cursor at its end.
    pub fn new(text: impl Into<String>) -> Self {
        let text = text.into();
        Self { cursor: text.len(), text, history: Vec::new(), recalled: None }
    }

    /// The same with texts used before, oldest first.
    #[must_use]
    pub fn with_history(mut self, history: Vec<String>) -> Self {
        self.history = history;
        self
    }

    /// What was typed.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Byte offset of the cursor.
    pub fn cursor(&self) -> usize {
        self.cursor
    }

    /// Inserts text at the cursor; control characters are dropped, line breaks become spaces.
    pub fn insert(&mut self, text: &str) {
        let text = crate::base::text::clean(text);
        if self.text.len() + text.len() > MAX {
            return;
        }
        self.text.insert_str(self.cursor, &text);
        self.cursor += text.len();
        self.recalled = None;
    }

    /// Replaces the whole text.
    pub fn set(&mut self, text: impl Into<String>) {
        self.text = text.into();
        self.cursor = self.text.len();
    }

    /// Carries out an editing action; `false` when it is none.
    pub fn edit(&mut self, action: Action) -> bool {
        match action {
            Action::DeleteLeft => self.delete(self.before(), self.cursor),
            Action::DeleteRight => self.delete(self.cursor, self.after()),
            Action::DeleteWord => self.delete(self.word_start(), self.cursor),
            Action::DeleteLine => self.delete(0, self.text.len()),
            Action::CursorLeft => self.cursor = self.before(),
            Action::CursorRight => self.cursor = self.after(),
            Action::CursorStart => self.cursor = 0,
            Action::CursorEnd => self.cursor = self.text.len(),
            Action::HistoryBack => self.recall(true),
            Action::HistoryForward => self.recall(false),
            _ => return false,
        }
        true
    }

    fn delete(&mut self, from: usize, to: usize) {
        self.text.replace_range(from..to, "");
        self.cursor = from;
    }

    fn before(&self) -> usize {
        self.text[..self.cursor].grapheme_indices(true).next_back().map_or(0, |(i, _)| i)
    }

    fn after(&self) -> usize {
        self.text[self.cursor..].graphemes(true).next().map_or(self.cursor, |g| self.cursor + g.len())
    }

    fn word_start(&self) -> usize {
        let head = self.text[..self.cursor].trim_end();
        head.rfind(char::is_whitespace).map_or(0, |i| i + head[i..].chars().next().map_or(0, char::len_utf8))
    }

    fn recall(&mut self, back: bool) {
        let last = self.history.len();
        let at = self.recalled.unwrap_or(last);
        let to = if back { at.checked_sub(1) } else { Some(at + 1) };
        match to {
            Some(i) if i < last => {
                self.recalled = Some(i);
                self.set(self.history[i].clone());
            }
            Some(_) => {
                self.recalled = None;
                self.set(String::new());
            }
            None => {}
        }
    }
}

/// Remembers a text at the end of a history, once, within its bound.
pub fn remember(history: &mut Vec<String>, text: &str) {
    if text.trim().is_empty() {
        return;
    }
    history.retain(|t| t != text);
    history.push(text.to_owned());
    if history.len() > HISTORY {
        history.remove(0);
    }
}

#[cfg(test)]
mod tests {
    use super::{TextField, remember};
    use crate::action::Action;

    #[test]
    fn editing_never_splits_a_grapheme() {
        let mut field = TextField::new("ab👨‍👩‍👧");
        field.edit(Action::DeleteLeft);
        assert_eq!(field.text(), "ab");
        field.edit(Action::CursorLeft);
        field.insert("é\u{1b}[31m");
        assert_eq!(field.text(), "aéb");
    }

    #[test]
    fn a_word_is_deleted_with_the_space_behind_it() {
        let mut field = TextField::new("status!=Running restarts>=5  ");
        field.edit(Action::DeleteWord);
        assert_eq!(field.text(), "status!=Running ");
    }

    #[test]
    fn history_goes_back_and_forward_to_an_empty_line() {
        let mut history = Vec::new();
        for t in ["a", "b", "a"] {
            remember(&mut history, t);
        }
        assert_eq!(history, ["b", "a"]);
        let mut field = TextField::default().with_history(history);
        field.edit(Action::HistoryBack);
        assert_eq!(field.text(), "a");
        field.edit(Action::HistoryBack);
        field.edit(Action::HistoryBack);
        assert_eq!(field.text(), "b");
        field.edit(Action::HistoryForward);
        field.edit(Action::HistoryForward);
        assert_eq!(field.text(), "");
    }
}
