mod rules;
mod schema;

use std::time::Duration;

use super::{Choice, Environment, Origin, ProbeKind, Service, ServiceFile, Target, WorkloadKind, check};
use crate::base::confirmation::Confirmation;
use crate::base::environment::EnvironmentKind;
use crate::base::problem::{Level, Problem};

const ETERNA: &str = include_str!("../../assets/services/eterna.toml");
const TIENDA: &str = include_str!("../../assets/services/dokploy.toml");
const PLATFORM: &str = include_str!("../../assets/services/platform.toml");
const DEVSHELF: &str = include_str!("../../assets/services/devshelf.toml");
const LISTACOMPRA: &str = include_str!("../../assets/services/listacompra.toml");

/// What every file below begins with.
const HEAD: &str = "schema = 1\n[service]\nid = \"shop\"\n";

fn line(p: &Problem) -> String {
    let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
}

fn open(text: &str) -> (Option<ServiceFile>, Vec<String>) {
    let (file, problems) = ServiceFile::read("f.toml", text, &Origin::Operator);
    (file, problems.iter().map(line).collect())
}

fn good(text: &str) -> ServiceFile {
    let (file, problems) = open(text);
    assert_eq!(problems, Vec::<String>::new());
    file.expect("a service")
}

fn resolved(text: &str, environment: Option<&str>) -> Service {
    good(text).resolve(environment).0
}

fn eterna() -> Service {
    resolved(ETERNA, Some("production"))
}

#[test]
fn the_example_service_on_kubernetes_is_read_whole() {
    let service = eterna();
    assert_eq!(
        (service.id.as_str(), service.name.as_str(), service.locale.as_deref()),
        ("eterna-rules", "ETERNA DX Rules Engine", Some("es"))
    );
    let environment = service.environment.as_ref().expect("production");
    assert_eq!((environment.kind, environment.confirm_floor), (EnvironmentKind::Production, Confirmation::Env));
    assert_eq!(environment.banner.as_deref(), Some("PRODUCTION"));
    let target = Target::Kubernetes {
        context: Some("eterna-prod".into()),
        namespace: Some("eterna-rules".into()),
        cluster_uid: Some("00000000-0000-0000-0000-000000000000".into()),
    };
    assert_eq!(environment.target, target);
    let saturday = "2026-11-21T12:00:00Z".parse().expect("a time");
    assert!(environment.freezes[0].active_until(saturday, &jiff::tz::TimeZone::UTC).is_some());
    let roles: Vec<_> = service.workloads.iter().map(|w| (w.id.as_str(), w.kind.word(), w.is_critical())).collect();
    assert_eq!(
        roles,
        [("backend", "deployment", true), ("postgres", "deployment", true), ("redis", "external", false), ("edge", "ingress", true)]
    );
    assert_eq!(service.workloads[0].min_ready, Some(3));
    assert_eq!(service.workloads[1].namespace.as_deref(), Some("database"), "names of the environment are put in");
    let calls: Vec<_> = service.contacts.iter().map(|c| c.id.as_str()).collect();
    assert_eq!(calls, ["devops-lead", "backend-lead", "dba", "product"]);
    assert_eq!(service.escalations[0].notify, ["devops-lead"]);
    assert_eq!(service.escalations[0].respond_within, Some(Duration::from_mins(15)));
}

#[test]
fn probes_of_the_example_are_asked_or_said_to_be_for_later() {
    let service = eterna();
    let probes: Vec<_> = service.probes.iter().map(|p| (p.id.as_str(), p.kind.word(), p.kind.target())).collect();
    let expected = [
        ("health", "http", "https://api.eterna.com/health"),
        ("rules", "http", "https://api.eterna.com/rules"),
        ("pod-health", "http-each-pod", "backend :8000/health"),
        ("metrics", "http-each-pod", "backend :8000/metrics"),
        ("db", "exec", ""),
        ("tls", "tls", "api.eterna.com:443"),
        ("network-policy", "netpol-lint", ""),
    ];
    assert_eq!(probes, expected.map(|(id, kind, target)| (id, kind, target.to_owned())));
    assert_eq!(service.probes[0].timeout, Duration::from_secs(5));
    assert_eq!((service.probes[0].fail_after, service.probes[0].pass_after), (3, 2));
    assert!(service.probes[1].expect.status.contains(200) && !service.probes[1].expect.status.contains(201));
    assert!(matches!(&service.probes[4].kind, ProbeKind::Later("exec")));
    assert!(matches!(&service.probes[5].kind, ProbeKind::Tls { warn_days: 21, crit_days: 7, .. }));
    // What is asked from elsewhere, or not at all yet, is for production alone.
    assert_eq!(resolved(ETERNA, Some("staging")).probes.len(), 2);
}

#[test]
fn every_action_of_the_example_that_this_version_has_the_steps_of_is_enabled() {
    let disabled: Vec<_> = eterna().actions.into_iter().filter_map(|a| Some((a.id, a.disabled?))).collect();
    let ids: Vec<&str> = disabled.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["restore", "rotate-jwt"], "{disabled:#?}");
    assert!(disabled[1].1.contains("secret-set"), "{disabled:#?}");
}

#[test]
fn the_example_on_dokploy_parses_although_its_targets_come_later() {
    let service = resolved(TIENDA, Some("production"));
    assert_eq!(service.environment.expect("production").target, Target::Other("dokploy"));
    assert_eq!(service.workloads[0].kind, WorkloadKind::Service);
    let optional: Vec<_> = service.probes.iter().filter(|p| p.optional).map(|p| (p.id.as_str(), p.critical)).collect();
    assert_eq!(optional, [("ht", false), ("media", false)]);
    let cors = service.probes.iter().find(|p| p.id == "cors").expect("cors");
    assert_eq!(cors.expect.headers, [("access-control-allow-origin".to_owned(), "https://app.example.com".to_owned())]);
}

#[test]
fn what_is_accepted_and_not_acted_on_is_listed_and_nothing_else_is_wrong_with_the_examples() {
    // What the rules find in them is true of the systems, and not to be mended in a file.
    for (text, rules) in [(ETERNA, &[][..]), (TIENDA, &["K-T8", "K-T8"][..]), (PLATFORM, &["P-28"][..]), (DEVSHELF, &[][..]), (LISTACOMPRA, &[][..])]
    {
        let problems = check("f.toml", text, &Origin::Operator);
        assert!(problems.iter().all(|p| p.level == Level::Warning), "{problems:#?}");
        let (found, later): (Vec<_>, Vec<_>) = problems.iter().partition(|p| p.id.starts_with("service:rule:"));
        assert_eq!(found.iter().filter_map(|p| p.id.split(':').nth(2)).collect::<Vec<_>>(), rules);
        assert!(
            later.len() < 25 && later.iter().all(|p| p.id.starts_with("service:later:") || p.id.starts_with("service:action:")),
            "{later:#?}"
        );
    }
    let told = check("f.toml", TIENDA, &Origin::Operator);
    assert!(told.iter().any(|p| p.message.contains("In [env]: target type compose")), "{told:#?}");
}

#[test]
fn a_minimal_file_needs_no_environment() {
    let service = resolved(&format!("{HEAD}[[probe]]\nid = \"up\"\nkind = \"http\"\nurl = \"https://x.example/\"\n"), None);
    assert_eq!((service.name.as_str(), service.environment, service.probes.len()), ("shop", None, 1));
}

#[test]
fn the_environment_is_the_one_asked_for_or_the_one_that_is_meant() {
    fn pick<'a>(file: &'a ServiceFile, wanted: Option<&'a str>, context: Option<&'a str>) -> Result<Option<&'a str>, String> {
        file.choose(Choice { wanted, context }).map(|e| e.map(|e: &Environment| e.id.as_str())).map_err(|p| line(&p))
    }
    let one = good(ETERNA);
    assert!(pick(&one, None, None).is_err_and(|why| why.contains("-e production")), "two are on Kubernetes");
    assert_eq!(pick(&one, None, Some("eterna-prod")), Ok(Some("production")), "the one whose context is current");
    assert_eq!(pick(&one, Some("staging"), None), Ok(Some("staging")));
    assert!(pick(&one, Some("prodction"), None).expect_err("unknown").contains("Did you mean 'production'?"));
    let env = |id: &str| format!("[env.{id}]\nkind = \"production\"\n[env.{id}.target]\ntype = \"kubernetes\"\ncontext = \"ctx-{id}\"\n");
    let two = good(&format!("{HEAD}{}{}", env("eu"), env("us")));
    assert_eq!(pick(&two, None, Some("ctx-us")), Ok(Some("us")), "the one whose context is current");
    assert!(pick(&two, None, Some("other")).expect_err("ambiguous").contains("-e eu or -e us"));
    assert_eq!(pick(&good(HEAD), None, None), Ok(None));
}

#[test]
fn floors_follow_the_kind_and_an_unreadable_kind_is_the_strictest() {
    let text = format!("{HEAD}[env.a]\nkind = \"staging\"\n[env.b]\nkind = \"prodd\"\n[env.c]\nkind = \"test\"\n");
    let (file, problems) = open(&text);
    let file = file.expect("a service");
    let floors: Vec<_> = file.environments.iter().map(|e| (e.kind, e.confirm_floor)).collect();
    assert_eq!(
        floors,
        [(EnvironmentKind::Staging, Confirmation::Key), (EnvironmentKind::Unknown, Confirmation::Env), (EnvironmentKind::Test, Confirmation::None)]
    );
    assert_eq!(problems, ["f.toml:7:8 'kind' is 'prodd', which is none of its words. | Did you mean 'production'?"]);
}

#[test]
fn the_name_of_a_workload_may_differ_per_environment() {
    let text = format!(
        "{HEAD}[env.eu]\nkind = \"staging\"\n[env.us]\nkind = \"staging\"\n[[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = {{ eu = \"api-eu\", us = \"api-us\" }}\n"
    );
    let name = |env| resolved(&text, Some(env)).workloads[0].name.clone();
    assert_eq!((name("eu").as_deref(), name("us").as_deref()), (Some("api-eu"), Some("api-us")));
}

#[test]
fn a_file_from_the_cluster_may_do_less() {
    let origin = Origin::Cluster { namespace: "shop".into() };
    let text = format!(
        "{HEAD}[secrets.t]\nref = \"env:TOKEN\"\n[env.p]\nkind = \"production\"\nconfirm_floor = \"none\"\n[env.p.target]\ntype = \"kubernetes\"\ncontext = \"x\"\nnamespace = \"other\"\n\
         [[workload]]\nid = \"db\"\nkind = \"deployment\"\nname = \"db\"\nnamespace = \"database\"\n[[probe]]\nid = \"e\"\nkind = \"exec\"\nargv = [\"sh\"]\n\
         [[probe]]\nid = \"h\"\nkind = \"http\"\nurl = \"https://x/\"\nheaders = {{ X-Token = \"secret:t\" }}\n[[action]]\nid = \"a\"\n[[action.step]]\nid = \"s\"\ntype = \"shell\"\nargv = [\"true\"]\n[notify.n]\nkind = \"webhook\"\nurl = \"secret:t\"\n"
    );
    let (_, problems) = ServiceFile::read("configmap", &text, &origin);
    let messages: String = problems.iter().map(|p| p.message.as_str()).collect::<Vec<_>>().join("\n");
    for part in [
        "'env:' references",
        "lower the floor of 'p'",
        "name a context",
        "must not name the namespace 'other'",
        "names the namespace 'database'",
        "'exec' probes",
        "secrets in probes",
        "'shell' steps",
        "notify anybody",
    ] {
        assert!(messages.contains(part), "{part} is missing in:\n{messages}");
    }
    assert!(ServiceFile::read("mine", &text, &Origin::Operator).1.is_empty(), "an operator's own file may do all of that");
}

#[test]
fn values_of_headers_stay_out_of_debug_output() {
    let text = format!("{HEAD}[[probe]]\nid = \"h\"\nkind = \"http\"\nurl = \"https://x/\"\nheaders = {{ X-Thing = \"hunter2\" }}\n");
    assert!(!format!("{:?}", resolved(&text, None)).contains("hunter2"));
}

#[test]
fn a_file_from_the_cluster_makes_no_environment_milder_than_its_names() {
    use crate::base::environment::EnvironmentKind::{Development, Production, Staging, Unknown};
    let text = |kind: &str| format!("{HEAD}[env.x]\nkind = \"{kind}\"\n[env.x.target]\nnamespace = \"shop\"\n");
    let kind = |kind: &str, origin: &Origin, named| ServiceFile::read("f", &text(kind), origin).0.expect("a file").resolve(Some("x")).0.kind(named);
    let cluster = Origin::Cluster { namespace: "shop".into() };
    assert_eq!(kind("development", &cluster, Production), Some(Production));
    assert_eq!(kind("development", &cluster, Unknown), Some(Unknown), "what is not known counts as production");
    assert_eq!(kind("production", &cluster, Staging), Some(Production));
    assert_eq!(kind("development", &Origin::Operator, Production), Some(Development));
}
