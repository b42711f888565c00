use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use jiff::Timestamp;
use tokio::sync::mpsc;

use super::*;
use crate::base::clock::FixedClock;
use crate::base::health::Health::{self, Degraded, Down, Off, Ok as Well, Unknown};
use crate::service::{Endpoint, Expectation, HeaderSpec, HeaderValue, JsonType, ProbeKind, ProbeSpec};
use crate::target::api::ErrorKind;
use crate::target::event::TargetEvent;
use crate::target::probe::{Answer, Ask, CertificateFacts, Heard, HttpAnswer, NotHeard, ProbeReport, ProbeResult, Reach, Refusal, TlsAnswer, Way};
use crate::target::sql::Rows;

const TOOK: Duration = Duration::from_millis(34);

fn now() -> Timestamp {
    "2026-11-22T14:32:07Z".parse().expect("a time")
}

fn http_spec() -> ProbeSpec {
    ProbeSpec::new("health", ProbeKind::Http { url: "https://shop.example.com/health?token=x".into() })
}

fn each_pod() -> ProbeSpec {
    ProbeSpec::new("pods", ProbeKind::HttpEachPod { workload: "api".into(), port: 8080, path: "/ready".into() })
}

fn tls_spec() -> ProbeSpec {
    let at = Endpoint { host: "shop.example.com".into(), port: 443 };
    ProbeSpec::new("tls", ProbeKind::Tls { at, warn_days: 21, crit_days: 7 })
}

fn answer(heard: Result<Heard, NotHeard>) -> Answer {
    Answer { took: TOOK, heard }
}

fn page(status: u16, headers: &[(&str, &str)], body: &str) -> Answer {
    let headers = headers.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
    answer(Ok(Heard::Http(HttpAnswer { status, headers, body: body.into(), ..HttpAnswer::default() })))
}

fn silence(kind: ErrorKind, here: bool) -> Answer {
    answer(Err(NotHeard { kind, message: "why".into(), here }))
}

fn certificate(until: &str, refused: Option<Refusal>) -> Answer {
    let certificate = CertificateFacts {
        not_before: Timestamp::UNIX_EPOCH,
        not_after: until.parse().expect("a time"),
        issuer: "R11, Let's Encrypt".into(),
        subject: String::new(),
        names: vec!["a.example".into(), "b.example".into()],
    };
    answer(Ok(Heard::Tls(TlsAnswer { certificate, version: "TLSv1.3".into(), refused })))
}

fn judged(spec: &ProbeSpec, answer: &Answer) -> (ProbeResult, String) {
    let verdict = judge(spec, answer, now());
    (verdict.result, verdict.detail)
}

#[test]
fn an_answer_of_http_is_judged_by_status_first() {
    let optional = ProbeSpec { optional: true, ..http_spec() };
    for (spec, answer, result, detail) in [
        (&http_spec(), page(200, &[], ""), ProbeResult::Ok, "200"),
        (&http_spec(), page(204, &[], ""), ProbeResult::Ok, "204"),
        (&http_spec(), page(503, &[], ""), ProbeResult::Failed, "503, expected 2xx"),
        (&http_spec(), page(404, &[], ""), ProbeResult::Failed, "404, expected 2xx"),
        (&optional, page(404, &[], ""), ProbeResult::NotImplemented, "404: not there yet"),
        (&optional, page(503, &[], ""), ProbeResult::Failed, "503, expected 2xx"),
        (&http_spec(), page(401, &[], ""), ProbeResult::Unauthorised, "401: the endpoint wants other credentials"),
        (&http_spec(), page(403, &[], ""), ProbeResult::Unauthorised, "403: the endpoint wants other credentials"),
        (
            &http_spec(),
            page(302, &[("location", "https://sso/login?next=secret")], ""),
            ProbeResult::Failed,
            "302: redirected to https://sso/login",
        ),
        (&http_spec(), silence(ErrorKind::Unreachable, false), ProbeResult::Failed, "why"),
        (&http_spec(), silence(ErrorKind::Timeout, false), ProbeResult::Failed, "why"),
        (&http_spec(), silence(ErrorKind::Tls, false), ProbeResult::Failed, "why"),
        (&http_spec(), silence(ErrorKind::Unreachable, true), ProbeResult::Unknown, "why"),
        (&http_spec(), silence(ErrorKind::Forbidden, true), ProbeResult::Unauthorised, "why"),
    ] {
        assert_eq!(judged(spec, &answer), (result, detail.to_owned()), "{answer:?}");
    }
}

#[test]
fn what_is_expected_of_header_body_and_json_must_hold() {
    let mut spec = http_spec();
    spec.expect.headers = vec![("access-control-allow-origin".into(), "https://app".into())];
    assert_eq!(judged(&spec, &page(200, &[("access-control-allow-origin", "https://app")], "")).0, ProbeResult::Ok);
    assert_eq!(
        judged(&spec, &page(200, &[("access-control-allow-origin", "*")], "")).1,
        "200, but the header access-control-allow-origin is '*'"
    );
    assert_eq!(judged(&spec, &page(200, &[], "")).1, "200, but the header access-control-allow-origin is missing");

    let mut spec = http_spec();
    spec.expect.body = Some("healthy".into());
    assert_eq!(judged(&spec, &page(200, &[], "all healthy")).0, ProbeResult::Ok);
    assert_eq!(judged(&spec, &page(200, &[], "sick")).1, "200, but the body does not contain 'healthy'");

    let mut spec = http_spec();
    spec.expect.json_type = Some(JsonType::Array);
    assert_eq!(judged(&spec, &page(200, &[], "[1]")).0, ProbeResult::Ok);
    assert_eq!(judged(&spec, &page(200, &[], "{}")).1, "200, but the body is JSON of type object, not array");
    assert_eq!(judged(&spec, &page(200, &[], "<html>")).1, "200, but the body is not JSON");

    let mut spec = http_spec();
    spec.expect.json = Some(serde_json::json!({ "status": "ok", "db": { "up": true } }));
    assert_eq!(judged(&spec, &page(200, &[], r#"{"status":"ok","db":{"up":true,"ms":3},"more":1}"#)).0, ProbeResult::Ok);
    assert_eq!(judged(&spec, &page(200, &[], r#"{"status":"ok","db":{"up":false}}"#)).1, "200, but the body's db.up is not as expected");
    assert_eq!(judged(&spec, &page(200, &[], r#"{"status":"ok"}"#)).1, "200, but the body's db is not as expected");
}

#[test]
fn a_body_that_was_cut_is_never_judged_by_what_is_missing() {
    let cut = |body: &str| answer(Ok(Heard::Http(HttpAnswer { status: 200, body: body.into(), cut: true, ..HttpAnswer::default() })));
    let mut spec = http_spec();
    spec.expect.json_type = Some(JsonType::Array);
    assert_eq!(judged(&spec, &cut("[1, 2, ")).0, ProbeResult::Ok);
    assert_eq!(judged(&spec, &cut("{\"a\":")).0, ProbeResult::Unknown);
    spec.expect.body = Some("end".into());
    assert_eq!(judged(&spec, &cut("[1, 2, ")).0, ProbeResult::Unknown);
}

#[test]
fn a_certificate_is_judged_by_its_time_and_by_whom_it_is_for() {
    for (answer, result, detail, health) in [
        (certificate("2027-02-01T14:32:07Z", None), ProbeResult::Ok, "71 days left", Well),
        (certificate("2026-12-10T00:00:00Z", None), ProbeResult::Ok, "17 days left", Degraded),
        (certificate("2026-11-24T00:00:00Z", None), ProbeResult::Ok, "33 h left", Degraded),
        (
            certificate("2026-11-19T00:00:00Z", Some(Refusal::Expired)),
            ProbeResult::Failed,
            "the certificate expired 3 days ago",
            Degraded,
        ),
        (
            certificate("2027-02-01T00:00:00Z", Some(Refusal::WrongName)),
            ProbeResult::Failed,
            "the certificate is for a.example, b.example",
            Degraded,
        ),
        (
            certificate("2027-02-01T00:00:00Z", Some(Refusal::Untrusted)),
            ProbeResult::Failed,
            "nobody trusted here signed the certificate (issuer: R11, Let's Encrypt)",
            Degraded,
        ),
    ] {
        let verdict = judge(&tls_spec(), &answer, now());
        assert_eq!((verdict.result, verdict.detail.as_str()), (result, detail));
        assert!(verdict.expires.is_some());
        let mut track = Track::new(3, 2, false);
        track.apply(verdict);
        assert_eq!(track.health(), health, "{detail}");
    }
}

/// Runs a script of results (`o`k, `f`ailed, `u`nknown, un`a`uthorised, `n`ot implemented) and gives result and health after each.
fn script(optional: bool, script: &str) -> String {
    let mut track = Track::new(3, 2, optional);
    let step = |c: char| {
        let result = match c {
            'o' => ProbeResult::Ok,
            'f' => ProbeResult::Failed,
            'u' => ProbeResult::Unknown,
            'a' => ProbeResult::Unauthorised,
            _ => ProbeResult::NotImplemented,
        };
        track.apply(Verdict::new(result, "x"));
        format!("{}/{}", track.result().word(), track.health().word())
    };
    script.chars().map(step).collect::<Vec<_>>().join(" ")
}

#[test]
fn results_become_health_as_the_contract_has_it() {
    for (optional, steps, expected) in [
        (false, "o", "ok/ok"),
        (false, "off", "ok/ok ok/degraded ok/degraded"),
        (false, "offf", "ok/ok ok/degraded ok/degraded failed/down"),
        (false, "fff", "unknown/degraded unknown/degraded failed/down"),
        (false, "offof", "ok/ok ok/degraded ok/degraded ok/ok ok/degraded"),
        (false, "fffoo", "unknown/degraded unknown/degraded failed/down failed/down ok/ok"),
        (false, "fffofoo", "unknown/degraded unknown/degraded failed/down failed/down failed/down failed/down ok/ok"),
        (false, "ou", "ok/ok unknown/unknown"),
        (false, "ouf", "ok/ok unknown/unknown unknown/degraded"),
        (false, "offuf", "ok/ok ok/degraded ok/degraded unknown/unknown failed/down"),
        (false, "fffuo", "unknown/degraded unknown/degraded failed/down unknown/unknown failed/down"),
        (false, "oa", "ok/ok unauthorised/unknown"),
        (false, "n", "not-implemented/unknown"),
        (true, "n", "not-implemented/off"),
        (true, "nfff", "not-implemented/off unknown/degraded unknown/degraded failed/down"),
        (true, "no", "not-implemented/off ok/ok"),
    ] {
        assert_eq!(script(optional, steps), expected, "{steps}");
    }
}

#[test]
fn nothing_that_was_not_asked_is_ok() {
    let state = ProbeState::new(Arc::new(http_spec()), now());
    let report = state.report();
    assert_eq!((report.result, report.health, &*report.detail, report.at), (ProbeResult::Unknown, Unknown, "not asked yet", None));
    assert_eq!(&*report.target, "https://shop.example.com/health", "the query is nobody's business");
}

#[test]
fn a_report_says_since_when_and_how_near_the_thresholds_are() {
    let mut state = ProbeState::new(Arc::new(http_spec()), now());
    let mut at = now();
    let mut step = |answer: &Answer| {
        at = at.checked_add(jiff::SignedDuration::from_secs(15)).expect("a time");
        state.apply(vec![("".into(), judge(state.spec(), answer, at), Some(TOOK))], at);
        state.report()
    };
    let good = step(&page(200, &[], ""));
    let later = step(&page(200, &[], ""));
    assert_eq!((later.since, later.latency), (good.at.expect("asked"), Some(TOOK)));
    assert_eq!(&*step(&page(503, &[], "")).detail, "503, expected 2xx, failing 1 of 3");
    step(&page(503, &[], ""));
    let failed = step(&page(503, &[], ""));
    assert_eq!((failed.result, failed.health, failed.since), (ProbeResult::Failed, Down, failed.at.expect("asked")));
    assert_eq!(&*step(&page(200, &[], "")).detail, "200, recovering 1 of 2");
    let history: Vec<ProbeResult> = step(&page(200, &[], "")).history.iter().map(|s| s.result).collect();
    let (ok, failed) = (ProbeResult::Ok, ProbeResult::Failed);
    assert_eq!(history, [ok, ok, failed, failed, failed, ok, ok]);
}

#[test]
fn history_is_bounded() {
    let mut state = ProbeState::new(Arc::new(http_spec()), now());
    for _ in 0..HISTORY + 10 {
        state.apply(vec![("".into(), Verdict::new(ProbeResult::Ok, "200"), None)], now());
    }
    assert_eq!(state.report().history.len(), HISTORY);
}

#[test]
fn a_probe_of_each_pod_is_degraded_while_one_answers_and_down_when_none_does() {
    let round =
        |results: &[(&str, ProbeResult)]| results.iter().map(|(pod, r)| ((*pod).into(), Verdict::new(*r, "503"), Some(TOOK))).collect::<Vec<_>>();
    let mut state = ProbeState::new(Arc::new(ProbeSpec { fail_after: 1, ..each_pod() }), now());
    state.apply(round(&[("a", ProbeResult::Ok), ("b", ProbeResult::Ok)]), now());
    assert_eq!((state.health(), &*state.report().detail), (Well, "2 of 2 pods"));
    state.apply(round(&[("a", ProbeResult::Ok), ("b", ProbeResult::Failed)]), now());
    let report = state.report();
    assert_eq!((report.health, report.result, &*report.detail), (Degraded, ProbeResult::Failed, "1 of 2 pods; b: 503"));
    state.apply(round(&[("a", ProbeResult::Failed), ("b", ProbeResult::Failed)]), now());
    assert_eq!(state.health(), Down);
    // A pod that is gone is forgotten with its failures.
    state.apply(round(&[("c", ProbeResult::Ok)]), now());
    assert_eq!((state.health(), &*state.report().detail), (Well, "503"));
}

#[test]
fn what_cannot_be_asked_is_a_result_with_a_reason() {
    let pods = Pods::from([("api".to_owned(), vec![PodTarget { namespace: "shop".into(), pod: "api-1".into() }])]);
    let asked = questions(&each_pod(), &pods, Vec::new()).expect("questions");
    let way = Way::PodProxy { namespace: "shop".into(), pod: "api-1".into(), port: 8080, path: "/ready".into() };
    assert_eq!((&*asked[0].target, &asked[0].ask.way), ("api-1", &way));
    assert_eq!(questions(&each_pod(), &Pods::new(), Vec::new()).expect_err("nobody to ask").result, ProbeResult::Unknown);
    let later = questions(&ProbeSpec::new("db", ProbeKind::Later("exec")), &pods, Vec::new()).expect_err("not yet");
    assert_eq!((later.result, later.excused), (ProbeResult::NotImplemented, true));
    let mut secret = http_spec();
    secret.headers = vec![HeaderSpec { name: "X".into(), value: HeaderValue::Secret("t".into()) }];
    let unfetched = super::question::headers(&secret, &NoSecrets).now_or_never().expect("at once").expect_err("nobody fetches it");
    assert_eq!((unfetched.result, unfetched.excused), (ProbeResult::Unknown, false), "it is not known, and that is said");

    let mut state = ProbeState::new(Arc::new(ProbeSpec::new("db", ProbeKind::Later("exec"))), now());
    state.apply_idle(later, now());
    let report = state.report();
    assert_eq!((report.health, report.counts, report.result), (Unknown, false, ProbeResult::NotImplemented));
}

#[test]
fn hosts_of_ingresses_are_asked_for_their_certificates_and_say_nothing_when_they_cannot_be_reached() {
    let hosts = ["b.example", "*.example", "", "a.example", "b.example", "shop.example.com"];
    let (specs, left_out) = host_certificates(hosts, &[tls_spec()]);
    let targets: Vec<String> = specs.iter().map(|spec| spec.kind.target()).collect();
    assert_eq!((targets, left_out), (vec!["a.example:443".to_owned(), "b.example:443".to_owned()], 0));
    let verdict = judge(&specs[0], &silence(ErrorKind::Unreachable, false), now());
    assert_eq!((verdict.result, verdict.excused), (ProbeResult::Unknown, true));
    let expired = judge(&specs[0], &certificate("2026-11-19T00:00:00Z", Some(Refusal::Expired)), now());
    assert_eq!((expired.result, expired.excused), (ProbeResult::Failed, false));

    let many: Vec<String> = (0..70).map(|n| format!("h{n:02}.example")).collect();
    let (specs, left_out) = host_certificates(many.iter().map(String::as_str), &[]);
    assert_eq!((specs.len(), left_out), (50, 20));
}

/// Answers from a script, and then the last answer for ever.
struct Script(Mutex<VecDeque<Answer>>);

impl Script {
    fn of(answers: impl IntoIterator<Item = Answer>) -> Arc<Self> {
        Arc::new(Self(Mutex::new(answers.into_iter().collect())))
    }
}

impl Reach for Script {
    fn ask<'a>(&'a self, _: &'a Ask) -> BoxFuture<'a, Answer> {
        let mut answers = self.0.lock().expect("a script");
        let next = if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() };
        async move { next.expect("an answer") }.boxed()
    }
}

fn askers(net: Arc<Script>) -> Askers {
    Askers { net, cluster: Some(Script::of([silence(ErrorKind::Forbidden, true)])), secrets: Arc::new(NoSecrets) }
}

#[tokio::test]
async fn a_one_shot_asks_a_failed_probe_a_second_time_and_then_calls_it_failed() {
    let clock = FixedClock::new(now());
    for (answers, result, health) in [
        (vec![page(200, &[], "")], ProbeResult::Ok, Well),
        (vec![page(503, &[], ""), page(200, &[], "")], ProbeResult::Ok, Well),
        (vec![page(503, &[], ""), page(503, &[], ""), page(200, &[], "")], ProbeResult::Failed, Down),
        (vec![silence(ErrorKind::Unreachable, true)], ProbeResult::Unknown, Unknown),
    ] {
        let reports = once(&[http_spec()], &askers(Script::of(answers)), &Pods::new(), &clock).await;
        assert_eq!((reports[0].result, reports[0].health), (result, health));
    }
    let optional = ProbeSpec { optional: true, ..http_spec() };
    let reports = once(&[optional, each_pod()], &askers(Script::of([page(404, &[], "")])), &Pods::new(), &clock).await;
    assert_eq!(reports.iter().map(|r| r.health).collect::<Vec<Health>>(), [Off, Unknown], "in the order of the probes");
}

#[tokio::test]
async fn a_pod_that_this_identity_may_not_ask_does_not_count() {
    let pods = Pods::from([("api".to_owned(), vec![PodTarget { namespace: "shop".into(), pod: "api-1".into() }])]);
    let reports = once(&[each_pod()], &askers(Script::of([page(200, &[], "")])), &pods, &FixedClock::new(now())).await;
    assert_eq!((reports[0].result, reports[0].counts), (ProbeResult::Unauthorised, false));
}

/// The next report, in words.
async fn next(reports: &mut mpsc::Receiver<TargetEvent>) -> String {
    let Some(TargetEvent::Probe(ProbeReport { id, result, health, .. })) = reports.recv().await else { panic!("no report") };
    format!("{id} {}/{}", result.word(), health.word())
}

#[tokio::test]
async fn a_probe_is_shown_at_once_and_reported_after_every_question_until_the_prober_is_gone() {
    let spec = ProbeSpec { interval: Duration::from_millis(1), ..http_spec() };
    let script = Script::of([page(200, &[], ""), page(503, &[], "")]);
    // Full at two: the probe waits, nothing is lost and nothing grows.
    let (out, mut reports) = mpsc::channel(2);
    let prober = Prober::spawn(vec![spec], script, Arc::new(NoSecrets), Arc::new(FixedClock::new(now())), out);
    let mut words = Vec::new();
    while words.len() < 5 {
        words.push(next(&mut reports).await);
    }
    assert_eq!(words, ["health unknown/unknown", "health ok/ok", "health ok/degraded", "health ok/degraded", "health failed/down"]);
    drop(prober);
    while reports.recv().await.is_some() {}
}

#[tokio::test]
async fn pods_are_asked_when_a_cluster_is_open_and_said_to_be_ready() {
    let (out, mut reports) = mpsc::channel(8);
    let spec = ProbeSpec { interval: Duration::from_millis(1), ..each_pod() };
    let prober = Prober::spawn(vec![spec], Script::of([page(200, &[], "")]), Arc::new(NoSecrets), Arc::new(FixedClock::new(now())), out);
    let mut heard = async |wanted: &str| loop {
        let Some(TargetEvent::Probe(report)) = reports.recv().await else { panic!("no report") };
        if &*report.detail == wanted {
            return (report.health, report.counts);
        }
    };
    assert_eq!(heard("no pod is ready").await, (Unknown, true));
    let pod = |name: &str| PodTarget { namespace: "shop".into(), pod: name.into() };
    let pods = Pods::from([("api".to_owned(), vec![pod("api-1"), pod("api-2")])]);
    prober.see(Surroundings { pods, hosts: Vec::new() });
    assert_eq!(heard("0 of 2 pods; api-2: no cluster is open").await, (Unknown, false));
    prober.cluster(Some(Script::of([page(200, &[], "")])));
    assert_eq!(heard("2 of 2 pods").await, (Well, true));
}

#[tokio::test]
async fn the_first_pods_are_asked_at_once() {
    let (out, mut reports) = mpsc::channel(8);
    let spec = ProbeSpec { interval: Duration::from_hours(1), ..each_pod() };
    let prober = Prober::spawn(vec![spec], Script::of([page(200, &[], "")]), Arc::new(NoSecrets), Arc::new(FixedClock::new(now())), out);
    prober.cluster(Some(Script::of([page(200, &[], "")])));
    while next(&mut reports).await != "pods unknown/unknown" {}
    let pods = Pods::from([("api".to_owned(), vec![PodTarget { namespace: "shop".into(), pod: "api-1".into() }])]);
    prober.see(Surroundings { pods, hosts: Vec::new() });
    while next(&mut reports).await != "pods ok/ok" {}
}

#[tokio::test]
async fn hosts_are_asked_while_an_ingress_serves_them() {
    let (out, mut reports) = mpsc::channel(8);
    let prober = Prober::spawn(
        Vec::new(),
        Script::of([certificate("2027-02-01T00:00:00Z", None)]),
        Arc::new(NoSecrets),
        Arc::new(FixedClock::new(now())),
        out,
    );
    let hosts = |names: &[&str]| Surroundings { hosts: names.iter().map(|n| (*n).into()).collect(), pods: Pods::new() };
    prober.see(hosts(&["a.example"]));
    assert_eq!(next(&mut reports).await, "ingress:a.example unknown/unknown");
    assert_eq!(next(&mut reports).await, "ingress:a.example ok/ok");
    prober.see(hosts(&[]));
    assert_eq!(next(&mut reports).await, "ingress:a.example unknown/off");
}

#[test]
fn a_database_is_judged_by_its_first_value_and_one_that_could_not_be_asked_is_not_judged() {
    let spec = |expect: Option<&str>| {
        let expect = expect.map(|text| Expectation::parse(text).expect(text));
        ProbeSpec::new("orders", ProbeKind::Sql { database: "main".into(), query: "select 1".into(), expect })
    };
    let rows = |value: Option<Option<&str>>| {
        let rows = value.into_iter().map(|v| vec![v.map(str::to_owned)]).collect();
        let answer = Answer { took: Duration::ZERO, heard: Ok(Heard::Rows(Rows { columns: vec!["n".into()], rows, cut: false })) };
        move |spec: &ProbeSpec| judge(spec, &answer, now())
    };
    for (value, expect, result, detail) in [
        (Some(Some("3")), Some("> 0"), ProbeResult::Ok, "3"),
        (Some(Some("0")), Some("> 0"), ProbeResult::Failed, "0, expected > 0"),
        (Some(None), Some("> 0"), ProbeResult::Failed, "NULL, expected > 0"),
        (Some(Some("x")), None, ProbeResult::Ok, "x"),
        (None, None, ProbeResult::Failed, "no row"),
    ] {
        let verdict = rows(value)(&spec(expect));
        assert_eq!((verdict.result, verdict.detail.as_str()), (result, detail));
    }
    for (kind, here, result) in [
        (ErrorKind::ReadOnly, true, ProbeResult::Unauthorised),
        (ErrorKind::Invalid, true, ProbeResult::Unknown),
        (ErrorKind::Unauthorised, false, ProbeResult::Unauthorised),
        (ErrorKind::Invalid, false, ProbeResult::Failed),
    ] {
        let verdict = judge(&spec(None), &silence(kind, here), now());
        assert_eq!((verdict.result, verdict.excused), (result, result == ProbeResult::Unauthorised && here), "{kind:?}");
    }
}

#[test]
fn the_ready_pods_of_a_workload_and_the_hosts_of_ingresses_are_read_from_the_fleet() {
    use crate::fleet::testing::{broken, container, fleet, meta, pod_of, replica_set, running, workload};
    use crate::target::model::{Ingress, IngressTls, Kind, Object};
    let file = "schema = 1\n[service]\nid = \"s\"\n[[workload]]\nid = \"api\"\nkind = \"deployment\"\nname = \"web\"\n\
                [[probe]]\nid = \"p\"\nkind = \"http-each-pod\"\nworkload = \"api\"\nport = 8080\n";
    let (file, problems) = crate::service::ServiceFile::read("f", file, &crate::service::Origin::Operator);
    assert_eq!(problems, []);
    let service = file.expect("a service").resolve(None).0;
    let ingress = Ingress {
        meta: meta("edge"),
        class: "nginx".into(),
        hosts: Box::new([]),
        tls: Box::new([IngressTls { hosts: ["a.example", "*.example"].into_iter().map(Into::into).collect(), secret: "tls".into() }]),
        backends: Box::new([]),
        addresses: Box::new([]),
    };
    let objects: Vec<Object> = vec![
        pod_of("web", "abc", "web-abc-2", vec![container("app")]).into(),
        pod_of("web", "abc", "web-abc-1", vec![container("app")]).into(),
        pod_of("web", "abc", "web-abc-3", vec![broken("app", running(), 0)]).into(),
        replica_set("web", "abc", 3, 2).into(),
        workload(Kind::Deployment, "web", 3).into(),
        ingress.into(),
    ];
    let namespace = meta("x").namespace;
    let around = Surroundings::of(&fleet(&objects), Some(&service), &namespace);
    let names: Vec<&str> = around.pods["api"].iter().map(|pod| &*pod.pod).collect();
    assert_eq!(names, ["web-abc-1", "web-abc-2"], "the one that is not ready is the workload's business");
    assert_eq!(around.hosts, ["a.example".into()]);
    assert_eq!(Surroundings::of(&fleet(&objects), Some(&service), "elsewhere").pods["api"], []);
}
