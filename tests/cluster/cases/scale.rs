//! The verified action: scale, on a real Kubernetes. Every sentence that the program claims about it is judged by asking the
//! API directly.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};
use timonel::base::clock::{Clock, SystemClock};
use timonel::run::journal::{self, Journal};
use timonel::run::scale::{self, PlanContext, PlanError, ScaleRequest};
use timonel::run::{Answer, Check, Control, Deps, End, Environment, Happening, NoProbes, Operator, Outcome, Plan, RunEvent, TokioTimer, execute};
use timonel::target::kubernetes::{Client, Terminal};
use timonel::target::model::{Kind, ObjectRef};
use timonel::target::request::TargetSpec;
use tokio::runtime::Runtime;

use crate::cluster::{Cluster, Namespace};
use crate::faults::tell;

/// One operator at a console, with a journal of its own.
struct Console {
    runtime: Runtime,
    client: Client,
    context: PlanContext,
    folder: tempfile::TempDir,
    control: Arc<Control>,
}

impl Console {
    fn of(cluster: &Cluster, user: &str) -> Self {
        Self::with(cluster, user, false)
    }

    fn with(cluster: &Cluster, user: &str, read_only: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let kubeconfig = Some(cluster.kubeconfig(user).display().to_string());
        let spec = TargetSpec { kubeconfig, read_only, ..TargetSpec::default() };
        let client = runtime.block_on(Client::open(&spec, Terminal::Kept)).unwrap();
        let operator = Operator { user: user.to_owned(), host: "bastion".to_owned(), cluster_user: String::new() };
        let mut context = PlanContext::new("test", Environment::of_names("", "", ""), operator);
        context.read_only = read_only;
        context.prove_within = Duration::from_secs(90);
        Self { runtime, client, context, folder: tempfile::tempdir().unwrap(), control: Arc::new(Control::new(false)) }
    }

    fn try_plan(&self, request: &ScaleRequest) -> Result<Plan, PlanError> {
        self.runtime.block_on(scale::plan(&self.client, &SystemClock, &self.context, request))
    }

    fn plan(&self, object: &ObjectRef, replicas: u32) -> Plan {
        self.try_plan(&ScaleRequest::new(object.clone(), replicas)).unwrap()
    }

    fn carry_out(&self, plan: Plan) -> (Outcome, Vec<RunEvent>) {
        let typed = plan.confirmation().text.clone().unwrap_or_default();
        let confirmed = plan.confirm(&typed, SystemClock.now()).unwrap();
        let client = Arc::new(self.client.clone());
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let journal = Journal::open(self.folder.path(), clock.clone(), "bastion", "ana").unwrap();
        let (events, mut heard) = tokio::sync::mpsc::channel(1000);
        let deps = Deps {
            read: client.clone(),
            write: client,
            clock,
            timer: Arc::new(TokioTimer),
            journal: Arc::new(journal),
            probes: Arc::new(NoProbes),
            events,
            control: self.control.clone(),
        };
        let outcome = self.runtime.block_on(async { tokio::spawn(execute(confirmed, deps)).await.unwrap() });
        let told = std::iter::from_fn(|| heard.try_recv().ok()).collect();
        (outcome, told)
    }

    fn scale(&self, object: &ObjectRef, replicas: u32) -> Outcome {
        self.carry_out(self.plan(object, replicas)).0
    }

    /// Kinds of the journal's lines, in order; the chain is whole.
    fn journal(&self) -> Vec<String> {
        assert_eq!(journal::verify(self.folder.path()).unwrap().damages, []);
        let entries = journal::read(self.folder.path()).unwrap().entries;
        entries.iter().map(|e| serde_json::to_value(e.kind).unwrap().as_str().unwrap().to_owned()).collect()
    }
}

fn check<'a>(plan: &'a Plan, id: &str) -> &'a Check {
    plan.checks().iter().find(|c| c.id == id).unwrap_or_else(|| panic!("no check '{id}' in {:?}", plan.checks()))
}

fn deployment(space: &Namespace<'_>) -> ObjectRef {
    ObjectRef::new(Kind::Deployment, space.name(), "api")
}

/// A workload `api` of two pods behind a Service.
fn api(space: &Namespace<'_>, kind: &str, cpu: &str, more: &str) {
    space.apply(&format!(
        "apiVersion: apps/v1\nkind: {kind}\nmetadata: {{name: api}}\nspec:\n  replicas: 2\n{more}  selector: {{matchLabels: {{app: api}}}}\n  \
         template:\n    metadata: {{labels: {{app: api}}}}\n    spec:\n      terminationGracePeriodSeconds: 1\n      dnsPolicy: Default\n      \
         containers:\n      - name: app\n        image: docker.io/timonel/app:1.0.0\n        env: [{{name: DB_PASSWORD, value: hunter2}}]\n        \
         command: [sh, -c, 'mkdir -p /tmp/w; echo ok > /tmp/w/health; exec httpd -f -p 8000 -h /tmp/w']\n        \
         resources: {{requests: {{cpu: {cpu}, memory: 16Mi}}}}\n        \
         readinessProbe: {{httpGet: {{path: /health, port: 8000}}, periodSeconds: 1}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: api}}\nspec: {{selector: {{app: api}}, ports: [{{port: 80, targetPort: 8000}}]}}\n"
    ));
}

fn ready_api<'a>(cluster: &'a Cluster, name: &str) -> Namespace<'a> {
    let space = cluster.namespace(name).unwrap();
    api(&space, "Deployment", "10m", "");
    space.wait_ready("api", 2);
    space
}

fn annotations(space: &Namespace<'_>, version: &str, kind: &str, name: &str) -> Value {
    space.get(version, kind, name).unwrap()["metadata"]["annotations"].clone()
}

pub(crate) fn a_scale_is_proven_recorded_and_leaves_only_its_notes(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    let console = Console::of(cluster, "operator");
    let plan = console.plan(&deployment(&space), 3);
    assert!(plan.allowed(), "{:?}", plan.blocked_by());
    assert_eq!(plan.confirmation().text.as_deref(), Some(space.name()), "the environment is unknown: the namespace's name");
    let id = plan.id().to_owned();
    let (outcome, told) = console.carry_out(plan);
    assert_eq!(outcome.outcome, End::Proven, "{outcome:?}");
    space.wait_ready("api", 3);
    assert_eq!(console.journal(), ["plan", "check", "confirm", "proof", "intent", "outcome", "proof", "proof", "end"]);
    let notes: Vec<&Happening> = told.iter().map(|e| &e.what).filter(|w| matches!(w, Happening::Note { .. })).collect();
    assert!(notes.is_empty(), "{notes:?}");

    let lease = space.get("coordination.k8s.io/v1", "Lease", "timonel-deployment-api").unwrap();
    assert_eq!(lease["spec"].get("holderIdentity"), None, "the lock is released");
    let note = annotations(&space, "apps/v1", "Deployment", "api")["timonel.io/last-run"].clone();
    assert_eq!(note, json!(format!("{id} scale 2->3 operator@bastion")));
    let mut reasons: Vec<Value> = space
        .list("v1", "Event")
        .into_iter()
        .filter(|e| e["reportingComponent"] == "timonel.io/console")
        .map(|e| e["reason"].clone())
        .collect();
    reasons.sort_by_key(Value::to_string);
    assert_eq!(reasons, ["TimonelProven", "TimonelStarted"]);
    let record = std::fs::read_to_string(console.folder.path().join("journal.jsonl")).unwrap();
    assert!(!record.contains("hunter2"));
}

pub(crate) fn a_stateful_set_goes_down_to_zero_by_phrase_and_comes_back(cluster: &Cluster) {
    let space = cluster.namespace("scale").unwrap();
    api(&space, "StatefulSet", "10m", "  serviceName: api\n");
    space.wait("2 pods are ready", "apps/v1", "StatefulSet", "api", |set| set["status"]["readyReplicas"] == 2);
    let console = Console::of(cluster, "operator");
    let set = ObjectRef::new(Kind::StatefulSet, space.name(), "api");
    let plan = console.plan(&set, 0);
    assert_eq!(plan.confirmation().text.as_deref(), Some("scale api 2->0"));
    let (outcome, _) = console.carry_out(plan);
    assert_eq!(outcome.outcome, End::Proven, "{outcome:?}");
    assert_eq!(annotations(&space, "apps/v1", "StatefulSet", "api")["timonel.io/replicas-before-zero"], json!("2"));
    let outcome = console.scale(&set, 2);
    assert_eq!(outcome.outcome, End::Proven, "{outcome:?}");
    assert_eq!(annotations(&space, "apps/v1", "StatefulSet", "api").get("timonel.io/replicas-before-zero"), None);
}

pub(crate) fn an_autoscaler_blocks_until_its_bound_is_moved(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    space.apply(
        "apiVersion: autoscaling/v2\nkind: HorizontalPodAutoscaler\nmetadata: {name: api}\nspec:\n  minReplicas: 2\n  maxReplicas: 4\n  \
         scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: api}\n  \
         metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}]\n",
    );
    space.wait("the HPA has a count", "autoscaling/v2", "HorizontalPodAutoscaler", "api", |hpa| hpa["status"]["desiredReplicas"] == 2);
    let console = Console::of(cluster, "operator");
    let plan = console.plan(&deployment(&space), 5);
    assert_eq!(plan.blocked_by(), ["hpa"]);
    assert!(check(&plan, "hpa").detail.contains("will lower it to 4"), "{}", check(&plan, "hpa").detail);
    let raised = ScaleRequest::new(deployment(&space), 5).with("hpa=raise").unwrap();
    let (outcome, _) = console.carry_out(console.try_plan(&raised).unwrap());
    assert_eq!(outcome.outcome, End::Proven, "{outcome:?}");
    let hpa = space.get("autoscaling/v2", "HorizontalPodAutoscaler", "api").unwrap();
    assert_eq!((&hpa["spec"]["minReplicas"], &hpa["spec"]["maxReplicas"]), (&json!(5), &json!(5)));

    let paused = ScaleRequest::new(deployment(&space), 5).with("hpa=pause:30m").unwrap();
    let (outcome, _) = console.carry_out(console.try_plan(&paused).unwrap());
    assert_eq!((outcome.outcome, outcome.debts.len()), (End::Proven, 1), "{outcome:?}");
    let hpa = space.get("autoscaling/v2", "HorizontalPodAutoscaler", "api").unwrap();
    assert_eq!(hpa["spec"]["behavior"]["scaleDown"]["selectPolicy"], "Disabled");
}

pub(crate) fn a_quota_without_room_blocks_the_plan_and_fails_an_overridden_run(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    space.apply("apiVersion: v1\nkind: ResourceQuota\nmetadata: {name: small}\nspec: {hard: {pods: '3'}}\n");
    space.wait("the quota is counted", "v1", "ResourceQuota", "small", |q| q["status"]["used"]["pods"] == "2");
    let console = Console::of(cluster, "operator");
    let plan = console.plan(&deployment(&space), 5);
    assert_eq!(plan.blocked_by(), ["quota"]);
    assert_eq!(check(&plan, "quota").detail, "quota small: pods has 1 left of 3, 3 pods need 3");
    let plan = plan.overriding("quota", "testing what happens").unwrap();
    assert_eq!(plan.confirmation().text.as_deref(), Some("scale api 2->5"), "an override asks for the phrase");
    let (outcome, _) = console.carry_out(plan);
    assert_eq!((outcome.outcome, outcome.undone, outcome.exit_code()), (End::Failed, true, 1), "{outcome:?}");
    assert!(outcome.reason.contains("exceeded quota"), "{}", outcome.reason);
    space.wait_ready("api", 2);
}

pub(crate) fn a_scale_without_room_on_the_nodes_ends_as_failed_and_undone(cluster: &Cluster) {
    // Pods that run stay small; new ones ask for more than any node has.
    let greedy = cluster.namespace("scale").unwrap();
    api(
        &greedy,
        "StatefulSet",
        "10m",
        "  serviceName: api\n  podManagementPolicy: Parallel\n  updateStrategy: {type: OnDelete}\n",
    );
    greedy.wait("2 pods are ready", "apps/v1", "StatefulSet", "api", |set| set["status"]["readyReplicas"] == 2);
    greedy.patch(
        "apps/v1",
        "StatefulSet",
        "api",
        &json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "docker.io/timonel/app:1.0.0", "resources": {"requests": {"cpu": "900"}}}]}}}}),
    );
    let console = Console::of(cluster, "operator");
    let set = ObjectRef::new(Kind::StatefulSet, greedy.name(), "api");
    let began = std::time::Instant::now();
    let outcome = console.scale(&set, 3);
    assert_eq!((outcome.outcome, outcome.undone), (End::Failed, true), "{outcome:?}");
    assert!(outcome.reason.contains("Insufficient cpu"), "{}", outcome.reason);
    assert!(began.elapsed() < Duration::from_secs(80), "before its deadline: it cannot succeed any more");
}

pub(crate) fn a_plan_is_stale_when_somebody_scaled_first_or_made_the_object_anew(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    let console = Console::of(cluster, "operator");
    let plan = console.plan(&deployment(&space), 3);
    space.patch("apps/v1", "Deployment", "api", &json!({"spec": {"replicas": 1}}));
    let (outcome, _) = console.carry_out(plan);
    assert_eq!((outcome.outcome, outcome.exit_code()), (End::Refused, 4), "{outcome:?}");
    assert!(outcome.reason.contains("spec.replicas was 2, is 1"), "{}", outcome.reason);
    assert_eq!(space.replicas("api"), 1);

    let plan = console.plan(&deployment(&space), 3);
    space.delete("apps/v1", "Deployment", "api");
    api(&space, "Deployment", "10m", "");
    let (outcome, _) = console.carry_out(plan);
    assert_eq!(outcome.outcome, End::Refused, "{outcome:?}");
    assert!(outcome.reason.contains("made again") || outcome.reason.contains("being deleted"), "{}", outcome.reason);
    assert_eq!(space.replicas("api"), 2);
}

pub(crate) fn two_consoles_that_confirm_the_same_plan_at_once_write_once(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    let (one, two) = (Console::of(cluster, "operator"), Console::of(cluster, "second"));
    let plans = (one.plan(&deployment(&space), 3), two.plan(&deployment(&space), 3));
    assert_eq!(plans.0.hash(), plans.1.hash(), "two operators who ask for the same have the same hash");
    let generation = space.get("apps/v1", "Deployment", "api").unwrap()["metadata"]["generation"].as_i64().unwrap();
    let ends = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for (console, plan) in [(&one, plans.0), (&two, plans.1)] {
            let ends = &ends;
            scope.spawn(move || ends.lock().unwrap().push(console.carry_out(plan).0));
        }
    });
    let mut ends = ends.into_inner().unwrap();
    ends.sort_by_key(|e| e.outcome.word());
    assert_eq!([ends[0].outcome, ends[1].outcome], [End::Proven, End::Refused], "{ends:?}");
    for (end, which) in ends.iter().zip(["first", "second"]) {
        let row = format!("two consoles confirm the same plan at the same instant: the {which}");
        tell(cluster, &space, &row, Some(end.exit_code().into()), &json!(end));
    }
    let after = space.get("apps/v1", "Deployment", "api").unwrap()["metadata"]["generation"].as_i64().unwrap();
    assert_eq!(after, generation + 2, "one scale and one annotation");
}

pub(crate) fn a_view_only_user_is_told_the_right_that_is_missing(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    let console = Console::of(cluster, "viewer");
    let plan = console.plan(&deployment(&space), 3);
    assert_eq!(plan.blocked_by(), ["rbac:patch deployments/scale"]);
    assert!(check(&plan, "rbac:patch deployments/scale").fix.as_ref().unwrap().contains("patch deployments/scale"));
    assert!(plan.confirm(space.name(), SystemClock.now()).is_err());
    assert_eq!(space.replicas("api"), 2);
}

pub(crate) fn a_read_only_console_plans_and_writes_nothing(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    let plan = Console::with(cluster, "operator", true).plan(&deployment(&space), 3);
    assert_eq!(plan.blocked_by(), ["read-only"]);
    assert_eq!(check(&plan, "dry-run").result, Answer::Ok, "a dry run is no write");
    // Even a plan that believes it may write meets a client that cannot.
    let mut console = Console::with(cluster, "operator", true);
    console.context.read_only = false;
    let outcome = console.scale(&deployment(&space), 3);
    assert_eq!(outcome.outcome, End::Refused, "{outcome:?}");
    assert_eq!(space.replicas("api"), 2);
}

pub(crate) fn an_admission_policy_that_denies_blocks_the_plan_with_its_words(cluster: &Cluster) {
    let space = ready_api(cluster, "scale");
    let name = space.name();
    let policy = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicy", "metadata": {"name": name},
        "spec": {"failurePolicy": "Fail", "matchConstraints": {"resourceRules": [{"apiGroups": ["apps"], "apiVersions": ["v1"],
            "operations": ["UPDATE"], "resources": ["deployments/scale"]}]},
            "validations": [{"expression": "false", "message": "nobody scales on a Friday"}]}});
    let binding = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingAdmissionPolicyBinding", "metadata": {"name": name},
        "spec": {"policyName": name, "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}}}}});
    cluster.apply_all(&[policy, binding]).unwrap();
    let console = Console::of(cluster, "operator");
    let until = std::time::Instant::now() + crate::cluster::PATIENCE;
    let plan = loop {
        let plan = console.plan(&deployment(&space), 3);
        // Nothing announces that a policy has taken effect.
        if !plan.allowed() || std::time::Instant::now() > until {
            break plan;
        }
        std::thread::park_timeout(Duration::from_millis(200));
    };
    for kind in ["ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"] {
        space.delete("admissionregistration.k8s.io/v1", kind, name);
    }
    assert_eq!(plan.blocked_by(), ["dry-run"]);
    assert!(check(&plan, "dry-run").detail.contains("nobody scales on a Friday"), "{}", check(&plan, "dry-run").detail);
    assert_eq!(space.replicas("api"), 2);
}
