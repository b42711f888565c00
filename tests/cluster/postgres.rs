//! A real PostgreSQL in a pod, with a volume beside it that dumps are written to.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use crate::bed::node::{self, DATABASE};
use crate::cluster::{Namespace, PATIENCE};

/// The password of the tests' database; nothing that is printed may hold it.
pub(crate) const PASSWORD: &str = "open-sesame-7731";

/// Whether this machine has a PostgreSQL to be put into a pod.
pub(crate) fn missing() -> Option<&'static str> {
    node::postgres().is_none().then_some("a PostgreSQL server (package postgresql)")
}

/// What the tests of migrations lack besides.
pub(crate) fn python_missing() -> Option<&'static str> {
    missing().or_else(|| node::python().is_none().then_some("Python with Alembic and Django (tests/cluster/fetch-python)"))
}

/// What those of Prisma lack.
pub(crate) fn node_missing() -> Option<&'static str> {
    missing().or_else(|| node::node().is_none().then_some("Node with Prisma (tests/cluster/fetch-node)"))
}

/// A database in the namespace: StatefulSet `db` with a Service, its password in the Secret `db`.
pub(crate) struct Postgres<'a> {
    space: &'a Namespace<'a>,
}

impl<'a> Postgres<'a> {
    /// Starts one and waits until it answers.
    pub(crate) fn new(space: &'a Namespace<'a>) -> Self {
        Self::with(space, "")
    }

    /// The same with more settings: `-c name=value`.
    pub(crate) fn with(space: &'a Namespace<'a>, settings: &str) -> Self {
        space.apply(&manifest(settings));
        space.wait("the database answers", "apps/v1", "StatefulSet", "db", |db| db["status"]["readyReplicas"] == 1);
        Self { space }
    }

    /// A program of this machine that finds the database and its password in its environment, and `first` before its own PostgreSQL.
    pub(crate) fn client(&self, program: &str, first: &Path) -> Command {
        let pod = self.space.get("v1", "Pod", "db-0").unwrap();
        let address = pod["status"]["podIP"].as_str().expect("the pod has an address").to_owned();
        let home = node::postgres().expect("the machine has a PostgreSQL").home;
        let path = format!("{}:{}:/usr/bin:/bin", first.display(), home.join("bin").display());
        let mut command = Command::new(program);
        command
            .env("PATH", path)
            .env("PGHOST", address)
            .env("PGUSER", "shop")
            .env("PGDATABASE", "shop")
            .env("PGPASSWORD", PASSWORD);
        command
    }

    fn psql(&self, statement: &str) -> Command {
        let mut psql = self.client("psql", Path::new("/nowhere"));
        psql.args(["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]);
        psql
    }

    /// Holds a table so that no dump gets past it, until the value is dropped.
    pub(crate) fn hold(&self, table: &str) -> Held {
        let holders = format!("from pg_locks where granted and mode = 'AccessExclusiveLock' and relation = '{table}'::regclass");
        self.held(&format!("begin; lock table {table}; select pg_sleep(600)"), &holders)
    }

    /// Holds an advisory lock, as a migration does, until the value is dropped.
    pub(crate) fn hold_lock(&self, number: u32) -> Held {
        let holders = format!("from pg_locks where granted and locktype = 'advisory' and classid = 0 and objid = {number}");
        self.held(&format!("select pg_advisory_lock({number}), pg_sleep(600)"), &holders)
    }

    fn held(&self, statement: &str, holders: &str) -> Held {
        let held = Held {
            holder: self.psql(statement).spawn().expect("psql starts"),
            end: self.psql(&format!("select pg_terminate_backend(pid) {holders}")),
        };
        let until = Instant::now() + PATIENCE;
        while self.ask(&format!("select count(*) {holders}")) != "1" {
            assert!(Instant::now() < until, "it is not held: {statement}");
        }
        held
    }

    /// What a statement answers, fields parted by `|`.
    pub(crate) fn ask(&self, statement: &str) -> String {
        answer(&mut self.psql(statement))
    }

    /// The same in another database; `Err` has the server's words.
    pub(crate) fn ask_in(&self, database: &str, statement: &str) -> Result<String, String> {
        answered(self.psql(statement).env("PGDATABASE", database))
    }

    /// The same as often as it is called, also while there is no API server to say where the database is.
    pub(crate) fn question(&self, statement: &str) -> impl FnMut() -> String + use<> {
        let mut psql = self.psql(statement);
        move || answer(&mut psql)
    }

    /// Waits until a statement answers this.
    pub(crate) fn wait_for(&self, statement: &str, answer: &str) {
        let (mut asked, until) = (self.question(statement), Instant::now() + PATIENCE);
        while asked() != answer {
            assert!(Instant::now() < until, "still not {answer}: {statement}");
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

fn answered(psql: &mut Command) -> Result<String, String> {
    let output = psql.output().expect("psql starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if output.status.success() { Ok(text(&output.stdout)) } else { Err(text(&output.stderr)) }
}

fn answer(psql: &mut Command) -> String {
    answered(psql).unwrap_or_else(|why| panic!("{psql:?}: {why}"))
}

/// A table that is held by a session of its own.
pub(crate) struct Held {
    holder: Child,
    end: Command,
}

impl Drop for Held {
    fn drop(&mut self) {
        let _ = self.end.output();
        let _ = self.holder.wait();
    }
}

/// A claim that dumps are written to: a folder of this machine, gone with the value.
pub(crate) struct Volume<'a> {
    space: &'a Namespace<'a>,
    /// The folder.
    pub(crate) folder: PathBuf,
    name: String,
    mounted: bool,
}

impl<'a> Volume<'a> {
    /// A claim of that name; of so many bytes at most, where that is said.
    pub(crate) fn new(space: &'a Namespace<'a>, claim: &str, most: Option<u64>) -> Self {
        let folder = std::env::temp_dir().join(format!("{}-{claim}", space.name()));
        fs::create_dir_all(&folder).expect("a folder for the volume");
        if let Some(most) = most {
            let size = format!("size={most}");
            let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&folder).status().expect("mount starts");
            assert!(mounted.success(), "a small file system");
        }
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).expect("a folder that every user may write to");
        let name = format!("{}-{claim}", space.name());
        space.apply(&format!(
            "apiVersion: v1\nkind: PersistentVolume\nmetadata: {{name: {name}}}\nspec:\n  capacity: {{storage: 1Gi}}\n  accessModes: [ReadWriteOnce]\n  \
             persistentVolumeReclaimPolicy: Retain\n  hostPath: {{path: {}}}\n---\napiVersion: v1\nkind: PersistentVolumeClaim\nmetadata: {{name: {claim}}}\n\
             spec:\n  storageClassName: \"\"\n  volumeName: {name}\n  accessModes: [ReadWriteOnce]\n  resources: {{requests: {{storage: 1Gi}}}}\n",
            folder.display()
        ));
        space.wait("the claim is bound", "v1", "PersistentVolumeClaim", claim, |claim| claim["status"]["phase"] == "Bound");
        Self { space, folder, name, mounted: most.is_some() }
    }

    /// Waits until it has a file whose name ends so.
    pub(crate) fn wait_for(&self, ending: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.files().iter().any(|name| name.ends_with(ending)) {
            assert!(Instant::now() < until, "no file *{ending}: {:?}", self.files());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Waits until it has so many files.
    pub(crate) fn wait_for_files(&self, count: usize) {
        let until = Instant::now() + PATIENCE;
        while self.files().len() != count {
            assert!(Instant::now() < until, "{:?}", self.files());
            std::thread::park_timeout(Duration::from_millis(20));
        }
    }

    /// Names of its files, sorted.
    pub(crate) fn files(&self) -> Vec<String> {
        let all = fs::read_dir(&self.folder).expect("the volume's folder").flatten();
        let mut names: Vec<String> = all.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort_unstable();
        names
    }
}

impl Drop for Volume<'_> {
    fn drop(&mut self) {
        // A test may have taken it away.
        if self.space.get("v1", "PersistentVolume", &self.name).is_some() {
            self.space.delete("v1", "PersistentVolume", &self.name);
        }
        if self.mounted {
            let _ = Command::new("umount").arg("-l").arg(&self.folder).status();
        }
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn manifest(settings: &str) -> String {
    // Made anew with each start: what a test writes lives as long as its pod.
    let start = "export LC_ALL=C TZ=UTC; printf %s \"$PASSWORD\" >/data/password; \
        initdb -D /data/pg -U shop -A scram-sha-256 --pwfile=/data/password -E UTF8 >/data/initdb.log 2>&1 || { cat /data/initdb.log; exit 1; }; \
        echo 'host all all all scram-sha-256' >>/data/pg/pg_hba.conf; \
        echo 'create database shop' | postgres --single -D /data/pg postgres >/dev/null 2>&1; \
        exec postgres -D /data/pg -k /data -c listen_addresses='*' -c fsync=off -c shared_buffers=16MB -c jit=off";
    let start = format!("{start} {settings}");
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: db}}\nstringData: {{password: {PASSWORD}}}\n---\n\
         apiVersion: v1\nkind: Service\nmetadata: {{name: db}}\nspec: {{clusterIP: None, selector: {{app: db}}, ports: [{{port: 5432}}]}}\n---\n\
         apiVersion: apps/v1\nkind: StatefulSet\nmetadata: {{name: db}}\nspec:\n  serviceName: db\n  selector: {{matchLabels: {{app: db}}}}\n  template:\n    \
         metadata: {{labels: {{app: db}}}}\n    spec:\n      terminationGracePeriodSeconds: 2\n      securityContext: {{runAsUser: 65534}}\n      \
         volumes: [{{name: data, emptyDir: {{}}}}]\n      containers:\n      - name: postgres\n        image: {DATABASE}\n        \
         imagePullPolicy: Never\n        command: [sh, -c, {start:?}]\n        \
         env: [{{name: PASSWORD, valueFrom: {{secretKeyRef: {{name: db, key: password}}}}}}]\n        \
         volumeMounts: [{{name: data, mountPath: /data}}]\n        \
         readinessProbe: {{exec: {{command: [sh, -c, 'PGPASSWORD=$PASSWORD psql -h 127.0.0.1 -U shop -d shop -c \"select 1\"']}}, periodSeconds: 1, timeoutSeconds: 10}}\n"
    )
}
