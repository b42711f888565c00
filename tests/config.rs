//! Files that people write, as data: every file in `config/valid` loads without a problem, every file in `config/invalid` gives
//! exactly the problems that its `# expect:` lines name.
//!
//! The word before the first `-` of a file's name says what it is: `keymap`, `service`, `config`. An expectation reads
//! `# expect: line 7: part of the message; part of the hint`; `line -` is a problem of the file as a whole.

use std::fs;
use std::path::{Path, PathBuf};

use timonel::base::problem::{Place, Problem};
use timonel::config::{self, Layers, Options};
use timonel::keymap::{self, Layer};
use timonel::service::{Origin, ServiceFile};

fn problems(path: &Path) -> Vec<Problem> {
    let text = fs::read_to_string(path).expect("a readable file");
    let name = path.file_name().and_then(|n| n.to_str()).expect("a name");
    match name.split('-').next() {
        Some("keymap") => keymap::load(&[keymap::SHIPPED[0].1, Layer { file: name, text: &text }]).1,
        Some("config") => {
            let layers = Layers { options: Options::default(), variable: &|_| None, file: Some((name, &text)) };
            config::settings(&layers).1
        }
        Some("service") => ServiceFile::read(name, &text, &Origin::Operator).1,
        other => panic!("{name}: nothing reads {other:?} files"),
    }
}

fn files(folder: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/config").join(folder);
    let mut files: Vec<PathBuf> = fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()).collect();
    files.sort();
    assert!(!files.is_empty());
    files
}

fn line(problem: &Problem) -> Option<usize> {
    match &problem.place {
        Some(Place::File(place)) => place.line,
        _ => None,
    }
}

fn shown(problem: &Problem) -> String {
    let line = line(problem).map_or_else(|| "-".to_owned(), |line| line.to_string());
    format!("line {line}: {}; {}", problem.message, problem.hint.as_deref().unwrap_or_default())
}

/// An expectation that a problem meets, or not.
fn meets(problem: &Problem, expected: &str) -> bool {
    let Some((place, rest)) = expected.strip_prefix("line ").and_then(|rest| rest.split_once(": ")) else { panic!("malformed: {expected}") };
    let (message, hint) = rest.split_once("; ").unwrap_or((rest, ""));
    let here = line(problem).map_or(place == "-", |line| place.parse() == Ok(line));
    here && problem.message.contains(message.trim()) && problem.hint.as_deref().unwrap_or_default().contains(hint.trim())
}

/// What differs between the problems of a text and its expectations.
fn difference(found: &[Problem], text: &str) -> Vec<String> {
    let expected: Vec<&str> = text.lines().filter_map(|line| line.trim().strip_prefix("# expect: ")).collect();
    let surprising = found.iter().filter(|p| !expected.iter().any(|e| meets(p, e))).map(|p| format!("not expected: {}", shown(p)));
    let missing = expected.iter().filter(|e| !found.iter().any(|p| meets(p, e))).map(|e| format!("did not come: {e}"));
    surprising.chain(missing).collect()
}

#[test]
fn valid_files_load_without_a_problem() {
    for path in files("valid") {
        let found: Vec<String> = problems(&path).iter().map(shown).collect();
        assert_eq!(found, Vec::<String>::new(), "{}", path.display());
    }
}

#[test]
fn invalid_files_give_the_problems_they_expect_and_no_other() {
    let mut wrong = Vec::new();
    for path in files("invalid") {
        let text = fs::read_to_string(&path).expect("a readable file");
        assert!(text.contains("# expect: "), "{} expects nothing", path.display());
        wrong.extend(
            difference(&problems(&path), &text)
                .into_iter()
                .map(|d| format!("{}: {d}", path.file_name().unwrap().display())),
        );
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_wrong_expectation_is_found() {
    let text = "# expect: line 2: unknown; Did you mean 'name'\n# expect: line 9: nothing\nfoo = 1\n";
    let found = ServiceFile::read("f", text, &Origin::Operator).1;
    assert!(difference(&found, text).iter().any(|d| d == "did not come: line 9: nothing"));
    assert!(difference(&found, text).iter().any(|d| d.starts_with("not expected: line 3")));
}
