//! Which crates and which calls live where: kube behind its driver, the clock behind its trait, no input or output in the pure rooms.

use super::assert_none;
use super::source::{Source, below};

/// A word of code, and the folders or files where it may stand.
struct Rule {
    /// What to look for: whole words, `::` included.
    words: &'static [&'static str],
    /// Beginnings of paths where it is allowed; empty with `not_in` set means everywhere else.
    only_in: &'static [&'static str],
    /// Beginnings of paths where it is forbidden.
    not_in: &'static [&'static str],
    /// Tests beside the code may use it.
    tests_may: bool,
    why: &'static str,
}

/// The rooms that compute and never act.
const PURE: &[&str] = &["src/app", "src/fleet", "src/release", "src/action", "src/keymap", "src/theme", "src/service", "src/migrate"];

const RULES: &[Rule] = &[
    Rule {
        words: &["kube::", "k8s_openapi::", "kube_client::"],
        only_in: &["src/target/kubernetes"],
        not_in: &[],
        tests_may: false,
        why: "kube stays behind its driver",
    },
    Rule {
        words: &["bollard::"],
        only_in: &["src/target/compose"],
        not_in: &[],
        tests_may: false,
        why: "bollard stays behind its driver",
    },
    Rule {
        words: &["reqwest::", "TcpStream::connect", "tokio_rustls::"],
        only_in: &["src/target/", "src/sim", "src/boot"],
        not_in: &[],
        tests_may: true,
        why: "only drivers talk to the outside world",
    },
    Rule {
        words: &["tokio_postgres::"],
        only_in: &["src/target/net"],
        not_in: &[],
        tests_may: false,
        why: "a database is asked in one place, which lets nothing be changed",
    },
    Rule {
        words: &["axum::", "TcpListener::bind"],
        only_in: &["src/sim"],
        not_in: &[],
        tests_may: true,
        why: "the one server in the program is the simulator",
    },
    Rule {
        words: &["sqlparser::"],
        only_in: &["src/migrate"],
        not_in: &[],
        tests_may: false,
        why: "what a statement does is judged in one place",
    },
    Rule {
        words: &["ratatui::", "tui_textarea::"],
        only_in: &["src/ui", "src/runtime"],
        not_in: &[],
        tests_may: false,
        why: "drawing belongs to ui",
    },
    Rule {
        words: &["crossterm::"],
        only_in: &["src/runtime"],
        not_in: &[],
        tests_may: false,
        why: "the terminal belongs to runtime",
    },
    Rule {
        words: &["tokio::", "std::fs", "std::process", "std::net::Tcp", "reqwest::"],
        only_in: &[],
        not_in: PURE,
        tests_may: true,
        why: "a pure room does no input and no output",
    },
    Rule {
        words: &["tokio::", "std::fs", "std::process"],
        only_in: &[],
        not_in: &["src/ui", "src/base"],
        tests_may: true,
        why: "drawing and vocabulary do no input and no output",
    },
    Rule {
        words: &["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now"],
        only_in: &["src/base/clock.rs", "src/target/", "src/runtime", "src/boot", "src/cli", "src/sim"],
        not_in: &[],
        tests_may: true,
        why: "time comes in from outside (base::clock), so that tests can fix it",
    },
    Rule {
        words: &["run::execute", "run::Journal", "run::Deps", "run::Recorder", "api::Read", "api::Write", "WritePermit"],
        only_in: &[],
        not_in: &["src/app", "src/ui", "src/fleet", "src/release"],
        tests_may: true,
        why: "app and ui know plans and runs as data; only run acts on them",
    },
    Rule {
        words: &["WritePermit::grant"],
        only_in: &["src/run"],
        not_in: &[],
        tests_may: true,
        why: "only the write gate in run can grant a write",
    },
    Rule {
        words: &["unbounded_channel", "unbounded::<"],
        only_in: &[],
        not_in: &["src/"],
        tests_may: false,
        why: "every channel has a bound",
    },
    Rule {
        words: &["color_eyre::", "anyhow::"],
        only_in: &["src/boot", "src/main.rs", "src/runtime"],
        not_in: &[],
        tests_may: false,
        why: "errors are typed below the shell",
    },
];

/// Whether `word` stands in `line` as a word of its own.
fn names(line: &str, word: &str) -> bool {
    line.match_indices(word)
        .any(|(at, _)| !line[..at].chars().next_back().is_some_and(|c| c.is_alphanumeric() || c == '_'))
}

fn broken(rule: &Rule, path: &str) -> bool {
    let starts = |beginnings: &[&str]| beginnings.iter().any(|beginning| in_folder(path, beginning));
    starts(rule.not_in) || (!rule.only_in.is_empty() && !starts(rule.only_in))
}

/// `src/app` stands for src/app.rs and everything in src/app/, not for src/apple.rs.
fn in_folder(path: &str, beginning: &str) -> bool {
    path.strip_prefix(beginning)
        .is_some_and(|rest| beginning.ends_with('/') || rest.is_empty() || rest.starts_with('/') || rest == ".rs")
}

fn complaints(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    for source in sources {
        for rule in RULES.iter().filter(|rule| broken(rule, &source.path)) {
            if rule.tests_may && source.is_test() {
                continue;
            }
            let all: Vec<(usize, &str)> = source.code.lines().enumerate().map(|(index, line)| (index + 1, line)).collect();
            let lines = if rule.tests_may { source.product_lines() } else { all };
            for (number, line) in lines {
                for word in rule.words.iter().filter(|word| names(line, word)) {
                    complaints.push(format!("{}:{number}: '{word}': {}", source.path, rule.why));
                }
            }
        }
    }
    complaints
}

#[test]
fn each_outside_crate_stays_in_its_room() {
    assert_none(&complaints(&below("src")), "ARCHITECTURE.md, which crate lives where:");
}

#[test]
fn a_forbidden_import_is_found() {
    let forbidden = [
        ("src/fleet/table.rs", "use kube::Client;"),
        ("src/app.rs", "let now = Instant::now();"),
        ("src/app/update.rs", "use tokio::sync::mpsc;"),
        ("src/release/list.rs", "let text = std::fs::read_to_string(path);"),
        ("src/cli/run.rs", "let permit = WritePermit::grant(request, run);"),
        ("src/target/kubernetes/write.rs", "let permit = WritePermit::grant(request, run);"),
        ("src/app/view.rs", "use ratatui::buffer::Buffer;"),
        ("src/ui/pane.rs", "use crossterm::event::KeyEvent;"),
    ];
    for (path, text) in forbidden {
        assert_eq!(complaints(&[Source::made(path, text)]).len(), 1, "{path}: {text}");
    }
}

#[test]
fn an_import_in_its_own_room_and_in_words_is_left_alone() {
    let allowed = [
        ("src/target/kubernetes/client.rs", "use kube::Client;"),
        ("src/apple.rs", "// kube::Client"),
        ("src/run/gate.rs", "let permit = WritePermit::grant(request, run);"),
        ("src/app/update.rs", "#[cfg(test)]\nmod tests {\n    use std::fs;\n}"),
        ("src/target/kubernetes/x.rs", "use crate::target::kubernetes::watch;"),
    ];
    for (path, text) in allowed {
        assert_eq!(complaints(&[Source::made(path, text)]), Vec::<String>::new(), "{path}: {text}");
    }
}
