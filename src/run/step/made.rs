//! What a Job that a run makes consists of, in lines.
//!
//! Owns what of it is said: images, programs, volumes, and the names of variables with where they come from. Never a value, nor what a
//! program is given: either may be a secret.

use serde_json::Value;

use crate::base::text::clean;
use crate::run::facts::{items, text};

/// Lines about the pod template of a Job's `spec`; none where it has none.
pub(in crate::run) fn lines(spec: &Value) -> Vec<String> {
    let pod = &spec["template"]["spec"];
    let containers = ["/initContainers", "/containers"].into_iter().flat_map(|list| items(pod, list));
    let mut lines: Vec<String> = containers.flat_map(container).collect();
    let claims = items(pod, "/volumes").map(|v| text(v, "/persistentVolumeClaim/claimName")).filter(|c| !c.is_empty());
    let claims: Vec<String> = claims.collect();
    if !claims.is_empty() {
        lines.push(format!("volume of the claim {}", clean(&claims.join(", "))));
    }
    lines
}

fn container(container: &Value) -> Vec<String> {
    let program = items(container, "/command").next().and_then(Value::as_str).unwrap_or_default();
    let program = if program.is_empty() { "the image's own program".to_owned() } else { clean(program).into_owned() };
    let mut lines = vec![format!("{}: {program} of the image {}", clean(&text(container, "/name")), clean(&text(container, "/image")))];
    let (known, written): (Vec<&Value>, Vec<&Value>) = items(container, "/env").partition(|v| v.get("valueFrom").is_some());
    let names: Vec<String> = written.iter().map(|v| text(v, "/name")).collect();
    if !names.is_empty() {
        lines.push(format!("  variables {}", clean(&names.join(", "))));
    }
    lines.extend(known.iter().map(|v| {
        let key = &v["valueFrom"]["secretKeyRef"];
        let from = if key.is_null() { "elsewhere".to_owned() } else { format!("key {} of Secret {}", text(key, "/key"), text(key, "/name")) };
        format!("  variable {} from {}", clean(&text(v, "/name")), clean(&from))
    }));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::lines;

    #[test]
    fn a_job_is_told_without_a_value_or_an_argument() {
        let spec = json!({ "template": { "spec": {
            "volumes": [{ "name": "v", "persistentVolumeClaim": { "claimName": "dumps" } }],
            "containers": [{ "name": "dump", "image": "pg:15", "command": ["/bin/sh", "-c", "curl -u me:hunter2"], "env": [
                { "name": "PGHOST", "value": "hunter2" },
                { "name": "PGPASSWORD", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } },
            ] }],
        } } });
        assert_eq!(
            lines(&spec),
            [
                "dump: /bin/sh of the image pg:15",
                "  variables PGHOST",
                "  variable PGPASSWORD from key password of Secret db",
                "volume of the claim dumps"
            ]
        );
    }
}
