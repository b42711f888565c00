//! One or more keys pressed one after the other: `G`, `a s`.
//!
//! Owns the written form, in which `leader` stands for the keymap's leader key.

use std::fmt;

use super::key::{Key, KeyError};

/// Keys pressed one after the other; never empty.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Chord(Vec<Key>);

/// Nobody remembers more than this many keys in a row.
const MAX_KEYS: usize = 4;

impl Chord {
    /// Reads keys separated by spaces; `leader` is replaced by that key.
    pub fn parse(text: &str, leader: Option<Key>) -> Result<Self, KeyError> {
        let mut keys = Vec::new();
        for word in text.split_whitespace() {
            keys.push(match (word, leader) {
                ("leader", Some(leader)) => leader,
                ("leader", None) => {
                    return Err(KeyError {
                        message: "No leader key is set.".into(),
                        hint: Some("Write leader = \"a\" at the top of the file.".into()),
                    });
                }
                (word, _) => word.parse()?,
            });
        }
        if keys.is_empty() {
            return Err(KeyError { message: "The key is empty.".into(), hint: Some("To take a key away from an action write \"none\".".into()) });
        }
        if keys.len() > MAX_KEYS {
            return Err(KeyError { message: format!("More than {MAX_KEYS} keys in a row."), hint: None });
        }
        Ok(Self(keys))
    }

    /// The keys, in order.
    pub fn keys(&self) -> &[Key] {
        &self.0
    }

    /// Puts `new` in the place of `old` where that is the first of several keys: a leader that moved.
    pub(super) fn swap_first(&mut self, old: Key, new: Key) {
        if let [first, _, ..] = self.0.as_mut_slice()
            && *first == old
        {
            *first = new;
        }
    }

    /// What is left to press after `pressed`: `None` when this does not begin with it.
    pub fn after(&self, pressed: &[Key]) -> Option<&[Key]> {
        self.0.strip_prefix(pressed)
    }

    /// Whether this is the beginning of `other`, which could then never be completed.
    pub fn hides(&self, other: &Self) -> bool {
        self.0.len() < other.0.len() && other.0.starts_with(&self.0)
    }
}

impl From<Key> for Chord {
    fn from(key: Key) -> Self {
        Self(vec![key])
    }
}

impl fmt::Display for Chord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&show(&self.0))
    }
}

/// Keys as a chord is written.
pub fn show(keys: &[Key]) -> String {
    keys.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::Chord;

    fn chord(text: &str) -> Chord {
        Chord::parse(text, None).expect(text)
    }

    #[test]
    fn chords_read_back_as_they_are_written_and_the_leader_is_replaced() {
        for text in ["a s", "ctrl-x ctrl-c", "G", "space", "g g"] {
            assert_eq!(chord(text).to_string(), text);
        }
        let leader = "a".parse().expect("a key");
        assert_eq!(Chord::parse("leader s", Some(leader)), Ok(chord("a s")));
        for bad in ["", "leader s", "a b c d e", "a nokey"] {
            assert!(Chord::parse(bad, None).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_beginning_hides_what_goes_on() {
        assert!(chord("a").hides(&chord("a s")));
        assert!(!chord("a s").hides(&chord("a")) && !chord("a").hides(&chord("a")) && !chord("b").hides(&chord("a s")));
        assert_eq!(chord("a s").after(chord("a").keys()), Some(chord("s").keys()));
        assert_eq!(chord("a s").after(chord("b").keys()), None);
    }
}
