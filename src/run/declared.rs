//! What a run asks of the console besides the target: its probes, what a service file declares, and whom it tells.
//!
//! Owns the trait, and that what nobody here can ask is unknown. Whoever implements it has a deadline of its own for each call.

use futures_util::future::{BoxFuture, ready};
use serde_json::Value;

use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::ObjectRef;
use crate::target::probe::{NotHeard, Reading};
use crate::target::sql::Rows;

/// What a probe answered when a run asked it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProbeAnswer {
    /// Green; what was seen.
    Ok(String),
    /// Not green; why.
    Failed(String),
    /// No answer to judge by; why.
    Unknown(String),
}

/// An image that a registry is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageAsked {
    /// Its name.
    pub image: String,
    /// The workload that would pull it, with its pull secrets and on its nodes.
    pub workload: Option<ObjectRef>,
}

/// What a registry has under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ImageFound {
    /// The name with the digest that it means now.
    pub pinned: String,
    /// How it was found, in words.
    pub words: String,
    /// Whether it is for the nodes that it would run on.
    pub platform: ProbeAnswer,
}

/// Why no image was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoImage {
    /// The registry says that there is none, or that these pull secrets open nothing.
    Failed(String),
    /// Nothing that was heard says either; why.
    Unknown(String),
}

/// A program that is run on this machine.
#[derive(Debug, Clone, Copy)]
pub struct LocalProgram<'a> {
    /// Program and arguments: no shell reads them.
    pub argv: &'a [String],
    /// It is ended after so long, with all that it started.
    pub within: std::time::Duration,
}

/// Asks the console's own probes once, now; and what else the service file declares.
pub trait Probes: Send + Sync {
    /// Asks the probe of that id.
    fn ask<'a>(&'a self, id: &'a str) -> BoxFuture<'a, ProbeAnswer>;

    /// Asks the database of that id; one statement, which reads.
    fn database<'a>(&'a self, id: &'a str, _sql: &'a str) -> BoxFuture<'a, Result<Rows, NotHeard>> {
        let message = format!("nobody here asks the database '{id}'");
        Box::pin(ready(Err(NotHeard { kind: ErrorKind::Invalid, message, here: true })))
    }

    /// Asks the measure of that id.
    fn measure<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Reading> {
        Box::pin(ready(Reading::none(format!("nobody here asks the measure '{id}'"))))
    }

    /// Asks the registry of an image what it has under that name.
    fn image<'a>(&'a self, _asked: &'a ImageAsked) -> BoxFuture<'a, Result<ImageFound, NoImage>> {
        Box::pin(ready(Err(NoImage::Unknown("nobody here asks registries".to_owned()))))
    }

    /// Tells somebody over the channel of that id; once. `event` is what an alarm is told, which other channels have no use for. What
    /// comes back is how it was told, where that is worth a word.
    fn tell<'a>(&'a self, channel: &'a str, _text: &'a str, _event: &'a str) -> BoxFuture<'a, Result<String, String>> {
        Box::pin(ready(Err(format!("nobody here has the channel '{channel}'"))))
    }

    /// Runs a program on this machine to its end: `exit_code`, and the newest `output` and `errors`. An error whose delivery is "not done"
    /// says that it was never begun.
    fn program<'a>(&'a self, _program: LocalProgram<'a>) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(ready(Err(TargetError::new(ErrorKind::Invalid, "nobody here runs programs"))))
    }
}

/// No probes: whatever is asked is unknown.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProbes;

impl Probes for NoProbes {
    fn ask<'a>(&'a self, id: &'a str) -> BoxFuture<'a, ProbeAnswer> {
        Box::pin(ready(ProbeAnswer::Unknown(format!("there is no probe '{id}'"))))
    }
}
