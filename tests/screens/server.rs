//! A target that answers what the plan of a scale asks, so that the panels are drawn from real plans.

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Value, json};
use timonel::base::clock::FixedClock;
use timonel::base::confirmation::Confirmation;
use timonel::run::scale::{PlanContext, ScaleRequest, plan};
use timonel::run::{ActionRequest, Environment, Operator, Plan, actions};
use timonel::target::api::{Access, Allowed, ErrorKind, Identity, Read, TargetError, WriteRequest};
use timonel::target::model::{Kind, Object, ObjectRef, Scope};

use super::scene::{node, now, service};

/// What the server has and allows.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Server {
    /// An autoscaler of 3 to 10 is in the way.
    pub(crate) hpa: bool,
    /// Nobody may patch.
    pub(crate) forbidden: bool,
    /// Admission refuses.
    pub(crate) denied: bool,
}

impl Server {
    fn items(self, kind: Kind) -> Vec<Value> {
        match kind {
            Kind::HorizontalPodAutoscaler if self.hpa => vec![json!({
                "metadata": { "name": "eterna-rules-hpa", "namespace": "eterna-rules", "uid": "a1", "resourceVersion": "7" },
                "spec": {
                    "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "eterna-rules-backend" },
                    "minReplicas": 3, "maxReplicas": 10
                },
                "status": { "currentReplicas": 3, "desiredReplicas": 3 }
            })],
            _ => Vec::new(),
        }
    }
}

fn answer(object: &ObjectRef, subresource: &str) -> Result<Value, TargetError> {
    match (object.kind, subresource) {
        (Kind::Deployment, "") => Ok(deployment(&object.name)),
        (Kind::Deployment, "scale") => Ok(json!({
            "metadata": { "name": "eterna-rules-backend", "uid": "uid-eterna-rules-backend", "resourceVersion": "88213" },
            "spec": { "replicas": 3 }, "status": { "replicas": 3 }
        })),
        _ => Err(TargetError::new(ErrorKind::NotFound, format!("{object} not found"))),
    }
}

fn deployment(name: &str) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": name, "namespace": "eterna-rules", "uid": format!("uid-{name}"), "resourceVersion": "88213", "generation": 41
        },
        "spec": {
            "replicas": 3,
            "selector": { "matchLabels": { "app": name } },
            "template": {
                "metadata": { "labels": { "app": name } },
                "spec": { "containers": [{ "name": "backend", "image": "ghcr.io/eterna/rules-engine:v1.8.3" }] }
            }
        },
        "status": { "observedGeneration": 41, "replicas": 3, "readyReplicas": 3, "updatedReplicas": 3, "availableReplicas": 3 }
    })
}

impl Read for Server {
    fn get<'a>(&'a self, object: &'a ObjectRef, subresource: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        async move { answer(object, subresource) }.boxed()
    }

    fn list<'a>(&'a self, kind: Kind, _: &'a Scope, _: &'a str, _: &'a str) -> BoxFuture<'a, Result<Vec<Value>, TargetError>> {
        async move { Ok(self.items(kind)) }.boxed()
    }

    fn list_slim<'a>(&'a self, kind: Kind, _: &'a Scope) -> BoxFuture<'a, Result<Vec<Object>, TargetError>> {
        let objects = match kind {
            Kind::Service => vec![service()],
            Kind::Node => vec![node("node-1"), node("node-2"), node("node-3")],
            _ => Vec::new(),
        };
        async move { Ok(objects) }.boxed()
    }

    fn raw<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        async move { Err(TargetError::new(ErrorKind::NotFound, format!("{path} not found"))) }.boxed()
    }

    fn log<'a>(&'a self, pod: &'a ObjectRef, _: &'a str) -> BoxFuture<'a, Result<String, TargetError>> {
        async move { Err(TargetError::new(ErrorKind::NotFound, format!("{pod} not found"))) }.boxed()
    }

    fn may<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<Allowed, TargetError>> {
        let allowed = !(self.forbidden && access.verb == "patch");
        async move { Ok(Allowed { allowed, reason: String::new() }) }.boxed()
    }

    fn identity(&self) -> BoxFuture<'_, Identity> {
        let identity = Identity {
            server_version: "v1.36.3".into(),
            cluster_uid: Some("c0ffee00-1111-2222-3333-444455556666".into()),
            user: "ana".into(),
            ..Identity::default()
        };
        async move { identity }.boxed()
    }

    fn dry_run<'a>(&'a self, _: &'a WriteRequest) -> BoxFuture<'a, Result<Value, TargetError>> {
        let refusal = TargetError::new(ErrorKind::Denied, "admission webhook \"policy.example\" denied the request: at most 4 replicas");
        async move { if self.denied { Err(refusal) } else { Ok(Value::Null) } }.boxed()
    }
}

fn context() -> PlanContext {
    let operator = Operator { user: "ana".into(), host: "console".into(), cluster_user: "ana".into() };
    let environment = Environment::of_names("eterna-prod", "eterna", "eterna-rules");
    let mut context = PlanContext::new("eterna-prod", environment, operator);
    context.random = 0x7f3a;
    context
}

fn named(name: &str) -> ObjectRef {
    ObjectRef::new(Kind::Deployment, "eterna-rules", name)
}

/// The plan of scaling the backend, made now in production.
pub(crate) fn scale(server: Server, replicas: u32) -> Plan {
    let request = ScaleRequest::new(named("eterna-rules-backend"), replicas);
    let clock = FixedClock::new(now());
    let context = context();
    let made = plan(&server, &clock, &context, &request).now_or_never();
    made.expect("nothing here waits").expect("the plan can be made")
}

/// The same where every change needs two people, given that reason.
pub(crate) fn scale_for_two(replicas: u32, reason: Option<&str>) -> Plan {
    let mut context = context();
    context.environment.floor = Confirmation::TwoPerson;
    let parameters = vec![format!("replicas={replicas}")];
    let request = ActionRequest {
        action: "scale".into(),
        object: named("eterna-rules-backend"),
        parameters,
        overrides: Vec::new(),
        reason: reason.map(ToOwned::to_owned),
    };
    let clock = FixedClock::new(now());
    let made = actions::plan(&Server::default(), &clock, &context, &request).now_or_never();
    made.expect("nothing here waits").expect("the plan can be made")
}

/// The plan of restarting several Deployments, made now in production.
pub(crate) fn restart(server: Server, names: &[&str]) -> Plan {
    let objects: Vec<(ObjectRef, Option<u32>)> = names.iter().map(|name| (named(name), None)).collect();
    let request = ActionRequest::about("restart", &objects, Vec::new()).expect("objects");
    let (clock, context) = (FixedClock::new(now()), context());
    let made = actions::plan(&server, &clock, &context, &request).now_or_never();
    made.expect("nothing here waits").expect("the plan can be made")
}
