//! The cells of all other kinds.
//!
//! Owns what the print functions of k8s.io/kubernetes/pkg/printers do for these kinds.

use serde_json::{Value, json};

use super::{See, count, labels, selector};
use crate::sim::api::kinds::{Res, known};

/// The cells of an object whose kind has columns of its own.
pub(super) fn cells(res: Res, see: &See<'_>) -> Vec<Value> {
    let k = known();
    let (object, spec, status) = (see.object, &see.object["spec"], &see.object["status"]);
    let size = |v: &Value| v.as_object().map_or(0, serde_json::Map::len);
    if res == k.services {
        service(see)
    } else if res == k.ingresses {
        ingress(see)
    } else if res == k.nodes {
        node(see)
    } else if res == k.events || res == k.new_events {
        event(see)
    } else if res == k.slices {
        slice(see)
    } else if res == k.claims || res == k.volumes {
        volume(res, see)
    } else if res == k.quotas {
        quota(see)
    } else if res == k.role_bindings || res == k.cluster_role_bindings {
        binding(see)
    } else if res == k.namespaces {
        vec![see.name(), status["phase"].clone(), see.age()]
    } else if res == k.secrets {
        vec![see.name(), object["type"].clone(), json!(size(&object["data"])), see.age()]
    } else if res == k.configmaps {
        vec![see.name(), json!(size(&object["data"]) + size(&object["binaryData"])), see.age()]
    } else if res == k.leases {
        vec![see.name(), json!(spec["holderIdentity"].as_str().unwrap_or_default()), see.age()]
    } else if res == k.storage_classes {
        let default = object["metadata"]["annotations"]["storageclass.kubernetes.io/is-default-class"] == "true";
        let name = format!("{}{}", object["metadata"]["name"].as_str().unwrap_or_default(), if default { " (default)" } else { "" });
        let expands = json!(object["allowVolumeExpansion"] == true);
        vec![json!(name), object["provisioner"].clone(), object["reclaimPolicy"].clone(), object["volumeBindingMode"].clone(), expands, see.age()]
    } else {
        by_name(res.row().plural, see)
    }
}

fn by_name(plural: &str, see: &See<'_>) -> Vec<Value> {
    let (object, spec) = (see.object, &see.object["spec"]);
    match plural {
        "networkpolicies" => vec![see.name(), selector(&spec["podSelector"]), see.age()],
        "ingressclasses" => vec![see.name(), spec["controller"].clone(), json!("<none>"), see.age()],
        "priorityclasses" => {
            let policy = object["preemptionPolicy"].as_str().unwrap_or("PreemptLowerPriority");
            vec![see.name(), count(&object["value"]), json!(object["globalDefault"] == true), see.age(), json!(policy)]
        }
        "endpoints" => {
            let subsets = object["subsets"].as_array().into_iter().flatten();
            let all: Vec<String> = subsets
                .flat_map(|s| s["addresses"].as_array().into_iter().flatten().map(move |a| (a, &s["ports"][0]["port"])))
                .map(|(a, port)| format!("{}:{port}", a["ip"].as_str().unwrap_or_default()))
                .collect();
            vec![see.name(), json!(list_with_more(&all, "<none>")), see.age()]
        }
        "certificates" => {
            let ready = object["status"]["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Ready");
            let of = |field: &str| ready.map_or(json!(""), |c| c[field].clone());
            vec![
                see.name(),
                of("status"),
                spec["secretName"].clone(),
                spec["issuerRef"]["name"].clone(),
                of("message"),
                object["metadata"]["creationTimestamp"].clone(),
            ]
        }
        _ => vec![see.name(), see.age()],
    }
}

/// At most three, and how many more there are.
fn list_with_more(all: &[String], empty: &str) -> String {
    match all.len() {
        0 => empty.to_owned(),
        n if n > 3 => format!("{} + {} more...", all[..3].join(","), n - 3),
        _ => all.join(","),
    }
}

fn balancer(status: &Value) -> Vec<&str> {
    let all = status["loadBalancer"]["ingress"].as_array().into_iter().flatten();
    let mut all: Vec<&str> = all.filter_map(|i| i["ip"].as_str().or(i["hostname"].as_str())).collect();
    all.sort_unstable();
    all
}

fn service(see: &See<'_>) -> Vec<Value> {
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let mut outside: Vec<&str> = if spec["type"] == "LoadBalancer" { balancer(status) } else { Vec::new() };
    outside.extend(spec["externalIPs"].as_array().into_iter().flatten().filter_map(Value::as_str));
    let outside = match spec["type"].as_str() {
        Some("ExternalName") => spec["externalName"].as_str().unwrap_or_default().to_owned(),
        Some("LoadBalancer") if outside.is_empty() => "<pending>".to_owned(),
        _ if outside.is_empty() => "<none>".to_owned(),
        _ => outside.join(","),
    };
    let ports = spec["ports"].as_array().into_iter().flatten().map(|p| {
        let (port, protocol) = (&p["port"], p["protocol"].as_str().unwrap_or_default());
        p["nodePort"]
            .as_u64()
            .filter(|n| *n > 0)
            .map_or_else(|| format!("{port}/{protocol}"), |n| format!("{port}:{n}/{protocol}"))
    });
    let ports: Vec<String> = ports.collect();
    let ports = if ports.is_empty() { "<none>".to_owned() } else { ports.join(",") };
    let inside = json!(spec["clusterIPs"][0].as_str().unwrap_or("<none>"));
    vec![see.name(), spec["type"].clone(), inside, json!(outside), json!(ports), see.age(), labels(&spec["selector"])]
}

fn ingress(see: &See<'_>) -> Vec<Value> {
    let spec = &see.object["spec"];
    let rules = spec["rules"].as_array().cloned().unwrap_or_default();
    let hosts: Vec<&str> = rules.iter().take(3).filter_map(|r| r["host"].as_str()).filter(|h| !h.is_empty()).collect();
    let hosts = match (hosts.is_empty(), rules.len() > 3) {
        (true, _) => "*".to_owned(),
        (false, true) => format!("{} + {} more...", hosts.join(","), rules.len() - 3),
        (false, false) => hosts.join(","),
    };
    let ports = if spec["tls"].as_array().is_some_and(|t| !t.is_empty()) { "80, 443" } else { "80" };
    let class = spec["ingressClassName"].as_str().unwrap_or("<none>");
    vec![see.name(), json!(class), json!(hosts), json!(balancer(&see.object["status"]).join(",")), json!(ports), see.age()]
}

fn node(see: &See<'_>) -> Vec<Value> {
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let ready = status["conditions"].as_array().into_iter().flatten().find(|c| c["type"] == "Ready");
    let ready = ready.map_or("Unknown", |c| if c["status"] == "True" { "Ready" } else { "NotReady" });
    let state = if spec["unschedulable"] == true { format!("{ready},SchedulingDisabled") } else { ready.to_owned() };
    let labels = see.object["metadata"]["labels"].as_object().into_iter().flatten();
    let mut roles: Vec<&str> = labels.filter_map(|(k, _)| k.strip_prefix("node-role.kubernetes.io/")).filter(|r| !r.is_empty()).collect();
    roles.sort_unstable();
    let roles = if roles.is_empty() { "<none>".to_owned() } else { roles.join(",") };
    let address = |kind: &str| {
        let all = status["addresses"].as_array().into_iter().flatten();
        json!(all.filter(|a| a["type"] == kind).find_map(|a| a["address"].as_str()).unwrap_or("<none>"))
    };
    let info = &status["nodeInfo"];
    let of = |field: &str| info[field].as_str().filter(|t| !t.is_empty()).unwrap_or("<unknown>").to_owned();
    let kernel = info["architecture"]
        .as_str()
        .map_or_else(|| of("kernelVersion"), |a| format!("{} ({a})", of("kernelVersion")));
    let version = json!(info["kubeletVersion"].as_str().unwrap_or_default());
    vec![
        see.name(),
        json!(state),
        json!(roles),
        see.age(),
        version,
        address("InternalIP"),
        address("ExternalIP"),
        json!(of("osImage")),
        json!(kernel),
        json!(of("containerRuntimeVersion")),
    ]
}

fn event(see: &See<'_>) -> Vec<Value> {
    let event = see.object;
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let first = if event["firstTimestamp"].is_null() { see.since(&event["eventTime"]) } else { see.since(&event["firstTimestamp"]) };
    let last = if event["lastTimestamp"].is_null() { first.clone() } else { see.since(&event["lastTimestamp"]) };
    let (last, n) = if event["series"].is_object() {
        (see.since(&event["series"]["lastObservedTime"]), event["series"]["count"].as_i64().unwrap_or(1))
    } else {
        (last, event["count"].as_i64().filter(|n| *n > 0).unwrap_or(1))
    };
    let about = &event["involvedObject"];
    let (kind, name) = (text(&about["kind"]).to_lowercase(), text(&about["name"]));
    let target = if name.is_empty() { kind } else { format!("{kind}/{name}") };
    let either = |a: &Value, b: &Value| Some(text(a)).filter(|t| !t.is_empty()).unwrap_or_else(|| text(b));
    let component = either(&event["source"]["component"], &event["reportingComponent"]);
    let instance = either(&event["source"]["host"], &event["reportingInstance"]);
    let source = if instance.is_empty() { component } else { format!("{component}, {instance}") };
    vec![
        last,
        event["type"].clone(),
        event["reason"].clone(),
        json!(target),
        json!(text(&about["fieldPath"])),
        json!(source),
        json!(text(&event["message"]).trim()),
        first,
        json!(n),
        see.name(),
    ]
}

fn slice(see: &See<'_>) -> Vec<Value> {
    let ports = see.object["ports"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|p| p["port"].as_u64().map_or_else(|| "*".to_owned(), |n| n.to_string()));
    let endpoints = see.object["endpoints"].as_array().into_iter().flatten();
    let addresses = endpoints
        .flat_map(|e| e["addresses"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .map(str::to_owned);
    let (ports, addresses): (Vec<String>, Vec<String>) = (ports.collect(), addresses.collect());
    let (ports, addresses) = (list_with_more(&ports, "<unset>"), list_with_more(&addresses, "<unset>"));
    vec![see.name(), see.object["addressType"].clone(), json!(ports), json!(addresses), see.age()]
}

fn volume(res: Res, see: &See<'_>) -> Vec<Value> {
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let going = see.object["metadata"]["deletionTimestamp"].is_string();
    let phase = if going { json!("Terminating") } else { status["phase"].clone() };
    let modes = |list: &Value| {
        let short = |mode: &Value| match mode.as_str() {
            Some("ReadWriteOnce") => "RWO",
            Some("ReadOnlyMany") => "ROX",
            Some("ReadWriteMany") => "RWX",
            _ => "RWOP",
        };
        json!(list.as_array().into_iter().flatten().map(short).collect::<Vec<_>>().join(","))
    };
    let text = |v: &Value, otherwise: &str| json!(v.as_str().unwrap_or(otherwise));
    let (class, attributes) = (text(&spec["storageClassName"], ""), text(&spec["volumeAttributesClassName"], "<unset>"));
    let mode = text(&spec["volumeMode"], "<unset>");
    if res == known().claims {
        let bound = spec["volumeName"].is_string();
        let capacity = if bound { text(&status["capacity"]["storage"], "0") } else { json!("") };
        let access = if bound { modes(&status["accessModes"]) } else { json!("") };
        return vec![see.name(), phase, text(&spec["volumeName"], ""), capacity, access, class, attributes, see.age(), mode];
    }
    let claim = &spec["claimRef"];
    let claim = if claim.is_object() {
        format!("{}/{}", claim["namespace"].as_str().unwrap_or_default(), claim["name"].as_str().unwrap_or_default())
    } else {
        String::new()
    };
    let policy = text(&spec["persistentVolumeReclaimPolicy"], "");
    let capacity = text(&spec["capacity"]["storage"], "0");
    vec![
        see.name(),
        capacity,
        modes(&spec["accessModes"]),
        policy,
        phase,
        json!(claim),
        class,
        attributes,
        text(&status["reason"], ""),
        see.age(),
        mode,
    ]
}

fn quota(see: &See<'_>) -> Vec<Value> {
    let status = &see.object["status"];
    let mut names: Vec<&String> = status["hard"].as_object().into_iter().flatten().map(|(n, _)| n).collect();
    names.sort();
    let (mut requests, mut limits) = (Vec::new(), Vec::new());
    for name in names {
        let of = |part: &str| status[part][name].as_str().unwrap_or("0").to_owned();
        let line = format!("{name}: {}/{}", of("used"), of("hard"));
        if name.starts_with("limits.") { limits.push(line) } else { requests.push(line) }
    }
    vec![see.name(), json!(requests.join(", ")), json!(limits.join(", ")), see.age()]
}

fn binding(see: &See<'_>) -> Vec<Value> {
    let role = &see.object["roleRef"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let of = |kind: &str| {
        let all = see.object["subjects"].as_array().into_iter().flatten().filter(|s| s["kind"] == kind);
        let names = all.map(|s| if kind == "ServiceAccount" { format!("{}/{}", text(&s["namespace"]), text(&s["name"])) } else { text(&s["name"]) });
        json!(names.collect::<Vec<_>>().join(", "))
    };
    let role = format!("{}/{}", text(&role["kind"]), text(&role["name"]));
    vec![see.name(), json!(role), see.age(), of("User"), of("Group"), of("ServiceAccount")]
}
