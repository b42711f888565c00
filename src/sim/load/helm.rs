//! Helm releases, as Helm itself stores them.
//!
//! Owns the Secret format (design of Helm's storage driver): base64 of gzip of JSON, in a Secret of type helm.sh/release.v1.

use std::io::Write;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use flate2::Compression;
use flate2::write::GzEncoder;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::system::{Helm, Revision, System};
use super::{ago, create};
use crate::sim::api::failure::Failure;
use crate::sim::wire::canon::seconds;
use crate::sim::world::World;

/// Writes one Secret for each revision.
pub(super) fn secrets(world: &mut World, system: &System, helm: &Helm, now: Timestamp) -> Result<(), Failure> {
    let first = helm.revision.first().map_or(now, |r| ago(now, r.age.0));
    for (i, revision) in helm.revision.iter().enumerate() {
        world.now = ago(now, revision.age.0);
        let last = i + 1 == helm.revision.len();
        let status = revision.status.as_deref().unwrap_or(if last { "deployed" } else { "superseded" });
        let release = release(system, helm, revision, i + 1, status, (first, world.now));
        let payload = BASE64_STANDARD.encode(packed(&release));
        create(
            world,
            &json!({
                "apiVersion": "v1", "kind": "Secret", "type": "helm.sh/release.v1",
                "metadata": {"name": format!("sh.helm.release.v1.{}.v{}", helm.name, i + 1), "namespace": helm.namespace,
                    "labels": {"createdAt": world.now.as_second().to_string(), "name": helm.name, "owner": "helm", "status": status, "version": (i + 1).to_string()}},
                "data": {"release": payload},
            }),
        )?;
    }
    Ok(())
}

/// The payload: base64 of gzip of JSON (the Secret encodes it once more).
fn packed(release: &Value) -> String {
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    // Writing to a Vec cannot fail.
    let bytes = gzip.write_all(release.to_string().as_bytes()).and_then(|()| gzip.finish()).unwrap_or_default();
    BASE64_STANDARD.encode(bytes)
}

fn release(system: &System, helm: &Helm, revision: &Revision, number: usize, status: &str, (first, at): (Timestamp, Timestamp)) -> Value {
    json!({
        "name": helm.name,
        "info": {"first_deployed": seconds(first), "last_deployed": seconds(at), "deleted": "", "description": revision.description, "status": status,
                 "notes": format!("{} is running in namespace {}.\n", helm.chart, helm.namespace)},
        "chart": {"metadata": {"name": helm.chart, "version": revision.chart, "appVersion": revision.app, "description": helm.description, "apiVersion": "v2", "type": "application"},
                  "lock": null, "templates": [], "values": {}, "schema": null, "files": null},
        "config": nested(revision),
        "manifest": manifest(system, helm, revision),
        "version": number,
        "namespace": helm.namespace,
        "apply_method": "csa",
    })
}

/// Flat values as a tree: `a.b = 1` -> `{a: {b: 1}}`.
fn nested(revision: &Revision) -> Value {
    let mut root = Value::Object(Map::new());
    for (path, value) in &revision.values {
        let mut at = &mut root;
        for part in path.split('.') {
            at = &mut at[part];
        }
        *at = serde_json::to_value(value).unwrap_or(Value::Null);
    }
    root
}

/// The manifests that belong to the release, with the images of that revision.
fn manifest(system: &System, helm: &Helm, revision: &Revision) -> String {
    let mut out = String::new();
    for document in system.text.split("\n---\n").filter(|d| d.contains("app.kubernetes.io/managed-by: Helm")) {
        let name = document.lines().find_map(|l| l.strip_prefix("kind: ")).unwrap_or("object").to_lowercase();
        let mut text = document.trim_start_matches("---\n").trim_end().to_owned();
        for (now, then) in &revision.images {
            text = text.replace(now.as_str(), then);
        }
        out.extend(["---\n# Source: ", &helm.chart, "/templates/", &name, ".yaml\n", &text, "\n"]);
    }
    out
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use base64::Engine;
    use base64::prelude::BASE64_STANDARD;
    use serde_json::{Value, json};

    #[test]
    fn a_release_is_packed_as_helm_packs_it() {
        let packed = super::packed(&json!({"name": "a"}));
        let bytes = BASE64_STANDARD.decode(packed).expect("base64");
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes.as_slice()).read_to_string(&mut text).expect("gzip");
        assert_eq!(serde_json::from_str::<Value>(&text).expect("JSON"), json!({"name": "a"}));
    }
}
