//! The pod around a script that works on the volume of the dumps.
//!
//! Owns what it may do, where the volume is, and that nothing is tried twice. No secret is in it: what a program needs of one
//! is a reference that the kubelet resolves.

use serde_json::{Value, json};

/// A user that is not root and owns nothing; the volume's files get its group.
const USER: u32 = 65532;

/// A script with what it runs in.
pub(super) struct Script<'a> {
    /// Name of its container.
    pub name: &'a str,
    /// The image.
    pub image: &'a str,
    /// Carried out by the image's own shell.
    pub text: &'a str,
    /// Its variables.
    pub environment: Vec<Value>,
    /// It must not change the volume.
    pub only_reads: bool,
}

/// A variable with a value that is no secret.
pub(super) fn variable(name: &str, value: &str) -> Value {
    json!({ "name": name, "value": value })
}

/// A variable from a key of a Secret.
pub(super) fn secret(name: &str, object: &str, key: &str) -> Value {
    json!({ "name": name, "valueFrom": { "secretKeyRef": { "name": object, "key": key } } })
}

/// The `spec` of the Job of that run: a script, and another one after it where there is one.
pub(super) fn spec(run: &str, claim: &str, script: &Script<'_>, then: Option<&Script<'_>>) -> Value {
    // Init containers come one after the other, and before the others.
    let (first, last) = match then {
        Some(then) => (vec![container(script)], container(then)),
        None => (Vec::new(), container(script)),
    };
    let mut spec = json!({
        // A second try would find the volume as the first one left it, and nobody who looks.
        "backoffLimit": 0,
        "template": {
            "metadata": { "labels": { "timonel.io/run": run } },
            "spec": {
                "restartPolicy": "Never",
                "automountServiceAccountToken": false,
                "securityContext": {
                    "runAsNonRoot": true, "runAsUser": USER, "runAsGroup": USER, "fsGroup": USER,
                    "seccompProfile": { "type": "RuntimeDefault" },
                },
                "volumes": [{ "name": "backup", "persistentVolumeClaim": { "claimName": claim } }],
                "containers": [last],
            },
        },
    });
    if !first.is_empty() {
        spec["template"]["spec"]["initContainers"] = first.into();
    }
    spec
}

fn container(script: &Script<'_>) -> Value {
    json!({
        "name": script.name,
        "image": script.image,
        "command": ["/bin/sh", "-c", script.text],
        "env": script.environment,
        "volumeMounts": [{ "name": "backup", "mountPath": "/backup", "readOnly": script.only_reads }],
        "securityContext": { "allowPrivilegeEscalation": false, "capabilities": { "drop": ["ALL"] } },
    })
}
