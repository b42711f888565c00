//! The rules of good operation that a service file can be held against without a target.
//!
//! Owns them, each with the name of the trap that it keeps people out of. They advise: what a rule finds is a warning, for no file is
//! wrong because of it. Must not say what is only known of a live target.

mod actions;

use super::super::{BackupKind, ChannelKind, DatabaseAt, DumpFormat, MigrationTool, ProbeKind, RunAs, Service, Target, Verify};
use crate::base::environment::EnvironmentKind;
use crate::base::toml::{Spot, Table};

/// Where findings go.
pub(super) struct Advice<'r> {
    root: &'r Table<'r>,
}

impl<'r> Advice<'r> {
    /// Findings about the file of `root`.
    pub(super) fn new(root: &'r Table<'r>) -> Self {
        Self { root }
    }

    /// Records what the rule `rule` finds at `spot`.
    fn say(&self, rule: &str, spot: &Spot, message: &str, hint: &str) {
        let spot = Spot { path: format!("rule:{rule}:{}", spot.path), ..spot.clone() };
        self.root.warn(&spot, format!("{} ({rule}).", message.trim_end_matches('.')), Some(hint.into()));
    }

    /// The entry of `[[key]]` with an id.
    fn entry(&self, key: &str, id: &str) -> Spot {
        let found = self.root.tables(key).into_iter().find(|table| table.text("id").is_some_and(|t| t.value == id));
        found.map_or_else(|| self.root.spot().clone(), |table| table.spot().clone())
    }

    /// The entry of `[key.id]`.
    fn named(&self, key: &str, id: &str) -> Spot {
        let entries = self.root.table(key).map(|table| table.entries()).unwrap_or_default();
        entries
            .into_iter()
            .find(|(name, _)| name.value == id)
            .map_or_else(|| self.root.spot().clone(), |(name, _)| name.spot)
    }
}

/// Holds the service against every rule.
pub(super) fn advise(root: &Table<'_>, service: &Service, timeout: bool) {
    let advice = Advice::new(root);
    target(&advice, service);
    databases(&advice, service);
    backups(&advice, service);
    migrations(&advice, service);
    secrets(&advice, service);
    channels(&advice, service);
    probes(&advice, service);
    actions::advise(&advice, service, timeout);
}

fn target(advice: &Advice<'_>, service: &Service) {
    let Some(environment) = &service.environment else { return };
    let Target::Kubernetes { context, namespace, cluster_uid } = &environment.target else { return };
    if environment.kind != EnvironmentKind::Production {
        return;
    }
    let spot = advice.named("env", &environment.id);
    if context.is_none() || namespace.is_none() {
        let message = format!("The environment '{}' does not say which context and namespace it is: it acts on whatever is current.", environment.id);
        advice.say("L-T2", &spot, &message, "Name both in its target.");
    }
    if cluster_uid.is_none() {
        let message = format!("The environment '{}' is not pinned to a cluster: a renamed context leads elsewhere.", environment.id);
        advice.say("K-T10", &spot, &message, "cluster_uid = the UID of the namespace kube-system; `timonel doctor` says it.");
    }
}

fn databases(advice: &Advice<'_>, service: &Service) {
    for database in &service.declared.databases {
        let own = |from: &Option<String>| matches!((&database.at, from), (DatabaseAt::Workload(w), Some(from)) if w == from);
        let copied = service.declared.backups.iter().any(|b| b.database.as_ref() == Some(&database.id) || own(&b.from));
        if !copied {
            let message = format!("The database '{}' has no backup", database.id);
            advice.say("P-28", &advice.entry("database", &database.id), &message, "Declare a [[backup]] of it.");
        }
    }
}

fn backups(advice: &Advice<'_>, service: &Service) {
    let here = service.environment.as_ref().is_none_or(|e| matches!(e.target, Target::Kubernetes { .. }));
    for backup in &service.declared.backups {
        let spot = advice.entry("backup", &backup.id);
        let say = |rule: &str, what: &str, hint: &str| advice.say(rule, &spot, &format!("The backup '{}' {what}", backup.id), hint);
        if backup.kind == BackupKind::PgDump && backup.format == DumpFormat::Plain {
            say("E-T3", "is plain SQL, which pg_restore refuses", "format = \"custom\"");
        }
        if backup.kind == BackupKind::PgDump && backup.volume.is_none() && here {
            say(
                "E-T2",
                "has no volume: a dump that is only streamed may be cut off and look whole",
                "volume = the claim that the dump is written to.",
            );
        }
        if backup.verify == Verify::Nothing {
            say("E-34", "is never verified, and never counts as one", "verify = \"full-read\"");
        }
        if backup.verify == Verify::Nothing && backup.keep_local.is_some() {
            say(
                "E-T16",
                "prunes by age what nobody verified: a week of failures leaves none",
                "verify = \"full-read\": old ones go once a new one was read to its end.",
            );
        }
        if backup.max_age.is_none() {
            say("E-27", "has no max_age: it is never too old", "max_age = \"26h\" for a daily one.");
        }
    }
}

fn migrations(advice: &Advice<'_>, service: &Service) {
    let Some(migrations) = &service.declared.migrations else { return };
    let spot = advice.root.table("migrations").map_or_else(|| advice.root.spot().clone(), |t| t.spot().clone());
    if migrations.tool == MigrationTool::Alembic && migrations.lock.is_none() {
        let message = "Alembic takes no lock: two that upgrade at once collide in the middle of it";
        advice.say("D-T3", &spot, message, "lock = \"pg-advisory:NUMBER\", any number that is the service's own.");
    }
    if migrations.run_as == RunAs::Exec {
        let message = "Migrations run in the pods of the old image, where the new files are not: nothing is done, and nothing is said";
        advice.say("E-T1", &spot, message, "run_as = \"job\" (compose-run on Compose), image = \"new\"");
    }
}

fn secrets(advice: &Advice<'_>, service: &Service) {
    for secret in service.declared.secrets.iter().filter(|s| s.public) {
        let message = format!("The secret '{}' is compiled into what every browser downloads, and so is no secret", secret.id);
        advice.say("K-T8", &advice.named("secrets", &secret.id), &message, "Keep the key on the server, and let the browser ask that.");
    }
    for workload in advice.root.tables("workload") {
        for name in workload.texts("build_env") {
            let public = ["VITE_", "NEXT_PUBLIC_", "REACT_APP_"].iter().any(|prefix| name.value.starts_with(prefix));
            let secret = ["KEY", "SECRET", "TOKEN", "PASSWORD"].iter().any(|word| name.value.ends_with(word));
            if public && secret {
                let message = format!("'{}' is compiled into what every browser downloads", name.value);
                advice.say("K-T8", &name.spot, &message, "Whoever opens the page can read it: keep the key on the server.");
            }
        }
    }
}

fn channels(advice: &Advice<'_>, service: &Service) {
    for channel in service.declared.channels.iter().filter(|c| c.kind == ChannelKind::PagerDutyEvents) {
        if channel.dedup_key.is_none() || !channel.resolve_on_recovery {
            let message = format!("The alarms of '{}' are new ones each time, or never end", channel.id);
            advice.say("E-T20", &advice.named("notify", &channel.id), &message, "Give it a dedup_key, and resolve_on_recovery = true.");
        }
    }
}

fn probes(advice: &Advice<'_>, service: &Service) {
    for probe in service.probes.iter().filter(|p| p.depth.is_none()) {
        let path = match &probe.kind {
            ProbeKind::Http { url } => url.as_str(),
            ProbeKind::HttpEachPod { path, .. } => path,
            _ => continue,
        };
        if path.contains("/login") {
            let message = format!("The probe '{}' asks for a page that is drawn without the database", probe.id);
            advice.say("K-T7", &advice.entry("probe", &probe.id), &message, "depth = \"shallow\" says so, or ask a page that reads data.");
        }
    }
}
