//! The rules of good operation that only the living objects of a service can be held against.
//!
//! Owns them, each with the name of the trap that it keeps people out of; those of the declared Prometheus are beside it. Pure. Values of
//! variables are never repeated.

mod alerts;
mod policy;

use serde_json::Value;

use super::found::Findings;
use super::live::Live;
use super::resolve::{containers, kind_of, pod_spec};
use crate::service::{Service, Workload};
use crate::target::model::Kind;

/// Words at the end of a variable's name that say that it holds a secret.
const SECRET: [&str; 8] = ["PASSWORD", "SECRET", "TOKEN", "API_KEY", "SECRET_KEY", "DATABASE_URL", "REDIS_URL", "RABBITMQ_URL"];
/// What people write where a secret is to come.
const PLACEHOLDERS: [&str; 5] = ["CHANGE_ME", "CHANGEME", "SET_YOUR", "user:pass@", "<secret>"];

/// A workload of the file with its object.
struct Subject<'a> {
    workload: &'a Workload,
    kind: Kind,
    namespace: &'a str,
    object: &'a Value,
}

impl Subject<'_> {
    fn replicas(&self) -> i64 {
        self.object["spec"]["replicas"].as_i64().unwrap_or(1)
    }

    fn labels(&self) -> &Value {
        &self.object["spec"]["template"]["metadata"]["labels"]
    }

    fn all_containers(&self) -> impl Iterator<Item = &Value> {
        let spec = pod_spec(self.object);
        ["initContainers", "containers"].into_iter().flat_map(|list| containers(spec, list))
    }
}

/// Holds the objects of the service against every rule.
pub(super) fn hold(service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    for workload in &service.workloads {
        let (Some(kind), Some(name)) = (kind_of(workload), workload.name.as_deref()) else { continue };
        let namespace = workload.namespace.as_deref().unwrap_or(namespace);
        let Ok(object) = live.one(kind, namespace, name) else { continue };
        let subject = Subject { workload, kind, namespace, object };
        if kind == Kind::Ingress {
            ingress(&subject, found);
            continue;
        }
        images(&subject, found);
        variables(&subject, found);
        init(&subject, live, found);
        if matches!(kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet) {
            probes(&subject, found);
            autoscaler(&subject, live, found);
            budget(&subject, live, found);
            services(&subject, live, found);
            volumes(&subject, live, found);
            policy::hold(service, &subject, live, found);
        }
        if kind == Kind::CronJob && object["spec"]["suspend"] == true {
            found.rule("P-8", &workload.id, "its schedule is suspended", "timonel run resume");
        }
    }
    alerts::hold(service, live, namespace, found);
}

fn images(subject: &Subject<'_>, found: &mut Findings) {
    for image in subject.all_containers().filter_map(|c| c["image"].as_str()) {
        let tag = image.strip_prefix(super::resolve::repository(image)).unwrap_or_default();
        if tag.is_empty() || tag == ":latest" {
            let text = format!("the image {image} is whatever is newest when a pod starts");
            found.rule("image-latest", &subject.workload.id, text, "name a version or a digest");
        }
    }
}

fn variables(subject: &Subject<'_>, found: &mut Findings) {
    for entry in subject.all_containers().flat_map(|c| c["env"].as_array().into_iter().flatten()) {
        let (Some(name), Some(value)) = (entry["name"].as_str(), entry["value"].as_str()) else { continue };
        if ["NEXT_PUBLIC_", "VITE_", "REACT_APP_"].iter().any(|prefix| name.starts_with(prefix)) {
            let text = format!("the variable {name} was compiled into what browsers download: setting it here changes nothing");
            found.rule("P-T4", &subject.workload.id, text, "build the image anew with it");
        }
        if PLACEHOLDERS.iter().any(|p| value.contains(p)) {
            found.rule("placeholder", &subject.workload.id, format!("the variable {name} holds a placeholder"), "set it, by a Secret");
        } else if SECRET.iter().any(|word| name.ends_with(word)) && !value.is_empty() {
            let text = format!("the variable {name} holds its secret in clear");
            found.rule("literal-secret", &subject.workload.id, text, "valueFrom.secretKeyRef");
        }
        let off = |value: &str| matches!(value.to_lowercase().as_str(), "false" | "0" | "no");
        if name.ends_with("DEBUG") && !off(value) && !value.is_empty() {
            found.rule("debug-on", &subject.workload.id, format!("the variable {name} is on"), "anything but false shows internals to users");
        }
        if name == "AUTH_ENABLED" && off(value) {
            found.rule("auth-off", &subject.workload.id, "AUTH_ENABLED is off", "only in development");
        }
    }
}

fn words(container: &Value) -> String {
    let list = |key: &str| container[key].as_array().into_iter().flatten().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    format!("{} {}", list("command"), list("args"))
}

fn init(subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    let spec = pod_spec(subject.object);
    for container in containers(spec, "initContainers") {
        let (name, words) = (container["name"].as_str().unwrap_or_default(), words(container));
        let migrates = ["manage.py migrate", "alembic upgrade", "prisma migrate"].iter().any(|tool| words.contains(tool));
        let several = subject.replicas() > 1 || scaled_by(subject, live).is_some();
        if migrates && several {
            let text = format!("the init container {name} migrates in every new pod: at each scale-up, and several at once");
            found.rule("P-T5", &subject.workload.id, text, "migrate in a Job before the image changes");
        }
        if words.contains("collectstatic") {
            let mounts = |c: &Value| -> Vec<String> {
                c["volumeMounts"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .filter_map(|m| m["name"].as_str())
                    .map(ToOwned::to_owned)
                    .collect()
            };
            let own = mounts(container);
            if !containers(spec, "containers").iter().any(|c| mounts(c).iter().any(|m| own.contains(m))) {
                let text = format!("what the init container {name} collects is lost: it shares no volume with the others");
                found.rule("P-T8", &subject.workload.id, text, "mount one volume in both, or collect when the image is built");
            }
        }
    }
}

fn probes(subject: &Subject<'_>, found: &mut Findings) {
    for container in containers(pod_spec(subject.object), "containers") {
        let name = container["name"].as_str().unwrap_or_default();
        let (ready, alive) = (&container["readinessProbe"], &container["livenessProbe"]);
        if ready.is_null() && container["ports"].as_array().is_some_and(|ports| !ports.is_empty()) {
            let text = format!("the container {name} has a port and no readinessProbe: it gets requests before it can answer");
            found.rule("E-3", &subject.workload.id, text, "ask what it needs to answer");
        }
        let same = ["httpGet", "exec", "tcpSocket", "grpc"].iter().any(|how| !ready[how].is_null() && ready[how] == alive[how]);
        if same {
            let text = format!("the container {name} is restarted by the same question that takes it out of service");
            found.rule(
                "E-T27",
                &subject.workload.id,
                text,
                "liveness asks only whether the process lives; a database that is away must restart nothing",
            );
        }
    }
}

/// The autoscaler of a workload.
fn scaled_by<'l>(subject: &Subject<'_>, live: &'l Live) -> Option<&'l Value> {
    let reference = |hpa: &&Value| {
        let to = &hpa["spec"]["scaleTargetRef"];
        to["kind"] == subject.kind.word() && to["name"] == subject.object["metadata"]["name"]
    };
    live.of(Kind::HorizontalPodAutoscaler, subject.namespace).iter().find(reference)
}

fn autoscaler(subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    let Some(hpa) = scaled_by(subject, live) else { return };
    let name = hpa["metadata"]["name"].as_str().unwrap_or_default();
    if subject.workload.hpa.is_none() {
        let text = format!("the autoscaler {name} scales it, and the file does not say so");
        found.rule("E-T9", &subject.workload.id, text, &format!("hpa = \"{name}\""));
    }
    if subject.replicas() == 0 {
        let text = format!("it is at zero, and the autoscaler {name} does nothing until somebody scales it up");
        found.rule("E-T8", &subject.workload.id, text, "timonel run scale");
    }
    let utilization = |metric: &Value| metric["resource"]["target"]["type"] == "Utilization";
    let by: Vec<&str> = hpa["spec"]["metrics"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|m| utilization(m))
        .filter_map(|m| m["resource"]["name"].as_str())
        .collect();
    for resource in by {
        let without = containers(pod_spec(subject.object), "containers")
            .iter()
            .find(|c| c["resources"]["requests"][resource].is_null());
        if let Some(container) = without {
            let text = format!(
                "the autoscaler {name} goes by {resource}, which the container {} does not request: it cannot know",
                container["name"].as_str().unwrap_or_default()
            );
            found.rule("hpa-blind", &subject.workload.id, text, "resources.requests");
        }
    }
}

/// Whether a label selector holds; an empty one holds of everything, and expressions are not judged here.
fn selects(selector: &Value, labels: &Value) -> Option<bool> {
    let equal = selector["matchLabels"].as_object().into_iter().flatten().all(|(key, value)| labels[key] == *value);
    let expressions = selector["matchExpressions"].as_array().is_some_and(|list| !list.is_empty());
    if equal && expressions { None } else { Some(equal) }
}

fn budget(subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    for pdb in live
        .of(Kind::PodDisruptionBudget, subject.namespace)
        .iter()
        .filter(|p| selects(&p["spec"]["selector"], subject.labels()) == Some(true))
    {
        let name = pdb["metadata"]["name"].as_str().unwrap_or_default();
        let least = pdb["spec"]["minAvailable"].as_i64();
        let none = least.is_some_and(|least| least >= subject.replicas() && subject.replicas() > 0)
            || pdb["spec"]["maxUnavailable"].as_i64() == Some(0)
            || pdb["spec"]["minAvailable"] == "100%";
        if none {
            let text = format!("the disruption budget {name} lets no pod go: a node with one cannot be emptied");
            found.rule("pdb-blocks", &subject.workload.id, text, "one replica more, or maxUnavailable: 1");
        }
    }
}

/// Whether a Service is for pods of these labels.
fn selects_pods(service: &Value, labels: &Value) -> bool {
    let selector = service["spec"]["selector"].as_object();
    selector.is_some_and(|s| !s.is_empty() && s.iter().all(|(key, value)| labels[key] == *value))
}

fn services(subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    for service in live.of(Kind::Service, subject.namespace) {
        let here = selects_pods(service, subject.labels());
        let kind = service["spec"]["type"].as_str().unwrap_or("ClusterIP");
        if here && matches!(kind, "NodePort" | "LoadBalancer") && subject.workload.role.as_deref() != Some("ingress") {
            let text =
                format!("the Service {} is a {kind}: it is reached around the Ingress", service["metadata"]["name"].as_str().unwrap_or_default());
            found.rule("P-10", &subject.workload.id, text, "type: ClusterIP");
        }
    }
}

fn volumes(subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    if subject.kind != Kind::Deployment || subject.replicas() < 2 {
        return;
    }
    for claim in pod_spec(subject.object)["volumes"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|v| v["persistentVolumeClaim"]["claimName"].as_str())
    {
        let Ok(object) = live.one(Kind::PersistentVolumeClaim, subject.namespace, claim) else { continue };
        let modes = object["spec"]["accessModes"].as_array();
        if modes.is_some_and(|m| !m.is_empty() && m.iter().all(|mode| mode == "ReadWriteOnce" || mode == "ReadWriteOncePod")) {
            let text = format!("its {} pods share the claim {claim}, which one node at a time may have", subject.replicas());
            found.rule("volume-one-node", &subject.workload.id, text, "ReadWriteMany or ReadOnlyMany, or a StatefulSet");
        }
    }
}

fn ingress(subject: &Subject<'_>, found: &mut Findings) {
    let annotations = subject.object["metadata"]["annotations"].as_object();
    if annotations.is_some_and(|a| a.contains_key("nginx.ingress.kubernetes.io/rate-limit")) {
        let text = "the annotation nginx.ingress.kubernetes.io/rate-limit does not exist: no limit is active";
        found.rule("E-T19", &subject.workload.id, text, "nginx.ingress.kubernetes.io/limit-rps or limit-rpm");
    }
    if subject.object["spec"]["tls"].as_array().is_none_or(Vec::is_empty) {
        found.rule("P-10", &subject.workload.id, "it has no TLS", "spec.tls with a certificate");
    }
}
