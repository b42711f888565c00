use std::sync::Arc;

use serde_json::json;

use super::{Here, NotUndone, undoing, undoing_last};
use crate::base::clock::FixedClock;
use crate::base::environment::EnvironmentKind;
use crate::run::actions::{self, ActionRequest};
use crate::run::context::PlanContext;
use crate::run::journal::{self, Draft, Entry, EntryKind, Journal, Recorder as _};
use crate::run::world::{World, deployment};
use crate::run::{Environment, Operator, Plan, record};

/// Runs of one journal, a minute after each other.
struct Past {
    world: World,
    folder: tempfile::TempDir,
    minutes: i64,
}

impl Past {
    fn new() -> Self {
        Self { world: World::new(), folder: tempfile::tempdir().expect("a folder"), minutes: 0 }
    }

    fn plan(&self, action: &'static str, parameters: &[&str]) -> Plan {
        let mut context = PlanContext::new("eterna-prod", Environment::of_kind(EnvironmentKind::Development), Operator::default());
        context.random = u16::try_from(self.minutes).expect("few minutes");
        let parameters = parameters.iter().map(|p| (*p).to_owned()).collect();
        let request = ActionRequest { action: action.into(), object: deployment(), parameters, overrides: Vec::new(), reason: None };
        self.world.run(actions::plan(&self.world, &self.world, &context, &request)).expect("a plan")
    }

    /// A run and how it ended; answers its id.
    fn run(&mut self, action: &'static str, parameters: &[&str], end: Option<(&str, bool)>) -> String {
        self.minutes += 1;
        let plan = self.plan(action, parameters);
        let at = jiff::Timestamp::from_second(1_795_357_927 + 60 * self.minutes).expect("a time");
        let journal = Journal::open(self.folder.path(), Arc::new(FixedClock::new(at)), "bastion", "ana").expect("a journal");
        let told = json!({ "subject": plan.subject().to_string(), "quantity": plan.quantity(), "plan": plan, "record": record::of(&plan) });
        let line =
            |kind, data: serde_json::Value| Draft { run: Some(plan.id().to_owned()), kind, data: data.as_object().cloned().unwrap_or_default() };
        let mut lines = vec![line(EntryKind::Plan, told)];
        lines.extend(end.map(|(outcome, undone)| line(EntryKind::End, json!({ "outcome": outcome, "undone": undone, "debts": [] }))));
        journal.record(&lines).expect("recorded");
        plan.id().to_owned()
    }

    fn entries(&self) -> Vec<Entry> {
        journal::read(self.folder.path()).expect("readable").entries
    }

    fn here(&self) -> Here {
        let target = self.plan("restart", &[]).target().clone();
        Here { context: target.context, cluster_uid: target.cluster_uid }
    }

    fn last(&self) -> Result<(String, String, Vec<String>), String> {
        let undo = undoing_last(&self.entries(), &self.here()).map_err(|e| e.to_string())?;
        Ok((undo.run, undo.request.action.into_owned(), undo.request.parameters))
    }
}

#[test]
fn the_newest_change_is_taken_back_and_what_changed_nothing_is_passed_over() {
    let mut past = Past::new();
    past.run("scale", &["replicas=4"], Some(("proven", false)));
    let five = past.run("scale", &["replicas=5"], Some(("proven", false)));
    past.run("scale", &["replicas=6"], Some(("refused", false)));
    past.run("scale", &["replicas=7"], Some(("failed", true)));
    assert_eq!(past.last(), Ok((five.clone(), "scale".to_owned(), vec!["replicas=3".to_owned(), format!("undoes={five}")])));
    let undo = undoing(&past.entries(), &five).expect("a way back");
    assert_eq!(undo.request.reason, Some(format!("undo of {five}")));
}

#[test]
fn behind_a_change_of_which_nobody_knows_how_it_stands_no_older_one_is_taken_back() {
    for (end, words) in [(None, "did not come to its end"), (Some(("unknown", false)), "not known"), (Some(("failed-with-debts", false)), "debts")] {
        let mut past = Past::new();
        past.run("scale", &["replicas=4"], Some(("proven", false)));
        past.run("scale", &["replicas=5"], end);
        let error = undoing_last(&past.entries(), &past.here()).expect_err("no way back");
        assert!(error.to_string().contains(words), "{error}");
        assert!(error.hint().is_some_and(|h| h.contains("runs resume")), "{error}");
    }
}

#[test]
fn what_cannot_be_taken_back_says_so_and_nothing_older_is() {
    let mut past = Past::new();
    past.run("scale", &["replicas=4"], Some(("proven", false)));
    past.run("restart", &[], Some(("proven", false)));
    assert!(past.last().is_err_and(|e| e.contains("a restart cannot be undone")), "{:?}", past.last());
}

#[test]
fn changes_of_another_cluster_are_none_here() {
    let mut past = Past::new();
    past.run("scale", &["replicas=4"], Some(("proven", false)));
    let elsewhere = Here { cluster_uid: Some("another".into()), ..past.here() };
    assert!(matches!(undoing_last(&past.entries(), &elsewhere), Err(NotUndone::Nothing)));
    let unread = Here { cluster_uid: None, ..past.here() };
    assert!(undoing_last(&past.entries(), &unread).is_ok(), "without a UID the context's name says where");
    let other = Here { context: "shop".into(), cluster_uid: None };
    assert!(matches!(undoing_last(&past.entries(), &other), Err(NotUndone::Nothing)));
}

#[test]
fn a_run_of_that_name_is_asked_for_where_there_is_none() {
    let mut past = Past::new();
    let id = past.run("scale", &["replicas=4"], Some(("refused", false)));
    assert!(undoing(&past.entries(), &id).is_err_and(|e| e.to_string().contains("changed nothing")));
    assert!(matches!(undoing(&past.entries(), "20261122-000000-scale-0000"), Err(NotUndone::Record(_))));
}
