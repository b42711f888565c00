//! What is told when there are metrics, none, or none for us.

use tokio::sync::mpsc;

use super::poll;
use crate::target::api::ErrorKind;
use crate::target::event::TargetEvent;
use crate::target::kubernetes::streams::{Beat, Pulse};
use crate::target::kubernetes::testing::{Server, Step, answer, status};
use crate::target::model::{Scope, Usage};

/// The first events of a poll; requests for pods and nodes come in any order, so both get the same answer.
async fn told(script: Vec<Step>, count: usize) -> Vec<TargetEvent> {
    let server = Server::start(vec![script]).await;
    let (send, mut receive) = mpsc::channel(8);
    let polling = tokio::spawn(poll(server.client().await, vec![Scope::Cluster], Pulse::new(Beat::default()), send));
    let mut all = Vec::new();
    while all.len() < count {
        all.push(receive.recv().await.expect("an event"));
    }
    polling.abort();
    all
}

#[tokio::test]
async fn usage_is_rounded_as_kubectl_rounds_it() {
    let items = r#"{"items":[{"metadata":{"name":"a-1","namespace":"shop"},"usage":{"cpu":"12345678n","memory":"2048Ki"},
        "containers":[{"name":"api","usage":{"cpu":"12345678n","memory":"20480Ki"}},{"name":"odd","usage":{"cpu":"much"}}]}]}"#;
    let all = told(vec![answer("200 OK", items)], 2).await;
    let [TargetEvent::PodMetrics { pods, .. }, TargetEvent::NodeMetrics(nodes)] = &all[..] else { panic!("{all:?}") };
    let containers: Vec<_> = pods[0].containers.iter().map(|(name, usage)| (&**name, *usage)).collect();
    assert_eq!(containers, [("api", Usage { cpu_milli: 13, memory: 20_971_520 }), ("odd", Usage { cpu_milli: 0, memory: 0 })]);
    assert_eq!((&*pods[0].namespace, &*nodes[0].node.name, nodes[0].usage.memory), ("shop", "a-1", 2_097_152));
}

#[tokio::test]
async fn a_cluster_without_metrics_is_told_so_once_and_never_zero() {
    let all = told(vec![answer("404 Not Found", "404 page not found")], 2).await;
    let [TargetEvent::Problem(problem), TargetEvent::NoMetrics { kind: ErrorKind::NotFound, .. }] = &all[..] else { panic!("{all:?}") };
    assert_eq!(problem.id, "metrics:pods");
}

#[tokio::test]
async fn a_missing_right_names_its_rule() {
    let all = told(vec![answer("403 Forbidden", &status(403, "Forbidden", "no"))], 2).await;
    let [TargetEvent::Problem(problem), TargetEvent::NoMetrics { kind: ErrorKind::Forbidden, .. }] = &all[..] else { panic!("{all:?}") };
    assert!(
        problem
            .hint
            .as_deref()
            .is_some_and(|h| h.contains(r#"apiGroups: ["metrics.k8s.io"], resources: ["pods"], verbs: ["get", "list"]"#))
    );
}
