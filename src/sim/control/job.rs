//! Jobs: pods that end.
//!
//! Owns completions, retries with back-off, and what becomes of a finished Job.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Controller, Work, number, pods};
use crate::sim::api::kinds::known;
use crate::sim::store::{Entry, Key};
use crate::sim::world::{Task, World};

const COMPONENT: &str = "job-controller";
const COMPLETED: &str = "Reached expected number of succeeded pods";

/// Counts what has ended, makes what is missing, and says when it is over.
pub(super) fn reconcile(world: &mut World, key: &Key) {
    let res = known().jobs;
    let Some(entry) = world.store.get(res, key).filter(|e| !e.deleting).cloned() else { return };
    let job = entry.value();
    if let Some(finished) = finished_at(&job) {
        return expire(world, key, &job, &finished);
    }
    let all = pods::of(world, &entry.uid);
    let of_phase = |phase: &str| all.iter().filter(|(_, p)| p["status"]["phase"] == phase).count() as i64;
    let (succeeded, failed) = (of_phase("Succeeded"), of_phase("Failed"));
    let active: Vec<&(Arc<Entry>, Value)> = all.iter().filter(|(e, p)| !e.deleting && !pods::has_ended(p)).collect();
    let spec = &job["spec"];
    let wanted = number(&spec["completions"], 1);
    if spec["suspend"] == true {
        let pods: Vec<Key> = active.iter().map(|(e, _)| e.key.clone()).collect();
        for pod in pods {
            pods::terminate(world, &pod, None);
        }
        return status(world, key, &job, (0, succeeded, failed), Some(("Suspended", "JobSuspended", "Job suspended")));
    }
    let overdue = spec["activeDeadlineSeconds"].as_u64().zip(started(&job)).is_some_and(|(deadline, start)| {
        let start = start.parse().unwrap_or(world.now);
        world.life_since(start) >= Duration::from_secs(deadline)
    });
    // With restartPolicy OnFailure the restarts of a container count.
    let restarts: i64 = all
        .iter()
        .flat_map(|(_, p)| p["status"]["containerStatuses"].as_array().into_iter().flatten())
        .map(|c| number(&c["restartCount"], 0))
        .sum();
    let outcome = if succeeded >= wanted {
        Some(("Complete", "CompletionsReached", COMPLETED))
    } else if overdue {
        Some(("Failed", "DeadlineExceeded", "Job was active longer than specified deadline"))
    } else if failed + restarts > number(&spec["backoffLimit"], 6) {
        Some(("Failed", "BackoffLimitExceeded", "Job has reached the specified backoff limit"))
    } else {
        None
    };
    if let Some((kind, reason, message)) = outcome {
        return finish(world, key, &job, &active, (succeeded, failed), (kind, reason, message));
    }
    let room = number(&spec["parallelism"], 1).min(wanted - succeeded) - active.len() as i64;
    let count = active.len() as i64;
    make(world, key, &job, room, failed);
    status(world, key, &job, (count + room.max(0), succeeded, failed), None);
}

fn make(world: &mut World, key: &Key, job: &Value, room: i64, failed: i64) {
    let res = known().jobs;
    // After a failure the next pod waits: 10 s, doubled each time.
    if failed > 0 && room > 0 {
        let wait = Duration::from_secs((10u64 << failed.clamp(1, 6).unsigned_abs().saturating_sub(1)).min(360));
        match world.notes.retries.get(key).copied() {
            Some((after, at)) if after == failed => {
                if world.now < at {
                    return;
                }
            }
            _ => {
                let at = world.now.checked_add(world.scaled(wait)).unwrap_or(world.now);
                world.notes.retries.insert(key.clone(), (failed, at));
                world.after(wait, Task::Reconcile(Work::new(Controller::Job, res, key)));
                return;
            }
        }
    }
    for _ in 0..room.max(0) {
        let name = format!("{}-", key.name);
        let pod = pods::new_pod(world, res, job, &job["spec"]["template"], &name);
        pods::create(world, COMPONENT, res, job, pod);
    }
}

fn started(job: &Value) -> Option<&str> {
    job["status"]["startTime"].as_str()
}

fn finished_at(job: &Value) -> Option<String> {
    let conditions = job["status"]["conditions"].as_array()?;
    let done = conditions
        .iter()
        .find(|c| matches!(c["type"].as_str(), Some("Complete" | "Failed")) && c["status"] == "True")?;
    Some(done["lastTransitionTime"].as_str().unwrap_or_default().to_owned())
}

fn condition(kind: &str, reason: &str, message: &str, now: &str) -> Value {
    json!({"type": kind, "status": "True", "lastProbeTime": now, "lastTransitionTime": now, "reason": reason, "message": message})
}

fn finish(
    world: &mut World,
    key: &Key,
    job: &Value,
    active: &[&(Arc<Entry>, Value)],
    (succeeded, failed): (i64, i64),
    (kind, reason, message): (&str, &'static str, &str),
) {
    let res = known().jobs;
    for (pod, _) in active {
        let pod = pod.key.clone();
        pods::terminate(world, &pod, None);
    }
    let complete = kind == "Complete";
    if complete {
        world.say(COMPONENT, res, job, "Completed", "Job completed".to_owned());
    } else {
        world.warn(COMPONENT, res, job, reason, message.to_owned());
    }
    let now = world.stamp();
    world.notes.retries.remove(key);
    world.edit(res, key, |job| {
        let first = if complete { "SuccessCriteriaMet" } else { "FailureTarget" };
        job["status"]["conditions"] = json!([condition(first, reason, message, &now), condition(kind, reason, message, &now)]);
        counts(job, (0, succeeded, failed), 0);
        if complete {
            job["status"]["completionTime"] = json!(now);
        }
    });
    world.enqueue(Work::new(Controller::Job, res, key));
}

fn counts(job: &mut Value, (active, succeeded, failed): (i64, i64, i64), ready: i64) {
    if let Some(status) = job["status"].as_object_mut() {
        for (field, n) in [("active", active), ("succeeded", succeeded), ("failed", failed)] {
            status.shift_remove(field);
            if n > 0 {
                status.insert(field.to_owned(), json!(n));
            }
        }
        status.insert("terminating".to_owned(), json!(0));
        status.insert("uncountedTerminatedPods".to_owned(), json!({}));
        status.insert("ready".to_owned(), json!(ready));
    }
}

fn status(world: &mut World, key: &Key, job: &Value, numbers: (i64, i64, i64), suspended: Option<(&str, &str, &str)>) {
    let res = known().jobs;
    let uid = job["metadata"]["uid"].as_str().unwrap_or_default();
    let ready = pods::active(world, uid).iter().filter(|(_, p)| pods::ready_since(p).is_some()).count() as i64;
    let now = world.stamp();
    world.edit(res, key, |job| {
        if !job["status"].is_object() {
            job["status"] = json!({});
        }
        let is = job["status"]["conditions"][0]["type"] == "Suspended" && job["status"]["conditions"][0]["status"] == "True";
        match suspended {
            Some((kind, reason, message)) if !is => job["status"]["conditions"] = json!([condition(kind, reason, message, &now)]),
            None if is => {
                job["status"]["conditions"][0]["status"] = json!("False");
                job["status"]["conditions"][0]["reason"] = json!("JobResumed");
                job["status"]["conditions"][0]["message"] = json!("Job resumed");
            }
            _ => {}
        }
        if suspended.is_none() && started(job).is_none() {
            job["status"]["startTime"] = json!(now);
        }
        counts(job, numbers, ready);
    });
}

/// A finished Job goes when its time to live is over.
fn expire(world: &mut World, key: &Key, job: &Value, finished: &str) {
    let Some(ttl) = job["spec"]["ttlSecondsAfterFinished"].as_u64().map(Duration::from_secs) else { return };
    let age = world.life_since(finished.parse().unwrap_or(world.now));
    if age >= ttl {
        super::collector::delete(world, known().jobs, key);
    } else {
        world.after(ttl.saturating_sub(age), Task::Reconcile(Work::new(Controller::Job, known().jobs, key)));
    }
}
