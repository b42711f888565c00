//! Waiting, behind a trait: tests wait in no time at all.

use std::time::Duration;

use futures_util::future::BoxFuture;

/// Something that waits.
pub trait Timer: Send + Sync {
    /// Ends after `time`.
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()>;
}

/// Waits on tokio's clock.
#[derive(Debug, Clone, Copy, Default)]
pub struct TokioTimer;

impl Timer for TokioTimer {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        Box::pin(tokio::time::sleep(time))
    }
}
