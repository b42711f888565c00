//! Who may know whom: the table of ARCHITECTURE.md, held against every path in the sources that starts at the crate's root.

use super::assert_none;
use super::source::{Source, below};

/// A room and the rooms it may name. A driver under `target/` is a room of its own; `target` alone is the door.
const MAY_KNOW: &[(&str, &[&str])] = &[
    ("base", &[]),
    ("action", &["base"]),
    ("keymap", &["base", "action"]),
    ("config", &["base", "action"]),
    ("theme", &["base"]),
    ("service", &["base"]),
    ("target", &["base", "service"]),
    ("target/kubernetes", &["base", "service", "target"]),
    ("target/net", &["base", "service", "target"]),
    ("fleet", &["base", "service", "target"]),
    ("probe", &["base", "service", "target", "fleet"]),
    ("release", &["base", "service", "target", "fleet"]),
    ("database", &["base", "service", "target", "fleet"]),
    ("migrate", &["base", "service"]),
    ("run", &["base", "service", "target", "fleet", "probe", "release", "database", "migrate"]),
    ("sim", &["base"]),
    ("app", &["base", "action", "keymap", "service", "target", "fleet", "release", "migrate", "run"]),
    // What the app holds is drawn as it is: the values of the rooms that the app knows, read only, besides the theme.
    ("ui", &["base", "action", "keymap", "theme", "service", "target", "fleet", "release", "migrate", "run", "app"]),
    (
        "runtime",
        &[
            "base",
            "action",
            "keymap",
            "config",
            "theme",
            "service",
            "target",
            "target/kubernetes",
            "target/net",
            "fleet",
            "probe",
            "release",
            "database",
            "migrate",
            "run",
            "app",
            "ui",
        ],
    ),
    (
        "boot",
        &[
            "base",
            "action",
            "keymap",
            "config",
            "theme",
            "service",
            "target",
            "target/kubernetes",
            "target/net",
            "fleet",
            "probe",
            "release",
            "database",
            "migrate",
            "run",
            "app",
            "ui",
            "runtime",
            "sim",
        ],
    ),
    (
        "cli",
        &[
            "base",
            "action",
            "keymap",
            "config",
            "theme",
            "service",
            "target",
            "target/kubernetes",
            "target/net",
            "fleet",
            "probe",
            "release",
            "database",
            "migrate",
            "run",
            "app",
            "ui",
            "runtime",
            "sim",
            "boot",
        ],
    ),
];

/// Drivers: the folders under `src/target/` that are not part of the door.
const DRIVERS: &[&str] = &["kubernetes", "net"];

/// The room of a path from the crate's root.
fn room(path: &[&str]) -> Option<String> {
    match path {
        ["target", driver, ..] if DRIVERS.contains(driver) => Some(format!("target/{driver}")),
        [first, ..] => Some((*first).to_owned()),
        [] => None,
    }
}

/// Every path in the code of `source` that starts at the crate's root, as (line, path).
fn rooted_paths(source: &Source) -> Vec<(usize, Vec<String>)> {
    let module = source.module();
    let depths = inline_depths(&source.code);
    let mut found = Vec::new();
    for (line, path) in paths_in(&source.code) {
        let inline = depths[line];
        let supers = path.iter().take_while(|part| *part == "super").count();
        let rest: Vec<String> = match path.first().map(String::as_str) {
            Some("crate" | "timonel") => path[1..].to_vec(),
            Some("super") if supers == module.len() + inline => path[supers..].to_vec(),
            // A chain that stays below the crate's root: read it from the module's own path.
            Some("super") if supers > inline && supers < module.len() + inline => {
                let kept = &module[..module.len() + inline - supers];
                kept.iter().map(|part| (*part).to_owned()).chain(path[supers..].to_vec()).collect()
            }
            _ => continue,
        };
        found.push((line + 1, rest));
    }
    found
}

/// For each line, how many inline modules it stands in.
fn inline_depths(code: &str) -> Vec<usize> {
    let mut depths = Vec::new();
    let mut braces = 0usize;
    let mut open: Vec<usize> = Vec::new();
    for line in code.lines() {
        let words = line.trim().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        if words.starts_with("mod ") && words.ends_with('{') {
            open.push(braces);
        }
        depths.push(open.len());
        braces = (braces + line.matches('{').count()).saturating_sub(line.matches('}').count());
        while open.last().is_some_and(|&at| at >= braces) && line.contains('}') {
            open.pop();
        }
    }
    depths
}

/// `crate::a::b`, `super::c` and each branch of `crate::{a::b, c}`, as (line from 0, parts).
fn paths_in(code: &str) -> Vec<(usize, Vec<String>)> {
    let mut found = Vec::new();
    for start in ["crate::", "super::", "timonel::"] {
        for (at, _) in code.match_indices(start) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            let mut paths = Vec::new();
            spread(&code[at..], &mut Vec::new(), &mut paths);
            let line = code[..at].matches('\n').count();
            found.extend(paths.into_iter().map(|path| (line, path)));
        }
    }
    found
}

/// Reads one path, following every branch of a brace group.
fn spread(text: &str, prefix: &mut Vec<String>, found: &mut Vec<Vec<String>>) {
    let word: String = text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    let rest = &text[word.len()..];
    if word.is_empty() {
        if let Some(group) = text.strip_prefix('{') {
            for branch in branches(group) {
                spread(branch.trim_start(), &mut prefix.clone(), found);
            }
        }
        return;
    }
    prefix.push(word);
    match rest.strip_prefix("::") {
        Some(next) if next.starts_with('{') || next.starts_with(|c: char| c.is_alphabetic() || c == '_') => spread(next, prefix, found),
        _ => found.push(prefix.clone()),
    }
}

/// The comma-separated branches of a brace group whose opening brace was taken off.
fn branches(group: &str) -> Vec<&str> {
    let mut depth = 0i32;
    let mut start = 0;
    let mut found = Vec::new();
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                found.push(&group[start..index]);
                return found;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                found.push(&group[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    found.push(&group[start..]);
    found
}

fn complaints(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| !matches!(source.path.as_str(), "src/lib.rs" | "src/main.rs")) {
        let module = source.module();
        let own = room(&module).expect("every file but lib.rs has a room");
        let Some((_, allowed)) = MAY_KNOW.iter().find(|(name, _)| *name == own) else {
            complaints.push(format!("{}: the room '{own}' is not in the table of tests/architecture/rooms.rs", source.path));
            continue;
        };
        for (line, path) in rooted_paths(source) {
            let parts: Vec<&str> = path.iter().map(String::as_str).collect();
            let Some(other) = room(&parts) else { continue };
            let known = MAY_KNOW.iter().any(|(name, _)| *name == other);
            if known && other != own && !allowed.contains(&other.as_str()) {
                complaints.push(format!("{}:{line}: '{own}' may not know '{other}' ({})", source.path, parts.join("::")));
            }
        }
    }
    complaints
}

#[test]
fn a_room_knows_only_the_rooms_it_may_know() {
    assert_none(&complaints(&below("src")), "ARCHITECTURE.md, who may know whom:");
}

#[test]
fn the_rooms_have_no_circle() {
    for (room, allowed) in MAY_KNOW {
        for other in *allowed {
            let back = MAY_KNOW.iter().find(|(name, _)| name == other).is_some_and(|(_, theirs)| theirs.contains(room));
            assert!(!back, "'{room}' and '{other}' may know each other");
        }
    }
}

#[test]
fn a_forbidden_path_is_found_however_it_is_written() {
    let forbidden = [
        ("src/app/update.rs", "use crate::ui::Theme;"),
        ("src/app/update.rs", "use crate::{base::text, ui::{Theme, other}};"),
        ("src/app/update.rs", "use crate::{\n    base::text,\n    ui::Theme,\n};"),
        ("src/app/update.rs", "fn f(x: crate::runtime::Loop) {}"),
        ("src/app/update.rs", "use super::super::ui::Theme;"),
        ("src/app.rs", "use super::ui::Theme;"),
        ("src/app.rs", "mod tests {\n    use super::super::ui::Theme;\n}"),
        ("src/ui/pane.rs", "use crate::target::kubernetes::Client;"),
        ("src/target/net/http.rs", "use crate::target::kubernetes::Client;"),
        ("src/target/net/http.rs", "use super::super::kubernetes::Client;"),
        ("src/sim/store.rs", "use crate::target::model::Kind;"),
        ("src/nowhere.rs", "fn f() {}"),
    ];
    for (path, text) in forbidden {
        assert!(!complaints(&[Source::made(path, text)]).is_empty(), "{path}: {text}");
    }
}

#[test]
fn an_allowed_path_is_left_alone() {
    let allowed = [
        ("src/app/update.rs", "// use crate::ui::Theme;\nuse crate::{base::text, action::Action};"),
        ("src/app/update.rs", "let s = \"crate::ui\"; use super::model;"),
        ("src/app.rs", "mod tests {\n    use super::*;\n    use super::ui;\n}"),
        ("src/run/gate.rs", "use crate::target::api::WritePermit; use crate::probe;"),
        ("src/target/kubernetes/watch.rs", "use super::super::model::Kind; use crate::target::event::Event;"),
        ("src/base/text.rs", "pub(crate) fn f() {}"),
    ];
    for (path, text) in allowed {
        assert_eq!(complaints(&[Source::made(path, text)]), Vec::<String>::new(), "{path}: {text}");
    }
}
