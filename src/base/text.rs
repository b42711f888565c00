//! Text as a terminal shows it: width, eliding, and the stripping of whatever could drive the terminal.
//!
//! Owns the rule that nothing from outside reaches a terminal with control sequences in it (contract, safety rule 5).
//! Every string that comes from a target passes `clean` where it is decoded.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::secret::hide;

use unicode_segmentation::UnicodeSegmentation;
use unicode_width::UnicodeWidthStr;

/// Shared text; clones cost a counter.
pub type Str = Arc<str>;

/// Removes escape sequences (CSI, OSC, DCS, SOS, PM, APC, two-character ones, C1) and control characters.
///
/// A tab becomes one space, a line break one space, everything else below 0x20, DEL and C1 goes; so do the bidirectional
/// overrides and isolates that can make a line read as another (Unicode TR36); and so do the values of secrets that this process has
/// fetched. Borrowed when there was nothing to remove.
pub fn clean(text: &str) -> Cow<'_, str> {
    hide(printable(text))
}

fn printable(text: &str) -> Cow<'_, str> {
    if !text.chars().any(is_unsafe) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1b}' => skip_escape(&mut chars),
            '\u{9b}' => skip_csi(&mut chars),
            '\u{90}' | '\u{98}' | '\u{9d}' | '\u{9e}' | '\u{9f}' => skip_string(&mut chars),
            '\t' | '\n' => out.push(' '),
            c if is_unsafe(c) => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn is_unsafe(c: char) -> bool {
    c.is_control() || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

type Chars<'a> = std::iter::Peekable<std::str::Chars<'a>>;

fn skip_escape(chars: &mut Chars<'_>) {
    match chars.peek() {
        Some('[') => {
            chars.next();
            skip_csi(chars);
        }
        Some(']' | 'P' | 'X' | '^' | '_') => {
            chars.next();
            skip_string(chars);
        }
        Some(' '..='/') => {
            while chars.next_if(|c| (' '..='/').contains(c)).is_some() {}
            chars.next();
        }
        Some(_) => {
            chars.next();
        }
        None => {}
    }
}

fn skip_csi(chars: &mut Chars<'_>) {
    while chars.next_if(|c| (' '..='?').contains(c)).is_some() {}
    chars.next_if(|c| ('@'..='~').contains(c));
}

/// Ends at BEL, ST, or (an unterminated sequence must not swallow the rest of a log) at a line break.
fn skip_string(chars: &mut Chars<'_>) {
    while let Some(c) = chars.next() {
        match c {
            '\u{7}' | '\u{9c}' | '\n' => return,
            '\u{1b}' => {
                chars.next_if_eq(&'\\');
                return;
            }
            _ => {}
        }
    }
}

/// Columns that `text` takes on a terminal.
pub fn width(text: &str) -> usize {
    UnicodeWidthStr::width(text)
}

/// Cuts `text` to `max` columns, ending in `…` when something was cut. Never splits a grapheme.
pub fn elide(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let mut out = take(text.graphemes(true), max - 1);
    out.push('…');
    Cow::Owned(out)
}

/// Cuts `text` to `max` columns from the left, keeping its end: what tells two pods apart is at the end of their names.
pub fn elide_start(text: &str, max: usize) -> Cow<'_, str> {
    if width(text) <= max {
        return Cow::Borrowed(text);
    }
    if max == 0 {
        return Cow::Borrowed("");
    }
    let tail: Vec<&str> = {
        let mut room = max - 1;
        text.graphemes(true)
            .rev()
            .take_while(|g| {
                let w = width(g);
                let fits = w <= room;
                room = room.saturating_sub(w);
                fits
            })
            .collect()
    };
    Cow::Owned(std::iter::once("…").chain(tail.into_iter().rev()).collect())
}

fn take<'a>(graphemes: impl Iterator<Item = &'a str>, max: usize) -> String {
    let mut used = 0;
    graphemes
        .take_while(|g| {
            used += width(g);
            used <= max
        })
        .collect()
}

/// Shares equal strings: namespaces, nodes, images, label keys and values repeat thousands of times in a cluster.
///
/// Bounded: past `MAX` distinct strings it starts over, which costs sharing and never correctness.
#[derive(Debug, Default)]
pub struct Interner {
    seen: HashSet<Str>,
}

impl Interner {
    const MAX: usize = 200_000;

    /// The shared copy of `text`, cleaned of control sequences.
    pub fn intern(&mut self, text: &str) -> Str {
        let text = clean(text);
        if let Some(found) = self.seen.get(&*text) {
            return found.clone();
        }
        if self.seen.len() >= Self::MAX {
            self.seen.clear();
        }
        let shared: Str = Arc::from(&*text);
        self.seen.insert(shared.clone());
        shared
    }

    /// Forgets strings that nobody but the interner holds.
    pub fn sweep(&mut self) {
        self.seen.retain(|s| Arc::strong_count(s) > 1);
    }
}

#[cfg(test)]
mod tests {
    use super::{clean, elide, elide_start, width};

    #[test]
    fn nothing_that_drives_a_terminal_survives() {
        for (dirty, expected) in [
            ("plain", "plain"),
            ("\u{1b}[31mred\u{1b}[0m", "red"),
            ("\u{1b}]0;title\u{7}after", "after"),
            ("\u{1b}]52;c;aGk=\u{1b}\\after", "after"),
            ("\u{1b}Pq#0;2\u{1b}\\after", "after"),
            ("a\u{9b}2Jb", "ab"),
            ("a\tb\nc\rd", "a b cd"),
            ("\u{1b}(0x", "x"),
            ("bell\u{7}", "bell"),
            ("\u{202e}gnp.exe", "gnp.exe"),
            ("unterminated \u{1b}]0;never ends\nnext", "unterminated next"),
            ("\u{1b}", ""),
        ] {
            assert_eq!(clean(dirty), expected, "{dirty:?}");
            assert!(!clean(dirty).chars().any(char::is_control));
        }
    }

    #[test]
    fn eliding_counts_columns_not_characters() {
        assert_eq!(elide("abcdef", 4), "abc…");
        assert_eq!(elide("日本語", 5), "日本…");
        assert_eq!(elide("日本語", 4), "日…");
        assert_eq!(elide("abc", 3), "abc");
        assert_eq!(elide("abc", 0), "");
        assert_eq!(elide_start("backend-7d9f4-abc", 8), "…9f4-abc");
        assert!(width(&elide_start("日本語テスト", 6)) <= 6);
    }
}
