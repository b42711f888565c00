//! A command in a container of a pod: pods/exec over WebSocket.
//!
//! Owns the upgraded connection, the bound on what is kept of the output, and what the end of the command means. Waits for that end
//! as long as it takes: whoever asks has the deadline.

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::api::{Api, AttachParams};
use kube::client::UpgradeConnectionError;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt as _};

use super::client::Client;
use super::error::{Asked, of_transport, shown};
use crate::target::api::{Command, Delivery, ErrorKind, TargetError};
use crate::target::model::ObjectRef;

/// The newest bytes that are kept of each stream; what is before them is read and dropped.
pub const KEPT: usize = 8 << 10;
/// What the runtime says when the command was never begun.
const NOT_BEGUN: [&str; 3] = ["executable file not found", "no such file or directory", "unable to start container process"];

impl Client {
    /// Runs a command in a container to its end: `exit_code`, and the newest `output` and `errors`.
    ///
    /// An error whose delivery is "not done" says that the command was never begun; any other that nobody knows.
    pub(super) async fn exec(&self, pod: &ObjectRef, command: &Command) -> Result<Value, TargetError> {
        let pods: Api<Pod> = Api::namespaced(self.kube().await?, &pod.namespace);
        let parameters = AttachParams::default().container(&*command.container).stdin(false).stdout(true).stderr(true).tty(false);
        let mut attached = pods
            .exec(&pod.name, &command.argv, &parameters)
            .await
            .map_err(|error| self.refused_upgrade(&error, "does not run it", true))?;
        let (output, errors, status) = (attached.stdout(), attached.stderr(), attached.take_status());
        let ended = async {
            match status {
                Some(status) => status.await,
                None => None,
            }
        };
        let (output, errors, status) = futures_util::join!(newest(output), newest(errors), ended);
        let exit_code = status.map_or_else(|| Err(lost("the connection ended before the command did".to_owned())), |s| exit_code(&s))?;
        Ok(json!({ "exit_code": exit_code, "output": shown(&output), "errors": shown(&errors) }))
    }

    /// The connection was not upgraded: nothing was begun. `what` is what the server does not do.
    pub(super) fn refused_upgrade(&self, error: &kube::Error, what: &str, mutating: bool) -> TargetError {
        let kube::Error::UpgradeConnection(UpgradeConnectionError::ProtocolSwitch(status)) = error else {
            return of_transport(error, Asked { server: self.server(), mutating });
        };
        let kind = match status.as_u16() {
            401 => ErrorKind::Unauthorised,
            403 => ErrorKind::Forbidden,
            404 => ErrorKind::NotFound,
            429 => ErrorKind::TooManyRequests,
            500.. => ErrorKind::Server,
            _ => ErrorKind::Invalid,
        };
        TargetError { status: Some(status.as_u16()), ..TargetError::new(kind, format!("the server {what}: {status}")) }
    }
}

fn lost(message: String) -> TargetError {
    TargetError { delivery: Delivery::MayBeDone, ..TargetError::new(ErrorKind::Unreachable, message) }
}

/// What the last message of the protocol says (`v4.channel.k8s.io` and later): success, an exit code, or a failure of the runtime.
fn exit_code(status: &Status) -> Result<i64, TargetError> {
    if status.status.as_deref() == Some("Success") {
        return Ok(0);
    }
    let causes = status.details.iter().flat_map(|d| d.causes.iter().flatten());
    let code = causes.filter(|c| c.reason.as_deref() == Some("ExitCode")).find_map(|c| c.message.as_deref()?.parse().ok());
    code.ok_or_else(|| {
        let message = shown(status.message.as_deref().unwrap_or("the runtime gives no reason"));
        if NOT_BEGUN.iter().any(|words| message.contains(words)) {
            return TargetError::new(ErrorKind::Invalid, format!("the command was not begun: {message}"));
        }
        lost(format!("how the command ended is not known: {message}"))
    })
}

/// Reads what a command says to its end, and keeps the newest [`KEPT`] bytes.
pub async fn newest(stream: Option<impl AsyncRead + Unpin>) -> String {
    let Some(mut stream) = stream else { return String::new() };
    let (mut kept, mut piece) = (Vec::new(), [0_u8; 4096]);
    while let Ok(read @ 1..) = stream.read(&mut piece).await {
        kept.extend_from_slice(&piece[..read]);
        let over = kept.len().saturating_sub(KEPT);
        kept.drain(..over);
    }
    String::from_utf8_lossy(&kept).into_owned()
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Status, StatusCause, StatusDetails};

    use super::{KEPT, exit_code, newest};
    use crate::target::api::Delivery;

    fn failure(message: &str, code: Option<&str>) -> Status {
        let cause = |code: &str| StatusCause { reason: Some("ExitCode".into()), message: Some(code.into()), ..StatusCause::default() };
        let details = StatusDetails { causes: code.map(|c| vec![cause(c)]), ..StatusDetails::default() };
        Status { status: Some("Failure".into()), message: Some(message.into()), details: Some(details), ..Status::default() }
    }

    #[test]
    fn the_end_of_a_command_is_its_code_or_says_whether_it_was_begun() {
        assert_eq!(exit_code(&Status { status: Some("Success".into()), ..Status::default() }), Ok(0));
        assert_eq!(exit_code(&failure("command terminated with non-zero exit code", Some("7"))), Ok(7));
        let unknown = exit_code(&failure("container runtime is down", None)).unwrap_err();
        assert_eq!(unknown.delivery, Delivery::MayBeDone);
        let never = exit_code(&failure("exec: \"foo\": executable file not found in $PATH", None)).unwrap_err();
        assert_eq!(never.delivery, Delivery::NotDone);
    }

    #[tokio::test]
    async fn of_a_long_output_the_end_is_kept() {
        let text = format!("{}the end", "x".repeat(3 * KEPT));
        let kept = newest(Some(text.as_bytes())).await;
        assert!(kept.len() == KEPT && kept.ends_with("the end"));
    }
}
