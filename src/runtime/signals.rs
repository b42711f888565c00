//! Signals as plain values.
//!
//! Owns the translation; what each means is decided by the event loop (contract.md 6).

use tokio::signal::unix::{Signal, SignalKind, signal};

/// A signal that the console acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caught {
    /// SIGINT from outside (Ctrl-C is a key in raw mode).
    Interrupt,
    /// SIGTERM: stop after this step, exit 143.
    Terminate,
    /// SIGHUP: the terminal is gone; a run goes on to its end without it.
    HangUp,
    /// SIGTSTP from outside (Ctrl-Z is a key in raw mode).
    Stop,
    /// SIGCONT after a stop.
    Continue,
    /// SIGWINCH: the size changed; crossterm reports it too, but not while its stream is let go.
    Resize,
}

/// All signals that the console acts on.
pub struct Signals {
    streams: Vec<(Caught, Signal)>,
}

impl Signals {
    /// Starts listening. Needs a tokio runtime.
    pub fn listen() -> std::io::Result<Self> {
        let kinds = [
            (Caught::Interrupt, SignalKind::interrupt()),
            (Caught::Terminate, SignalKind::terminate()),
            (Caught::HangUp, SignalKind::hangup()),
            (Caught::Stop, SignalKind::from_raw(rustix::process::Signal::TSTP.as_raw())),
            (Caught::Continue, SignalKind::from_raw(rustix::process::Signal::CONT.as_raw())),
            (Caught::Resize, SignalKind::window_change()),
        ];
        let streams = kinds.into_iter().map(|(c, kind)| signal(kind).map(|s| (c, s))).collect::<Result<_, _>>()?;
        Ok(Self { streams })
    }

    /// The next signal.
    pub async fn next(&mut self) -> Caught {
        std::future::poll_fn(|cx| {
            for (caught, stream) in &mut self.streams {
                if let std::task::Poll::Ready(Some(())) = stream.poll_recv(cx) {
                    return std::task::Poll::Ready(*caught);
                }
            }
            std::task::Poll::Pending
        })
        .await
    }
}
