//! Deleting the dumps that are older than a service file keeps them.
//!
//! Owns when that is: last of all, so that nothing older goes before the new one was read to its end and, where that is declared, taken
//! elsewhere. Which files are of the backup, and which of them stay, the script beside this file decides where they lie.

use std::time::Duration;

use super::catalogue::LAST;
use super::dump::Dump;
use super::pod::{self, Script};

/// Carried out by the image's own shell.
pub(super) const SCRIPT: &str = include_str!("prune.sh");

impl Dump {
    /// What deletes older ones after the dump of that run; `None` where they are kept for ever.
    pub(super) fn pruning(&self, run: &str) -> Option<Script<'_>> {
        let keep = self.keep?;
        let mut environment = self.names(run);
        environment.extend([("KEEP_MINUTES", minutes(keep)), ("LAST", LAST.to_string())].map(|(name, value)| pod::variable(name, &value)));
        Some(Script { name: "prune", image: &self.image, text: SCRIPT, environment, only_reads: false })
    }
}

fn minutes(keep: Duration) -> String {
    (keep.as_secs() / 60).to_string()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::Command;

    use serde_json::Value;

    use super::SCRIPT;
    use crate::run::backup::catalogue::LAST;

    const NEW: &str = "shop-db-20261130T030000-00ff";

    /// A dump of so many bytes that lies there since so many hours, with a description that says whose it is.
    fn put(folder: &Path, name: &str, whose: (&str, &str), bytes: usize, hours: u32) {
        let (service, backup) = whose;
        fs::write(folder.join(format!("{name}.dump")), "x".repeat(bytes)).expect("a dump");
        fs::write(
            folder.join(format!("{name}.json")),
            format!("{{\"service\":\"{service}\",\"backup\":\"{backup}\",\"format\":\"custom\"}}"),
        )
        .expect("a description");
        let set = Command::new("touch")
            .args(["-d", &format!("{hours} hours ago")])
            .arg(folder.join(format!("{name}.dump")))
            .status();
        assert!(set.expect("touch").success());
    }

    fn prune(folder: &Path) -> Value {
        let report = folder.join("report");
        let environment = [("DUMP", NEW), ("PREFIX", "shop-db"), ("SERVICE", "shop"), ("BACKUP", "db"), ("KEEP_MINUTES", "600")];
        let ended = Command::new("sh")
            .args(["-c", SCRIPT])
            .envs(environment)
            .env("LAST", LAST.to_string())
            .env("VOLUME", folder)
            .env("REPORT", &report)
            .output()
            .expect("sh");
        assert!(ended.status.success(), "{ended:?}");
        let said = serde_json::from_slice(&fs::read(&report).expect("a report")).expect("JSON");
        fs::remove_file(report).expect("it was there");
        said
    }

    fn dumps(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("a file").file_name().to_string_lossy().into_owned());
        let mut names: Vec<String> = names.filter_map(|name| name.strip_suffix(".dump").map(str::to_owned)).collect();
        names.sort();
        names
    }

    fn day(n: usize) -> String {
        format!("shop-db-202611{n:02}T030000-00ff")
    }

    #[test]
    fn retention_of_one_backup_leaves_the_dumps_of_another() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        put(folder, NEW, ("shop", "db"), 100, 0);
        put(folder, &day(1), ("shop", "db"), 100, 24);
        put(folder, &day(29), ("shop", "db"), 100, 9);
        // Another backup of the service, one of a service whose name goes on where this one's ends, and what somebody put there.
        put(folder, "shop-db-weekly-20261101T030000-00ff", ("shop", "db-weekly"), 100, 24);
        put(folder, &day(2), ("shop-db", "b"), 100, 24);
        fs::write(folder.join(format!("{}.dump", day(3))), "by hand").expect("a file");
        let said = prune(folder);
        assert_eq!(said, serde_json::json!({ "pruned": ["20261101T030000-00ff"], "kept": "" }));
        let left = [day(2), day(3), day(29), NEW.into(), "shop-db-weekly-20261101T030000-00ff".into()];
        assert_eq!(dumps(folder), left);
        assert!(!folder.join(format!("{}.json", day(1))).exists());
    }

    #[test]
    fn a_dump_that_is_much_smaller_than_one_of_the_last_few_deletes_nothing() {
        let folder = tempfile::tempdir().expect("a folder");
        let folder = folder.path();
        put(folder, NEW, ("shop", "db"), 40, 0);
        put(folder, &day(1), ("shop", "db"), 100, 240);
        // An emptied database: those after it are as small as this one.
        for n in 2..=LAST {
            put(folder, &day(n), ("shop", "db"), 40, 100);
        }
        let said = prune(folder);
        assert!(
            said["pruned"] == serde_json::json!([]) && said["kept"].as_str().is_some_and(|why| why.contains("less than half")),
            "{said}"
        );
        assert_eq!(dumps(folder).len(), LAST + 1);
        // When that was long ago, they go; the last one from before it stays all the same.
        put(folder, &day(LAST + 1), ("shop", "db"), 40, 100);
        put(folder, "shop-db-20261031T030000-00ff", ("shop", "db"), 100, 300);
        let said = prune(folder);
        assert!(said["kept"].as_str().is_some_and(|why| why.contains(&day(1)) && why.contains("stays")), "{said}");
        assert_eq!(dumps(folder), [day(1), NEW.to_owned()]);
    }

    #[test]
    fn nothing_is_deleted_where_the_new_dump_is_not_seen() {
        let folder = tempfile::tempdir().expect("a folder");
        assert_eq!(prune(folder.path())["kept"], "the new dump cannot be seen");
    }
}
