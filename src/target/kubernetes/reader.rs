//! Reading one thing at a time.
//!
//! Owns the [`Read`] of the door: objects, lists, rights, identity, dry runs. Every call has a deadline and none is retried.

use std::time::Duration;

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt as _};
use http::{HeaderMap, Request, header};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use super::client::{Client, REQUEST, get};
use super::{paths, slim};
use crate::base::clock::{Clock, SystemClock};
use crate::base::text::clean;
use crate::target::api::{Access, Allowed, ErrorKind, Identity, Read, TargetError, WriteRequest};
use crate::target::model::{Kind, Object, ObjectRef, Scope};

/// Deadline of what is only for information: who the server is.
const IDENTITY: Duration = Duration::from_secs(10);

/// What is read of a log at once: its end, which has what was said last. The server would cut it there (`limitBytes`).
const LOG_LINES: &str = "1000";
const LOG_BYTES: usize = 1 << 20;

/// Objects per page of a list of whole objects.
const PAGE: &str = "500";

/// Pages after which a list is given up: 100,000 whole objects are not for memory.
const PAGES: usize = 200;

impl Read for Client {
    fn get<'a>(&'a self, object: &'a ObjectRef, subresource: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        async move { self.json(&paths::object(object, subresource), REQUEST).await }.boxed()
    }

    fn list<'a>(&'a self, kind: Kind, scope: &'a Scope, labels: &'a str, fields: &'a str) -> BoxFuture<'a, Result<Vec<Value>, TargetError>> {
        self.list_whole(kind, scope, labels, fields).boxed()
    }

    fn list_slim<'a>(&'a self, kind: Kind, scope: &'a Scope) -> BoxFuture<'a, Result<Vec<Object>, TargetError>> {
        slim::list(self, kind, scope).boxed()
    }

    fn raw<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        async move { self.json(path, REQUEST).await }.boxed()
    }

    fn log<'a>(&'a self, pod: &'a ObjectRef, container: &'a str) -> BoxFuture<'a, Result<String, TargetError>> {
        async move {
            let query = [("container", container), ("tailLines", LOG_LINES)];
            let path = paths::with_query(&paths::object(pod, "log"), &query);
            let until = tokio::time::Instant::now() + REQUEST;
            let body = self.send(get(&path)?, REQUEST).await?.into_body();
            Ok(String::from_utf8_lossy(&body.collect_end(LOG_BYTES, until).await?).into_owned())
        }
        .boxed()
    }

    fn may<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<Allowed, TargetError>> {
        self.review_access(access).boxed()
    }

    fn identity(&self) -> BoxFuture<'_, Identity> {
        self.who().boxed()
    }

    fn dry_run<'a>(&'a self, request: &'a WriteRequest) -> BoxFuture<'a, Result<Value, TargetError>> {
        self.change(request, true).boxed()
    }
}

/// A list of whole objects.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMeta,
    #[serde(default)]
    items: Option<Vec<Value>>,
}

#[derive(Deserialize, Default)]
struct PageMeta {
    #[serde(default, rename = "continue")]
    next: String,
}

#[derive(Deserialize)]
struct Review {
    #[serde(default)]
    status: ReviewStatus,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct ReviewStatus {
    allowed: bool,
    reason: String,
    evaluation_error: String,
    user_info: UserInfo,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct UserInfo {
    username: String,
}

impl Client {
    async fn list_whole(&self, kind: Kind, scope: &Scope, labels: &str, fields: &str) -> Result<Vec<Value>, TargetError> {
        let path = paths::collection(kind, scope);
        let mut all = Vec::new();
        let mut next = String::new();
        for _ in 0..PAGES {
            let query = [("limit", PAGE), ("labelSelector", labels), ("fieldSelector", fields), ("continue", &*next)];
            let page: Page = self.json(&paths::with_query(&path, &query), REQUEST).await?;
            all.extend(page.items.unwrap_or_default().into_iter().map(|item| named(item, kind)));
            next = page.metadata.next;
            if next.is_empty() {
                return Ok(all);
            }
        }
        Err(TargetError::new(ErrorKind::Invalid, format!("there are more than {} {} to read at once", all.len(), kind.plural())))
    }

    async fn review_access(&self, access: &Access) -> Result<Allowed, TargetError> {
        let attributes = json!({
            "verb": access.verb,
            "group": access.group(),
            "resource": access.kind.plural(),
            "subresource": access.subresource,
            "namespace": access.namespace.as_deref().unwrap_or_default(),
            "name": access.name.as_deref().unwrap_or_default(),
        });
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": { "resourceAttributes": attributes }
        });
        let (_, body) = self.ask("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", &review, REQUEST).await?;
        let status = serde_json::from_slice::<Review>(&body).map_err(|why| self.garbled(&why))?.status;
        let reason = if status.reason.is_empty() { status.evaluation_error } else { status.reason };
        Ok(Allowed { allowed: status.allowed, reason: clean(&reason).into_owned() })
    }

    async fn who(&self) -> Identity {
        let system = ObjectRef::new(Kind::Namespace, "", "kube-system");
        let (version, namespace, user) = tokio::join!(self.version(), self.uid_of(&system), self.user());
        let (server_version, clock_skew) = version.unwrap_or_default();
        let (cluster_uid, cluster_uid_reason) = match namespace {
            Ok(uid) => (Some(uid), None),
            Err(error) => (None, Some(error.message)),
        };
        let user = user.unwrap_or_else(|_| self.opened().user.clone());
        Identity { server_version, cluster_uid, cluster_uid_reason, user, clock_skew }
    }

    /// The server's version, and its clock minus ours.
    async fn version(&self) -> Result<(String, Option<i64>), TargetError> {
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Version {
            git_version: String,
        }
        let before = SystemClock.now();
        let (headers, body) = self.fetch(get("/version")?, IDENTITY).await?;
        let skew = clock_skew(&headers, before, SystemClock.now());
        let version: Version = serde_json::from_slice(&body).map_err(|why| self.garbled(&why))?;
        Ok((clean(&version.git_version).into_owned(), skew))
    }

    async fn uid_of(&self, object: &ObjectRef) -> Result<String, TargetError> {
        let value: Value = self.json(&paths::object(object, ""), IDENTITY).await?;
        match value["metadata"]["uid"].as_str() {
            Some(uid) => Ok(clean(uid).into_owned()),
            None => Err(self.garbled(&"an object without a UID")),
        }
    }

    /// Who we are to the server (SelfSubjectReview, since 1.28).
    async fn user(&self) -> Result<String, TargetError> {
        let review = json!({ "apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview" });
        let (_, body) = self.ask("/apis/authentication.k8s.io/v1/selfsubjectreviews", &review, IDENTITY).await?;
        let user = serde_json::from_slice::<Review>(&body).map_err(|why| self.garbled(&why))?.status.user_info.username;
        if user.is_empty() { Err(self.garbled(&"no user name")) } else { Ok(clean(&user).into_owned()) }
    }

    /// POSTs a question that changes nothing.
    async fn ask(&self, path: &str, question: &Value, deadline: Duration) -> Result<(HeaderMap, Bytes), TargetError> {
        let request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "application/json")
            .body(question.to_string().into_bytes())
            .map_err(|why| TargetError::new(ErrorKind::Invalid, why.to_string()))?;
        self.fetch(request, deadline).await
    }
}

/// Items of a list do not say what they are; an object that stands alone must.
fn named(mut item: Value, kind: Kind) -> Value {
    if let Some(fields) = item.as_object_mut() {
        fields.entry("apiVersion").or_insert_with(|| kind.api_version().into());
        fields.entry("kind").or_insert_with(|| kind.word().into());
    }
    item
}

/// Server time minus ours in whole seconds. The Date header is cut to seconds, so half a second is added; ours is taken
/// half way through the request.
fn clock_skew(headers: &HeaderMap, before: Timestamp, after: Timestamp) -> Option<i64> {
    let date = headers.get(header::DATE)?.to_str().ok()?;
    let server = jiff::fmt::rfc2822::parse(date).ok()?.timestamp().as_millisecond() + 500;
    let ours = i64::midpoint(before.as_millisecond(), after.as_millisecond());
    Some((server - ours) / 1000)
}

#[cfg(test)]
mod tests;
