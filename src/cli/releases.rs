//! `timonel releases`: the release history.
//!
//! Owns how it is printed. Revisions are `release`'s.

use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, cluster, status};
use crate::base::age;
use crate::base::problem::did_you_mean;
use crate::fleet::{Fleet, WorkloadKey};
use crate::release::{self, ReleaseAnswer, Revision, Unexplained};
use crate::target::model::Kind;

/// `timonel.releases/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    target: status::StatusTarget,
    releases: Vec<ReleaseAnswer>,
}

/// `timonel releases [WORKLOAD]`.
pub(super) fn run(global: &Global, workload: Option<&str>, file: &ServiceFile, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, file)?;
    let (client, seen) = cluster::within(global.timeout, async {
        let client = cluster::open(&booted).await?;
        let mut seen = status::look(&client, &booted).await?;
        if let Some(name) = workload {
            let asked = resolve(name, &workloads(&seen.fleet)).ok().and_then(|key| unexplained(&seen.fleet, &key));
            status::explain(&client, &mut seen.fleet, asked.into_iter().collect()).await;
        }
        Ok((client, seen))
    })?;
    let now = booted.clock.now();
    let all = workloads(&seen.fleet);
    let wanted: Vec<WorkloadKey> = match workload {
        None => all,
        Some(name) => vec![resolve(name, &all)?],
    };
    let found: Vec<(WorkloadKey, Vec<Revision>)> = wanted.into_iter().map(|key| (key.clone(), release::history(&seen.fleet, &key))).collect();
    let judge = |key: &WorkloadKey, r: &Revision| (!r.current).then(|| seen.judge(key, r, now)).flatten();
    if printer.output() != Output::Table {
        let target = status::target(client.opened(), &seen);
        let releases = found
            .iter()
            .flat_map(|(key, revisions)| revisions.iter().map(|r| ReleaseAnswer::of(key, r, judge(key, r).as_ref())))
            .collect();
        printer.value(&Answer { schema: "timonel.releases/1", taken_at: now, target, releases })?;
        return Ok(Exit::OK);
    }
    let rows: Vec<Vec<String>> = found
        .iter()
        .flat_map(|(key, revisions)| revisions.iter().map(move |r| (key, r)))
        .map(|(key, r)| {
            let at =
                r.at.and_then(|s| jiff::Timestamp::from_second(s).ok())
                    .map_or_else(|| "?".to_owned(), |at| age::coarse(at, now));
            let mark = if r.current { "*" } else { "" };
            vec![
                key.id(),
                format!("{}{mark}", r.number),
                at,
                r.version().unwrap_or_default(),
                judge(key, r).map_or_else(String::new, |j| j.verdict.text().to_owned()),
                r.by.text().unwrap_or_else(|| "unknown".to_owned()),
                r.cause.as_deref().unwrap_or_default().to_owned(),
            ]
        })
        .collect();
    printer.table(&["WORKLOAD", "REVISION", "AGE", "VERSION", "BACK", "BY", "CHANGE CAUSE"], &rows)?;
    for (key, revision) in found.iter().flat_map(|(key, revisions)| revisions.iter().map(move |r| (key, r))) {
        if let Some(judged) = judge(key, revision) {
            printer.line(&format!("back to {}: {}", revision.number, judged.words()))?;
        }
    }
    Ok(Exit::OK)
}

pub(super) fn workloads(fleet: &Fleet) -> Vec<WorkloadKey> {
    fleet.rows().filter(|r| r.key.kind.kind().is_some_and(Kind::is_workload)).map(|r| (*r.key).clone()).collect()
}

fn unexplained(fleet: &Fleet, key: &WorkloadKey) -> Option<Unexplained> {
    let object = key.object()?;
    Unexplained::of(fleet, fleet.workload(object.kind, &object.namespace, &object.name)?)
}

/// `[KIND/]NAME` among the workloads that are seen.
fn resolve(text: &str, all: &[WorkloadKey]) -> Result<WorkloadKey, Failure> {
    let (kind, name) = text.split_once('/').map_or((None, text), |(k, n)| (Some(k), n));
    let kind = kind.map(|k| Kind::parse(k).ok_or_else(|| Failure::usage(format!("there is no kind '{k}'")))).transpose()?;
    let matching: Vec<&WorkloadKey> = all.iter().filter(|key| *key.name == *name && kind.is_none_or(|k| key.kind.kind() == Some(k))).collect();
    match matching.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let failure = Failure::usage(format!("there is no workload '{text}'"));
            Err(match did_you_mean(name, all.iter().map(|k| &*k.name)) {
                Some(close) => failure.hint(format!("did you mean '{close}'?")),
                None => failure,
            })
        }
        several => Err(Failure::usage(format!("'{text}' is ambiguous")).hint(several.iter().map(|k| k.id()).collect::<Vec<_>>().join(", "))),
    }
}
