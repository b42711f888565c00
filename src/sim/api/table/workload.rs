//! The cells of workloads and of what belongs to them.
//!
//! Owns what the print functions of k8s.io/kubernetes/pkg/printers do for these kinds.

use serde_json::{Value, json};

use super::{See, containers, count, labels, selector};
use crate::base::age;
use crate::sim::api::kinds::{Res, known};

/// The cells, when the kind is one of these.
pub(super) fn cells(res: Res, see: &See<'_>) -> Option<Vec<Value>> {
    let k = known();
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let [names, images] = containers(&spec["template"]["spec"]);
    let of = |ready: &Value, wanted: &Value| json!(format!("{}/{}", ready.as_i64().unwrap_or(0), wanted.as_i64().unwrap_or(0)));
    Some(if res == k.deployments {
        let ready = of(&status["readyReplicas"], &spec["replicas"]);
        let (updated, available) = (count(&status["updatedReplicas"]), count(&status["availableReplicas"]));
        vec![see.name(), ready, updated, available, see.age(), names, images, selector(&spec["selector"])]
    } else if res == k.replicasets {
        let numbers = [count(&spec["replicas"]), count(&status["replicas"]), count(&status["readyReplicas"])];
        [vec![see.name()], numbers.to_vec(), vec![see.age(), names, images, selector(&spec["selector"])]].concat()
    } else if res == k.statefulsets {
        vec![see.name(), of(&status["readyReplicas"], &spec["replicas"]), see.age(), names, images]
    } else if res == k.daemonsets {
        let fields = ["desiredNumberScheduled", "currentNumberScheduled", "numberReady", "updatedNumberScheduled", "numberAvailable"];
        let numbers = fields.map(|f| count(&status[f])).to_vec();
        let rest = vec![labels(&spec["template"]["spec"]["nodeSelector"]), see.age(), names, images, selector(&spec["selector"])];
        [vec![see.name()], numbers, rest].concat()
    } else if res == k.jobs {
        vec![see.name(), job_status(see), completions(spec, status), duration(see), see.age(), names, images, selector(&spec["selector"])]
    } else if res == k.cronjobs {
        cronjob(see)
    } else if res == k.autoscalers {
        autoscaler(see)
    } else if res == k.budgets {
        let bound = |v: &Value| match v {
            Value::Null => json!("N/A"),
            Value::String(_) => v.clone(),
            n => json!(n.to_string()),
        };
        vec![see.name(), bound(&spec["minAvailable"]), bound(&spec["maxUnavailable"]), count(&status["disruptionsAllowed"]), see.age()]
    } else if res == k.revisions {
        vec![see.name(), controller(see.object), count(&see.object["revision"]), see.age()]
    } else {
        return None;
    })
}

fn job_status(see: &See<'_>) -> Value {
    let status = &see.object["status"];
    let is = |kind: &str| status["conditions"].as_array().into_iter().flatten().any(|c| c["type"] == kind && c["status"] == "True");
    let going = see.object["metadata"]["deletionTimestamp"].is_string();
    json!(if is("Complete") {
        "Complete"
    } else if is("Failed") {
        "Failed"
    } else if going {
        "Terminating"
    } else {
        ["Suspended", "FailureTarget", "SuccessCriteriaMet"].into_iter().find(|kind| is(kind)).unwrap_or("Running")
    })
}

fn completions(spec: &Value, status: &Value) -> Value {
    let succeeded = status["succeeded"].as_i64().unwrap_or(0);
    json!(match (spec["completions"].as_i64(), spec["parallelism"].as_i64().unwrap_or(0)) {
        (Some(wanted), _) => format!("{succeeded}/{wanted}"),
        (None, parallel) if parallel > 1 => format!("{succeeded}/1 of {parallel}"),
        _ => format!("{succeeded}/1"),
    })
}

fn duration(see: &See<'_>) -> Value {
    let status = &see.object["status"];
    let time = |v: &Value| v.as_str().and_then(|t| t.parse::<jiff::Timestamp>().ok());
    let Some(start) = time(&status["startTime"]) else { return json!("") };
    let end = time(&status["completionTime"]).unwrap_or(see.now);
    json!(age::human(end.as_second() - start.as_second()))
}

fn cronjob(see: &See<'_>) -> Vec<Value> {
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let template = &spec["jobTemplate"]["spec"];
    let [names, images] = containers(&template["template"]["spec"]);
    let last = if status["lastScheduleTime"].is_null() { json!("<none>") } else { see.since(&status["lastScheduleTime"]) };
    let suspend = spec["suspend"].as_bool().map_or("<unset>", |s| if s { "True" } else { "False" });
    let active = status["active"].as_array().map_or(0, Vec::len);
    let zone = spec["timeZone"].as_str().unwrap_or("<none>");
    vec![
        see.name(),
        spec["schedule"].clone(),
        json!(zone),
        json!(suspend),
        json!(active),
        last,
        see.age(),
        names,
        images,
        selector(&template["selector"]),
    ]
}

fn autoscaler(see: &See<'_>) -> Vec<Value> {
    let (spec, status) = (&see.object["spec"], &see.object["status"]);
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let target = &spec["scaleTargetRef"];
    let mut shown: Vec<String> = Vec::new();
    for (i, metric) in spec["metrics"].as_array().into_iter().flatten().enumerate() {
        let (source, now) = (&metric["resource"], &status["currentMetrics"][i]["resource"]["current"]);
        let name = text(&source["name"]);
        let percent = |v: &Value, otherwise: &str| v.as_i64().map_or_else(|| otherwise.to_owned(), |n| format!("{n}%"));
        shown.push(if let Some(value) = source["target"]["averageValue"].as_str() {
            format!("{name}: {}/{value}", now["averageValue"].as_str().unwrap_or("<unknown>"))
        } else {
            let (now, wanted) = (percent(&now["averageUtilization"], "<unknown>"), percent(&source["target"]["averageUtilization"], "<auto>"));
            format!("{name}: {now}/{wanted}")
        });
    }
    let more = shown.len().saturating_sub(2);
    let list = shown[..shown.len().min(2)].join(", ");
    let targets = if more > 0 { format!("{list} + {more} more...") } else { list };
    let minimum = spec["minReplicas"].as_i64().map_or_else(|| "<unset>".to_owned(), |n| n.to_string());
    vec![
        see.name(),
        json!(format!("{}/{}", text(&target["kind"]), text(&target["name"]))),
        json!(if targets.is_empty() { "<none>".to_owned() } else { targets }),
        json!(minimum),
        count(&spec["maxReplicas"]),
        count(&status["currentReplicas"]),
        see.age(),
    ]
}

fn controller(object: &Value) -> Value {
    let owner = object["metadata"]["ownerReferences"].as_array().into_iter().flatten().find(|o| o["controller"] == true);
    let name = owner.map(|o| {
        let text = |f: &str| o[f].as_str().unwrap_or_default();
        let group = text("apiVersion").split_once('/').map_or(String::new(), |(g, _)| format!(".{g}"));
        format!("{}{group}/{}", text("kind").to_lowercase(), text("name"))
    });
    json!(name.unwrap_or_else(|| "<none>".to_owned()))
}
