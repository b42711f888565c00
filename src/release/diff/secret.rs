//! What may be shown of a pod template.
//!
//! Owns the rule of contract.md 5: literal env is shown only where it is plainly not secret; elsewhere a value is hidden when its
//! name or its form says secret. Hiding too much costs a look at the object; showing too much cannot be taken back.

use serde::Serialize;

/// A value in a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(into = "Option<String>")]
pub enum Shown {
    /// Not there.
    Absent,
    /// There.
    Text(String),
    /// There, and not to be seen.
    Hidden,
}

impl Shown {
    /// As people read it; `None` when it is not there.
    pub fn text(&self) -> Option<&str> {
        match self {
            Self::Absent => None,
            Self::Text(text) => Some(text),
            Self::Hidden => Some("<hidden>"),
        }
    }
}

impl From<Shown> for Option<String> {
    fn from(shown: Shown) -> Self {
        shown.text().map(str::to_owned)
    }
}

/// Parts of names that say secret.
const SECRET_WORDS: [&str; 17] = [
    "pass",
    "pwd",
    "secret",
    "token",
    "cred",
    "apikey",
    "api_key",
    "api-key",
    "private",
    "auth",
    "bearer",
    "dsn",
    "connection",
    "signing",
    "salt",
    "license",
    "webhook",
];

/// Literal values that no secret has.
const PLAIN_WORDS: [&str; 22] = [
    "",
    "true",
    "false",
    "yes",
    "no",
    "on",
    "off",
    "enabled",
    "disabled",
    "trace",
    "debug",
    "info",
    "warn",
    "warning",
    "error",
    "fatal",
    "production",
    "staging",
    "development",
    "test",
    "json",
    "text",
];

/// A literal environment value: shown only where it is plainly not secret.
pub(super) fn env(name: &str, value: &str) -> Shown {
    if !names_secret(name) && is_plain(value) { Shown::Text(value.to_owned()) } else { Shown::Hidden }
}

/// Any other value: hidden where its name or its form says secret.
pub(super) fn other(path: &str, value: &str) -> Shown {
    if names_secret(path) || looks_secret(path, value) { Shown::Hidden } else { Shown::Text(value.to_owned()) }
}

/// Arguments of a command: one that says secret hides itself, and the next one when its value is there.
pub(super) fn arguments<'a>(values: impl Iterator<Item = &'a str>) -> Vec<Shown> {
    let mut hide_next = false;
    let one = |value: &str| {
        let (name, inline) = value.split_once('=').map_or((value, false), |(name, _)| (name, true));
        let secret = names_secret(name);
        let hidden = hide_next || (secret && inline) || looks_secret("", value) || assigns_secret(value);
        hide_next = secret && !inline && value.starts_with('-');
        if hidden { Shown::Hidden } else { Shown::Text(value.to_owned()) }
    };
    values.map(one).collect()
}

fn names_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    SECRET_WORDS.iter().any(|w| name.contains(w)) || name.ends_with("key") || name.contains("_key_")
}

/// `password=…`, `TOKEN: …` inside a longer text, such as a script.
fn assigns_secret(text: &str) -> bool {
    let text = text.to_lowercase();
    ["password", "passwd", "pwd", "secret", "token", "api_key", "apikey", "api-key"]
        .iter()
        .any(|w| text.match_indices(w).any(|(at, _)| text[at + w.len()..].trim_start().starts_with(['=', ':'])))
}

fn is_plain(value: &str) -> bool {
    let number = !value.is_empty() && value.len() <= 6 && value.bytes().all(|b| b.is_ascii_digit());
    number || PLAIN_WORDS.contains(&value.to_lowercase().as_str()) || crate::base::duration::parse(value).is_ok()
}

/// Credentials in a URL, or a long run of mixed letters and digits that is no digest.
fn looks_secret(path: &str, value: &str) -> bool {
    if value.split_once("://").is_some_and(|(_, rest)| rest.split('/').next().unwrap_or_default().contains('@')) {
        return true;
    }
    if path.contains("checksum") || path.contains("hash") || value.contains("sha256:") {
        return false;
    }
    let random = |word: &str| {
        let (letters, digits) = word
            .bytes()
            .fold((0, 0), |(l, d), b| (l + usize::from(b.is_ascii_alphabetic()), d + usize::from(b.is_ascii_digit())));
        word.len() >= 24 && letters >= 6 && digits >= 4 && !word.contains(['.', '-', '/'])
    };
    value.split([' ', '"', '\'', '=', ',', ':']).any(random)
}

#[cfg(test)]
mod tests {
    use super::{Shown, arguments, env, other};

    #[test]
    fn literal_env_is_hidden_unless_plainly_not_secret() {
        for (name, value, shown) in [
            ("LOG_LEVEL", "debug", true),
            ("PORT", "8080", true),
            ("FEATURE_RAG", "true", true),
            ("TIMEOUT", "30s", true),
            ("WORKERS", "", true),
            ("GREETING", "hello", false),
            ("DATABASE_URL", "postgres://db/app", false),
            ("DB_PASSWORD", "8080", false),
            ("API_TOKEN", "true", false),
            ("STRIPE_KEY", "1", false),
            ("ACCOUNT", "12345678", false),
        ] {
            assert_eq!(env(name, value) == Shown::Hidden, !shown, "{name}={value}");
        }
    }

    #[test]
    fn other_values_are_hidden_when_name_or_form_says_secret() {
        for (path, value, shown) in [
            ("serviceAccountName", "web", true),
            ("annotation checksum/config", "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08", true),
            ("annotation vault.example/token", "x", false),
            ("annotation note", "see https://ana:hunter2@git.example/x", false),
            ("annotation note", "see https://git.example/x@v1", true),
            ("annotation blob", "AKIAIOSFODNN7EXAMPLE4k2j9d8s7a6q5w", false),
            ("nodeSelector.zone", "eu-west-1a", true),
        ] {
            assert_eq!(other(path, value) == Shown::Hidden, !shown, "{path}={value}");
        }
    }

    #[test]
    fn arguments_hide_what_follows_a_secret_flag() {
        let shown = |list: &[&str]| arguments(list.iter().copied()).iter().map(|s| s.text().unwrap_or("").to_owned()).collect::<Vec<_>>();
        assert_eq!(shown(&["serve", "--port=80", "--db-password=x"]), ["serve", "--port=80", "<hidden>"]);
        assert_eq!(shown(&["--password", "hunter2", "--verbose"]), ["--password", "<hidden>", "--verbose"]);
        assert_eq!(shown(&["sh", "-c", "export API_TOKEN=abc; run"]), ["sh", "-c", "<hidden>"]);
    }
}
