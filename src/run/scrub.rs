//! Keeps secrets out of plans, journal and messages (contract.md 5 and 9).
//!
//! Owns two rules: which fields are plainly no secret, and what in free text looks like one; values that were fetched are known to
//! `base::secret`. Errs on the side of hiding.

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;
use serde_json::Value;

use crate::base::secret;

pub use crate::base::secret::HIDDEN;

/// Fields whose values are shown: the last segment of the path, or any segment for whole trees (`resources`, `ports`).
const PLAIN_LEAVES: [&str; 16] = [
    "replicas",
    "minReplicas",
    "maxReplicas",
    "selectPolicy",
    "paused",
    "suspend",
    "unschedulable",
    "timonel.io~1run",
    "timonel.io~1expires-at",
    "holderIdentity",
    "image",
    "claimName",
    "backoffLimit",
    "activeDeadlineSeconds",
    "kubectl.kubernetes.io~1restartedAt",
    "kubernetes.io~1change-cause",
];
const PLAIN_TREES: [&str; 5] = ["resources", "livenessProbe", "readinessProbe", "startupProbe", "ports"];

/// The value as it may be shown and stored: itself when the field is plainly no secret or there is none, else [`HIDDEN`].
pub fn field(pointer: &str, value: &Value) -> Value {
    let mut segments = pointer.split('/').skip(1);
    let leaf = pointer.rsplit('/').next().unwrap_or_default();
    if value.is_null() || PLAIN_LEAVES.contains(&leaf) || segments.any(|s| PLAIN_TREES.contains(&s)) {
        value.clone()
    } else {
        Value::String(HIDDEN.to_owned())
    }
}

/// Free text with whatever looks like a secret taken out.
pub fn text(text: &str) -> String {
    static RULES: LazyLock<Vec<(Regex, &str)>> = LazyLock::new(rules);
    let known = secret::hide(Cow::Borrowed(text)).into_owned();
    RULES.iter().fold(known, |text, (pattern, with)| match pattern.replace_all(&text, *with) {
        std::borrow::Cow::Borrowed(_) => text,
        std::borrow::Cow::Owned(clean) => clean,
    })
}

/// The same for every string inside a value.
pub fn value(value: &mut Value) {
    match value {
        Value::String(s) => *s = text(s),
        Value::Array(items) => items.iter_mut().for_each(self::value),
        Value::Object(map) => map.values_mut().for_each(self::value),
        _ => {}
    }
}

fn rules() -> Vec<(Regex, &'static str)> {
    const PATTERNS: [(&str, &str); 7] = [
        // A private key or certificate in PEM form, cut off or not.
        (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(-----END [A-Z ]*PRIVATE KEY-----|$)", HIDDEN),
        // user:password@ in a URL.
        (r"(?i)\b([a-z][a-z0-9+.-]*://[^\s/:@]*):[^\s/@]+@", "$1:<hidden>@"),
        // A JSON web token.
        (r"\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(\.[A-Za-z0-9_-]*)?", HIDDEN),
        (r"(?i)\b(bearer|authorization:\s*[a-z]+)\s+[A-Za-z0-9._~+/=-]{8,}", "$1 <hidden>"),
        // password=..., API_KEY: "...".
        (
            r#"(?i)\b([a-z0-9_.-]*(?:password|passwd|secret|token|api[_-]?key|private[_-]?key|credential)[a-z0-9_.-]*["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&]+)"#,
            "$1<hidden>",
        ),
        // SQL's PASSWORD '...'.
        (r"(?i)\b(password\s+)e?'(?:[^']|'')*(?:'|$)", "$1<hidden>"),
        // Access keys that carry their own mark.
        (r"\b(AKIA[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|xox[abprs]-[A-Za-z0-9-]{10,}|glpat-[A-Za-z0-9_-]{16,})", HIDDEN),
    ];
    PATTERNS.into_iter().filter_map(|(pattern, with)| Regex::new(pattern).ok().map(|r| (r, with))).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{field, rules, text, value};

    #[test]
    fn every_rule_compiles() {
        assert_eq!(rules().len(), 7);
    }

    #[test]
    fn what_looks_like_a_secret_is_taken_out_and_the_rest_stays() {
        for (dirty, expected) in [
            ("scaled for the sale", "scaled for the sale"),
            ("use postgres://ana:hunter2@db:5432/x now", "use postgres://ana:<hidden>@db:5432/x now"),
            ("DB_PASSWORD=hunter2 and more", "DB_PASSWORD=<hidden> and more"),
            ("{\"api_key\": \"abc def\"}", "{\"api_key\": <hidden>}"),
            ("Authorization: Bearer abcdefgh12345", "Authorization: Bearer <hidden>"),
            ("key eyJhbGciOiJI.eyJzdWIiOiIx.sig ok", "key <hidden> ok"),
            ("AKIAIOSFODNN7EXAMPLE", "<hidden>"),
            ("ALTER ROLE app PASSWORD 'it''s' VALID", "ALTER ROLE app PASSWORD <hidden> VALID"),
            ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", "<hidden>"),
            ("image ghcr.io/eterna/rules-engine@sha256:9f2c", "image ghcr.io/eterna/rules-engine@sha256:9f2c"),
        ] {
            assert_eq!(text(dirty), expected);
        }
        let mut nested = json!({ "a": ["token=x1", 3], "b": { "c": "plain" } });
        value(&mut nested);
        assert_eq!(nested, json!({ "a": ["token=<hidden>", 3], "b": { "c": "plain" } }));
    }

    #[test]
    fn field_values_are_hidden_unless_they_are_plainly_no_secret() {
        assert_eq!(field("/spec/replicas", &json!(3)), json!(3));
        assert_eq!(field("/spec/template/spec/containers/0/resources/limits/cpu", &json!("1")), json!("1"));
        assert_eq!(field("/spec/template/spec/containers/0/env/0/value", &json!("hunter2")), json!("<hidden>"));
        assert_eq!(field("/spec/behavior", &json!(null)), json!(null));
    }
}
