//! The last lines of one container, read once: what it said before it ended.

use super::lines::Lines;
use crate::target::api::TargetError;
use crate::target::kubernetes::client::{Client, REQUEST, get};
use crate::target::kubernetes::paths;
use crate::target::model::{Kind, ObjectRef};
use crate::target::request::LogSource;

/// What is read at most, in bytes: the server cuts there.
const MOST: &str = "65536";

/// The last `count` lines of a container's log, oldest first, stripped of control sequences.
///
/// # Errors
///
/// As the server says it: no rights, no such pod, no previous run.
pub async fn last_lines(client: &Client, source: &LogSource, count: u32) -> Result<Vec<String>, TargetError> {
    let pod = ObjectRef { kind: Kind::Pod, namespace: source.namespace.clone(), name: source.pod.clone() };
    let query = [
        ("container", &*source.container),
        ("previous", if source.previous { "true" } else { "" }),
        ("timestamps", "true"),
        ("tailLines", &count.to_string()),
        ("limitBytes", MOST),
    ];
    let (_, bytes) = client.fetch(get(&paths::with_query(&paths::object(&pod, "log"), &query))?, REQUEST).await?;
    let (mut cutter, mut lines) = (Lines::default(), Vec::new());
    cutter.feed(&bytes, &mut lines);
    lines.extend(cutter.finish());
    Ok(lines.into_iter().map(|line| line.text.into()).collect())
}

#[cfg(test)]
mod tests {
    use super::last_lines;
    use crate::target::kubernetes::testing::{Server, answer};
    use crate::target::request::LogSource;

    #[tokio::test]
    async fn the_last_lines_are_asked_for_once_and_come_without_times_and_control_sequences() {
        let said = "2026-11-22T06:00:01.1Z starting\n2026-11-22T06:00:01.2Z \u{1b}[31mfatal\u{1b}[0m: no database";
        let server = Server::start(vec![vec![answer("200 OK", said)]]).await;
        let source = LogSource { namespace: "shop".into(), pod: "web".into(), pod_uid: "u1".into(), container: "app".into(), previous: true };
        let lines = last_lines(&server.client().await, &source, 2).await.unwrap();
        assert_eq!(lines, ["starting", "fatal: no database"]);
        let asked = "GET /api/v1/namespaces/shop/pods/web/log?container=app&previous=true&timestamps=true&tailLines=2&limitBytes=65536";
        assert_eq!(server.requests(), [asked]);
    }
}
