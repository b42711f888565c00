//! Who lists first: what people look at before what explains it.
//!
//! Owns one gate. Lists that can be large and are not on the first screen wait until the pods are there (or cannot be had, or
//! take too long), so that they do not share server, network and processor with them.

use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::target::model::Kind;

/// Nobody waits longer than this.
const PATIENCE: Duration = Duration::from_secs(2);

/// The gate of one session. Clones share it; once open it stays open.
#[derive(Debug, Clone, Default)]
pub(crate) struct Turn {
    open: CancellationToken,
}

impl Turn {
    /// Waits until it is the turn of a kind.
    pub(crate) async fn wait(&self, kind: Kind) {
        if waits(kind) {
            let _ = tokio::time::timeout(PATIENCE, self.open.cancelled()).await;
        }
    }

    /// A stream told its first result, good or bad.
    pub(crate) fn told(&self, kind: Kind) {
        if kind == Kind::Pod {
            self.open.cancel();
        }
    }
}

/// What the first screen does not need.
const fn waits(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Event | Kind::ConfigMap | Kind::Secret | Kind::ControllerRevision | Kind::PersistentVolumeClaim | Kind::Certificate
    )
}

#[cfg(test)]
mod tests {
    use super::Turn;
    use crate::target::model::Kind;

    #[tokio::test]
    async fn events_wait_for_pods_and_deployments_do_not() {
        let turn = Turn::default();
        turn.wait(Kind::Deployment).await;
        let waiting = tokio::spawn({
            let turn = turn.clone();
            async move { turn.wait(Kind::Event).await }
        });
        turn.told(Kind::Deployment);
        assert!(!turn.open.is_cancelled());
        turn.told(Kind::Pod);
        waiting.await.expect("its turn");
        assert!(turn.open.is_cancelled());
    }
}
