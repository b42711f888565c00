//! Issue text "Checks": rights, autoscaler and other owners, quota, room on the nodes, a rollout in progress, disruption budgets.

use crate::cluster::Cluster;
use crate::faults::Watched;
use crate::manifest::{Web, autoscaler};
use crate::operator::{Operator, with_web};

pub(crate) fn a_viewer_is_told_which_right_is_missing_and_nothing_is_written(cluster: &Cluster) {
    let (space, _) = with_web(cluster, &[Web::new("web", 1)], 1);
    let viewer = Operator::new(cluster, "viewer", &space);
    let plan = viewer.plan(&["web=2"]);
    assert_eq!(plan.code, Some(4), "{:#}", plan.value);
    assert!(plan.expect_check("rbac:patch deployments/scale", "failed"));
    assert!(plan.check("rbac:patch deployments/scale")["fix"].as_str().unwrap().contains("patch deployments/scale"));
    assert!(plan.blocked_by().contains(&"rbac:patch deployments/scale"), "{:?}", plan.blocked_by());
    viewer.run_confirmed("y", &["web=2"]).expect("refused", 4);
    assert_eq!(space.replicas("web"), 1);
}

pub(crate) fn an_autoscaler_that_would_undo_it_blocks_and_raising_its_bound_goes_through(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 2).resources("{requests: {cpu: 10m}}")], 2);
    space.apply(&autoscaler("web", 2, 6));
    space.wait("the autoscaler has looked at its target", "autoscaling/v2", "HorizontalPodAutoscaler", "web", |hpa| {
        hpa["status"]["currentReplicas"] == 2 && hpa["status"]["desiredReplicas"] == 2
    });
    let plan = operator.plan(&["web=4"]);
    assert_eq!(plan.code, Some(4), "{:#}", plan.value);
    assert!(plan.expect_check("hpa", "failed"));
    assert!(plan.check("hpa")["fix"].as_str().unwrap().contains("hpa=raise"), "{:#}", plan.check("hpa"));
    let refused = operator.run_confirmed("y", &["web=4"]).expect("refused", 4);
    Watched { cluster, space: &space, operator: &operator }.ended("scale: an autoscaler would undo it", &refused);
    assert_eq!(space.replicas("web"), 2);
    operator.run(&["web=4", "hpa=raise"]).expect("proven", 0);
    space.wait_ready("web", 4);
    let bound = space.get("autoscaling/v2", "HorizontalPodAutoscaler", "web").unwrap()["spec"]["minReplicas"].clone();
    assert_eq!(bound, 4);
}

pub(crate) fn an_autoscaler_that_is_paused_stays_paused_as_a_debt(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 2).resources("{requests: {cpu: 10m}}")], 2);
    space.apply(&autoscaler("web", 2, 6));
    space.wait("the autoscaler has looked at its target", "autoscaling/v2", "HorizontalPodAutoscaler", "web", |hpa| {
        hpa["status"]["currentReplicas"] == 2 && hpa["status"]["desiredReplicas"] == 2
    });
    let run = operator.run(&["web=3", "hpa=pause:30m"]).expect("proven", 0);
    assert!(!run.end()["debts"].as_array().unwrap().is_empty(), "a paused autoscaler is a debt: {:#}", run.end());
    let behaviour = space.get("autoscaling/v2", "HorizontalPodAutoscaler", "web").unwrap()["spec"]["behavior"].clone();
    assert_eq!(
        (&behaviour["scaleUp"]["selectPolicy"], &behaviour["scaleDown"]["selectPolicy"]),
        (&"Disabled".into(), &"Disabled".into()),
        "{behaviour:#}"
    );
}

pub(crate) fn more_pods_than_a_database_has_connections_for_are_blocked(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1), Web::new("worker", 2)], 1);
    let workload = |id: &str| format!("[[workload]]\nid = \"{id}\"\nkind = \"deployment\"\nname = \"{id}\"\n");
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\n{}{}[[database]]\nid = \"main\"\nkind = \"postgres\"\nhost = \"db\"\nname = \"shop\"\nuser = \"shop\"\n\
         connections = {{ max = 100, per_pod = {{ web = 20, worker = 5 }} }}\n",
        workload("web"),
        workload("worker")
    );
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let plan = operator.plan(&["web=5", "-f", &file]);
    assert_eq!(plan.code, Some(4), "{:#}", plan.value);
    assert!(plan.expect_check("connections:main", "failed"));
    let told = plan.check("connections:main")["detail"].as_str().unwrap().to_owned();
    assert_eq!(told, "web 5 × 20 + worker 2 × 5 = 110 of 97 that main has for applications");
    assert_eq!(plan.blocked_by(), ["connections:main"]);
    // Both at once: each is counted as the plan leaves it.
    let both = operator.plan(&["web=4", "worker=4", "-f", &file]);
    assert!(both.blocked_by().iter().any(|id| id.starts_with("connections:main")), "{:?}", both.blocked_by());
    operator.run(&["web=4", "-f", &file]).expect("proven", 0);
    assert_eq!(space.replicas("web"), 4);
}

pub(crate) fn another_owner_blocks_unless_it_is_overridden_with_a_reason(cluster: &Cluster) {
    let web = Web::new("web", 1).annotations("{argocd.argoproj.io/tracking-id: 'shop:apps/Deployment:shop/web'}");
    let (space, operator) = with_web(cluster, std::slice::from_ref(&web), 1);
    let plan = operator.plan(&["web=2"]);
    assert_eq!(plan.code, Some(4), "{:#}", plan.value);
    assert!(plan.expect_check("owner:argocd", "failed"));
    assert!(plan.check("owner:argocd")["detail"].as_str().unwrap().contains("shop"));
    let without_reason = operator.call(&["run", "scale", "web=2", "--override", "owner:argocd", "--confirm", "y"]);
    assert!(matches!(without_reason.code, Some(4 | 64)), "{without_reason:#?}");
    assert_eq!(space.replicas("web"), 1);
    let watched = Watched { cluster, space: &space, operator: &operator };
    watched.ended("Argo CD owns it", &operator.run(&["web=2"]).expect("refused", 4));
    let words = &["web=2", "--override", "owner:argocd", "--reason", "incident 42"];
    let overridden = operator.plan(words);
    assert_eq!(overridden.text("/confirmation/level"), "phrase", "an override raises the level");
    watched.ended("Argo CD owns it, and that is overridden with a reason", &operator.run(words).expect("proven", 0));
    assert_eq!(space.replicas("web"), 2);
    assert!(operator.journal().iter().any(|line| line.to_string().contains("incident 42")), "the reason is on record");
}

pub(crate) fn a_quota_without_room_blocks(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1).resources("{requests: {cpu: 10m}}")], 1);
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '2'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"] == "1");
    let plan = operator.plan(&["web=5"]);
    assert_eq!(plan.code, Some(4), "{:#}", plan.value);
    assert!(plan.expect_check("quota", "failed"));
    assert!(plan.check("quota")["detail"].as_str().unwrap().contains("small"), "{:#}", plan.check("quota"));
    assert_eq!(operator.plan(&["web=2"]).check("quota")["result"], "ok");
    assert_eq!(space.replicas("web"), 1);
}

pub(crate) fn a_quota_that_was_overridden_ends_as_failed_and_undone(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1).resources("{requests: {cpu: 10m}}")], 1);
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '2'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"] == "1");
    let words = &["web=4", "--override", "quota", "--reason", "the quota is raised meanwhile", "--deadline", "10s"];
    let run = operator.run(words).expect("failed", 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("quota"), "the root cause is named: {:#}", run.end());
    space.wait_ready("web", 1);
    assert_eq!(space.replicas("web"), 1);
}

pub(crate) fn nodes_without_room_are_said_and_do_not_block(cluster: &Cluster) {
    let (_space, operator) = with_web(cluster, &[Web::new("web", 1).resources("{requests: {memory: 8Mi, cpu: 10m}}")], 1);
    let roomy = operator.plan(&["web=2"]);
    assert!(!roomy.expect_check("nodes", "ok"), "advisory");
    let crowded = operator.plan(&["web=5000"]);
    assert!(!crowded.expect_check("nodes", "failed"), "advisory");
    assert!(!crowded.blocked_by().contains(&"nodes"));
}

pub(crate) fn a_rollout_in_progress_blocks_a_scale_down_and_only_warns_on_a_scale_up(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 2)], 2);
    space.apply(&Web::new("web", 2).version("9.9.9").yaml());
    space.wait("the new pod cannot start", "apps/v1", "Deployment", "web", |object| object["status"]["updatedReplicas"] == 1);
    let down = operator.plan(&["web=1"]);
    assert!(down.expect_check("rollout", "failed"), "required");
    assert!(down.blocked_by().contains(&"rollout"), "{:?}", down.blocked_by());
    let up = operator.plan(&["web=3"]);
    assert!(!up.expect_check("rollout", "failed"), "a scale-up is a mitigation");
    assert!(!up.blocked_by().contains(&"rollout"), "{:?}", up.blocked_by());
}

pub(crate) fn a_disruption_budget_that_leaves_no_room_is_said(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 3)], 3);
    space.apply(
        "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {name: web}\nspec: {minAvailable: 2, selector: {matchLabels: {app: web}}}\n",
    );
    let plan = operator.plan(&["web=2"]);
    assert!(!plan.expect_check("pdb", "failed"), "advisory");
    assert!(plan.check("pdb")["detail"].as_str().unwrap().contains("web"));
    assert_eq!(operator.plan(&["web=4"]).check("pdb")["result"], "ok");
}

pub(crate) fn read_only_refuses_and_sends_no_change(cluster: &Cluster) {
    let (space, operator) = with_web(cluster, &[Web::new("web", 1)], 1);
    let plan = operator.plan(&["web=2", "--read-only"]);
    assert_eq!(plan.code, Some(4), "{:#}", plan.value);
    assert!(plan.expect_check("read-only", "failed"));
    operator.run_confirmed("y", &["web=2", "--read-only"]).expect("refused", 4);
    assert_eq!(space.replicas("web"), 1);
    for asked in cluster.changes_asked_for("operator", space.name()).unwrap_or_default() {
        assert!(asked["requestURI"].as_str().unwrap().contains("dryRun=All"), "nothing but dry runs: {asked:#}");
    }
}
