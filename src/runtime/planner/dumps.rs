//! From the backups that a service file declares to the dumps that a Job can make.
//!
//! Owns this translation. What a Job cannot make (another kind, no volume, a server that is nowhere) is none here; `check` says so.

use std::time::Duration;

use crate::run::backup::{Dump, Host, Password, Revision, Upload, Workload};
use crate::service::{Backup, BackupKind, Database, DatabaseAt, DumpFormat, MigrationTool, Migrations, SecretRef, Service, WorkloadKind};
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
    let image = backup.image.clone().or_else(|| database.image.clone()).unwrap_or_default();
    Some(Dump {
        service: service.id.clone(),
        id: backup.id.clone(),
        claim: backup.volume.clone()?,
        image: image.clone(),
        host: host(service, database)?,
        port: database.port,
        database: database.name.clone(),
        user: database.user.clone(),
        password: database.password.as_ref().and_then(|id| password(service, id, namespace)),
        max_age: backup.max_age,
        keep: backup.keep_local,
        revision: service.declared.migrations.as_ref().map(revision),
        upload: upload(service, backup, &image, namespace),
        label: None,
        deadline: Duration::ZERO,
    })
}

/// To an object store: path-style, since a bucket's name need not be one that a certificate is for.
fn upload(service: &Service, backup: &Backup, image: &str, namespace: &str) -> Option<Upload> {
    let to = backup.to.as_ref().filter(|_| backup.uploads())?;
    let place = to.strip_prefix("s3://")?.trim_end_matches('/');
    let region = backup.region.clone().unwrap_or_else(|| "us-east-1".to_owned());
    let endpoint = backup.endpoint.clone().unwrap_or_else(|| format!("https://s3.{region}.amazonaws.com"));
    let key = |id: &Option<String>| id.as_ref().and_then(|id| password(service, id, namespace));
    Some(Upload {
        to: format!("s3://{place}/"),
        url: format!("{}/{place}/", endpoint.trim_end_matches('/')),
        region,
        image: backup.upload_image.clone().unwrap_or_else(|| image.to_owned()),
        access_key: key(&backup.access_key),
        secret_key: key(&backup.secret_key),
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
    Some(Host::Pod(Workload { kind, name: workload.name.clone()?, namespace: workload.namespace.clone() }))
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

fn revision(migrations: &Migrations) -> Revision {
    match migrations.tool {
        MigrationTool::Alembic => Revision::Alembic,
        MigrationTool::Django => Revision::Django,
        MigrationTool::Prisma => Revision::Prisma,
        MigrationTool::Sql => Revision::Sql { table: migrations.table.clone().unwrap_or_else(|| "schema_migrations".to_owned()) },
    }
}
