//! Whether pods of a template get a key of a Secret.
//!
//! Owns the places where one can stand: variables, all variables of a Secret, volumes, projected volumes. Never looks into the Secret.

use serde_json::Value;

use super::facts::items;

/// Whether a pod gets a key of a Secret by variable: it has the value that was there when it started.
pub fn by_variable(spec: &Value, secret: &str, key: &str) -> bool {
    containers(spec).any(|c| {
        let one = items(c, "/env").any(|e| {
            let from = &e["valueFrom"]["secretKeyRef"];
            from["name"] == secret && from["key"] == key
        });
        one || items(c, "/envFrom").any(|e| e["secretRef"]["name"] == secret)
    })
}

/// Whether a pod gets a key of a Secret, by variable or by a volume that one of its containers mounts.
pub fn gets(spec: &Value, secret: &str, key: &str) -> bool {
    by_variable(spec, secret, key) || by_volume(spec, secret, key)
}

fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    items(spec, "/initContainers").chain(items(spec, "/containers"))
}

fn by_volume(spec: &Value, secret: &str, key: &str) -> bool {
    // Without a list of keys there are all of them.
    let has = |from: &Value| from["items"].is_null() || items(from, "/items").any(|item| item["key"] == key);
    let mounted = |volume: &Value| containers(spec).any(|c| items(c, "/volumeMounts").any(|m| m["name"] == volume["name"]));
    items(spec, "/volumes").any(|v| {
        let whole = v["secret"]["secretName"] == secret && has(&v["secret"]);
        let projected = || items(v, "/projected/sources").any(|s| s["secret"]["name"] == secret && has(&s["secret"]));
        (whole || projected()) && mounted(v)
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::gets;

    #[test]
    fn a_secret_is_mounted_where_a_variable_a_whole_secret_or_a_volume_that_is_mounted_has_its_key() {
        let pod = |container: Value, volumes: Value| json!({ "containers": [container], "volumes": volumes });
        let volume = json!([{ "name": "v", "secret": { "secretName": "app", "items": [{ "key": "JWT", "path": "jwt" }] } }]);
        let projected = json!([{ "name": "v", "projected": { "sources": [{ "secret": { "name": "app" } }] } }]);
        let mounts = json!({ "volumeMounts": [{ "name": "v", "mountPath": "/v" }] });
        let none = json!([]);
        for (spec, expected) in [
            (
                pod(json!({ "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "app", "key": "JWT" } } }] }), none.clone()),
                true,
            ),
            (
                pod(json!({ "env": [{ "name": "A", "valueFrom": { "secretKeyRef": { "name": "app", "key": "DB" } } }] }), none.clone()),
                false,
            ),
            (pod(json!({ "envFrom": [{ "secretRef": { "name": "app" } }] }), none.clone()), true),
            (pod(json!({ "envFrom": [{ "configMapRef": { "name": "app" } }] }), none), false),
            (pod(mounts.clone(), volume.clone()), true),
            (pod(mounts, projected), true),
            (pod(json!({}), volume), false),
        ] {
            assert_eq!(gets(&spec, "app", "JWT"), expected, "{spec}");
        }
    }
}
