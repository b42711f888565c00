//! Workloads, their revisions, jobs.

use super::super::message::{RawExtension, apps as wire, core};
use super::core::{container_resources, init_role};
use super::{Convert, when};
use crate::target::model::{ContainerRole, ControllerRevision, CronJob, Job, Kind, ReplicaSet, Strategy, TemplateContainer, Workload};

impl Convert<'_> {
    pub(in super::super) fn deployment(&mut self, deployment: wire::Deployment) -> Workload {
        let spec = deployment.spec.unwrap_or_default();
        let status = deployment.status.unwrap_or_default();
        let strategy = spec.strategy.unwrap_or_default();
        let rolling = strategy.rolling_update.unwrap_or_default();
        Workload {
            meta: self.meta(deployment.metadata),
            kind: Kind::Deployment,
            desired: spec.replicas.unwrap_or(1),
            replicas: status.replicas,
            ready: status.ready_replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            observed_generation: status.observed_generation,
            selector: self.selector(spec.selector),
            paused: spec.paused,
            strategy: Strategy { kind: self.shared(&strategy.kind), partition: None, ..self.rolling(&rolling) },
            progress_deadline: spec.progress_deadline_seconds,
            conditions: status
                .conditions
                .iter()
                .map(|c| self.condition_of(&c.kind, &c.status, &c.reason, &c.message, c.last_transition_time))
                .collect(),
            template: self.template(spec.template.as_ref()),
            current_revision: self.shared(""),
            update_revision: self.shared(""),
        }
    }

    fn rolling(&mut self, rolling: &wire::Rolling) -> Strategy {
        Strategy {
            kind: self.shared(""),
            partition: None,
            max_unavailable: self.written(rolling.max_unavailable.as_ref()),
            max_surge: self.written(rolling.max_surge.as_ref()),
        }
    }

    pub(in super::super) fn stateful_set(&mut self, set: wire::StatefulSet) -> Workload {
        let spec = set.spec.unwrap_or_default();
        let status = set.status.unwrap_or_default();
        let strategy = spec.update_strategy.unwrap_or_default();
        let rolling = strategy.rolling_update.unwrap_or_default();
        Workload {
            meta: self.meta(set.metadata),
            kind: Kind::StatefulSet,
            desired: spec.replicas.unwrap_or(1),
            replicas: status.replicas,
            ready: status.ready_replicas,
            updated: status.updated_replicas,
            available: status.available_replicas,
            observed_generation: status.observed_generation,
            selector: self.selector(spec.selector),
            paused: false,
            strategy: Strategy {
                kind: self.shared(&strategy.kind),
                partition: rolling.partition,
                max_unavailable: self.written(rolling.max_unavailable.as_ref()),
                max_surge: self.shared(""),
            },
            progress_deadline: None,
            conditions: self.conditions(&status.conditions),
            template: self.template(spec.template.as_ref()),
            current_revision: self.shared(&status.current_revision),
            update_revision: self.shared(&status.update_revision),
        }
    }

    pub(in super::super) fn daemon_set(&mut self, set: wire::DaemonSet) -> Workload {
        let spec = set.spec.unwrap_or_default();
        let status = set.status.unwrap_or_default();
        let strategy = spec.update_strategy.unwrap_or_default();
        let rolling = strategy.rolling_update.unwrap_or_default();
        Workload {
            meta: self.meta(set.metadata),
            kind: Kind::DaemonSet,
            desired: status.desired_number_scheduled,
            replicas: status.current_number_scheduled,
            ready: status.number_ready,
            updated: status.updated_number_scheduled,
            available: status.number_available,
            observed_generation: status.observed_generation,
            selector: self.selector(spec.selector),
            paused: false,
            strategy: Strategy { kind: self.shared(&strategy.kind), ..self.rolling(&rolling) },
            progress_deadline: None,
            conditions: self.conditions(&status.conditions),
            template: self.template(spec.template.as_ref()),
            current_revision: self.shared(""),
            update_revision: self.shared(""),
        }
    }

    pub(in super::super) fn replica_set(&mut self, set: wire::ReplicaSet) -> ReplicaSet {
        let spec = set.spec.unwrap_or_default();
        let status = set.status.unwrap_or_default();
        ReplicaSet {
            meta: self.meta(set.metadata),
            desired: spec.replicas.unwrap_or(1),
            replicas: status.replicas,
            ready: status.ready_replicas,
            template: self.template(spec.template.as_ref()),
            conditions: self.conditions(&status.conditions),
        }
    }

    pub(in super::super) fn controller_revision(&mut self, revision: wire::ControllerRevision) -> ControllerRevision {
        ControllerRevision {
            meta: self.meta(revision.metadata),
            revision: revision.revision,
            template: self.revision_template(revision.data.as_ref()),
        }
    }

    /// The data of a revision is a JSON patch `{"spec":{"template":…}}` (StatefulSet and DaemonSet controllers). One that
    /// cannot be read has no images to show, which is no reason to lose the revision.
    fn revision_template(&mut self, data: Option<&RawExtension>) -> Box<[TemplateContainer]> {
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct Patch {
            spec: PatchSpec,
        }
        #[derive(Default, serde::Deserialize)]
        #[serde(default)]
        struct PatchSpec {
            template: Option<core::PodTemplate>,
        }
        let patch: Option<Patch> = data.and_then(|d| super::super::json::decode(&d.raw).ok());
        self.template(patch.and_then(|p| p.spec.template).as_ref())
    }

    pub(in super::super) fn job(&mut self, job: wire::Job) -> Job {
        let spec = job.spec.unwrap_or_default();
        let status = job.status.unwrap_or_default();
        Job {
            meta: self.meta(job.metadata),
            suspended: spec.suspend,
            completions: spec.completions,
            parallelism: spec.parallelism,
            active: status.active,
            ready: status.ready,
            succeeded: status.succeeded,
            failed: status.failed,
            started: when(status.start_time),
            completed: when(status.completion_time),
            conditions: self.probed_conditions(&status.conditions),
            selector: self.selector(spec.selector),
            template: self.template(spec.template.as_ref()),
        }
    }

    pub(in super::super) fn cron_job(&mut self, job: wire::CronJob) -> CronJob {
        let spec = job.spec.unwrap_or_default();
        let status = job.status.unwrap_or_default();
        let template = spec.job_template.and_then(|t| t.spec).and_then(|s| s.template);
        CronJob {
            meta: self.meta(job.metadata),
            schedule: self.shared(&spec.schedule),
            time_zone: self.shared(&spec.time_zone),
            suspended: spec.suspend,
            concurrency: self.shared(if spec.concurrency_policy.is_empty() { "Allow" } else { &spec.concurrency_policy }),
            starting_deadline: spec.starting_deadline_seconds,
            active: i32::try_from(status.active.len()).unwrap_or(i32::MAX),
            last_schedule: when(status.last_schedule_time),
            last_success: when(status.last_successful_time),
            template: self.template(template.as_ref()),
        }
    }

    fn template(&mut self, template: Option<&core::PodTemplate>) -> Box<[TemplateContainer]> {
        let Some(spec) = template.and_then(|t| t.spec.as_ref()) else { return Box::default() };
        let init = spec.init_containers.iter().map(|c| (c, init_role(c)));
        let main = spec.containers.iter().map(|c| (c, ContainerRole::Main));
        init.chain(main).map(|(c, role)| self.template_container(c, role)).collect()
    }

    fn template_container(&mut self, container: &core::Container, role: ContainerRole) -> TemplateContainer {
        let (requests, limits) = container_resources(container);
        TemplateContainer { name: self.shared(&container.name), role, image: self.shared(&container.image), requests, limits }
    }
}
