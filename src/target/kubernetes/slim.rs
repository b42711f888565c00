//! One list of slim objects, for whoever asks once: `timonel status`, first paint.
//!
//! Owns reading a list to its end. Streams of changes are `watch`'s.

use std::time::Duration;

use http::{Request, header};

use super::client::Client;
use super::paths;
use super::wire::{self, Decoder, Format, ListItems, WireError};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::{Kind, Object, Scope};

/// Until the answer begins, and between two pieces of it.
const PATIENCE: Duration = Duration::from_secs(30);

/// All objects of a kind, as they are now, in the cheapest form the server has. One object that cannot be read fails the
/// whole: whoever asks once has no place to say that something is missing.
pub(crate) async fn list(client: &Client, kind: Kind, scope: &Scope) -> Result<Vec<Object>, TargetError> {
    if !wire::is_decodable(kind) {
        return Err(TargetError::new(ErrorKind::Invalid, format!("there is no slim form of {}", kind.plural())));
    }
    let path = paths::with_query(&paths::collection(kind, scope), &[("labelSelector", &kind.selector())]);
    let request = Request::get(path).header(header::ACCEPT, wire::accept_list(kind)).body(Vec::new());
    let request = request.map_err(|why| TargetError::new(ErrorKind::Invalid, format!("{} cannot be asked for: {why}", kind.plural())))?;
    let (parts, mut body) = client.send(request, PATIENCE).await?.into_parts();
    let kind_of_answer = parts.headers.get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
    let garbled = |why: WireError| client.garbled(&why);
    let format = Format::of(kind_of_answer).map_err(garbled)?;
    let (mut items, mut decoder, mut objects) = (ListItems::new(format), Decoder::new(kind), Vec::new());
    loop {
        let piece = body.chunk(PATIENCE).await?;
        match &piece {
            Some(bytes) => items.feed(bytes),
            None => items.finish(),
        }
        .map_err(garbled)?;
        while let Some(item) = items.next().map_err(garbled)? {
            objects.push(decoder.object(format, item).map_err(garbled)?);
        }
        if piece.is_none() {
            return Ok(objects);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::list;
    use crate::target::api::ErrorKind;
    use crate::target::kubernetes::testing::{Server, Step, answer, status};
    use crate::target::model::{Kind, Scope};

    #[tokio::test]
    async fn a_list_is_complete_or_an_error() {
        let whole = r#"{"metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]}"#;
        let server = Server::start(vec![vec![answer("200 OK", whole)]]).await;
        let found = list(&server.client().await, Kind::Deployment, &Scope::Cluster).await.expect("a list");
        assert_eq!(found.iter().map(|o| o.meta().name.to_string()).collect::<Vec<_>>(), ["a", "b"]);
        assert_eq!(server.requests(), ["GET /apis/apps/v1/deployments"]);

        let bad = r#"{"metadata":{},"items":[{"metadata":{"name":"a"}},{"metadata":{"name":7}}]}"#;
        let cut = Step::Send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 900\r\n\r\n{\"items\":[".to_vec());
        for (script, kind) in [
            (vec![answer("200 OK", bad)], ErrorKind::Garbage),
            (vec![answer("200 OK", "<html>")], ErrorKind::Garbage),
            (vec![cut, Step::Close], ErrorKind::Unreachable),
            (vec![answer("403 Forbidden", &status(403, "Forbidden", "no"))], ErrorKind::Forbidden),
        ] {
            let server = Server::start(vec![script]).await;
            let error = list(&server.client().await, Kind::Deployment, &Scope::Cluster).await.expect_err("an error");
            assert_eq!(error.kind, kind, "{}", error.message);
        }
    }

    #[tokio::test]
    async fn what_has_no_slim_form_is_not_asked_for() {
        let server = Server::start(vec![vec![Step::Close]]).await;
        let error = list(&server.client().await, Kind::ResourceQuota, &Scope::Cluster).await.expect_err("an error");
        assert_eq!((error.kind, server.requests().len()), (ErrorKind::Invalid, 0));
    }
}
