//! Which containers are meant by what was typed.
//!
//! Owns `[KIND/]NAME` for logs: a workload with all its pods, a pod, or the id of a workload in the service file. Pure.

use crate::app::follow::containers;
use crate::base::problem::did_you_mean;
use crate::cli::output::Failure;
use crate::fleet::{Fleet, PodEntry, WorkloadKey};
use crate::service::Service;
use crate::target::model::Kind;
use crate::target::request::LogSource;

/// What was asked for.
#[derive(Debug)]
pub(super) struct Pick {
    /// Empty: everything, or what the service file names.
    names: Vec<Named>,
    service: Option<Service>,
    previous: bool,
}

/// One `[KIND/]NAME`.
#[derive(Debug)]
struct Named {
    typed: String,
    kind: Option<Kind>,
    name: String,
}

impl Pick {
    /// Reads what was typed. A kind that is none is wrong usage.
    pub(super) fn new(typed: &[String], service: Option<Service>, previous: bool) -> Result<Self, Failure> {
        Ok(Self { names: typed.iter().map(|t| Named::read(t)).collect::<Result<_, _>>()?, service, previous })
    }

    /// Wrong usage when a name leads to nothing of what there is.
    pub(super) fn expect(&self, fleet: &Fleet) -> Result<(), Failure> {
        let Some(missing) = self.names.iter().find(|name| !self.leads(name, fleet)) else { return Ok(()) };
        let failure = Failure::usage(format!("there is no workload '{}'", missing.typed));
        let pods = fleet.pods().filter(|_| missing.kind == Some(Kind::Pod)).map(|p| &*p.pod.meta.name);
        let known = fleet.rows().filter(|r| missing.takes_kind(&r.key)).map(|r| &*r.key.name);
        Err(match did_you_mean(&missing.name, known.chain(pods)) {
            Some(close) => failure.hint(format!("did you mean '{close}'?")),
            None => failure.hint("`timonel status` lists the workloads; -n names another namespace, -A all of them"),
        })
    }

    fn leads(&self, name: &Named, fleet: &Fleet) -> bool {
        fleet.rows().any(|row| self.is_workload(name, &row.key)) || fleet.pods().any(|pod| self.is_meant(name, pod))
    }

    /// Whether previous runs are meant.
    pub(super) fn is_previous(&self) -> bool {
        self.previous
    }

    /// The containers that have a log and are meant, by namespace and pod.
    pub(super) fn sources(&self, fleet: &Fleet) -> Vec<LogSource> {
        let meant = |pod: &&PodEntry| match (&self.names[..], &self.service) {
            ([], Some(service)) if !service.workloads.is_empty() => service.workloads.iter().any(|w| w.name.as_deref() == Some(&*pod.workload.name)),
            ([], _) => true,
            (names, _) => names.iter().any(|name| self.is_meant(name, pod)),
        };
        fleet.pods().filter(meant).flat_map(|p| containers(&p.pod, None, self.previous)).collect()
    }

    fn is_meant(&self, name: &Named, pod: &PodEntry) -> bool {
        let itself = name.kind.is_none_or(|k| k == Kind::Pod) && *pod.pod.meta.name == *name.name;
        itself || self.is_workload(name, &pod.workload)
    }

    fn is_workload(&self, name: &Named, key: &WorkloadKey) -> bool {
        name.takes_kind(key) && (*key.name == *name.name || self.has_id(&name.name, key))
    }

    /// Whether the service file calls the workload so.
    fn has_id(&self, id: &str, key: &WorkloadKey) -> bool {
        let mut named = self.service.iter().flat_map(|s| &s.workloads).filter(|w| w.id == id);
        named.any(|w| w.name.as_deref() == Some(&*key.name) && w.namespace.as_deref().is_none_or(|ns| *ns == *key.namespace))
    }
}

impl Named {
    fn read(typed: &str) -> Result<Self, Failure> {
        let (kind, name) = typed.split_once('/').map_or((None, typed), |(kind, name)| (Some(kind), name));
        let known = |word: &str| Kind::parse(word).ok_or_else(|| Failure::usage(format!("there is no kind '{word}'")));
        Ok(Self { typed: typed.to_owned(), kind: kind.map(known).transpose()?, name: name.to_owned() })
    }

    fn takes_kind(&self, key: &WorkloadKey) -> bool {
        self.kind.is_none_or(|kind| key.kind.kind() == Some(kind))
    }
}

#[cfg(test)]
mod tests {
    use super::Pick;
    use crate::fleet::Fleet;
    use crate::fleet::testing::{container, fleet, now, pod, pod_of, replica_set, waiting, workload};
    use crate::target::model::{ContainerRole, Kind};

    /// Two Deployments with a pod each, and a pod of its own that has not begun.
    fn shop() -> Fleet {
        let mut init = container("migrate");
        init.role = ContainerRole::Init;
        let mut waits = container("c");
        waits.state = waiting("ContainerCreating");
        let mut fleet = fleet(&[
            workload(Kind::Deployment, "api", 1).into(),
            workload(Kind::Deployment, "worker", 1).into(),
            replica_set("api", "aaa", 1, 1).into(),
            replica_set("worker", "bbb", 1, 1).into(),
            pod_of("api", "aaa", "api-aaa-1", vec![init, container("api"), container("proxy")]).into(),
            pod_of("worker", "bbb", "worker-bbb-1", vec![container("worker")]).into(),
            pod("fresh", vec![waits]).into(),
        ]);
        fleet.settle(now());
        fleet
    }

    fn picked(typed: &[&str]) -> Vec<String> {
        let typed: Vec<String> = typed.iter().map(|t| (*t).to_owned()).collect();
        let pick = Pick::new(&typed, None, false).expect("names");
        pick.expect(&shop()).expect("all of them are there");
        pick.sources(&shop()).iter().map(|s| format!("{}/{}", s.pod, s.container)).collect()
    }

    #[test]
    fn a_workload_stands_for_every_container_of_its_pods_and_no_name_for_everything() {
        let api = ["api-aaa-1/migrate", "api-aaa-1/api", "api-aaa-1/proxy"];
        assert_eq!(picked(&["api"]), api);
        assert_eq!(picked(&["deploy/api"]), api);
        assert_eq!(picked(&["api", "worker"]).len(), 4);
        assert_eq!(picked(&[]).len(), 4, "a container that has not begun has no log yet");
        assert_eq!(picked(&["api-aaa-1"]), api, "a pod by its own name");
        assert_eq!(picked(&["pod/worker-bbb-1"]), ["worker-bbb-1/worker"]);
        assert_eq!(picked(&["fresh"]), Vec::<String>::new(), "it is there, and has no log yet");
    }

    #[test]
    fn a_name_that_leads_nowhere_is_wrong_usage_with_a_hint() {
        let told = |typed: &str| {
            let pick = Pick::new(&[typed.to_owned()], None, false)?;
            pick.expect(&shop())
        };
        let failure = told("wroker").expect_err("there is none");
        assert_eq!((failure.exit.0, failure.hint.as_deref()), (64, Some("did you mean 'worker'?")));
        assert_eq!(told("sts/api").expect_err("it is a Deployment").exit.0, 64);
        assert_eq!(told("shoe/api").expect_err("no kind").exit.0, 64);
    }

    #[test]
    fn only_containers_that_were_restarted_have_a_previous_run() {
        let pick = Pick::new(&[], None, true).expect("names");
        assert!(pick.sources(&shop()).is_empty());
    }
}
