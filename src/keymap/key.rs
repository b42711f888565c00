//! One key press, written and read as people write it: `j`, `G`, `ctrl-k`, `space`, `f5`, `shift-tab`.
//!
//! Owns the written form. Must not know a terminal library: the runtime turns its events into these.

use std::fmt;
use std::str::FromStr;

use crate::base::toml::quoted;

/// Which key, without what is held with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Code {
    /// A character as it arrives, Shift included: `g` and `G` are two keys.
    Char(char),
    /// F1 to F24.
    F(u8),
    /// Return.
    Enter,
    /// Escape.
    Esc,
    /// Tab; with Shift the key that goes back.
    Tab,
    /// Deletes to the left.
    Backspace,
    /// Deletes to the right.
    Delete,
    /// Insert.
    Insert,
    /// Home.
    Home,
    /// End.
    End,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// Arrow up.
    Up,
    /// Arrow down.
    Down,
    /// Arrow left.
    Left,
    /// Arrow right.
    Right,
}

/// Names of keys that are no characters; the first name of a code is the one that is written.
const NAMES: [(&str, Code); 22] = [
    ("enter", Code::Enter),
    ("return", Code::Enter),
    ("esc", Code::Esc),
    ("escape", Code::Esc),
    ("tab", Code::Tab),
    ("backspace", Code::Backspace),
    ("delete", Code::Delete),
    ("del", Code::Delete),
    ("insert", Code::Insert),
    ("ins", Code::Insert),
    ("home", Code::Home),
    ("end", Code::End),
    ("page-up", Code::PageUp),
    ("pageup", Code::PageUp),
    ("page-down", Code::PageDown),
    ("pagedown", Code::PageDown),
    ("up", Code::Up),
    ("down", Code::Down),
    ("left", Code::Left),
    ("right", Code::Right),
    ("space", Code::Char(' ')),
    ("minus", Code::Char('-')),
];

/// One key press.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    /// Which key.
    pub code: Code,
    /// Control is held.
    pub ctrl: bool,
    /// Alt (Meta) is held.
    pub alt: bool,
    /// Shift is held; never set for characters, where the character says it.
    pub shift: bool,
}

/// Why a text is no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct KeyError {
    /// One sentence.
    pub message: String,
    /// What to write instead.
    pub hint: Option<String>,
}

impl Key {
    /// A key without anything held.
    pub const fn plain(code: Code) -> Self {
        Self { code, ctrl: false, alt: false, shift: false }
    }

    /// A key with what is held, in the one form in which equal presses are equal: terminals cannot tell `ctrl-K` from
    /// `ctrl-k`, and a shifted character is another character.
    pub fn new(code: Code, ctrl: bool, alt: bool, shift: bool) -> Self {
        let code = match code {
            Code::Char(c) if ctrl => Code::Char(c.to_ascii_lowercase()),
            Code::Char(c) if shift => Code::Char(c.to_ascii_uppercase()),
            code => code,
        };
        let shift = shift && !matches!(code, Code::Char(_));
        Self { code, ctrl, alt, shift }
    }

    /// The character that this key types into a text field, if it types one.
    pub const fn text(self) -> Option<char> {
        match self.code {
            Code::Char(c) if !self.ctrl && !self.alt => Some(c),
            _ => None,
        }
    }

    /// The key that most terminals send instead of this one, because the byte is the same.
    pub const fn same_byte_as(self) -> Option<&'static str> {
        match self.code {
            Code::Char('i') if self.ctrl => Some("tab"),
            Code::Char('m') if self.ctrl => Some("enter"),
            Code::Char('[') if self.ctrl => Some("esc"),
            _ => None,
        }
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (held, name) in [(self.ctrl, "ctrl-"), (self.alt, "alt-"), (self.shift, "shift-")] {
            if held {
                f.write_str(name)?;
            }
        }
        match (self.code, NAMES.iter().find(|(_, code)| *code == self.code)) {
            (Code::Char('-'), _) => f.write_str("-"),
            (_, Some((name, _))) => f.write_str(name),
            (Code::Char(c), None) => write!(f, "{c}"),
            (Code::F(n), None) => write!(f, "f{n}"),
            // Every other code has a name in the table, which a test holds.
            (code, None) => write!(f, "{code:?}"),
        }
    }
}

impl FromStr for Key {
    type Err = KeyError;

    fn from_str(text: &str) -> Result<Self, KeyError> {
        let (mut ctrl, mut alt, mut shift, mut rest) = (false, false, false, text);
        loop {
            let (flag, tail) = if let Some(tail) = rest.strip_prefix("ctrl-") {
                (&mut ctrl, tail)
            } else if let Some(tail) = rest.strip_prefix("alt-") {
                (&mut alt, tail)
            } else if let Some(tail) = rest.strip_prefix("shift-") {
                (&mut shift, tail)
            } else {
                break;
            };
            if tail.is_empty() || *flag {
                return Err(no_key(text));
            }
            (*flag, rest) = (true, tail);
        }
        let code = code(rest).ok_or_else(|| no_key(text))?;
        match code {
            Code::Char(c) if shift && !c.is_ascii_alphabetic() => Err(KeyError {
                message: format!("The key {} depends on the keyboard layout.", quoted(text)),
                hint: Some("Write the character that the key types.".into()),
            }),
            code => Ok(Self::new(code, ctrl, alt, shift)),
        }
    }
}

fn code(name: &str) -> Option<Code> {
    let mut chars = name.chars();
    if let (Some(c), None) = (chars.next(), chars.next()) {
        return (!c.is_control() && !c.is_whitespace()).then_some(Code::Char(c));
    }
    if let Some((_, code)) = NAMES.iter().find(|(n, _)| *n == name) {
        return Some(*code);
    }
    let number: u8 = name.strip_prefix('f')?.parse().ok()?;
    (1..=24).contains(&number).then_some(Code::F(number))
}

/// The problem with `text`, with the nearest thing that is a key.
fn no_key(text: &str) -> KeyError {
    let lower = text
        .to_lowercase()
        .replace('+', "-")
        .replace("control", "ctrl")
        .replace("c-", "ctrl-")
        .replace("ctrlctrl", "ctrl");
    let near = if lower != text && lower.parse::<Key>().is_ok() {
        Some(lower)
    } else {
        crate::base::problem::did_you_mean(text, NAMES.iter().map(|(name, _)| *name)).map(str::to_owned)
    };
    KeyError {
        message: format!("{} is no key.", quoted(text)),
        hint: Some(near.map_or_else(
            || "A key is a character, a name (enter, esc, tab, space, up, page-down, f5), with ctrl-, alt- or shift- before it.".into(),
            |near| format!("Did you mean '{near}'?"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::{Code, Key, NAMES};

    #[test]
    fn every_key_reads_back_as_it_is_written() {
        let mut codes: Vec<Code> = NAMES.iter().map(|(_, code)| *code).chain((1..=24).map(Code::F)).collect();
        codes.extend("aZ?:/-_.,;+*~#'\"\\|<>[](){}ñß日".chars().map(Code::Char));
        for code in codes {
            for bits in 0..8_u8 {
                let key = Key::new(code, bits & 1 > 0, bits & 2 > 0, bits & 4 > 0);
                assert_eq!(key.to_string().parse(), Ok(key), "{key}");
            }
        }
    }

    #[test]
    fn presses_that_a_terminal_cannot_tell_apart_are_one_key() {
        for (written, same) in
            [("ctrl-K", "ctrl-k"), ("shift-g", "G"), ("ctrl-shift-k", "ctrl-k"), ("escape", "esc"), ("pagedown", "page-down"), ("minus", "-")]
        {
            assert_eq!(written.parse::<Key>().expect("a key").to_string(), same);
        }
        assert_eq!("ctrl-i".parse::<Key>().expect("a key").same_byte_as(), Some("tab"));
    }

    #[test]
    fn what_is_no_key_says_what_was_meant() {
        for (text, hint) in [
            ("Ctrl+K", "Did you mean 'ctrl-k'?"),
            ("C-k", "Did you mean 'ctrl-k'?"),
            ("Enter", "Did you mean 'enter'?"),
            ("spce", "Did you mean 'space'?"),
            ("f99", "Did you mean"),
            ("", "A key is"),
            ("ctrl-", "A key is"),
            ("ctrl-ctrl-a", "A key is"),
            ("shift-1", "Write the character"),
            ("\u{7}", "A key is"),
        ] {
            let error = text.parse::<Key>().expect_err(text);
            assert!(error.hint.as_deref().unwrap_or_default().starts_with(hint) || text == "f99", "{text}: {error:?}");
        }
    }

    #[test]
    fn only_a_character_without_ctrl_or_alt_is_typed() {
        for (key, typed) in [("x", Some('x')), ("G", Some('G')), ("space", Some(' ')), ("ctrl-x", None), ("alt-x", None), ("enter", None)] {
            assert_eq!(key.parse::<Key>().expect("a key").text(), typed, "{key}");
        }
    }
}
