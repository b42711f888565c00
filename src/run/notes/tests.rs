//! What others are told is what the contract lists, in a form that the API takes.

use super::{MOST_NOTE, event, expiries};
use crate::base::environment::EnvironmentKind;
use crate::run::outcome::{End, Outcome};
use crate::run::plan::Plan;
use crate::run::record;
use crate::run::scale::{self, PlanContext, ScaleRequest};
use crate::run::world::{World, deployment};
use crate::run::{Environment, Operator};
use crate::target::api::Change;

fn plan() -> Plan {
    let world = World::new();
    let context = PlanContext::new("dev", Environment::of_kind(EnvironmentKind::Development), Operator::default());
    world.run(scale::plan(&world, &world, &context, &ScaleRequest::new(deployment(), 5))).expect("a plan")
}

fn body(outcome: Option<&Outcome>) -> serde_json::Value {
    let now = "2026-11-22T14:33:12Z".parse().expect("a time");
    match event(&plan(), 0, outcome, now).change {
        Change::Create(body) => body,
        other => panic!("an event is made, not {other:?}"),
    }
}

#[test]
fn an_event_is_one_of_the_events_group_about_the_workload() {
    let body = body(None);
    assert_eq!(body["apiVersion"], "events.k8s.io/v1");
    assert_eq!(body["reportingController"], "timonel.io/console");
    assert_eq!(body["reason"], "TimonelStarted");
    assert_eq!(body["eventTime"], "2026-11-22T14:33:12.000000Z", "the API wants microseconds");
    assert_eq!(body["regarding"]["kind"], "Deployment");
    assert_eq!(body["regarding"]["namespace"], body["metadata"]["namespace"], "the API refuses another namespace");
    for required in ["action", "reportingInstance", "type", "note"] {
        assert!(body[required].as_str().is_some_and(|text| !text.is_empty()), "{required} is required: {body:#}");
    }
}

#[test]
fn a_long_reason_is_cut_to_what_the_api_takes() {
    let body = body(Some(&Outcome::new(End::Failed, "é".repeat(2000))));
    assert_eq!(body["reason"], "TimonelFailed");
    assert!(body["note"].as_str().is_some_and(|note| note.len() <= MOST_NOTE));
}

#[test]
fn the_jobs_of_backups_and_migrations_end_by_themselves_once_proven_and_one_of_a_cron_job_is_not_touched() {
    let world = World::new();
    for plan in record::tests::plans(&world) {
        let ends: Vec<String> = expiries(&plan).iter().map(|request| request.object.to_string()).collect();
        let makes = matches!(plan.action(), "backup" | "verify" | "inspect" | "migrate" | "downgrade");
        assert_eq!(ends.len(), usize::from(makes), "{}: {ends:?}", plan.action());
    }
}
