//! A cluster to look at: the rules engine of the screens page in a bad night, told to the app as a driver would.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use timonel::app::logs::LogBounds;
use timonel::app::msg::Msg;
use timonel::app::{App, Start};
use timonel::base::health::Health;
use timonel::keymap::shipped;
use timonel::target::api::Identity;
use timonel::target::event::{LogEvent, LogLine, LogState, ObjectChange, Opened, StreamState, TargetEvent};
use timonel::target::model::{
    Condition, Container, ContainerRole, ContainerState, CronJob, Endpoint, EndpointSlice, Event, Hpa, Job, Kind, Labels, Lease, Meta, Node, Object,
    Owner, Pod, PodMetrics, ReplicaSet, Resources, Scope, Seconds, Selector, Service, Strategy, TemplateContainer, Termination, Usage, Workload,
};
use timonel::target::probe::{ProbeReport, ProbeResult, ProbeSample};
use timonel::target::request::{LogSource, StreamKey, TargetSpec};
use timonel::ui::skin::Skin;
use timonel::ui::{Drawn, draw};

/// 2026-11-22 14:32:07 UTC.
pub(crate) const NOW: Seconds = 1_795_357_927;

const NAMESPACE: &str = "eterna-rules";

pub(crate) fn now() -> Timestamp {
    Timestamp::from_second(NOW).unwrap()
}

/// The console with nothing opened yet.
pub(crate) fn empty() -> App {
    with_file(None)
}

fn with_file(service: Option<timonel::service::Service>) -> App {
    let start = Start {
        spec: TargetSpec::default(),
        keymap: shipped("default").unwrap(),
        service,
        context_kinds: BTreeMap::new(),
        operator: "ana@console".into(),
        zone: TimeZone::UTC,
        log_bounds: LogBounds::default(),
        journal: Ok(()),
        first_steps: None,
    };
    App::new(start, now()).0
}

/// The console on the cluster, everything read.
pub(crate) fn night() -> App {
    night_with(None)
}

/// The same with a service file.
pub(crate) fn night_with(file: Option<timonel::service::Service>) -> App {
    let mut app = with_file(file);
    open(&mut app);
    show(
        &mut app,
        Kind::Deployment,
        vec![backend(), deployment("eterna-rules-frontend", 2, 2, "ghcr.io/eterna/frontend:v3.1.0", 200_000)],
    );
    show(&mut app, Kind::StatefulSet, vec![stateful_set("postgres", "postgres:15.4")]);
    show(&mut app, Kind::DaemonSet, vec![]);
    let sets = [(12, "7d9f4b5c6", 3, "v1.8.3", 720), (11, "5c88d7f94", 0, "v1.8.2", 19_260), (10, "6b7f8d5c9", 0, "v1.8.1", 73_800)];
    let mut sets: Vec<Object> = sets
        .map(|(n, hash, replicas, tag, age)| replica_set("eterna-rules-backend", n, hash, replicas, tag, age))
        .into();
    sets.push(replica_set("eterna-rules-frontend", 3, "84c6", 2, "v3.1.0", 200_000));
    show(&mut app, Kind::ReplicaSet, sets);
    show(&mut app, Kind::Job, vec![job()]);
    show(&mut app, Kind::CronJob, vec![cron_job()]);
    show(&mut app, Kind::Service, vec![service()]);
    show(&mut app, Kind::EndpointSlice, vec![slice()]);
    show(&mut app, Kind::HorizontalPodAutoscaler, vec![hpa()]);
    show(&mut app, Kind::Node, vec![node("node-1"), node("node-2"), node("node-3")]);
    for kind in [Kind::ControllerRevision, Kind::PodDisruptionBudget, Kind::Ingress, Kind::PersistentVolumeClaim] {
        show(&mut app, kind, vec![]);
    }
    show(&mut app, Kind::Pod, pods());
    show(&mut app, Kind::Event, vec![event()]);
    tell(&mut app, metrics());
    for report in probes() {
        tell(&mut app, TargetEvent::Probe(report));
    }
    frame(&mut app, 120, 36);
    logs(&mut app);
    frame(&mut app, 120, 36);
    app
}

pub(crate) fn tell(app: &mut App, event: TargetEvent) {
    app.update(Msg::Target(event), now());
}

pub(crate) fn open(app: &mut App) {
    tell(
        app,
        TargetEvent::Opened(Opened {
            context: "eterna-prod".into(),
            cluster: "eterna".into(),
            user: "ana".into(),
            server: "https://10.0.0.1:6443".into(),
            namespaces: Some(vec![NAMESPACE.into()]),
            contexts: vec!["eterna-prod".into(), "eterna-staging".into(), "kind-local".into()],
        }),
    );
    let identity = Identity {
        server_version: "v1.36.3".into(),
        cluster_uid: Some("c0ffee".into()),
        user: "ana".into(),
        ..Identity::default()
    };
    tell(app, TargetEvent::Identity(identity));
}

pub(crate) fn stream(kind: Kind) -> StreamKey {
    let scope = if kind.namespaced() { Scope::Namespace(NAMESPACE.into()) } else { Scope::Cluster };
    StreamKey { kind, scope }
}

/// Tells a complete list of a kind.
pub(crate) fn show(app: &mut App, kind: Kind, objects: Vec<Object>) {
    let listing = std::iter::once(ObjectChange::Listing);
    let changes = listing.chain(objects.into_iter().map(ObjectChange::Applied)).chain([ObjectChange::Listed]).collect();
    tell(app, TargetEvent::Stream { key: stream(kind), state: StreamState::Connected });
    tell(app, TargetEvent::Objects { key: stream(kind), changes });
}

/// Brings the app up to date, draws it, and tells it what was seen, as the loop around it does; then draws what that changed.
pub(crate) fn frame_with(app: &mut App, width: u16, height: u16, skin: &Skin) -> (Buffer, Drawn) {
    for _ in 0..2 {
        app.refresh(app.now);
        let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
        let drawn = draw(app, skin, &mut buffer);
        app.update(Msg::Drawn(drawn.measures), app.now);
    }
    app.refresh(app.now);
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let drawn = draw(app, skin, &mut buffer);
    (buffer, drawn)
}

fn frame(app: &mut App, width: u16, height: u16) {
    frame_with(app, width, height, &super::shot::skin(super::shot::Paint::Roles, timonel::theme::Charset::Unicode));
}

/// Presses keys one after the other.
pub(crate) fn press(app: &mut App, keys: &str) {
    for key in keys.split(' ') {
        app.update(Msg::Key(key.parse().unwrap_or_else(|_| panic!("'{key}' is no key"))), app.now);
        frame(app, 120, 36);
    }
}

fn labels(pairs: &[(&str, &str)]) -> Labels {
    let mut pairs: Vec<_> = pairs.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
    pairs.sort();
    pairs.into()
}

fn meta(name: &str, age: Seconds) -> Meta {
    Meta {
        name: name.into(),
        namespace: NAMESPACE.into(),
        uid: format!("uid-{name}").into(),
        resource_version: 88_213,
        created: NOW - age,
        deleted: None,
        generation: 41,
        labels: labels(&[("app", name)]),
        annotations: labels(&[]),
        owner: None,
    }
}

fn owner(kind: &str, name: &str) -> Owner {
    Owner { kind: kind.into(), name: name.into(), uid: format!("uid-{name}").into() }
}

fn condition(kind: &str, status: bool) -> Condition {
    Condition { kind: kind.into(), status: Some(status), reason: "".into(), message: "".into(), since: Some(NOW - 600) }
}

fn limits() -> Resources {
    Resources { cpu_milli: Some(1000), memory: Some(512 << 20) }
}

fn template(image: &str) -> TemplateContainer {
    TemplateContainer { name: "app".into(), role: ContainerRole::Main, image: image.into(), requests: limits(), limits: limits() }
}

fn workload(kind: Kind, name: &str, desired: i32, ready: i32, image: &str, age: Seconds) -> Workload {
    Workload {
        meta: meta(name, age),
        kind,
        desired,
        replicas: desired,
        ready,
        updated: desired,
        available: ready,
        observed_generation: 41,
        selector: Selector::equal([("app".into(), name.into())]),
        paused: false,
        strategy: Strategy::default(),
        progress_deadline: Some(600),
        conditions: [condition("Available", ready > 0)].into(),
        template: [template(image)].into(),
        current_revision: "".into(),
        update_revision: "".into(),
    }
}

fn deployment(name: &str, desired: i32, ready: i32, image: &str, age: Seconds) -> Object {
    Object::Workload(Arc::new(workload(Kind::Deployment, name, desired, ready, image, age)))
}

fn stateful_set(name: &str, image: &str) -> Object {
    Object::Workload(Arc::new(workload(Kind::StatefulSet, name, 1, 1, image, 9_000_000)))
}

fn backend() -> Object {
    let mut w = workload(Kind::Deployment, "eterna-rules-backend", 3, 2, "ghcr.io/eterna/rules-engine:v1.8.3", 8_000_000);
    w.meta.annotations = labels(&[("deployment.kubernetes.io/revision", "12")]);
    Object::Workload(Arc::new(w))
}

/// The backend wants so many pods now, and has some of them.
pub(crate) fn written(app: &mut App, desired: i32) {
    let at = app.now;
    tell_backend(app, desired, &[]);
    app.now = at + SignedDuration::from_secs(1);
}

/// The cluster with what runs of others left: a workload at zero, a suspended CronJob, an autoscaler that rests.
pub(crate) fn owing() -> App {
    let mut app = night();
    tell_backend(
        &mut app,
        0,
        &[("timonel.io/last-run", "20261122-131207-scale-7f3a scale 3->0 eva@bastion"), ("timonel.io/replicas-before-zero", "3")],
    );
    let Object::CronJob(cron) = cron_job() else { unreachable!("a CronJob") };
    let mut cron = Arc::unwrap_or_clone(cron);
    cron.suspended = true;
    cron.meta.annotations = labels(&[("timonel.io/last-run", "20261120-143200-suspend-0a1b suspend 0 3 * * * ana@console")]);
    show(&mut app, Kind::CronJob, vec![Object::CronJob(Arc::new(cron))]);
    let Object::Hpa(rests) = hpa() else { unreachable!("an autoscaler") };
    let mut rests = Arc::unwrap_or_clone(rests);
    (rests.up_disabled, rests.down_disabled) = (true, true);
    rests.meta.annotations = labels(&[("timonel.io/last-run", "20261122-140700-scale-7f3b scale pause:30m,up:Max,down:Max eva@bastion")]);
    show(&mut app, Kind::HorizontalPodAutoscaler, vec![Object::Hpa(Arc::new(rests))]);
    app.now = now() + SignedDuration::from_secs(1);
    app
}

/// The cluster on which somebody armed a change.
pub(crate) fn armed() -> App {
    let mut app = night();
    let mut meta = meta("timonel-timer-deployment-eterna-rules-frontend", 60);
    let back =
        r#"{"object":{"kind":"Deployment","namespace":"eterna-rules","name":"eterna-rules-frontend"},"action":"scale","parameters":["replicas=4"]}"#;
    meta.annotations = labels(&[
        ("timonel.io/action", "scale 4->2"),
        ("timonel.io/expires-at", "2026-11-22T14:40:30Z"),
        ("timonel.io/inputs", back),
        ("timonel.io/run", "20261122-143030-scale-7f3a"),
    ]);
    let lease = Lease { meta, holder: "eva@bastion/20261122-143030-scale-7f3a".into(), duration: 600, acquired: None, renewed: None };
    show(&mut app, Kind::Lease, vec![Object::Lease(Arc::new(lease))]);
    app.now = now() + SignedDuration::from_secs(1);
    app
}

fn tell_backend(app: &mut App, desired: i32, annotations: &[(&str, &str)]) {
    let Object::Workload(w) = backend() else { unreachable!("a workload") };
    let mut w = Arc::unwrap_or_clone(w);
    w.desired = desired;
    let own = [&[("deployment.kubernetes.io/revision", "12")], annotations].concat();
    w.meta.annotations = labels(&own);
    let changes = vec![ObjectChange::Applied(Object::Workload(Arc::new(w)))];
    tell(app, TargetEvent::Objects { key: stream(Kind::Deployment), changes });
}

fn replica_set(deployment: &str, revision: u32, hash: &str, replicas: i32, tag: &str, age: Seconds) -> Object {
    let mut meta = meta(&format!("{deployment}-{hash}"), age);
    meta.owner = Some(owner("Deployment", deployment));
    meta.labels = labels(&[("app", deployment), ("pod-template-hash", hash)]);
    meta.annotations =
        labels(&[("deployment.kubernetes.io/revision", &revision.to_string()), ("kubernetes.io/change-cause", "deploy by ci, build 4711")]);
    Object::ReplicaSet(Arc::new(ReplicaSet {
        meta,
        desired: replicas,
        replicas,
        ready: replicas,
        template: [template(&format!("ghcr.io/eterna/rules-engine:{tag}"))].into(),
        conditions: [].into(),
    }))
}

fn container(name: &str, image: &str) -> Container {
    Container {
        name: name.into(),
        role: ContainerRole::Main,
        image: image.into(),
        image_id: "ghcr.io/eterna/rules-engine@sha256:9f2c1ab34de56f78".into(),
        ready: true,
        started: true,
        restarts: 0,
        state: ContainerState::Running { since: Some(NOW - 700) },
        last: None,
        requests: limits(),
        limits: limits(),
    }
}

fn pod(name: &str, owner_kind: &str, owner_name: &str, app: &str, node: &str, containers: Vec<Container>, age: Seconds) -> Object {
    let ready = containers.iter().all(|c| c.ready);
    let mut meta = meta(name, age);
    meta.owner = Some(owner(owner_kind, owner_name));
    meta.labels = labels(&[("app", app)]);
    Object::Pod(Arc::new(Pod {
        meta,
        node: node.into(),
        phase: "Running".into(),
        reason: "".into(),
        message: "".into(),
        ip: "10.0.0.7".into(),
        started: Some(NOW - age),
        conditions: [condition("Initialized", true), condition("PodScheduled", true), condition("Ready", ready)].into(),
        containers: containers.into(),
        restart_policy: "Always".into(),
        readiness_gates: 0,
    }))
}

const BACKEND: &str = "eterna-rules-backend-7d9f4b5c6";

fn pods() -> Vec<Object> {
    let image = "ghcr.io/eterna/rules-engine:v1.8.3";
    let last = Termination {
        exit_code: 137,
        signal: 0,
        reason: "OOMKilled".into(),
        message: "".into(),
        started: Some(NOW - 400),
        finished: Some(NOW - 180),
    };
    let crashed = Container {
        ready: false,
        started: false,
        restarts: 7,
        state: ContainerState::Waiting { reason: "CrashLoopBackOff".into(), message: "back-off 5m0s restarting failed container".into() },
        last: Some(Box::new(last)),
        ..container("backend", image)
    };
    let of_backend =
        |end: &str, node: &str, containers| pod(&format!("{BACKEND}-{end}"), "ReplicaSet", BACKEND, "eterna-rules-backend", node, containers, 720);
    vec![
        of_backend("abcde", "node-1", vec![container("backend", image)]),
        of_backend("defgh", "node-2", vec![container("backend", image)]),
        of_backend("ghijk", "node-3", vec![crashed]),
        pod(
            "postgres-0",
            "StatefulSet",
            "postgres",
            "postgres",
            "node-1",
            vec![container("postgres", "postgres:15.4"), container("exporter", "exporter:0.15")],
            800_000,
        ),
        pod(
            "eterna-rules-frontend-84c6-aaaaa",
            "ReplicaSet",
            "eterna-rules-frontend-84c6",
            "eterna-rules-frontend",
            "node-1",
            vec![container("web", "ghcr.io/eterna/frontend:v3.1.0")],
            200_000,
        ),
        pod(
            "eterna-rules-frontend-84c6-bbbbb",
            "ReplicaSet",
            "eterna-rules-frontend-84c6",
            "eterna-rules-frontend",
            "node-2",
            vec![container("web", "ghcr.io/eterna/frontend:v3.1.0")],
            200_000,
        ),
    ]
}

fn job() -> Object {
    Object::Job(Arc::new(Job {
        meta: meta("eterna-migrate", 800),
        suspended: false,
        completions: Some(1),
        parallelism: Some(1),
        active: 0,
        ready: 0,
        succeeded: 1,
        failed: 0,
        started: Some(NOW - 800),
        completed: Some(NOW - 760),
        conditions: [condition("Complete", true)].into(),
        selector: Selector::default(),
        template: [template("ghcr.io/eterna/rules-engine:v1.8.3")].into(),
    }))
}

fn cron_job() -> Object {
    Object::CronJob(Arc::new(CronJob {
        meta: meta("backup", 8_000_000),
        schedule: "0 3 * * *".into(),
        time_zone: "".into(),
        suspended: false,
        concurrency: "Forbid".into(),
        starting_deadline: None,
        active: 0,
        last_schedule: Some(NOW - 41_527),
        last_success: Some(NOW - 41_400),
        template: [template("postgres:15.4")].into(),
    }))
}

pub(crate) fn service() -> Object {
    Object::Service(Arc::new(Service {
        meta: meta("eterna-rules-backend", 8_000_000),
        kind: "ClusterIP".into(),
        selector: Selector::equal([("app".into(), "eterna-rules-backend".into())]),
        ports: [].into(),
        cluster_ip: "10.96.0.12".into(),
        external_ips: [].into(),
        balancer: [].into(),
        external_name: "".into(),
    }))
}

fn slice() -> Object {
    let mut meta = meta("eterna-rules-backend-x7k2p", 8_000_000);
    meta.labels = labels(&[("kubernetes.io/service-name", "eterna-rules-backend")]);
    let endpoint = |end: &str, ready| Endpoint { pod: format!("{BACKEND}-{end}").into(), ready, serving: ready, terminating: false };
    Object::EndpointSlice(Arc::new(EndpointSlice {
        meta,
        endpoints: [endpoint("abcde", true), endpoint("defgh", true), endpoint("ghijk", false)].into(),
    }))
}

fn hpa() -> Object {
    Object::Hpa(Arc::new(Hpa {
        meta: meta("eterna-rules-hpa", 8_000_000),
        target_kind: "Deployment".into(),
        target_name: "eterna-rules-backend".into(),
        min: 3,
        max: 10,
        current: 3,
        desired: 3,
        conditions: [].into(),
        up_disabled: false,
        down_disabled: false,
    }))
}

pub(crate) fn node(name: &str) -> Object {
    let mut meta = meta(name, 9_000_000);
    meta.namespace = "".into();
    Object::Node(Arc::new(Node {
        meta,
        conditions: [condition("Ready", true)].into(),
        unschedulable: false,
        taints: [].into(),
        allocatable: Resources { cpu_milli: Some(8000), memory: Some(32 << 30) },
        allocatable_pods: Some(110),
        kubelet_version: "v1.36.3".into(),
    }))
}

fn event() -> Object {
    Object::Event(Arc::new(Event {
        meta: meta("ghijk.1", 60),
        about_kind: "Pod".into(),
        about_namespace: NAMESPACE.into(),
        about_name: format!("{BACKEND}-ghijk").into(),
        about_uid: format!("uid-{BACKEND}-ghijk").into(),
        field_path: "spec.containers{backend}".into(),
        warning: true,
        reason: "BackOff".into(),
        message: "Back-off restarting failed container backend in pod".into(),
        count: 12,
        first: NOW - 600,
        last: NOW - 20,
        source: "kubelet".into(),
    }))
}

fn metrics() -> TargetEvent {
    let pod = |name: String, container: &str, cpu_milli, mib: i64| PodMetrics {
        namespace: NAMESPACE.into(),
        name: name.into(),
        containers: [(container.into(), Usage { cpu_milli, memory: mib << 20 })].into(),
    };
    let pods = vec![
        pod(format!("{BACKEND}-abcde"), "backend", 380, 310),
        pod(format!("{BACKEND}-defgh"), "backend", 410, 480),
        pod("postgres-0".into(), "postgres", 80, 160),
        pod("eterna-rules-frontend-84c6-aaaaa".into(), "web", 12, 60),
        pod("eterna-rules-frontend-84c6-bbbbb".into(), "web", 9, 58),
    ];
    TargetEvent::PodMetrics { at: now(), pods }
}

fn probes() -> Vec<ProbeReport> {
    let report = |id: &str, kind: &str, result, health, detail: &str, millis: &[u64], ago: i64| {
        let samples = (0..).zip(millis).map(|(i, ms)| ProbeSample {
            at: Timestamp::from_second(NOW - 150 + 15 * i).unwrap(),
            result: if *ms == 0 { ProbeResult::Failed } else { ProbeResult::Ok },
            latency: (*ms > 0).then(|| Duration::from_millis(*ms)),
        });
        let history: Vec<_> = samples.collect();
        ProbeReport {
            id: id.into(),
            title: id.into(),
            kind: kind.into(),
            target: "https://rules.eterna.example/health".into(),
            result,
            health,
            counts: true,
            critical: true,
            since: Timestamp::from_second(NOW - 4000).unwrap(),
            at: Timestamp::from_second(NOW - ago).ok(),
            latency: millis.last().filter(|ms| **ms > 0).map(|ms| Duration::from_millis(*ms)),
            detail: detail.into(),
            expires: None,
            history: history.into(),
        }
    };
    vec![
        report("health", "http", ProbeResult::Ok, Health::Ok, "200", &[33, 35, 31, 40, 34, 33, 90, 34], 15),
        report("rules", "http", ProbeResult::Failed, Health::Degraded, "503, failing 2 of 3", &[80, 82, 79, 85, 81, 84, 0, 0], 41),
        report("slow-query", "http", ProbeResult::Unknown, Health::Unknown, "no data for 4 min", &[], 240),
        report("tls", "tls", ProbeResult::Ok, Health::Ok, "71 days left", &[12, 12, 13, 12], 300),
    ]
}

fn logs(app: &mut App) {
    let source = |end: &str| LogSource {
        namespace: NAMESPACE.into(),
        pod: format!("{BACKEND}-{end}").into(),
        pod_uid: format!("uid-{BACKEND}-{end}").into(),
        container: "backend".into(),
        previous: false,
    };
    let sources = [source("abcde"), source("defgh"), source("ghijk")];
    app.logs.follow("eterna-rules-backend".into(), &sources, 3, true);
    for s in &sources[..2] {
        tell(app, TargetEvent::Log(LogEvent::State { source: s.clone(), state: LogState::Following }));
    }
    let line = |s: &LogSource, at: Seconds, text: &str| {
        let lines = vec![LogLine { at: Timestamp::from_second(at).unwrap(), text: text.into() }];
        TargetEvent::Log(LogEvent::Lines { source: s.clone(), lines })
    };
    for (s, at, text) in [
        (0, 8, r#"{"timestamp":"t","level":"info","event":"evaluation_completed","ms":81,"rule":"discount-17"}"#),
        (1, 7, r#"{"timestamp":"t","level":"info","event":"evaluation_completed","ms":77,"rule":"vip"}"#),
        (2, 6, r#"{"timestamp":"t","level":"error","event":"redis timeout","after_ms":5000,"host":"redis-0.redis"}"#),
        (2, 5, "Traceback (most recent call last): File \"/app/engine.py\", line 118, in evaluate"),
        (1, 4, "2026-11-22 14:32:03 WARNING gunicorn.error worker 7 uses 480 MiB of 512 MiB"),
        (0, 3, "日本語のログ行 ─ emoji 🚢 and combining e\u{301}"),
    ] {
        tell(app, line(&sources[s], NOW - at, text));
    }
    tell(
        app,
        TargetEvent::Log(LogEvent::State { source: sources[2].clone(), state: LogState::Reconnected { gap_ms: 2100, missed: Some(0) } }),
    );
    tell(
        app,
        TargetEvent::Log(LogEvent::State { source: sources[2].clone(), state: LogState::Ended { reason: "exit 137 (OOMKilled)".into() } }),
    );
    tell(app, line(&sources[0], NOW, r#"{"timestamp":"t","level":"info","event":"evaluation_completed","ms":79,"rule":"vip"}"#));
}
