//! Shorter forms of a reason, for rows and header lines with less room than it needs.
//!
//! Owns what may be left out: words that only say where, since the row says that, and counts that stand in columns.

/// A reason from its fullest form to its shortest. `short` is the word or two that are always left.
pub(super) fn forms<'a>(text: &'a str, short: &'a str) -> Vec<&'a str> {
    let mut forms = vec![text];
    let mut rest = text;
    while let Some((_, behind)) = rest.split_once(": ").filter(|(place, _)| is_place(place)) {
        rest = behind;
        forms.push(rest);
    }
    if let Some((head, _)) = rest.rsplit_once(", ").filter(|(_, tail)| tail.ends_with(" restarts") || tail.ends_with(" restart")) {
        forms.push(head);
        forms.extend(head.split(", ").filter(|part| part.starts_with("exit ")));
    }
    forms.push(short);
    forms
}

/// Words before a colon that only say where: `2 of 3 ready`, `pod …-ghijk`, `container backend`.
fn is_place(words: &str) -> bool {
    let prefixes = ["pod ", "container ", "init container ", "sidecar "];
    words.ends_with(" ready") || prefixes.iter().any(|prefix| words.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::forms;

    #[test]
    fn what_the_row_says_anyway_goes_first_and_what_happened_stays() {
        let text = "2 of 3 ready: pod …-ghijk: container backend: CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts";
        assert_eq!(
            forms(text, "OOMKilled"),
            [
                text,
                "pod …-ghijk: container backend: CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts",
                "container backend: CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts",
                "CrashLoopBackOff, exit 137 (OOMKilled), 7 restarts",
                "CrashLoopBackOff, exit 137 (OOMKilled)",
                "exit 137 (OOMKilled)",
                "OOMKilled",
            ]
        );
        let pull = "container app: ErrImagePull: pulling image x: not found";
        assert_eq!(forms(pull, "ErrImagePull"), [pull, "ErrImagePull: pulling image x: not found", "ErrImagePull"]);
    }
}
