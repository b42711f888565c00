//! Container images made from files of this machine: a docker-archive of one layer, without a daemon and without a registry.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::json;
use sha2::{Digest, Sha256};

/// A tar archive in memory (ustar), with fixed times and owners so that the same content has the same digest.
#[derive(Default)]
struct Tar(Vec<u8>);

/// What an entry of an archive is.
enum Entry<'a> {
    Folder,
    File { mode: u32, content: &'a [u8] },
    Link(&'a str),
}

impl Tar {
    fn add(&mut self, name: &str, entry: &Entry<'_>) {
        let (kind, mode, content, target): (u8, u32, &[u8], &str) = match entry {
            Entry::Folder => (b'5', 0o755, &[], ""),
            Entry::File { mode, content } => (b'0', *mode, content, ""),
            Entry::Link(target) => (b'2', 0o777, &[], target),
        };
        let mut head = [0u8; 512];
        let mut put = |at: usize, bytes: &[u8]| head[at..at + bytes.len()].copy_from_slice(bytes);
        put(0, name.as_bytes());
        put(100, format!("{mode:07o}\0").as_bytes());
        put(108, b"0000000\x000000000\0");
        put(124, format!("{:011o}\0", content.len()).as_bytes());
        put(136, b"00000000000\0");
        put(148, b"        ");
        put(156, &[kind]);
        put(157, target.as_bytes());
        put(257, b"ustar\x0000");
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        self.0.extend_from_slice(&head);
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    fn finish(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

/// A small service: answers /health on port 8000, writes a numbered line every `EVERY` seconds, ends at once when told to.
const APP: &str = r#"#!/bin/sh
trap 'echo "told to end"; exit 0' TERM INT
mkdir -p /tmp/www && echo ok >/tmp/www/health
httpd -p 8000 -h /tmp/www
echo "version $(cat /version) starts"
n=0
while :; do
  n=$((n + 1))
  echo "version $(cat /version) line $n"
  sleep "${EVERY:-1}" &
  wait $!
done
"#;

/// What holds a pod's namespaces open.
const PAUSE: &str = "#!/bin/sh\ntrap 'exit 0' TERM INT\nwhile :; do sleep 3600 & wait $!; done\n";

/// Writes the archive of one version of the application image: busybox, its applets, `/version` and `/bin/app`.
pub(crate) fn application(name: &str, version: &str, busybox: &[u8], applets: &[String], to: &Path) -> Result<(), String> {
    let mut layer = root(busybox, applets);
    layer.add("version", &Entry::File { mode: 0o644, content: format!("{version}\n").as_bytes() });
    layer.add("bin/app", &Entry::File { mode: 0o755, content: APP.as_bytes() });
    archive(&format!("{name}:{version}"), layer, &["/bin/app"], to)
}

/// Writes the archive of the image that holds a pod's namespaces.
pub(crate) fn pause(name: &str, busybox: &[u8], to: &Path) -> Result<(), String> {
    let mut layer = root(busybox, &["sh".to_owned(), "sleep".to_owned()]);
    layer.add("pause", &Entry::File { mode: 0o755, content: PAUSE.as_bytes() });
    archive(name, layer, &["/pause"], to)
}

/// PostgreSQL as a distribution puts it on a machine.
pub(crate) struct Postgres {
    /// Programs and libraries: `/usr/lib/postgresql/15`.
    pub(crate) home: PathBuf,
    /// What `initdb` copies from: `/usr/share/postgresql/15`.
    pub(crate) share: PathBuf,
}

/// Its programs that the tests use, with what they are linked with.
const PROGRAMS: &[&str] = &["postgres", "initdb", "psql", "pg_dump", "pg_restore"];
/// Its libraries that every database loads, and the one that counts statements.
const MODULES: &[&str] = &["plpgsql.so", "dict_snowball.so", "pg_stat_statements.so"];

/// Writes the archive of a database image: this machine's PostgreSQL beside busybox and its applets.
pub(crate) fn postgres(name: &str, postgres: &Postgres, busybox: &[u8], applets: &[String], to: &Path) -> Result<(), String> {
    archive(name, with_postgres(root(busybox, applets), postgres)?, &["/bin/sh"], to)
}

fn with_postgres(mut layer: Tar, postgres: &Postgres) -> Result<Tar, String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let mut files: BTreeSet<PathBuf> = MODULES.iter().map(|module| postgres.home.join("lib").join(module)).collect();
    files.extend(["GMT", "UTC"].map(|zone| Path::new("/usr/share/zoneinfo").join(zone)));
    files_below(&postgres.share, &mut files)?;
    for program in PROGRAMS {
        let path = postgres.home.join("bin").join(program);
        files.extend(linked_with(&path)?);
        layer.add(&format!("bin/{program}"), &Entry::Link(&path.display().to_string()));
        files.insert(path);
    }
    for file in &files {
        let mode = if file.starts_with(&postgres.share) { 0o644 } else { 0o755 };
        layer.add(file.display().to_string().trim_start_matches('/'), &Entry::File { mode, content: &read(file)? });
    }
    Ok(layer)
}

/// Writes the archive of an image that uploads: this machine's curl beside busybox and its applets.
pub(crate) fn curl(name: &str, curl: &Path, busybox: &[u8], applets: &[String], to: &Path) -> Result<(), String> {
    let mut layer = root(busybox, applets);
    for file in linked_with(curl)?.iter().map(PathBuf::as_path).chain([curl]) {
        let content = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
        layer.add(file.display().to_string().trim_start_matches('/'), &Entry::File { mode: 0o755, content: &content });
    }
    layer.add("bin/curl", &Entry::Link(&curl.display().to_string()));
    archive(name, layer, &["/bin/sh"], to)
}

/// The libraries that a program is linked with, and what loads them.
fn linked_with(program: &Path) -> Result<Vec<PathBuf>, String> {
    let listed = Command::new("ldd").arg(program).output().map_err(|error| format!("ldd: {error}"))?;
    let listed = String::from_utf8_lossy(&listed.stdout);
    Ok(listed.split_whitespace().filter(|word| word.starts_with('/')).map(PathBuf::from).collect())
}

fn files_below(folder: &Path, files: &mut BTreeSet<PathBuf>) -> Result<(), String> {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files_below(&path, files)?;
        } else if path.is_file() {
            files.insert(path);
        }
    }
    Ok(())
}

fn root(busybox: &[u8], applets: &[String]) -> Tar {
    let mut layer = Tar::default();
    for folder in ["bin/", "dev/", "etc/", "proc/", "sys/", "tmp/", "var/"] {
        layer.add(folder, &Entry::Folder);
    }
    layer.add("bin/busybox", &Entry::File { mode: 0o755, content: busybox });
    for applet in applets.iter().filter(|applet| *applet != "busybox") {
        layer.add(&format!("bin/{applet}"), &Entry::Link("busybox"));
    }
    layer.add(
        "etc/passwd",
        &Entry::File { mode: 0o644, content: b"root:x:0:0:root:/:/bin/sh\nnobody:x:65534:65534:nobody:/:/bin/sh\n" },
    );
    layer
}

fn archive(name: &str, layer: Tar, entrypoint: &[&str], to: &Path) -> Result<(), String> {
    Images::default().add(name, &[&Layer::of(layer)], entrypoint, &["PATH=/bin"], "/").write(to)
}

/// One layer, with its digest.
struct Layer {
    content: Vec<u8>,
    digest: String,
}

impl Layer {
    fn of(tar: Tar) -> Self {
        let content = tar.finish();
        Self { digest: hex(&content), content }
    }

    fn file(&self) -> String {
        format!("{}/layer.tar", self.digest)
    }
}

/// Images that are written into one archive, each layer once.
#[derive(Default)]
struct Images {
    whole: Tar,
    layers: BTreeSet<String>,
    manifest: Vec<serde_json::Value>,
}

impl Images {
    fn add(mut self, name: &str, layers: &[&Layer], entrypoint: &[&str], env: &[&str], folder: &str) -> Self {
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let digests: Vec<String> = layers.iter().map(|layer| format!("sha256:{}", layer.digest)).collect();
        let step = json!({"created": "2026-01-01T00:00:00Z", "created_by": "timonel tests"});
        let config = json!({
            "architecture": architecture, "os": "linux", "created": "2026-01-01T00:00:00Z",
            "config": {"Entrypoint": entrypoint, "Env": env, "WorkingDir": folder},
            "rootfs": {"type": "layers", "diff_ids": digests},
            "history": vec![step; layers.len()],
        })
        .to_string();
        let config_file = format!("{}.json", hex(config.as_bytes()));
        self.whole.add(&config_file, &Entry::File { mode: 0o644, content: config.as_bytes() });
        for layer in layers.iter().filter(|layer| self.layers.insert(layer.digest.clone())) {
            self.whole.add(&format!("{}/", layer.digest), &Entry::Folder);
            self.whole.add(&layer.file(), &Entry::File { mode: 0o644, content: &layer.content });
        }
        let files: Vec<String> = layers.iter().map(|layer| layer.file()).collect();
        self.manifest.push(json!({"Config": config_file, "RepoTags": [name], "Layers": files}));
        self
    }

    fn write(mut self, to: &Path) -> Result<(), String> {
        let manifest = serde_json::Value::Array(self.manifest).to_string();
        self.whole.add("manifest.json", &Entry::File { mode: 0o644, content: manifest.as_bytes() });
        fs::write(to, self.whole.finish()).map_err(|error| format!("{}: {error}", to.display()))
    }
}

/// What the images of a project are made on.
pub(crate) enum Base {
    /// A language with its tools, as a layer that is made already.
    Fetched {
        /// The layer.
        layer: PathBuf,
        /// Its SHA-256.
        sha256: String,
        /// What its programs find in their environment.
        env: &'static [&'static str],
    },
    /// This machine's PostgreSQL.
    Postgres(Postgres),
}

/// A release of a project that migrates a database: what is left out of its folder to make it an older one.
pub(crate) struct Release {
    /// The tag.
    pub(crate) tag: &'static str,
    /// The folder below `tests/cluster/projects`.
    pub(crate) project: &'static str,
    /// Its revisions, by the names of their files or folders; those of other releases are left out.
    pub(crate) revisions: &'static [&'static str],
}

/// Writes one archive with the images of these releases.
pub(crate) fn releases(name: &str, releases: &[Release], base: &Base, busybox: &[u8], applets: &[String], to: &Path) -> Result<(), String> {
    let read = |path: &Path| fs::read(path).map_err(|error| format!("{}: {error}", path.display()));
    let (below, own): (Vec<Layer>, &[&str]) = match base {
        Base::Fetched { layer, sha256, env } => {
            (vec![Layer::of(root(busybox, applets)), Layer { content: read(layer)?, digest: sha256.clone() }], env)
        }
        Base::Postgres(postgres) => (vec![Layer::of(with_postgres(root(busybox, applets), postgres)?)], &[]),
    };
    let env: Vec<&str> = own.iter().copied().chain(["PATH=/usr/bin:/bin"]).collect();
    let projects = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cluster/projects");
    let mut images = Images::default();
    for release in releases {
        let folder = projects.join(release.project);
        let (mut files, mut layer) = (BTreeSet::new(), Tar::default());
        files_below(&folder, &mut files)?;
        for file in &files {
            let within = file.strip_prefix(&folder).unwrap_or(file);
            if revision(within).is_some_and(|revision| !release.revisions.contains(&revision)) {
                continue;
            }
            layer.add(&format!("srv/app/{}", within.display()), &Entry::File { mode: 0o644, content: &read(file)? });
        }
        let layer = Layer::of(layer);
        let all: Vec<&Layer> = below.iter().chain([&layer]).collect();
        images = images.add(&format!("{name}:{}", release.tag), &all, &["/bin/sh"], &env, "/srv/app");
    }
    images.write(to)
}

/// The revision that a file of a project belongs to: a module of Python or a file of SQL by its name, one of Prisma by its folder.
fn revision(within: &Path) -> Option<&str> {
    let (stem, end) = (within.file_stem()?.to_str()?, within.extension()?.to_str()?);
    let folder = within.parent()?;
    match end {
        "py" => (folder.ends_with("versions") || folder.ends_with("shop/migrations") && stem != "__init__").then_some(stem),
        "sql" if stem == "migration" => folder.file_name()?.to_str(),
        "sql" => Some(stem),
        _ => None,
    }
}

/// SHA-256 in hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}
