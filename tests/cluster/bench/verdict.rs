//! Measures the verdicts on fifty releases, once all data is there: what an operator waits for when the releases change.

use std::sync::Arc;
use std::time::Instant;

use jiff::Timestamp;
use serde_json::{Value, json};
use timonel::fleet::{Fleet, WorkloadKey, WorkloadKind};
use timonel::release::{BackVerdict, history};
use timonel::run::migrate::releases::{self, Record};
use timonel::run::migrate::{Judge, Known, of_service};
use timonel::service::{Origin, ServiceFile};
use timonel::target::model::{
    ContainerRole, Kind, Meta, Object, Owner, ReplicaSet, Resources, Scope, Selector, Strategy, TemplateContainer, Workload,
};
use timonel::target::request::StreamKey;

/// Releases in the history, each with as many revisions as it is old.
const RELEASES: usize = 50;
/// Times that are measured; the median is told.
const TIMES: usize = 9;
const NOW: i64 = 1_800_000_000;

const FILE: &str = "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"api\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"api\"\n\
    [migrations]\ntool = \"alembic\"\nworkload = \"api\"\n";

pub(super) fn measure() -> Result<Vec<(&'static str, String)>, String> {
    let (file, problems) = ServiceFile::read("f.toml", FILE, &Origin::Operator);
    let service = file.ok_or(format!("{problems:?}"))?.resolve(None).0;
    let migration = of_service(&service, "shop")?;
    let entries: serde_json::Map<String, Value> = (1..=RELEASES).map(|n| (format!("name-{n}"), entry(n).to_string().into())).collect();
    let raw = json!({ "data": entries });
    let (fleet, key) = (fleet()?, WorkloadKey::new(WorkloadKind::Deployment, "shop", "api"));
    let now = Timestamp::from_second(NOW).map_err(|error| error.to_string())?;
    let (mut read, mut judged) = (Vec::new(), Vec::new());
    for _ in 0..TIMES {
        let began = Instant::now();
        let known = Known { record: Record::Read(releases::read(&raw)), applied: None };
        read.push(began.elapsed());
        let began = Instant::now();
        let judge = Judge { migration: &migration, known: &known, now };
        let verdicts: Vec<BackVerdict> = history(&fleet, &key).iter().filter_map(|r| Some(judge.judge(&fleet, &key, r)?.verdict)).collect();
        judged.push(began.elapsed());
        let (safe, needs) = (count(&verdicts, BackVerdict::Safe), count(&verdicts, BackVerdict::NeedsDowngrade));
        if (safe, needs) != (1, RELEASES - 1) {
            return Err(format!("{safe} are safe and {needs} need a downgrade, of {}", verdicts.len()));
        }
    }
    Ok(vec![("the record of 50 releases is read", super::middle(read)), ("the verdicts on 50 releases", super::middle(judged))])
}

fn count(all: &[BackVerdict], one: BackVerdict) -> usize {
    all.iter().filter(|v| **v == one).count()
}

/// What an image with so many revisions says of a database that has all of them.
fn entry(count: usize) -> Value {
    let id = |n: usize| format!("r{n:03}");
    let revisions: Vec<Value> = (1..=count)
        .map(|n| json!({ "id": id(n), "down": if n > 1 { vec![id(n - 1)] } else { Vec::new() } }))
        .collect();
    let statement = json!({ "text": "ALTER TABLE orders ADD COLUMN discount numeric", "harm": "additive", "table": "orders", "why": "a new column" });
    let loss = json!({ "table": "orders", "column": "discount", "rows": 0, "statement": "ALTER TABLE orders DROP COLUMN discount" });
    let (scripts, returns): (Vec<Value>, Vec<Value>) = (1..=count)
        .map(|n| (json!({ "id": id(n), "statements": [statement] }), json!({ "id": id(n), "losses": [loss] })))
        .unzip();
    json!({
        "images": [format!("registry.example/shop:{count}")], "digest": "", "at": "2027-01-15T07:00:00Z", "run": format!("r{count}"), "by": "ana@host",
        "inspection": {
            "tool": "alembic", "revisions": revisions, "heads": [id(count)], "applied": [id(RELEASES)], "failed": [], "recorded": true, "tables": 40,
            "scripts": scripts, "returns": returns, "database": { "server": 15, "bytes": 9_000_000, "lock_timeout_ms": 5000 },
        },
    })
}

fn fleet() -> Result<Fleet, String> {
    let now = Timestamp::from_second(NOW).map_err(|error| error.to_string())?;
    let mut fleet = Fleet::new();
    let stream = |kind| StreamKey { kind, scope: Scope::Namespace("shop".into()) };

    let workload = Workload {
        kind: Kind::Deployment,
        meta: meta("api", RELEASES),
        desired: 3,
        replicas: 3,
        ready: 3,
        updated: 3,
        available: 3,
        observed_generation: 1,
        selector: Selector::equal([("app".into(), "api".into())]),
        strategy: Strategy::default(),
        template: template(RELEASES),
        progress_deadline: Some(600),
        paused: false,
        conditions: [].into(),
        current_revision: "".into(),
        update_revision: "".into(),
    };
    fleet.list(stream(Kind::Deployment), vec![Object::Workload(Arc::new(workload))], now);
    fleet.list(stream(Kind::ReplicaSet), (1..=RELEASES).map(replica_set).collect(), now);
    fleet.settle(now);
    Ok(fleet)
}

fn meta(name: &str, revision: usize) -> Meta {
    Meta {
        name: name.into(),
        namespace: "shop".into(),
        uid: format!("u-{name}").as_str().into(),
        resource_version: 1,
        created: NOW - 10_000 + i64::try_from(revision).unwrap_or_default(),
        deleted: None,
        generation: 1,
        labels: [("app".into(), "api".into())].into(),
        annotations: [("deployment.kubernetes.io/revision".into(), revision.to_string().as_str().into())].into(),
        owner: None,
    }
}

fn replica_set(revision: usize) -> Object {
    let owner = Some(Owner { kind: "Deployment".into(), name: "api".into(), uid: "u-api".into() });
    let own = if revision == RELEASES { 3 } else { 0 };
    Object::ReplicaSet(Arc::new(ReplicaSet {
        meta: Meta { owner, ..meta(&format!("api-{revision}"), revision) },
        desired: own,
        replicas: own,
        ready: own,
        template: template(revision),
        conditions: [].into(),
    }))
}

fn template(revision: usize) -> Box<[TemplateContainer]> {
    [TemplateContainer {
        name: "api".into(),
        image: format!("registry.example/shop:{revision}").as_str().into(),
        role: ContainerRole::Main,
        requests: Resources::default(),
        limits: Resources::default(),
    }]
    .into()
}
