//! The control plane: etcd, kube-apiserver, controller manager and scheduler, as plain processes on loopback.

use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use super::ports::Ports;
use super::process::Process;

/// How long a component may take to answer for the first time, on a busy machine.
const PATIENCE: Duration = Duration::from_mins(2);

/// A command line in the making.
pub(crate) struct Flags(Command);

impl Flags {
    /// Starts with the program.
    pub(crate) fn of(program: &Path) -> Self {
        Self(Command::new(program))
    }

    /// Adds `--name=value` for each line of `flags` that has words in it.
    pub(crate) fn with(mut self, flags: &str) -> Command {
        self.0.args(flags.split_whitespace().map(|flag| format!("--{flag}")));
        self.0
    }
}

/// Whether something answers on a port of this machine.
pub(crate) fn answers(port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::from(([127, 0, 0, 1], port)), Duration::from_millis(500)).is_ok()
}

/// etcd without syncing to disk: nothing in it outlives the bed.
pub(crate) fn etcd(program: &Path, folder: &Path, ports: &Ports) -> Result<Process, String> {
    let (client, peer, data) = (ports.etcd, ports.etcd_peer, folder.join("etcd"));
    let command = Flags::of(program).with(&format!(
        "name=bed data-dir={data} unsafe-no-fsync quota-backend-bytes=8000000000
         listen-client-urls=http://127.0.0.1:{client} advertise-client-urls=http://127.0.0.1:{client}
         listen-peer-urls=http://127.0.0.1:{peer} initial-advertise-peer-urls=http://127.0.0.1:{peer}
         initial-cluster=bed=http://127.0.0.1:{peer}",
        data = data.display(),
    ));
    let mut process = Process::start("etcd", command, folder)?;
    process.wait_until("opened its port", PATIENCE, || answers(client))?;
    Ok(process)
}

/// What the server writes down: every change that a user of the tests asked for, with its body. Tests judge by it what the program
/// sent, whatever the program says about it.
const AUDIT: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- {level: None, verbs: [get, list, watch]}
- {level: None, users: [admin], userGroups: ['system:masters']}
- {level: None, userGroups: ['system:nodes', 'system:serviceaccounts']}
- {level: Request}
";

/// The API server. No endpoint reconciler and an advertised address that nobody has: there is one of it, and no service network.
pub(crate) fn api_server(program: &Path, folder: &Path, ports: &Ports) -> Result<Process, String> {
    std::fs::write(folder.join("audit.yaml"), AUDIT).map_err(|error| error.to_string())?;
    let command = Flags::of(program).with(&format!(
        "etcd-servers=http://127.0.0.1:{etcd} secure-port={port} bind-address=127.0.0.1 advertise-address=10.0.0.1
         endpoint-reconciler-type=none service-cluster-ip-range=10.0.0.0/16 allow-privileged=true
         tls-cert-file={folder}/server.crt tls-private-key-file={folder}/server.key client-ca-file={folder}/ca.crt
         token-auth-file={folder}/tokens.csv authorization-mode=Node,RBAC
         service-account-issuer=https://kubernetes.default.svc service-account-key-file={folder}/accounts.pub
         service-account-signing-key-file={folder}/accounts.key
         kubelet-client-certificate={folder}/kubelet-client.crt kubelet-client-key={folder}/kubelet-client.key
         kubelet-preferred-address-types=InternalIP
         requestheader-client-ca-file={folder}/ca.crt requestheader-allowed-names=front-proxy
         requestheader-username-headers=X-Remote-User requestheader-group-headers=X-Remote-Group
         requestheader-extra-headers-prefix=X-Remote-Extra-
         proxy-client-cert-file={folder}/front.crt proxy-client-key-file={folder}/front.key
         audit-policy-file={folder}/audit.yaml audit-log-path={folder}/audit.log audit-log-mode=blocking
         max-requests-inflight=4000 max-mutating-requests-inflight=2000",
        etcd = ports.etcd,
        port = ports.api,
        folder = folder.display(),
    ));
    let mut process = Process::start("kube-apiserver", command, folder)?;
    process.wait_until("opened its port", PATIENCE, || answers(ports.api))?;
    Ok(process)
}

/// The controllers, quicker than a real cluster would let them be.
pub(crate) fn controller_manager(program: &Path, folder: &Path, ports: &Ports) -> Result<Process, String> {
    let command = Flags::of(program).with(&format!(
        "kubeconfig={folder}/admin.kubeconfig root-ca-file={folder}/ca.crt service-account-private-key-file={folder}/accounts.key
         use-service-account-credentials=false leader-elect=false bind-address=127.0.0.1 secure-port={port}
         kube-api-qps=3000 kube-api-burst=5000 concurrent-deployment-syncs=20 concurrent-replicaset-syncs=50
         horizontal-pod-autoscaler-sync-period=2s node-monitor-grace-period=3600s",
        folder = folder.display(),
        port = ports.controllers,
    ));
    Process::start("kube-controller-manager", command, folder)
}

/// The scheduler.
pub(crate) fn scheduler(program: &Path, folder: &Path, ports: &Ports) -> Result<Process, String> {
    let command = Flags::of(program).with(&format!(
        "kubeconfig={folder}/admin.kubeconfig leader-elect=false bind-address=127.0.0.1 secure-port={port} kube-api-qps=3000 kube-api-burst=5000",
        folder = folder.display(),
        port = ports.scheduler,
    ));
    Process::start("kube-scheduler", command, folder)
}
