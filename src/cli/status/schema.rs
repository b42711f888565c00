//! Where the schema of a service's database stands, in `timonel status`.
//!
//! Owns what is read for it, and its shape. What an inspection means is the room `migrate`'s; the database itself is not asked here.

use futures_util::future::join_all;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::base::health::Health;
use crate::boot::Booted;
use crate::run::migrate::releases::{self as record, Record};
use crate::run::migrate::{self, Migration, Stand, Standing, of_service};
use crate::target::api::Read as _;
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, Object, ObjectRef, Scope};
use crate::target::request::StreamKey;

/// Where a schema stands, as the last inspection says.
#[derive(Serialize, JsonSchema)]
pub(super) struct StatusMigrations {
    state: Stand,
    /// In words, with its age.
    pub(super) words: String,
    /// When the database was asked; null = never, or what was said is not known.
    inspected_at: Option<Timestamp>,
    /// Whether what was said is too old to be relied on.
    stale: bool,
}

/// Where the schema stands, and what there is to judge releases by.
pub(super) struct Schema {
    pub(super) standing: Standing,
    pub(super) releases: Option<(Migration, migrate::Known)>,
    /// The versions of settings, as far as they may be seen.
    pub(super) settings: Vec<(StreamKey, Vec<Object>)>,
}

impl Schema {
    fn unknown(why: impl Into<String>) -> Self {
        Self { standing: Standing::unknown(why), releases: None, settings: Vec::new() }
    }
}

/// Where the schema stands against the image that runs, by the record of its releases; not asked where no migrations are declared.
pub(super) async fn schema(client: &Client, booted: &Booted, now: Timestamp) -> Option<Schema> {
    let service = booted.service.as_ref().filter(|s| s.declared.migrations.is_some())?;
    let Some([namespace]) = client.opened().namespaces.as_deref() else {
        return Some(Schema::unknown("its record is in one namespace, and which is not said"));
    };
    let migration = match of_service(service, namespace) {
        Ok(migration) => migration,
        Err(why) => return Some(Schema::unknown(why)),
    };
    let workload = ObjectRef::new(migration.workload.kind, namespace.as_str(), migration.workload.name.as_str());
    let record = record::of(&service.id, namespace);
    let scope = Scope::Namespace(namespace.as_str().into());
    let keys = [Kind::ConfigMap, Kind::Secret].map(|kind| StreamKey { kind, scope: scope.clone() });
    let lists = join_all(keys.iter().map(|key| client.list_slim(key.kind, &key.scope)));
    let (running, record, lists) = tokio::join!(client.get(&workload, ""), Record::of(client, &record), lists);
    let standing = match running {
        Ok(running) => record.standing(&migration.image(&running), now),
        Err(error) => Standing::unknown(format!("which image runs is not known: {}", error.message)),
    };
    let settings = keys.into_iter().zip(lists).filter_map(|(key, list)| Some((key, list.ok()?))).collect();
    Some(Schema { standing, releases: Some((migration, migrate::Known { record, applied: None })), settings })
}

impl StatusMigrations {
    pub(super) fn of(standing: Standing) -> Self {
        let stale = standing.stand != Stand::Unknown && standing.health() == Health::Unknown;
        Self { state: standing.stand, words: standing.words, inspected_at: standing.at, stale }
    }
}
