//! What is owed, in `timonel status`.
//!
//! Owns the shape of a debt there and its lines. What a debt is, and when it is paid, is `run`'s.

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Failure, Printer};
use crate::base::problem::{Level, Problem};
use crate::run::debts::{Debts, Owed, book};
use crate::target::api::Read;
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, Scope};

/// A debt.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusDebt {
    /// `Deployment shop/api`.
    object: String,
    what: String,
    /// Null when it is not known.
    since: Option<Timestamp>,
    /// `user@host` of the run that left it; null when it is not known.
    by: Option<String>,
    /// That run; null when it is not known.
    run: Option<String>,
    /// What pays it: a command.
    pay: String,
}

impl StatusDebt {
    pub(super) fn of(owed: &Owed) -> Self {
        let known = |text: &str| Some(text.to_owned()).filter(|t| !t.is_empty());
        Self {
            object: owed.object.to_string(),
            what: owed.what.clone(),
            since: owed.since,
            by: known(&owed.by),
            run: known(&owed.run),
            pay: owed.command(),
        }
    }
}

/// Reads the records of debts of these places, one request each. What cannot be read is a problem: it may owe something.
pub(super) async fn records(client: &Client, scopes: &[Scope]) -> (Vec<Owed>, Vec<Problem>) {
    let named = format!("metadata.name={}", book::NAME);
    let answers = join_all(scopes.iter().map(|scope| client.list(Kind::ConfigMap, scope, "", &named))).await;
    let (mut owed, mut problems) = (Vec::new(), Vec::new());
    for (scope, answer) in scopes.iter().zip(answers) {
        match answer {
            Ok(found) => owed.extend(found.iter().flat_map(book::read)),
            Err(error) => {
                let place = scope.namespace().map_or_else(|| "debts".to_owned(), |ns| format!("debts in {ns}"));
                let text = format!("Whether more is owed is unknown, the record cannot be read: {}.", error.message.trim_end_matches('.'));
                problems.push(Problem::new(Level::Unknown, "debts", text).about(place));
            }
        }
    }
    (owed, problems)
}

/// The lines of the table.
pub(super) fn lines(owed: &[StatusDebt], unseen: bool, printer: &mut Printer) -> Result<(), Failure> {
    if owed.is_empty() {
        let text = if unseen { "debts: unknown: see the problems" } else { "debts: none" };
        printer.line(text)?;
    }
    for debt in owed {
        let by = debt.by.as_ref().map(|by| format!(", left by {by}")).unwrap_or_default();
        let since = debt.since.map(|at| format!(" at {at}")).unwrap_or_default();
        let text = format!("debt: {}: {}{by}{since}; pay it with: {}", debt.object, debt.what, debt.pay);
        let text = printer.colored("31;1", &text);
        printer.line(&text)?;
    }
    Ok(())
}

/// What is owed, as the answer has it, and whether there may be more.
pub(super) fn of(all: &Debts, problems: &[Problem]) -> (Vec<StatusDebt>, bool) {
    let unseen = !all.unseen.is_empty() || problems.iter().any(|p| p.id == "debts");
    (all.owed.iter().map(StatusDebt::of).collect(), unseen)
}
