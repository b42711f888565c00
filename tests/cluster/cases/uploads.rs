//! Dumps that are taken to an object store: the store has them, or the run has failed and the dump stays where it was made.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use super::backups::{ROWS, catalogue, file, kept_to_itself, put_old, run};
use crate::bed::node::{self, UPLOADER};
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::operator::Operator;
use crate::postgres::{Postgres, Volume};
use crate::store::{ACCESS_KEY, BUCKET, SECRET_KEY, Store};

/// The address of the node: pods reach the programs of this machine there.
fn address(cluster: &Cluster) -> String {
    let node = cluster.raw(&format!("/api/v1/nodes/{}", node::NAME)).unwrap();
    let all = node["status"]["addresses"].as_array().unwrap();
    all.iter().find(|a| a["type"] == "InternalIP").unwrap()["address"].as_str().unwrap().to_owned()
}

/// The service file, whose backup goes to a store as well.
fn uploading(operator: &Operator, space: &Namespace<'_>, endpoint: &str, key: &str) -> String {
    let secret = json!({ "apiVersion": "v1", "kind": "Secret", "metadata": { "name": "store" },
        "stringData": { "id": ACCESS_KEY, "key": SECRET_KEY, "wrong": "another-key" } });
    space.apply(&secret.to_string());
    let path = file(operator, space, "password");
    let text = fs::read_to_string(&path).unwrap();
    let upload = format!(
        "to = \"s3://{BUCKET}/shop\"\nendpoint = \"{endpoint}\"\nupload_image = \"{UPLOADER}\"\naccess_key = \"secret:store-id\"\nsecret_key = \"secret:store-key\"\n[[action]]"
    );
    let secrets = format!(
        "[secrets.store-id]\nref = \"k8s:{0}/store#id\"\n[secrets.store-key]\nref = \"k8s:{0}/store#{key}\"\n[[workload]]",
        space.name()
    );
    operator
        .sandbox
        .write("shop.toml", &text.replace("[[action]]", &upload).replacen("[[workload]]", &secrets, 1))
        .display()
        .to_string()
}

pub(crate) fn a_dump_is_uploaded_and_the_store_is_asked_what_it_has(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let store = Store::start(&address(cluster), &operator.sandbox.path("store"));
    let file = uploading(&operator, &space, &store.endpoint, "key");
    let old = put_old(&volume);
    let run = run(&operator, &file).expect("proven", 0);
    kept_to_itself(&operator, &run);
    let plan = operator.plan_of("backup", &["daily", "-f", &file]);
    assert!(!format!("{plan:?}{run:?}{:?}", operator.journal()).contains("valley"), "{plan:#?}");
    let entries = catalogue(&space);
    let name = entries[0]["file"].as_str().unwrap();
    assert_eq!(entries[0]["copy"], json!({ "to": format!("s3://{BUCKET}/shop/"), "checked": "sha256" }), "{entries:#?}");
    // Judged by somebody else than the Job.
    let here = fs::read(volume.folder.join(name)).unwrap();
    assert_eq!(store.object(&format!("shop/{name}")), Some(here));
    let description: Value = serde_json::from_slice(&store.object(&format!("shop/{}", name.replace(".dump", ".json"))).unwrap()).unwrap();
    assert_eq!(description["sha256"], entries[0]["sha256"]);
    assert!(operator.call(&["backups", "-f", &file]).exits(0).stdout.contains("s3://dumps/shop/ (sha256)"));
    assert!(!volume.files().contains(&old[0]), "only now an older one is deleted: {:?}", volume.files());
}

pub(crate) fn a_dump_that_no_single_request_carries_is_uploaded_in_parts(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let operator = Operator::new(cluster, "operator", &space);
    let store = Store::start(&address(cluster), &operator.sandbox.path("store"));
    let folder = operator.sandbox.path("volume");
    fs::create_dir_all(&folder).unwrap();
    let bytes: Vec<u8> = (0..12_500_000_u32).map(|n| n.wrapping_mul(2_654_435_761).to_be_bytes()[0]).collect();
    fs::write(folder.join("shop.dump"), &bytes).unwrap();
    fs::write(folder.join("shop.json"), "{}").unwrap();
    let upload = |script: &str| {
        let report = operator.sandbox.path("report");
        let url = format!("{}/{BUCKET}/shop/", store.endpoint);
        // The least that a store takes as a part, instead of the most that it takes as a whole.
        let environment = [("FILE", "shop.dump"), ("REGION", "us-east-1"), ("PART", "5242880"), ("WHOLE", "5242880"), ("URL", &url)];
        let ended = Command::new("sh")
            .args(["-c", script])
            .envs(environment)
            .envs([("ACCESS_KEY", ACCESS_KEY), ("SECRET_KEY", SECRET_KEY)])
            .env("VOLUME", &folder)
            .env("REPORT", &report)
            .output()
            .unwrap();
        let said: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        (ended.status.code(), said)
    };
    let script = include_str!("../../../src/run/backup/upload.sh");
    assert_eq!(upload(script), (Some(0), json!({ "uploaded": bytes.len(), "checked": "etag" })));
    assert!(store.object("shop/shop.dump").is_some_and(|there| there == bytes), "judged by somebody else");
    // A part that does not arrive as it was sent: nothing of it stays in the store.
    fs::remove_file(operator.sandbox.path("store").join(BUCKET).join("shop/shop.dump")).unwrap();
    let wrong = script.replace("own=$(piece \"$n\" | sum_of)", "own=$(echo | sum_of)");
    let (code, said) = upload(&wrong);
    assert!(wrong != script && code == Some(1) && said["failed"].as_str().unwrap().contains("refuses part 1 of 3"), "{said:#}");
    let left = fs::read_dir(operator.sandbox.path("store"))
        .unwrap()
        .flatten()
        .filter(|entry| entry.file_name().to_string_lossy().contains("part-"));
    assert_eq!((left.count(), store.object("shop/shop.dump")), (0, None));
}

pub(crate) fn a_store_that_refuses_fails_the_run_and_the_dump_stays_a_backup(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let store = Store::start(&address(cluster), &operator.sandbox.path("store"));
    let file = uploading(&operator, &space, &store.endpoint, "wrong");
    let old = put_old(&volume);
    let run = run(&operator, &file);
    assert_eq!(run.code, Some(1), "{run:#?}");
    Watched { cluster, space: &space, operator: &operator }.ended("dump: the object store refuses it", &run);
    let reason = run.end()["reason"].as_str().unwrap().to_owned();
    assert!(reason.contains("was not uploaded") && reason.contains("SignatureDoesNotMatch"), "{reason}");
    kept_to_itself(&operator, &run);
    let entries = catalogue(&space);
    let name = entries[0]["file"].as_str().unwrap();
    assert!(
        entries[0]["copy"]["failed"].as_str().unwrap().contains("SignatureDoesNotMatch") && entries[0]["copy"]["checked"].is_null(),
        "{entries:#?}"
    );
    assert!(volume.files().iter().any(|there| there == name) && store.object(&format!("shop/{name}")).is_none());
    assert!(store.object(&format!("shop/{}", name.replace(".dump", ".json"))).is_none(), "nothing describes what is not there");
    assert!(old.iter().all(|old| volume.files().contains(old)), "nothing is deleted for it: {:?}", volume.files());
    // It counts where it was made, and that is not what was declared.
    let after = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(1).json();
    assert_eq!(after["declared"][0]["state"], "not-uploaded", "{after:#}");
    assert!(operator.call(&["backups", "-f", &file]).exits(1).stdout.contains("NOT UPLOADED"));
    let gate = operator.plan_of("ship", &["-f", &file]);
    assert_eq!(gate.code, Some(4), "it is no fresh backup: {gate:#?}");
}
