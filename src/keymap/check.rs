//! What only the finished keymap shows: actions without a key, keys that something inner hides, no way out.
//!
//! Owns these rules; clashes within a file are found while it is loaded.

use super::{Chord, Code, Key, Keymap, Lookup};
use crate::action::{Action, Context, Reach};
use crate::base::problem::{Level, Problem};

/// Checks a loaded keymap and mends what would lock the operator in. `file` is where the user would mend it.
pub(super) fn mend(keymap: &mut Keymap, file: &str) -> Vec<Problem> {
    keep_a_way_out(keymap, file).into_iter().chain(unbound(keymap, file)).chain(hidden(keymap, file)).collect()
}

fn problem(level: Level, id: &str, message: String, hint: &str, file: &str) -> Problem {
    Problem::new(level, format!("keymap:{id}"), message).hint(hint).at(file, None, None)
}

/// Without a key for `force-quit` everywhere a mistake in a file could lock somebody in: ctrl-c then comes back.
fn keep_a_way_out(keymap: &mut Keymap, file: &str) -> Vec<Problem> {
    let key = Chord::from(Key::new(Code::Char('c'), true, false, false));
    let mut problems = Vec::new();
    for context in Action::ForceQuit.spec().contexts {
        if !keymap.chords(*context, Action::ForceQuit).is_empty() {
            continue;
        }
        for ((_, _), chords) in keymap.bindings.iter_mut().filter(|((c, _), _)| c == context) {
            chords.retain(|chord| *chord != key && !key.hides(chord));
        }
        keymap.bindings.insert((*context, Action::ForceQuit), vec![key.clone()]);
        let message = format!("In [{}] no key is left for 'force-quit'; it has 'ctrl-c' again.", context.name());
        problems.push(problem(Level::Warning, &format!("way-out:{}", context.name()), message, "Bind 'force-quit' to another key.", file));
    }
    problems
}

/// Actions that every keymap should reach by a key, and that this one does not reach anywhere.
fn unbound(keymap: &Keymap, file: &str) -> Vec<Problem> {
    let without = |action: &&Action| {
        action.spec().reach == Reach::Key && action.spec().contexts.iter().all(|context| keymap.chords(*context, **action).is_empty())
    };
    let told = |action: &Action| {
        let message = format!("No key is bound to '{}' ({}).", action.name(), action.title());
        problem(Level::Warning, &format!("unbound:{}", action.name()), message, "It stays in the palette.", file)
    };
    Action::ALL.iter().filter(without).map(told).collect()
}

/// Chords of the global context that a context before it makes unreachable half-way: pressing the first key already acts.
/// That the same whole chord means something else in an inner context is on purpose and no problem.
fn hidden(keymap: &Keymap, file: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let panes = Context::ALL.iter().filter(|c| !matches!(c, Context::Global | Context::Text));
    for context in panes {
        for (action, chords) in keymap.of(Context::Global) {
            for chord in chords.iter().filter(|c| c.keys().len() > 1) {
                let first = &chord.keys()[..1];
                if let Lookup::Action(inner) = keymap.lookup(&[*context], first) {
                    let (place, key) = (context.name(), first[0]);
                    let message = format!("In [{place}] '{key}' ({}) hides '{chord}' ({}).", inner.name(), action.name());
                    problems.push(problem(
                        Level::Warning,
                        &format!("hidden:{place}:{}", action.name()),
                        message,
                        "Choose another key for one of them.",
                        file,
                    ));
                }
            }
        }
    }
    problems
}
