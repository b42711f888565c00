//! Backups that a service file promises, as rows of the health pane.
//!
//! Owns that a promise is no sign that anything is well: a database without a backup is a fault, and what is known of a declared one is
//! said by whoever looked for it. Pure.

use super::{HealthItem, Topic};
use crate::base::health::Health;
use crate::service::{Backup, Database, DatabaseAt, Service};

/// The rows: what has no backup first. `known` says what is known of a declared one.
pub fn promised(service: &Service, known: impl Fn(&Backup) -> (Health, String)) -> Vec<HealthItem> {
    let row = |id: String, health: Health, title: String, detail: String| HealthItem {
        id,
        topic: Topic::Backup,
        health,
        title,
        detail,
        at: None,
        object: None,
    };
    let declared = &service.declared;
    let bare = declared.databases.iter().filter(|database| !copied(service, database));
    let bare = bare.map(|d| row(format!("database/{}", d.id), Health::Down, format!("Database {}", d.id), "no backup declared".to_owned()));
    let copies = declared.backups.iter().map(|b| {
        let (health, detail) = known(b);
        row(format!("backup/{}", b.id), health, format!("Backup {}", b.id), detail)
    });
    bare.chain(copies).collect()
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
    fn a_database_without_a_backup_is_a_fault_and_a_promise_is_what_is_known_of_it() {
        let text = "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"pg\"\nkind = \"deployment\"\nname = \"pg\"\n\
                    [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"pg\"\nname = \"shop\"\nuser = \"shop\"\n\
                    [[database]]\nid = \"bare\"\nkind = \"postgres\"\nhost = \"db\"\nname = \"shop\"\nuser = \"shop\"\n\
                    [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\nfrom = \"pg\"\nvolume = \"v\"\nmax_age = \"1d\"\n";
        let (file, problems) = ServiceFile::read("f.toml", text, &Origin::Operator);
        assert!(problems.is_empty(), "{problems:?}");
        let rows = promised(&file.expect("a file").resolve(None).0, |b| (Health::Unknown, format!("nothing of {}", b.id)));
        let told: Vec<_> = rows.iter().map(|r| (r.title.as_str(), r.health, r.detail.as_str())).collect();
        assert_eq!(told, [("Database bare", Health::Down, "no backup declared"), ("Backup daily", Health::Unknown, "nothing of daily")]);
    }
}
