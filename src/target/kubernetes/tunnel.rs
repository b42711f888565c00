//! A connection to a port of a pod: pods/portforward over WebSocket.
//!
//! Owns the upgraded connection and what the kubelet says when nothing answers at the port. Opens no port on this machine. Waits as
//! long as it takes: whoever asked has the deadline.

use futures_util::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{Api, Portforwarder};
use tokio::io::{AsyncRead, AsyncWrite};

use super::client::Client;
use super::error::shown;
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::ObjectRef;
use crate::target::probe::NotHeard;

/// A connection to a pod; it ends with the value.
pub struct Tunnel {
    forwarder: Portforwarder,
    port: u16,
}

impl Drop for Tunnel {
    fn drop(&mut self) {
        self.forwarder.abort();
    }
}

impl Client {
    /// Opens a connection to a port of a pod. A client that cannot change anything refuses it: what goes over it is not seen here.
    pub async fn tunnel(&self, pod: &ObjectRef, port: u16) -> Result<Tunnel, TargetError> {
        let pods: Api<Pod> = Api::namespaced(self.kube().await?, &pod.namespace);
        let forwarder = pods.portforward(&pod.name, &[port]).await;
        Ok(Tunnel { forwarder: forwarder.map_err(|error| self.refused_upgrade(&error, "does not connect it", false))?, port })
    }
}

impl Tunnel {
    /// The connection, and what the kubelet says of it, which comes when it cannot be used. Both can be had once.
    pub fn take(&mut self) -> Option<(impl AsyncRead + AsyncWrite + Unpin + Send + use<>, BoxFuture<'static, Option<NotHeard>>)> {
        let (stream, trouble) = (self.forwarder.take_stream(self.port)?, self.forwarder.take_error(self.port)?);
        let trouble: BoxFuture<'static, Option<NotHeard>> = Box::pin(async move { trouble.await.map(|said| of_kubelet(&said)) });
        Some((stream, trouble))
    }
}

/// The pod is there, and nothing answers at its port; or the kubelet could not try.
fn of_kubelet(said: &str) -> NotHeard {
    if said.contains("connection refused") {
        return NotHeard {
            kind: ErrorKind::Unreachable,
            message: "the pod is there, and nothing listens at that port".to_owned(),
            here: false,
        };
    }
    NotHeard { kind: ErrorKind::Unreachable, message: shown(said), here: true }
}

#[cfg(test)]
mod tests {
    use super::of_kubelet;
    use crate::target::api::ErrorKind;

    #[test]
    fn that_nothing_listens_is_told_from_a_kubelet_that_cannot_try() {
        let refused = of_kubelet("error forwarding port 5432 to pod x: dial tcp4 127.0.0.1:5432: connect: connection refused");
        assert_eq!((refused.kind, refused.here), (ErrorKind::Unreachable, false));
        let other = of_kubelet("error forwarding port 5432: network namespace is closed\u{1b}[2J");
        assert!(other.here && !other.message.contains('\u{1b}'), "{other:?}");
    }
}
