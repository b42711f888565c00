//! How the tree looks: lengths of files, words at the door of each module, no test file that nobody runs, the files a good
//! repository has.

use std::fs;

use super::assert_none;
use super::source::{Source, below, root};

/// Lines outside tests that a file may have.
const LIMIT: usize = 600;

/// Routers: the files that only hand on.
const ROUTERS: &[(&str, usize)] = &[("src/main.rs", 40), ("src/lib.rs", 250), ("src/app.rs", 250), ("src/boot.rs", 250)];

/// Files that are longer than their limit today. The list may only shrink: a number here is never raised.
const LONGER: &[(&str, usize)] = &[];

fn too_long(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources.iter().filter(|source| !source.is_test()) {
        let lines = source.product_lines().len();
        let exception = LONGER.iter().chain(ROUTERS).find(|(path, _)| *path == source.path);
        let limit = exception.map_or(LIMIT, |(_, limit)| *limit);
        if lines > limit {
            complaints.push(format!("{}: {lines} lines outside tests, the limit is {limit}", source.path));
        }
    }
    complaints
}

fn undocumented(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        if !source.text.trim_start().starts_with("//! ") {
            complaints.push(format!("{}:1: a module starts with `//!` that says what it owns", source.path));
        }
        let mut before = "";
        for (index, line) in source.text.lines().map(str::trim).enumerate() {
            let hollow = matches!(line, "///" | "//!") && !before.starts_with("//");
            if hollow {
                complaints.push(format!("{}:{}: an empty doc comment", source.path, index + 1));
            }
            before = line;
        }
    }
    complaints
}

#[test]
fn no_file_is_longer_than_its_limit() {
    assert_none(&too_long(&below("src")), "One main noun per file:");
}

#[test]
fn no_exception_outlives_its_need() {
    let sources = below("src");
    for (path, _) in LONGER {
        let limit = ROUTERS.iter().find(|(router, _)| router == path).map_or(LIMIT, |(_, limit)| *limit);
        let needed = sources.iter().any(|source| source.path == *path && source.product_lines().len() > limit);
        assert!(needed, "{path} fits its limit of {limit} now: take it off the list");
    }
}

#[test]
fn every_module_says_at_its_door_what_it_owns() {
    let sources: Vec<Source> = below("src").into_iter().chain(below("tests")).filter(|source| !source.path.ends_with("/tests.rs")).collect();
    assert_none(&undocumented(&sources), "Words at the door:");
}

#[test]
fn a_long_file_and_a_hollow_comment_are_found() {
    let long = "//! Owns.\n".to_owned() + &"fn f() {}\n".repeat(LIMIT);
    assert_eq!(too_long(&[Source::made("src/base/long.rs", &long)]).len(), 1);
    let tested = format!("//! Owns.\n#[cfg(test)]\nmod tests {{\n{}}}\n", "fn f() {}\n".repeat(LIMIT));
    assert_eq!(too_long(&[Source::made("src/base/tested.rs", &tested)]), Vec::<String>::new());
    assert_eq!(undocumented(&[Source::made("src/a.rs", "fn f() {}\n")]).len(), 1);
    assert_eq!(undocumented(&[Source::made("src/a.rs", "//! Owns.\n\n///\nfn f() {}\n")]).len(), 1);
    assert_eq!(undocumented(&[Source::made("src/a.rs", "//! Owns.\n//!\n//! More.\nfn f() {}\n")]), Vec::<String>::new());
}

/// Files below `tests/` that no `mod` line reaches, starting from the test targets of Cargo.toml.
fn unreached(sources: &[Source], targets: &[&str]) -> Vec<String> {
    // A file that is a target, or that a #[path] names, has its modules in its own folder; any other in the folder of its name.
    let mut reached: Vec<(String, bool)> = targets.iter().map(|target| ((*target).to_owned(), true)).collect();
    let mut at = 0;
    while at < reached.len() {
        let (path, root) = reached[at].clone();
        at += 1;
        let Some(source) = sources.iter().find(|source| source.path == path) else { continue };
        let mounted = mounted_by(source, root).into_iter().filter(|(path, _)| !reached.iter().any(|(known, _)| known == path));
        reached.extend(mounted.collect::<Vec<_>>());
    }
    let left = sources.iter().filter(|source| !reached.iter().any(|(path, _)| *path == source.path));
    left.map(|source| format!("{}: no test target mounts it with `mod`", source.path)).collect()
}

/// The files that the `mod name;` lines of a file stand for, and whether a #[path] named them.
fn mounted_by(source: &Source, root: bool) -> Vec<(String, bool)> {
    let folder = source.path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let beside = if root { folder } else { source.path.trim_end_matches(".rs") };
    let mut named: Option<String> = None;
    let mut found = Vec::new();
    for line in source.text.lines().map(str::trim) {
        if let Some(path) = line.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]")) {
            named = Some(tidy(&format!("{folder}/{path}")));
            continue;
        }
        let name = line
            .trim_start_matches("pub(crate) ")
            .trim_start_matches("pub ")
            .strip_prefix("mod ")
            .and_then(|rest| rest.strip_suffix(';'));
        if let Some(name) = name {
            found.push(named.take().map_or_else(|| (format!("{beside}/{name}.rs"), false), |path| (path, true)));
        }
    }
    found
}

/// `tests/pty/../support/x.rs` as `tests/support/x.rs`.
fn tidy(path: &str) -> String {
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        if part == ".." {
            parts.pop();
        } else {
            parts.push(part);
        }
    }
    parts.join("/")
}

fn test_targets() -> Vec<String> {
    let manifest = fs::read_to_string(root().join("Cargo.toml")).expect("Cargo.toml");
    let manifest: toml::Value = toml::from_str(&manifest).expect("Cargo.toml is TOML");
    let tests = manifest["test"].as_array().expect("[[test]] entries");
    tests.iter().map(|test| test["path"].as_str().expect("a path").to_owned()).collect()
}

#[test]
fn no_test_file_is_forgotten() {
    let targets = test_targets();
    let targets: Vec<&str> = targets.iter().map(String::as_str).collect();
    assert_none(&unreached(&below("tests"), &targets), "Every file below tests/ runs:");
}

#[test]
fn a_forgotten_test_file_is_found() {
    let sources = [
        Source::made("tests/it.rs", "mod a;\n#[path = \"support/s.rs\"]\nmod s;\n"),
        Source::made("tests/a.rs", "mod b;\n"),
        Source::made("tests/a/b.rs", "\n"),
        Source::made("tests/support/s.rs", "mod t;\n"),
        Source::made("tests/support/t.rs", "\n"),
        Source::made("tests/lost.rs", "\n"),
    ];
    let complaints = unreached(&sources, &["tests/it.rs"]);
    assert!(complaints.len() == 1 && complaints[0].starts_with("tests/lost.rs"), "{complaints:?}");
}

#[test]
fn the_repository_has_the_files_people_look_for() {
    let wanted = ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "CHANGELOG.md", "CONTRIBUTING.md", "ARCHITECTURE.md", ".ci/run", "tests/run"];
    for name in wanted {
        let text = fs::read_to_string(root().join(name)).unwrap_or_default();
        assert!(text.len() > 40, "{name} is missing or empty");
    }
    let lines = fs::read_to_string(root().join("ARCHITECTURE.md")).expect("just read").lines().count();
    assert!(lines <= 120, "ARCHITECTURE.md has {lines} lines: it holds only rules that a test checks, and the vocabulary");
}
