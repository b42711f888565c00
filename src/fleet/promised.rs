//! Backups that a service file promises, as rows of the health pane.
//!
//! Owns that a promise is no sign that anything is well: a declared backup that nobody saw is unknown, and a database without one is a
//! fault. Pure.

use super::{HealthItem, Topic};
use crate::base::health::Health;
use crate::service::{Database, DatabaseAt, Service};

/// The rows: what has no backup first.
pub fn promised(service: &Service) -> Vec<HealthItem> {
    let row = |id: String, health: Health, title: String, detail: &str| HealthItem {
        id,
        topic: Topic::Backup,
        health,
        title,
        detail: detail.to_owned(),
        at: None,
        object: None,
    };
    let declared = &service.declared;
    let bare = declared.databases.iter().filter(|database| !copied(service, database));
    let bare = bare.map(|d| row(format!("database/{}", d.id), Health::Degraded, format!("Database {}", d.id), "no backup declared"));
    let known = declared.backups.iter();
    let known = known.map(|b| row(format!("backup/{}", b.id), Health::Unknown, format!("Backup {}", b.id), "no backup known"));
    bare.chain(known).collect()
}

/// Whether some backup is of the database: by its id, or by the workload that it runs in.
fn copied(service: &Service, database: &Database) -> bool {
    let by_workload = |from: &Option<String>| matches!((&database.at, from), (DatabaseAt::Workload(w), Some(from)) if w == from);
    service.declared.backups.iter().any(|b| b.database.as_ref() == Some(&database.id) || by_workload(&b.from))
}

#[cfg(test)]
mod tests {
    use super::promised;
    use crate::base::health::Health;
    use crate::service::{Origin, ServiceFile};

    #[test]
    fn a_promise_is_unknown_and_a_database_without_one_is_a_fault() {
        let text = "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"pg\"\nkind = \"deployment\"\nname = \"pg\"\n\
                    [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"pg\"\nname = \"shop\"\nuser = \"shop\"\n\
                    [[database]]\nid = \"bare\"\nkind = \"postgres\"\nhost = \"db\"\nname = \"shop\"\nuser = \"shop\"\n\
                    [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\nfrom = \"pg\"\nvolume = \"v\"\nmax_age = \"1d\"\n";
        let (file, problems) = ServiceFile::read("f.toml", text, &Origin::Operator);
        assert!(problems.is_empty(), "{problems:?}");
        let rows = promised(&file.expect("a file").resolve(None).0);
        let told: Vec<_> = rows.iter().map(|r| (r.title.as_str(), r.health, r.detail.as_str())).collect();
        assert_eq!(told, [("Database bare", Health::Degraded, "no backup declared"), ("Backup daily", Health::Unknown, "no backup known")]);
    }
}
