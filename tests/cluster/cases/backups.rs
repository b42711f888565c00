//! Dumps of a real PostgreSQL: verified, or no backup at all.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::bed::node;
use crate::cluster::{Cluster, Namespace};
use crate::faults::Watched;
use crate::operator::{Operator, Run};
use crate::postgres::{Held, PASSWORD, Postgres, Volume};
use crate::support::sandbox::Running;

/// Rows that do not fit into one page of the dump.
pub(super) const ROWS: &str = "create table rules (id int primary key, body text); \
    insert into rules select n, md5(n::text) || md5((n * 7)::text) from generate_series(1, 20000) n; \
    create table alembic_version (version_num varchar(32) not null); insert into alembic_version values ('4f1c'); analyze";

/// A service file that declares the backup `daily` of the database to the claim `backups`.
pub(super) fn file(operator: &Operator, space: &Namespace<'_>, password: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"k8s:{}/db#{password}\"\n[[workload]]\nid = \"db\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [migrations]\ntool = \"alembic\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\n\
         image = \"{}\"\n[[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"backups\"\nmax_age = \"26h\"\nkeep_local = \"2d\"\n\
         [[action]]\nid = \"ship\"\nrequire = [\"backup:daily fresh\"]\n[[action.step]]\nid = \"rest\"\ntype = \"wait\"\nfor = \"1s\"\n",
        space.name(),
        node::DATABASE
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

pub(super) fn run(operator: &Operator, file: &str) -> Run {
    operator.run_of("backup", &["daily", "-f", file])
}

pub(super) fn catalogue(space: &Namespace<'_>) -> Vec<Value> {
    let kept = space.get("v1", "ConfigMap", "timonel-backups-shop").unwrap_or_default();
    let entries = kept["data"].as_object().into_iter().flat_map(|data| data.values());
    entries.map(|entry| serde_json::from_str(entry.as_str().unwrap()).unwrap()).collect()
}

/// Fails when the password is anywhere that the program wrote to.
pub(super) fn kept_to_itself(operator: &Operator, run: &Run) {
    let journal = fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(!journal.contains(PASSWORD) && !format!("{run:?}").contains(PASSWORD), "{run:#?}\n{journal}");
}

/// A dump of the backup `daily` that was verified three days ago, as it lies on the volume.
pub(super) fn put_old(volume: &Volume<'_>) -> [String; 2] {
    let names = ["dump", "json"].map(|ending| format!("shop-daily-20200101T000000-aaaa.{ending}"));
    fs::write(volume.folder.join(&names[0]), "old").unwrap();
    fs::write(volume.folder.join(&names[1]), r#"{"service":"shop","backup":"daily","format":"custom"}"#).unwrap();
    for name in &names {
        make_old(&volume.folder.join(name));
    }
    names
}

fn make_old(path: &Path) {
    let set = Command::new("touch").args(["-d", "3 days ago"]).arg(path).status().unwrap();
    assert!(set.success());
}

pub(crate) fn a_dump_is_read_to_its_end_and_comes_into_the_catalogue(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    // Of two old files only the one that was verified is Timonel's to delete.
    put_old(&volume);
    fs::write(volume.folder.join("shop-daily-by-hand.dump"), "old").unwrap();
    make_old(&volume.folder.join("shop-daily-by-hand.dump"));
    let operator = Operator::new(cluster, "operator", &space);
    let file = file(&operator, &space, "password");
    let before = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(1).json();
    assert_eq!(before["declared"][0]["state"], "none", "{before:#}");
    let gate = |code, result: &str| {
        let plan = operator.plan_of("ship", &["-f", &file]);
        let checks = plan.value["checks"].as_array().unwrap();
        let check = checks.iter().find(|c| c["id"] == "backup:daily fresh").unwrap();
        assert_eq!((plan.code, check["result"].as_str()), (Some(code), Some(result)), "{check:#}");
    };
    gate(4, "failed");
    let run = run(&operator, &file).expect("proven", 0);
    Watched { cluster, space: &space, operator: &operator }.ended("backup", &run);
    kept_to_itself(&operator, &run);
    gate(0, "ok");
    let status = operator.call(&["status", "-f", &file, "-o", "json"]).json();
    assert_eq!(status["backups"][0]["state"], "fresh", "{status:#}");
    let console = operator.console((120, 36), &["-f", &file]);
    console.wait("the backup is fresh", |screen| screen.has("Backup daily") && screen.has("fresh, verified"));
    let live = operator.call(&["check", &file, "--live", "-o", "json"]).stdout;
    assert!(live.contains("fresh, verified"), "{live}");
    let entries = catalogue(&space);
    let [entry] = &entries[..] else { panic!("{entries:#?}") };
    let said =
        ["/backup", "/format", "/verified", "/claim", "/revision"].map(|field| entry.pointer(field).and_then(Value::as_str).unwrap_or_default());
    assert_eq!(said, ["daily", "custom", "full-read", "backups", "4f1c"], "{entry:#}");
    assert_eq!((&entry["tables"], &entry["rows"]["rules"]), (&json!(2), &json!(20000)), "{entry:#}");
    // What it says of the file is judged by somebody else than the Job.
    let dump = volume.folder.join(entry["file"].as_str().unwrap());
    let bytes = fs::read(&dump).unwrap();
    assert_eq!(
        (entry["bytes"].as_u64().unwrap(), entry["sha256"].as_str().unwrap()),
        (bytes.len() as u64, &*crate::bed::sha256(&bytes))
    );
    let restore = node::postgres().unwrap().home.join("bin/pg_restore");
    let sql = Command::new(restore).args(["-f", "-"]).arg(&dump).output().unwrap();
    assert!(sql.status.success() && String::from_utf8_lossy(&sql.stdout).contains("COPY public.rules"));
    let name = entry["file"].as_str().unwrap();
    assert_eq!(volume.files(), [name, &name.replace(".dump", ".json"), "shop-daily-by-hand.dump"]);
    // Whoever restores it needs no cluster to know what it is.
    let beside: Value = serde_json::from_slice(&fs::read(dump.with_extension("json")).unwrap()).unwrap();
    let same = ["bytes", "sha256", "tables", "server", "client", "revision", "rows", "database_bytes", "format", "verified", "backup"];
    assert!(same.iter().all(|field| beside[field] == entry[field]) && beside["service"] == "shop", "{beside:#}");
    assert_eq!(beside["read_at"], entry["at"], "{beside:#}");
    let proof = run.named("step_proven").map(ToString::to_string).collect::<String>();
    assert!(proof.contains("1 older deleted: 20200101T000000-aaaa"), "what was deleted is told: {proof}");
    let after = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(0).json();
    assert_eq!((&after["declared"][0]["state"], &after["backups"][0]["file"]), (&json!("fresh"), &json!(name)), "{after:#}");
    let table = operator.call(&["backups", "-f", &file]).exits(0).stdout;
    assert!(table.contains("daily: fresh, verified") && table.contains("4f1c"), "{table}");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn retention_deletes_what_is_too_old_of_its_own_backup_and_never_after_a_much_smaller_dump(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let text = fs::read_to_string(file(&operator, &space, "password")).unwrap();
    // Its id begins as that of the other one, which is kept for two days.
    let other = "[[backup]]\nid = \"daily-long\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"backups\"\nkeep_local = \"365d\"\n[[action]]";
    let file = operator.sandbox.write("two.toml", &text.replace("[[action]]", other)).display().to_string();
    let dump = |backup: &str| {
        operator.run_of("backup", &[backup, "-f", &file]).expect("proven", 0);
        let newest = catalogue(&space)
            .into_iter()
            .filter(|entry| entry["backup"] == backup)
            .max_by_key(|entry| entry["at"].as_str().unwrap().to_owned());
        newest.unwrap()["file"].as_str().unwrap().to_owned()
    };
    let age = || volume.files().iter().for_each(|name| make_old(&volume.folder.join(name)));
    let state = |code| {
        let said = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(code).json();
        said["declared"].as_array().unwrap().iter().find(|one| one["id"] == "daily").unwrap()["state"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (long, first) = (dump("daily-long"), dump("daily"));
    age();
    let second = dump("daily");
    let there = |name: &String| volume.files().contains(name);
    assert!(there(&long) && there(&second) && !there(&first), "{:?}", volume.files());
    // The catalogue says so: what is gone is nothing to go back to.
    let gone = catalogue(&space).into_iter().find(|entry| entry["file"] == *first).unwrap();
    assert!(gone["gone"].is_string(), "{gone:#}");
    assert!(operator.call(&["backups", "-f", &file]).exits(0).stdout.contains("(deleted "));
    let verify = operator.call(&["run", "verify", gone["run"].as_str().unwrap(), "-f", &file, "--confirm", "y"]).exits(4);
    assert!(format!("{verify:?}").contains("was deleted from its volume"), "{verify:#?}");
    assert_eq!(state(0), "fresh");
    // A database that lost something: what it was dumped to before stays, and no dump after the first quietens the alarm.
    postgres.ask("truncate rules");
    for _ in 0..2 {
        age();
        let small = dump("daily");
        assert!(there(&small) && there(&second) && there(&long), "{:?}", volume.files());
        assert_eq!(state(1), "shrunk");
    }
    let gate = operator.plan_of("ship", &["-f", &file]);
    assert_eq!(gate.code, Some(4), "{gate:#?}");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_backup_is_made_from_the_console(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let file = file(&operator, &space, "password");
    let mut terminal = operator.console((120, 50), &["-f", &file]);
    terminal.wait("nothing is known yet", |screen| screen.has("Backup daily") && screen.has("none is known"));
    terminal.press("a k");
    let plan = terminal.wait_for("to go on");
    let image = format!("dump: /bin/sh of the image {}", node::DATABASE);
    for told in [&*image, "PGPASSWORD from key password of Secret db", "volume of the claim backups"] {
        assert!(plan.has(told), "'{told}' is missing:\n{}", plan.dump());
    }
    assert!(!plan.dump().contains(PASSWORD), "{}", plan.dump());
    terminal.type_text("y\r");
    terminal.wait_for("every proof held");
    terminal.press("esc");
    terminal.wait("the bridge shows it", |screen| screen.has("fresh, verified"));
    assert_eq!((catalogue(&space).len(), volume.files().len()), (1, 2));
}

pub(crate) fn a_dump_that_does_not_come_to_its_end_is_none_and_leaves_the_others(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::new(&space);
    postgres.ask(ROWS);
    // Less than twice the size of the database.
    let volume = Volume::new(&space, "backups", Some(4 << 20));
    let old = put_old(&volume);
    let operator = Operator::new(cluster, "operator", &space);
    let good = file(&operator, &space, "password");
    let full = run(&operator, &good);
    let watched = Watched { cluster, space: &space, operator: &operator };
    watched.ended("backup: the volume is too small", &full);
    let reason = full.end()["reason"].as_str().unwrap().to_owned();
    assert!(full.code != Some(0) && reason.contains("twice the size of the database is needed"), "{full:#?}");
    assert_eq!(volume.files(), old);
    assert_eq!(catalogue(&space), Vec::<Value>::new());
    let wrong = file(&operator, &space, "none");
    let failed = run(&operator, &wrong);
    watched.ended("backup: its password is not in the Secret", &failed);
    assert!(failed.code != Some(0) && catalogue(&space).is_empty(), "{failed:#?}");
    assert!(failed.end()["reason"].as_str().unwrap().contains("couldn't find key none"), "{:#}", failed.end());
    kept_to_itself(&operator, &failed);
    space.patch("apps/v1", "StatefulSet", "db", &json!({"spec": {"replicas": 0}}));
    space.wait("the database is gone", "apps/v1", "StatefulSet", "db", |db| db["status"]["replicas"] == 0);
    watched.ended("backup: its database has no ready pod", &run(&operator, &good).expect("refused", 4));
    operator.call(&["journal", "verify"]).exits(0);
}

/// A dump that has begun and does not get past a table that is held.
pub(super) struct Begun<'a> {
    pub(super) volume: Volume<'a>,
    pub(super) held: Held,
    pub(super) operator: Operator,
    pub(super) file: String,
    pub(super) running: Running,
    id: String,
}

/// To a volume of so many bytes at most, where that is said.
pub(super) fn begun<'a>(cluster: &Cluster, space: &'a Namespace<'a>, most: Option<u64>) -> Begun<'a> {
    let (postgres, volume) = (Postgres::new(space), Volume::new(space, "backups", most));
    postgres.ask(ROWS);
    let held = postgres.hold("rules");
    let operator = Operator::new(cluster, "operator", space);
    let file = file(&operator, space, "password");
    let running = operator.start(&["run", "backup", "daily", "-f", &file, "--confirm", "y", "-o", "json"]);
    let id = operator.wait_for_line("the Job is made", |line| line["kind"] == "outcome" && line["step"] == "write");
    Begun { volume, held, operator, file, running, id }
}

pub(crate) fn a_dump_whose_console_is_killed_is_taken_up_again(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let Begun { volume, held, operator, running, id, .. } = begun(cluster, &space, None);
    running.signal(Signal::KILL);
    assert_eq!(running.end().code, None, "killed");
    let job = space.list("batch/v1", "Job").pop().unwrap();
    assert_eq!(job["spec"]["activeDeadlineSeconds"], 12 * 3600, "it ends without anybody, and not after minutes");
    drop(held);
    let name = job["metadata"]["name"].as_str().unwrap();
    space.wait("the dump is done", "batch/v1", "Job", name, |job| job["status"]["completionTime"].is_string());
    let run = Run::of(&operator.call(&["runs", "resume", &id, "-o", "json"])).expect("proven", 0);
    kept_to_itself(&operator, &run);
    // It is as old as its data, whenever somebody hears of it.
    let done: jiff::Timestamp = space.get("batch/v1", "Job", name).unwrap()["status"]["completionTime"].as_str().unwrap().parse().unwrap();
    let at: jiff::Timestamp = catalogue(&space)[0]["at"].as_str().unwrap().parse().unwrap();
    assert!(at <= done, "{at} {done}");
    assert_eq!((catalogue(&space).len(), space.list("batch/v1", "Job").len()), (1, 1), "one Job, one dump");
    assert_eq!(volume.files().len(), 2, "{:?}", volume.files());
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_dump_whose_pod_is_killed_is_none_and_the_next_one_clears_up(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let Begun { volume, held, operator, file, running, .. } = begun(cluster, &space, None);
    let pods = || space.list("v1", "Pod").into_iter().filter(|pod| pod["metadata"]["labels"]["timonel.io/run"].is_string());
    volume.wait_for(".errors");
    for pod in pods() {
        space.delete("v1", "Pod", pod["metadata"]["name"].as_str().unwrap());
    }
    let run = Run::of(&running.end());
    assert!(run.code.is_some_and(|code| code == 1 || code == 2), "{run:#?}");
    Watched { cluster, space: &space, operator: &operator }.ended("backup: its pod is killed", &run);
    assert_eq!(catalogue(&space), Vec::<Value>::new());
    drop(held);
    self::run(&operator, &file).expect("proven", 0);
    assert_eq!((catalogue(&space).len(), volume.files().len()), (1, 2), "{:?}", volume.files());
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn m01_m02_a_dump_that_was_cut_off_is_found_by_reading_it_where_its_list_is_whole(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let postgres = Postgres::new(&space);
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let folder = operator.sandbox.path("volume");
    let stubs = operator.sandbox.path("stubs");
    for made in [&folder, &stubs] {
        fs::create_dir_all(made).unwrap();
    }
    // A pg_dump that says nothing of the half that it lost: what a full disk behind a cache does.
    let home = node::postgres().unwrap().home;
    let stub = format!(
        "#!/bin/sh\n{0} \"$@\" || exit 1\n[ \"$1\" = --version ] || {{ f=$(ls .*.partial); truncate -s $(($(stat -c %s $f) / 2)) $f; }}\n",
        home.join("bin/pg_dump").display()
    );
    fs::write(stubs.join("pg_dump"), stub).unwrap();
    fs::set_permissions(stubs.join("pg_dump"), fs::Permissions::from_mode(0o755)).unwrap();
    let dump = |first: &Path| {
        let report = operator.sandbox.path("report");
        let _ = fs::remove_file(&report);
        let environment = [("DUMP", "shop-daily-1"), ("PREFIX", "shop-daily"), ("SERVICE", "shop"), ("BACKUP", "daily")];
        let ended = postgres
            .client("sh", first)
            .args(["-c", include_str!("../../../src/run/backup/dump.sh")])
            .envs(environment)
            .env("VOLUME", &folder)
            .env("REPORT", &report)
            .output()
            .unwrap();
        let said: Value = serde_json::from_str(&fs::read_to_string(&report).unwrap()).unwrap();
        (ended.status.code(), said)
    };
    let (code, said) = dump(&stubs);
    assert!(code == Some(1) && said["failed"].as_str().unwrap().contains("cannot be read to its end"), "{said:#}");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 0, "nothing that looks like a backup is left");
    let (code, said) = dump(Path::new("/nowhere"));
    assert_eq!((code, said["tables"].as_u64()), (Some(0), Some(2)), "{said:#}");
    // M1: of the half of a dump, the tool lists all that the whole one has, and exits 0.
    let half = folder.join("half");
    let whole = fs::read(folder.join("shop-daily-1.dump")).unwrap();
    fs::write(&half, &whole[..whole.len() / 2]).unwrap();
    let restore = |words: &[&str]| Command::new(home.join("bin/pg_restore")).args(words).arg(&half).output().unwrap();
    let listed = restore(&["--list"]);
    assert!(listed.status.success() && String::from_utf8_lossy(&listed.stdout).contains("TABLE DATA public rules"));
    // M2: reading it in full tells.
    assert!(!restore(&["-f", "/dev/null"]).status.success());
}

pub(crate) fn m07_m08_what_pg_restore_cannot_read_counts_no_longer_as_a_backup(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let file = file(&operator, &space, "password");
    let plain = postgres.client("pg_dump", Path::new("/nowhere")).output().unwrap().stdout;
    for (form, words) in [("plain", "text format dump"), ("gzip", "does not appear to be a valid archive")] {
        run(&operator, &file).expect("proven", 0);
        let newest = catalogue(&space).into_iter().max_by_key(|entry| entry["at"].as_str().unwrap().to_owned()).unwrap();
        let (id, dump) = (newest["run"].as_str().unwrap(), volume.folder.join(newest["file"].as_str().unwrap()));
        if form == "plain" {
            fs::write(&dump, &plain).unwrap();
        } else {
            assert!(Command::new("gzip").arg(&dump).status().unwrap().success());
            fs::rename(dump.with_extension("dump.gz"), &dump).unwrap();
        }
        // Whoever put it there wrote it into the catalogue as well: its sum is right, and it cannot be restored.
        let bytes = fs::read(&dump).unwrap();
        let mut entry = newest.clone();
        (entry["bytes"], entry["sha256"]) = (json!(bytes.len()), json!(crate::bed::sha256(&bytes)));
        let kept = space.get("v1", "ConfigMap", "timonel-backups-shop").unwrap();
        let key = kept["data"]
            .as_object()
            .unwrap()
            .iter()
            .find(|(_, text)| text.as_str().unwrap().contains(id))
            .unwrap()
            .0
            .clone();
        space.patch("v1", "ConfigMap", "timonel-backups-shop", &json!({ "data": { key: entry.to_string() } }));
        let found = Run::of(&operator.call(&["backups", "verify", "daily", "-f", &file, "--confirm", "y", "-o", "json"]));
        assert_eq!(found.code, Some(1), "{form}: {found:#?}");
        let reason = found.end()["reason"].as_str().unwrap();
        assert!(reason.contains("the dump is damaged") && reason.contains(words), "{form}: {reason}");
        let after = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(1).json();
        assert_eq!(after["declared"][0]["state"], "damaged", "{form}: {after:#}");
    }
}

pub(crate) fn m11_a_dump_of_no_database_is_a_failed_run_and_leaves_no_file(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (_postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    let operator = Operator::new(cluster, "operator", &space);
    let file = file(&operator, &space, "password");
    let text = fs::read_to_string(&file).unwrap().replace("name = \"shop\"\nuser", "name = \"nosuchdb\"\nuser");
    let file = operator.sandbox.write("none.toml", &text).display().to_string();
    let run = run(&operator, &file);
    assert!(run.code.is_some_and(|code| code != 0), "{run:#?}");
    assert!(run.end()["reason"].as_str().unwrap().contains("nosuchdb"), "{:#}", run.end());
    assert_eq!((volume.files(), catalogue(&space).len()), (Vec::<String>::new(), 0), "not even an empty one");
}

pub(crate) fn a_dump_that_is_damaged_later_is_found_and_counts_no_longer(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (postgres, volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    postgres.ask(ROWS);
    let operator = Operator::new(cluster, "operator", &space);
    let file = file(&operator, &space, "password");
    run(&operator, &file).expect("proven", 0);
    let verify = || Run::of(&operator.call(&["backups", "verify", "daily", "-f", &file, "--confirm", "y", "-o", "json"]));
    verify().expect("proven", 0);
    let entries = catalogue(&space);
    assert!(entries.len() == 1 && entries[0]["read_again"].is_string() && entries[0]["damaged"].is_null(), "{entries:#?}");
    let dump = volume.folder.join(entries[0]["file"].as_str().unwrap());
    let half = fs::metadata(&dump).unwrap().len() / 2;
    fs::File::options().write(true).open(&dump).unwrap().set_len(half).unwrap();
    let _ = cluster.writes(&space);
    let found = verify();
    assert_eq!(found.code, Some(1), "{found:#?}");
    Watched { cluster, space: &space, operator: &operator }.ended("verify: the dump was cut short since", &found);
    assert!(found.end()["reason"].as_str().unwrap().contains("the dump is damaged"), "{:#}", found.end());
    let entries = catalogue(&space);
    assert!(entries[0]["damaged"]["why"].as_str().unwrap().contains("bytes"), "{entries:#?}");
    let after = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(1).json();
    assert_eq!(after["declared"][0]["state"], "damaged", "{after:#}");
    assert!(operator.call(&["backups", "-f", &file]).exits(1).stdout.contains("DAMAGED"));
    // A good one makes it good again, and the damaged one stays what it is.
    run(&operator, &file).expect("proven", 0);
    let after = operator.call(&["backups", "-f", &file, "-o", "json"]).exits(0).json();
    assert_eq!((&after["declared"][0]["state"], after["backups"].as_array().unwrap().len()), (&json!("fresh"), 2), "{after:#}");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn a_dump_tells_how_far_it_is_and_is_cancelled_without_a_trace(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let Begun { volume, held, operator, file, running, .. } = begun(cluster, &space, None);
    volume.wait_for(".partial");
    operator.wait_for_line("the dump is waited for", |line| line["kind"] == "outcome" && line["step"] == "write");
    let live = || {
        space
            .list("v1", "Pod")
            .into_iter()
            .filter(|p| {
                p["metadata"]["labels"]["timonel.io/run"].is_string() && p["status"]["phase"] != "Failed" && p["status"]["phase"] != "Succeeded"
            })
            .count()
    };
    assert_eq!(live(), 1);
    // What the run has heard of its dump, others read in its lock.
    space.wait("the run has heard how far it is", "coordination.k8s.io/v1", "Lease", "timonel-persistentvolumeclaim-backups", |lease| {
        lease["metadata"]["annotations"]["timonel.io/step"]
            .as_str()
            .is_some_and(|step| step.contains(" written, 0 of 2 tables"))
    });
    running.signal(Signal::INT);
    running.signal(Signal::INT);
    let run = Run::of(&running.end());
    assert_eq!((&run.end()["outcome"], &run.end()["undone"]), (&json!("failed"), &json!(true)), "{run:#?}");
    let far = run
        .named("progress")
        .find(|event| event["text"].as_str().is_some_and(|text| text.contains(" written, 0 of 2 tables")));
    assert!(far.is_some(), "{run:#?}");
    assert_eq!((live(), volume.files(), catalogue(&space)), (0, Vec::new(), Vec::new()));
    let jobs = space.list("batch/v1", "Job");
    assert_eq!((jobs.len(), &jobs[0]["spec"]["activeDeadlineSeconds"]), (1, &json!(1)), "it is kept, and has ended");
    drop(held);
    self::run(&operator, &file).expect("proven", 0);
    assert_eq!((catalogue(&space).len(), volume.files().len()), (1, 2));
    operator.call(&["journal", "verify"]).exits(0);
}
