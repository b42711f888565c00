use std::time::Duration;

use super::{Source, read};
use crate::base::problem::{Level, Problem};

const HOUR: Duration = Duration::from_hours(1);

fn source(text: &str) -> Source<'_> {
    Source { topic: "test", file: "x.toml", text, unknown: Level::Error }
}

fn lines(problems: &[Problem]) -> Vec<String> {
    let place = |p: &Problem| p.place.as_ref().map(ToString::to_string).unwrap_or_default();
    problems
        .iter()
        .map(|p| format!("{} {} | {}", place(p), p.message, p.hint.clone().unwrap_or_default()))
        .collect()
}

#[test]
fn every_problem_is_found_at_once_with_its_place_and_the_good_entries_stay() {
    let text = "name = \"a\"\nrate = \"5\"\n\"ön\" = 7\nfps = 900\nsize = \"x\"\nmode = \"dakr\"\n[[probe]]\nid = \"p\"\n[[probe]]\nurll = 1\n";
    let ((name, ids), problems) = read(source(text), |root| {
        root.duration("rate", Duration::ZERO..=HOUR);
        root.integer("fps", 1..=60);
        root.integer("size", 0..=9);
        root.word("mode", &[("dark", 1), ("light", 2)]);
        let name = root.text("name").map(|n| n.value);
        let probe = |t: &super::Table<'_>| {
            let id = t.need_text("id");
            t.text("url");
            t.finish();
            id.map(|id| id.value)
        };
        (name, root.tables("probe").iter().map(probe).collect::<Vec<_>>())
    });
    assert_eq!((name.as_deref(), ids), (Some("a"), vec![Some("p".to_owned()), None]));
    assert_eq!(
        lines(&problems),
        [
            "x.toml:2:8 'rate' is '5', which has no unit. | Write a number and a unit: '500ms', '5s', '15m', '2h', '7d'.",
            "x.toml:3:1 The key 'ön' is unknown here. | Possible: fps, mode, name, probe, rate, size.",
            "x.toml:4:7 'fps' is '900', out of range. | It must be from 1 to 60.",
            "x.toml:5:8 'size' must be a whole number, not a text. | ",
            "x.toml:6:8 'mode' is 'dakr', which is none of its words. | Did you mean 'dark'?",
            "x.toml:9:1 'id' is missing. | ",
            "x.toml:10:1 The key 'urll' is unknown here. | Did you mean 'url'?",
        ]
    );
}

#[test]
fn a_line_that_is_not_toml_is_a_problem_and_the_rest_is_read() {
    let text = "a = \"one\"\nb = = 2\nc = \"three\"\n[t]\nd = \"unclosed\ne = 5\n";
    let (values, problems) = read(source(text), |root| {
        root.accept(&["b"]);
        let table = root.table("t");
        (root.text("a").is_some(), root.text("c").is_some(), table.and_then(|t| t.integer("e", 0..=9)).map(|e| e.value))
    });
    assert_eq!(values, (true, true, Some(5)), "{:?}", lines(&problems));
    assert!(lines(&problems).iter().any(|l| l.starts_with("x.toml:2:") && l.contains("not TOML")), "{:?}", lines(&problems));
    assert!(lines(&problems).iter().any(|l| l.starts_with("x.toml:5:") && l.contains("not TOML")), "{:?}", lines(&problems));
}

#[test]
fn ids_are_stable_and_unique() {
    let ((), problems) = read(source("x = 1\ny = 2\n"), |root| {
        let spot = root.spot().clone();
        root.error(&spot, "One.", None);
        root.error(&spot, "Two.", None);
    });
    let ids: Vec<&str> = problems.iter().map(|p| p.id.as_str()).collect();
    assert_eq!(ids, ["test:", "test:#2", "test:x", "test:y"]);
}

#[test]
fn control_sequences_do_not_survive_in_values_names_or_messages() {
    let text = "\"k\\u001b[2J\" = 1\nv = \"a\\u001b]0;t\\u0007b\"\n";
    let (value, problems) = read(source(text), |root| root.text("v").map(|v| v.value));
    assert_eq!(value.as_deref(), Some("ab"));
    assert!(lines(&problems).iter().all(|l| !l.contains('\u{1b}')), "{:?}", lines(&problems));
    assert!(problems.iter().all(|p| !p.id.contains('\u{1b}')));
}

#[test]
fn a_flood_of_problems_is_cut_and_counted_and_a_huge_file_is_refused() {
    let text = (0..150).map(|n| format!("k{n} = 1")).collect::<Vec<_>>().join("\n");
    let ((), problems) = read(source(&text), |_| ());
    assert_eq!(problems.len(), 101);
    assert!(problems[100].message.starts_with("50 more"), "{}", problems[100].message);
    let huge = "#".repeat(super::MAX_BYTES + 1);
    let ((), problems) = read(source(&huge), |_| ());
    assert_eq!(lines(&problems), ["x.toml The file is larger than 1 MiB and was not read. | "]);
}
