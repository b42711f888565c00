//! `timonel check FILE`: everything that is wrong with a service file, what this version accepts without acting on it, and what the rules
//! of good operation say.
//!
//! Owns the list. What can only be seen on the live target is asked by the command.

mod rules;

use super::{Origin, Service, ServiceFile};
use crate::base::problem::{Level, Problem};
use crate::base::toml::Table;

/// All problems of a file in the order of its lines: errors, warnings, what the rules find (each with the name of its trap), and one
/// warning per kind of entry that this version does not act on yet.
pub fn check(file: &str, text: &str, origin: &Origin) -> Vec<Problem> {
    let (read, mut problems) = ServiceFile::read(file, text, origin);
    if let Some(read) = read {
        problems.extend(read.advice());
        problems.extend(not_acted_on(&read));
        problems.extend(disabled(&read));
    }
    problems
}

/// One warning for each action that this version cannot carry out in some environment.
fn disabled(read: &ServiceFile) -> Vec<Problem> {
    let mut problems: Vec<Problem> = Vec::new();
    for action in read.all_actions() {
        let Some(why) = &action.disabled else { continue };
        let message = format!("The action '{}' is disabled: {why}.", action.id);
        if !problems.iter().any(|p| p.message == message) {
            problems.push(Problem::new(Level::Warning, format!("service:action:{}", action.id), message).at(read.file(), None, None));
        }
    }
    problems
}

/// Holds the service in one environment against the rules; `timeout` = steps have one without naming it.
pub(super) fn advise(root: &Table<'_>, service: &Service, timeout: bool) {
    rules::advise(root, service, timeout);
}

/// One warning for whole tables, one for the keys of each table, at their first place: a file that uses all of the format is not
/// buried under them.
fn not_acted_on(read: &ServiceFile) -> Vec<Problem> {
    let mut groups: Vec<(String, Vec<String>, usize)> = Vec::new();
    for later in &read.later {
        let (table, key) = group(&later.key);
        match groups.iter_mut().find(|(known, ..)| *known == table) {
            Some((_, keys, line)) => {
                *line = (*line).min(later.spot.line);
                if !keys.contains(&key) {
                    keys.push(key);
                }
            }
            None => groups.push((table, vec![key], later.spot.line)),
        }
    }
    let told = |(table, keys, line): (String, Vec<String>, usize)| {
        let place = if table.is_empty() { "Tables".to_owned() } else { format!("In [{table}]") };
        let message = format!(
            "{place}: {} accepted, but this version does not act on {}.",
            list(&keys),
            if keys.len() > 1 { "them yet" } else { "it yet" }
        );
        Problem::new(Level::Warning, format!("service:later:{table}"), message).at(read.file(), Some(line), None)
    };
    let mut problems: Vec<Problem> = groups.into_iter().map(told).collect();
    problems.sort_by_key(|p| match &p.place {
        Some(crate::base::problem::Place::File(place)) => place.line,
        _ => None,
    });
    problems
}

fn list(keys: &[String]) -> String {
    match keys {
        [one] => format!("{one} is"),
        many => format!("{} are", many.join(", ")),
    }
}

/// `workload.2.image` is `image` of `workload`, `env.staging.maintenance` is `maintenance` of `env`, `kpi` is a table.
fn group(key: &str) -> (String, String) {
    match key.split_once('.') {
        None => (String::new(), key.to_owned()),
        Some((table, rest)) => (table.to_owned(), rest.rsplit('.').next().unwrap_or(rest).to_owned()),
    }
}
