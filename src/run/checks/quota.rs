//! Whether the namespace's quotas leave room for more pods.
//!
//! Owns the arithmetic of ResourceQuota: hard limits, what is used, scopes.

use serde_json::Value;

use crate::run::check::Check;
use crate::run::facts::{Demand, Resource, demand_number, items, text, unreadable};
use crate::target::api::TargetError;

/// Whether `more` pods of this demand fit into every quota of the namespace.
pub(in crate::run) fn check(quotas: &Result<Vec<Value>, TargetError>, namespace: &str, demand: Demand<'_>, more: i64) -> Check {
    let check = Check::overridable("quota");
    if more <= 0 {
        return check.ok("no more pods than now");
    }
    let quotas = match quotas {
        Ok(quotas) => quotas,
        Err(error) => {
            let (detail, fix) = unreadable("list", &format!("resourcequotas in {namespace}"), error);
            return check.unknown(detail, fix);
        }
    };
    let (short, unsaid): (Vec<_>, Vec<_>) =
        quotas.iter().filter(|q| covers(q, demand)).flat_map(|q| shortages(q, demand, more)).partition(|s| s.certain);
    let words = |shortages: &[Shortage]| shortages.iter().map(|s| s.words.as_str()).collect::<Vec<_>>().join("; ");
    if !short.is_empty() {
        return check.failed(words(&short), "raise the quota, lower what the pods ask for, or ask for fewer pods");
    }
    if !unsaid.is_empty() {
        return check.unknown(words(&unsaid), "a LimitRange may fill it in: look at one, or let the template say it");
    }
    check.ok(if quotas.is_empty() { "no quota in this namespace".to_owned() } else { format!("leaves room for {more} more") })
}

/// Whether a quota counts such pods: its scopes.
fn covers(quota: &Value, demand: Demand<'_>) -> bool {
    let named = items(quota, "/spec/scopes").filter_map(Value::as_str);
    let selected = items(quota, "/spec/scopeSelector/matchExpressions");
    named.into_iter().all(|scope| in_scope(scope, "Exists", &[], demand))
        && selected.into_iter().all(|e| {
            let values: Vec<String> = items(e, "/values").filter_map(Value::as_str).map(str::to_owned).collect();
            in_scope(&text(e, "/scopeName"), &text(e, "/operator"), &values, demand)
        })
}

fn in_scope(scope: &str, operator: &str, values: &[String], demand: Demand<'_>) -> bool {
    match scope {
        "BestEffort" => demand.best_effort(),
        "NotBestEffort" => !demand.best_effort(),
        "Terminating" => demand.spec().get("activeDeadlineSeconds").is_some(),
        "NotTerminating" => demand.spec().get("activeDeadlineSeconds").is_none(),
        "PriorityClass" => {
            let class = demand.priority_class();
            match operator {
                "Exists" => !class.is_empty(),
                "DoesNotExist" => class.is_empty(),
                "NotIn" => !values.contains(&class),
                _ => values.contains(&class),
            }
        }
        // Scopes that this program does not know: the quota is counted, which errs on the side of a warning.
        _ => true,
    }
}

/// Something that a quota does not leave room for.
struct Shortage {
    words: String,
    /// Not when a default of the namespace might mend it.
    certain: bool,
}

fn shortages(quota: &Value, demand: Demand<'_>, more: i64) -> Vec<Shortage> {
    let name = text(quota, "/metadata/name");
    let hard = quota.pointer("/status/hard").or_else(|| quota.pointer("/spec/hard")).and_then(Value::as_object);
    let one = |(key, limit): (&String, &Value)| {
        let wanted = Wanted::of(key)?;
        let Some(each) = wanted.each(demand) else {
            let words = format!("quota {name} asks every pod for {key}, and a container does not say it");
            return Some(Shortage { words, certain: !demand.is_template() });
        };
        let used = quota
            .pointer("/status/used")
            .and_then(|u| u.get(key))
            .and_then(|v| demand_number(v, wanted.unit()))
            .unwrap_or(0);
        let limit = demand_number(limit, wanted.unit())?;
        let (left, need) = (limit - used, each * more);
        let words = || {
            format!(
                "quota {name}: {key} has {} left of {}, {more} pods need {}",
                wanted.say(left.max(0)),
                wanted.say(limit),
                wanted.say(need)
            )
        };
        (need > left).then(|| Shortage { words: words(), certain: true })
    };
    hard.into_iter().flatten().filter_map(one).collect()
}

/// What a key of a quota counts of a pod.
enum Wanted<'a> {
    Pods,
    Resource(Resource<'a>),
}

impl<'a> Wanted<'a> {
    /// `None` for keys that pods do not count towards.
    fn of(key: &'a str) -> Option<Self> {
        let resource = |name, limits| Some(Self::Resource(Resource { name, limits }));
        match key {
            "pods" | "count/pods" => Some(Self::Pods),
            "cpu" | "requests.cpu" => resource("cpu", false),
            "memory" | "requests.memory" => resource("memory", false),
            "requests.storage" => None,
            _ => match key.split_once('.') {
                Some(("requests", name)) => resource(name, false),
                Some(("limits", name)) => resource(name, true),
                _ => None,
            },
        }
    }

    fn unit(&self) -> &'a str {
        match self {
            Self::Pods => "pods",
            Self::Resource(resource) => resource.name,
        }
    }

    /// What one pod needs. Only CPU and memory must be said by every container; of the rest, not said is none.
    fn each(&self, demand: Demand<'_>) -> Option<i64> {
        match self {
            Self::Pods => Some(1),
            Self::Resource(resource) => demand.amount(*resource).or(if matches!(resource.name, "cpu" | "memory") { None } else { Some(0) }),
        }
    }

    fn say(&self, amount: i64) -> String {
        match self.unit() {
            "cpu" => format!("{amount}m"),
            "memory" => crate::base::quantity::bytes(u64::try_from(amount).unwrap_or(0)),
            _ => amount.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::check;
    use crate::run::check::Answer;
    use crate::run::facts::Demand;

    fn quota(spec: &Value, used: &Value) -> Value {
        json!({ "metadata": { "name": "q" }, "spec": spec, "status": { "hard": spec["hard"], "used": used } })
    }

    #[test]
    fn room_is_what_the_hard_limit_leaves_after_what_is_used() {
        let pod = json!({ "containers": [{ "resources": { "requests": { "cpu": "250m", "memory": "128Mi" } } }] });
        for (hard, used, more, expected) in [
            (json!({ "pods": "5" }), json!({ "pods": "3" }), 2, Answer::Ok),
            (json!({ "pods": "5" }), json!({ "pods": "3" }), 3, Answer::Failed),
            (json!({ "pods": "5" }), json!({ "pods": "5" }), 0, Answer::Ok),
            (json!({ "requests.cpu": "1" }), json!({ "requests.cpu": "500m" }), 2, Answer::Ok),
            (json!({ "requests.cpu": "1" }), json!({ "requests.cpu": "500m" }), 3, Answer::Failed),
            (json!({ "memory": "512Mi" }), json!({ "memory": "300Mi" }), 2, Answer::Failed),
            (json!({ "limits.cpu": "8" }), json!({}), 1, Answer::Failed),
            (json!({ "configmaps": "0", "requests.nvidia.com/gpu": "0" }), json!({}), 9, Answer::Ok),
        ] {
            let found = check(&Ok(vec![quota(&json!({ "hard": hard }), &used)]), "shop", Demand::of(&pod), more);
            assert_eq!(found.result, expected, "{hard} {more}: {}", found.detail);
        }
    }

    #[test]
    fn a_quota_counts_only_pods_in_its_scopes() {
        let best_effort = json!({ "containers": [{}], "priorityClassName": "high" });
        let none = json!({ "pods": "0" });
        for (spec, expected) in [
            (json!({ "hard": none, "scopes": ["BestEffort"] }), Answer::Failed),
            (json!({ "hard": none, "scopes": ["NotBestEffort"] }), Answer::Ok),
            (json!({ "hard": none, "scopes": ["NotTerminating"] }), Answer::Failed),
            (
                json!({ "hard": none, "scopeSelector": { "matchExpressions": [{ "scopeName": "PriorityClass", "operator": "In", "values": ["high"] }] } }),
                Answer::Failed,
            ),
            (
                json!({ "hard": none, "scopeSelector": { "matchExpressions": [{ "scopeName": "PriorityClass", "operator": "In", "values": ["low"] }] } }),
                Answer::Ok,
            ),
        ] {
            let found = check(&Ok(vec![quota(&spec, &json!({}))]), "shop", Demand::of(&best_effort), 1);
            assert_eq!(found.result, expected, "{spec}");
        }
    }
}
