//! Backups and migrations on the simulated cluster, whose Jobs do what such Jobs do.

use super::simulated;
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
        ("platform", "platform", "registry.example.com/platform/backend:2.15.0", "clients.0003_consent_source"),
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

#[test]
fn an_image_without_revisions_is_told_as_such() {
    let (_cluster, home) = simulated("quiet");
    let none = confirmed(&home, &["inspect", "image=redis:7"], "y");
    assert!(none.code == Some(2) && none.stdout.contains("there is no alembic.ini"), "{:?}: {}", none.code, none.stdout);
}
