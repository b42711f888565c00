//! Writing down what kind of environment a context is: the one thing that the program offers to put into the user's settings.
//!
//! Owns the change of the text; everything else in the file stays as it is. Whoever writes the file asks first.

use toml::de::DeTable;

use crate::base::environment::EnvironmentKind;

/// The text of the settings file with the kind of `context` set to `kind`. `None` when the text is no TOML, or says it in a form that
/// is not changed by a program (an inline table): the user has to.
pub fn name_context(text: &str, context: &str, kind: EnvironmentKind) -> Option<String> {
    let root = DeTable::parse(text).ok()?;
    let word = kind.word();
    let table = root.get_ref().get("contexts").and_then(|c| c.get_ref().as_table()).and_then(|c| c.get(context));
    let Some(table) = table else {
        let gap = if text.is_empty() || text.ends_with("\n\n") {
            ""
        } else if text.ends_with('\n') {
            "\n"
        } else {
            "\n\n"
        };
        let changed = format!("{text}{gap}[contexts.{}]\nkind = \"{word}\"\n", toml::Value::String(context.to_owned()));
        return holds(&changed, context, word).then_some(changed);
    };
    let changed = if let Some(value) = table.get_ref().as_table()?.get("kind") {
        let span = value.span();
        format!("{}\"{word}\"{}", &text[..span.start], &text[span.end..])
    } else {
        // The span of a table of its own begins at its header; the new line goes right below it.
        let header = text.get(table.span().start..)?;
        let end = table.span().start + header.find('\n').map_or(header.len(), |at| at + 1);
        let gap = if text[..end].ends_with('\n') { "" } else { "\n" };
        format!("{}{gap}kind = \"{word}\"\n{}", &text[..end], &text[end..])
    };
    holds(&changed, context, word).then_some(changed)
}

/// Whether the changed text really says so.
fn holds(text: &str, context: &str, word: &str) -> bool {
    let Ok(root) = DeTable::parse(text) else { return false };
    let kind = root
        .get_ref()
        .get("contexts")
        .and_then(|c| c.get_ref().as_table()?.get(context)?.get_ref().as_table()?.get("kind"));
    kind.and_then(|k| k.get_ref().as_str()) == Some(word)
}

#[cfg(test)]
mod tests {
    use super::name_context;
    use crate::base::environment::EnvironmentKind::{Production, Staging};

    #[test]
    fn a_kind_is_written_down_and_the_rest_of_the_file_stays() {
        for (text, expected) in [
            ("", "[contexts.\"eks/1\"]\nkind = \"staging\"\n"),
            ("theme = \"dark\" # mine\n", "theme = \"dark\" # mine\n\n[contexts.\"eks/1\"]\nkind = \"staging\"\n"),
            (
                "[contexts.\"eks/1\"]\nkind = \"production\" # was\n[logs]\nlines = 500\n",
                "[contexts.\"eks/1\"]\nkind = \"staging\" # was\n[logs]\nlines = 500\n",
            ),
            ("[contexts.\"eks/1\"]\nread_only = true\n", "[contexts.\"eks/1\"]\nkind = \"staging\"\nread_only = true\n"),
            ("[contexts.\"eks/1\"]", "[contexts.\"eks/1\"]\nkind = \"staging\"\n"),
            ("[contexts]\n\"eks/1\" = { kind = \"production\" }\n", "[contexts]\n\"eks/1\" = { kind = \"staging\" }\n"),
        ] {
            assert_eq!(name_context(text, "eks/1", Staging).as_deref(), Some(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_changed_safely_is_left_to_the_user() {
        for text in ["not toml at all", "[contexts]\n\"c\" = { read_only = true }\n", "contexts = 5\n"] {
            assert_eq!(name_context(text, "c", Production), None, "{text}");
        }
    }
}
