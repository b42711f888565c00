//! Whether a NetworkPolicy may keep the pod of a Job from what the workload's own pods reach.
//!
//! Owns that check. The pod has none of the workload's labels, since its Services would send requests to it; a policy that goes by them
//! does not mean it. It looks at labels alone, and so may warn where nothing is kept away.

use serde_json::{Map, Value};

use crate::run::check::Check;
use crate::run::facts::{WorkloadFacts, items, text};
use crate::target::api::{ErrorKind, Read};

/// The check; `None` where no policy stands in the way.
pub(super) async fn network(read: &dyn Read, workload: &WorkloadFacts) -> Option<Check> {
    let path = format!("/apis/networking.k8s.io/v1/namespaces/{}/networkpolicies", workload.reference.namespace);
    match read.raw(&path).await {
        Ok(list) => judged(&list, workload),
        Err(error) if error.kind == ErrorKind::NotFound => None,
        Err(error) => Some(Check::advisory("network").unknown(
            format!("whether a NetworkPolicy keeps its pod from the database is not known: {}", error.message),
            "ask for the right to list networkpolicies",
        )),
    }
}

fn judged(list: &Value, workload: &WorkloadFacts) -> Option<Check> {
    let none = Map::new();
    let own = workload.raw.pointer("/spec/template/metadata/labels").and_then(Value::as_object).unwrap_or(&none);
    // What an expression means is not looked at: one that names a label of the workload's goes by it.
    let means = |selector: &Value| {
        let labels = selector["matchLabels"].as_object().into_iter().flatten().map(|(key, value)| own.get(key) == Some(value));
        let expressions = items(selector, "/matchExpressions").map(|e| own.contains_key(&text(e, "/key")));
        let all: Vec<bool> = labels.chain(expressions).collect();
        !all.is_empty() && all.into_iter().all(|one| one)
    };
    let lets_in = |policy: &Value| {
        let peers = items(policy, "/spec/ingress").flat_map(|rule| items(rule, "/from"));
        peers.filter_map(|peer| peer.get("podSelector")).any(means)
    };
    let lets_nobody_out = |policy: &Value| {
        let everybody = policy["spec"]["podSelector"].as_object().is_none_or(Map::is_empty);
        let egress = items(policy, "/spec/policyTypes").any(|kind| kind == "Egress");
        everybody && egress && items(policy, "/spec/egress").next().is_none()
    };
    let policy = items(list, "/items").find(|policy| lets_in(policy) || lets_nobody_out(policy))?;
    let name = text(policy, "/metadata/name");
    let why = if lets_in(policy) {
        format!("lets in who has the labels of {}", workload.reference)
    } else {
        "lets no pod out that no other names".to_owned()
    };
    Some(Check::advisory("network").failed(
        format!("NetworkPolicy {name} {why}, and the pod of this Job has none of them: where it guards the database, the Job ends without an answer"),
        "a NetworkPolicy that means pods with the label timonel.io/run",
    ))
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::judged;
    use crate::run::check::Answer;
    use crate::run::facts::WorkloadFacts;
    use crate::target::model::{Kind, ObjectRef};

    #[test]
    fn a_policy_that_goes_by_the_workloads_labels_is_said_before_a_job_is_made_that_has_none() {
        let raw = json!({ "spec": { "template": { "metadata": { "labels": { "app": "api", "tier": "web" } } } } });
        let workload = WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "ns", "api"), raw);
        let said = |spec: Value| {
            let list = json!({ "items": [{ "metadata": { "name": "db" }, "spec": spec }] });
            judged(&list, &workload).map(|check| (check.result, check.blocks(true)))
        };
        let from =
            |selector: Value| json!({ "podSelector": { "matchLabels": { "app": "db" } }, "ingress": [{ "from": [{ "podSelector": selector }] }] });
        let warned = Some((Answer::Failed, false));
        assert_eq!(said(from(json!({ "matchLabels": { "app": "api" } }))), warned);
        assert_eq!(said(from(json!({ "matchExpressions": [{ "key": "tier", "operator": "In", "values": ["web"] }] }))), warned);
        assert_eq!(said(from(json!({ "matchLabels": { "app": "other" } }))), None);
        assert_eq!(said(from(json!({}))), None, "everybody is let in");
        assert_eq!(said(json!({ "podSelector": {}, "policyTypes": ["Ingress", "Egress"] })), warned);
        assert_eq!(said(json!({ "podSelector": {}, "policyTypes": ["Ingress"] })), None);
        assert!(judged(&json!({ "items": [] }), &workload).is_none());
    }
}
