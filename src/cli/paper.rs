//! Standard output and the end of a command that goes on for long.
//!
//! Owns a thread that writes, so that a reader who stops reading never stops Ctrl-C, and the signals that end such a command. Must
//! not know what is written.

use std::io::{self, Write};
use std::os::fd::AsFd;

use tokio::io::Interest;
use tokio::net::unix::pipe::Sender;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::output::{Exit, Failure};

/// Texts on their way to standard output. When it is full, whoever writes waits, and lines wait where they have a bound.
const TEXTS: usize = 4;

/// The signals that end a command.
pub(super) struct Ends {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl Ends {
    /// Hears them from now on. Needs a tokio runtime.
    pub(super) fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// How the command ends when it is told to.
    pub(super) async fn next(&mut self) -> Exit {
        tokio::select! {
            _ = self.interrupt.recv() => Exit::INTERRUPTED,
            _ = self.terminate.recv() => Exit::TERMINATED,
            _ = self.hang_up.recv() => Exit::HUNG_UP,
        }
    }
}

/// Standard output, written by a thread of its own.
pub(super) struct Paper {
    texts: Option<mpsc::Sender<String>>,
    writer: JoinHandle<io::Result<()>>,
    gone: JoinHandle<()>,
}

impl Paper {
    /// Begins. Needs a tokio runtime.
    pub(super) fn start() -> Self {
        let (texts, mut written) = mpsc::channel::<String>(TEXTS);
        let writer = tokio::task::spawn_blocking(move || {
            let mut out = io::stdout().lock();
            while let Some(text) = written.blocking_recv() {
                out.write_all(text.as_bytes())?;
                out.flush()?;
            }
            Ok(())
        });
        Self { texts: Some(texts), writer, gone: tokio::spawn(reader_gone()) }
    }

    /// Writes a text, when there is one.
    pub(super) async fn put(&self, text: String) {
        if let Some(texts) = self.texts.as_ref().filter(|_| !text.is_empty()) {
            // The writer is gone only when it failed; `ended` says how.
            let _ = texts.send(text).await;
        }
    }

    /// Waits until nothing can be written any more. A reader who had enough is no failure.
    pub(super) async fn ended(&mut self) -> Result<(), Failure> {
        tokio::select! {
            wrote = &mut self.writer => written(wrote),
            _ = &mut self.gone => Ok(()),
        }
    }

    /// Waits until everything is written.
    pub(super) async fn finish(mut self) -> Result<(), Failure> {
        self.texts = None;
        self.ended().await
    }
}

fn written(wrote: Result<io::Result<()>, tokio::task::JoinError>) -> Result<(), Failure> {
    match wrote {
        Ok(wrote) => Ok(wrote?),
        Err(error) => Err(Failure::internal(&error)),
    }
}

/// Waits until whoever read standard output has closed it: otherwise that is only noticed at the next line, which may never come.
/// A file has no reader who could go.
async fn reader_gone() {
    let watched = io::stdout().as_fd().try_clone_to_owned().and_then(Sender::from_owned_fd_unchecked);
    // Only ever asked about: nothing is written through it, so that it may be anything that can be waited for, and stays blocking.
    let Ok(out) = watched else { return std::future::pending().await };
    if out.ready(Interest::ERROR).await.is_err() {
        std::future::pending::<()>().await;
    }
}
