//! Issue text "The service file": written from what runs, held against what runs, and a cluster that is not the one that is meant.

use crate::cluster::Cluster;
use crate::manifest::{Web, autoscaler, service};
use crate::middle::{Fate, Middle};
use crate::operator::Operator;

/// A file is written, is clean, and every workload, probe and right of it is proven by real pods; then one goes away.
pub(crate) fn a_first_file_is_clean_and_proven_until_something_goes(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&[Web::new("web", 2).yaml(), service("web"), autoscaler("web", 2, 4)].join("---\n"));
    space.wait_ready("web", 2);
    let operator = Operator::new(cluster, "operator", &space);
    let text = operator.call(&["init"]).exits(0).stdout;
    assert!(text.contains("cluster_uid = ") && text.contains("hpa = \"web\"") && text.contains("path = \"/health\""), "{text}");
    let file = operator.sandbox.write("web.toml", &text).display().to_string();
    operator.call(&["check", &file]).exits(0);
    let answer = operator.call(&["check", &file, "--live", "-o", "json"]).json();
    let of = |id: &str| answer["live"].as_array().unwrap().iter().find(|f| f["id"] == id).map(|f| f["answer"].clone());
    for id in ["target.cluster_uid", "workload.web", "workload.web.hpa", "workload.web.image", "probe.web-ready"] {
        assert_eq!(of(id), Some("proven".into()), "{id}: {answer:#}");
    }
    space.delete("autoscaling/v2", "HorizontalPodAutoscaler", "web");
    let told = operator.call(&["check", &file, "--live"]).exits(2).stdout;
    assert!(told.contains("failed  workload.web.hpa: there is no autoscaler"), "{told}");
}

/// Secrets that may not be read are unknown, never missing; their values are nowhere.
pub(crate) fn what_may_not_be_read_is_unknown_and_a_secret_is_its_keys(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: web-secrets}\nstringData: {TOKEN: hunter2hunter2}\n";
    space.apply(&format!("{}---\n{secret}", Web::new("web", 1).yaml()));
    space.wait_ready("web", 1);
    let text = format!(
        "schema = 1\n[service]\nid = \"web\"\n[secrets.token]\nref = \"k8s:{0}/web-secrets#TOKEN\"\n[secrets.other]\nref = \"k8s:{0}/web-secrets#OTHER\"\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n",
        space.name()
    );
    for (user, token, other) in [("admin", "proven", "failed"), ("viewer", "unknown", "unknown")] {
        let operator = Operator::new(cluster, user, &space);
        let file = operator.sandbox.write("web.toml", &text).display().to_string();
        let finished = operator.call(&["check", &file, "--live", "-o", "json"]);
        assert!(!finished.stdout.contains("hunter2"), "{}", finished.stdout);
        let answer = finished.json();
        let of = |id: &str| answer["live"].as_array().unwrap().iter().find(|f| f["id"] == id).map(|f| f["answer"].clone());
        assert_eq!((of("secret.token"), of("secret.other")), (Some(token.into()), Some(other.into())), "{user}: {answer:#}");
        assert_eq!(of("workload.web"), Some("proven".into()), "{user}: {answer:#}");
    }
}

/// The file that a namespace keeps: refused until its text was accepted, again when it changed, and still there when the server is not.
pub(crate) fn a_file_that_a_namespace_keeps_is_used_once_its_text_was_accepted(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let keep = |more: &str| {
        let text =
            format!("schema = 1\n[service]\nid = \"shop\"\n[[contact]]\nid = \"ana\"\nrole = \"Lead\"\nphone = \"+34 1\"\nhours = \"24x7\"\n{more}");
        let data = text.lines().map(|line| format!("    {line}\n")).collect::<String>();
        let head = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: of-shop, labels: {timonel.io/service: shop}}\ndata:\n  service.toml: |\n";
        space.apply(&format!("{head}{data}"));
    };
    keep("");
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let middle = Middle::of(cluster, "operator");
    let operator = Operator::new(cluster, "operator", &space).through(cluster, "operator", &middle);
    let refused = |what: &str| {
        let finished = operator.call(&["status", "-f", "shop"]).exits(78);
        assert!(finished.stderr.contains(what) && finished.stderr.contains("not in use"), "{}", finished.stderr);
        finished.stderr.split("--accept ").nth(1).unwrap().trim().to_owned()
    };
    let digest = refused("was not accepted yet");
    operator.call(&["check", "shop"]).exits(0);
    assert!(operator.call(&["doctor"]).stdout.contains("keeps a service file"));
    operator.call(&["status", "-f", "shop", "--accept", &format!("{digest}0")]).exits(78);
    let answer = operator.call(&["status", "-f", "shop", "--accept", &digest, "-o", "json"]).json();
    let from = format!("ConfigMap in {}", space.name());
    assert_eq!(
        (answer["service"]["id"].as_str(), answer["service"]["file"].as_str()),
        (Some("shop"), Some(from.as_str())),
        "{answer:#}"
    );
    let console = operator.console((120, 36), &["-f", "shop"]);
    console.wait("it says where the file came from", |screen| screen.rows[0].contains("shop ConfigMap in"));
    drop(console);

    keep("[notify.all]\nkind = \"webhook\"\nurl = \"https://hooks.example/\"\n");
    let digest = refused("has changed since it was accepted");
    let told = operator.call(&["check", "shop"]).exits(2).stdout;
    assert!(told.contains("must not notify"), "{told}");
    let finished = operator.call(&["status", "-f", "shop", "--accept", &digest]).exits(78);
    assert!(finished.stderr.contains("must not notify"), "accepting does not lift what such a file may not do: {}", finished.stderr);
    let missing = operator.call(&["status", "-f", "nobody"]).exits(78);
    assert!(missing.stderr.contains("there is no service file 'nobody'"), "{}", missing.stderr);

    keep("");
    operator.call(&["status", "-f", "shop"]);
    // A server that says no was heard: no copy stands in for its word. One that says nothing was not.
    middle.meet("GET", "/configmaps", 1, Fate::Answered(403, "Forbidden", None));
    let refused = operator.call(&["status", "-f", "shop"]).exits(78);
    assert!(refused.stderr.contains("keeps one is unknown"), "{}", refused.stderr);
    middle.meet("GET", "/configmaps", usize::MAX, Fate::QuestionLost);
    let copy = operator.call(&["status", "-f", "shop"]);
    assert!(copy.stderr.contains("The copy that was accepted last is used"), "{}{}", copy.stdout, copy.stderr);
    assert!(copy.stdout.contains("Lead"), "who to call is in it: {}", copy.stdout);
    // What was accepted of one server's namespace counts for no other server.
    let other = Middle::of(cluster, "operator");
    let elsewhere = operator.through(cluster, "operator", &other);
    let other = elsewhere.call(&["status", "-f", "shop"]).exits(78);
    assert!(other.stderr.contains("was not accepted yet"), "{}", other.stderr);
}

/// A context that leads to another cluster than the pinned one: seen in `status`, and nothing is written.
pub(crate) fn a_file_pinned_to_another_cluster_writes_nothing(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let text = operator.call(&["init"]).exits(0).stdout;
    let uid = text.lines().find(|line| line.starts_with("cluster_uid = ")).unwrap().split('"').nth(1).unwrap().to_owned();
    let file = operator
        .sandbox
        .write("web.toml", &text.replace(&uid, "0d3bf5a1-6a34-4f0a-9d2f-8f2f1d7a9c55"))
        .display()
        .to_string();
    let status = operator.call(&["status", "-f", &file, "-o", "json"]).json();
    assert!(status["problems"].to_string().contains("This is not the cluster"), "{status:#}");
    let plan = operator.call(&["plan", "scale", "web=2", "-f", &file, "-o", "json"]).exits(4).json();
    let identity = plan["checks"].as_array().unwrap().iter().find(|c| c["id"] == "identity").unwrap();
    assert_eq!((identity["result"].as_str(), identity["overridable"].as_bool()), (Some("failed"), Some(false)), "{plan:#}");
    assert_eq!(cluster.writes(&space).unwrap_or(0), 0, "nothing was written");
    let live = operator.call(&["check", &file, "--live"]).exits(2).stdout;
    assert!(live.contains("failed  target.cluster_uid"), "{live}");
}
