//! One open target after another: what `runtime` holds of a cluster.
//!
//! Owns opening, switching and closing. What is wanted is a value that is replaced, never a queue that could fill: setting it
//! never blocks, and the last wish counts. Every switch cancels what it leaves before anything new is told, so that all
//! events after an `Opened` belong to it. Nothing that the cluster does ends a session: not being down at start, going away,
//! coming back, being slow or answering garbage. Must not know what is shown.

mod live;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};

use self::live::Live;
use super::client::{Client, Terminal};
use super::error::{OpenCause, OpenError};
use crate::target::event::TargetEvent;
use crate::target::model::Kind;
use crate::target::request::{LogOptions, LogSource, TargetSpec};

/// A target that could not be opened for a reason that may pass (a credential plugin without network) is tried again.
const TRY_AGAIN: Duration = Duration::from_secs(15);

/// The handle of a session. Dropping it ends the session and everything it runs.
#[derive(Debug)]
pub struct Session {
    wanted: watch::Sender<Wanted>,
    client: watch::Receiver<Option<Client>>,
}

/// What is wanted now.
#[derive(Debug, Clone)]
struct Wanted {
    target: Target,
    /// Counts wishes to open something, the same thing again included.
    opening: u64,
    logs: Arc<Logs>,
    /// Counts wishes for everything anew.
    refresh: u64,
}

#[derive(Debug, Clone)]
enum Target {
    Spec(TargetSpec),
    Opened(Client),
}

/// What of a target is watched.
#[derive(Debug, Clone, Copy)]
enum Look {
    /// All that the console shows, metrics included.
    Everything,
    /// These kinds, in the namespaces that are looked at.
    Only(&'static [Kind]),
}

/// Which logs to follow, and how much of them.
#[derive(Debug, PartialEq, Eq)]
struct Logs {
    sources: Vec<LogSource>,
    options: LogOptions,
}

impl Default for Logs {
    fn default() -> Self {
        Self { sources: Vec::new(), options: LogOptions { tail: None, since: None, follow: true } }
    }
}

impl Session {
    /// Opens `spec` and tells everything about it through `events`, whose bound is the caller's: while it is full, objects
    /// coalesce. Must be called inside a tokio runtime.
    pub fn spawn(spec: TargetSpec, events: mpsc::Sender<TargetEvent>) -> Self {
        Self::start(Target::Spec(spec), Look::Everything, events)
    }

    /// The same with a client that is open already: the demo's, or one whose credential plugin had the terminal.
    pub fn adopt(client: Client, events: mpsc::Sender<TargetEvent>) -> Self {
        Self::start(Target::Opened(client), Look::Everything, events)
    }

    /// The same for who needs only some kinds of objects: a command that follows logs.
    pub fn watching(client: Client, kinds: &'static [Kind], events: mpsc::Sender<TargetEvent>) -> Self {
        Self::start(Target::Opened(client), Look::Only(kinds), events)
    }

    fn start(target: Target, look: Look, events: mpsc::Sender<TargetEvent>) -> Self {
        let (wanted, wishes) = watch::channel(Wanted { target, opening: 1, logs: Arc::default(), refresh: 0 });
        let (opened, client) = watch::channel(None);
        tokio::spawn(run(look, wishes, opened, events));
        Self { wanted, client }
    }

    /// Leaves what is open and opens another target (context, namespaces), or the same one again.
    pub fn open(&self, spec: TargetSpec) {
        self.change(Target::Spec(spec));
    }

    /// Leaves what is open for a client that is open already.
    pub fn open_with(&self, client: Client) {
        self.change(Target::Opened(client));
    }

    fn change(&self, target: Target) {
        self.wanted.send_modify(|w| {
            w.target = target;
            w.opening += 1;
            w.logs = Arc::default();
        });
    }

    /// Follows exactly these logs from now on; those that were followed already go on undisturbed.
    pub fn follow(&self, sources: Vec<LogSource>, options: LogOptions) {
        self.wanted.send_modify(|w| w.logs = Arc::new(Logs { sources, options }));
    }

    /// Lists everything anew.
    pub fn refresh(&self) {
        self.wanted.send_modify(|w| w.refresh += 1);
    }

    /// The client of the open target, for reads, plans and runs; `None` while nothing is open.
    pub fn client(&self) -> Option<Client> {
        self.client.borrow().clone()
    }
}

/// The task of a session; ends with its handle, or when nobody listens any more.
async fn run(look: Look, mut wishes: watch::Receiver<Wanted>, opened: watch::Sender<Option<Client>>, events: mpsc::Sender<TargetEvent>) {
    loop {
        let wanted = wishes.borrow_and_update().clone();
        opened.send_replace(None);
        let open = open(&wanted.target);
        let client = tokio::select! {
            client = open => client,
            end = other_target(&mut wishes, wanted.opening) => if end { return } else { continue },
        };
        let ended = match client {
            Ok(client) => {
                opened.send_replace(Some(client.clone()));
                stay(client, look, wanted.opening, &mut wishes, &events).await
            }
            Err(error) => wait(error, wanted.opening, &mut wishes, &events).await,
        };
        if ended {
            return;
        }
    }
}

async fn open(target: &Target) -> Result<Client, OpenError> {
    match target {
        Target::Spec(spec) => Client::open(spec, Terminal::Kept).await,
        Target::Opened(client) => Ok(client.clone()),
    }
}

/// Keeps a target open until another is wanted; whether the session ends.
async fn stay(client: Client, look: Look, opening: u64, wishes: &mut watch::Receiver<Wanted>, events: &mpsc::Sender<TargetEvent>) -> bool {
    let Some(mut live) = Live::start(client, look, events.clone()).await else { return true };
    let (mut followed, mut refreshed) = (Arc::new(Logs::default()), wishes.borrow().refresh);
    let ended = loop {
        let wanted = wishes.borrow_and_update().clone();
        if wanted.opening != opening {
            break false;
        }
        if wanted.logs != followed {
            live.follow(&wanted.logs.sources, wanted.logs.options);
            followed = wanted.logs;
        }
        if wanted.refresh != refreshed {
            refreshed = wanted.refresh;
            live.refresh();
        }
        let wish = loop {
            tokio::select! {
                wish = wishes.changed() => break wish.is_ok(),
                () = events.closed() => break false,
                () = live.nudge() => {}
            }
        };
        if !wish {
            break true;
        }
    };
    live.stop().await;
    ended
}

/// Tells why nothing is open and waits for another wish, or for a while when the reason may pass; whether the session ends.
async fn wait(error: OpenError, opening: u64, wishes: &mut watch::Receiver<Wanted>, events: &mpsc::Sender<TargetEvent>) -> bool {
    if events.send(TargetEvent::OpenFailed(*error.problem)).await.is_err() {
        return true;
    }
    let other = other_target(wishes, opening);
    if error.cause == OpenCause::Reachability {
        return tokio::time::timeout(TRY_AGAIN, other).await.unwrap_or(false);
    }
    other.await
}

/// Waits until another target is wanted; whether none ever will be.
async fn other_target(wishes: &mut watch::Receiver<Wanted>, opening: u64) -> bool {
    wishes.wait_for(|w| w.opening != opening).await.is_err()
}

#[cfg(test)]
mod tests;
