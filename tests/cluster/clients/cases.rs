//! What kubectl and helm must be able to do on the simulated cluster.

use super::Clients;

/// A test: fails by panicking.
type Case = fn();

/// Every test, by its name.
pub(crate) const ALL: &[(&str, Case)] = &[
    ("clients::every_kind_is_listed_wide", every_kind_is_listed_wide),
    ("clients::every_kind_is_described", every_kind_is_described),
    ("clients::a_watch_sees_pods_come", a_watch_sees_pods_come),
    ("clients::logs_are_read_and_followed", logs_are_read_and_followed),
    ("clients::commands_in_a_pod_answer_with_their_exit_code", commands_in_a_pod_answer_with_their_exit_code),
    ("clients::a_rollout_is_followed_undone_and_restarted", a_rollout_is_followed_undone_and_restarted),
    ("clients::a_paused_rollout_stays_where_it_is", a_paused_rollout_stays_where_it_is),
    ("clients::a_workload_is_scaled", a_workload_is_scaled),
    ("clients::use_is_measured", use_is_measured),
    ("clients::deleted_pods_come_back_under_other_names", deleted_pods_come_back_under_other_names),
    ("clients::each_user_may_what_its_name_says", each_user_may_what_its_name_says),
    ("clients::objects_are_made_changed_and_deleted", objects_are_made_changed_and_deleted),
    ("clients::a_job_is_made_from_a_schedule", a_job_is_made_from_a_schedule),
    ("clients::a_node_is_drained_on_trial", a_node_is_drained_on_trial),
    ("clients::what_is_not_simulated_says_so", what_is_not_simulated_says_so),
    ("clients::helm_lists_and_tells_the_history", helm_lists_and_tells_the_history),
    ("clients::helm_goes_back", helm_goes_back),
];

const BACKEND: &str = "-n eterna-rules deploy/eterna-rules-backend";

fn every_kind_is_listed_wide() {
    let clients = Clients::new();
    let kinds: Vec<String> = clients.kubectl("api-resources --verbs=list -o name").lines().map(str::to_owned).collect();
    assert!(kinds.len() > 40 && kinds.iter().any(|kind| kind == "deployments.apps"), "{kinds:?}");
    let all = clients.kubectl(&format!("get -A -o wide {}", kinds.join(",")));
    for part in [
        "deployment.apps/eterna-rules-backend",
        "node/node-1",
        "NOMINATED NODE",
        "CONTAINER-RUNTIME",
        "storageclass.storage.k8s.io/standard (default)",
    ] {
        assert!(all.contains(part), "{part} is not in\n{all}");
    }
    let pods = clients.kubectl("get pods -A -o wide");
    let rows = |text: &str| text.lines().skip(1).count();
    assert_eq!(rows(&pods), clients.kubectl("get pods -A -o name").lines().count());
    assert_eq!(rows(&pods), rows(&clients.kubectl("get pods -A --chunk-size=7")));
    assert_eq!(
        clients.kubectl("get deploy -n eterna-rules -l app=eterna-rules-backend -o jsonpath={.items[*].metadata.name}"),
        "eterna-rules-backend"
    );
    assert!(clients.kubectl("get pods -A --field-selector=status.phase=Pending").is_empty());
}

fn every_kind_is_described() {
    let clients = Clients::new();
    for kind in [
        "pods",
        "deployments",
        "replicasets",
        "statefulsets",
        "daemonsets",
        "jobs",
        "cronjobs",
        "nodes",
        "services",
        "ingresses",
        "hpa",
        "pdb",
        "pvc",
        "configmaps",
        "secrets",
        "serviceaccounts",
        "events",
        "namespaces",
        "storageclasses",
    ] {
        let text = clients.kubectl(&format!("describe {kind} -A"));
        assert!(text.contains("Name:") || text.is_empty(), "{kind}: {text}");
    }
    let text = clients.kubectl("describe deploy -n eterna-rules eterna-rules-backend");
    for part in [
        "RollingUpdateStrategy:",
        "3 desired | 3 updated | 3 total | 3 available | 0 unavailable",
        "NewReplicaSet:",
        "deployment.kubernetes.io/revision",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let secret = clients.kubectl("describe secret -n eterna-rules eterna-rules-secrets");
    assert!(secret.contains("bytes"), "{secret}");
}

fn a_watch_sees_pods_come() {
    let clients = Clients::new();
    let then = || drop(clients.kubectl(&format!("scale --replicas=4 {BACKEND}")));
    let lines = clients.kubectl_until("get deploy -n eterna-rules -w", then, |line| line.contains("4/4"));
    assert!(lines.iter().any(|line| line.contains("3/3")) && lines.iter().any(|line| line.contains("3/4")), "{lines:#?}");
}

fn logs_are_read_and_followed() {
    let clients = Clients::new();
    assert_eq!(clients.kubectl(&format!("logs {BACKEND} --tail=5")).lines().count(), 5);
    let dated = clients.kubectl(&format!("logs {BACKEND} --tail=1 --timestamps"));
    assert!(dated.as_bytes().get(4) == Some(&b'-') && dated.contains("Z "), "{dated}");
    let all = clients.kubectl("logs -n eterna-rules -l app=eterna-rules-backend --prefix --tail=1");
    assert_eq!(all.lines().filter(|line| line.starts_with("[pod/eterna-rules-backend-")).count(), 3, "{all}");
    let (seen, several) = (std::cell::Cell::new(0), 8);
    clients.kubectl_until(
        &format!("logs -f {BACKEND} --tail=2"),
        || {},
        |_| {
            seen.set(seen.get() + 1);
            seen.get() >= several
        },
    );
    let refused = clients.kubectl_fails(1, &format!("logs {BACKEND} --previous"));
    assert!(refused.contains("previous terminated container"), "{refused}");
    let refused = clients.kubectl_fails(1, &format!("logs {BACKEND} -c nosuch"));
    assert!(refused.contains("container nosuch is not valid for pod"), "{refused}");
}

fn commands_in_a_pod_answer_with_their_exit_code() {
    let clients = Clients::new();
    assert_eq!(clients.kubectl(&format!("exec {BACKEND} -- echo hello")), "hello\n");
    let refused = clients.kubectl_fails(7, &format!("exec {BACKEND} -- sh -c 'exit 7'"));
    assert!(refused.contains("exit code 7"), "{refused}");
    let refused = clients.kubectl_fails(1, "exec -n eterna-rules nosuch -- true");
    assert!(refused.contains("pods \"nosuch\" not found"), "{refused}");
}

fn a_rollout_is_followed_undone_and_restarted() {
    let clients = Clients::new();
    let status = || clients.kubectl(&format!("rollout status --timeout=55s {BACKEND}"));
    let image = || clients.kubectl("get deploy -n eterna-rules eterna-rules-backend -o jsonpath={.spec.template.spec.containers[0].image}");
    let history = || clients.kubectl(&format!("rollout history {BACKEND}"));
    assert!(status().contains("successfully rolled out"));
    let before = image();
    assert!(history().contains("v0.9.2: alembic 007 (why a rule fired)"), "{}", history());
    clients.kubectl(&format!("rollout undo {BACKEND}"));
    assert!(status().contains("successfully rolled out"));
    assert_ne!(image(), before);
    clients.kubectl(&format!("rollout undo --to-revision=7 {BACKEND}"));
    assert!(status().contains("successfully rolled out"));
    assert_eq!(image(), before);
    let text = clients.kubectl(&format!("rollout history --revision=9 {BACKEND}"));
    assert!(text.contains(&before), "{text}");
    let refused = clients.kubectl_fails(1, &format!("rollout undo --to-revision=99 {BACKEND}"));
    assert!(refused.contains("unable to find specified revision 99 in history"), "{refused}");
    let pods = || clients.kubectl("get pods -n eterna-rules -l app=eterna-rules-backend --field-selector=status.phase=Running -o name");
    let old = pods();
    clients.kubectl(&format!("rollout restart {BACKEND}"));
    assert!(status().contains("successfully rolled out"));
    assert!(pods().lines().any(|pod| !old.contains(pod)), "{}", pods());
    assert!(history().lines().any(|line| line.starts_with("10 ")), "{}", history());
    clients.kubectl("rollout restart -n redis sts/redis");
    assert!(clients.kubectl("rollout history -n redis sts/redis").contains("REVISION"));
}

fn a_paused_rollout_stays_where_it_is() {
    let clients = Clients::new();
    clients.kubectl(&format!("rollout pause {BACKEND}"));
    clients.kubectl(&format!("set image {BACKEND} backend=ghcr.io/eterna/rules-engine:v0.9.3"));
    let refused = clients.kubectl_fails(1, &format!("rollout restart {BACKEND}"));
    assert!(refused.contains("can't restart paused deployment"), "{refused}");
    let refused = clients.kubectl_fails(1, &format!("rollout undo {BACKEND}"));
    assert!(refused.contains("paused deployment"), "{refused}");
    let updated = || clients.kubectl("get deploy -n eterna-rules eterna-rules-backend -o jsonpath={.status.updatedReplicas}");
    assert_eq!(updated(), "");
    clients.kubectl(&format!("rollout resume {BACKEND}"));
    assert!(clients.kubectl(&format!("rollout status --timeout=55s {BACKEND}")).contains("successfully rolled out"));
    assert_eq!(updated(), "3");
}

fn a_workload_is_scaled() {
    let clients = Clients::new();
    let refused = clients.kubectl_fails(1, &format!("scale --current-replicas=9 --replicas=1 {BACKEND}"));
    assert!(refused.contains("Expected replicas to be 9, was 3"), "{refused}");
    clients.kubectl(&format!("scale --replicas=5 {BACKEND}"));
    clients.kubectl(&format!("wait --for=jsonpath={{.status.readyReplicas}}=5 --timeout=55s {BACKEND}"));
    clients.kubectl("scale --replicas=1 -n redis sts/redis");
    clients.kubectl("wait --for=delete -n redis pod/redis-2 --timeout=55s");
    let trial = clients.kubectl(&format!("scale --replicas=9 --dry-run=server {BACKEND}"));
    assert!(trial.contains("server dry run"), "{trial}");
    assert_eq!(clients.kubectl("get deploy -n eterna-rules eterna-rules-backend -o jsonpath={.spec.replicas}"), "5");
}

fn use_is_measured() {
    let clients = Clients::new();
    let nodes = clients.kubectl("top nodes");
    assert!(nodes.contains("CPU(cores)") && nodes.contains("node-2") && !nodes.contains("<unknown>"), "{nodes}");
    let pods = clients.kubectl("top pods -A --containers");
    assert!(pods.contains("eterna-rules-backend-") && pods.contains("Mi"), "{pods}");
}

fn deleted_pods_come_back_under_other_names() {
    let clients = Clients::new();
    let pods = || clients.kubectl("get pods -n eterna-rules -l app=eterna-rules-backend -o name");
    let before = pods();
    let said = clients.kubectl("delete pods -n eterna-rules -l app=eterna-rules-backend --timeout=55s");
    assert_eq!(said.lines().filter(|line| line.contains("deleted")).count(), 3, "{said}");
    clients.kubectl(&format!("wait --for=jsonpath={{.status.readyReplicas}}=3 --timeout=55s {BACKEND}"));
    let after = pods();
    assert!(before.lines().all(|pod| !after.contains(pod)), "{before}{after}");
    let refused = clients.kubectl_fails(1, "delete -n eterna-rules pod/nosuch");
    assert!(refused.contains("pods \"nosuch\" not found"), "{refused}");
}

fn each_user_may_what_its_name_says() {
    let clients = Clients::new();
    let can = |user: &str, code: i32, what: &str| {
        let answer = format!("--context {user} auth can-i {what} -n eterna-rules");
        if code == 0 {
            clients.kubectl(&answer)
        } else {
            clients.kubectl_fails(code, &answer)
        };
    };
    can("demo", 0, "'*' '*'");
    can("demo-operator", 0, "patch deployments.apps --subresource=scale");
    can("demo-viewer", 0, "list pods");
    can("demo-viewer", 1, "delete pods");
    can("demo-viewer", 1, "get secrets");
    let rules = clients.kubectl("--context demo-viewer auth can-i --list -n eterna-rules");
    assert!(rules.contains("pods/log") && rules.contains("[get list watch]"), "{rules}");
    let me = clients.kubectl("--context demo-operator auth whoami");
    assert!(me.contains("operator") && me.contains("system:authenticated"), "{me}");
    let refused = clients.kubectl_fails(1, "--context demo-viewer get secrets -n eterna-rules");
    assert!(refused.contains("User \"viewer\" cannot list resource \"secrets\""), "{refused}");
}

fn objects_are_made_changed_and_deleted() {
    let clients = Clients::new();
    clients.kubectl("create ns own");
    clients.kubectl("create configmap -n own settings --from-literal=a=1");
    clients.kubectl("create secret generic -n own password --from-literal=a=none");
    clients.kubectl("create deployment -n own web --image=registry.example.com/web:1 --replicas=2");
    clients.kubectl("rollout status -n own deploy/web --timeout=55s");
    clients.kubectl("expose -n own deploy/web --port=80");
    clients.kubectl("autoscale -n own deploy/web --min=2 --max=5 --cpu=80%");
    clients.kubectl("label -n own cm/settings x=y");
    clients.kubectl("annotate -n own deploy/web 'kubernetes.io/change-cause=by hand'");
    clients.kubectl("patch -n own cm/settings --type=json -p '[{\"op\":\"replace\",\"path\":\"/data/a\",\"value\":\"2\"}]'");
    assert_eq!(clients.kubectl("get -n own cm/settings -o jsonpath={.data.a}{.metadata.labels.x}"), "2y");
    let map = clients
        .sandbox
        .write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied, namespace: own}\ndata: {a: b}\n");
    let apply = |what: &str| clients.kubectl(&format!("{what} --validate=false -f {}", map.display()));
    assert!(apply("apply").contains("created"));
    assert!(apply("apply").contains("unchanged"));
    clients
        .sandbox
        .write("map.yaml", "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: applied, namespace: own}\ndata: {a: c}\n");
    assert!(apply("apply").contains("configured"));
    assert_eq!(clients.kubectl("get -n own cm/applied -o jsonpath={.data.a}"), "c");
    clients.kubectl("delete ns own --timeout=55s");
    let refused = clients.kubectl_fails(1, "get ns own");
    assert!(refused.contains("namespaces \"own\" not found"), "{refused}");
}

fn a_job_is_made_from_a_schedule() {
    let clients = Clients::new();
    let schedules = clients.kubectl("get cronjobs -n listacompra -o name");
    let first = schedules.lines().next().unwrap_or_else(|| panic!("no schedules"));
    clients.kubectl(&format!("create job -n listacompra by-hand --from={}", first.replace(".batch", "")));
    clients.kubectl("wait -n listacompra --for=condition=complete job/by-hand --timeout=55s");
    let text = clients.kubectl("get -n listacompra job/by-hand -o jsonpath={.metadata.annotations}");
    assert!(text.contains("\"cronjob.kubernetes.io/instantiate\":\"manual\""), "{text}");
}

fn a_node_is_drained_on_trial() {
    let clients = Clients::new();
    clients.kubectl("cordon node-3");
    assert!(clients.kubectl("get node node-3").contains("SchedulingDisabled"));
    clients.kubectl("uncordon node-3");
    let said = clients.kubectl("drain node-3 --ignore-daemonsets --delete-emptydir-data --force --dry-run=server --timeout=55s");
    assert!(said.contains("node/node-3 drained (server dry run)"), "{said}");
}

fn what_is_not_simulated_says_so() {
    let clients = Clients::new();
    for words in [format!("port-forward {BACKEND} 18000:8000"), "create token -n eterna-rules default".to_owned()] {
        let refused = clients.kubectl_fails(1, &words);
        assert!(refused.contains("not part of the simulation"), "{words}: {refused}");
    }
}

fn helm_lists_and_tells_the_history() {
    let clients = Clients::new();
    let list = clients.helm("list -A");
    assert!(list.contains("platform-0.9.2") && list.contains("listacompra-1.6.0") && list.contains("deployed"), "{list}");
    let history = clients.helm("history platform -n platform");
    assert!(history.contains("superseded") && history.contains("failed") && history.lines().count() > 5, "{history}");
    assert!(clients.helm("status platform -n platform").contains("STATUS: deployed"));
    assert!(clients.helm("get values platform -n platform").contains("USER-SUPPLIED VALUES"));
    assert!(clients.helm("get manifest platform -n platform").contains("kind: Deployment"));
}

fn helm_goes_back() {
    let clients = Clients::new();
    clients.helm("rollback platform 6 -n platform");
    let history = clients.helm("history platform -n platform --max 1");
    assert!(history.contains("Rollback to 6") && history.contains("deployed"), "{history}");
    clients.helm("uninstall platform -n platform");
    assert!(!clients.helm("list -n platform").contains("platform-0.9.2"));
}
