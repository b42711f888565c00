//! The text of a first service file.
//!
//! Owns its order and its comments: what can be told is written, what can only be guessed is proposed in a comment. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use super::workloads::{self, Found};
use crate::base::environment::EnvironmentKind;
use crate::cli::check::live::Live;
use crate::target::model::Kind;

/// Where it runs.
pub(super) struct Place {
    pub(super) context: String,
    pub(super) namespace: String,
    pub(super) cluster_uid: Option<String>,
    pub(super) kind: EnvironmentKind,
}

/// What the file says.
pub(super) struct Draft {
    place: Place,
    workloads: Vec<Found>,
}

impl Draft {
    /// From what is running.
    pub(super) fn of(live: &Live, place: Place) -> Self {
        Self { workloads: workloads::of(live, &place.namespace), place }
    }

    /// The file.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.head(&mut out);
        self.secrets(&mut out);
        self.environment(&mut out);
        for workload in &self.workloads {
            workload_of(workload, &mut out);
        }
        self.probes(&mut out);
        self.databases(&mut out);
        self.migrations(&mut out);
        out.push_str(PEOPLE);
        out
    }

    fn head(&self, out: &mut String) {
        let namespace = &self.place.namespace;
        let id: String = namespace.chars().take(40).collect();
        let _ = write!(
            out,
            "# {namespace}: written by `timonel init` from what was running. Correct it, then: timonel check FILE --live\n\
             # Editors complete it with `timonel schema service`. What begins with # is a proposal.\n\
             schema = 1\n\n[service]\nid   = {}\nname = {}\n# owner = \"who is asked about it\"\n# docs  = \"https://\"\n",
            quoted(id.trim_end_matches(['-', '.'])),
            quoted(namespace)
        );
    }

    fn secrets(&self, out: &mut String) {
        let mut consumers: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
        for workload in &self.workloads {
            for (secret, key) in &workload.keys {
                consumers.entry((secret, key)).or_default().insert(&workload.id);
            }
        }
        if consumers.is_empty() {
            return;
        }
        heading(out, "secrets: where they are, never what they are");
        for ((secret, key), who) in consumers {
            let who: Vec<String> = who.into_iter().map(quoted).collect();
            let _ = writeln!(
                out,
                "[secrets.{}]\nref = {}\nconsumers = [{}]",
                quoted(&format!("{secret}.{key}")),
                quoted(&format!("k8s:{secret}#{key}")),
                who.join(", ")
            );
        }
    }

    fn environment(&self, out: &mut String) {
        heading(out, "environment and target");
        let known = self.place.kind != EnvironmentKind::Unknown;
        let kind = if known { self.place.kind.word() } else { EnvironmentKind::Production.word() };
        let _ = writeln!(out, "[env.{kind}]");
        if known {
            let _ = writeln!(out, "kind = {}", quoted(kind));
        } else {
            let _ = writeln!(out, "kind = {}   # nothing says what it is: the strictest is taken", quoted(kind));
        }
        let _ = writeln!(
            out,
            "# confirm_floor = \"env\"   # the least that must be typed before a change\n[env.{kind}.target]\ntype = \"kubernetes\"\ncontext = {}\nnamespace = {}",
            quoted(&self.place.context),
            quoted(&self.place.namespace)
        );
        let _ = match &self.place.cluster_uid {
            Some(uid) => writeln!(out, "cluster_uid = {}   # another cluster under the same context is refused", quoted(uid)),
            None => writeln!(out, "# cluster_uid = \"\"   # could not be read: grant get on the namespace kube-system"),
        };
    }

    fn probes(&self, out: &mut String) {
        let asked: Vec<&Found> = self.workloads.iter().filter(|w| w.ready.is_some()).collect();
        if asked.is_empty() {
            return;
        }
        heading(out, "health checks that the console runs, on every pod");
        for workload in asked {
            let Some((port, path)) = &workload.ready else { continue };
            // A page for people to sign in is drawn without the database.
            let depth = if path.contains("/login") { "depth = \"shallow\"" } else { "# depth = \"database\"" };
            let _ = writeln!(
                out,
                "[[probe]]\nid = {}\nkind = \"http-each-pod\"\nworkload = {}\nport = {port}\npath = {}\n{depth}   # what a success proves\n",
                quoted(&format!("{}-ready", workload.id)),
                quoted(&workload.id),
                quoted(path)
            );
        }
    }

    fn databases(&self, out: &mut String) {
        for workload in self.workloads.iter().filter(|w| w.role == Some("database")) {
            heading(out, &format!("{} seems to be a database: declare it and its backup", workload.id));
            let id = quoted(&workload.id);
            let _ = writeln!(
                out,
                "# [[database]]\n# id = \"main\"\n# kind = \"postgres\"\n# workload = {id}\n# name = \"\"\n# user = \"\"\n#\n\
                 # [[backup]]\n# id = \"daily\"\n# kind = \"pg_dump\"\n# database = \"main\"\n# volume = \"a claim of its own\"\n# schedule = \"0 2 * * *\"\n# max_age = \"26h\"\n# verify = \"full-read\""
            );
        }
    }

    fn migrations(&self, out: &mut String) {
        let Some((workload, tool)) = self.workloads.iter().find_map(|w| Some((w, w.migrates?))) else { return };
        heading(out, &format!("{} seems to migrate with {tool}", workload.id));
        let id = quoted(&workload.id);
        let _ = writeln!(out, "# [migrations]\n# tool = \"{tool}\"\n# run_as = \"job\"\n# image = \"new\"\n# workload = {id}");
    }
}

fn workload_of(workload: &Found, out: &mut String) {
    if !out.contains("[[workload]]") {
        heading(out, "workloads");
    }
    let kind = match workload.kind {
        Kind::StatefulSet => "statefulset",
        Kind::DaemonSet => "daemonset",
        Kind::CronJob => "cronjob",
        Kind::Ingress => "ingress",
        _ => "deployment",
    };
    let _ = writeln!(out, "[[workload]]\nid = {}", quoted(&workload.id));
    match workload.role {
        Some(role) => {
            let _ = writeln!(out, "role = \"{role}\"");
        }
        None if workload.kind != Kind::CronJob => {
            let _ = writeln!(out, "# role = \"api\"   # api, database and ingress make the whole go down with them");
        }
        None => {}
    }
    let _ = writeln!(out, "kind = \"{kind}\"\nname = {}", quoted(&workload.name));
    let optional = [("container", &workload.container), ("image", &workload.image), ("hpa", &workload.hpa), ("tls_secret", &workload.tls_secret)];
    for (key, value) in optional {
        if let Some(value) = value {
            let _ = writeln!(out, "{key} = {}", quoted(value));
        }
    }
    if let Some(replicas) = workload.replicas.filter(|n| *n > 0) {
        let _ = writeln!(out, "# min_ready = {}   # fewer ready pods are refused", (replicas - 1).max(1));
    }
    out.push('\n');
}

/// Whom to call, for people to fill in.
const PEOPLE: &str = "
# ---------------------------------------------------------------- whom to call
# [[contact]]
# id = \"oncall\"
# role = \"On call\"
# phone = \"\"
# email = \"\"
# hours = \"24x7\"   # or business, rotation, \"Mon-Fri 09:00-18:00\"
#
# [[escalation]]
# level = \"P0\"
# when = \"Nothing works\"
# notify = [\"oncall\"]
# respond_within = \"15m\"
";

fn heading(out: &mut String, text: &str) {
    let end = out.trim_end().len();
    out.truncate(end);
    let _ = writeln!(out, "\n\n# ---------------------------------------------------------------- {text}");
}

/// A text as TOML writes it: JSON's strings are strings of TOML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
