//! What an action of a service file asks of others before it is planned: Alertmanager, the pod templates of its workloads, the record of
//! inspections.
//!
//! Owns these answers. One that did not come is unknown.

use std::collections::BTreeMap;

use super::Resolver;
use crate::run::migrate::Stand;
use crate::run::migrate::releases::{self, Record};
use crate::run::{Check, ProbeAnswer, gets};
use crate::service::{ActionStep, Condition, FileAction, Requirement, SecretRef, StepKind, Template, Value, WorkloadKind};

impl Resolver<'_> {
    /// The preconditions that somebody is asked about.
    pub(super) async fn asked(&self, action: &FileAction) -> Vec<Check> {
        let mut checks = Vec::new();
        for requirement in &action.require {
            checks.extend(match requirement {
                Requirement::NoCriticalAlert => Some(self.no_critical_alert().await),
                Requirement::Mounted(secret, workload) => Some(self.mounted(secret, workload).await),
                _ => None,
            });
        }
        checks
    }

    async fn no_critical_alert(&self) -> Check {
        let word = "alerts:none-critical";
        let check = Check::overridable(word);
        match self.probes.ask(word).await {
            ProbeAnswer::Ok(words) => check.ok(words),
            ProbeAnswer::Failed(words) => check.failed(words, "see to what they are about first, or silence what is known"),
            ProbeAnswer::Unknown(why) => check.unknown(why, "an Alertmanager that answers: [sources.alertmanager]"),
        }
    }

    /// Whether changing a secret changes anything for the pods of a workload.
    async fn mounted(&self, id: &str, workload: &str) -> Check {
        let check = Check::overridable(format!("secret:{id} mounted-by {workload}"));
        let reference = self.service.declared.secrets.iter().find(|s| s.id == id).map(|s| &s.reference);
        let Some(SecretRef::Kubernetes { namespace, name, key }) = reference else {
            let shown = reference.map(SecretRef::shown).unwrap_or_default();
            return check.unknown(format!("{shown} is no key of a Secret: what pods get of it cannot be seen"), "ref = \"k8s:NAMESPACE/NAME#KEY\"");
        };
        let place = namespace.as_deref().unwrap_or(self.namespace);
        let found = self.service.workloads.iter().find(|w| w.id == workload);
        let Some(Ok(object)) = found.map(|w| self.object(w)) else {
            return check.unknown(format!("the workload '{workload}' has no pod template here"), "name a workload with pods");
        };
        if *object.namespace != *place {
            let detail = format!("the Secret is in the namespace {place}, and the pods of {workload} are in {}", object.namespace);
            return check.failed(detail, "pods get Secrets of their own namespace alone");
        }
        let raw = match self.read.get(&object, "").await {
            Ok(raw) => raw,
            Err(error) => return check.unknown(format!("{object} cannot be read: {}", error.message), "try again when it can be"),
        };
        let cron = found.is_some_and(|w| w.kind == WorkloadKind::CronJob);
        let spec = if cron { "/spec/jobTemplate/spec/template/spec" } else { "/spec/template/spec" };
        if gets(raw.pointer(spec).unwrap_or(&serde_json::Value::Null), name, key) {
            check.ok(format!("the pods of {workload} get {key} of {name}"))
        } else {
            let detail = format!("the pods of {workload} do not get the key {key} of {name}: changing it changes nothing");
            check.failed(detail, "mount it: env, envFrom, or a volume")
        }
    }

    /// What the condition of one step alone asks: whether migrations of its image are pending. Not there where it is not known.
    pub(super) async fn pending(&self, step: &ActionStep, values: &BTreeMap<String, String>) -> Option<Value> {
        let asks = step.when.as_ref().is_some_and(|when| when.names().contains(&Condition::PENDING));
        let migration = self.migration.ok().filter(|_| asks)?;
        let named = match &step.kind {
            StepKind::Job { image, .. } | StepKind::MigratePlan { image, .. } => image.as_ref(),
            StepKind::SetImage { image, .. } => Some(image),
            _ => None,
        };
        let image = match named.map(|image: &Template| image.fill(values)) {
            Some(filled) => filled.ok()?,
            None => values.get("release.current.image")?.clone(),
        };
        let known = Record::of(self.read, &releases::of(&migration.service, self.namespace)).await;
        // What was said a while ago may have been overtaken: a migration is left out only where it is known that none is needed.
        let stand = known.is_fresh(&image, self.now).then(|| known.standing(&image, self.now).stand)?;
        let word = match stand {
            Stand::Pending => "yes",
            Stand::AtHead => "no",
            Stand::Ahead | Stand::Refused | Stand::Unknown => return None,
        };
        Some(Value::Text(word.to_owned()))
    }
}
