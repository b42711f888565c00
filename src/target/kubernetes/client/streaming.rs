//! The body of an answer, piece by piece.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::BodyExt as _;
use kube::client::Body;
use tokio::time::Instant;

use crate::target::api::{ErrorKind, TargetError};
use crate::target::kubernetes::error::{Asked, garbage, of_transport};

/// The body of an answer that began; dropping it closes the stream.
pub struct Streaming {
    body: Body,
    server: Arc<str>,
    mutating: bool,
}

impl Streaming {
    pub(super) fn new(body: Body, server: Arc<str>, mutating: bool) -> Self {
        Self { body, server, mutating }
    }

    /// The next piece, or `None` at the end. Nothing for as long as `idle` is an error of kind `Timeout`; what came
    /// before stays valid, and calling again goes on waiting.
    pub async fn chunk(&mut self, idle: Duration) -> Result<Option<Bytes>, TargetError> {
        self.until(Instant::now() + idle, idle).await
    }

    /// The whole body, of at most `limit` bytes, by `deadline`.
    pub async fn collect(mut self, limit: usize, deadline: Instant) -> Result<Bytes, TargetError> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let mut whole = BytesMut::new();
        let mut first = None;
        while let Some(piece) = self.until(deadline, patience).await? {
            if first.is_none() && whole.is_empty() {
                first = Some(piece);
                continue;
            }
            whole.extend_from_slice(&first.take().unwrap_or_default());
            whole.extend_from_slice(&piece);
            if whole.len() > limit {
                let delivery = Asked { server: &self.server, mutating: self.mutating }.left();
                let error = garbage(&format!("{} answered more than {} MiB", self.server, limit >> 20));
                return Err(TargetError { delivery, ..error });
            }
        }
        Ok(first.unwrap_or_else(|| whole.freeze()))
    }

    /// The last `limit` bytes of the body, by `deadline`: what comes before them is let go.
    pub(in crate::target::kubernetes) async fn collect_end(mut self, limit: usize, deadline: Instant) -> Result<BytesMut, TargetError> {
        let patience = deadline.saturating_duration_since(Instant::now());
        let mut end = BytesMut::new();
        while let Some(piece) = self.until(deadline, patience).await? {
            end.extend_from_slice(&piece);
            // Not at each piece: what is left would be moved each time.
            if end.len() > 2 * limit {
                end = BytesMut::from(&end[end.len() - limit..]);
            }
        }
        Ok(end.split_off(end.len().saturating_sub(limit)))
    }

    /// As much of the body as comes in time and fits, whatever happens after: for refusals.
    pub(super) async fn start(&mut self, limit: usize, patience: Duration) -> Bytes {
        let deadline = Instant::now() + patience;
        let mut start = BytesMut::new();
        while let Ok(Some(piece)) = self.until(deadline, patience).await {
            start.extend_from_slice(&piece[..piece.len().min(limit - start.len())]);
            if start.len() >= limit {
                break;
            }
        }
        start.freeze()
    }

    async fn until(&mut self, deadline: Instant, patience: Duration) -> Result<Option<Bytes>, TargetError> {
        let asked = Asked { server: &self.server, mutating: self.mutating };
        loop {
            let frame = match tokio::time::timeout_at(deadline, self.body.frame()).await {
                Err(_) => {
                    let message = format!("nothing from {} for {} s", self.server, patience.as_secs());
                    return Err(TargetError { delivery: asked.left(), ..TargetError::new(ErrorKind::Timeout, message) });
                }
                Ok(None) => return Ok(None),
                Ok(Some(Err(error))) => return Err(of_transport(&error, asked)),
                Ok(Some(Ok(frame))) => frame,
            };
            if let Ok(data) = frame.into_data() {
                return Ok(Some(data));
            }
        }
    }
}

impl std::fmt::Debug for Streaming {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Streaming").field("server", &self.server).finish_non_exhaustive()
    }
}
