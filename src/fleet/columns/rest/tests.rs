//! The cases of TestPrintJob, TestPrintService, TestPrintServiceLoadBalancer and their like (Kubernetes 1.36.3).

use super::{cron_job, daemon_set, deployment, job, replica_set, service, stateful_set};
use crate::base::text::Str;
use crate::fleet::testing::{NOW, condition, meta, now, replica_set as rs, workload};
use crate::target::model::{CronJob, Job, Kind, Selector, Service, ServicePort, Workload};

fn a_job() -> Job {
    Job {
        meta: meta("job1"),
        suspended: false,
        completions: None,
        parallelism: None,
        active: 0,
        ready: 0,
        succeeded: 0,
        failed: 0,
        started: None,
        completed: None,
        conditions: [].into(),
        selector: Selector::default(),
        template: [].into(),
    }
}

#[test]
fn a_job_reads_as_kubectl_prints_it() {
    let with = |change: &dyn Fn(&mut Job)| {
        let mut job = a_job();
        change(&mut job);
        job
    };
    for (job_, status, completions, duration) in [
        (with(&|j| (j.completions, j.succeeded) = (Some(2), 1)), "Running", "1/2", ""),
        (with(&|j| j.parallelism = Some(3)), "Running", "0/1 of 3", ""),
        (with(&|j| j.parallelism = Some(1)), "Running", "0/1", ""),
        (with(&|j| (j.started, j.completed) = (Some(NOW + 60), Some(NOW + 31 * 60))), "Running", "0/1", "30m"),
        (with(&|j| j.started = Some(NOW - 20 * 60)), "Running", "0/1", "20m"),
        (with(&|j| j.conditions = [condition("Complete", true)].into()), "Complete", "0/1", ""),
        (with(&|j| j.conditions = [condition("Failed", true)].into()), "Failed", "0/1", ""),
        (with(&|j| j.conditions = [condition("Suspended", true)].into()), "Suspended", "0/1", ""),
        (with(&|j| j.conditions = [condition("Suspended", false)].into()), "Running", "0/1", ""),
        (with(&|j| j.conditions = [condition("FailureTarget", true)].into()), "FailureTarget", "0/1", ""),
        (with(&|j| j.conditions = [condition("SuccessCriteriaMet", true)].into()), "SuccessCriteriaMet", "0/1", ""),
        (with(&|j| j.meta.deleted = Some(NOW)), "Terminating", "0/1", ""),
    ] {
        let [_, got_status, got_completions, got_duration, age] = job(&job_, now());
        assert_eq!((&*got_status, &*got_completions, &*got_duration, &*age), (status, completions, duration, "24h"));
    }
}

fn a_service(kind: &str, external: &[&str], balancer: &[&str], ports: &[(i32, Option<i32>, &str)]) -> Service {
    let shared = |list: &[&str]| list.iter().map(|t| Str::from(*t)).collect();
    let port = |(port, node_port, protocol): &(i32, Option<i32>, &str)| ServicePort {
        name: "".into(),
        port: *port,
        target: "".into(),
        protocol: (*protocol).into(),
        node_port: *node_port,
    };
    Service {
        meta: meta("s"),
        kind: kind.into(),
        selector: Selector::default(),
        ports: ports.iter().map(port).collect(),
        cluster_ip: if kind == "ExternalName" { "" } else { "10.9.8.7" }.into(),
        external_ips: shared(external),
        balancer: shared(balancer),
        external_name: if kind == "ExternalName" { "my.database.example.com" } else { "" }.into(),
    }
}

#[test]
fn a_service_reads_as_kubectl_prints_it() {
    for (service_, address, external, ports) in [
        (a_service("ClusterIP", &[], &[], &[(2233, None, "TCP")]), "10.9.8.7", "<none>", "2233/TCP"),
        (a_service("ClusterIP", &["80.11.12.10"], &[], &[(80, None, "TCP")]), "10.9.8.7", "80.11.12.10", "80/TCP"),
        (a_service("NodePort", &[], &[], &[(8888, Some(9999), "TCP")]), "10.9.8.7", "<none>", "8888:9999/TCP"),
        (a_service("LoadBalancer", &[], &[], &[(80, None, "TCP"), (90, None, "UDP")]), "10.9.8.7", "<pending>", "80/TCP,90/UDP"),
        (
            a_service("LoadBalancer", &["80.11.12.10"], &["3.4.5.6"], &[(80, None, "TCP")]),
            "10.9.8.7",
            "3.4.5.6,80.11.12.10",
            "80/TCP",
        ),
        (a_service("LoadBalancer", &[], &["2.3.4.5", "3.4.5.6"], &[(80, None, "TCP")]), "10.9.8.7", "2.3.4.5,3.4.5.6", "80/TCP"),
        (
            a_service("LoadBalancer", &[], &["2.3.4.5", "3.4.5.6", "5.6.7.8"], &[(80, None, "TCP")]),
            "10.9.8.7",
            "2.3.4.5,3.4.5...",
            "80/TCP",
        ),
        (a_service("ExternalName", &[], &[], &[]), "<none>", "my.database.example.com", "<none>"),
    ] {
        let [_, kind, got_address, got_external, got_ports, _] = service(&service_, now());
        assert_eq!((&*got_address, &*got_external, &*got_ports), (address, external, ports), "{kind}");
    }
}

#[test]
fn workloads_read_as_kubectl_prints_them() {
    let partly = |kind| Workload { desired: 5, replicas: 4, ready: 3, updated: 2, available: 1, ..workload(kind, "w", 5) };
    assert_eq!(deployment(&partly(Kind::Deployment), now()), ["w", "3/5", "2", "1", "24h"]);
    assert_eq!(stateful_set(&partly(Kind::StatefulSet), now()), ["w", "3/5", "24h"]);
    assert_eq!(daemon_set(&partly(Kind::DaemonSet), now()), ["w", "5", "4", "3", "2", "1", "24h"]);
    assert_eq!(replica_set(&rs("w", "abc", 1, 3), now()), ["w-abc", "3", "3", "3", "24h"]);
}

#[test]
fn a_cron_job_reads_as_kubectl_prints_it() {
    let mut cron = CronJob {
        meta: meta("c"),
        schedule: "0/5 * * * ?".into(),
        time_zone: "".into(),
        suspended: false,
        concurrency: "Allow".into(),
        starting_deadline: None,
        active: 0,
        last_schedule: None,
        last_success: None,
        template: [].into(),
    };
    assert_eq!(cron_job(&cron, now()), ["c", "0/5 * * * ?", "<none>", "False", "0", "<none>", "24h"]);
    (cron.time_zone, cron.suspended, cron.active, cron.last_schedule) = ("Europe/Madrid".into(), true, 2, Some(NOW - 30));
    assert_eq!(cron_job(&cron, now()), ["c", "0/5 * * * ?", "Europe/Madrid", "True", "2", "30s", "24h"]);
}
