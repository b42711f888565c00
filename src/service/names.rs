//! `${env.x}` and `${service.x}` in the texts of a service file.
//!
//! Owns the names and their replacement. There are no expressions. Secrets are not among the names, on purpose; what is known only
//! while an action runs (`var`, `run`, `step`, `release`, `operator`) belongs to plans.

use std::collections::{BTreeMap, BTreeSet};

use crate::base::toml::{At, Table, quoted, word_hint};

/// The names that texts may use in one environment.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Names {
    /// Id of the environment; empty when the file has none.
    environment: String,
    known: BTreeMap<String, String>,
    /// Names that only other environments set.
    elsewhere: BTreeSet<String>,
    /// What only other environments set is left out without a problem.
    lenient: bool,
}

impl Names {
    /// Names of the environment `environment`.
    pub(super) fn new(environment: &str, known: BTreeMap<String, String>, elsewhere: BTreeSet<String>) -> Self {
        Self { environment: environment.to_owned(), known, elsewhere, lenient: false }
    }

    /// The same, where what only other environments set is no problem.
    pub(super) fn lenient(self) -> Self {
        Self { lenient: true, ..self }
    }

    /// Id of the environment; empty when the file has none.
    pub(super) fn environment(&self) -> &str {
        &self.environment
    }

    /// Replaces the names in `text`. A name that is not known is a problem, and the text is of no use.
    pub(super) fn fill(&self, table: &Table<'_>, text: At<String>) -> Option<At<String>> {
        match parts(&text.value) {
            Ok(parts) => {
                let mut out = String::with_capacity(text.value.len());
                for part in parts {
                    match part {
                        Part::Text(literal) => out.push_str(literal),
                        Part::Name(name) => match self.known.get(name) {
                            Some(value) => out.push_str(value),
                            None if self.lenient && self.elsewhere.contains(name) => return None,
                            None => {
                                let (message, hint) = self.unknown(name);
                                table.error(&text.spot, message, hint);
                                return None;
                            }
                        },
                    }
                }
                Some(At { value: out, spot: text.spot })
            }
            Err(rest) => {
                table.error(&text.spot, format!("{} has no closing '}}'.", quoted(rest)), Some("Write ${env.name}.".into()));
                None
            }
        }
    }

    /// The text in pieces: what is known here is put in, names that `keep` takes stay names, and any other one is a problem. `more` are
    /// names to think of besides.
    pub(super) fn pieces(&self, table: &Table<'_>, text: &At<String>, keep: &dyn Fn(&str) -> bool, more: &[&str]) -> Option<Vec<Piece>> {
        let Ok(parts) = parts(&text.value) else {
            // It says what is wrong.
            self.fill(table, text.clone());
            return None;
        };
        let mut pieces = Vec::new();
        for part in parts {
            match part {
                Part::Text(literal) => pieces.push(Piece::Text(literal.to_owned())),
                Part::Name(name) => match self.known.get(name) {
                    Some(value) => pieces.push(Piece::Text(value.clone())),
                    None if keep(name) => pieces.push(Piece::Name(name.to_owned())),
                    None if self.lenient && self.elsewhere.contains(name) => return None,
                    None if ["var.", "run.", "step."].iter().any(|head| name.starts_with(head)) => {
                        let shown = quoted(&format!("${{{name}}}"));
                        table.error(&text.spot, format!("{shown} is not known."), word_hint(name, more.iter().copied()));
                        return None;
                    }
                    None => {
                        let (message, hint) = self.unknown(name);
                        table.error(&text.spot, message, hint);
                        return None;
                    }
                },
            }
        }
        Some(pieces)
    }

    /// All names that are known.
    pub(super) fn known(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// What a name stands for here.
    pub(super) fn values(&self) -> BTreeMap<String, String> {
        self.known.clone()
    }

    /// Whether only other environments set it.
    pub(super) fn is_elsewhere(&self, name: &str) -> bool {
        self.elsewhere.contains(name)
    }

    fn unknown(&self, name: &str) -> (String, Option<String>) {
        let shown = quoted(&format!("${{{name}}}"));
        let head = name.split('.').next().unwrap_or_default();
        match head {
            _ if self.elsewhere.contains(name) => (
                format!("{shown} is not set in the environment '{}'.", self.environment),
                Some(format!("Set it in [env.{}.vars], or keep this entry to other environments: envs = [\"…\"].", self.environment)),
            ),
            "secret" | "secrets" => (
                format!("{shown}: secrets cannot be put into texts."),
                Some("Refer to one where the key allows it: \"secret:NAME\".".into()),
            ),
            "var" | "run" | "step" | "release" | "operator" => (format!("{shown} is known only while an action runs."), None),
            _ => (format!("{shown} is not known."), word_hint(name, self.known.keys().map(String::as_str))),
        }
    }
}

/// A piece of a text that is filled later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Piece {
    /// As it is.
    Text(String),
    /// A name that has a value later.
    Name(String),
}

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Splits a text at its names; the error is what follows an opening that is never closed.
fn parts(text: &str) -> Result<Vec<Part<'_>>, &str> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (literal, tail) = rest.split_at(at);
        let end = tail.find('}').ok_or(tail)?;
        out.push(Part::Text(literal));
        out.push(Part::Name(tail[2..end].trim()));
        rest = &tail[end + 1..];
    }
    out.push(Part::Text(rest));
    Ok(out)
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::Names;
    use crate::base::problem::Level;
    use crate::base::toml::{Source, read};

    fn fill(text: &str) -> Result<String, String> {
        let known = BTreeMap::from([("env.name".to_owned(), "production".to_owned()), ("env.public_url".to_owned(), "https://x".to_owned())]);
        let names = Names::new("production", known, BTreeSet::from(["env.only_staging".to_owned()]));
        let toml = format!("t = \"{text}\"");
        let source = Source { topic: "service", file: "f", text: &toml, unknown: Level::Error };
        let (value, problems) = read(source, |root| root.text("t").and_then(|t| names.fill(root, t)).map(|t| t.value));
        value.ok_or_else(|| {
            problems
                .iter()
                .map(|p| format!("{} {}", p.message, p.hint.as_deref().unwrap_or_default()))
                .collect::<Vec<_>>()
                .join("\n")
        })
    }

    #[test]
    fn names_are_replaced_and_unknown_ones_say_what_to_do() {
        assert_eq!(fill("plain $ {text}").as_deref(), Ok("plain $ {text}"));
        assert_eq!(fill("${env.public_url}/health?e=${ env.name }").as_deref(), Ok("https://x/health?e=production"));
        for (text, part) in [
            ("${env.publc_url}", "Did you mean 'env.public_url'?"),
            ("${env.only_staging}", "not set in the environment 'production'"),
            ("${secret.token}", "secrets cannot be put into texts"),
            ("${run.id}", "only while an action runs"),
            ("${env.name", "no closing"),
            ("${}", "not known"),
        ] {
            let error = fill(text).expect_err(text);
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}
