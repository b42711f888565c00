//! Which step of a plan: a word of the program, and which of the plan's objects it is about.
//!
//! Owns the form in which ids are written and read again. A plan about one object has bare words (`write`); where there are several,
//! each word bears the number of its object (`2/write`), for ids are unique within a plan.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::run::word::{self, Word};

/// The id of a step: stable within the action, and unique within the plan.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StepId {
    member: u16,
    word: Word,
}

impl StepId {
    /// The same step of the object with that number; 0 = the plan is about one object.
    pub(in crate::run) fn of(self, member: u16) -> Self {
        Self { member, ..self }
    }

    /// What it is, whichever object it is about.
    pub fn word(self) -> &'static str {
        self.word
    }

    /// The number of the object that it is about, from 1; 0 where the plan is about one object, and for the steps that are about all.
    pub fn member(self) -> u16 {
        self.member
    }
}

impl From<&'static str> for StepId {
    fn from(word: &'static str) -> Self {
        Self { member: 0, word }
    }
}

impl PartialEq<str> for StepId {
    fn eq(&self, other: &str) -> bool {
        match (self.member, other.split_once('/')) {
            (0, None) => self.word == other,
            (0, Some(_)) | (_, None) => false,
            (member, Some((number, word))) => self.word == word && number.parse() == Ok(member),
        }
    }
}

impl PartialEq<&str> for StepId {
    fn eq(&self, other: &&str) -> bool {
        self == *other
    }
}

impl fmt::Display for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.member > 0 {
            write!(f, "{}/", self.member)?;
        }
        f.pad(self.word)
    }
}

impl fmt::Debug for StepId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl Serialize for StepId {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Reads ids of this version alone: an edited record cannot name a step that there is not.
impl<'de> Deserialize<'de> for StepId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let (member, word) = match text.split_once('/') {
            Some((number, word)) => (number.parse().ok().filter(|n| *n > 0), word),
            None => (Some(0), text.as_str()),
        };
        let foreign = || serde::de::Error::custom(format!("'{text}' is no step of this version"));
        Ok(Self { member: member.ok_or_else(foreign)?, word: word::known(word).ok_or_else(foreign)? })
    }
}

impl JsonSchema for StepId {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "StepId".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        String::json_schema(generator)
    }
}

#[cfg(test)]
mod tests {
    use super::StepId;

    #[test]
    fn an_id_is_written_and_read_again_and_foreign_ones_are_refused() {
        let one = StepId::from("write");
        let second = one.of(2);
        assert_eq!((one.to_string(), second.to_string()), ("write".to_owned(), "2/write".to_owned()));
        for id in [one, second] {
            let text = serde_json::to_string(&id).expect("JSON");
            assert_eq!(serde_json::from_str::<StepId>(&text).expect("an id"), id);
            assert!(id == *id.to_string());
        }
        assert!(second != "write" && second != "1/write" && one != "2/write");
        for foreign in ["drop-tables", "2/drop-tables", "0/write", "x/write", "/write", "2/2/write"] {
            assert!(serde_json::from_str::<StepId>(&format!("\"{foreign}\"")).is_err(), "{foreign}");
        }
    }
}
