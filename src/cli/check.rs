//! `timonel check FILE`: a service file's syntax and lint, offline.
//!
//! Owns how findings are printed and which exit code they have. The rules are `service`'s.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, cluster};
use crate::base::problem::{Level, Problem};
use crate::{config, service};

/// `timonel.check/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    file: String,
    check: Vec<Problem>,
}

/// 0 = clean, 1 = warnings only, 2 = errors.
pub(super) fn run(global: &Global, path: Option<&PathBuf>, printer: &mut Printer) -> Result<Exit, Failure> {
    let Some(path) = path.or(global.service.as_ref()) else {
        return Err(Failure::usage("there is no file to check").hint("timonel check FILE"));
    };
    let booted = cluster::booted(&Global { service: None, ..global.clone() }, &ServiceFile::default())?;
    let check = match config::files::read_named(path, "service") {
        Ok(found) => service::check(&found.file, &found.text),
        Err(problem) => vec![*problem],
    };
    let worst = check.iter().map(|p| p.level).max();
    if printer.output() == Output::Table {
        for problem in &check {
            let word = match problem.level {
                Level::Error => printer.colored("31;1", "error"),
                Level::Warning => printer.colored("33", "warning"),
                Level::Unknown => printer.colored("35", "unknown"),
            };
            let place = problem.place.as_ref().map(|p| format!("{p}: ")).unwrap_or_default();
            printer.line(&format!("{place}{word}: {}", problem.message))?;
            if let Some(hint) = &problem.hint {
                printer.line(&format!("  hint: {hint}"))?;
            }
        }
        printer.line(&format!(
            "{}: {}",
            path.display(),
            if check.is_empty() { "no problem".to_owned() } else { format!("{} findings", check.len()) }
        ))?;
    } else {
        printer.value(&Answer { schema: "timonel.check/1", taken_at: booted.clock.now(), file: path.display().to_string(), check })?;
    }
    Ok(match worst {
        None => Exit::OK,
        Some(Level::Warning) => Exit(1),
        Some(Level::Unknown) => Exit::UNKNOWN,
        Some(Level::Error) => Exit(2),
    })
}
