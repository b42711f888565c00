//! CronJobs: a Job now, the suspension of the schedule, and its end.

use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::manifest::cron_job;
use crate::operator::Operator;

fn nightly<'a>(cluster: &'a Cluster, policy: &str, script: &str) -> (Namespace<'a>, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&cron_job("nightly", policy, script));
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

fn suspended(space: &Namespace<'_>) -> Value {
    space.get("batch/v1", "CronJob", "nightly").unwrap()["spec"]["suspend"].clone()
}

pub(crate) fn a_trigger_runs_one_job_now_as_kubectl_would(cluster: &Cluster) {
    let (space, operator) = nightly(cluster, "Forbid", "sleep 60");
    let watched = Watched { cluster, space: &space, operator: &operator };
    watched.ended("trigger", &operator.run_of("trigger", &["nightly"]).expect("proven", 0));
    let jobs = space.list("batch/v1", "Job");
    let [job] = &jobs[..] else { panic!("one Job: {jobs:#?}") };
    let cron = space.get("batch/v1", "CronJob", "nightly").unwrap();
    assert_eq!(job["metadata"]["annotations"]["cronjob.kubernetes.io/instantiate"], "manual");
    assert_eq!(job["metadata"]["ownerReferences"][0]["uid"], cron["metadata"]["uid"]);
    assert_eq!(job["metadata"]["ownerReferences"][0]["controller"], true);
    assert_eq!(job["metadata"]["labels"]["app"], "nightly", "the template's labels");
    assert_eq!(job["spec"]["template"]["spec"]["containers"][0]["image"], "docker.io/timonel/app:1.0.0");
    assert!(job["metadata"]["labels"]["timonel.io/run"].is_string(), "{job:#}");
    let second = operator.plan_of("trigger", &["nightly"]);
    assert_eq!(second.blocked_by(), ["concurrency"], "one at a time: {:#}", second.value["checks"]);
    let run = operator.run_of("trigger", &["nightly"]).expect("refused", 4);
    watched.ended("trigger: its Job runs, and it allows one at a time", &run);
    assert_eq!(space.list("batch/v1", "Job").len(), 1);
}

pub(crate) fn a_trigger_whose_job_fails_says_so_and_leaves_it_as_a_debt(cluster: &Cluster) {
    let (space, operator) = nightly(cluster, "Allow", "exit 3");
    let run = operator.run_of("trigger", &["nightly"]).expect("failed-with-debts", 2);
    assert!(run.end()["reason"].as_str().unwrap().contains("BackoffLimitExceeded"), "{:#}", run.end());
    assert!(run.end()["debts"][0]["pay"].as_str().unwrap().contains("delete job/"), "{:#}", run.end());
    assert_eq!(space.list("batch/v1", "Job").len(), 1);
    Watched { cluster, space: &space, operator: &operator }.ended("trigger: its Job fails", &run);
}

pub(crate) fn a_suspension_is_a_debt_until_it_is_resumed(cluster: &Cluster) {
    let (space, operator) = nightly(cluster, "Allow", "exit 0");
    let run = operator.run_of("suspend", &["nightly"]).expect("proven", 0);
    assert_eq!(run.end()["debts"].as_array().unwrap().len(), 1, "{:#}", run.end());
    assert_eq!(suspended(&space), true);
    let again = operator.plan_of("suspend", &["nightly"]);
    assert_eq!((again.code, again.blocked_by()), (Some(4), vec!["suspended"]));
    // One Job by hand is another matter than the schedule.
    operator.run_of("trigger", &["nightly"]).expect("proven", 0);
    operator.run_of("resume", &["cronjob/nightly"]).expect("proven", 0);
    assert_eq!(suspended(&space), false);
}

pub(crate) fn a_plan_is_stale_when_the_template_of_the_jobs_changed_meanwhile(cluster: &Cluster) {
    let (space, operator) = nightly(cluster, "Allow", "exit 0");
    let planned = operator.plan_of("trigger", &["nightly"]);
    let hash = planned.text("/hash").to_owned();
    space.patch("batch/v1", "CronJob", "nightly", &json!({"spec": {"jobTemplate": {"spec": {"backoffLimit": 2}}}}));
    operator.call(&["run", "trigger", "nightly", "--plan", &hash, "--confirm", "y"]).exits(4);
    assert!(space.list("batch/v1", "Job").is_empty());
}

pub(crate) fn a_viewer_triggers_and_suspends_nothing(cluster: &Cluster) {
    let (space, _) = nightly(cluster, "Allow", "exit 0");
    let viewer = Operator::new(cluster, "viewer", &space);
    let plan = viewer.plan_of("trigger", &["nightly"]);
    assert!(plan.blocked_by().contains(&"rbac:create jobs"), "{:?}", plan.blocked_by());
    viewer.run_of("trigger", &["nightly"]).expect("refused", 4);
    let plan = viewer.plan_of("suspend", &["nightly"]);
    assert!(plan.blocked_by().contains(&"rbac:patch cronjobs"), "{:?}", plan.blocked_by());
    viewer.run_of("suspend", &["nightly"]).expect("refused", 4);
    assert!(space.list("batch/v1", "Job").is_empty());
    assert_ne!(suspended(&space), true);
}
