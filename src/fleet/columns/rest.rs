//! The columns of everything but pods: one function per printer, cells in kubectl's order, the name first.
//!
//! DaemonSet has no NODE SELECTOR column here: it never changes, and slim objects do not carry it.

use jiff::Timestamp;

use super::age_since;
use crate::base::age;
use crate::base::text::Str;
use crate::target::model::{Condition, CronJob, Job, ReplicaSet, Service, Workload, condition};

/// Width at which kubectl cuts the addresses of a load balancer.
const BALANCER_WIDTH: usize = 16;

/// NAME, READY, UP-TO-DATE, AVAILABLE, AGE.
pub fn deployment(w: &Workload, now: Timestamp) -> [String; 5] {
    [w.meta.name.to_string(), format!("{}/{}", w.ready, w.desired), w.updated.to_string(), w.available.to_string(), age_since(w.meta.created, now)]
}

/// NAME, READY, AGE.
pub fn stateful_set(w: &Workload, now: Timestamp) -> [String; 3] {
    [w.meta.name.to_string(), format!("{}/{}", w.ready, w.desired), age_since(w.meta.created, now)]
}

/// NAME, DESIRED, CURRENT, READY, UP-TO-DATE, AVAILABLE, AGE.
pub fn daemon_set(w: &Workload, now: Timestamp) -> [String; 7] {
    [
        w.meta.name.to_string(),
        w.desired.to_string(),
        w.replicas.to_string(),
        w.ready.to_string(),
        w.updated.to_string(),
        w.available.to_string(),
        age_since(w.meta.created, now),
    ]
}

/// NAME, DESIRED, CURRENT, READY, AGE.
pub fn replica_set(rs: &ReplicaSet, now: Timestamp) -> [String; 5] {
    [rs.meta.name.to_string(), rs.desired.to_string(), rs.replicas.to_string(), rs.ready.to_string(), age_since(rs.meta.created, now)]
}

/// STATUS of a Job.
pub fn job_status(job: &Job) -> &'static str {
    match () {
        () if holds(&job.conditions, "Complete") => "Complete",
        () if holds(&job.conditions, "Failed") => "Failed",
        () if job.meta.deleted.is_some() => "Terminating",
        () if holds(&job.conditions, "Suspended") => "Suspended",
        () if holds(&job.conditions, "FailureTarget") => "FailureTarget",
        () if holds(&job.conditions, "SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    }
}

/// NAME, STATUS, COMPLETIONS, DURATION, AGE.
pub fn job(job: &Job, now: Timestamp) -> [String; 5] {
    let completions = match (job.completions, job.parallelism.unwrap_or(0)) {
        (Some(wanted), _) => format!("{}/{wanted}", job.succeeded),
        (None, parallel @ 2..) => format!("{}/1 of {parallel}", job.succeeded),
        (None, _) => format!("{}/1", job.succeeded),
    };
    let duration = job.started.map_or(String::new(), |start| age::human(job.completed.unwrap_or(now.as_second()) - start));
    [job.meta.name.to_string(), job_status(job).into(), completions, duration, age_since(job.meta.created, now)]
}

/// NAME, SCHEDULE, TIMEZONE, SUSPEND, ACTIVE, LAST SCHEDULE, AGE.
pub fn cron_job(cron: &CronJob, now: Timestamp) -> [String; 7] {
    [
        cron.meta.name.to_string(),
        cron.schedule.to_string(),
        or_none(&cron.time_zone),
        if cron.suspended { "True" } else { "False" }.into(),
        cron.active.to_string(),
        cron.last_schedule.map_or("<none>".into(), |t| age_since(t, now)),
        age_since(cron.meta.created, now),
    ]
}

/// NAME, TYPE, CLUSTER-IP, EXTERNAL-IP, PORT(S), AGE.
pub fn service(s: &Service, now: Timestamp) -> [String; 6] {
    let ports: Vec<String> = s
        .ports
        .iter()
        .map(|p| match p.node_port {
            Some(node @ 1..) => format!("{}:{node}/{}", p.port, p.protocol),
            _ => format!("{}/{}", p.port, p.protocol),
        })
        .collect();
    [s.meta.name.to_string(), s.kind.to_string(), or_none(&s.cluster_ip), external(s), or_none(&ports.join(",")), age_since(s.meta.created, now)]
}

fn external(s: &Service) -> String {
    let joined = |parts: &[Str]| parts.join(",");
    match &*s.kind {
        "ClusterIP" | "NodePort" => or_none(&joined(&s.external_ips)),
        "ExternalName" => s.external_name.to_string(),
        "LoadBalancer" => {
            let mut balancer = joined(&s.balancer);
            if balancer.chars().count() > BALANCER_WIDTH {
                balancer = balancer.chars().take(BALANCER_WIDTH - 3).chain("...".chars()).collect();
            }
            let all: Vec<String> = [balancer, joined(&s.external_ips)].into_iter().filter(|t| !t.is_empty()).collect();
            if all.is_empty() { "<pending>".into() } else { all.join(",") }
        }
        _ => "<unknown>".into(),
    }
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "<none>".into() } else { text.to_owned() }
}

fn holds(conditions: &[Condition], kind: &str) -> bool {
    condition(conditions, kind).is_some_and(|c| c.status == Some(true))
}

#[cfg(test)]
mod tests;
