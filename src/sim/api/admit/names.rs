//! Names of labels, annotations and finalizers.
//!
//! Owns the rules of k8s.io/apimachinery/pkg/util/validation for qualified names, and their sentences.

const NAME: &str = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";

/// What is wrong with a name of the form `example.com/name`.
pub(crate) fn wrong_label_key(key: &str) -> Option<String> {
    let (prefix, name) = match key.split('/').collect::<Vec<_>>().as_slice() {
        [name] => (None, *name),
        [prefix, name] => (Some(*prefix), *name),
        _ => return Some(format!("a valid label key {NAME} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')")),
    };
    if prefix == Some("") {
        return Some("prefix part must be non-empty".to_owned());
    }
    if prefix.is_some_and(|prefix| !super::validate::subdomain(prefix)) {
        return Some(format!("prefix part {}", super::validate::SUBDOMAIN));
    }
    let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.is_empty() {
        Some("name part must be non-empty".to_owned())
    } else if name.len() > 63 {
        Some("name part must be no more than 63 bytes".to_owned())
    } else if !name.chars().all(plain) || !edge(name.chars().next()) || !edge(name.chars().last()) {
        Some(format!("name part {NAME}"))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::wrong_label_key;

    #[test]
    fn a_name_may_have_a_prefix() {
        for good in ["a", "A.b_c-d", "example.com/a"] {
            assert_eq!(wrong_label_key(good), None, "{good}");
        }
        for (bad, part) in [
            ("", "name part must be non-empty"),
            ("/a", "prefix part must be"),
            ("Bad_/a", "prefix part a lowercase"),
            ("a b", "name part must consist"),
            ("a/b/c", "a valid label key"),
        ] {
            assert!(wrong_label_key(bad).expect(bad).starts_with(part), "{bad}");
        }
    }
}
