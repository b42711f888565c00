//! Keymap files: one table per context, `action = keys`, and `[everywhere]` for all contexts that an action knows.
//!
//! Owns the form of the files and how layers add up. A later layer's entry replaces the keys of its action; `"none"` or an
//! empty list takes them away. A key that a later layer gives to another action is taken from the earlier one. Within one
//! file the first of two actions keeps a key. Every bad entry is a problem and the rest applies.

use std::collections::BTreeMap;

use super::{Chord, Key, Keymap, check};
use crate::action::{Action, Context};
use crate::base::problem::{Level, Problem};
use crate::base::toml::{At, Entry, Source, Spot, Table, quoted, read, word_hint};

/// The table for all contexts that an action knows.
const EVERYWHERE: &str = "everywhere";

/// The value that takes all keys from an action.
const NONE: &str = "none";

/// One keymap file.
#[derive(Debug, Clone, Copy)]
pub struct Layer<'a> {
    /// The file as the user named it, or `keymaps/default.toml` for a shipped one.
    pub file: &'a str,
    /// Its text.
    pub text: &'a str,
}

/// What one file says, before it is laid over the earlier ones.
#[derive(Debug, Default)]
struct Parsed {
    name: Option<String>,
    leader: Option<Key>,
    entries: Vec<Assignment>,
}

/// One `action = keys` of one context.
#[derive(Debug)]
struct Assignment {
    context: Context,
    action: Action,
    chords: Vec<At<Chord>>,
    spot: Spot,
}

/// Loads layers, the first being a shipped file, and checks the result. What is bad in a layer is dropped and reported.
pub fn load(layers: &[Layer<'_>]) -> (Keymap, Vec<Problem>) {
    let mut keymap = Keymap::default();
    let mut problems = Vec::new();
    for layer in layers {
        let source = Source { topic: "keymap", file: layer.file, text: layer.text, unknown: Level::Error };
        let ((), found) = read(source, |root| {
            let parsed = parse(root, keymap.leader);
            apply(&mut keymap, parsed, root);
        });
        problems.extend(found);
    }
    problems.extend(check::mend(&mut keymap, layers.last().map_or("", |l| l.file)));
    (keymap, problems)
}

fn parse(root: &Table<'_>, inherited_leader: Option<Key>) -> Parsed {
    let mut parsed = Parsed { name: root.text("name").map(|n| n.value), ..Parsed::default() };
    root.accept(&["inherits"]);
    parsed.leader = root.text("leader").and_then(|text| single_key(root, &text));
    let leader = parsed.leader.or(inherited_leader);
    let mut specific = Vec::new();
    for context in Context::ALL {
        if let Some(table) = root.table(context.name()) {
            specific.extend(
                table
                    .entries()
                    .iter()
                    .filter_map(|(name, entry)| assignment(&table, Some(context), name, entry, leader))
                    .flatten(),
            );
        }
    }
    if let Some(table) = root.table(EVERYWHERE) {
        parsed.entries = table
            .entries()
            .iter()
            .filter_map(|(name, entry)| assignment(&table, None, name, entry, leader))
            .flatten()
            .collect();
    }
    // What a file says about one context goes before what it says about all.
    parsed.entries.retain(|e| !specific.iter().any(|s| s.context == e.context && s.action == e.action));
    parsed.entries.extend(specific);
    parsed
}

fn single_key(root: &Table<'_>, text: &At<String>) -> Option<Key> {
    match text.value.parse() {
        Ok(key) => Some(key),
        Err(why) => {
            let why: super::KeyError = why;
            root.error(&text.spot, why.message, why.hint);
            None
        }
    }
}

/// One line of a table: one assignment per context in which it holds.
fn assignment(table: &Table<'_>, context: Option<Context>, name: &At<String>, entry: &Entry<'_>, leader: Option<Key>) -> Option<Vec<Assignment>> {
    let Some(action) = Action::named(&name.value) else {
        let known = Action::ALL.iter().filter(|a| context.is_none_or(|c| a.spec().contexts.contains(&c))).map(|a| a.name());
        let hint = word_hint(&name.value, known.clone()).or_else(|| word_hint(&name.value, Action::ALL.iter().map(|a| a.name())));
        table.error(&name.spot, format!("There is no action {}.", quoted(&name.value)), hint);
        return None;
    };
    let contexts = action.spec().contexts;
    if let Some(context) = context.filter(|c| !contexts.contains(c)) {
        let places = contexts.iter().map(|c| c.name()).collect::<Vec<_>>().join(", ");
        table.error(
            &name.spot,
            format!("'{}' cannot be bound in [{}].", action.name(), context.name()),
            Some(format!("It works in: {places}.")),
        );
        return None;
    }
    let chords = chords(table, entry, leader)?;
    if context == Some(Context::Text) {
        let typing: Vec<_> = chords.iter().filter(|c| types_itself(c)).collect();
        for chord in &typing {
            table.error(&chord.spot, format!("'{}' types a character in a text field and cannot be bound there.", chord.value), None);
        }
        if !typing.is_empty() && typing.len() == chords.len() {
            return None;
        }
    }
    let one = |context: Context| {
        // Under [everywhere] a key that types a character is simply left out of text fields.
        let fits = |c: &&At<Chord>| context != Context::Text || !types_itself(c);
        Assignment { context, action, chords: chords.iter().filter(fits).cloned().collect(), spot: name.spot.clone() }
    };
    Some(context.map_or_else(|| contexts.iter().map(|c| one(*c)).collect(), |context| vec![one(context)]))
}

fn types_itself(chord: &Chord) -> bool {
    chord.keys()[0].text().is_some()
}

/// The chords of one value: a text, a list of texts, or `none`. `None` when nothing of it can be used.
fn chords(table: &Table<'_>, entry: &Entry<'_>, leader: Option<Key>) -> Option<Vec<At<Chord>>> {
    let texts: Vec<At<String>> = if entry.is_list() { entry.list().iter().filter_map(Entry::text).collect() } else { vec![entry.text()?] };
    if let [only] = texts.as_slice()
        && only.value == NONE
    {
        return Some(Vec::new());
    }
    let written = texts.len();
    let chords: Vec<At<Chord>> = texts.into_iter().filter_map(|text| chord(table, text, leader)).collect();
    (written == 0 || !chords.is_empty()).then_some(chords)
}

fn chord(table: &Table<'_>, text: At<String>, leader: Option<Key>) -> Option<At<Chord>> {
    match Chord::parse(&text.value, leader) {
        Ok(chord) => {
            if let Some((key, same)) = chord.keys().iter().find_map(|k| k.same_byte_as().map(|s| (k, s))) {
                table.warn(&text.spot, format!("Most terminals send '{same}' for '{key}'."), Some("Choose another key.".into()));
            }
            Some(At { value: chord, spot: text.spot })
        }
        Err(why) => {
            table.error(&text.spot, why.message, why.hint);
            None
        }
    }
}

/// Lays a file over what is there.
fn apply(keymap: &mut Keymap, parsed: Parsed, root: &Table<'_>) {
    keymap.name = parsed.name.unwrap_or_else(|| std::mem::take(&mut keymap.name));
    if let Some(leader) = parsed.leader {
        move_leader(keymap, leader);
    }
    let mut taken: BTreeMap<(Context, Chord), Action> = BTreeMap::new();
    let mut fresh: Vec<(Context, Action, Vec<Chord>)> = Vec::new();
    for entry in parsed.entries {
        let mut kept = Vec::new();
        for chord in entry.chords {
            let clash = taken.iter().find(|((c, other), a)| {
                *c == entry.context && **a != entry.action && (*other == chord.value || other.hides(&chord.value) || chord.value.hides(other))
            });
            if let Some(((_, other), action)) = clash {
                let message = clash_message(entry.context, (&chord.value, entry.action), (other, *action));
                root.error(&chord.spot, message, Some(format!("'{}' keeps it.", action.name())));
                continue;
            }
            taken.insert((entry.context, chord.value.clone()), entry.action);
            kept.push(chord.value);
        }
        if fresh.iter().any(|(c, a, _)| *c == entry.context && *a == entry.action) {
            root.error(&entry.spot, format!("'{}' is bound twice in [{}].", entry.action.name(), entry.context.name()), None);
            continue;
        }
        fresh.push((entry.context, entry.action, kept));
    }
    for (context, action, chords) in fresh {
        for ((c, other), theirs) in &mut keymap.bindings {
            if *c == context && *other != action {
                theirs.retain(|t| !chords.iter().any(|mine| mine == t || mine.hides(t) || t.hides(mine)));
            }
        }
        keymap.bindings.insert((context, action), chords);
    }
}

fn clash_message(context: Context, (chord, action): (&Chord, Action), (other, owner): (&Chord, Action)) -> String {
    let place = context.name();
    if chord == other {
        format!("In [{place}] '{chord}' is bound to both '{}' and '{}'.", owner.name(), action.name())
    } else if other.hides(chord) {
        format!("In [{place}] '{other}' ({}) hides '{chord}' ({}), which could never be pressed.", owner.name(), action.name())
    } else {
        format!("In [{place}] '{chord}' ({}) would hide '{other}' ({}), which could never be pressed.", action.name(), owner.name())
    }
}

/// Moves what earlier layers bound under the old leader to the new one.
fn move_leader(keymap: &mut Keymap, leader: Key) {
    if let Some(old) = keymap.leader.filter(|old| *old != leader) {
        for chord in keymap.bindings.values_mut().flatten() {
            chord.swap_first(old, leader);
        }
    }
    keymap.leader = Some(leader);
}
