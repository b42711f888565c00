//! What the console asks of the journal, answered from its files.
//!
//! Owns that a long journal is read where it holds up nobody. What its lines mean is `run`'s.

use std::sync::Arc;

use crate::app::effect::Recall;
use crate::app::msg::Answer;
use crate::run::journal::{self, Entry, Journal};
use crate::run::{undoing, undoing_last};

/// The answer to a question that only the journal needs.
pub(super) async fn answer(journal: Option<Arc<Journal>>, what: Recall) -> Answer {
    let read = tokio::task::spawn_blocking(move || {
        let journal = journal.ok_or("the journal cannot be opened")?;
        journal::read(journal.folder()).map(|reading| reading.entries).map_err(|e| e.to_string())
    });
    let entries = read.await.map_err(|e| e.to_string()).and_then(|read| read);
    match what {
        Recall::Runs => Answer::Runs(entries.map(|all| journal::runs(&all))),
        Recall::Run(id) => Answer::Record(entries.and_then(|all| record(&all, &id))),
        Recall::Undo(run, here) => {
            let undo = |all: Vec<Entry>| match &run {
                Some(id) => undoing(&all, id),
                None => undoing_last(&all, &here),
            };
            let told = |e: crate::run::NotUndone| e.hint().map_or_else(|| e.to_string(), |hint| format!("{e} · {hint}"));
            Answer::Undo(entries.and_then(|all| undo(all).map(Box::new).map_err(told)))
        }
    }
}

fn record(entries: &[Entry], id: &str) -> Result<Box<journal::RunRecord>, String> {
    journal::record(entries, id).map(Box::new).ok_or_else(|| format!("there is no run '{id}' in the journal"))
}
