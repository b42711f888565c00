//! What one pod asks of quotas and nodes.
//!
//! Owns Kubernetes' arithmetic: the sum of the main containers and sidecars, or the largest init container with the sidecars
//! before it, and the pod's overhead. A missing request is the limit, as the API server fills it in.

use serde_json::Value;

use super::{items, text};
use crate::base::quantity;

/// A resource as requests and limits name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) struct Resource<'a> {
    /// `cpu`, `memory`, `nvidia.com/gpu`.
    pub name: &'a str,
    /// Its limits instead of its requests.
    pub limits: bool,
}

/// A pod's spec, asked what it needs.
#[derive(Debug, Clone, Copy)]
pub(in crate::run) struct Demand<'a> {
    spec: &'a Value,
    template: bool,
}

impl<'a> Demand<'a> {
    /// Of a pod that exists: defaults of the namespace and what admission added are in it.
    pub(in crate::run) fn of(spec: &'a Value) -> Self {
        Self { spec, template: false }
    }

    /// Of a pod template: what the namespace or admission would add is not known.
    pub(in crate::run) fn of_template(spec: &'a Value) -> Self {
        Self { spec, template: true }
    }

    pub(in crate::run) fn is_template(&self) -> bool {
        self.template
    }

    /// How much of a resource, CPU in thousandths, else in whole units. `None` = some container does not say.
    pub(in crate::run) fn amount(&self, resource: Resource<'_>) -> Option<i64> {
        let mut main = 0;
        for container in items(self.spec, "/containers") {
            main += one(container, resource)?;
        }
        let (mut sidecars, mut init_peak) = (0, 0);
        for container in items(self.spec, "/initContainers") {
            let needs = one(container, resource)?;
            if text(container, "/restartPolicy") == "Always" {
                sidecars += needs;
                init_peak = init_peak.max(sidecars);
            } else {
                init_peak = init_peak.max(sidecars + needs);
            }
        }
        let overhead = self.spec.pointer("/overhead").and_then(|o| number(o.get(resource.name)?, resource.name)).unwrap_or(0);
        Some((main + sidecars).max(init_peak) + overhead)
    }

    /// Whether nothing in the pod asks for or limits anything.
    pub(in crate::run) fn best_effort(&self) -> bool {
        let all = items(self.spec, "/containers").chain(items(self.spec, "/initContainers"));
        let asks = |c: &Value, list: &str| c.pointer(list).and_then(Value::as_object).is_some_and(|m| !m.is_empty());
        !all.into_iter().any(|c| asks(c, "/resources/requests") || asks(c, "/resources/limits"))
    }

    pub(in crate::run) fn priority_class(&self) -> String {
        text(self.spec, "/priorityClassName")
    }

    pub(in crate::run) fn spec(&self) -> &'a Value {
        self.spec
    }
}

fn one(container: &Value, resource: Resource<'_>) -> Option<i64> {
    let of = |list: &str| container.pointer(list)?.get(resource.name).and_then(|v| number(v, resource.name));
    let limit = of("/resources/limits");
    if resource.limits { limit } else { of("/resources/requests").or(limit) }
}

/// A quantity in the unit of its resource.
pub(in crate::run) fn number(value: &Value, resource: &str) -> Option<i64> {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if resource == "cpu" { quantity::milli(&text) } else { quantity::whole(&text) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Demand, Resource};

    const CPU: Resource<'static> = Resource { name: "cpu", limits: false };

    #[test]
    fn a_pod_asks_for_its_containers_or_for_its_largest_init_phase() {
        let container = |cpu: &str| json!({ "resources": { "requests": { "cpu": cpu } } });
        let sidecar = json!({ "restartPolicy": "Always", "resources": { "requests": { "cpu": "100m" } } });
        for (spec, expected) in [
            (json!({ "containers": [container("250m"), container("250m")] }), Some(500)),
            (json!({ "containers": [container("250m")], "initContainers": [container("1")] }), Some(1000)),
            (json!({ "containers": [container("250m")], "initContainers": [sidecar, container("300m")] }), Some(400)),
            (json!({ "containers": [container("250m")], "overhead": { "cpu": "50m" } }), Some(300)),
            (json!({ "containers": [{ "resources": { "limits": { "cpu": "2" } } }] }), Some(2000)),
            (json!({ "containers": [container("250m"), {}] }), None),
        ] {
            assert_eq!(Demand::of(&spec).amount(CPU), expected, "{spec}");
        }
        assert!(Demand::of(&json!({ "containers": [{}] })).best_effort());
    }
}
