//! A world for tests: objects in memory, a Deployment controller of a few lines, faults on request, and time that passes only
//! when everybody waits.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet, VecDeque};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use futures_util::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::time::Timer;
use crate::base::clock::Clock;
use crate::target::api::{Access, Allowed, Change, Delivery, ErrorKind, Identity, Read, TargetError, Write, WritePermit, WriteRequest};
use crate::target::model::{Kind, Object, ObjectRef, Scope};

/// What happens to the next write of a kind.
#[derive(Debug, Clone)]
pub(in crate::run) enum Fault {
    /// The server says no.
    Refuse(ErrorKind),
    /// It is carried out, and the answer is lost.
    CutAfter,
    /// It is not carried out, and no answer comes.
    CutBefore,
    /// No answer comes, nothing can be read or renewed for 32 s, and it is carried out 8 s after that: the server's own store stood still.
    Late,
    /// Somebody annotates the object in the same instant.
    Race,
}

/// What keeps new pods from becoming ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::run) enum Limit {
    None,
    /// So many pods at most, by quota.
    Quota(i64),
    /// So many find a node.
    Room(i64),
    /// So many have their image.
    Image(i64),
    /// So many become ready.
    Ready(i64),
    /// So many stay: the others end every three seconds and are started again at once, and are ready whenever somebody looks.
    Stay(i64),
}

type Hook = Box<dyn FnOnce(&mut State) + Send>;

pub(in crate::run) struct State {
    pub now: Duration,
    pub objects: BTreeMap<ObjectRef, Value>,
    pub slim: HashMap<Kind, Vec<Object>>,
    /// `patch deployments/scale`
    pub denied: HashSet<String>,
    pub faults: VecDeque<(Kind, Fault)>,
    /// Reads of these kinds fail while they are here.
    pub unreadable: HashMap<Kind, ErrorKind>,
    pub dry_run: Option<TargetError>,
    /// So many dry runs find the object changed since it was read.
    pub dry_conflicts: u32,
    pub limit: Limit,
    /// The Deployment whose pods the limit is for.
    pub limited: &'static str,
    /// So much later come the answers to writes of these kinds; they are carried out at once.
    pub slow: HashMap<Kind, Duration>,
    /// From the next write of a Deployment on, nothing answers any more.
    pub cut_off_after_write: bool,
    pub sent: Vec<WriteRequest>,
    hooks: Vec<(Duration, Hook)>,
    alarms: BTreeSet<Duration>,
    version: u64,
    born: HashMap<ObjectRef, Duration>,
}

#[derive(Clone)]
pub(in crate::run) struct World(Arc<Mutex<State>>);

const START: &str = "2026-11-22T14:33:12Z";

impl World {
    /// A namespace `shop` with a Deployment `api` of three ready pods behind a Service.
    pub(in crate::run) fn new() -> Self {
        let state = State {
            now: Duration::from_secs(1000),
            objects: BTreeMap::new(),
            slim: HashMap::new(),
            denied: HashSet::new(),
            faults: VecDeque::new(),
            unreadable: HashMap::new(),
            dry_run: None,
            dry_conflicts: 0,
            limit: Limit::None,
            limited: "api",
            slow: HashMap::new(),
            cut_off_after_write: false,
            sent: Vec::new(),
            hooks: Vec::new(),
            alarms: BTreeSet::new(),
            version: 100,
            born: HashMap::new(),
        };
        let world = Self(Arc::new(Mutex::new(state)));
        world.with(|s| {
            s.put(&deployment(), deployment_json("api", "u-api", 3));
            s.slim.insert(Kind::Service, vec![service()]);
            s.reconcile();
            s.now += Duration::from_mins(1);
            s.reconcile();
        });
        world
    }

    pub(in crate::run) fn with<T>(&self, change: impl FnOnce(&mut State) -> T) -> T {
        change(&mut self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Does something to the world when so much time has passed from now.
    pub(in crate::run) fn after(&self, time: Duration, hook: impl FnOnce(&mut State) + Send + 'static) {
        self.with(|s| s.at(time, hook));
    }

    /// Runs a future to its end; time passes whenever it waits.
    pub(in crate::run) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut context = Context::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return value;
            }
            self.with(State::advance);
        }
    }

    /// Requests that changed something: kind and subresource, dry runs left out.
    pub(in crate::run) fn writes_to(&self, kind: Kind) -> Vec<WriteRequest> {
        self.with(|s| s.sent.iter().filter(|r| r.object.kind == kind).cloned().collect())
    }

    pub(in crate::run) fn object(&self, object: &ObjectRef) -> Value {
        self.with(|s| s.objects.get(object).cloned().unwrap_or_default())
    }
}

pub(in crate::run) fn deployment() -> ObjectRef {
    ObjectRef::new(Kind::Deployment, "shop", "api")
}

/// A Deployment of three ready pods beside `api`.
pub(in crate::run) fn neighbour(world: &World, name: &str) -> ObjectRef {
    let object = ObjectRef::new(Kind::Deployment, "shop", name);
    world.with(|s| {
        s.put(&object, deployment_json(name, &format!("u-{name}"), 3));
        s.reconcile();
        s.now += Duration::from_mins(1);
        s.reconcile();
    });
    object
}

fn deployment_json(name: &str, uid: &str, replicas: i64) -> Value {
    json!({
        "metadata": { "namespace": "shop", "name": name, "uid": uid, "generation": 1 },
        "spec": {
            "replicas": replicas,
            "selector": { "matchLabels": { "app": name } },
            "template": { "metadata": { "labels": { "app": name } }, "spec": { "containers": [{ "name": name,
                "env": [{ "name": "DB_PASSWORD", "value": "hunter2" }], "resources": { "requests": { "cpu": "250m" } } }] } },
        },
    })
}

fn service() -> Object {
    use crate::target::model::{Meta, Selector, Service};
    let meta = Meta {
        name: "api".into(),
        namespace: "shop".into(),
        uid: "s1".into(),
        resource_version: 1,
        created: 0,
        deleted: None,
        generation: 0,
        labels: Arc::from([]),
        annotations: Arc::from([]),
        owner: None,
    };
    Object::Service(Arc::new(Service {
        meta,
        kind: "ClusterIP".into(),
        selector: Selector::equal([("app".into(), "api".into())]),
        ports: [].into(),
        cluster_ip: "".into(),
        external_ips: [].into(),
        balancer: [].into(),
        external_name: "".into(),
    }))
}

/// Revisions by image, the oldest first; the last is the current one. `ready` says how many pods of each are ready.
pub(in crate::run) fn revisions(world: &World, ready: &[i64]) {
    let mut template = world.object(&deployment())["spec"]["template"].clone();
    for (number, ready) in (1..).zip(ready) {
        template["spec"]["containers"][0]["image"] = format!("api:{number}").into();
        let mut labelled = template.clone();
        labelled["metadata"]["labels"]["pod-template-hash"] = format!("api:{number}").into();
        let object = ObjectRef::new(Kind::ReplicaSet, "shop", format!("api-{number}").as_str());
        let value = json!({
            "metadata": { "uid": format!("rs-{number}"), "labels": { "app": "api", "pod-template-hash": format!("api:{number}") },
                "annotations": { "deployment.kubernetes.io/revision": number.to_string() },
                "ownerReferences": [{ "controller": true, "uid": "u-api" }] },
            "spec": { "template": labelled }, "status": { "replicas": ready, "readyReplicas": ready },
        });
        world.with(|s| s.put(&object, value));
    }
    world.with(|s| {
        let mut object = s.objects[&deployment()].clone();
        object["spec"]["template"] = template;
        object["metadata"]["annotations"] = json!({ "team": "shop" });
        s.put(&deployment(), object);
    });
}

impl State {
    /// Does something when so much time has passed.
    fn at(&mut self, time: Duration, hook: impl FnOnce(&mut Self) + Send + 'static) {
        let at = self.now + time;
        self.alarms.insert(at);
        self.hooks.push((at, Box::new(hook)));
    }

    pub(in crate::run) fn advance(&mut self) {
        let Some(next) = self.alarms.pop_first() else { unreachable!("everybody waits for nothing") };
        self.now = self.now.max(next);
        while let Some(at) = self.hooks.iter().position(|(at, _)| *at <= self.now) {
            let (_, hook) = self.hooks.remove(at);
            hook(self);
        }
        self.reconcile();
    }

    pub(in crate::run) fn put(&mut self, object: &ObjectRef, mut value: Value) {
        self.version += 1;
        value["metadata"]["resourceVersion"] = self.version.to_string().into();
        value["metadata"]["name"] = (*object.name).into();
        value["metadata"]["namespace"] = (*object.namespace).into();
        self.objects.insert(object.clone(), value);
    }

    /// Somebody else scales.
    pub(in crate::run) fn scale(&mut self, replicas: i64) {
        let mut value = self.objects.get(&deployment()).cloned().unwrap_or_default();
        value["spec"]["replicas"] = replicas.into();
        value["metadata"]["generation"] = (value["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
        self.put(&deployment(), value);
        self.reconcile();
    }

    /// Somebody deletes the Deployment and makes it again.
    pub(in crate::run) fn recreate(&mut self) {
        self.put(&deployment(), deployment_json("api", "u-other", 3));
    }

    /// The controllers: pods, status, endpoints.
    fn reconcile(&mut self) {
        let all: Vec<ObjectRef> = self.objects.keys().filter(|o| o.kind == Kind::Deployment).cloned().collect();
        for object in all {
            self.reconcile_one(&object);
        }
    }

    fn reconcile_one(&mut self, object: &ObjectRef) {
        let Some(mut value) = self.objects.get(object).cloned() else { return };
        let wanted = value["spec"]["replicas"].as_i64().unwrap_or(1);
        let limit = if self.limited == &*object.name { self.limit } else { Limit::None };
        let allowed = if let Limit::Quota(most) = limit { wanted.min(most) } else { wanted };
        let app = object.name.clone();
        let name = |n: i64| ObjectRef::new(Kind::Pod, "shop", format!("{app}-{n}").as_str());
        for n in 0..20 {
            if n >= allowed {
                self.objects.remove(&name(n));
                self.born.remove(&name(n));
            } else {
                let born = *self.born.entry(name(n)).or_insert(self.now);
                let mut pod = pod(n, self.now.saturating_sub(born), limit);
                let template = &value["spec"]["template"];
                pod["metadata"]["labels"] = json!({ "app": *app, "pod-template-hash": template["spec"]["containers"][0]["image"] });
                pod["metadata"]["annotations"] = template["metadata"]["annotations"].clone();
                self.put(&name(n), pod);
            }
        }
        let ready: Vec<String> = (0..allowed)
            .filter(|n| self.objects[&name(*n)]["status"]["conditions"][0]["type"] == "Ready")
            .map(|n| format!("{app}-{n}"))
            .collect();
        let conditions = if allowed < wanted {
            json!([{ "type": "ReplicaFailure", "status": "True", "reason": "FailedCreate", "message": "exceeded quota: q" }])
        } else {
            json!([])
        };
        value["status"] = json!({ "observedGeneration": value["metadata"]["generation"], "replicas": allowed, "updatedReplicas": allowed,
            "readyReplicas": ready.len(), "availableReplicas": ready.len(), "conditions": conditions });
        if self.objects.get(object) != Some(&value) {
            self.put(object, value);
        }
        let endpoints: Vec<Value> = ready
            .iter()
            .map(|n| json!({ "targetRef": { "kind": "Pod", "name": n }, "conditions": { "ready": true } }))
            .collect();
        let slice = json!({ "metadata": { "labels": { "kubernetes.io/service-name": *app } }, "endpoints": endpoints });
        self.put(&ObjectRef::new(Kind::EndpointSlice, "shop", format!("{app}-x").as_str()), slice);
    }

    fn read(&self, object: &ObjectRef, subresource: &str) -> Result<Value, TargetError> {
        if let Some(kind) = self.unreadable.get(&object.kind) {
            return Err(TargetError::new(*kind, "the connection was refused"));
        }
        let value = self
            .objects
            .get(object)
            .cloned()
            .ok_or_else(|| TargetError::new(ErrorKind::NotFound, format!("{object} not found")))?;
        if subresource != "scale" {
            return Ok(value);
        }
        let replicas = value["spec"]["replicas"].as_i64().unwrap_or(0);
        let spec = if replicas == 0 { json!({}) } else { json!({ "replicas": replicas }) };
        Ok(json!({ "kind": "Scale", "metadata": value["metadata"], "spec": spec }))
    }

    fn commit(&mut self, request: &WriteRequest) -> Result<Value, TargetError> {
        let conflict = || TargetError::new(ErrorKind::Conflict, "the object has been modified");
        let object = &request.object;
        match &request.change {
            Change::Create(_) if request.subresource == "eviction" => {
                self.objects.remove(object).ok_or_else(|| TargetError::new(ErrorKind::NotFound, "there is no such pod"))?;
                return Ok(json!({ "kind": "Status", "status": "Success" }));
            }
            Change::Create(body) => {
                if self.objects.contains_key(object) {
                    return Err(conflict());
                }
                let mut body = body.clone();
                body["metadata"]["uid"] = format!("uid-{object}").into();
                self.put(object, body);
            }
            Change::MergePatch(patch) => {
                let mut value = self.read(object, "")?;
                for field in ["uid", "resourceVersion"] {
                    if !patch["metadata"][field].is_null() && patch["metadata"][field] != value["metadata"][field] {
                        return Err(conflict());
                    }
                }
                let before = value["spec"].clone();
                merge(&mut value, patch);
                if value["spec"] != before {
                    value["metadata"]["generation"] = (value["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
                }
                self.put(object, value);
            }
            Change::JsonPatch(operations) => {
                let mut value = self.read(object, "")?;
                for operation in operations.as_array().into_iter().flatten() {
                    let path = operation["path"].as_str().unwrap_or_default();
                    let (parent, key) = path.rsplit_once('/').unwrap_or_default();
                    match operation["op"].as_str() {
                        Some("test") if value.pointer(path) != Some(&operation["value"]) => return Err(conflict()),
                        Some("add") => value.pointer_mut(parent).expect("a parent")[key.replace("~1", "/")] = operation["value"].clone(),
                        Some("remove") => {
                            let map = value.pointer_mut(parent).and_then(Value::as_object_mut);
                            map.map(|m| m.remove(&key.replace("~1", "/")));
                        }
                        _ => {}
                    }
                }
                value["metadata"]["generation"] = (value["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
                self.put(object, value);
            }
            // `false` is a command that fails.
            Change::Exec(command) => {
                self.read(object, "")?;
                return Ok(json!({ "exit_code": i64::from(command.argv == ["false"]), "output": "", "errors": "" }));
            }
            other => unreachable!("not used by the actions here: {other:?}"),
        }
        self.reconcile();
        self.read(object, request.subresource)
    }

    fn write(&mut self, request: &WriteRequest) -> Result<Value, TargetError> {
        let verb = if matches!(request.change, Change::Create(_)) { "create" } else { "patch" };
        let slash = if request.subresource.is_empty() { "" } else { "/" };
        let right = format!("{verb} {}{slash}{}", request.object.kind.plural(), request.subresource);
        if self.denied.contains(&right) {
            return Err(TargetError::new(ErrorKind::Forbidden, format!("you may not {right}")));
        }
        if self.cut_off_after_write && request.object.kind == Kind::Deployment {
            self.sent.push(request.clone());
            self.commit(request)?;
            self.unreadable.extend([Kind::Deployment, Kind::Lease, Kind::Pod].map(|k| (k, ErrorKind::Unreachable)));
            return Err(lost());
        }
        let at = self.faults.iter().position(|(kind, _)| *kind == request.object.kind);
        match at.and_then(|at| self.faults.remove(at)).map(|(_, fault)| fault) {
            None => {}
            Some(Fault::Refuse(kind)) => return Err(TargetError::new(kind, "refused")),
            Some(Fault::CutBefore) => return Err(lost()),
            Some(Fault::Late) => {
                self.sent.push(request.clone());
                self.denied.insert("patch leases".into());
                self.unreadable.extend([Kind::Deployment, Kind::Lease].map(|k| (k, ErrorKind::Timeout)));
                self.at(Duration::from_secs(32), |s| s.unreadable.clear());
                let request = request.clone();
                self.at(Duration::from_secs(40), move |s| drop(s.commit(&request)));
                return Err(lost());
            }
            Some(Fault::CutAfter) => {
                self.sent.push(request.clone());
                self.commit(request)?;
                return Err(lost());
            }
            Some(Fault::Race) => {
                let mut value = self.read(&request.object, "")?;
                value["metadata"]["annotations"]["other"] = "x".into();
                self.put(&request.object, value);
            }
        }
        let done = self.commit(request);
        if done.is_ok() {
            self.sent.push(request.clone());
        }
        done
    }
}

fn pod(n: i64, age: Duration, limit: Limit) -> Value {
    let waiting = |reason: &str, message: &str| {
        json!({ "metadata": {}, "spec": { "containers": [{}] }, "status": { "phase": "Pending", "conditions": [{ "type": "PodScheduled", "status": "True" }],
        "containerStatuses": [{ "name": "api", "state": { "waiting": { "reason": reason, "message": message } } }] } })
    };
    match limit {
        Limit::Room(most) if n >= most => json!({ "metadata": {}, "status": { "phase": "Pending", "conditions": [
            { "type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/1 nodes are available: 1 Insufficient cpu." }] } }),
        Limit::Image(most) if n >= most => waiting("ImagePullBackOff", "Back-off pulling image x"),
        Limit::Ready(most) if n >= most => waiting("ContainerCreating", ""),
        _ if age >= Duration::from_secs(2) => {
            let restless = matches!(limit, Limit::Stay(most) if n >= most);
            let restarts = if restless { age.as_secs() / 3 } else { 0 };
            json!({ "metadata": {}, "spec": { "containers": [{ "name": "api" }] }, "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }],
                "containerStatuses": [{ "name": "api", "restartCount": restarts }] } })
        }
        _ => waiting("ContainerCreating", ""),
    }
}

fn lost() -> TargetError {
    TargetError { delivery: Delivery::MayBeDone, ..TargetError::new(ErrorKind::Timeout, "no answer came") }
}

fn merge(value: &mut Value, patch: &Value) {
    let Some(patch) = patch.as_object() else {
        *value = patch.clone();
        return;
    };
    if !value.is_object() {
        *value = json!({});
    }
    for (key, new) in patch {
        if new.is_null() {
            value.as_object_mut().map(|m| m.remove(key));
        } else {
            merge(&mut value[key], new);
        }
    }
}

impl Read for World {
    fn get<'a>(&'a self, object: &'a ObjectRef, subresource: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(async move { self.lock().read(object, subresource) })
    }

    fn list<'a>(&'a self, kind: Kind, scope: &'a Scope, labels: &'a str, fields: &'a str) -> BoxFuture<'a, Result<Vec<Value>, TargetError>> {
        Box::pin(async move {
            let state = self.lock();
            if let Some(error) = state.unreadable.get(&kind) {
                return Err(TargetError::new(*error, format!("you may not list {}", kind.plural())));
            }
            let wanted = |(object, value): &(&ObjectRef, &Value)| {
                object.kind == kind
                    && scope.namespace().is_none_or(|ns| *ns == object.namespace)
                    && labels.strip_prefix("app=").is_none_or(|app| value["metadata"]["labels"]["app"] == *app)
                    && fields.split(',').filter_map(|f| f.split_once('=')).all(|(path, want)| {
                        let pointer = format!("/{}", path.replace('.', "/"));
                        value.pointer(&pointer).and_then(Value::as_str) == Some(want)
                    })
            };
            Ok(state.objects.iter().filter(wanted).map(|(_, value)| value.clone()).collect())
        })
    }

    fn list_slim<'a>(&'a self, kind: Kind, _scope: &'a Scope) -> BoxFuture<'a, Result<Vec<Object>, TargetError>> {
        Box::pin(async move {
            let state = self.lock();
            match state.unreadable.get(&kind) {
                Some(error) => Err(TargetError::new(*error, format!("you may not list {}", kind.plural()))),
                None => Ok(state.slim.get(&kind).cloned().unwrap_or_default()),
            }
        })
    }

    fn raw<'a>(&'a self, path: &'a str) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(async move { Err(TargetError::new(ErrorKind::NotFound, path)) })
    }

    fn log<'a>(&'a self, pod: &'a ObjectRef, _container: &'a str) -> BoxFuture<'a, Result<String, TargetError>> {
        Box::pin(async move { Err(TargetError::new(ErrorKind::NotFound, format!("{pod} printed nothing"))) })
    }

    fn may<'a>(&'a self, access: &'a Access) -> BoxFuture<'a, Result<Allowed, TargetError>> {
        let slash = if access.subresource.is_empty() { "" } else { "/" };
        let right = format!("{} {}{slash}{}", access.verb, access.kind.plural(), access.subresource);
        Box::pin(async move { Ok(Allowed { allowed: !self.lock().denied.contains(&right), reason: String::new() }) })
    }

    fn identity(&self) -> BoxFuture<'_, Identity> {
        let identity = Identity {
            server_version: "v1.36.3".into(),
            cluster_uid: Some("cluster-1".into()),
            user: "ana@example.org".into(),
            ..Identity::default()
        };
        Box::pin(async move { identity })
    }

    fn dry_run<'a>(&'a self, _request: &'a WriteRequest) -> BoxFuture<'a, Result<Value, TargetError>> {
        Box::pin(async move {
            let mut state = self.lock();
            if state.dry_conflicts > 0 {
                state.dry_conflicts -= 1;
                return Err(TargetError::new(ErrorKind::Conflict, "the object has been modified"));
            }
            state.dry_run.clone().map_or(Ok(Value::Null), Err)
        })
    }
}

impl Write for World {
    fn write(&self, permit: WritePermit) -> BoxFuture<'_, Result<Value, TargetError>> {
        Box::pin(async move {
            let answer = self.lock().write(permit.request());
            let slow = self.lock().slow.get(&permit.request().object.kind).copied();
            if let Some(time) = slow {
                self.sleep(time).await;
            }
            answer
        })
    }
}

impl Clock for World {
    fn now(&self) -> Timestamp {
        let start: Timestamp = START.parse().expect("a time");
        start.checked_add(self.lock().now).expect("in range")
    }

    fn monotonic(&self) -> Duration {
        self.lock().now
    }
}

struct Alarm(World, Duration);

impl Future for Alarm {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let at = self.1;
        self.0.with(|s| {
            if s.now >= at {
                return Poll::Ready(());
            }
            s.alarms.insert(at);
            Poll::Pending
        })
    }
}

impl Timer for World {
    fn sleep(&self, time: Duration) -> BoxFuture<'static, ()> {
        let at = self.lock().now + time;
        Box::pin(Alarm(self.clone(), at))
    }
}
