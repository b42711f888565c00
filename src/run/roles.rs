//! The access rules that people who use the console need, by role.
//!
//! Owns what each action needs of them, and the roles made of it: nothing is granted that no action of the role asks for. The
//! manifests in `assets/rbac` are written from here.

use std::collections::BTreeMap;

use super::debts::book;
use crate::target::api::Access;
use crate::target::model::Kind;

/// One role.
#[derive(Debug)]
pub struct Role {
    /// `operator`.
    pub name: &'static str,
    /// What it is for.
    pub about: &'static str,
    /// What it may do, and to what.
    pub does: &'static [(&'static str, Kind)],
}

/// All of them. The API grants verbs on whole resources: who may patch a Deployment may run any image in it, and so may who may make
/// Jobs. The roles hold what their actions need, and reach as far as that.
pub const ROLES: &[Role] = &[
    Role { name: "viewer", about: "sees everything but Secrets, changes nothing", does: &[] },
    Role {
        name: "operator",
        about: "keeps running what runs: scale, evict, trigger, back up and verify, inspect, suspend and resume CronJobs, cordon",
        does: &[
            ("scale", Kind::Deployment),
            ("scale", Kind::StatefulSet),
            ("scale", Kind::ReplicaSet),
            ("keep", Kind::Deployment),
            ("keep", Kind::StatefulSet),
            ("keep", Kind::ReplicaSet),
            ("keep", Kind::CronJob),
            ("resume-hpa", Kind::HorizontalPodAutoscaler),
            ("evict", Kind::Pod),
            ("trigger", Kind::CronJob),
            ("backup", Kind::PersistentVolumeClaim),
            ("verify", Kind::PersistentVolumeClaim),
            ("inspect", Kind::Deployment),
            ("inspect", Kind::StatefulSet),
            ("suspend", Kind::CronJob),
            ("resume", Kind::CronJob),
            ("cordon", Kind::Node),
            ("uncordon", Kind::Node),
        ],
    },
    Role {
        name: "release-manager",
        about: "changes what runs: roll back, restart, migrate, downgrade, pause and resume a rollout",
        does: &[
            ("rollback", Kind::Deployment),
            ("rollback", Kind::StatefulSet),
            ("rollback", Kind::DaemonSet),
            ("restart", Kind::Deployment),
            ("restart", Kind::StatefulSet),
            ("restart", Kind::DaemonSet),
            ("migrate", Kind::Deployment),
            ("migrate", Kind::StatefulSet),
            ("downgrade", Kind::Deployment),
            ("downgrade", Kind::StatefulSet),
            ("pause", Kind::Deployment),
            ("resume", Kind::Deployment),
        ],
    },
];

/// What the console looks at. Secrets are not among them: who may list them may read them.
const READ: [Kind; 20] = [
    Kind::Pod,
    Kind::Deployment,
    Kind::StatefulSet,
    Kind::DaemonSet,
    Kind::ReplicaSet,
    Kind::ControllerRevision,
    Kind::Job,
    Kind::CronJob,
    Kind::Service,
    Kind::EndpointSlice,
    Kind::HorizontalPodAutoscaler,
    Kind::PodDisruptionBudget,
    Kind::Ingress,
    Kind::Event,
    Kind::Node,
    Kind::Namespace,
    Kind::ConfigMap,
    Kind::PersistentVolumeClaim,
    Kind::ResourceQuota,
    Kind::Lease,
];

/// A verb on a resource, with its subresource.
type Need = (&'static str, Kind, &'static str);

/// What an action needs to change an object of that kind.
fn needs(action: &str, kind: Kind) -> Vec<Need> {
    match action {
        "scale" => vec![("patch", kind, "scale"), ("patch", Kind::HorizontalPodAutoscaler, "")],
        "keep" => vec![("patch", Kind::Lease, "")],
        "trigger" | "inspect" | "migrate" => vec![("create", Kind::Job, "")],
        "backup" | "verify" | "downgrade" => vec![("create", Kind::Job, ""), ("patch", Kind::Job, "")],
        "evict" => vec![("create", kind, "eviction")],
        _ => vec![("patch", kind, "")],
    }
}

/// What every run leaves: its lock, events for others, the record of debts, and the end of the Jobs that it made.
const LEAVES: [Need; 5] =
    [("create", Kind::Lease, ""), ("patch", Kind::Lease, ""), ("create", Kind::Event, ""), ("create", Kind::ConfigMap, ""), ("patch", Kind::Job, "")];

/// What the steps of a service file need besides: a command in a pod, and a question to a database in one. A server asks for both verbs
/// where the way there is a WebSocket: `get` is the request, `create` what comes of it.
const STEPS: [Need; 4] =
    [("get", Kind::Pod, "exec"), ("create", Kind::Pod, "exec"), ("get", Kind::Pod, "portforward"), ("create", Kind::Pod, "portforward")];

/// The records that runs keep for others; those of a service have its id in their names.
const RECORDS: [&str; 3] = [book::NAME, "timonel-backups-SERVICE", "timonel-releases-SERVICE"];

impl Role {
    /// Whether its rights are enough for that action: its own, and any other that needs no more, for who may make a Job for one may make
    /// a Job for another.
    pub fn covers(&self, action: &str, kind: Kind) -> bool {
        let held: Vec<Need> = self.does.iter().flat_map(|(own, kind)| needs(own, *kind)).collect();
        self.does.contains(&(action, kind)) || needs(action, kind).iter().all(|need| held.contains(need))
    }

    /// As a ClusterRole, to be bound in a namespace or in the whole cluster.
    pub fn manifest(&self) -> String {
        let mut verbs: BTreeMap<(String, String), Vec<&str>> = BTreeMap::new();
        let mut allow = |group: &str, resource: String, verb| {
            let known = verbs.entry((group.to_owned(), resource)).or_default();
            if !known.contains(&verb) {
                known.push(verb);
            }
        };
        for kind in READ {
            for verb in ["get", "list", "watch"] {
                allow(kind.group(), kind.plural().to_owned(), verb);
            }
        }
        allow("", "pods/log".to_owned(), "get");
        // A plan of a scale is for everybody to see; what is missing to carry it out is one of its checks.
        for kind in [Kind::Deployment, Kind::StatefulSet, Kind::ReplicaSet] {
            allow(kind.group(), format!("{}/scale", kind.plural()), "get");
        }
        for resource in ["pods", "nodes"] {
            for verb in ["get", "list"] {
                allow("metrics.k8s.io", resource.to_owned(), verb);
            }
        }
        let own = self.does.iter().flat_map(|(action, kind)| needs(action, *kind));
        for (verb, kind, subresource) in own.chain(STEPS.into_iter().chain(LEAVES).filter(|_| !self.does.is_empty())) {
            let slash = if subresource.is_empty() { "" } else { "/" };
            let access = Access { verb, kind, subresource, namespace: None, name: None };
            allow(access.group(), format!("{}{slash}{subresource}", kind.plural()), verb);
        }
        let mut rules: BTreeMap<(String, Vec<&str>), Vec<String>> = BTreeMap::new();
        for ((group, resource), verbs) in verbs {
            rules.entry((group, verbs)).or_default().push(resource);
        }
        let list = |words: &[&str]| words.iter().map(|w| format!("\"{w}\"")).collect::<Vec<_>>().join(", ");
        let head = format!(
            "# Timonel's {}: {}.\n# Written from what the actions declare; a test holds it. Bind it with a RoleBinding in each namespace, or with a\n\
             # ClusterRoleBinding, without which nodes and other clusterwide objects stay out of reach.\n\
             apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRole\nmetadata:\n  name: timonel-{}\nrules:\n",
            self.name, self.about, self.name
        );
        let rule = |((group, verbs), resources): (&(String, Vec<&str>), &Vec<String>)| {
            let resources: Vec<&str> = resources.iter().map(String::as_str).collect();
            format!("- apiGroups: [\"{group}\"]\n  resources: [{}]\n  verbs: [{}]\n", list(&resources), list(verbs))
        };
        let records = format!(
            "# Put the id of your service in the place of SERVICE, and two names more for each further one.\n\
             - apiGroups: [\"\"]\n  resources: [\"configmaps\"]\n  resourceNames: [{}]\n  verbs: [\"patch\"]\n",
            list(&RECORDS)
        );
        // The API can grant the making of an object by no name, its change by one alone.
        let named = (!self.does.is_empty()).then_some(records);
        std::iter::once(head).chain(rules.iter().map(rule)).chain(named).collect()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{READ, ROLES, needs};
    use crate::run::actions::ACTIONS;
    use crate::run::record;
    use crate::run::world::World;
    use crate::target::model::Kind;

    fn id((verb, kind, subresource): super::Need) -> String {
        let slash = if subresource.is_empty() { "" } else { "/" };
        format!("rbac:{verb} {}{slash}{subresource}", kind.plural())
    }

    #[test]
    fn what_an_action_declares_is_what_its_plans_ask_for() {
        let world = World::new();
        for plan in record::tests::plans(&world) {
            let declared: Vec<String> = needs(plan.action(), plan.subject().kind).into_iter().map(id).collect();
            let read = |right: &str| READ.iter().any(|kind| right == id(("get", *kind, "")));
            for check in plan.checks().iter().filter(|c| c.required && c.id.starts_with("rbac:")) {
                assert!(declared.contains(&check.id) || read(&check.id), "{} asks for {} and does not declare it", plan.action(), check.id);
            }
            if plan.objects().is_empty() {
                continue;
            }
            for right in &declared {
                let optional = right.contains("horizontalpodautoscalers");
                assert!(
                    optional || plan.checks().iter().any(|c| c.required && c.id == *right),
                    "{} declares {right} and never asks",
                    plan.action()
                );
            }
        }
    }

    #[test]
    fn every_action_belongs_to_a_role_and_none_to_the_viewer() {
        for spec in ACTIONS {
            for kind in spec.kinds {
                let roles: Vec<&str> = ROLES.iter().filter(|r| r.does.contains(&(spec.name, *kind))).map(|r| r.name).collect();
                assert_eq!(roles.len(), 1, "{} of a {}: {roles:?}", spec.name, kind.word());
            }
        }
        assert!(ROLES[0].name == "viewer" && ROLES[0].does.is_empty());
        assert!(!READ.contains(&Kind::Secret));
    }

    #[test]
    fn who_may_make_a_job_for_one_action_may_make_one_for_another_and_nothing_else() {
        let role = |name| ROLES.iter().find(|r| r.name == name).expect("a role");
        assert!(role("release-manager").covers("trigger", Kind::CronJob) && role("operator").covers("trigger", Kind::CronJob));
        assert!(!role("operator").covers("rollback", Kind::Deployment) && !role("viewer").covers("trigger", Kind::CronJob));
    }

    /// With `UPDATE=1` they are written anew.
    #[test]
    fn the_manifests_are_what_the_actions_declare() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/rbac");
        for role in ROLES {
            let path = folder.join(format!("{}.yaml", role.name));
            if std::env::var_os("UPDATE").is_some() {
                std::fs::create_dir_all(&folder).expect("a folder");
                std::fs::write(&path, role.manifest()).expect("written");
            }
            let there = std::fs::read_to_string(&path).unwrap_or_default();
            assert!(there == role.manifest(), "{} is not what the actions declare: run this test with UPDATE=1", path.display());
        }
    }
}
