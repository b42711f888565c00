//! What NetworkPolicies take from a workload that it needs: DNS, and the ports that the file asks.
//!
//! Owns that reading of them. What a policy's expressions or IP blocks say in full is the network's to judge.

use serde_json::Value;

use super::{Subject, selects};
use crate::cli::check::found::Findings;
use crate::cli::check::live::Live;
use crate::service::{ProbeKind, Service};

/// Holds the policies that select the workload's pods against what it needs.
pub(super) fn hold(service: &Service, subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    let Some(Ok(all)) = live.policies.get(subject.namespace) else { return };
    let selected: Option<Vec<bool>> = all.iter().map(|p| selects(&p["spec"]["podSelector"], subject.labels())).collect();
    // One that may or may not be meant could open what the others close.
    let Some(selected) = selected else { return };
    let mine: Vec<&Value> = all.iter().zip(selected).filter(|(_, here)| *here).map(|(policy, _)| policy).collect();
    let of = |direction: &str| -> Vec<&Value> { mine.iter().copied().filter(|p| governs(p, direction)).collect() };
    let (ingress, egress) = (of("Ingress"), of("Egress"));
    let ports: Vec<u16> = service
        .probes
        .iter()
        .filter_map(|p| match &p.kind {
            ProbeKind::HttpEachPod { workload, port, .. } if *workload == subject.workload.id => Some(*port),
            _ => None,
        })
        .collect();
    for port in ports {
        if !ingress.is_empty() && !ingress.iter().any(|p| opens(p, "ingress", port)) {
            let text = format!("no policy lets anybody reach port {port}, which a probe of the file asks");
            found.rule("E-T12", &subject.workload.id, text, "an ingress rule with that port");
        }
    }
    if !egress.is_empty() && !egress.iter().any(|p| opens(p, "egress", 53)) {
        let names: Vec<&str> = egress.iter().filter_map(|p| p["metadata"]["name"].as_str()).collect();
        let text = format!("the policy {} lets it reach no port 53: no name can be resolved", names.join(", "));
        found.rule("E-T12", &subject.workload.id, text, "an egress rule with port 53, UDP and TCP");
    }
    for policy in mine {
        nowhere(policy, subject, live, found);
    }
}

fn governs(policy: &Value, direction: &str) -> bool {
    match policy["spec"]["policyTypes"].as_array() {
        Some(types) => types.iter().any(|t| t == direction),
        None => direction == "Ingress" || !policy["spec"]["egress"].is_null(),
    }
}

/// Whether some rule of a direction has the port; a rule without ports has all.
fn opens(policy: &Value, direction: &str, port: u16) -> bool {
    policy["spec"][direction].as_array().into_iter().flatten().any(|rule| match rule["ports"].as_array() {
        None => true,
        Some(ports) => ports.iter().any(|p| {
            let (from, to) = (p["port"].as_u64(), p["endPort"].as_u64());
            // A named port may be any; a port that is not said is all of them.
            p["port"].is_null() || p["port"].is_string() || from.is_some_and(|from| (from..=to.unwrap_or(from)).contains(&u64::from(port)))
        }),
    })
}

/// Selectors of namespaces that no namespace has the labels for.
fn nowhere(policy: &Value, subject: &Subject<'_>, live: &Live, found: &mut Findings) {
    let Some(Ok(namespaces)) = &live.namespaces else { return };
    let peers = ["ingress", "egress"].into_iter().flat_map(|direction| {
        let key = if direction == "ingress" { "from" } else { "to" };
        let rules = policy["spec"][direction].as_array().into_iter().flatten();
        rules.flat_map(move |rule| rule[key].as_array().into_iter().flatten())
    });
    for selector in peers.map(|peer| &peer["namespaceSelector"]).filter(|s| !s.is_null()) {
        if namespaces.iter().all(|ns| selects(selector, &ns["metadata"]["labels"]) == Some(false)) {
            let labels: Vec<String> = selector["matchLabels"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect();
            let name = policy["metadata"]["name"].as_str().unwrap_or_default();
            let text = format!("the policy {name} speaks of namespaces with {}, and there are none", labels.join(","));
            found.rule("E-T12", &subject.workload.id, text, "every namespace has kubernetes.io/metadata.name");
        }
    }
}
