//! What the Job of an inspection or a migration says, at the end of its log.
//!
//! Owns where it is read and when it counts. It comes from a container: the room `migrate` cleans and bounds it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::job::Asked;
use super::judge;
use crate::base::text::clean;
use crate::migrate::inspection::{self, Inspection, NoAnswer};
use crate::migrate::sql::without_values;
use crate::run::facts::{items, text};
use crate::run::job;
use crate::run::plan::Plan;
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::{Kind, Object, ObjectRef, Scope};

/// What a Job said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::run) struct Said {
    /// Image and database, at the end of the Job.
    pub inspection: Inspection,
    /// Why a migration did not come to its end.
    pub failure: Option<Failure>,
    /// The digest of the image that ran; empty = not known.
    pub digest: String,
    /// A registry has it under that digest.
    pub pulled: bool,
    /// When it had said it, by the clock of its node.
    pub at: Option<Timestamp>,
}

/// Why a migration did not come to its end.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Failure {
    /// The error.
    pub why: String,
    /// The statement that failed, where the tool tells; else empty.
    #[serde(default)]
    pub statement: String,
}

/// What an image and a database said of each other, when, and who asked: an entry of the record of releases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen {
    /// The names that the image was asked under, the newest first.
    pub images: Vec<String>,
    /// Its digest; empty = not known.
    pub digest: String,
    /// A registry has it under that digest.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub pulled: bool,
    /// When it answered, as its node says: whoever reads it may do so days later.
    pub at: Timestamp,
    /// The run that asked.
    pub run: String,
    /// Whose run that was: `user@host`.
    pub by: String,
    /// The versions of what its workload's pod template refers to at that time, as far as they could be seen.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub settings: BTreeMap<String, String>,
    /// The answer.
    pub inspection: Inspection,
}

/// What these pods of a Job said. `Err` when nothing can be read; the inner one when what is read is no answer.
pub(in crate::run) async fn said(read: &dyn Read, namespace: &str, pods: &[Value], asked: &Asked) -> Result<Result<Said, NoAnswer>, TargetError> {
    // The newest: a Job makes one only, unless its node was lost.
    let Some(pod) = pods.iter().max_by_key(|pod| text(pod, "/metadata/creationTimestamp")) else {
        return Ok(Err(NoAnswer::Unreadable));
    };
    let name = ObjectRef::new(Kind::Pod, namespace, text(pod, "/metadata/name").as_str());
    let printed = read.log(&name, &text(pod, "/spec/containers/0/name")).await?;
    let status = items(pod, "/status/containerStatuses").next().unwrap_or(&Value::Null);
    let id = text(status, "/imageID");
    let digest = id.rsplit_once("sha256:").map(|(_, hex)| format!("sha256:{hex}")).unwrap_or_default();
    // Of what no registry has, it is the image's own.
    let pulled = id.contains("@sha256:");
    let at = text(status, "/state/terminated/finishedAt").parse().ok();
    let migration = &asked.migration;
    let read = inspection::read(&printed, migration.tool, &migration.destructive);
    Ok(read.map(|inspection| Said { inspection, failure: failure(&printed), digest, pulled, at }))
}

/// The last line of a Job that is under way, in the words of our own script.
pub(in crate::run) fn progress(printed: &str) -> Option<String> {
    let line = printed.lines().rev().find_map(|line| line.strip_prefix("timonel: "))?;
    Some(clean(line).chars().take(120).collect())
}

fn failure(printed: &str) -> Option<Failure> {
    let value: Value = serde_json::from_str(&inspection::text(printed)?).ok()?;
    let failure: Failure = serde_json::from_value(value.get("failure")?.clone()).ok()?;
    Some(Failure { why: clean(&failure.why).into_owned(), statement: clean(&without_values(&failure.statement)).into_owned() })
}

impl Failure {
    /// In words.
    pub(in crate::run) fn words(&self) -> String {
        if self.statement.is_empty() { self.why.clone() } else { format!("{} at {}", self.why, self.statement) }
    }
}

impl Seen {
    /// What that Job of a run said; `now` is when that is read.
    pub(in crate::run) async fn read(read: &dyn Read, plan: &Plan, job: &ObjectRef, asked: &Asked, now: Timestamp) -> Result<Self, TargetError> {
        let pods = job::pods(read, &plan.id, job).await?;
        let said = said(read, &job.namespace, &pods, asked).await?;
        let said = said.map_err(|none| TargetError::new(ErrorKind::NotFound, none.to_string()))?;
        let made = pods.iter().filter_map(|pod| text(pod, "/metadata/creationTimestamp").parse().ok()).max();
        // Where nobody says when it ended, it is as old as its pod: never newer than it is.
        let at = said.at.or(made).unwrap_or(now);
        let operator = &plan.inner.operator;
        let workload = &asked.migration.workload;
        let workload = ObjectRef::new(workload.kind, job.namespace.clone(), workload.name.as_str());
        let settings = Box::pin(settings(read, &workload)).await;
        Ok(Self {
            images: vec![asked.image.clone()],
            digest: said.digest,
            pulled: said.pulled,
            at,
            run: plan.id.clone(),
            by: format!("{}@{}", operator.user, operator.host),
            settings,
            inspection: said.inspection,
        })
    }
}

/// What the workload refers to, each with its version: their metadata alone is read, and where that may not be, nothing is known.
async fn settings(read: &dyn Read, workload: &ObjectRef) -> BTreeMap<String, String> {
    let scope = Scope::Namespace(workload.namespace.clone());
    let (workload, maps, secrets) =
        futures_util::join!(read.get(workload, ""), read.list_slim(Kind::ConfigMap, &scope), read.list_slim(Kind::Secret, &scope));
    let all: Vec<Object> = [maps, secrets].into_iter().filter_map(Result::ok).flatten().collect();
    let of = |kind: Kind, name: &str| {
        let object = all.iter().find(|o| o.reference().kind == kind && *o.meta().name == *name)?;
        Some(judge::version(&object.meta().uid, object.meta().resource_version))
    };
    let template = workload.ok().and_then(|raw| raw.pointer("/spec/template").cloned()).unwrap_or_default();
    judge::settings(&template, of)
}
