//! Databases of a service.
//!
//! Owns `[[database]]`. Nothing here connects to one.

use crate::base::toml::Table;
use crate::service::around::{Around, each, known};

/// One database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Database {
    /// Id, unique in the file.
    pub id: String,
    /// Where its server is.
    pub at: DatabaseAt,
    /// Port of the server.
    pub port: u16,
    /// Its name within the server.
    pub name: String,
    /// The role that the console connects as.
    pub user: String,
    /// Id of the secret that is its password.
    pub password: Option<String>,
    /// Image with the client's tools, of the server's major version or a later one.
    pub image: Option<String>,
    /// Container of the server's pod.
    pub container: Option<String>,
    /// How many connections it takes, and who holds them.
    pub connections: Option<DatabaseConnections>,
}

/// The connections of a database.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DatabaseConnections {
    /// How many its server takes (`max_connections`).
    pub most: u32,
    /// How many of them are not for applications (`superuser_reserved_connections`; 3, as PostgreSQL has it, where none is said).
    pub reserved: u32,
    /// Workloads by their ids, and how many connections one pod of each holds at most: its workers times their pool.
    pub per_pod: Vec<(String, u32)>,
}

/// Where the server of a database is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DatabaseAt {
    /// In the pods of a workload of the file, by its id.
    Workload(String),
    /// On a host of its own.
    Host(String),
}

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Vec<Database> {
    each(root, "database", around, |table, id| one(table, id, around))
}

fn one(table: &Table<'_>, id: &str, around: &Around<'_>) -> Option<Database> {
    if !table.has("kind") {
        table.missing("kind");
    }
    let kind = table.word("kind", &[("postgres", ())]);
    let (workload, host) = (around.workload(table, "workload"), around.text(table, "host"));
    if table.has("workload") == table.has("host") {
        let message = format!("The database '{id}' must have either a workload or a host.");
        table.error(table.spot(), message, Some("workload = \"ID\" for a server in the cluster, host = \"NAME\" for one elsewhere.".into()));
    }
    let port = table.integer("port", 1..=65_535).and_then(|p| u16::try_from(p.value).ok()).unwrap_or(5432);
    let (name, user) = (around.need(table, "name"), around.need(table, "user"));
    let password = around.secret(table, "password");
    let (image, container) = (around.text(table, "image"), around.text(table, "container"));
    let connections = connections(table, around);
    kind?;
    let at = workload.map(DatabaseAt::Workload).or_else(|| host.map(DatabaseAt::Host))?;
    Some(Database { id: id.to_owned(), at, port, name: name?, user: user?, password, image, container, connections })
}

/// What PostgreSQL keeps for superusers where nobody says otherwise.
const RESERVED: u32 = 3;

fn connections(table: &Table<'_>, around: &Around<'_>) -> Option<DatabaseConnections> {
    let own = table.table("connections")?;
    let number = |key: &str| own.integer(key, 0..=100_000).and_then(|n| u32::try_from(n.value).ok());
    if !own.has("max") {
        own.missing("max");
    }
    let (most, reserved) = (number("max"), number("reserved").unwrap_or(RESERVED));
    let users = own.table("per_pod");
    let per_pod = users.iter().flat_map(Table::entries).filter_map(|(id, entry)| {
        let known = known(&own, &id, "workload", around.workloads.iter().map(|w| &w.id));
        let each = entry.integer(0..=100_000).and_then(|n| u32::try_from(n.value).ok());
        each.filter(|_| known).map(|each| (id.value, each))
    });
    let per_pod = per_pod.collect();
    own.finish();
    Some(DatabaseConnections { most: most?, reserved, per_pod })
}
