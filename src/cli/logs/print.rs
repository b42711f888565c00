//! One line for people or for machines.
//!
//! Owns the prefix and its colour, the filters, and the shape of `timonel.logs/1`. What comes from containers is cleaned already.

use std::collections::HashMap;

use jiff::Timestamp;
use regex::Regex;
use schemars::JsonSchema;
use serde::Serialize;

use super::merge::{Said, What};
use crate::app::logs::pattern;
use crate::base::text::Str;
use crate::cli::output::{Failure, Printer};
use crate::cli::{Global, LogsArgs, Output};
use crate::target::request::LogSource;

/// Colours of pods, in their turn: those that can be read on dark and light grounds.
const COLORS: [&str; 10] = ["36", "33", "32", "35", "34", "96", "93", "92", "95", "94"];
/// Pods whose colour is remembered.
const REMEMBERED: usize = 4_096;

/// `timonel.logs/1`: a line of a container, or what happened between its lines.
#[derive(Debug, Serialize, JsonSchema)]
pub(in crate::cli) struct LogAnswer<'a> {
    schema: &'static str,
    /// When the runtime wrote it; when it happened.
    at: Timestamp,
    event: What,
    namespace: &'a str,
    pod: &'a str,
    container: &'a str,
    /// Of the container's previous run.
    previous: bool,
    /// The line without its line break, cleaned of control sequences; or what happened, in words.
    text: &'a str,
}

/// How lines are printed.
#[derive(Debug)]
pub(super) struct Print {
    include: Vec<Regex>,
    exclude: Vec<Regex>,
    json: bool,
    /// Pods of several namespaces are told apart.
    namespaces: bool,
    colors: HashMap<Str, usize>,
}

impl Print {
    /// As the options say. A pattern that is none is wrong usage.
    pub(super) fn new(global: &Global, args: &LogsArgs) -> Result<Self, Failure> {
        let patterns = |option: &str, texts: &[String]| -> Result<Vec<Regex>, Failure> {
            let read = |text: &String| pattern(text).map_err(|why| Failure::usage(format!("--{option} '{text}': {why}"))).transpose();
            texts.iter().filter_map(read).collect()
        };
        Ok(Self {
            include: patterns("include", &args.include)?,
            exclude: patterns("exclude", &args.exclude)?,
            json: global.output != Output::Table,
            namespaces: global.all_namespaces || global.namespace.len() > 1,
            colors: HashMap::new(),
        })
    }

    /// Whether a line is wanted: it matches one of what is included, and none of what is excluded.
    pub(super) fn wants(&self, text: &str) -> bool {
        (self.include.is_empty() || self.include.iter().any(|r| r.is_match(text))) && !self.exclude.iter().any(|r| r.is_match(text))
    }

    /// Whether everything goes to standard output, what happened between lines included.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// `pod/container`, with the namespace before it where there are several.
    pub(super) fn prefix(&self, source: &LogSource) -> String {
        let namespace = if self.namespaces { format!("{}/", source.namespace) } else { String::new() };
        format!("{namespace}{}/{}", source.pod, source.container)
    }

    /// Appends one line.
    pub(super) fn line(&mut self, said: &Said, printer: &Printer, out: &mut String) {
        let source = &*said.source;
        if self.json {
            let answer = LogAnswer {
                schema: "timonel.logs/1",
                at: said.at,
                event: said.what,
                namespace: &source.namespace,
                pod: &source.pod,
                container: &source.container,
                previous: source.previous,
                text: &said.text,
            };
            // Plain strings always serialise.
            out.push_str(&serde_json::to_string(&answer).unwrap_or_default());
        } else {
            out.push_str(&printer.colored(self.color(&source.pod_uid), &self.prefix(source)));
            out.push(' ');
            out.push_str(&said.text);
        }
        out.push('\n');
    }

    fn color(&mut self, pod: &Str) -> &'static str {
        if self.colors.len() >= REMEMBERED {
            self.colors.clear();
        }
        let next = self.colors.len();
        COLORS[*self.colors.entry(pod.clone()).or_insert(next) % COLORS.len()]
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::Print;
    use crate::cli::{Cli, Command};

    fn print(arguments: &[&str]) -> Result<Print, crate::cli::Failure> {
        let cli = Cli::try_parse_from([&["timonel", "logs"], arguments].concat()).expect("arguments");
        let Some(Command::Logs(args)) = &cli.command else { panic!("logs") };
        Print::new(&cli.global, args)
    }

    #[test]
    fn a_line_is_wanted_when_one_pattern_includes_it_and_none_excludes_it() {
        let print = print(&["--include", "error", "--include", "WARN", "--exclude", "health"]).expect("patterns");
        for (line, wanted) in [("ERROR boom", true), ("WARN low", true), ("warn low", false), ("error in /health", false), ("info", false)] {
            assert_eq!(print.wants(line), wanted, "{line}");
        }
    }

    #[test]
    fn a_pattern_that_is_none_is_wrong_usage() {
        let failure = print(&["--exclude", "("]).expect_err("no pattern");
        assert_eq!(failure.exit.0, 64);
        assert!(failure.message.starts_with("--exclude '(': "), "{}", failure.message);
    }

    #[test]
    fn logs_of_a_namespace_follow_by_default_and_f_is_follow() {
        assert!(Cli::try_parse_from(["timonel", "logs", "-f", "api"]).is_ok());
        assert!(Cli::try_parse_from(["timonel", "logs", "-f", "--no-follow"]).is_err());
        assert!(Cli::try_parse_from(["timonel", "logs", "--since", "soon"]).is_err());
        assert!(Cli::try_parse_from(["timonel", "logs", "--since", "2026-11-22T14:32:00Z"]).is_ok());
    }
}
