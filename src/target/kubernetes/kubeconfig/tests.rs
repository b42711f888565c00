use std::path::{Path, PathBuf};

use super::{Chosen, Named, Surroundings, find};
use crate::base::problem::Place;
use crate::target::kubernetes::error::{OpenCause, OpenError};
use crate::target::request::TargetSpec;

const ONE: &str = "
apiVersion: v1
kind: Config
current-context: prod
clusters:
- {name: c1, cluster: {server: 'https://one.example:6443', certificate-authority: ca.crt}}
users:
- {name: u1, user: {token: secret-one}}
contexts:
- {name: prod, context: {cluster: c1, user: u1, namespace: shop}}
";
const TWO: &str = "
current-context: stage
clusters:
- {name: c1, cluster: {server: 'https://impostor.example'}}
- {name: c2, cluster: {server: 'https://two.example', insecure-skip-tls-verify: true}}
users:
- {name: u2, user: {token: secret-two}}
contexts:
- {name: stage, context: {cluster: c2, user: u2}}
- {name: lost, context: {cluster: c3, user: u2}}
- {name: nobody, context: {cluster: c2, user: u9}}
";

struct Folder(tempfile::TempDir);

impl Folder {
    fn with(files: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        Self(folder)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// `KUBECONFIG` of these files.
    fn variable(&self, names: &[&str]) -> Surroundings {
        let paths = std::env::join_paths(names.iter().map(|n| if n.is_empty() { PathBuf::new() } else { self.path(n) }));
        Surroundings { kubeconfig: Some(paths.unwrap()), home: Some(self.path("home")), in_cluster: false }
    }
}

fn context(name: &str) -> TargetSpec {
    TargetSpec { context: Some(name.into()), ..TargetSpec::default() }
}

fn explicit(path: &Path) -> TargetSpec {
    TargetSpec { kubeconfig: Some(path.to_str().unwrap().into()), ..TargetSpec::default() }
}

fn chosen(named: Result<Named, OpenError>) -> Chosen {
    match named.unwrap() {
        Named::Context(chosen) => *chosen,
        Named::InCluster => panic!("in cluster"),
    }
}

fn refused(named: Result<Named, OpenError>) -> (String, String) {
    let error = named.unwrap_err();
    assert_eq!((error.cause, error.exit_code()), (OpenCause::Configuration, 78));
    (error.problem.message.clone(), error.problem.hint.clone().unwrap_or_default())
}

#[test]
fn several_files_are_merged_and_the_first_to_name_something_wins() {
    let folder = Folder::with(&[("a", ONE), ("b", TWO)]);
    let got = chosen(find(&TargetSpec::default(), &folder.variable(&["", "a", "missing", "b"])));
    assert_eq!((&*got.context, got.namespace.as_deref()), ("prod", Some("shop")));
    assert_eq!(got.cluster.server.as_deref(), Some("https://one.example:6443"));
    assert_eq!(got.cluster.certificate_authority.as_deref(), folder.path("ca.crt").to_str(), "files are relative to the kubeconfig");
    assert_eq!(got.contexts(), ["prod", "stage", "lost", "nobody"]);
    assert_eq!(got.files, [folder.path("a"), folder.path("b")]);

    let got = chosen(find(&context("stage"), &folder.variable(&["a", "b"])));
    assert_eq!((&*got.cluster_name, &*got.user_name, got.namespace), ("c2", "u2", None));
}

#[test]
fn an_empty_current_context_is_none() {
    let empty = "current-context: ''\nclusters: []\ncontexts: []\nusers: []\n";
    let folder = Folder::with(&[("a", empty), ("b", ONE)]);
    assert_eq!(chosen(find(&TargetSpec::default(), &folder.variable(&["a", "b"]))).context, "prod");
}

#[test]
fn the_option_goes_before_the_variable_and_the_variable_before_the_home_folder() {
    let folder = Folder::with(&[("a", ONE), ("b", TWO), ("home/.kube/config", TWO)]);
    assert_eq!(chosen(find(&explicit(&folder.path("b")), &folder.variable(&["a"]))).context, "stage");
    let home = Surroundings { home: Some(folder.path("home")), ..Surroundings::default() };
    assert_eq!(chosen(find(&TargetSpec::default(), &home)).context, "stage");
}

#[test]
fn a_pod_uses_its_service_account_when_nothing_else_is_named() {
    let pod = Surroundings { in_cluster: true, ..Surroundings::default() };
    assert!(matches!(find(&TargetSpec::default(), &pod), Ok(Named::InCluster)));
    let (message, _) = refused(find(&context("prod"), &pod));
    assert!(message.starts_with("There is no kubeconfig"), "{message}");
    let folder = Folder::with(&[("a", ONE)]);
    assert_eq!(chosen(find(&TargetSpec::default(), &Surroundings { in_cluster: true, ..folder.variable(&["a"]) })).context, "prod");
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let folder = Folder::with(&[("a", ONE), ("b", TWO), ("none", "contexts: []\n")]);
    let both = folder.variable(&["a", "b"]);
    let (message, hint) = refused(find(&context("prd"), &both));
    assert_eq!((&*message, &*hint), ("There is no context 'prd' in the kubeconfig.", "Did you mean 'prod'?"));
    let (message, hint) = refused(find(&context("zzz"), &both));
    assert_eq!(message, "There is no context 'zzz' in the kubeconfig.");
    assert_eq!(hint, "There are: 'prod', 'stage', 'lost', 'nobody'.");
    let (message, _) = refused(find(&context("lost"), &both));
    assert_eq!(message, "Context 'lost' names the cluster 'c3', which is not in the kubeconfig.");
    let (message, hint) = refused(find(&TargetSpec::default(), &folder.variable(&["missing"])));
    assert!(message.contains("There is no kubeconfig") && hint.contains("timonel demo"), "{message} {hint}");
    let (message, _) = refused(find(&TargetSpec::default(), &folder.variable(&["none"])));
    assert!(message.starts_with("The kubeconfig names no cluster"), "{message}");
    let (message, _) = refused(find(&explicit(&folder.path("missing")), &both));
    assert!(message.contains("missing' cannot be read: No such file"), "{message}");
    let (message, hint) = refused(find(&TargetSpec::default(), &{
        std::fs::write(folder.path("a"), ONE.replace("current-context: prod", "")).unwrap();
        folder.variable(&["a"])
    }));
    assert_eq!((&*message, &*hint), ("The kubeconfig has no current context.", "Choose one with --context: 'prod'."));
}

#[test]
fn a_malformed_file_is_named_with_its_line_and_without_its_secrets() {
    let broken = ONE.replace("- {name: u1, user: {token: secret-one}}", "- {name: u1, user: [secret-one}");
    let wrong = ONE.replace("contexts:\n", "contexts: eyJhbGciOi-secret\nother:\n");
    let folder = Folder::with(&[("broken", &broken), ("wrong", &wrong), ("bytes", "\u{0}\u{1}\u{2}")]);
    for (file, line) in [("broken", 8), ("wrong", 9)] {
        let error = find(&explicit(&folder.path(file)), &Surroundings::default()).unwrap_err();
        let Some(Place::File(place)) = &error.problem.place else { panic!("{error:?}") };
        assert_eq!((place.line, &*place.file), (Some(line), folder.path(file).to_str().unwrap()), "{error:?}");
        assert!(error.problem.message.contains(&format!("line {line}")), "{error}");
        assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        assert_eq!(error.exit_code(), 78);
    }
    assert!(refused(find(&explicit(&folder.path("bytes")), &Surroundings::default())).0.contains("bytes"));
}

#[test]
fn unsafe_connections_and_missing_users_are_problems_and_not_errors() {
    let plain = ONE.replace("https://one", "http://one");
    let folder = Folder::with(&[("a", &plain), ("b", TWO)]);
    let ids = |name: &str| {
        let got = chosen(find(&context(name), &folder.variable(&["a", "b"])));
        got.problems.iter().map(|p| p.id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(ids("stage"), ["target:insecure-tls"]);
    assert_eq!(ids("prod"), ["target:no-tls"]);
    assert_eq!(ids("nobody"), ["target:insecure-tls", "target:user"]);
    let debug = format!("{:?}", chosen(find(&context("stage"), &folder.variable(&["a", "b"]))));
    assert!(!debug.contains("secret-"), "tokens stay hidden");
}
