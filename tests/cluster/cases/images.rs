//! Images that a registry is asked for before anything is confirmed. The registry is one of the test's own, over HTTP on loopback; the
//! kubelet of the bed pulls from it for real, with the pull secret of the workload.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::migrations;
use super::tells::{Server, prometheus};
use crate::bed::node::{DATABASE, IMAGE, MIGRATIONS};
use crate::cluster::{Cluster, Namespace};
use crate::manifest::Web;
use crate::operator::{Operator, place};
use crate::postgres::{PASSWORD, Postgres, Volume};
use crate::support::registry::{Door, Registry};

/// The password of the pull secret; nothing but the registry itself may show it.
const PULL: &str = "egret-pull-3390";

fn pair(password: &str) -> String {
    STANDARD.encode(format!("puller:{password}"))
}

/// A pull secret for the registry, and a workload that names it and may pull.
fn pull_secret(space: &Namespace<'_>, registry: &Registry, password: &str, workload: &str) {
    let mut auths = serde_json::Map::new();
    auths.insert(registry.host(), json!({ "auth": pair(password) }));
    let config = STANDARD.encode(json!({ "auths": auths }).to_string());
    space.apply(&format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: pull}}\ntype: kubernetes.io/dockerconfigjson\ndata: {{.dockerconfigjson: {config}}}\n"
    ));
    let template = json!({ "spec": { "template": { "spec": { "imagePullSecrets": [{ "name": "pull" }] } } } });
    space.patch("apps/v1", "Deployment", workload, &template);
    rolled_out(space, workload);
}

fn rolled_out(space: &Namespace<'_>, workload: &str) {
    space.wait("its rollout is complete", "apps/v1", "Deployment", workload, |object| {
        let status = &object["status"];
        status["observedGeneration"] == object["metadata"]["generation"]
            && status["updatedReplicas"] == 1
            && status["replicas"] == 1
            && status["readyReplicas"] == 1
    });
}

fn architecture() -> &'static str {
    if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" }
}

fn service(space: &Namespace<'_>, operator: &Operator, kind: &str, registry: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\n[env.{kind}]\nkind = \"{kind}\"\n[env.{kind}.target]\ntype = \"kubernetes\"\n\
         [vars.version]\ntype = \"image-tag\"\n[releases]\nsource = \"deployment\"\npin = \"digest\"\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\nnamespace = \"{}\"\nimage = \"{registry}/shop/app\"\n\
         [[action]]\nid = \"deploy\"\nvars = [\"version\"]\n\
         [[action.step]]\nid = \"image\"\ntype = \"image-check\"\nimage = \"{registry}/shop/app:${{var.version}}\"\ncapture = {{ which = \"digest\" }}\n\
         [[action.step]]\nid = \"roll\"\ntype = \"set-image\"\nworkload = \"web\"\nimage = \"${{step.image.which}}\"\n",
        space.name()
    );
    operator.sandbox.write(&format!("{kind}.toml"), &text).display().to_string()
}

fn detail(check: &Value) -> String {
    check["detail"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn what_a_registry_says_is_in_the_plan_by_digest_and_what_it_does_not_say_is_unknown(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let registry = Registry::start(Door::Token(pair(PULL)));
    let digest = registry.index("shop/app:1.1.0", &[("linux", architecture()), ("linux", "riscv64")]);
    registry.image("shop/app:2.0.0", "linux", "s390x");
    pull_secret(&space, &registry, PULL, "web");
    let file = service(&space, &operator, "test", &registry.host());
    let checked = operator.call(&["check", &file]).stdout;
    assert!(!checked.contains("error") && !checked.contains("disabled"), "{checked}");
    let plan = |version: &str, file: &str| operator.plan_of("deploy", &[&format!("version={version}"), "-f", file]);
    let good = plan("1.1.0", &file);
    assert!(good.expect_check("image-check:image", "ok") && good.code == Some(0), "{:#}", good.value);
    assert!(detail(good.check("image-check:image")).contains("pull secret pull"), "{:#}", good.value);
    good.expect_check("image-platform:image", "ok");
    let pinned = format!("{}/shop/app@{digest}", registry.host());
    assert!(good.value["steps"].to_string().contains(&pinned), "the plan has the digest: {:#}", good.value["steps"]);
    // The tag means another image now: that is another plan.
    registry.index("shop/app:1.1.0", &[("linux", architecture())]);
    assert_ne!(plan("1.1.0", &file).value["hash"], good.value["hash"]);
    let absent = plan("9.9.9", &file);
    assert!(absent.expect_check("image-check:image", "failed") && absent.code == Some(4), "{:#}", absent.value);
    let foreign = plan("2.0.0", &file);
    assert!(foreign.expect_check("image-platform:image", "failed") && foreign.code == Some(4), "{:#}", foreign.value);
    assert!(detail(foreign.check("image-platform:image")).contains("linux/s390x"), "{:#}", foreign.value);
    pull_secret(&space, &registry, "not-the-one-3391", "web");
    let refused = plan("1.1.0", &file);
    refused.expect_check("image-check:image", "failed");
    assert!(detail(refused.check("image-check:image")).contains("refuses the pull secret pull"), "{:#}", refused.value);
    pull_secret(&space, &registry, PULL, "web");
    // Nobody answers: unknown, which stops in production, and the tag is no digest.
    registry.break_with("/v2/", 503);
    let production = service(&space, &operator, "production", &registry.host());
    let unknown = plan("1.1.0", &production);
    unknown.expect_check("image-check:image", "unknown");
    unknown.expect_check("pin", "failed");
    assert!(unknown.code == Some(4) && unknown.blocked_by().contains(&"image-check:image"), "{:#}", unknown.value);
    assert!(!plan("1.1.0", &file).blocked_by().contains(&"image-check:image"), "elsewhere it is said, and blocks nothing");
    let seen = [good.value.to_string(), refused.value.to_string(), unknown.value.to_string()].concat();
    assert!(!seen.contains(PULL) && !seen.contains(&pair(PULL)) && !seen.contains("3391"), "no password is in a plan");
    assert!(registry.heard().iter().any(|h| h.line.starts_with("GET /token") && h.authorization.contains(&pair(PULL))));
}

/// The node's containerd, which has the images that the registry is filled from.
fn containerd(cluster: &Cluster) -> PathBuf {
    let own = || std::env::var_os("TIMONEL_TEST_KUBECONFIG").and_then(|path| Some(Path::new(&path).parent()?.to_owned()));
    let folder = cluster.bed().map(|bed| bed.folder().to_owned()).or_else(own);
    folder.expect("a bed with a node of its own").join("node/containerd.sock")
}

/// Gives the registry an image of the node under another name, as an image of its own: a kubelet lets nobody without the pull secret run
/// what was pulled with it, under whatever name. Its large layers are not copied: a node that has one does not ask for it.
fn publish(cluster: &Cluster, registry: &Registry, image: &str, name: &str) -> String {
    let socket = containerd(cluster).display().to_string();
    let ctr = |arguments: &[&str]| {
        let output = Command::new("ctr")
            .args(["--address", &socket, "--namespace", "k8s.io"])
            .args(arguments)
            .output()
            .expect("ctr");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        output.stdout
    };
    let listed = String::from_utf8(ctr(&["images", "ls", &format!("name=={image}")])).expect("text");
    let row = listed.lines().find(|line| line.starts_with(image)).unwrap_or_else(|| panic!("no {image}: {listed}"));
    let digest = row.split_whitespace().nth(2).expect("a digest").to_owned();
    let read = |of: &Value| ctr(&["content", "get", of["digest"].as_str().expect("a digest")]);
    let media = |of: &Value| of["mediaType"].as_str().unwrap_or_default().to_owned();
    let mut manifest: Value = serde_json::from_slice(&ctr(&["content", "get", &digest])).expect("a manifest");
    let mut config: Value = serde_json::from_slice(&read(&manifest["config"])).expect("a configuration");
    config["author"] = format!("a test at {}", registry.host()).into();
    let config = config.to_string().into_bytes();
    manifest["config"]["size"] = config.len().into();
    manifest["config"]["digest"] = registry.blob(&media(&manifest["config"]), config).into();
    let layers = manifest["layers"].as_array().into_iter().flatten();
    for layer in layers.filter(|layer| layer["size"].as_u64().is_some_and(|size| size < 8 << 20)) {
        assert_eq!(layer["digest"], *registry.blob(&media(layer), read(layer)));
    }
    registry.put(name, &media(&manifest), &manifest)
}

pub(crate) fn an_image_is_rolled_out_by_the_digest_that_was_checked_and_pulled_with_the_workloads_own_secret(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let registry = Registry::start(Door::Token(pair(PULL)));
    let digest = publish(cluster, &registry, &format!("{IMAGE}:1.1.0"), "shop/app:1.1.0");
    pull_secret(&space, &registry, PULL, "web");
    let file = service(&space, &operator, "test", &registry.host());
    let run = operator.run_of("deploy", &["version=1.1.0", "-f", &file]).expect("proven", 0);
    let web = space.get("apps/v1", "Deployment", "web").unwrap();
    let image = format!("{}/shop/app@{digest}", registry.host());
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], *image, "{run:#?}");
    let pulled = |line: &str| registry.heard().iter().any(|h| h.line.contains(line));
    assert!(pulled(&format!("/v2/shop/app/manifests/{digest}")), "the node asked for it: {:?}", registry.heard());
    let journal = std::fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(!journal.contains(PULL) && !journal.contains(&pair(PULL)) && !format!("{run:?}").contains(PULL));
    operator.call(&["journal", "verify"]).exits(0);
}

/// The whole of a release, in the shape of an operator's own file.
const DEPLOY: &str = r#"
[[action]]
id = "deploy"
class = "deploy"
vars = ["version"]
require = ["alerts:none-critical", "probe:page", "rollout:idle", "freeze:open", "secret:db mounted-by api"]
  [[action.step]]
  id = "image"
  type = "image-check"
  image = "REGISTRY/shop/api:${var.version}"
  capture = { digest = "digest" }
  [[action.step]]
  id = "announce"
  type = "notify"
  to = ["chat"]
  text = "${var.version} in ${env.name} by ${operator}, was ${run.before.image}"
  on_fail = "continue"
  [[action.step]]
  id = "safety-backup"
  type = "backup"
  backup = "daily"
  label = "pre-${var.version}"
  timeout = "3m"
  done_when = "backup:label=pre-${var.version} verified"
  [[action.step]]
  id = "migrate-plan"
  type = "migrate-plan"
  image = "${step.image.digest}"
  gate = "show-sql"
  timeout = "3m"
  [[action.step]]
  id = "migrate"
  type = "job"
  workload = "api"
  image = "${step.image.digest}"
  argv = ["alembic", "upgrade", "head"]
  backoff = 0
  timeout = "3m"
  done_when = "migrations:at-head"
  idempotent = true
  [[action.step]]
  id = "roll"
  type = "set-image"
  workload = "api"
  image = "${step.image.digest}"
  change_cause = "${run.id} ${var.version} ${operator}"
  undo = { type = "rollback", workload = "api", to = "${run.before.revision}" }
  timeout = "3m"
  [[action.step]]
  id = "wait"
  type = "rollout-wait"
  workload = "api"
  timeout = "3m"
  on_fail = "undo"
  [[action.step]]
  id = "smoke"
  type = "http-check"
  probes = ["page"]
  timeout = "1m"
  on_fail = "undo"
  [[action.step]]
  id = "soak"
  type = "metric-check"
  kpis = ["errors"]
  hold = "2s"
  timeout = "20s"
  on_fail = "undo"
  [[action.step]]
  id = "done"
  type = "notify"
  to = ["chat"]
  text = "${run.result}: now ${run.after.image} (${run.duration}) ${run.link}"
  always = true
  on_fail = "continue"
"#;

pub(crate) fn a_whole_release_is_checked_copied_migrated_rolled_out_watched_and_told_or_taken_back(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, _volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    let registry = Registry::start(Door::Token(pair(PULL)));
    let first = publish(cluster, &registry, &format!("{MIGRATIONS}:alembic-1"), "shop/api:1.0.0");
    let second = publish(cluster, &registry, &format!("{MIGRATIONS}:alembic-2"), "shop/api:2.0.0");
    migrations::running(&space, "api", "alembic-1", 1, "sleep 0; python3 -m http.server 8000 -d /tmp");
    pull_secret(&space, &registry, PULL, "api");
    let mut containers = space.get("apps/v1", "Deployment", "api").unwrap()["spec"]["template"]["spec"]["containers"].clone();
    containers[0]["imagePullPolicy"] = "IfNotPresent".into();
    containers[0]["readinessProbe"] = json!({ "httpGet": { "path": "/", "port": 8000 }, "periodSeconds": 1 });
    space.patch("apps/v1", "Deployment", "api", &json!({ "spec": { "template": { "spec": { "containers": containers } } } }));
    rolled_out(&space, "api");
    let values = Arc::new(Mutex::new(HashMap::from([("errors", vec!["0"])])));
    let (measures, told) = (prometheus(&values), Server::new(|_| (200, "ok".to_owned())));
    let alert = Arc::new(Mutex::new("[]".to_owned()));
    let alerts = {
        let alert = Arc::clone(&alert);
        Server::new(move |_| (200, alert.lock().unwrap().clone()))
    };
    let operator = Operator::new(cluster, "operator", &space).env("HOOK", &format!("http://127.0.0.1:{}/hook", told.port));
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"k8s:{0}/db#password\"\n[secrets.hook]\nref = \"env:HOOK\"\n[vars.version]\ntype = \"image-tag\"\n\
         [[workload]]\nid = \"api\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"api\"\nimage = \"{1}/shop/api\"\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [migrations]\ntool = \"alembic\"\nworkload = \"api\"\n[releases]\nsource = \"deployment\"\npin = \"digest\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\nimage = \"{DATABASE}\"\n\
         [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"backups\"\nmax_age = \"26h\"\n\
         [[probe]]\nid = \"page\"\nkind = \"http-each-pod\"\nworkload = \"api\"\nport = 8000\npath = \"/\"\nexpect = {{ status = 200 }}\n\
         [[kpi]]\nid = \"errors\"\nquery = \"errors_of_all\"\ncrit = \"> 5\"\n\
         [sources.prometheus]\nurl = \"http://127.0.0.1:{2}\"\n[sources.alertmanager]\nurl = \"http://127.0.0.1:{3}\"\nmatch = [\"team=shop\"]\n\
         [notify.chat]\nkind = \"webhook\"\nurl = \"secret:hook\"\n{4}",
        space.name(),
        registry.host(),
        measures.port,
        alerts.port,
        DEPLOY.replace("REGISTRY", &registry.host())
    );
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let checked = operator.call(&["check", &file]);
    assert!(!checked.stdout.contains("disabled"), "{checked:?}");
    let deploy = |version: &str| operator.run_of("deploy", &[&format!("version={version}"), "-f", &file]);
    let runs = || {
        let api = space.get("apps/v1", "Deployment", "api").unwrap();
        api["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap_or_default().to_owned()
    };
    let pinned = |digest: &str| format!("{}/shop/api@{digest}", registry.host());
    let last = || told.heard().pop().unwrap_or_default();
    // A critical alert stops it before anything is done.
    *alert.lock().unwrap() = json!([{ "labels": { "alertname": "ShopDown", "severity": "critical" } }]).to_string();
    let stopped = operator.plan_of("deploy", &["version=1.0.0", "-f", &file]);
    assert!(stopped.expect_check("alerts:none-critical", "failed") && stopped.code == Some(4), "{:#}", stopped.value);
    assert!(detail(stopped.check("alerts:none-critical")).contains("ShopDown"), "{:#}", stopped.value);
    *alert.lock().unwrap() = String::from("nobody");
    let plan = operator.plan_of("deploy", &["version=1.0.0", "-f", &file]);
    plan.expect_check("alerts:none-critical", "unknown");
    plan.expect_check("secret:db mounted-by api", "ok");
    *alert.lock().unwrap() = String::from("[]");
    deploy("1.0.0").expect("proven", 0);
    assert_eq!((runs(), postgres.ask("select version_num from alembic_version").as_str()), (pinned(&first), "a1"));
    assert!(
        last().contains(&format!("every proof held so far: now {}", pinned(&first))) && last().contains("timonel runs show "),
        "{}",
        last()
    );
    assert!(alerts.heard().iter().any(|asked| asked.contains("filter=team%3Dshop")), "{:?}", alerts.heard());
    // What is measured after the rollout is beyond its limit: the image goes back.
    values.lock().unwrap().insert("errors", vec!["9"]);
    let back = deploy("2.0.0");
    assert!(back.code != Some(0) && back.end()["outcome"].as_str().is_some_and(|o| o.starts_with("failed")), "{back:#?}");
    assert_eq!(runs(), pinned(&first), "{:#}", back.end());
    assert!(last().contains("errors 9") && last().contains(&format!("now {}", pinned(&first))), "{}", last());
    values.lock().unwrap().insert("errors", vec!["0"]);
    deploy("2.0.0").expect("proven", 0);
    assert_eq!((runs(), postgres.ask("select version_num from alembic_version").as_str()), (pinned(&second), "b2"));
    let labels: Vec<Value> = super::backups::catalogue(&space).iter().map(|entry| entry["label"].clone()).collect();
    assert!(labels.contains(&json!("pre-1.0.0")) && labels.contains(&json!("pre-2.0.0")), "{labels:?}");
    let journal = std::fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(!journal.contains(PASSWORD) && !journal.contains(PULL), "no secret is on record");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_secret_that_pods_do_not_get_stops_what_would_change_it(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply("apiVersion: v1\nkind: Secret\nmetadata: {name: app}\nstringData: {JWT: plover-7713-jwt, DB: x}\n");
    let with = |key: &str| {
        Web::new("web", 1)
            .resources(&format!("{{}}\n        env: [{{name: A, valueFrom: {{secretKeyRef: {{name: app, key: {key}}}}}}}]"))
            .yaml()
    };
    space.apply(&with("DB"));
    let operator = Operator::new(cluster, "operator", &space);
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [secrets.jwt]\nref = \"k8s:{0}/app#JWT\"\n[secrets.mine]\nref = \"env:MINE\"\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\nnamespace = \"{0}\"\n\
         [[action]]\nid = \"turn\"\nrequire = [\"secret:jwt mounted-by web\"]\n[[action.step]]\nid = \"s\"\ntype = \"restart\"\nworkload = \"web\"\n\
         [[action]]\nid = \"mine\"\nrequire = [\"secret:mine mounted-by web\"]\n[[action.step]]\nid = \"s\"\ntype = \"restart\"\nworkload = \"web\"\n",
        space.name()
    );
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let plan = |action: &str| operator.plan_of(action, &["-f", &file]);
    let without = plan("turn");
    assert!(without.expect_check("secret:jwt mounted-by web", "failed") && without.code == Some(4), "{:#}", without.value);
    plan("mine").expect_check("secret:mine mounted-by web", "unknown");
    space.apply(&with("JWT"));
    let good = plan("turn");
    good.expect_check("secret:jwt mounted-by web", "ok");
    assert!(!good.value.to_string().contains("plover-7713"));
}
