//! From the backups that a service file declares to the dumps that a Job can make.
//!
//! Owns this translation. What a Job cannot make (another kind, no volume, a server that is nowhere) is none here; `check` says so.

use crate::run::backup::{Dump, Host, Password, Revision, Workload};
use crate::service::{Backup, BackupKind, Database, DatabaseAt, DumpFormat, MigrationTool, SecretRef, Service, WorkloadKind};
use crate::target::model::Kind;

/// Those of a service, for a Job in that namespace.
pub(super) fn of(service: &Service, namespace: &str) -> Vec<Dump> {
    service.declared.backups.iter().filter_map(|backup| one(service, backup, namespace)).collect()
}

fn one(service: &Service, backup: &Backup, namespace: &str) -> Option<Dump> {
    if backup.kind != BackupKind::PgDump || backup.format != DumpFormat::Custom {
        return None;
    }
    let wanted = backup.database.as_ref()?;
    let database = service.declared.databases.iter().find(|d| d.id == *wanted)?;
    Some(Dump {
        service: service.id.clone(),
        id: backup.id.clone(),
        claim: backup.volume.clone()?,
        image: backup.image.clone().or_else(|| database.image.clone()).unwrap_or_default(),
        host: host(service, database)?,
        port: database.port,
        database: database.name.clone(),
        user: database.user.clone(),
        password: database.password.as_ref().and_then(|id| password(service, id, namespace)),
        max_age: backup.max_age,
        keep: backup.keep_local,
        revision: service.declared.migrations.as_ref().and_then(|m| revision(m.tool)),
    })
}

fn host(service: &Service, database: &Database) -> Option<Host> {
    let id = match &database.at {
        DatabaseAt::Host(host) => return Some(Host::Named(host.clone())),
        DatabaseAt::Workload(id) => id,
    };
    let workload = service.workloads.iter().find(|w| w.id == *id)?;
    let kind = match workload.kind {
        WorkloadKind::Deployment => Kind::Deployment,
        WorkloadKind::StatefulSet => Kind::StatefulSet,
        _ => return None,
    };
    Some(Host::Pod(Workload { kind, name: workload.name.clone()? }))
}

fn password(service: &Service, id: &str, namespace: &str) -> Option<Password> {
    let secret = service.declared.secrets.iter().find(|s| s.id == id)?;
    Some(match &secret.reference {
        SecretRef::Kubernetes { namespace: own, name, key } => {
            Password::Key { namespace: own.clone().unwrap_or_else(|| namespace.to_owned()), name: name.clone(), key: key.clone() }
        }
        other => Password::Elsewhere(other.shown()),
    })
}

const fn revision(tool: MigrationTool) -> Option<Revision> {
    match tool {
        MigrationTool::Alembic => Some(Revision::Alembic),
        MigrationTool::Django => Some(Revision::Django),
        MigrationTool::Prisma => Some(Revision::Prisma),
        MigrationTool::Sql => None,
    }
}
