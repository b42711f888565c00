//! A service file against a target: the first one is written from what is running, and each thing that a file names is proven, failed or
//! unknown.

use super::simulated;
use crate::support::sandbox::Sandbox;

/// The shipped file of a system of the demo.
fn shipped(name: &str) -> String {
    format!("{}/assets/services/{name}.toml", env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn a_first_file_of_each_system_of_the_demo_is_clean_and_its_names_are_proven() {
    let (_cluster, home) = simulated("quiet");
    for namespace in ["platform", "devshelf", "eterna-rules", "listacompra", "dokploy-stack"] {
        let text = home.run(&["init", "-n", namespace]).exits(0).stdout;
        assert!(text.contains("[[workload]]") && text.contains("[[probe]]"), "{text}");
        let file = home.write(&format!("{namespace}.toml"), &text).display().to_string();
        home.run(&["check", &file]).exits(0);
        let live = home.run(&["check", &file, "--live", "-o", "json"]).json();
        let all = live["live"].as_array().expect("answers");
        let not: Vec<_> = all.iter().filter(|f| f["answer"] != "proven" && f["rule"].is_null()).collect();
        assert!(not.is_empty() && all.len() > 5, "{not:#?}");
    }
}

#[test]
fn the_traps_of_a_system_are_seen_on_its_living_objects() {
    let (_cluster, home) = simulated("quiet");
    let rules = |name: &str| -> Vec<String> {
        let answer = home.run(&["check", &shipped(name), "--live", "-e", "demo", "-o", "json"]).json();
        let all = answer["live"].as_array().expect("answers").clone();
        assert!(all.iter().any(|f| f["id"].as_str().is_some_and(|id| id.starts_with("probe.")) && f["answer"] == "proven"), "{all:#?}");
        all.iter().filter_map(|f| f["rule"].as_str().map(ToOwned::to_owned)).collect()
    };
    assert_eq!(rules("eterna"), ["E-T21", "E-T27", "E-T12", "E-T19"]);
    assert_eq!(rules("platform"), ["P-T5", "P-T4"]);
}

#[test]
fn a_name_that_leads_nowhere_has_failed_and_what_cannot_be_seen_is_unknown() {
    let (_cluster, home) = simulated("quiet");
    let text = "schema = 1\n[service]\nid = \"shop\"\n[env.demo]\nkind = \"demo\"\n[env.demo.target]\ncontext = \"demo\"\nnamespace = \"devshelf\"\n\
                [[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = \"devshelf-ap\"\n[secrets.k]\nref = \"k8s:devshelf-secrets#NO\"\n\
                [secrets.c]\nref = \"cmd:pass show x\"\n";
    let file = home.write("shop.toml", text).display().to_string();
    home.run(&["check", &file]).exits(0);
    let told = home.run(&["check", &file, "--live"]).exits(2).stdout;
    for part in [
        "failed  workload.api: there is no Deployment devshelf/devshelf-ap",
        "did you mean 'devshelf-api'?",
        "failed  secret.k: the Secret devshelf/devshelf-secrets has no key NO",
        "unknown secret.c: cmd:pass",
    ] {
        assert!(told.contains(part), "{part}\n{told}");
    }
    assert!(!told.contains("show x"), "arguments are not shown");
}

#[test]
fn without_a_target_nothing_is_proven() {
    let home = Sandbox::new();
    let file = home.write("shop.toml", "schema = 1\n[service]\nid = \"shop\"\n").display().to_string();
    let finished = home.run(&["check", &file, "--live"]);
    assert!(finished.code != Some(0) && !finished.stdout.contains("proven"), "{finished:#?}");
}
