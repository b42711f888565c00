//! Everything that the plan of a scale rests on, read in two rounds of parallel requests.
//!
//! Owns which requests are made. Must not judge what comes back.

use futures_util::future::join_all;
use serde_json::Value;

use super::{PlanContext, ScaleRequest};
use crate::run::checks::{HpaFacts, Right, Room};
use crate::run::facts::{PodFacts, WorkloadFacts};
use crate::run::lease::{self, LeaseFacts};
use crate::run::step::{FieldChange, FieldWrite};
use crate::target::api::{Access, Identity, Read, TargetError};
use crate::target::model::{Kind, Object, ObjectRef, Scope, Service};

/// What was read.
pub(super) struct Reading {
    pub identity: Identity,
    pub workload: WorkloadFacts,
    pub hpas: Result<Vec<HpaFacts>, TargetError>,
    pub quotas: Result<Vec<Value>, TargetError>,
    pub pdbs: Result<Vec<Object>, TargetError>,
    pub services: Result<Vec<Object>, TargetError>,
    /// Only where more pods are wanted.
    pub room: Room,
    /// The spec of one of its pods, with all that admission added.
    pub pod: Option<Value>,
    pub leases: Vec<(ObjectRef, Result<LeaseFacts, TargetError>)>,
    pub rights: Vec<Right>,
    /// What the server says to the writes; `None` when there are none.
    pub dry_run: Option<Result<(), TargetError>>,
    pub writes: Writes,
}

/// The writes of a scale, in the order in which they are sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Writes {
    pub hpa: Option<FieldWrite>,
    pub scale: Option<FieldWrite>,
}

impl Writes {
    pub(super) fn iter(&self) -> impl Iterator<Item = &FieldWrite> {
        self.hpa.iter().chain(&self.scale)
    }
}

pub(super) async fn read(read: &dyn Read, context: &PlanContext, request: &ScaleRequest) -> Result<Reading, TargetError> {
    let object = &request.object;
    let scope = Scope::Namespace(object.namespace.clone());
    let (workload, scale, identity, hpas, quotas, pdbs, services) = futures_util::join!(
        read.get(object, ""),
        read.get(object, "scale"),
        read.identity(),
        read.list(Kind::HorizontalPodAutoscaler, &scope, "", ""),
        read.list(Kind::ResourceQuota, &scope, "", ""),
        read.list_slim(Kind::PodDisruptionBudget, &scope),
        read.list_slim(Kind::Service, &scope),
    );
    let (workload, scale) = (WorkloadFacts::new(object, workload?), scale?);
    let hpas = hpas.map(|all| all.iter().map(HpaFacts::of).filter(|h| h.targets(object)).collect::<Vec<_>>());
    let writes = writes(request, &workload, hpas.as_deref().unwrap_or_default());
    let more = i64::from(request.replicas) > workload.replicas();
    let selector = workload.selector();
    let (rights, leases, dry_run, room, pod) = futures_util::join!(
        rights(read, request, &writes),
        leases(read, &writes),
        dry_run(read, &writes, &workload, &scale, hpas.as_deref().unwrap_or_default()),
        room(read, more),
        one_pod(read, &scope, &selector, more),
    );
    let identity = Identity { user: if identity.user.is_empty() { context.operator.cluster_user.clone() } else { identity.user }, ..identity };
    Ok(Reading { identity, workload, hpas, quotas, pdbs, services, room, pod, leases, rights, dry_run, writes })
}

fn writes(request: &ScaleRequest, workload: &WorkloadFacts, hpas: &[HpaFacts]) -> Writes {
    let (now, count) = (workload.wanted(), i64::from(request.replicas));
    let hpa = match (request.hpa, hpas) {
        (Some(choice), [hpa]) => hpa.write(choice, count),
        _ => None,
    };
    let change = FieldChange::new("/spec/replicas", now, count).absent(0).loose(!hpas.is_empty());
    let scale = FieldWrite { object: request.object.clone(), uid: workload.uid(), subresource: "scale", changes: vec![change] };
    Writes { hpa, scale: (now != count).then_some(scale) }
}

/// The rights that the run needs, and those that it could use.
async fn rights(read: &dyn Read, request: &ScaleRequest, writes: &Writes) -> Vec<Right> {
    let namespace = Some(request.object.namespace.to_string());
    let access = |verb, kind, subresource, name: Option<&ObjectRef>| Access {
        verb,
        kind,
        subresource,
        namespace: namespace.clone(),
        name: name.map(|n| n.name.to_string()),
    };
    let mut wanted: Vec<(Access, Option<&'static str>)> = Vec::new();
    wanted.extend(writes.iter().map(|w| (access("patch", w.object.kind, w.subresource, Some(&w.object)), None)));
    wanted.push((access("list", Kind::Pod, "", None), Some("why a pod does not start cannot be told")));
    if writes.iter().next().is_some() {
        for verb in ["get", "create", "patch"] {
            wanted.push((access(verb, Kind::Lease, "", None), Some("the run takes no lock, and other consoles do not see it")));
        }
        wanted.push((access("patch", request.object.kind, "", Some(&request.object)), Some("the workload keeps no note of the run")));
        wanted.push((access("create", Kind::Event, "", None), Some("no event tells others of the run")));
    }
    let ask = |(access, without): (Access, Option<&'static str>)| async move {
        let answer = read.may(&access).await;
        Right { access, without, answer }
    };
    join_all(wanted.into_iter().map(ask)).await
}

async fn leases(read: &dyn Read, writes: &Writes) -> Vec<(ObjectRef, Result<LeaseFacts, TargetError>)> {
    let mut names: Vec<ObjectRef> = writes.iter().map(|w| lease::of(&w.object)).collect();
    names.sort_unstable();
    let ask = |name: ObjectRef| async move {
        let found = read.get(&name, "").await.map(|raw| LeaseFacts::of(&raw));
        (name, found)
    };
    join_all(names.into_iter().map(ask)).await
}

async fn dry_run(read: &dyn Read, writes: &Writes, workload: &WorkloadFacts, scale: &Value, hpas: &[HpaFacts]) -> Option<Result<(), TargetError>> {
    let version = |write: &FieldWrite| match hpas.iter().find(|h| h.object == write.object) {
        Some(hpa) => hpa.resource_version.clone(),
        None if write.subresource == "scale" => crate::run::facts::text(scale, "/metadata/resourceVersion"),
        None => workload.resource_version(),
    };
    let requests: Vec<_> = writes.iter().map(|w| w.request(&version(w))).collect();
    let answers = join_all(requests.iter().map(|r| read.dry_run(r))).await;
    let first_error = answers.into_iter().find_map(Result::err);
    (!requests.is_empty()).then(|| first_error.map_or(Ok(()), Err))
}

async fn room(read: &dyn Read, more: bool) -> Room {
    if !more {
        return Room { nodes: Ok(Vec::new()), pods: Ok(Vec::new()) };
    }
    let (nodes, pods) = futures_util::join!(read.list_slim(Kind::Node, &Scope::Cluster), read.list_slim(Kind::Pod, &Scope::Cluster));
    Room { nodes, pods }
}

async fn one_pod(read: &dyn Read, scope: &Scope, selector: &str, more: bool) -> Option<Value> {
    if !more || selector.is_empty() {
        return None;
    }
    let pods = read.list(Kind::Pod, scope, selector, "").await.ok()?;
    pods.iter().map(PodFacts::of).find(|p| !p.over()).map(|p| p.spec().clone())
}

/// The Services whose pods these are.
pub(super) fn selecting(services: &Result<Vec<Object>, TargetError>, workload: &WorkloadFacts) -> Vec<String> {
    let labels: Vec<_> = workload
        .template_labels()
        .into_iter()
        .flatten()
        .map(|(k, v)| (k.as_str().into(), v.as_str().unwrap_or_default().into()))
        .collect();
    let all = services.iter().flatten().filter_map(|o| if let Object::Service(s) = o { Some(&**s) } else { None });
    let own = all.filter(|s: &&Service| &*s.kind != "ExternalName" && s.selector.matches(&labels));
    let mut names: Vec<String> = own.map(|s| s.meta.name.to_string()).collect();
    names.sort_unstable();
    names
}
