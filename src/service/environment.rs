//! Environments of a service: kind, floor of confirmation, banner, freezes, and where they run.
//!
//! Owns `[env.ID]`. Where a target's address comes from otherwise (kubeconfig, options) is not known here.

use std::collections::BTreeMap;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::base::confirmation::Confirmation;
use crate::base::environment::EnvironmentKind;
use crate::base::problem::{Level, Problem};
use crate::base::toml::{At, Entry, Table, quoted};

use super::Later;
use super::freeze::{self, Freeze};

/// One environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Environment {
    /// Id: the word after `env.` in the file.
    pub id: String,
    /// Its kind.
    pub kind: EnvironmentKind,
    /// The least confirmation of every changing action.
    pub confirm_floor: Confirmation,
    /// Words for the header; the kind's own word when the file gives none.
    pub banner: Option<String>,
    /// Roles of the operators who may act here; advisory.
    pub roles: Vec<String>,
    /// Times in which changes are frozen.
    pub freezes: Vec<Freeze>,
    /// Steps may run programs on this machine; not so in production, where nobody says otherwise.
    pub shell: bool,
    /// Where it runs.
    pub target: Target,
    /// `[env.ID.vars]`.
    pub(super) vars: BTreeMap<String, String>,
}

/// Where an environment runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// A namespace of a Kubernetes cluster.
    Kubernetes {
        /// Context of the kubeconfig; `None` = the current one.
        context: Option<String>,
        /// Namespace; `None` = the context's own.
        namespace: Option<String>,
        /// UID of the namespace kube-system: another cluster under the same context is refused.
        cluster_uid: Option<String>,
    },
    /// A kind of target that this version cannot look at yet, as the file writes it.
    Other(&'static str),
}

const TARGETS: [(&str, &str); 4] = [("kubernetes", "kubernetes"), ("compose", "compose"), ("dokploy", "dokploy"), ("shell-local", "shell-local")];

/// Reads all environments, in the order of the file. What is kept for later goes to `later`.
pub(super) fn decode(root: &Table<'_>, later: &mut Vec<Later>) -> Vec<Environment> {
    let Some(table) = root.table("env") else { return Vec::new() };
    table.entries().iter().filter_map(|(id, entry)| one(id, entry, later)).collect()
}

fn one(id: &At<String>, entry: &Entry<'_>, later: &mut Vec<Later>) -> Option<Environment> {
    let table = entry.table()?;
    let kind = table.word("kind", &EnvironmentKind::WORDS);
    if !table.has("kind") {
        table.error(
            &id.spot,
            format!("The environment '{}' has no kind.", id.value),
            Some("Write kind = \"production\" (or staging, development).".into()),
        );
    }
    // An environment whose kind cannot be read is treated as the strictest one.
    let kind = kind.map_or(EnvironmentKind::Unknown, |k| k.value);
    let shell = table.word("shell", &[("allow", true), ("forbid", false)]);
    let confirm_floor = table.word("confirm_floor", &Confirmation::WORDS);
    let environment = Environment {
        id: id.value.clone(),
        kind,
        confirm_floor: confirm_floor.map_or_else(|| kind.floor(), |floor| floor.value),
        banner: table.text("banner").map(|b| b.value),
        roles: table.texts("roles").into_iter().map(|r| r.value).collect(),
        freezes: table.tables("freeze").iter().filter_map(freeze::decode).collect(),
        shell: shell.map_or_else(|| kind.floor() < EnvironmentKind::Production.floor(), |s| s.value),
        target: table.table("target").map_or(Target::unnamed(), |t| target(&t, later)),
        vars: table.table("vars").map(|vars| texts(&vars)).unwrap_or_default(),
    };
    Later::note(&table, &["maintenance"], later);
    table.finish();
    Some(environment)
}

/// Id of the problem that a cluster is not the one that a file is pinned to.
pub const PIN: &str = "target:pin";

impl Environment {
    /// The freeze that holds now, and until when: of several, one that does not let the class of an action pass wins over all that do.
    /// Without a class: any.
    pub fn frozen(&self, class: Option<&str>, now: Timestamp, local: &TimeZone) -> Option<(&str, Timestamp)> {
        let holds = |freeze: &&Freeze| class.is_none_or(|class| !freeze.allows(class));
        let mut held = self.freezes.iter().filter(holds);
        held.find_map(|freeze| Some((freeze.name.as_str(), freeze.active_until(now, local)?)))
    }

    /// Why a cluster with this UID is not known to be the one that the environment is pinned to; `None` when it is, or when nothing is
    /// pinned. As long as there is an answer nothing is written (contract.md 11).
    pub fn not_the_pinned(&self, uid: Option<&str>) -> Option<Problem> {
        let Target::Kubernetes { cluster_uid: Some(pinned), .. } = &self.target else { return None };
        match uid {
            Some(uid) if uid == pinned => None,
            Some(uid) => Some(
                Problem::new(Level::Error, PIN, format!("This is not the cluster that the service file names: its UID is '{uid}', not '{pinned}'."))
                    .hint("nothing is written; check the context, or correct cluster_uid in the service file if the cluster was made anew"),
            ),
            None => Some(
                Problem::new(Level::Unknown, PIN, "Whether this is the cluster that the service file names is unknown: its UID cannot be read.")
                    .hint("nothing is written; grant: get namespaces/kube-system"),
            ),
        }
    }
}

impl Target {
    /// Kubernetes without anything pinned.
    const fn unnamed() -> Self {
        Self::Kubernetes { context: None, namespace: None, cluster_uid: None }
    }
}

fn target(table: &Table<'_>, later: &mut Vec<Later>) -> Target {
    let kind = table.word("type", &TARGETS).map_or("kubernetes", |t| t.value);
    if kind != "kubernetes" {
        later.push(Later { key: format!("env.target type {kind}"), spot: table.spot().clone() });
        // Its keys belong to a driver that is not there yet.
        table.entries();
        return Target::Other(kind);
    }
    let name = |key: &str| table.text(key).filter(|t| super::workload::is_name(table, key, t)).map(|t| t.value);
    let cluster_uid = table.text("cluster_uid").filter(|uid| is_uid(table, uid)).map(|uid| uid.value);
    let out = Target::Kubernetes { context: table.text("context").map(|c| c.value), namespace: name("namespace"), cluster_uid };
    Later::note(table, &["lock"], later);
    table.finish();
    out
}

fn is_uid(table: &Table<'_>, uid: &At<String>) -> bool {
    let groups: Vec<usize> = uid.value.split('-').map(str::len).collect();
    let good = groups == [8, 4, 4, 4, 12] && uid.value.chars().all(|c| c == '-' || c.is_ascii_hexdigit());
    if !good {
        let hint = "It is the UID of the namespace kube-system: kubectl get namespace kube-system -o jsonpath={.metadata.uid}";
        table.error(&uid.spot, format!("The cluster UID {} is no UID.", quoted(&uid.value)), Some(hint.into()));
    }
    good
}

fn texts(table: &Table<'_>) -> BTreeMap<String, String> {
    let reserved = |name: &At<String>| {
        let taken = matches!(name.value.as_str(), "name" | "kind");
        if taken {
            table.error(&name.spot, format!("'{}' cannot be a variable: ${{env.{}}} is the environment's own.", name.value, name.value), None);
        }
        !taken
    };
    let all = table.entries();
    all.into_iter()
        .filter(|(name, _)| reserved(name))
        .filter_map(|(name, entry)| Some((name.value, entry.text()?.value)))
        .collect()
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use crate::service::{Origin, ServiceFile};

    #[test]
    fn of_two_freezes_the_one_that_denies_wins_over_the_one_that_allows() {
        let freeze = |name: &str, allow: &str| {
            format!(
                "[[env.production.freeze]]\nname = \"{name}\"\ncron = \"0 16 * * 5\"\nduration = \"64h\"\nallow = [{allow}]\ntimezone = \"Etc/UTC\"\n"
            )
        };
        let text = format!(
            "schema = 1\n[service]\nid = \"shop\"\n[env.production]\nkind = \"production\"\n{}{}",
            freeze("friday", "\"deploy\", \"scale\""),
            freeze("sale", "\"scale\"")
        );
        let (file, problems) = ServiceFile::read("f.toml", &text, &Origin::Operator);
        assert!(problems.is_empty(), "{problems:?}");
        let environment = file.expect("a file").resolve(Some("production")).0.environment.expect("an environment");
        let at = |now: &str, class| environment.frozen(class, now.parse().expect("a time"), &TimeZone::UTC).map(|(name, _)| name);
        let (friday, thursday) = ("2026-11-20T18:00:00Z", "2026-11-19T18:00:00Z");
        assert_eq!(at(friday, Some("deploy")), Some("sale"), "allowed by one, denied by the other");
        assert_eq!((at(friday, Some("scale")), at(friday, Some("migrate")), at(friday, None)), (None, Some("friday"), Some("friday")));
        assert_eq!((at(thursday, Some("deploy")), at(thursday, None)), (None, None));
    }
}
