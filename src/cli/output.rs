//! What commands print and how they end.
//!
//! Owns the writers to standard output and error, the colours of tables, exit codes and the form of errors: `timonel: what
//! failed: why`, then `  hint: what to do`. Standard output carries only the answer.

use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use serde::Serialize;

use super::{ColorWhen, Global, Output};
use crate::base::health::Health;
use crate::base::problem::Problem;
use crate::target::api::{ErrorKind, TargetError};

/// An exit code of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(pub u8);

impl Exit {
    /// Done.
    pub const OK: Self = Self(0);
    /// Could not find out: unreachable, expired credentials, TLS failure.
    pub const UNKNOWN: Self = Self(3);
    /// Refused before anything was written.
    pub const REFUSED: Self = Self(4);
    /// Wrong usage: unknown option, action, workload or revision.
    pub const USAGE: Self = Self(64);
    /// Something in the program itself went wrong (sysexits EX_SOFTWARE).
    pub const INTERNAL: Self = Self(70);
    /// No or malformed kubeconfig, unknown context, broken settings or service file.
    pub const CONFIG: Self = Self(78);
    /// The terminal was hung up (128 + SIGHUP).
    pub const HUNG_UP: Self = Self(129);
    /// Interrupted.
    pub const INTERRUPTED: Self = Self(130);
    /// Terminated.
    pub const TERMINATED: Self = Self(143);
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.0)
    }
}

impl From<Health> for Exit {
    fn from(health: Health) -> Self {
        Self(health.exit_code())
    }
}

/// Why a command has no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What failed and why, without a full stop at the end.
    pub message: String,
    /// What to do.
    pub hint: Option<String>,
    /// How the process ends.
    pub exit: Exit,
}

impl Failure {
    /// A failure with an exit code.
    pub fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, exit }
    }

    /// Wrong usage.
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::USAGE, message)
    }

    /// The same with what to do.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// An error of the program's own machinery.
    pub fn internal(error: &dyn std::fmt::Display) -> Self {
        Self::new(Exit::INTERNAL, error.to_string())
    }

    /// A problem as the reason, with an exit code.
    pub fn problem(exit: Exit, problem: &Problem) -> Self {
        let message = match &problem.place {
            Some(place) => format!("{place}: {}", problem.message),
            None => problem.message.clone(),
        };
        Self { message: message.trim_end_matches('.').to_owned(), hint: problem.hint.clone(), exit }
    }
}

impl From<TargetError> for Failure {
    fn from(error: TargetError) -> Self {
        let hint = match error.kind {
            ErrorKind::Unreachable | ErrorKind::Timeout => Some("is the cluster up, and the VPN? `timonel doctor` looks closer".to_owned()),
            ErrorKind::Unauthorised => Some("log in again as your kubeconfig needs it; `timonel doctor` looks closer".to_owned()),
            _ => None,
        };
        Self { message: error.message.trim_end_matches('.').to_owned(), hint, exit: Exit::UNKNOWN }
    }
}

/// A broken pipe is no failure: whoever read had enough.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe { Self::new(Exit::OK, "") } else { Self::internal(&error) }
    }
}

/// Where commands print.
pub struct Printer {
    out: Box<dyn Write + Send>,
    err: Box<dyn Write + Send>,
    output: Output,
    color: bool,
}

impl Printer {
    /// Standard output and error, with colours as the options, `NO_COLOR` and `CLICOLOR_FORCE` say.
    pub fn new(global: &Global) -> Self {
        let set = |name: &str| std::env::var_os(name).is_some_and(|v| !v.is_empty() && v != "0");
        let color = match global.color {
            Some(ColorWhen::Always) => true,
            Some(ColorWhen::Never) => false,
            Some(ColorWhen::Auto) | None => {
                set("CLICOLOR_FORCE") || (io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()))
            }
        };
        Self { out: Box::new(io::stdout()), err: Box::new(io::stderr()), output: global.output, color }
    }

    /// The form that was asked for.
    pub fn output(&self) -> Output {
        self.output
    }

    /// Prints bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        self.out.write_all(bytes)?;
        Ok(self.out.flush()?)
    }

    /// Prints one line for people.
    pub fn line(&mut self, text: &str) -> Result<(), Failure> {
        Ok(writeln!(self.out, "{text}")?)
    }

    /// Prints a value as JSON (one object, keys in their order) or YAML.
    pub fn value(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = match self.output {
            Output::Yaml => serde_saphyr::to_string(value).map_err(|e| Failure::internal(&e))?,
            Output::Json | Output::Table => serde_json::to_string_pretty(value).map_err(|e| Failure::internal(&e))?,
        };
        self.line(text.trim_end())
    }

    /// One JSON object on one line, flushed: a stream of events.
    pub fn event(&mut self, value: &impl Serialize) -> Result<(), Failure> {
        let text = serde_json::to_string(value).map_err(|e| Failure::internal(&e))?;
        self.line(&text)?;
        Ok(self.out.flush()?)
    }

    /// Prints rows in columns, as wide as their widest cell, the last one as it is.
    pub fn table(&mut self, header: &[&str], rows: &[Vec<String>]) -> Result<(), Failure> {
        let widths: Vec<usize> = (0..header.len())
            .map(|c| {
                rows.iter()
                    .filter_map(|r| r.get(c))
                    .map(|t| crate::base::text::width(t))
                    .chain([header[c].len()])
                    .max()
                    .unwrap_or(0)
            })
            .collect();
        let head: Vec<String> = header.iter().map(|h| (*h).to_owned()).collect();
        for row in std::iter::once(&head).chain(rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths) {
                line.push_str(cell);
                line.extend(std::iter::repeat_n(' ', width + 2 - crate::base::text::width(cell).min(*width)));
            }
            self.line(line.trim_end())?;
        }
        Ok(())
    }

    /// A health word in its colour.
    pub fn health(&self, health: Health) -> String {
        let code = match health {
            Health::Ok => "32",
            Health::Degraded => "33",
            Health::Down => "31;1",
            Health::Unknown => "35",
            Health::Off => "2",
        };
        self.colored(code, health.word())
    }

    /// Text with an SGR code, where colours are wanted.
    pub fn colored(&self, code: &str, text: &str) -> String {
        if self.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// Says something beside the answer, on standard error.
    pub fn note(&mut self, text: &str) {
        let _ = writeln!(self.err, "timonel: {text}");
    }

    /// Asks at the terminal, without a line break.
    pub fn ask(&mut self, text: &str) {
        let _ = write!(self.err, "{text}");
        let _ = self.err.flush();
    }

    /// Says why there is no answer.
    pub fn failure(&mut self, failure: &Failure) {
        if failure.message.is_empty() {
            return;
        }
        let _ = writeln!(self.err, "timonel: {}", crate::base::text::clean(&failure.message));
        if let Some(hint) = &failure.hint {
            let _ = writeln!(self.err, "  hint: {}", crate::base::text::clean(hint));
        }
    }
}
