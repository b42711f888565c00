//! What stands in the way of changing a workload: its rollout, its autoscaler, quotas, budgets, room, strategies, revisions.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Stage, Subject};
use crate::cases::nodes::SpareNode;
use crate::cluster::Cluster;
use crate::manifest::{Web, autoscaler};

const DEPLOYMENT: (&str, &str) = ("apps/v1", "Deployment");
const HPA: (&str, &str) = ("autoscaling/v2", "HorizontalPodAutoscaler");
/// Actions that change pods of `web`, `db` or `agent`.
const CHANGES: [&str; 15] = [
    "scale",
    "scale (down)",
    "scale (StatefulSet)",
    "scale (armed)",
    "scale (its autoscaler paused)",
    "rollback",
    "rollback (StatefulSet)",
    "rollback (DaemonSet)",
    "restart",
    "restart (StatefulSet)",
    "restart (DaemonSet)",
    "restart (two)",
    "pause",
    "resume a rollout",
    "evict",
];

pub(crate) fn what_stands_in_the_way_of_changing_a_workload_is_said_and_nothing_is_begun(cluster: &Cluster) {
    let (node, cordoned) = (SpareNode::new(cluster), SpareNode::new(cluster));
    let stage = Stage::new(cluster, &node, &cordoned);
    counts(&stage);
    autoscalers(&stage);
    budgets(&stage);
    states(&stage);
    strategies(&stage);
    revisions(&stage);
}

/// What a count of pods runs into.
fn counts(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let up = ["scale", "scale (StatefulSet)", "scale (from zero)", "scale (armed)", "scale (its autoscaler paused)"];
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '5'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "small", |quota| quota["status"]["used"]["pods"] == "6");
    stage.stands(&admin, &stage.some(&up), &[], &["quota failed: no room for so many pods"]);
    space.delete("v1", "ResourceQuota", "small");
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: cpu}\nspec: {hard: {requests.cpu: '10'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "cpu", |quota| quota["status"]["used"]["requests.cpu"].is_string());
    let row = "quota unknown: it counts what the template does not say";
    stage.stands(&stage.in_production("admin"), &stage.some(&["scale (from zero)"]), &[], &[row]);
    space.delete("v1", "ResourceQuota", "cpu");
    let many = Subject::new("scale", "scale", &["web=5000"]);
    stage.stands(&admin, &[many], &[], &["nodes failed: no room on the nodes"]);
    let retention = |policy: &str| json!({"spec": {"persistentVolumeClaimRetentionPolicy": {"whenScaled": policy, "whenDeleted": "Retain"}}});
    space.patch("apps/v1", "StatefulSet", "db", &retention("Delete"));
    let to_nothing = Subject::new("scale (StatefulSet)", "scale", &["statefulset/db=0"]);
    stage.stands(&admin, &[to_nothing], &[], &["backup failed: scaling down deletes volumes"]);
    space.patch("apps/v1", "StatefulSet", "db", &retention("Retain"));
    let before = |count: Value| {
        space.patch(DEPLOYMENT.0, DEPLOYMENT.1, "idle", &json!({"metadata": {"annotations": {"timonel.io/replicas-before-zero": count}}}));
    };
    before(json!("3"));
    let row = "before-zero failed: another count is asked for than there was";
    stage.stands(&admin, &stage.some(&["scale (from zero)"]), &[], &[row]);
    before(Value::Null);
    let nothing = Subject::new("restart", "restart", &["deployment/idle"]);
    stage.stands(&admin, &[nothing], &[], &["pods failed: it wants none"]);
}

/// Autoscalers that would undo a count.
fn autoscalers(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let busy = |count: &str| Subject::new("scale", "scale", &[&format!("busy={count}")]);
    stage.stands(&admin, &[busy("5")], &[], &["hpa failed: its upper bound is lower"]);
    stage.stands(&admin, &[busy("2")], &[], &["hpa failed: it wants another count"]);
    let out = Subject::new("scale (its autoscaler paused)", "scale", &["busy=5", "hpa=pause:30m"]);
    stage.stands(&admin, &[out], &[], &["hpa failed: paused, and out of its bounds all the same"]);
    // That of `idle` has a target without pods: its bounds are what it has.
    let bounds = |low: u32, paused: &str| json!({"spec": {"minReplicas": low, "behavior": {"scaleUp": {"selectPolicy": paused}, "scaleDown": {"selectPolicy": paused}}}});
    space.patch(HPA.0, HPA.1, "idle", &bounds(2, "Disabled"));
    let low = Subject::new("scale (from zero)", "scale", &["idle=1"]);
    stage.stands(&admin, &[low], &[], &["hpa failed: its lower bound is higher"]);
    space.patch(HPA.0, HPA.1, "idle", &bounds(1, "Disabled"));
    // Nobody measures what asks for nothing.
    space.apply(&autoscaler("web", 1, 6));
    let row = "hpa unknown: it has not decided yet";
    stage.stands(&stage.in_production("admin"), &stage.some(&["scale", "scale (armed)"]), &[], &[row]);
    space.delete(HPA.0, HPA.1, "web");
}

/// Budgets that want every pod.
fn budgets(stage: &Stage<'_>) {
    let space = stage.space;
    let budget = |name: &str, of: &str| {
        let all = if of == "web" { 2 } else { 1 };
        space.apply(&format!(
            "apiVersion: policy/v1\nkind: PodDisruptionBudget\nmetadata: {{name: {name}}}\nspec: {{minAvailable: {all}, selector: {{matchLabels: {{app: {of}}}}}}}\n"
        ));
        space.wait("the budget is counted", "policy/v1", "PodDisruptionBudget", name, |pdb| {
            pdb["status"]["currentHealthy"].as_u64() > Some(0)
        });
    };
    let gone = |pods: u32| {
        for name in ["web", "held"] {
            space.patch(DEPLOYMENT.0, DEPLOYMENT.1, name, &json!({"spec": {"strategy": {"rollingUpdate": {"maxUnavailable": pods}}}}));
        }
    };
    gone(1);
    for name in ["web", "held", "db", "agent"] {
        budget(name, name);
    }
    let admin = stage.operator("admin");
    stage.stands(&admin, &stage.some(&CHANGES), &[], &["pdb failed: a disruption budget leaves no room"]);
    budget("second", "web");
    stage.stands(&admin, &stage.some(&["evict"]), &[], &["pdb failed: two disruption budgets select one pod"]);
    for name in ["web", "held", "db", "agent", "second"] {
        space.delete("policy/v1", "PodDisruptionBudget", name);
    }
    gone(0);
}

/// What is so already, or is in the middle of something.
fn states(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let pause = |paused: bool| {
        for name in ["web", "busy", "idle"] {
            space.patch(DEPLOYMENT.0, DEPLOYMENT.1, name, &json!({"spec": {"paused": paused}}));
        }
    };
    pause(true);
    let more = [&CHANGES[..], &["scale (from zero)"]].concat();
    stage.stands(&admin, &stage.some(&more), &[], &["paused failed: its rollout is paused"]);
    pause(false);
    let awake = Subject::new("resume an autoscaler", "resume-hpa", &["busy"]);
    stage.stands(&admin, &[awake], &[], &["paused failed: the autoscaler is not paused"]);
    let again = [Subject::new("suspend", "suspend", &["weekly"]), Subject::new("resume a schedule", "resume", &["cronjob/nightly"])];
    stage.stands(&admin, &again, &[], &["suspended failed: it is so already"]);
    let again = [Subject::new("cordon", "cordon", &[&stage.cordoned.name]), Subject::new("uncordon", "uncordon", &[&stage.node.name])];
    stage.stands(&admin, &again, &[], &["cordoned failed: it is so already"]);
    stage.stands(&admin, &stage.some(&["uncordon"]), &[], &["ready failed: its kubelet says nothing"]);
    let nodes = space.list("v1", "Node");
    let only = nodes
        .iter()
        .find(|node| crate::cluster::condition("Ready")(node))
        .and_then(|node| node["metadata"]["name"].as_str())
        .expect("a node");
    let last = Subject::new("cordon", "cordon", &[only]);
    stage.stands(&admin, &[last], &[], &["nodes failed: no other node takes pods"]);
    let nothing = Subject::new("keep", "keep", &["deployment/web"]);
    stage.stands(&admin, &[nothing], &[], &["armed failed: nothing is armed"]);
}

/// Strategies that bring a template to no pod.
fn strategies(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let set = |kind: &str, name: &str, strategy: Value| space.patch("apps/v1", kind, name, &json!({"spec": {"updateStrategy": strategy}}));
    let by_hand = || json!({"type": "OnDelete", "rollingUpdate": null});
    let by_itself = || json!({"type": "RollingUpdate"});
    set("StatefulSet", "db", by_hand());
    set("DaemonSet", "agent", by_hand());
    let sets = ["rollback (StatefulSet)", "rollback (DaemonSet)", "restart (StatefulSet)", "restart (DaemonSet)", "restart (two)"];
    stage.stands(&admin, &stage.some(&sets), &[], &["strategy failed: its update strategy is OnDelete"]);
    set("DaemonSet", "agent", by_itself());
    set("StatefulSet", "db", json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 1}}));
    stage.stands(
        &admin,
        &stage.some(&["rollback (StatefulSet)", "restart (StatefulSet)", "restart (two)"]),
        &[],
        &["strategy failed: a partition holds pods back"],
    );
    set("StatefulSet", "db", json!({"rollingUpdate": {"partition": 0}}));
}

/// Revisions that are no good, and rollouts that go on.
fn revisions(stage: &Stage<'_>) {
    let (space, admin) = (stage.space, stage.operator("admin"));
    let things = [("Deployment", "web"), ("StatefulSet", "db"), ("DaemonSet", "agent")];
    let same = [
        Subject::new("rollback", "rollback", &["deployment/web", "to=2"]),
        Subject::new("rollback (StatefulSet)", "rollback", &["statefulset/db", "to=2"]),
        Subject::new("rollback (DaemonSet)", "rollback", &["daemonset/agent", "to=2"]),
    ];
    stage.stands(&admin, &same, &[], &["template failed: it is the template of that revision"]);
    let now = Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    let signed = |signature: Value| {
        for (kind, name) in things {
            space.patch("apps/v1", kind, name, &json!({"metadata": {"annotations": {"timonel.io/last-run": signature}}}));
        }
    };
    signed(json!(format!("{now}-rollback-7f3a rollback 2->1 ana@bastion")));
    let back = ["rollback", "rollback (StatefulSet)", "rollback (DaemonSet)"];
    stage.stands(&admin, &stage.some(&back), &[], &["gap failed: it was rolled back a moment ago"]);
    signed(Value::Null);
    let none = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "docker.io/timonel/app:9.9.9", "imagePullPolicy": "Never",
        "readinessProbe": {"httpGet": {"path": "/health", "port": 8000}, "periodSeconds": 1}}]}}}});
    for (kind, name) in things {
        space.patch("apps/v1", kind, name, &none);
    }
    space.patch(DEPLOYMENT.0, DEPLOYMENT.1, "busy", &none);
    for (kind, name, count) in [
        ("Deployment", "web", "updatedReplicas"),
        ("Deployment", "busy", "updatedReplicas"),
        ("StatefulSet", "db", "updatedReplicas"),
        ("DaemonSet", "agent", "updatedNumberScheduled"),
    ] {
        space.wait("its rollout began", "apps/v1", kind, name, |object| {
            object["status"]["observedGeneration"] == object["metadata"]["generation"] && object["status"][count].as_u64() > Some(0)
        });
    }
    // A template whose pods cannot start is the current one: back to it is possible once there is a newer one.
    stage.stands(&admin, &stage.some(&CHANGES), &[], &["rollout failed: a rollout is in progress"]);
    space.apply(&Web::new("web", 2).version("1.2.0").yaml());
    space.wait_ready("web", 2);
    let bad = Subject::new("rollback", "rollback", &["deployment/web", "to=3"]);
    stage.stands(
        &stage.in_production("admin"),
        &[bad],
        &[],
        &["was-ready unknown: that revision never became ready", "image unknown: no node has its image"],
    );
}
