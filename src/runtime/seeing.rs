//! Writing down what the console sees of health and rollouts.
//!
//! Owns when that is, and that a slow disk holds up nobody. What is worth it is decided in `fleet`, the file is the journal's.

use std::sync::Arc;

use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::app::App;
use crate::app::live::Live;
use crate::app::msg::Msg;
use crate::base::problem::{Level, Problem};
use crate::fleet::{Sighting, Sightings};
use crate::run::Here;
use crate::run::journal::{self, Journal};

/// Sightings that wait for the disk at most; while it is slower than that the newest are not remembered.
const WAITING: usize = 1000;

/// What was seen of the open target, and what of it is being written.
#[derive(Default)]
pub(super) struct Seeing {
    here: Here,
    seen: Sightings,
    waiting: Vec<Sighting>,
    writing: Option<JoinHandle<()>>,
}

impl Seeing {
    /// Looks at what the app knows now, and begins to write down what is new.
    pub(super) fn look(&mut self, app: &App, journal: &Arc<Journal>, messages: &mpsc::Sender<Msg>) {
        let (Some(opened), Some(identity)) = (&app.opened, &app.identity) else { return };
        let here = Here { context: opened.context.clone(), cluster_uid: identity.cluster_uid.clone() };
        let begun = !matches!(app.live(), Live::Connecting | Live::Reading { .. } | Live::NotOpen(_));
        if here != self.here {
            *self = Self { here, writing: self.writing.take(), ..Self::default() };
        }
        if begun && !app.answers_are_behind() {
            let found = self.seen.look(&app.fleet, &app.answers.up, app.live() == Live::Live, app.now);
            let room = WAITING.saturating_sub(self.waiting.len());
            self.waiting.extend(found.into_iter().take(room));
        }
        if !self.waiting.is_empty() && self.writing.as_ref().is_none_or(JoinHandle::is_finished) {
            self.write(journal.clone(), messages.clone());
        }
    }

    fn write(&mut self, journal: Arc<Journal>, messages: mpsc::Sender<Msg>) {
        let (here, sightings) = (self.here.clone(), std::mem::take(&mut self.waiting));
        self.writing = Some(tokio::task::spawn_blocking(move || {
            if let Err(error) = journal::note(journal.folder(), &here, &sightings) {
                let problem = Problem::new(Level::Warning, "journal:sightings", format!("Changes of health are not remembered: {error}."));
                // The loop is gone only when the program ends.
                let _ = messages.blocking_send(Msg::Problems(vec![problem]));
            }
        }));
    }

    /// What is being written, for the end of the program to wait for.
    pub(super) fn take_writing(&mut self) -> Option<JoinHandle<()>> {
        self.writing.take()
    }
}
