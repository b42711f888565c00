//! The pod around a script that works on the volume of the dumps.
//!
//! Owns what it may do, where the volume is, and that nothing is tried twice. No secret is in it: what a program needs of one
//! is a reference that the kubelet resolves.

use std::time::Duration;

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

/// The least time that a Job has: a database may be large, and what hangs holds a snapshot of it and the lock of the volume.
pub(super) const DEADLINE: Duration = Duration::from_hours(12);

/// The `spec` of the Job of that run: scripts one after the other, each only when the one before it came to its end.
pub(super) fn spec(run: &str, claim: &str, scripts: &[Script<'_>], deadline: Duration) -> Value {
    // Init containers come one after the other, and before the others.
    let mut first: Vec<Value> = scripts.iter().map(container).collect();
    let last = first.split_off(first.len().saturating_sub(1));
    let mut spec = json!({
        // A second try would find the volume as the first one left it, and nobody who looks.
        "backoffLimit": 0,
        "activeDeadlineSeconds": deadline.as_secs().max(1),
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
                "containers": last,
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
