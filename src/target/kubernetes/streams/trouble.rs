//! What is wrong with one stream, and the exact rule that would mend it.
//!
//! Owns the words of these problems. Problems of the connection as a whole are the pulse's.

use crate::base::problem::{Level, Problem};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::model::{Kind, Scope};
use crate::target::request::StreamKey;

/// The id of a stream's problem: `watch:pods`, `watch:pods@shop`.
pub(crate) fn id(key: &StreamKey) -> String {
    let resource = key.kind.resource();
    match key.scope.namespace() {
        Some(namespace) => format!("watch:{resource}@{namespace}"),
        None => format!("watch:{resource}"),
    }
}

/// The id of the problem that some objects of a stream cannot be read.
pub(crate) fn unreadable_id(key: &StreamKey) -> String {
    format!("{}:unreadable", id(key))
}

/// The problem that a failure is; `None` where nothing is amiss: a cluster without cert-manager has no Certificates.
pub(crate) fn problem(key: &StreamKey, error: &TargetError) -> Option<Problem> {
    if key.kind == Kind::Certificate && error.kind == ErrorKind::NotFound {
        return None;
    }
    let level = if is_optional(key.kind) { Level::Warning } else { Level::Error };
    let what = place(key);
    let (message, hint) = match error.kind {
        ErrorKind::Forbidden => (format!("No right to watch {what}."), Some(rule(key))),
        ErrorKind::NotFound => (
            format!("The server does not know {what}."),
            Some(format!("It may be older than the program supports: {} is missing.", key.kind.api_version())),
        ),
        _ => (format!("{} cannot be watched: {}.", capital(&what), error.message.trim_end_matches('.')), None),
    };
    let problem = Problem::new(level, id(key), message).about(what);
    Some(match hint {
        Some(hint) => problem.hint(hint),
        None => problem,
    })
}

/// Some objects are left out because they cannot be read.
pub(crate) fn unreadable(key: &StreamKey, count: u32) -> Problem {
    let what = place(key);
    let message = match count {
        1 => format!("1 of the {what} cannot be read and is left out."),
        n => format!("{n} of the {what} cannot be read and are left out."),
    };
    Problem::new(Level::Warning, unreadable_id(key), message).about(what)
}

/// The rule that would allow a stream, as one line of YAML, and where it belongs.
pub(crate) fn rule(key: &StreamKey) -> String {
    let rule = format!(r#"- {{apiGroups: ["{}"], resources: ["{}"], verbs: ["get", "list", "watch"]}}"#, key.kind.group(), key.kind.plural());
    match key.scope.namespace() {
        Some(namespace) => format!("Needs this rule in a Role of namespace '{namespace}': {rule}"),
        None if key.kind.namespaced() => format!("Needs this rule in a ClusterRole, or name namespaces with -n: {rule}"),
        None => format!("Needs this rule in a ClusterRole: {rule}"),
    }
}

/// What works without: contract.md 1, "optional data".
const fn is_optional(kind: Kind) -> bool {
    !matches!(
        kind,
        Kind::Pod | Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet | Kind::ReplicaSet | Kind::Job | Kind::CronJob | Kind::Service
    )
}

fn place(key: &StreamKey) -> String {
    let resource = key.kind.resource();
    match (key.scope.namespace(), &key.scope) {
        (Some(namespace), _) => format!("{resource} in {namespace}"),
        (None, Scope::Cluster) if key.kind.namespaced() => format!("{resource} in all namespaces"),
        _ => resource,
    }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|c| c.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{id, problem};
    use crate::base::problem::Level;
    use crate::target::api::{ErrorKind, TargetError};
    use crate::target::model::{Kind, Scope};
    use crate::target::request::StreamKey;

    #[test]
    fn a_missing_right_names_the_rule_that_would_mend_it() {
        let denied = TargetError::new(ErrorKind::Forbidden, "no");
        for (kind, scope, level, expected) in [
            (
                Kind::Deployment,
                Scope::Namespace("shop".into()),
                Level::Error,
                r#"Needs this rule in a Role of namespace 'shop': - {apiGroups: ["apps"], resources: ["deployments"], verbs: ["get", "list", "watch"]}"#,
            ),
            (
                Kind::Pod,
                Scope::Cluster,
                Level::Error,
                r#"Needs this rule in a ClusterRole, or name namespaces with -n: - {apiGroups: [""], resources: ["pods"], verbs: ["get", "list", "watch"]}"#,
            ),
            (
                Kind::Node,
                Scope::Cluster,
                Level::Warning,
                r#"Needs this rule in a ClusterRole: - {apiGroups: [""], resources: ["nodes"], verbs: ["get", "list", "watch"]}"#,
            ),
        ] {
            let problem = problem(&StreamKey { kind, scope }, &denied).expect("a problem");
            assert_eq!((problem.level, problem.hint.as_deref()), (level, Some(expected)));
        }
    }

    #[test]
    fn a_cluster_without_cert_manager_has_no_problem() {
        let key = StreamKey { kind: Kind::Certificate, scope: Scope::Cluster };
        assert_eq!(problem(&key, &TargetError::new(ErrorKind::NotFound, "404")), None);
        let denied = problem(&key, &TargetError::new(ErrorKind::Forbidden, "no")).expect("a problem");
        assert_eq!((denied.id.as_str(), denied.level), ("watch:certificates.cert-manager.io", Level::Warning));
        assert_eq!(id(&StreamKey { kind: Kind::Pod, scope: Scope::Namespace("a".into()) }), "watch:pods@a");
    }
}
