//! Cordon and uncordon of a node that is there for the test alone: no pod of another test is held up by it.

use serde_json::{Value, json};

use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::operator::Operator;

/// A node without a kubelet, gone when the test is over.
pub(crate) struct SpareNode<'a> {
    /// The test's namespace.
    pub(crate) space: Namespace<'a>,
    /// The node's name.
    pub(crate) name: String,
}

impl<'a> SpareNode<'a> {
    pub(crate) fn new(cluster: &'a Cluster) -> Self {
        let space = cluster.namespace("shop-test").unwrap();
        let name = format!("spare-{}", space.name());
        cluster
            .apply_all(&[json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": name}})])
            .unwrap_or_else(|error| panic!("{error}"));
        Self { space, name }
    }

    /// Whether it takes no new pods.
    pub(crate) fn unschedulable(&self) -> bool {
        let node = self.space.get("v1", "Node", &self.name).unwrap_or(Value::Null);
        node["spec"]["unschedulable"] == true
    }
}

impl Drop for SpareNode<'_> {
    fn drop(&mut self) {
        // A test may have let it go.
        if self.space.get("v1", "Node", &self.name).is_some() {
            self.space.delete("v1", "Node", &self.name);
        }
    }
}

pub(crate) fn a_cordoned_node_is_a_debt_until_it_is_uncordoned(cluster: &Cluster) {
    let node = SpareNode::new(cluster);
    let admin = Operator::new(cluster, "admin", &node.space);
    let watched = Watched { cluster, space: &node.space, operator: &admin };
    let run = admin.run_of("cordon", &[&node.name]).expect("proven", 0);
    assert!(run.end()["debts"][0]["pay"].as_str().unwrap().contains("uncordon"), "{:#}", run.end());
    assert!(node.unschedulable());
    watched.ended_on_a_node("cordon", &run);
    let again = admin.plan_of("cordon", &[&node.name]);
    assert_eq!((again.code, again.blocked_by()), (Some(4), vec!["cordoned"]));
    let refused = admin.run_of("cordon", &[&node.name]).expect("refused", 4);
    watched.ended_on_a_node("cordon: it is cordoned already", &refused);
    watched.ended_on_a_node("uncordon", &admin.run_of("uncordon", &[&node.name]).expect("proven", 0));
    let refused = admin.run_of("uncordon", &[&node.name]).expect("refused", 4);
    watched.ended_on_a_node("uncordon: it is not cordoned", &refused);
    assert!(!node.unschedulable());
    admin.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn whoever_may_not_change_nodes_is_told_so_and_a_wrong_name_is_wrong_usage(cluster: &Cluster) {
    let node = SpareNode::new(cluster);
    let operator = Operator::new(cluster, "operator", &node.space);
    let plan = operator.plan_of("cordon", &[&node.name]);
    assert!(plan.blocked_by().contains(&"rbac:patch nodes"), "{:?}", plan.blocked_by());
    operator.run_of("cordon", &[&node.name]).expect("refused", 4);
    assert!(!node.unschedulable());
    let wrong = operator.call(&["plan", "cordon", "no-such-node"]).exits(64);
    assert!(wrong.stderr.contains("there is no node 'no-such-node'"), "{}", wrong.stderr);
}
