//! One real node: containerd and a kubelet with pods that run.
//!
//! It has a bridge, a network, a control group and a state folder of its own, so that it neither meets the machine's own
//! containerd nor another bed's kubelet (which would clean up pods it does not know in a control group that they share).

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::json;

use super::control::{Flags, answers};
use super::image;
use super::ports::Ports;
use super::process::Process;

/// The application image without its tag.
pub(crate) const IMAGE: &str = "docker.io/timonel/app";
/// Its tags.
pub(crate) const VERSIONS: &[&str] = &["1.0.0", "1.1.0", "1.2.0"];
/// The image with PostgreSQL, which is there when the machine has one.
pub(crate) const DATABASE: &str = "docker.io/timonel/postgres:bed";
/// The images that migrate a database, without their tags; they are there when `fetch-python` and `fetch-node` were run.
pub(crate) const MIGRATIONS: &str = "docker.io/timonel/migrations";
const OF_PYTHON: &[image::Release] = &[
    image::Release { tag: "alembic-1", project: "alembic", revisions: &["a1_rules"] },
    image::Release { tag: "alembic-2", project: "alembic", revisions: &["a1_rules", "b2_note"] },
    image::Release { tag: "alembic-3", project: "alembic", revisions: &["a1_rules", "b2_note", "c3_drop"] },
    image::Release { tag: "alembic-broken", project: "alembic", revisions: &["a1_rules", "b2_note", "d4_unique"] },
    image::Release { tag: "alembic-forked", project: "alembic", revisions: &["a1_rules", "b2_note", "c3_drop", "e5_fork"] },
    // One that migrates nothing, and shows measures.
    image::Release { tag: "metrics", project: "metrics", revisions: &[] },
    image::Release { tag: "django-1", project: "django", revisions: &["0001_rules"] },
    image::Release { tag: "django-2", project: "django", revisions: &["0001_rules", "0002_note"] },
    image::Release { tag: "django-3", project: "django", revisions: &["0001_rules", "0002_note", "0003_drop"] },
];
const OF_NODE: &[image::Release] = &[
    image::Release { tag: "prisma-1", project: "prisma", revisions: &["20260101000000_rules"] },
    image::Release { tag: "prisma-2", project: "prisma", revisions: &["20260101000000_rules", "20260201000000_note"] },
    image::Release {
        tag: "prisma-3",
        project: "prisma",
        revisions: &["20260101000000_rules", "20260201000000_note", "20260301000000_drop"],
    },
    image::Release {
        tag: "prisma-broken",
        project: "prisma",
        revisions: &["20260101000000_rules", "20260201000000_note", "20260401000000_unique"],
    },
];
const OF_SQL: &[image::Release] = &[
    image::Release { tag: "sql-1", project: "sql", revisions: &["0001_rules"] },
    image::Release { tag: "sql-2", project: "sql", revisions: &["0001_rules", "0002_note"] },
    image::Release { tag: "sql-3", project: "sql", revisions: &["0001_rules", "0002_note", "0003_drop"] },
    image::Release { tag: "sql-broken", project: "sql", revisions: &["0001_rules", "0002_note", "0004_unique"] },
    image::Release { tag: "sql-index", project: "sql", revisions: &["0001_rules", "0002_note", "0005_index"] },
    // The form of golang-migrate: what goes on and what goes back in files of their own, one row that may be dirty.
    image::Release { tag: "sql-up-1", project: "sql-up", revisions: &["1_rules.up", "1_rules.down"] },
    image::Release { tag: "sql-up-2", project: "sql-up", revisions: &["1_rules.up", "1_rules.down", "2_note.up", "2_note.down"] },
];
/// The image with curl, which is there when the machine has it.
pub(crate) const UPLOADER: &str = "docker.io/timonel/curl:bed";
/// The node's name.
pub(crate) const NAME: &str = "real-1";

const PAUSE: &str = "registry.k8s.io/pause:3.10";

/// Where one node lives.
pub(crate) struct Node<'a> {
    /// The bed's folder, with the certificates.
    pub(crate) bed: &'a Path,
    /// Name of bridge and control group.
    pub(crate) tag: &'a str,
    /// First three numbers of the pods' network.
    pub(crate) network: [u8; 3],
    pub(crate) ports: &'a Ports,
}

/// Folders where distributions put the network plugins.
const PLUGINS: &[&str] = &["/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"];

/// What this machine lacks to run real pods, in words.
pub(crate) fn missing() -> Vec<String> {
    let mut missing = Vec::new();
    if !rustix::process::geteuid().is_root() {
        missing.push("root".to_owned());
    }
    for program in ["containerd", "ctr", "runc", "ip", "umount"] {
        if which(program).is_none() {
            missing.push(program.to_owned());
        }
    }
    if plugins().is_none() {
        missing.push("CNI plugins (containernetworking-plugins)".to_owned());
    }
    if busybox().is_none() {
        missing.push("busybox (busybox-static)".to_owned());
    }
    missing
}

/// Looks a program up as a shell would, and where system programs are.
pub(crate) fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin:/usr/local/go/bin";
    path.split(':').map(|folder| Path::new(folder).join(program)).find(|path| path.is_file())
}

fn plugins() -> Option<&'static str> {
    PLUGINS.iter().copied().find(|folder| Path::new(folder).join("bridge").is_file())
}

fn busybox() -> Option<PathBuf> {
    ["/bin/busybox", "/usr/bin/busybox"].iter().map(PathBuf::from).find(|path| path.is_file())
}

/// The newest PostgreSQL server of this machine, where Debian puts it.
pub(crate) fn postgres() -> Option<image::Postgres> {
    let versions = fs::read_dir("/usr/lib/postgresql")
        .ok()?
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let all = versions.map(|version| image::Postgres {
        home: PathBuf::from(format!("/usr/lib/postgresql/{version}")),
        share: PathBuf::from(format!("/usr/share/postgresql/{version}")),
    });
    all.filter(|postgres| postgres.home.join("bin/postgres").is_file())
        .max_by_key(|postgres| postgres.home.clone())
}

/// Python with Alembic and Django, where `fetch-python` puts it.
pub(crate) fn python() -> Option<image::Base> {
    fetched("python", &[])
}

/// Node with Prisma, where `fetch-node` puts it.
pub(crate) fn node() -> Option<image::Base> {
    // Programs that Prisma would download; its other engine, which the project has, needs neither.
    fetched("node", &["PRISMA_SCHEMA_ENGINE_BINARY=/bin/true", "PRISMA_QUERY_ENGINE_LIBRARY=/bin/true"])
}

fn fetched(name: &str, env: &'static [&'static str]) -> Option<image::Base> {
    let folder = super::build::cache().ok()?.join(name);
    let sha256 = fs::read_to_string(folder.join("layer.sha256")).ok()?.trim().to_owned();
    let layer = folder.join("layer.tar");
    layer.is_file().then_some(image::Base::Fetched { layer, sha256, env })
}

impl Node<'_> {
    fn folder(&self) -> PathBuf {
        self.bed.join("node")
    }

    fn socket(&self) -> PathBuf {
        self.folder().join("containerd.sock")
    }

    /// The node's own address: the bridge's, which only this machine can reach.
    pub(crate) fn address(network: [u8; 3]) -> String {
        let [a, b, c] = network;
        format!("{a}.{b}.{c}.1")
    }

    /// Makes the bridge and the control groups.
    pub(crate) fn prepare(&self) -> Result<(), String> {
        let address = format!("{}/24", Self::address(self.network));
        run("ip", &["link", "add", self.tag, "type", "bridge"])?;
        run("ip", &["address", "add", &address, "dev", self.tag])?;
        run("ip", &["link", "set", self.tag, "up"])?;
        let root = Path::new("/sys/fs/cgroup");
        if root.join("cgroup.controllers").is_file() {
            // Version 2: a group has the controllers that its parent hands down. What the parent does not have cannot be handed.
            for controller in ["+cpuset", "+cpu", "+io", "+memory", "+pids", "+hugetlb"] {
                let _ = fs::write(root.join("cgroup.subtree_control"), controller);
            }
            return fs::create_dir_all(root.join(self.tag)).map_err(|error| format!("control group: {error}"));
        }
        let hierarchies = fs::read_dir(root).map_err(|error| format!("{}: {error}", root.display()))?;
        for hierarchy in hierarchies.flatten().map(|entry| entry.path()).filter(|path| path.is_dir() && !path.is_symlink()) {
            let group = hierarchy.join(self.tag);
            let _ = fs::create_dir_all(&group);
            for file in ["cpuset.cpus", "cpuset.mems"] {
                if let Ok(value) = fs::read_to_string(hierarchy.join(file)) {
                    let _ = fs::write(group.join(file), value);
                }
            }
        }
        Ok(())
    }

    /// Starts containerd and gives it the images.
    pub(crate) fn containerd(&self) -> Result<Process, String> {
        let folder = self.folder();
        for name in ["root", "state", "cni", "images", "kubelet"] {
            fs::create_dir_all(folder.join(name)).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::write(folder.join("containerd.toml"), self.containerd_settings()).map_err(|error| error.to_string())?;
        fs::write(folder.join("cni/10-bed.conflist"), self.network_settings()).map_err(|error| error.to_string())?;
        let mut command = Command::new("containerd");
        command.arg("-c").arg(folder.join("containerd.toml")).env("PATH", path_with_system_folders());
        let mut process = Process::start("containerd", command, self.bed)?;
        let socket = self.socket();
        process.wait_until("answered", Duration::from_mins(1), || self.ctr(&["version"]).is_ok() && socket.exists())?;
        self.import_images()?;
        Ok(process)
    }

    fn containerd_settings(&self) -> String {
        format!(
            "version = 2\nroot = \"{folder}/root\"\nstate = \"{folder}/state\"\n[grpc]\n  address = \"{folder}/containerd.sock\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\"]\n  sandbox_image = \"{PAUSE}\"\n  restrict_oom_score_adj = true\n  \
             netns_mounts_under_state_dir = true\n\
             [plugins.\"io.containerd.grpc.v1.cri\".containerd]\n  snapshotter = \"overlayfs\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\".containerd.runtimes.runc]\n  runtime_type = \"io.containerd.runc.v2\"\n\
             [plugins.\"io.containerd.grpc.v1.cri\".cni]\n  bin_dir = \"{plugins}\"\n  conf_dir = \"{folder}/cni\"\n",
            folder = self.folder().display(),
            plugins = plugins().unwrap_or(PLUGINS[0]),
        )
    }

    fn network_settings(&self) -> String {
        let [a, b, c] = self.network;
        let ipam = json!({
            "type": "host-local", "dataDir": self.folder().join("ipam"), "routes": [{"dst": "0.0.0.0/0"}],
            "ranges": [[{"subnet": format!("{a}.{b}.{c}.0/24"), "rangeStart": format!("{a}.{b}.{c}.10")}]],
        });
        let bridge = json!({"type": "bridge", "bridge": self.tag, "isGateway": true, "ipMasq": false, "ipam": ipam});
        json!({"cniVersion": "0.4.0", "name": self.tag, "plugins": [bridge]}).to_string()
    }

    fn import_images(&self) -> Result<(), String> {
        let path = busybox().ok_or("busybox is missing")?;
        let busybox = fs::read(&path).map_err(|error| format!("{}: {error}", path.display()))?;
        let list = Command::new(&path).arg("--list").output().map_err(|error| format!("{}: {error}", path.display()))?;
        let applets: Vec<String> = String::from_utf8_lossy(&list.stdout).lines().map(str::to_owned).collect();
        let archive = self.folder().join("images/image.tar");
        image::pause(PAUSE, &busybox, &archive)?;
        self.import(&archive)?;
        for version in VERSIONS {
            image::application(IMAGE, version, &busybox, &applets, &archive)?;
            self.import(&archive)?;
        }
        if let Some(postgres) = postgres() {
            image::postgres(DATABASE, &postgres, &busybox, &applets, &archive)?;
            self.import(&archive)?;
        }
        let of_sql = postgres().map(image::Base::Postgres);
        for (base, releases) in [(python(), OF_PYTHON), (node(), OF_NODE), (of_sql, OF_SQL)] {
            if let Some(base) = base {
                image::releases(MIGRATIONS, releases, &base, &busybox, &applets, &archive)?;
                self.import(&archive)?;
            }
        }
        if let Some(curl) = which("curl") {
            image::curl(UPLOADER, &curl, &busybox, &applets, &archive)?;
            self.import(&archive)?;
        }
        Ok(())
    }

    fn import(&self, archive: &Path) -> Result<(), String> {
        self.ctr(&["--namespace", "k8s.io", "images", "import", &archive.display().to_string()])
    }

    fn ctr(&self, arguments: &[&str]) -> Result<(), String> {
        let socket = self.socket().display().to_string();
        run("ctr", &[&["--address", &socket], arguments].concat())
    }

    /// Starts the kubelet.
    pub(crate) fn kubelet(&self, program: &Path) -> Result<Process, String> {
        let folder = self.folder();
        let settings = folder.join("kubelet.json");
        fs::write(&settings, format!("{:#}\n", self.kubelet_settings())).map_err(|error| error.to_string())?;
        let command = Flags::of(program).with(&format!(
            "config={settings} kubeconfig={bed}/admin.kubeconfig hostname-override={NAME} node-ip={address} root-dir={folder}/kubelet
             node-labels=timonel.test/node=real register-node=true v=1",
            settings = settings.display(),
            bed = self.bed.display(),
            address = Self::address(self.network),
            folder = folder.display(),
        ));
        let mut process = Process::start("kubelet", command, self.bed)?;
        let (port, address) = (self.ports.kubelet, Self::address(self.network));
        process.wait_until("opened its port", Duration::from_mins(1), || {
            answers(port) || std::net::TcpStream::connect((address.as_str(), port)).is_ok()
        })?;
        Ok(process)
    }

    fn kubelet_settings(&self) -> serde_json::Value {
        json!({
            "apiVersion": "kubelet.config.k8s.io/v1beta1", "kind": "KubeletConfiguration",
            "failCgroupV1": false, "cgroupDriver": "cgroupfs", "cgroupRoot": format!("/{}", self.tag), "cgroupsPerQOS": true,
            "enforceNodeAllocatable": [], "failSwapOn": false,
            "containerRuntimeEndpoint": format!("unix://{}", self.socket().display()),
            "authentication": {"anonymous": {"enabled": false}, "webhook": {"enabled": true}, "x509": {"clientCAFile": self.bed.join("ca.crt")}},
            "authorization": {"mode": "Webhook"},
            "address": Self::address(self.network), "port": self.ports.kubelet, "healthzPort": 0, "readOnlyPort": 0,
            "tlsCertFile": self.bed.join("kubelet.crt"), "tlsPrivateKeyFile": self.bed.join("kubelet.key"),
            "imageGCHighThresholdPercent": 100,
            "evictionHard": {"memory.available": "50Mi", "nodefs.available": "0%", "nodefs.inodesFree": "0%", "imagefs.available": "0%"},
            // Without an address here the kubelet warns on every pod; nothing answers there, and nothing asks.
            "clusterDNS": ["10.0.0.10"], "clusterDomain": "cluster.local",
            "podLogsDir": self.folder().join("pod-logs"),
            // Crash loops show their first restarts within seconds; the wait between two grows to this at most.
            "crashLoopBackOff": {"maxContainerRestartPeriod": "20s"},
            "syncFrequency": "10s", "nodeStatusUpdateFrequency": "5s",
        })
    }
}

fn path_with_system_folders() -> String {
    std::env::var("PATH").unwrap_or_default() + ":/usr/local/sbin:/usr/sbin:/sbin"
}

fn run(program: &str, arguments: &[&str]) -> Result<(), String> {
    let mut command = Command::new(which(program).ok_or_else(|| format!("{program} is not installed"))?);
    let output = command.args(arguments).stdin(Stdio::null()).output().map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{program} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim()))
}
