//! From a keymap's name to its layers: a user's own file of that name over a shipped one.

use super::{DEFAULT, Keymap, Layer, SHIPPED, load};
use crate::base::problem::{Level, Problem};
use crate::base::toml::{Source, quoted, read, word_hint};

/// A user's keymap file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The file as problems shall name it.
    pub file: String,
    /// What is in it.
    pub text: String,
}

/// Opens the keymap `name`. `user` finds a user's own file of a name; without one the shipped keymap counts.
///
/// A user's file holds only differences: from the shipped keymap that it names with `inherits`, else from the shipped one of its own
/// name, else from the default. Never fails: a name that nobody knows is a problem, and the default is used.
pub fn open(name: &str, user: &dyn Fn(&str) -> Option<Found>) -> (Keymap, Vec<Problem>) {
    let shipped = |name: &str| SHIPPED.iter().find(|(known, _)| *known == name).map(|(_, layer)| *layer);
    let names = || SHIPPED.iter().map(|(known, _)| *known);
    let Some(own) = user(name) else {
        let (keymap, mut problems) = load(&[shipped(name).unwrap_or(SHIPPED[0].1)]);
        if shipped(name).is_none() {
            let hint = word_hint(name, names()).unwrap_or_else(|| format!("'{DEFAULT}' is used."));
            problems.push(Problem::new(Level::Error, "keymap:name", format!("There is no keymap {}.", quoted(name))).hint(hint));
        }
        return (keymap, problems);
    };
    let source = Source { topic: "keymap", file: &own.file, text: &own.text, unknown: Level::Warning };
    let (inherits, _) = read(source, |root| root.text("inherits"));
    let base = inherits.as_ref().map_or_else(|| shipped(name), |parent| shipped(&parent.value));
    let (keymap, mut problems) = load(&[base.unwrap_or(SHIPPED[0].1), Layer { file: &own.file, text: &own.text }]);
    if let (Some(parent), None) = (&inherits, base) {
        let problem = Problem::new(Level::Error, "keymap:inherits", format!("There is no shipped keymap {}.", quoted(&parent.value)));
        let hint = word_hint(&parent.value, names()).unwrap_or_default();
        problems.insert(0, problem.hint(hint).at(own.file.clone(), Some(parent.spot.line), Some(parent.spot.column)));
    }
    (keymap, problems)
}

#[cfg(test)]
mod tests {
    use super::{Found, open};
    use crate::action::{Action, Context};
    use crate::keymap::{Chord, Lookup};

    fn own(text: &'static str) -> impl Fn(&str) -> Option<Found> {
        move |name| (name == "mine").then(|| Found { file: "mine.toml".into(), text: text.into() })
    }

    fn logs_key(name: &str, user: &dyn Fn(&str) -> Option<Found>) -> (Lookup, Vec<String>) {
        let (keymap, problems) = open(name, user);
        let key = Chord::parse("l", None).expect("a key");
        let shown = problems.iter().map(|p| format!("{} {}", p.message, p.hint.as_deref().unwrap_or_default()));
        (keymap.lookup(&[Context::Workloads, Context::Global], key.keys()), shown.collect())
    }

    #[test]
    fn a_users_file_stands_on_the_keymap_that_it_names() {
        let none = |_: &str| None;
        assert_eq!(logs_key("default", &none), (Lookup::Action(Action::Right), vec![]));
        assert_eq!(logs_key("k9s", &none), (Lookup::Action(Action::Logs), vec![]));
        assert_eq!(logs_key("mine", &own("[everywhere]\nzoom = \"f5\"\n")), (Lookup::Action(Action::Right), vec![]));
        assert_eq!(logs_key("mine", &own("inherits = \"k9s\"\n")), (Lookup::Action(Action::Logs), vec![]));
    }

    #[test]
    fn a_name_that_nobody_knows_leaves_the_default_and_is_told() {
        let (lookup, problems) = logs_key("k9", &|_| None);
        assert_eq!((lookup, problems), (Lookup::Action(Action::Right), vec!["There is no keymap 'k9'. Did you mean 'k9s'?".to_owned()]));
        let (lookup, problems) = logs_key("mine", &own("inherits = \"k8s\"\n"));
        assert_eq!(
            (lookup, problems),
            (Lookup::Action(Action::Right), vec!["There is no shipped keymap 'k8s'. Did you mean 'k9s'?".to_owned()])
        );
    }
}
