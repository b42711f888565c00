//! From the migrations that a service file declares to what a Job can ask an image.
//!
//! Owns this translation. What no Job can ask (no workload with a pod template, another way than a Job) is none here, and said why.

use super::job::{LOCK, Migration};
use crate::run::backup::Workload;
use crate::service::{RunAs, Service, WorkloadKind};
use crate::target::model::Kind;

/// How the schema of a service is moved by a Job in that namespace, or why it is not.
pub fn of_service(service: &Service, namespace: &str) -> Result<Migration, String> {
    let Some(declared) = &service.declared.migrations else {
        return Err("the service file has no [migrations]".to_owned());
    };
    if declared.run_as != RunAs::Job {
        return Err("[migrations] of the service file does not run as a Job: run_as = \"job\"".to_owned());
    }
    let here = |w: &&crate::service::Workload| w.namespace.as_deref().is_none_or(|n| n == namespace) && kind(w.kind).is_some();
    let workloads: Vec<_> = service.workloads.iter().filter(here).collect();
    // Where none is named, the only one that may be it.
    let of_role = || {
        let api: Vec<_> = workloads.iter().filter(|w| w.role.as_deref() == Some("api")).collect();
        if api.len() == 1 { Some(*api[0]) } else { None }
    };
    let found = match &declared.workload {
        Some(id) => workloads.iter().find(|w| w.id == *id).copied(),
        None => of_role(),
    };
    let workload = found.ok_or("[migrations] of the service file names no workload of this namespace whose image has the revisions")?;
    let (Some(kind), Some(name)) = (kind(workload.kind), workload.name.clone()) else {
        return Err("the workload of [migrations] has no pod template".to_owned());
    };
    let database = declared.database.clone().or_else(|| match &service.declared.databases[..] {
        [only] => Some(only.id.clone()),
        _ => None,
    });
    let backups = service.declared.backups.iter().filter(|b| b.database.is_some() && b.database == database);
    Ok(Migration {
        service: service.id.clone(),
        tool: declared.tool,
        workload: Workload { kind, name, namespace: None },
        container: workload.container.clone(),
        backups: backups.map(|b| b.id.clone()).collect(),
        database,
        lock: declared.lock.as_deref().and_then(lock).unwrap_or(LOCK),
        destructive: declared.destructive.clone(),
        folder: declared.folder.clone(),
        table: declared.table.clone(),
    })
}

const fn kind(kind: WorkloadKind) -> Option<Kind> {
    match kind {
        WorkloadKind::Deployment => Some(Kind::Deployment),
        WorkloadKind::StatefulSet => Some(Kind::StatefulSet),
        _ => None,
    }
}

/// `pg-advisory:7201`.
fn lock(text: &str) -> Option<i64> {
    text.strip_prefix("pg-advisory:")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::of_service;
    use crate::service::{Origin, ServiceFile};

    #[test]
    fn the_backups_of_a_migration_are_those_of_its_database() {
        let database =
            |id: &str| format!("[[database]]\nid = \"{id}\"\nkind = \"postgres\"\nhost = \"{id}.example.com\"\nname = \"{id}\"\nuser = \"shop\"\n");
        let backup = |id: &str, of: &str| format!("[[backup]]\nid = \"{id}\"\nkind = \"pg_dump\"\ndatabase = \"{of}\"\nvolume = \"backups\"\n");
        let text = |named: &str| {
            format!(
                "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"api\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"api\"\n\
                 [migrations]\ntool = \"alembic\"\nworkload = \"api\"\n{named}{}{}{}{}",
                database("main"),
                database("analytics"),
                backup("main-daily", "main"),
                backup("analytics-daily", "analytics")
            )
        };
        let backups = |named: &str| {
            let (file, problems) = ServiceFile::read("f.toml", &text(named), &Origin::Operator);
            let service = file.unwrap_or_else(|| unreachable!("{problems:?}")).resolve(None).0;
            of_service(&service, "shop").expect("a migration").backups
        };
        assert_eq!(backups("database = \"main\"\n"), ["main-daily"]);
        assert_eq!(backups(""), Vec::<String>::new(), "which is migrated is not said");
    }
}
