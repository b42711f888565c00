//! The kubeconfig as kubectl reads it: which files, merged how, and which cluster, user and namespace a context names.
//!
//! Owns the errors of bad input (which file, which line, did you mean). Must not open a connection nor run a program.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use kube::config::{AuthInfo, Cluster, Kubeconfig, KubeconfigError};

use super::error::{OpenError, shown};
use crate::base::problem::{Level, Problem, did_you_mean};
use crate::target::request::TargetSpec;

/// Where a cluster may be named, as the process finds it.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// `KUBECONFIG`.
    pub kubeconfig: Option<OsString>,
    /// The home folder.
    pub home: Option<PathBuf>,
    /// Whether this runs in a pod with a service account.
    pub in_cluster: bool,
}

impl Surroundings {
    /// As the process was started.
    pub fn of_process() -> Self {
        Self {
            kubeconfig: std::env::var_os("KUBECONFIG"),
            home: std::env::home_dir(),
            in_cluster: std::env::var_os("KUBERNETES_SERVICE_HOST").is_some()
                && Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists(),
        }
    }
}

/// Where the cluster is named.
#[derive(Debug, Clone)]
pub enum Named {
    /// By a context of a kubeconfig.
    Context(Box<Chosen>),
    /// By the pod this runs in.
    InCluster,
}

/// A context and what it names.
#[derive(Debug, Clone)]
pub struct Chosen {
    /// All files merged.
    pub merged: Kubeconfig,
    /// Name of the context.
    pub context: String,
    /// Name of its cluster.
    pub cluster_name: String,
    /// Its cluster.
    pub cluster: Cluster,
    /// Name of its user; empty = none.
    pub user_name: String,
    /// Its user; empty = anonymous.
    pub user: AuthInfo,
    /// Its namespace.
    pub namespace: Option<String>,
    /// The files that were read, in the order in which they count.
    pub files: Vec<PathBuf>,
    /// What is odd about it, and works all the same.
    pub problems: Vec<Problem>,
}

impl Chosen {
    /// Names of all contexts.
    pub fn contexts(&self) -> Vec<String> {
        self.merged.contexts.iter().map(|c| c.name.clone()).collect()
    }
}

/// Finds the cluster that `spec` names. Reads files; call it where blocking is allowed.
pub fn find(spec: &TargetSpec, surroundings: &Surroundings) -> Result<Named, OpenError> {
    let paths = paths(spec, surroundings);
    let (merged, files) = read(&paths)?;
    if merged.contexts.is_empty() && merged.clusters.is_empty() {
        if surroundings.in_cluster && spec.context.is_none() && spec.kubeconfig.is_none() {
            return Ok(Named::InCluster);
        }
        return Err(nothing(&paths, !files.is_empty()));
    }
    choose(merged, spec.context.as_deref(), files).map(|c| Named::Context(Box::new(c)))
}

struct Paths {
    list: Vec<PathBuf>,
    /// Given with `--kubeconfig`: each must exist.
    explicit: bool,
}

fn paths(spec: &TargetSpec, surroundings: &Surroundings) -> Paths {
    let split = |value: &std::ffi::OsStr| std::env::split_paths(value).filter(|p| !p.as_os_str().is_empty()).collect::<Vec<_>>();
    if let Some(given) = &spec.kubeconfig {
        let whole = PathBuf::from(given);
        let list = if whole.exists() { vec![whole] } else { split(given.as_ref()) };
        return Paths { list, explicit: true };
    }
    let from_variable = surroundings.kubeconfig.as_deref().map(split).unwrap_or_default();
    if !from_variable.is_empty() {
        return Paths { list: from_variable, explicit: false };
    }
    let list = surroundings.home.iter().map(|h| h.join(".kube/config")).collect();
    Paths { list, explicit: false }
}

/// Reads and merges; the first file to name something wins.
fn read(paths: &Paths) -> Result<(Kubeconfig, Vec<PathBuf>), OpenError> {
    let mut merged = Kubeconfig::default();
    let mut files = Vec::new();
    for path in &paths.list {
        if !paths.explicit && !path.exists() {
            continue;
        }
        let mut next = Kubeconfig::read_from(path).map_err(|e| unreadable(path, &e))?;
        // Go's empty string is "not set"; kube's is a name.
        next.current_context = next.current_context.filter(|c| !c.is_empty());
        merged = merged.merge(next).map_err(|e| unreadable(path, &e))?;
        files.push(path.clone());
    }
    Ok((merged, files))
}

fn choose(merged: Kubeconfig, wanted: Option<&str>, files: Vec<PathBuf>) -> Result<Chosen, OpenError> {
    let names = || merged.contexts.iter().map(|c| c.name.as_str());
    let Some(name) = wanted.or(merged.current_context.as_deref()) else {
        let hint = format!("Choose one with --context: {}.", list(names()));
        return Err(broken("The kubeconfig has no current context.", &files).hint(hint).into());
    };
    let found = merged.contexts.iter().find(|c| c.name == name).and_then(|c| c.context.clone());
    let Some(context) = found else {
        let message = format!("There is no context '{}' in the kubeconfig.", shown(name));
        return Err(broken(&message, &files).hint(instead(name, names())).into());
    };
    let cluster_names = || merged.clusters.iter().map(|c| c.name.as_str());
    let found = merged.clusters.iter().find(|c| c.name == context.cluster).and_then(|c| c.cluster.clone());
    let Some(cluster) = found else {
        let message = format!("Context '{}' names the cluster '{}', which is not in the kubeconfig.", shown(name), shown(&context.cluster));
        return Err(broken(&message, &files).hint(instead(&context.cluster, cluster_names())).into());
    };
    let user_name = context.user.unwrap_or_default();
    let user = merged.auth_infos.iter().find(|u| u.name == user_name).and_then(|u| u.auth_info.clone());
    let mut problems = oddities(&cluster, &context.cluster);
    if user.is_none() && !user_name.is_empty() {
        let message = format!("Context '{}' names the user '{}', which is not in the kubeconfig.", shown(name), shown(&user_name));
        problems.push(Problem::new(Level::Warning, "target:user", message).hint("Requests go out without credentials."));
    }
    Ok(Chosen {
        context: name.to_owned(),
        cluster_name: context.cluster,
        cluster,
        user_name,
        user: user.unwrap_or_default(),
        namespace: context.namespace.filter(|n| !n.is_empty()),
        files,
        problems,
        merged,
    })
}

/// What makes a connection less safe than it looks.
fn oddities(cluster: &Cluster, name: &str) -> Vec<Problem> {
    let mut problems = Vec::new();
    let server = cluster.server.as_deref().unwrap_or_default();
    if cluster.insecure_skip_tls_verify == Some(true) {
        let message = "The server's certificate is not checked (insecure-skip-tls-verify): anybody on the way may read and change what is sent.";
        let hint = "Put the cluster's certificate authority into the kubeconfig instead.";
        problems.push(Problem::new(Level::Warning, "target:insecure-tls", message).about(shown(name)).hint(hint));
    }
    let loopback = server.parse().is_ok_and(|uri| super::client::is_loopback(&uri));
    if server.starts_with("http://") && !loopback {
        let message = "The connection is not encrypted (http://): credentials and Secrets travel in the clear.";
        problems.push(Problem::new(Level::Warning, "target:no-tls", message).about(shown(name)).hint("Use the https:// address."));
    }
    problems
}

/// A problem on its way to be an [`OpenError`] of the configuration.
struct Broken(Problem);

impl Broken {
    fn hint(self, hint: String) -> Self {
        Self(self.0.hint(hint))
    }
}

impl From<Broken> for OpenError {
    fn from(broken: Broken) -> Self {
        Self::configuration(broken.0)
    }
}

fn broken(message: &str, files: &[PathBuf]) -> Broken {
    let problem = Problem::new(Level::Error, "target:kubeconfig", message);
    let place: Vec<&str> = files.iter().map(|f| f.to_str().unwrap_or("?")).collect();
    Broken(if files.is_empty() { problem } else { problem.at(shown(&place.join(":")), None, None) })
}

fn instead<'a>(typed: &str, names: impl Iterator<Item = &'a str> + Clone) -> String {
    match did_you_mean(typed, names.clone()) {
        Some(name) => format!("Did you mean '{}'?", shown(name)),
        None => format!("There are: {}.", list(names)),
    }
}

/// At most ten names, quoted.
fn list<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let names: Vec<&str> = names.collect();
    let more = names.len().saturating_sub(10);
    let quoted: Vec<String> = names.iter().take(10).map(|n| format!("'{}'", shown(n))).collect();
    match (quoted.is_empty(), more) {
        (true, _) => "none".into(),
        (false, 0) => quoted.join(", "),
        (false, more) => format!("{} and {more} more", quoted.join(", ")),
    }
}

fn nothing(paths: &Paths, read: bool) -> OpenError {
    let looked = list(paths.list.iter().map(|p| p.to_str().unwrap_or("?")));
    let message = if read {
        format!("The kubeconfig names no cluster ({looked}).")
    } else {
        format!("There is no kubeconfig: looked for {looked}, and this is not a pod of a cluster.")
    };
    let hint = "Set KUBECONFIG or --kubeconfig, or try `timonel demo`, which needs none.";
    OpenError::configuration(Problem::new(Level::Error, "target:kubeconfig", message).hint(hint))
}

fn unreadable(path: &Path, error: &KubeconfigError) -> OpenError {
    let file = shown(&path.display().to_string());
    let problem = |message: String| Problem::new(Level::Error, "target:kubeconfig", message);
    OpenError::configuration(match error {
        KubeconfigError::ReadConfig(why, _) => problem(format!("The kubeconfig '{file}' cannot be read: {}.", shown(&why.to_string())))
            .at(file.clone(), None, None)
            .hint("Check the path and its permissions."),
        KubeconfigError::Parse(why) => {
            let place = why.location();
            let line = place.and_then(|l| usize::try_from(l.line()).ok());
            let column = place.and_then(|l| usize::try_from(l.column()).ok());
            let position = line.map_or(String::new(), |l| format!(", line {l}"));
            problem(format!("The kubeconfig '{file}' is malformed{position}: {}.", without_values(why)))
                .at(file, line, column)
                .hint("`kubectl config view` reads the same file.")
        }
        other => problem(format!("The kubeconfig '{file}' does not fit the others: {}.", shown(&other.to_string()))).at(file, None, None),
    })
}

/// The parser's words without the snippet and without quoted values, which may be a token or a key.
fn without_values(error: &serde_saphyr::Error) -> String {
    let mut inner = error;
    while let serde_saphyr::Error::WithSnippet { error, .. } = inner {
        inner = error;
    }
    let text = inner.to_string();
    let line = text.lines().next().unwrap_or_default();
    let line = line.split(" at line ").next().unwrap_or(line);
    match (line.find(": string \""), line.rfind("\", expected")) {
        (Some(start), Some(end)) if start < end => shown(&format!("{}: a text{}", &line[..start], &line[end + 1..])),
        _ => shown(line),
    }
}

#[cfg(test)]
mod tests;
