//! Whether the server lives: one judgement for all streams of a session.
//!
//! Owns the liveness probe and what follows from it. A direct connection that is cut is found by TCP keep-alive within about
//! 10 s and costs no request. What keep-alive cannot see (a tunnel or proxy whose far side is gone, a frozen server) is found
//! here: when nothing was heard on any stream for a while, or a stream suspects something, the server is asked for its
//! version. No answer cuts all streams; the first answer after that wakes all that wait. Metrics polls count as signs of
//! life, so an idle console with metrics asks nothing extra.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::TargetEvent;
use crate::target::kubernetes::client::Client;

/// How patient a pulse is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Beat {
    /// Silence on all streams together after which the server is asked. Bookmarks come about once a minute and stream.
    pub(crate) silence: Duration,
    /// How long the answer may take: a slow server (5 s for everything) is not a dead one.
    pub(crate) answer: Duration,
    /// While the server is away it is asked this often.
    pub(crate) away: Duration,
    /// The same while it refuses us: a credential plugin must not run every other second.
    pub(crate) refused: Duration,
    /// Suspicions are not followed more often than this.
    pub(crate) calm: Duration,
}

impl Default for Beat {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { silence: seconds(25), answer: seconds(10), away: seconds(2), refused: seconds(30), calm: seconds(2) }
    }
}

/// The pulse of one session. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Pulse {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    beat: Beat,
    heard: Mutex<Instant>,
    suspicion: Notify,
    /// Counts cuts; with the reason of the last.
    cut: watch::Sender<(u64, String)>,
    /// Counts comebacks.
    alive: watch::Sender<u64>,
    /// Counts wishes for everything anew.
    refresh: watch::Sender<u64>,
}

/// What a stream listens to.
#[derive(Debug)]
pub(crate) struct Signals {
    cut: watch::Receiver<(u64, String)>,
    alive: watch::Receiver<u64>,
    refresh: watch::Receiver<u64>,
}

/// What the pulse tells all streams.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Signal {
    /// The server is gone; why.
    Cut(String),
    /// The server is back.
    Alive,
    /// Begin anew.
    Refresh,
}

impl Pulse {
    /// A pulse that has just been felt.
    pub(crate) fn new(beat: Beat) -> Self {
        let shared = Shared {
            beat,
            heard: Mutex::new(Instant::now()),
            suspicion: Notify::new(),
            cut: watch::Sender::default(),
            alive: watch::Sender::default(),
            refresh: watch::Sender::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// What a new stream listens to.
    pub(crate) fn signals(&self) -> Signals {
        Signals {
            cut: self.shared.cut.subscribe(),
            alive: self.shared.alive.subscribe(),
            refresh: self.shared.refresh.subscribe(),
        }
    }

    /// Bytes came from the server.
    pub(crate) fn heard(&self) {
        *self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    /// Something is odd; ask the server.
    pub(crate) fn suspect(&self) {
        self.shared.suspicion.notify_one();
    }

    /// All streams begin anew.
    pub(crate) fn refresh(&self) {
        self.shared.refresh.send_modify(|n| *n += 1);
    }

    fn last_heard(&self) -> Instant {
        *self.shared.heard.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Watches over the server until it is dropped. `back` is rung at the first answer and at each comeback.
    pub(crate) async fn watch_over(&self, client: &Client, events: &mpsc::Sender<TargetEvent>, back: &Notify) {
        // The id of the problem that was told, and how long to wait before asking again.
        let mut problem: Option<(String, Duration)> = None;
        let mut known = false;
        loop {
            match &problem {
                Some((_, wait)) => tokio::time::sleep(*wait).await,
                None if known => self.until_doubtful().await,
                None => {}
            }
            let event = match self.ask(client).await {
                Ok(()) => {
                    let solved = problem.take();
                    if solved.is_some() || !std::mem::replace(&mut known, true) {
                        back.notify_one();
                    }
                    solved.map(|(id, _)| {
                        self.shared.alive.send_modify(|n| *n += 1);
                        TargetEvent::Solved(id)
                    })
                }
                Err(error) => {
                    let gone = matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout);
                    if problem.is_none() && gone {
                        client.reconnect().await;
                        self.cut(&error.message);
                    }
                    let wait = if gone { self.shared.beat.away } else { self.shared.beat.refused };
                    match &mut problem {
                        Some((_, before)) => {
                            *before = wait;
                            None
                        }
                        none => {
                            let told = client.explain(&error).await;
                            *none = Some((told.id.clone(), wait));
                            Some(TargetEvent::Problem(told))
                        }
                    }
                }
            };
            if let Some(event) = event
                && events.send(event).await.is_err()
            {
                return;
            }
        }
    }

    /// Ends what all streams are reading.
    pub(crate) fn cut(&self, why: &str) {
        self.shared.cut.send_modify(|(n, reason)| {
            *n += 1;
            why.clone_into(reason);
        });
    }

    /// Until nothing was heard for long enough, or somebody has a suspicion.
    async fn until_doubtful(&self) {
        tokio::time::sleep(self.shared.beat.calm).await;
        let silence = self.shared.beat.silence;
        loop {
            let silent_at = self.last_heard() + silence;
            tokio::select! {
                () = self.shared.suspicion.notified() => return,
                () = tokio::time::sleep_until(silent_at) => {
                    if self.last_heard() + silence <= Instant::now() {
                        return;
                    }
                }
            }
        }
    }

    /// Asks for a sign of life. Whatever the API server itself answers is one; so is anything heard meanwhile.
    async fn ask(&self, client: &Client) -> Result<(), TargetError> {
        let asked = Instant::now();
        match client.json::<serde_json::Value>("/version", self.shared.beat.answer).await {
            Ok(_) => {}
            Err(error) => match error.kind {
                ErrorKind::Forbidden | ErrorKind::NotFound | ErrorKind::TooManyRequests | ErrorKind::Invalid | ErrorKind::Denied => {}
                ErrorKind::Timeout if self.last_heard() > asked => {}
                _ => return Err(error),
            },
        }
        self.heard();
        Ok(())
    }
}

impl Signals {
    /// The next signal.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            () = changed(&mut self.cut) => Signal::Cut(self.cut.borrow_and_update().1.clone()),
            () = changed(&mut self.alive) => Signal::Alive,
            () = changed(&mut self.refresh) => Signal::Refresh,
        }
    }
}

/// A sender that is gone sends nothing any more.
async fn changed<T>(receiver: &mut watch::Receiver<T>) {
    if receiver.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
