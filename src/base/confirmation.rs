//! The levels of confirmation and their order (contract.md 3).
//!
//! Owns the five words. What raises a level is the business of plans.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What an operator must do before a plan runs; later ones are harder, and nothing lowers a level.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, JsonSchema, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Confirmation {
    /// Nothing.
    #[default]
    None,
    /// Press `y`.
    Key,
    /// Type the environment's word.
    Env,
    /// Type the phrase that the plan shows.
    Phrase,
    /// Type the phrase, and a second person approves.
    TwoPerson,
}

impl Confirmation {
    /// All levels with the words that files and JSON use, lowest first.
    pub const WORDS: [(&str, Self); 5] =
        [("none", Self::None), ("key", Self::Key), ("env", Self::Env), ("phrase", Self::Phrase), ("two-person", Self::TwoPerson)];

    /// The word that files and JSON use.
    pub const fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Key => "key",
            Self::Env => "env",
            Self::Phrase => "phrase",
            Self::TwoPerson => "two-person",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Confirmation;

    #[test]
    fn the_words_are_in_order_and_name_their_levels() {
        assert!(Confirmation::WORDS.is_sorted_by_key(|(_, level)| *level));
        for (word, level) in Confirmation::WORDS {
            assert_eq!(level.word(), word);
            assert_eq!(serde_json::to_value(level).expect("a word"), word);
        }
    }
}
