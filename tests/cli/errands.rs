//! Backups and migrations on the simulated cluster, whose Jobs do what such Jobs do.

use super::{faster, simulated};
use crate::support::sandbox::{Finished, Sandbox};

/// The service file of the demo, as it is shipped.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/assets/services/devshelf.toml");

fn run(home: &Sandbox, arguments: &[&str]) -> Finished {
    home.run(&[arguments, &["-f", FILE, "-e", "demo", "-n", "devshelf"]].concat())
}

fn confirmed(home: &Sandbox, arguments: &[&str], typed: &str) -> Finished {
    run(home, &[&["run"], arguments, &["--confirm", typed]].concat())
}

#[test]
fn a_backup_is_verified_and_a_migration_proven_on_the_simulated_cluster() {
    let (_cluster, home) = simulated("quiet");
    confirmed(&home, &["inspect"], "y").exits(0);
    let before = run(&home, &["status", "-o", "json"]).json();
    assert_eq!(before["migrations"]["state"], "at-head", "{before:#}");
    assert!(run(&home, &["backups"]).exits(1).stdout.contains("none is known"));
    let blocked = confirmed(&home, &["migrate", "image=ghcr.io/devshelf/api:1.9.0"], "y").exits(4);
    assert!(blocked.stdout.contains("was not inspected"), "{}", blocked.stdout);
    let made = confirmed(&home, &["backup", "daily"], "y").exits(0);
    assert!(made.stdout.contains("1 of 4 tables") && made.stdout.contains("read to its end, sha256"), "{}", made.stdout);
    assert!(run(&home, &["backups"]).exits(0).stdout.contains("9c1e7ab04d22"));
    confirmed(&home, &["inspect", "image=ghcr.io/devshelf/api:1.9.0"], "y").exits(0);
    let migrated = confirmed(&home, &["migrate", "image=ghcr.io/devshelf/api:1.9.0"], "y").exits(0);
    assert!(migrated.stdout.contains("the database is at e07b52c9d113, nothing pending"), "{}", migrated.stdout);
    let after = run(&home, &["status", "-o", "json"]).json();
    assert_eq!(after["migrations"]["state"], "ahead", "the pods that run are of 1.8: {after:#}");
    run(&home, &["backups", "verify", "daily", "--confirm", "y"]).exits(0);
    // What loses data asks for a phrase, and rests on the backup.
    confirmed(&home, &["inspect", "image=ghcr.io/devshelf/api:2.0.0"], "y").exits(0);
    let plan = run(&home, &["plan", "migrate", "image=ghcr.io/devshelf/api:2.0.0", "-o", "json"]).exits(0).json();
    assert_eq!(plan["confirmation"]["level"], "phrase", "{plan:#}");
    let typed = plan["confirmation"]["type"].as_str().expect("a phrase");
    let lost = confirmed(&home, &["migrate", "image=ghcr.io/devshelf/api:2.0.0"], typed).exits(0);
    assert!(lost.stdout.contains("destructive: ALTER TABLE covers DROP COLUMN path"), "{}", lost.stdout);
}

#[test]
fn a_dump_that_is_cut_off_is_no_backup_and_a_migration_that_fails_says_what_was_applied() {
    let (_cluster, home) = simulated("failing");
    let cut = confirmed(&home, &["backup", "daily"], "y").exits(1);
    assert!(cut.stdout.contains("cannot be read to its end"), "{}", cut.stdout);
    assert!(run(&home, &["backups"]).exits(1).stdout.contains("none is known"), "it counts as none");
    confirmed(&home, &["backup", "daily"], "y").exits(0);
    let migrate = ["migrate", "image=ghcr.io/devshelf/api:1.9.0"];
    let inspect = ["inspect", "image=ghcr.io/devshelf/api:1.9.0"];
    confirmed(&home, &inspect, "y").exits(0);
    let failed = confirmed(&home, &migrate, "y");
    assert!(failed.code.is_some_and(|code| code == 1 || code == 2), "{:?}: {}", failed.code, failed.stdout);
    for words in ["lock timeout", "ALTER TABLE covers ALTER COLUMN bytes TYPE bigint", "c4d81f6e20aa"] {
        assert!(failed.stdout.contains(words), "{words}: {}", failed.stdout);
    }
    confirmed(&home, &inspect, "y").exits(0);
    confirmed(&home, &migrate, "y").exits(0);
}

#[test]
fn every_system_of_the_demo_whose_schema_is_declared_is_migrated_to_its_next_release() {
    let (_cluster, home) = simulated("quiet");
    let next = [
        ("eterna", "eterna-rules", "ghcr.io/eterna/rules-engine:v0.10.0", "at 008"),
        ("platform", "platform", "registry.example.com/platform/backend:2.15.0", "clients.0004_consent_source"),
        ("listacompra", "listacompra", "ghcr.io/listacompra/api:v4.3.0", "20260710083000_shared_with"),
    ];
    for (name, namespace, image, at) in next {
        let file = format!("{}/assets/services/{name}.toml", env!("CARGO_MANIFEST_DIR"));
        let place = ["-f", &file, "-e", "demo", "-n", namespace];
        let image = format!("image={image}");
        let running = home.run(&[&["run", "inspect", "--confirm", "y"], &place[..]].concat()).exits(0);
        assert!(running.stdout.contains("nothing pending"), "{name}: {}", running.stdout);
        home.run(&[&["run", "inspect", &image, "--confirm", "y"], &place[..]].concat()).exits(0);
        let migrated = home.run(&[&["run", "migrate", &image, "--confirm", "y"], &place[..]].concat()).exits(0);
        assert!(migrated.stdout.contains("prove-migrated proven") && migrated.stdout.contains(at), "{name}: {}", migrated.stdout);
    }
}

/// Calls the program on one of the demo's systems.
fn of(home: &Sandbox, (name, namespace): (&str, &str), arguments: &[&str]) -> Finished {
    let file = format!("{}/assets/services/{name}.toml", env!("CARGO_MANIFEST_DIR"));
    home.run(&[arguments, &["-f", &file, "-e", "demo", "-n", namespace]].concat())
}

/// The verdict on each release, without how long ago the database was asked.
fn verdicts(home: &Sandbox, system: (&str, &str), workload: &str) -> Vec<(String, String, String)> {
    let answer = of(home, system, &["releases", workload, "-o", "json"]).exits(0).json();
    let all = answer["releases"].as_array().unwrap_or_else(|| panic!("{answer:#}"));
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let reasons = |release: &serde_json::Value| {
        let all = release["verdict_reasons"].as_array().into_iter().flatten().map(text);
        all.map(|r| r.split(", as of").next().unwrap_or_default().to_owned()).collect::<Vec<_>>().join("; ")
    };
    all.iter().map(|r| (text(&r["images"][0]["tag"]), text(&r["verdict"]), reasons(r))).collect()
}

const SYSTEMS: [((&str, &str), &str); 4] = [
    (("devshelf", "devshelf"), "devshelf-api"),
    (("eterna", "eterna-rules"), "eterna-rules-backend"),
    (("platform", "platform"), "platform-backend"),
    (("listacompra", "listacompra"), "listacompra-api"),
];

#[test]
fn what_is_recorded_of_the_demos_releases_is_what_their_images_say_and_every_verdict_is_among_it() {
    let (_cluster, home) = faster("quiet");
    let mut seen = std::collections::BTreeSet::new();
    for (system, workload) in SYSTEMS {
        let before = verdicts(&home, system, workload);
        seen.extend(before.iter().map(|(_, verdict, _)| verdict.clone()));
        let known = of(&home, system, &["migrations", "-o", "json"]).exits(0).json();
        for image in known["images"].as_array().into_iter().flatten().rev() {
            let image = format!("image={}", image["names"][0].as_str().unwrap_or_default());
            of(&home, system, &["run", "inspect", &image, "--confirm", "y"]).exits(0);
        }
        assert_eq!(verdicts(&home, system, workload), before, "{workload}");
    }
    for verdict in ["safe", "needs-downgrade", "loses-data", "impossible", "unknown"] {
        assert!(seen.contains(verdict), "{verdict}: {seen:?}");
    }
}

#[test]
fn a_release_of_the_demo_that_needs_a_downgrade_is_gone_back_to_by_the_ordered_plan() {
    let (_cluster, home) = faster("quiet");
    let platform = ("platform", "platform");
    let back = of(&home, platform, &["status", "-o", "json"]).json()["back"].clone();
    assert_eq!((&back["verdict"], &back["to"]), (&"needs-downgrade".into(), &"2.14.0".into()), "{back:#}");
    assert!(back["estimate_seconds"].is_null(), "nobody went back from here yet: {back:#}");
    assert!(back["reasons"][0].as_str().is_some_and(|why| why.contains("clients.0003_consent_until above")), "{back:#}");
    let rollback = ["run", "rollback", "platform-backend", "to=5", "--confirm", "rollback platform-backend 6->5"];
    let done = of(&home, platform, &rollback).exits(0);
    let order = [
        "stop-platform-backend: prove 0 endpoints",
        "stop-platform-proactivity: prove suspended",
        "clients.0003_consent_until taken back",
        "image: prove 0 pods of revision 5",
        "start-platform-backend: prove 3 pods ready",
        "ready, alive, frontend green",
        "every proof held",
    ];
    let at = |step: &str| done.stdout.find(step).unwrap_or_else(|| panic!("{step}: {}", done.stdout));
    assert!(order.windows(2).all(|pair| at(pair[0]) < at(pair[1])), "{}", done.stdout);
    assert!(!done.stdout.contains("debt:"), "what was stopped was started again: {}", done.stdout);
    let after = of(&home, platform, &["status", "-o", "json"]).json();
    assert_eq!(after["migrations"]["state"], "at-head", "the image that runs is where the database is: {after:#}");
    assert_eq!(after["health"], "ok", "{after:#}");
    assert!(after["back"]["estimate_seconds"].as_f64().is_some_and(|took| took >= 1.0), "as long as this took: {after:#}");
}

#[test]
fn a_release_of_the_demo_whose_rollback_loses_data_says_which_and_is_blocked() {
    let (_cluster, home) = faster("quiet");
    let eterna = ("eterna", "eterna-rules");
    let back = of(&home, eterna, &["status", "-o", "json"]).json()["back"].clone();
    assert_eq!((&back["verdict"], &back["to"]), (&"loses-data".into(), &"v0.9.1".into()), "{back:#}");
    let blocked = of(&home, eterna, &["run", "rollback", "eterna-rules-backend", "to=6", "--confirm", "y"]).exits(4);
    assert!(blocked.stdout.contains("taking 007 back loses audits.reason (41317 rows)"), "{}", blocked.stdout);
    // In writing it is done, with the schema, on top of a backup.
    of(&home, eterna, &["run", "backup", "daily", "--confirm", "y"]).exits(0);
    let written = ["eterna-rules-backend", "to=6", "--override", "schema", "--reason", "the reasons are in the log as well"];
    let plan = of(&home, eterna, &[&["plan", "rollback"], &written[..], &["-o", "json"]].concat()).json();
    assert_eq!(plan["allowed"], true, "{plan:#}");
    let typed = plan["confirmation"]["type"].as_str().expect("a phrase").to_owned();
    of(&home, eterna, &[&["run", "rollback"], &written[..], &["--confirm", &typed]].concat()).exits(0);
    assert_eq!(of(&home, eterna, &["status", "-o", "json"]).json()["migrations"]["state"], "at-head");
}

#[test]
fn a_backup_of_the_demo_is_taken_from_another_namespace_and_uploaded() {
    let (_cluster, home) = faster("quiet");
    let eterna = ("eterna", "eterna-rules");
    let made = of(&home, eterna, &["run", "backup", "daily", "--confirm", "y"]).exits(0);
    assert!(made.stdout.contains("the object store has it, checked by sha256"), "{}", made.stdout);
    let listed = of(&home, eterna, &["backups", "-o", "json"]).exits(0).json();
    assert!(listed["backups"].to_string().contains("s3://eterna-backups/database/"), "{listed:#}");
}

#[test]
fn an_image_without_revisions_is_told_as_such() {
    let (_cluster, home) = simulated("quiet");
    let none = confirmed(&home, &["inspect", "image=redis:7"], "y");
    assert!(none.code == Some(2) && none.stdout.contains("there is no alembic.ini"), "{:?}: {}", none.code, none.stdout);
}
