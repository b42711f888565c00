//! Nodes and pods that are only played: kwok, for thousands of pods on two cores.

use std::fs;
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};

use super::control::{Flags, answers};
use super::ports::Ports;
use super::process::Process;

/// How the played pods and nodes behave.
const STAGES: &str = include_str!("../stages.yaml");

/// Starts kwok for the nodes that carry its annotation; every other node is left to its kubelet.
pub(crate) fn kwok(program: &Path, folder: &Path, ports: &Ports) -> Result<Process, String> {
    fs::write(folder.join("stages.yaml"), STAGES).map_err(|error| error.to_string())?;
    let command = Flags::of(program).with(&format!(
        "kubeconfig={folder}/admin.kubeconfig config={folder}/stages.yaml manage-all-nodes=false
         manage-nodes-with-annotation-selector=kwok.x-k8s.io/node=fake node-ip=127.0.0.1 node-name=localhost node-port={port}
         server-address=127.0.0.1:{port} tls-cert-file={folder}/kubelet.crt tls-private-key-file={folder}/kubelet.key
         node-lease-duration-seconds=200",
        folder = folder.display(),
        port = ports.kwok,
    ));
    let mut process = Process::start("kwok", command, folder)?;
    process.wait_until("opened its port", Duration::from_mins(1), || answers(ports.kwok))?;
    Ok(process)
}

/// Manifests for `pods` played pods, ten to a Deployment, over ten namespaces, on nodes of 500: with the environment variables, probes,
/// volumes and sidecar that make a pod as large as it is in life.
pub(crate) fn load(pods: usize) -> Vec<Value> {
    let nodes = (0..pods.div_ceil(500)).map(|n| {
        json!({"apiVersion": "v1", "kind": "Node",
            "metadata": {"name": format!("node-{n}"), "annotations": {"kwok.x-k8s.io/node": "fake"},
                "labels": {"kubernetes.io/hostname": format!("node-{n}"), "kubernetes.io/os": "linux", "type": "played"}},
            "status": {"allocatable": {"cpu": "640", "memory": "2560Gi", "pods": "2000"},
                "capacity": {"cpu": "640", "memory": "2560Gi", "pods": "2000"}}})
    });
    let namespaces = (0..10).map(|n| json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": format!("load-{n}")}}));
    nodes.chain(namespaces).chain((0..pods.div_ceil(10)).map(deployment)).collect()
}

fn deployment(number: usize) -> Value {
    let (name, namespace) = (format!("svc-{number:04}"), format!("load-{}", number % 10));
    let variables: Vec<Value> = (0..20)
        .map(|k| json!({"name": format!("VAR_{k}"), "value": format!("value-{k}-{}", "x".repeat(40))}))
        .collect();
    let probe = json!({"httpGet": {"path": "/health", "port": 8000}});
    json!({"apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
        "spec": {"replicas": 10, "selector": {"matchLabels": {"app": name}},
            "strategy": {"rollingUpdate": {"maxSurge": "100%", "maxUnavailable": "100%"}},
            "template": {
                "metadata": {"labels": {"app": name, "app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "load", "tier": "backend", "version": "v1"},
                    "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": "8000", "checksum/config": "9f86d081884c7d659a2feaa0c55ad015"}},
                "spec": {"terminationGracePeriodSeconds": 0, "nodeSelector": {"type": "played"},
                    "containers": [
                        {"name": "app", "image": format!("registry.example.com/team/{name}:1.{number}.0"), "ports": [{"containerPort": 8000}],
                            "env": variables, "readinessProbe": probe, "livenessProbe": probe,
                            "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}, "limits": {"memory": "256Mi"}},
                            "volumeMounts": [{"name": "config", "mountPath": "/etc/app"}]},
                        {"name": "sidecar", "image": "registry.example.com/mesh/proxy:2.3.4", "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}}}],
                    "volumes": [{"name": "config", "emptyDir": {}}]}}}})
}
