//! The plan's hash: what two operators who ask for the same have in common (contract.md 5).
//!
//! Owns the list of what enters it: inputs, cluster UID, object UIDs, target values, step ids, level. No prose, risks, counts,
//! times, ids, resourceVersions or context names.

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::Plan;
use crate::base::id::hex;

/// Marks of who and when, which two operators do not have in common.
fn enters(pointer: &str) -> bool {
    let leaf = pointer.rsplit('/').next().unwrap_or_default();
    !["kubectl.kubernetes.io~1restartedAt", "kubernetes.io~1change-cause"].contains(&leaf) && !leaf.starts_with("timonel.io~1")
}

pub(super) fn of(plan: &Plan) -> String {
    let targets: Vec<Value> = plan
        .writes()
        .flat_map(|(_, write)| {
            write
                .changes
                .iter()
                .filter(|c| enters(c.pointer))
                .map(|c| json!({ "uid": write.uid, "field": c.pointer, "after": c.after }))
        })
        .collect();
    let mut uids: Vec<&str> = plan.inner.frozen.iter().map(|f| f.uid.as_str()).collect();
    uids.sort_unstable();
    uids.dedup();
    let inputs = &plan.inner.inputs;
    let value = json!({
        "inputs": { "action": plan.action, "parameters": inputs.parameters, "overrides": inputs.overrides, "reason": inputs.reason },
        "cluster_uid": plan.target.cluster_uid,
        "object_uids": uids,
        "targets": targets,
        "steps": plan.steps.iter().map(|s| s.id).collect::<Vec<_>>(),
        "level": plan.confirmation.level,
    });
    // Strings and whole numbers always have a canonical form (RFC 8785); the fallback keeps the function total.
    let canonical = serde_json_canonicalizer::to_vec(&value).unwrap_or_else(|_| value.to_string().into_bytes());
    format!("sha256:{}", hex(&Sha256::digest(canonical)))
}
