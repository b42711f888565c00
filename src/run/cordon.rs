//! Cordon and uncordon: whether a node takes new pods.
//!
//! Owns what both check, write and prove, and the preview of what a cordon leaves where. The pods of a cordoned node stay; no new
//! one comes: a cordon is a debt.

use serde_json::Value;

use super::check::Check;
use super::context::PlanContext;
use super::facts::{PodFacts, flag, items, text, unreadable};
use super::ground::{self, Ground, Part};
use super::level::{Nature, Raise};
use super::outcome::Debt;
use super::plan::{Frozen, FrozenField};
use super::step::{Fact, FieldChange, FieldWrite, Form};
use crate::base::confirmation::Confirmation;
use crate::target::api::{Read, TargetError};
use crate::target::model::{Kind, Scope};

const UNSCHEDULABLE: &str = "/spec/unschedulable";
/// Pods of the node that are named; the rest is counted.
const NAMED: usize = 5;

/// `cordon` when `cordoned`, else `uncordon`.
pub(super) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground, cordoned: bool) -> Part {
    let node = &ground.object;
    let of_node = format!("spec.nodeName={}", node.reference.name);
    let (nodes, pods) = futures_util::join!(read.list(Kind::Node, &Scope::Cluster, "", ""), read.list(Kind::Pod, &Scope::Cluster, "", &of_node));
    Cordon { context, ground, cordoned, nodes, pods }.part()
}

struct Cordon<'a> {
    context: &'a PlanContext,
    ground: &'a Ground,
    cordoned: bool,
    nodes: Result<Vec<Value>, TargetError>,
    /// Those on the node.
    pods: Result<Vec<Value>, TargetError>,
}

impl Cordon<'_> {
    fn part(self) -> Part {
        let (node, cordoned) = (&self.ground.object, self.cordoned);
        let is = flag(&node.raw, UNSCHEDULABLE);
        let kubectl = ground::kubectl(&self.context.context, "");
        let command = |cordoned: bool| format!("{kubectl} {} {}", if cordoned { "cordon" } else { "uncordon" }, node.reference.name);
        let prove = |id, value: bool| {
            let words = if value { "it takes no new pods" } else { "it takes new pods" };
            let fact = Fact::Field { pointer: UNSCHEDULABLE, value: value.into(), absent: false.into() };
            self.ground.prove(self.context, id, format!("prove unschedulable {value}"), words.to_owned(), fact)
        };
        let write = FieldWrite {
            object: node.reference.clone(),
            uid: node.uid(),
            subresource: "",
            changes: vec![FieldChange::new(UNSCHEDULABLE, is, cordoned).absent(false)],
            form: Form::Merge,
        };
        Part {
            action: if cordoned { "cordon" } else { "uncordon" },
            quantity: "node".to_owned(),
            nature: if cordoned { Nature::Change } else { Nature::Mitigation },
            inputs: ground::inputs(&node.reference, []),
            leaves: cordoned
                .then(|| Debt {
                    id: "write".to_owned(),
                    object: node.reference.to_string(),
                    what: "it is cordoned: it takes no new pods".to_owned(),
                    pay: command(false),
                })
                .into_iter()
                .collect(),
            title: format!("write unschedulable {cordoned}"),
            proofs: std::iter::once(prove("prove-schedulable", cordoned)).chain(self.ground.probes(self.context, 1)).collect(),
            back: Some(vec![prove("prove-again", is)]),
            undo: if cordoned { "uncordon it" } else { "cordon it" }.to_owned(),
            pay: command(!cordoned),
            checks: self.checks(is),
            risks: self.risks(),
            same_as: if is == cordoned { Vec::new() } else { vec![command(cordoned)] },
            raises: self.raises(),
            frozen: vec![Frozen {
                object: node.reference.clone(),
                uid: node.uid(),
                fields: vec![FrozenField { pointer: UNSCHEDULABLE, value: node.raw.pointer(UNSCHEDULABLE).cloned().unwrap_or(Value::Null) }],
            }],
            write: (is != cordoned).then_some(write),
        }
    }

    fn checks(&self, is: bool) -> Vec<Check> {
        let state = Check::required("cordoned");
        let state = match (is, self.cordoned) {
            (true, true) => state.failed("it is cordoned already: there is nothing to do", "look who cordoned it, and why"),
            (false, false) => state.failed("it is not cordoned: there is nothing to do", "nothing is to be done"),
            (true, false) => state.ok("it is cordoned"),
            (false, true) => state.ok("it is not cordoned yet"),
        };
        vec![state, if self.cordoned { self.others() } else { self.ready() }]
    }

    /// Names of the other nodes that take pods; `Err` when nodes cannot be read.
    fn takers(&self) -> Result<Vec<String>, &TargetError> {
        let takes = |n: &&Value| is_ready(n) && !flag(n, UNSCHEDULABLE) && text(n, "/metadata/uid") != self.ground.object.uid();
        self.nodes.as_ref().map(|all| all.iter().filter(takes).map(|n| text(n, "/metadata/name")).collect())
    }

    fn others(&self) -> Check {
        let check = Check::advisory("nodes");
        match self.takers() {
            Ok(others) if others.is_empty() => {
                check.failed("no other node takes pods: whatever must start anew waits", "uncordon or add another node first")
            }
            Ok(others) => {
                check.ok(format!("{} other node{} take{} pods", others.len(), plural(others.len()), if others.len() == 1 { "s" } else { "" }))
            }
            Err(error) => {
                let (detail, fix) = unreadable("list", "nodes", error);
                check.unknown(detail, fix)
            }
        }
    }

    fn ready(&self) -> Check {
        let check = Check::advisory("ready");
        if is_ready(&self.ground.object.raw) {
            check.ok("it is ready")
        } else {
            check.failed("it is not ready: pods that are put there may not start", "look why it is not ready first")
        }
    }

    fn risks(&self) -> Vec<String> {
        let pods = match &self.pods {
            Ok(pods) => pods,
            Err(error) => return vec![format!("which pods are on it cannot be read: {}", error.message)],
        };
        let live: Vec<&Value> = pods.iter().filter(|p| !PodFacts::of(p).over()).collect();
        if !self.cordoned {
            return vec![format!("new pods may be put there; {} {} on it now", live.len(), if live.len() == 1 { "is" } else { "are" })];
        }
        let names: Vec<String> = live
            .iter()
            .take(NAMED)
            .map(|p| format!("{}/{}", text(p, "/metadata/namespace"), text(p, "/metadata/name")))
            .collect();
        let rest = live.len().saturating_sub(NAMED);
        let more = if rest > 0 { format!(" and {rest} more") } else { String::new() };
        let mut risks = vec![if live.is_empty() {
            "no pod is on it".to_owned()
        } else {
            format!("the {} pod{} on it stay: {}{more}", live.len(), plural(live.len()), names.join(", "))
        }];
        let tied = live.iter().filter(|p| items(p, "/spec/volumes").any(|v| v.get("persistentVolumeClaim").is_some())).count();
        if tied > 0 {
            risks.push(format!("{tied} of them hold volumes: when one ends, it may find no other node that can reach its volume"));
        }
        risks
    }

    fn raises(&self) -> Vec<Raise> {
        let last = self.cordoned && self.takers().is_ok_and(|others| others.is_empty());
        last.then(|| Raise::fact(Confirmation::Phrase, "no other node takes pods")).into_iter().collect()
    }
}

fn is_ready(node: &Value) -> bool {
    items(node, "/status/conditions").any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}
