//! What the program could not do or does not trust, in words a person can act on.
//!
//! Owns the shape of a user-facing message. Must not print it.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// How bad a problem is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth knowing; everything works.
    Warning,
    /// Could not be found out.
    Unknown,
    /// Something does not work.
    Error,
}

/// Where in a file a problem is; lines and columns count from 1.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct FilePlace {
    /// The file as the user named it.
    pub file: String,
    /// Line, when known.
    pub line: Option<usize>,
    /// Column in characters, when known.
    pub column: Option<usize>,
}

/// What a problem is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(untagged)]
pub enum Place {
    /// A place in a file.
    File(FilePlace),
    /// An object, a right, a stream: `pods in eterna-rules`.
    Object(String),
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Object(name) => f.write_str(name),
            Self::File(p) => {
                f.write_str(&p.file)?;
                p.line.map_or(Ok(()), |l| write!(f, ":{l}"))?;
                p.column.map_or(Ok(()), |c| write!(f, ":{c}"))
            }
        }
    }
}

/// One problem: shown under Problems, in `status`, and on stderr after exit.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, JsonSchema)]
pub struct Problem {
    /// Stable id; a second problem with the same id replaces the first: `watch:events`, `config:theme`.
    pub id: String,
    /// How bad it is.
    pub level: Level,
    /// What it is about.
    #[serde(rename = "where")]
    pub place: Option<Place>,
    /// What failed and why: one sentence with a full stop, bad values in single quotes.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem about nothing in particular.
    pub fn new(level: Level, id: impl Into<String>, message: impl Into<String>) -> Self {
        Self { id: id.into(), level, place: None, message: message.into(), hint: None }
    }

    /// The same with what to do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// The same, about an object.
    #[must_use]
    pub fn about(mut self, object: impl Into<String>) -> Self {
        self.place = Some(Place::Object(object.into()));
        self
    }

    /// The same, at a place in a file.
    #[must_use]
    pub fn at(mut self, file: impl Into<String>, line: Option<usize>, column: Option<usize>) -> Self {
        self.place = Some(Place::File(FilePlace { file: file.into(), line, column }));
        self
    }
}

/// The closest of `candidates` to what was typed, when close enough to be worth asking "did you mean": much of a long word, or one
/// slip of a finger in a short one.
pub fn did_you_mean<'a>(typed: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let typed = typed.to_lowercase();
    let score = |candidate: &str| {
        let candidate = candidate.to_lowercase();
        let near = strsim::jaro_winkler(&typed, &candidate);
        let slip = typed.chars().count() > 2 && strsim::osa_distance(&typed, &candidate) == 1;
        if slip { near.max(0.9) } else { near }
    };
    let scored = candidates.into_iter().map(|c| (score(c), c)).filter(|(score, _)| *score > 0.8);
    scored.max_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, c)| c)
}

#[cfg(test)]
mod tests {
    use super::did_you_mean;

    #[test]
    fn a_near_miss_is_offered_and_a_far_one_is_not() {
        assert_eq!(did_you_mean("eterna-pord", ["eterna-prod", "staging"]), Some("eterna-prod"));
        assert_eq!(did_you_mean("evn", ["none", "key", "env"]), Some("env"));
        assert_eq!(did_you_mean("x", ["y", "z"]), None);
        assert_eq!(did_you_mean("zzz", ["eterna-prod", "staging"]), None);
    }
}
