//! What commands answer in simulated containers.
//!
//! Owns scripted answers (data of the systems) and a few words of a shell, enough for `exec -it … sh` and `sh -c 'exit 7'`. Must not
//! know the connection.

use serde::Deserialize;

use super::behaviour::{Facets, glob};

/// A scripted answer.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Script {
    /// Namespace; any when missing.
    pub(crate) namespace: Option<String>,
    /// Workload; any when missing.
    pub(crate) workload: Option<String>,
    /// Container; any when missing.
    pub(crate) container: Option<String>,
    /// The command line; `*` stands for anything.
    pub(crate) command: String,
    /// Standard output.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) error: String,
    /// Exit code.
    pub(crate) exit: i32,
}

/// What came of a command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Answer {
    /// Standard output.
    pub(crate) output: String,
    /// Standard error.
    pub(crate) error: String,
    /// Exit code.
    pub(crate) exit: i32,
}

impl Answer {
    fn out(output: impl Into<String>) -> Self {
        Self { output: output.into(), ..Self::default() }
    }

    fn fail(exit: i32, error: impl Into<String>) -> Self {
        Self { error: error.into(), exit, ..Self::default() }
    }
}

/// The inside of a container, as far as commands see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Inside {
    /// Host name.
    pub(crate) pod: String,
    /// Environment, values of Secrets replaced.
    pub(crate) environment: Vec<(String, String)>,
    /// Scripted answers for this container.
    pub(crate) scripts: Vec<Script>,
}

impl Script {
    /// Whether it is for a container.
    pub(crate) fn is_for(&self, facets: Facets<'_>) -> bool {
        let fits = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|w| glob(w, is));
        fits(&self.namespace, facets.namespace) && fits(&self.workload, facets.workload) && fits(&self.container, facets.container)
    }
}

/// Whether a command line starts a shell that reads from its input.
pub(crate) fn is_shell(command: &[String]) -> bool {
    matches!(command, [shell] if matches!(shell.rsplit('/').next(), Some("sh" | "bash" | "ash")))
}

/// Runs a command to its end.
pub(crate) fn run(inside: &Inside, command: &[String]) -> Answer {
    let words: Vec<&str> = command.iter().map(String::as_str).collect();
    let line = words.join(" ");
    if let Some(script) = inside.scripts.iter().find(|s| glob(&s.command, &line)) {
        return Answer { output: script.output.clone(), error: script.error.clone(), exit: script.exit };
    }
    match words.as_slice() {
        [shell, "-c" | "-lc" | "-ec", program, ..] if matches!(shell.rsplit('/').next(), Some("sh" | "bash" | "ash")) => lines(inside, program),
        _ => builtin(inside, &words),
    }
}

/// Runs the lines of a shell, `;` and `&&` included. A word `exit` ends it.
pub(crate) fn lines(inside: &Inside, program: &str) -> Answer {
    let mut all = Answer::default();
    for statement in program.split([';', '\n']).map(str::trim).filter(|s| !s.is_empty()) {
        for part in statement.split("&&").map(str::trim) {
            let words = words_of(part, inside);
            if words.first().map(String::as_str) == Some("exit") {
                all.exit = words.get(1).and_then(|n| n.parse().ok()).unwrap_or(all.exit);
                return all;
            }
            let step = run(inside, &words);
            all.output.push_str(&step.output);
            all.error.push_str(&step.error);
            all.exit = step.exit;
            if step.exit != 0 {
                break;
            }
        }
    }
    all
}

/// Splits at blanks outside quotes, and puts variables in.
fn words_of(line: &str, inside: &Inside) -> Vec<String> {
    let (mut words, mut word, mut quote, mut any) = (Vec::new(), String::new(), None, false);
    for c in line.chars() {
        match (quote, c) {
            (None, '\'' | '"') => (quote, any) = (Some(c), true),
            (Some(q), c) if c == q => quote = None,
            (None, c) if c.is_whitespace() => {
                if any || !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
                any = false;
            }
            (_, c) => word.push(c),
        }
    }
    if any || !word.is_empty() {
        words.push(word);
    }
    let value = |name: &str| inside.environment.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone());
    words
        .into_iter()
        .map(|w| w.strip_prefix('$').map_or_else(|| w.clone(), |n| value(n).unwrap_or_default()))
        .collect()
}

fn builtin(inside: &Inside, words: &[&str]) -> Answer {
    match words {
        [] | ["true" | ":", ..] => Answer::default(),
        ["false", ..] => Answer::fail(1, ""),
        ["echo", rest @ ..] => Answer::out(format!("{}\n", rest.join(" "))),
        ["hostname"] | ["cat", "/etc/hostname"] => Answer::out(format!("{}\n", inside.pod)),
        ["env" | "printenv"] => Answer::out(inside.environment.iter().flat_map(|(n, v)| [n, "=", v, "\n"]).collect::<String>()),
        ["whoami"] => Answer::out("app\n"),
        ["id"] => Answer::out("uid=1000(app) gid=1000(app) groups=1000(app)\n"),
        ["pwd"] => Answer::out("/app\n"),
        ["ls", ..] => Answer::out("app\ndata\nlogs\nrequirements.txt\n"),
        ["ps", ..] => Answer::out("PID   USER     TIME  COMMAND\n    1 app       0:04 app\n   87 app       0:00 ps\n"),
        ["uname", ..] => Answer::out("Linux\n"),
        [program, ..] => Answer::fail(127, format!("sh: {program}: not found\n")),
    }
}

#[cfg(test)]
mod tests {
    use super::{Answer, Inside, Script, run};

    fn words(line: &[&str]) -> Vec<String> {
        line.iter().map(|w| (*w).to_owned()).collect()
    }

    #[test]
    fn a_shell_ends_with_the_code_it_was_told() {
        let inside = Inside { pod: "web-1".into(), environment: vec![("APP_ENV".into(), "production".into())], scripts: Vec::new() };
        assert_eq!(run(&inside, &words(&["sh", "-c", "exit 7"])).exit, 7);
        assert_eq!(run(&inside, &words(&["/bin/sh", "-c", "echo 'a  b' && false; echo $APP_ENV"])).output, "a  b\nproduction\n");
        assert_eq!(run(&inside, &words(&["nosuch"])).exit, 127);
    }

    #[test]
    fn a_scripted_answer_wins() {
        let script = Script { command: "pg_isready*".into(), output: "accepting\n".into(), ..Script::default() };
        let inside = Inside { scripts: vec![script], ..Inside::default() };
        assert_eq!(run(&inside, &words(&["pg_isready", "-U", "x"])), Answer { output: "accepting\n".into(), ..Answer::default() });
    }
}
