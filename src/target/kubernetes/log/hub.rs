//! Which logs are followed: starts a task for each that is wanted, stops those that are not.
//!
//! Owns the bound on how many at once. Which are worth it is the caller's choice: the first of the list are followed.

use std::collections::HashMap;
use std::sync::Arc;

use tokio::sync::{Notify, Semaphore, mpsc, watch};
use tokio::task::JoinHandle;

use super::follow::{Follower, Pace, Progress};
use super::outbox::Outbox;
use crate::target::event::TargetEvent;
use crate::target::kubernetes::Client;
use crate::target::request::{LogOptions, LogSource};

/// Requests for logs under way at once; the rest wait their turn.
const ASKING: usize = 12;

/// Follows a changing set of logs. Dropping it stops them all.
#[derive(Debug)]
pub struct LogHub {
    client: Client,
    most: usize,
    options: Option<LogOptions>,
    outbox: Arc<Outbox>,
    door: Arc<Semaphore>,
    tasks: HashMap<LogSource, Task>,
    forwarder: JoinHandle<()>,
    doubts: watch::Sender<u64>,
    pace: Pace,
}

#[derive(Debug)]
struct Task {
    handle: JoinHandle<()>,
    nudge: Arc<Notify>,
}

impl Drop for Task {
    fn drop(&mut self) {
        self.handle.abort();
    }
}

impl Drop for LogHub {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl LogHub {
    /// A hub that follows at most `most` logs at once and tells them to `events`. When `events` is full, lines wait in a
    /// buffer of 50,000 lines or 32 MiB; beyond that the oldest are dropped and counted.
    pub fn start(client: Client, events: mpsc::Sender<TargetEvent>, most: usize) -> Self {
        let outbox = Arc::new(Outbox::default());
        let from = outbox.clone();
        let forwarder = tokio::spawn(async move {
            loop {
                let event = from.pop().await;
                if events.send(TargetEvent::Log(event)).await.is_err() {
                    return;
                }
            }
        });
        let door = Arc::new(Semaphore::new(ASKING));
        Self {
            client,
            most,
            options: None,
            outbox,
            door,
            tasks: HashMap::new(),
            forwarder,
            doubts: watch::Sender::default(),
            pace: Pace::default(),
        }
    }

    /// Stops everything; when it returns nothing more will be told.
    pub async fn stop(mut self) {
        self.tasks.clear();
        self.forwarder.abort();
        // An aborted task ends in an error, which is what was asked for.
        let _ = (&mut self.forwarder).await;
    }

    /// Follows exactly these, the first `most` of them; those that were followed already go on undisturbed, unless the
    /// options changed. Returns how many are followed.
    pub fn set(&mut self, wanted: &[LogSource], options: LogOptions) -> usize {
        if self.options.replace(options) != Some(options) {
            for (source, _) in self.tasks.drain() {
                self.outbox.forget(&source);
            }
        }
        let wanted = &wanted[..wanted.len().min(self.most)];
        let outbox = &self.outbox;
        self.tasks.retain(|source, _| {
            let keep = wanted.contains(source);
            if !keep {
                outbox.forget(source);
            }
            keep
        });
        for source in wanted {
            if !self.tasks.contains_key(source) {
                let task = self.follow(source.clone(), options);
                self.tasks.insert(source.clone(), task);
            }
        }
        self.tasks.len()
    }

    /// A pod changed (a container started, ended or waits): followers that wait for it look at once.
    pub fn nudge(&self, pod_uid: &str) {
        for (source, task) in &self.tasks {
            if &*source.pod_uid == pod_uid {
                task.nudge.notify_one();
            }
        }
    }

    /// The server is gone or came back: what is being read is asked for anew, without losing or repeating a line, and what
    /// waits for the server tries at once.
    pub fn renew(&self) {
        self.doubts.send_modify(|n| *n += 1);
    }

    fn follow(&self, source: LogSource, options: LogOptions) -> Task {
        let nudge = Arc::new(Notify::new());
        let follower = Follower {
            client: self.client.clone(),
            source,
            options,
            outbox: self.outbox.clone(),
            door: self.door.clone(),
            nudge: nudge.clone(),
            doubts: self.doubts.subscribe(),
            pace: self.pace,
            state: Progress::default(),
        };
        Task { handle: tokio::spawn(follower.run()), nudge }
    }
}

#[cfg(test)]
mod tests;
