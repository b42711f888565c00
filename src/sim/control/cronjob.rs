//! CronJobs: a Job at its time.
//!
//! Owns schedules, concurrency and how many finished Jobs are kept.

use std::str::FromStr;
use std::sync::Arc;

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use super::{Controller, Work, number, pods};
use crate::sim::api::admit;
use crate::sim::api::kinds::known;
use crate::sim::store::{Entry, Key};
use crate::sim::wire::canon::seconds;
use crate::sim::world::{Task, World};

const COMPONENT: &str = "cronjob-controller";

/// The first time after `after` that a schedule names; `None` when it is malformed or never comes. An unknown zone is UTC.
pub(crate) fn next_run(schedule: &str, zone: Option<&str>, after: Timestamp) -> Option<Timestamp> {
    let zone = zone.and_then(|z| TimeZone::get(z).ok()).unwrap_or(TimeZone::UTC);
    let cron = Cron::from_str(schedule).ok()?;
    cron.find_next_occurrence(&after.to_zoned(zone), false).ok().map(|z| z.timestamp())
}

/// Starts a Job when its time has come, and tidies up.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().cronjobs;
    let Some(entry) = world.store.get(res, key).filter(|e| !e.deleting).cloned() else { return };
    let cron = entry.value();
    tidy(world, &entry, &cron);
    let spec = &cron["spec"];
    if spec["suspend"] == true {
        return;
    }
    let text = |v: &Value| v.as_str().and_then(|t| t.parse::<Timestamp>().ok());
    let last = text(&cron["status"]["lastScheduleTime"])
        .or_else(|| text(&cron["metadata"]["creationTimestamp"]))
        .unwrap_or(world.now);
    let (schedule, zone) = (spec["schedule"].as_str().unwrap_or_default(), spec["timeZone"].as_str());
    let Some(mut due) = next_run(schedule, zone, last) else { return };
    let mut newest = None;
    // Missed times: only the newest counts.
    while due <= world.now {
        newest = Some(due);
        let Some(next) = next_run(schedule, zone, due) else { break };
        due = next;
    }
    if let Some(at) = newest {
        start(world, &entry, &cron, at);
    }
    let wait = std::time::Duration::try_from(due.duration_since(world.now)).unwrap_or_default().mul_f64(world.speed);
    world.after(wait, Task::Reconcile(Work::new(Controller::CronJob, res, key)));
}

/// The Jobs of a CronJob, oldest first.
fn jobs(world: &World, entry: &Entry) -> Vec<(Arc<Entry>, Value)> {
    let children = world.store.children(&entry.uid).into_iter().filter(|e| e.res == known().jobs);
    let mut all: Vec<_> = children.map(|e| (e.clone(), e.value())).collect();
    all.sort_by_key(|(e, v)| (v["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned(), e.key.clone()));
    all
}

fn outcome(job: &Value) -> Option<&str> {
    let conditions = job["status"]["conditions"].as_array()?;
    conditions
        .iter()
        .filter(|c| c["status"] == "True")
        .find_map(|c| c["type"].as_str().filter(|t| matches!(*t, "Complete" | "Failed")))
}

fn start(world: &mut World, entry: &Entry, cron: &Value, at: Timestamp) {
    let res = known().cronjobs;
    let running: Vec<Key> = jobs(world, entry).iter().filter(|(_, j)| outcome(j).is_none()).map(|(e, _)| e.key.clone()).collect();
    match cron["spec"]["concurrencyPolicy"].as_str() {
        Some("Forbid") if !running.is_empty() => {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid".to_owned();
            return world.say(COMPONENT, res, cron, "JobAlreadyActive", message);
        }
        Some("Replace") => running.iter().for_each(|job| super::collector::delete(world, known().jobs, job)),
        _ => {}
    }
    let name = format!("{}-{}", entry.key.name, at.as_second() / 60);
    if world.store.find(known().jobs, &entry.key.namespace, &name).is_none() {
        let job = job_of(world, cron, &name, at);
        world.put(known().jobs, job);
        world.say(COMPONENT, res, cron, "SuccessfulCreate", format!("Created job {name}"));
    }
    world.edit(res, &entry.key, |cron| cron["status"]["lastScheduleTime"] = json!(seconds(at)));
}

/// A Job as the controller makes it at a time.
pub(crate) fn job_of(world: &mut World, cron: &Value, name: &str, at: Timestamp) -> Value {
    let template = &cron["spec"]["jobTemplate"];
    let mut job = json!({"metadata": {"name": name, "namespace": cron["metadata"]["namespace"]}, "spec": template["spec"], "status": {}});
    for field in ["labels", "annotations"] {
        if template["metadata"][field].is_object() {
            job["metadata"][field] = template["metadata"][field].clone();
        }
    }
    job["metadata"]["annotations"]["batch.kubernetes.io/cronjob-scheduled-timestamp"] = json!(seconds(at));
    job["metadata"]["ownerReferences"] = json!([pods::owner_reference(known().cronjobs, cron)]);
    world.born(&mut job);
    job["metadata"]["generation"] = json!(1);
    admit::job(&mut job);
    job
}

/// Notes what runs, says what has finished, and deletes finished Jobs beyond the limits.
fn tidy(world: &mut World, entry: &Entry, cron: &Value) {
    let res = known().cronjobs;
    let all = jobs(world, entry);
    let listed = cron["status"]["active"].as_array().cloned().unwrap_or_default();
    for (job, value) in &all {
        let was_listed = listed.iter().any(|r| r["uid"].as_str() == Some(&*job.uid));
        if let (Some(outcome), true) = (outcome(value), was_listed) {
            let message = format!("Saw completed job: {}, condition: {outcome}", job.key.name);
            world.say(COMPONENT, res, cron, "SawCompletedJob", message);
        }
    }
    let running = all.iter().filter(|(_, j)| outcome(j).is_none());
    let active: Vec<Value> = running
        .map(|(e, _)| json!({"kind": "Job", "namespace": &*e.key.namespace, "name": &*e.key.name, "uid": &*e.uid, "apiVersion": "batch/v1", "resourceVersion": e.revision.to_string()}))
        .collect();
    let known_active: Vec<&Value> = listed.iter().map(|r| &r["uid"]).collect();
    let succeeded = all
        .iter()
        .filter(|(_, j)| outcome(j) == Some("Complete"))
        .filter_map(|(_, j)| j["status"]["completionTime"].as_str())
        .max();
    let succeeded = succeeded.map(str::to_owned);
    let same = active.iter().map(|r| &r["uid"]).collect::<Vec<_>>() == known_active;
    world.edit(res, &entry.key, |cron| {
        if !same {
            match cron["status"].as_object_mut() {
                Some(status) if active.is_empty() => drop(status.shift_remove("active")),
                _ => cron["status"]["active"] = json!(active),
            }
        }
        if let Some(at) = succeeded.filter(|at| cron["status"]["lastSuccessfulTime"].as_str().is_none_or(|old| old < at.as_str())) {
            cron["status"]["lastSuccessfulTime"] = json!(at);
        }
    });
    for (kind, field, otherwise) in [("Complete", "successfulJobsHistoryLimit", 3), ("Failed", "failedJobsHistoryLimit", 1)] {
        let limit = usize::try_from(number(&cron["spec"][field], otherwise)).unwrap_or(0);
        let finished: Vec<Key> = all.iter().filter(|(_, j)| outcome(j) == Some(kind)).map(|(e, _)| e.key.clone()).collect();
        for job in finished.iter().take(finished.len().saturating_sub(limit)) {
            super::collector::delete(world, known().jobs, job);
            world.say(COMPONENT, res, cron, "SuccessfulDelete", format!("Deleted job {}", job.name));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::next_run;

    #[test]
    fn a_schedule_names_its_next_time_in_its_zone() {
        let after = "2026-11-22T14:33:12Z".parse().expect("a time");
        assert_eq!(next_run("0 */6 * * *", None, after).expect("a time").to_string(), "2026-11-22T18:00:00Z");
        assert_eq!(next_run("0 2 * * *", Some("Europe/Madrid"), after).expect("a time").to_string(), "2026-11-23T01:00:00Z");
        assert_eq!(next_run("often", None, after), None);
    }
}
