//! Everything that the plan of a scale rests on, read in two rounds of parallel requests.
//!
//! Owns which requests are made. Must not judge what comes back.

use futures_util::future::join_all;
use serde_json::Value;

use super::{PlanContext, ScaleRequest};
use crate::run::checks::{Connections, HpaFacts, Pods, Right, Room};
use crate::run::facts::{PodFacts, WorkloadFacts};
use crate::run::ground;
use crate::run::lease::LeaseFacts;
use crate::run::step::{FieldChange, FieldWrite, Form};
use crate::target::api::{Identity, Read, TargetError};
use crate::target::model::{Kind, Object, ObjectRef, Scope};

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
    /// What the service file says of connections that more pods would hold, with the pods of each user.
    pub connections: Vec<(Connections, Vec<Pods>)>,
}

/// The writes of a scale, in the order in which they are sent.
#[derive(Debug, Clone, Default)]
pub(super) struct Writes {
    pub hpa: Option<FieldWrite>,
    /// On the way down, so that no more than half of the capacity goes at a time.
    pub stages: Vec<FieldWrite>,
    pub scale: Option<FieldWrite>,
}

impl Writes {
    pub(super) fn iter(&self) -> impl Iterator<Item = &FieldWrite> {
        self.hpa.iter().chain(self.counts())
    }

    /// Those that write the count: the stages on the way, and the one that is wanted.
    pub(super) fn counts(&self) -> impl DoubleEndedIterator<Item = &FieldWrite> {
        self.stages.iter().chain(&self.scale)
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
    let (rights, leases, dry_run, room, pod, connections) = futures_util::join!(
        ground::rights(read, &request.object, writes.iter()),
        ground::leases(read, context, writes.iter()),
        dry_run(read, &writes, &workload, &scale, hpas.as_deref().unwrap_or_default()),
        room(read, more),
        one_pod(read, &scope, &selector, more),
        connections(read, context, object, more),
    );
    let identity = Identity { user: if identity.user.is_empty() { context.operator.cluster_user.clone() } else { identity.user }, ..identity };
    Ok(Reading { identity, workload, hpas, quotas, pdbs, services, room, pod, leases, rights, dry_run, writes, connections })
}

fn writes(request: &ScaleRequest, workload: &WorkloadFacts, hpas: &[HpaFacts]) -> Writes {
    let (now, count) = (workload.wanted(), i64::from(request.replicas));
    let hpa = match (request.hpa, hpas) {
        (Some(choice), [hpa]) => hpa.write(choice, count),
        _ => None,
    };
    let write = |before: i64, after: i64| FieldWrite {
        object: request.object.clone(),
        uid: workload.uid(),
        subresource: "scale",
        changes: vec![FieldChange::new("/spec/replicas", before, after).absent(0).loose(!hpas.is_empty())],
        form: Form::Merge,
    };
    // Where nothing serves, nothing is to be kept on the way.
    let on_the_way = if workload.ready() > 0 { stages(now, count) } else { Vec::new() };
    let mut at = now;
    let stages = on_the_way.into_iter().map(|stage| write(std::mem::replace(&mut at, stage), stage)).collect();
    Writes { hpa, stages, scale: (now != count).then(|| write(at, count)) }
}

/// The counts on the way down, each at most half of the present capacity below the one before.
fn stages(now: i64, count: i64) -> Vec<i64> {
    let most = (now / 2).max(1);
    std::iter::successors(Some(now - most), |at| Some(at - most)).take_while(|at| *at > count).collect()
}

async fn dry_run(read: &dyn Read, writes: &Writes, workload: &WorkloadFacts, scale: &Value, hpas: &[HpaFacts]) -> Option<Result<(), TargetError>> {
    let version = |write: &FieldWrite| match hpas.iter().find(|h| h.object == write.object) {
        Some(hpa) => hpa.resource_version.clone(),
        None if write.subresource == "scale" => crate::run::facts::text(scale, "/metadata/resourceVersion"),
        None => workload.resource_version(),
    };
    ground::try_out(read, writes.iter().map(|w| (w, version(w))).collect()).await
}

async fn room(read: &dyn Read, more: bool) -> Room {
    if !more {
        return Room { nodes: Ok(Vec::new()), pods: Ok(Vec::new()) };
    }
    let (nodes, pods) = futures_util::join!(read.list_slim(Kind::Node, &Scope::Cluster), read.list_slim(Kind::Pod, &Scope::Cluster));
    Room { nodes, pods }
}

async fn connections(read: &dyn Read, context: &PlanContext, object: &ObjectRef, more: bool) -> Vec<(Connections, Vec<Pods>)> {
    let own = context.connections.iter().filter(|c| more && c.per_pod.iter().any(|(user, _)| user == object));
    let pods = |user: &ObjectRef| {
        let (user, wanted) = (user.clone(), context.counts.get(user).copied());
        async move {
            match wanted {
                Some(count) => Ok(i64::from(count)),
                None => read.get(&user, "").await.map(|raw| WorkloadFacts::new(&user, raw).wanted()),
            }
        }
    };
    let all = own.map(|budget| async {
        let pods = join_all(budget.per_pod.iter().map(|(user, _)| pods(user))).await;
        (budget.clone(), pods)
    });
    join_all(all).await
}

async fn one_pod(read: &dyn Read, scope: &Scope, selector: &str, more: bool) -> Option<Value> {
    if !more || selector.is_empty() {
        return None;
    }
    let pods = read.list(Kind::Pod, scope, selector, "").await.ok()?;
    pods.iter().map(PodFacts::of).find(|p| !p.over()).map(|p| p.spec().clone())
}

#[cfg(test)]
mod tests {
    use super::stages;

    #[test]
    fn no_more_than_half_of_the_capacity_goes_at_a_time() {
        for (now, count, expected) in [
            (8, 0, vec![4]),
            (8, 3, vec![4]),
            (8, 4, vec![]),
            (3, 0, vec![2, 1]),
            (5, 0, vec![3, 1]),
            (2, 0, vec![1]),
            (1, 0, vec![]),
            (0, 0, vec![]),
            (3, 8, vec![]),
            (100_000, 0, vec![50_000]),
        ] {
            assert_eq!(stages(now, count), expected, "{now} -> {count}");
        }
    }
}
