//! A rollback that takes the schema back first.
//!
//! Owns the order: what writes is stopped, the schema goes back by the image that is left (an older one cannot take back what it does not
//! know), then the image, then what was stopped is started again. Each step is its own action's, with that action's checks and proofs.

use super::{goes_to, number};
use crate::base::clock::Clock;
use crate::base::confirmation::Confirmation;
use crate::migrate::verdict::Verdict;
use crate::run::actions::ActionRequest;
use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::{flag, int};
use crate::run::ground::Ground;
use crate::run::migrate::{Ahead, TO};
use crate::run::plan::Plan;
use crate::run::preempt::SCHEMA_FIRST;
use crate::run::program::{self, Does, Program, ProgramStep};
use crate::run::step::Policy;
use crate::target::api::{ErrorKind, Read};
use crate::target::model::{Kind, ObjectRef};

/// The plan, where going back needs the schema to go first; `None` where the image alone goes back.
pub(in crate::run) async fn plan(
    read: &dyn Read,
    clock: &dyn Clock,
    context: &PlanContext,
    request: &ActionRequest,
) -> Result<Option<Plan>, PlanError> {
    // Taking a rollback back is never held up, and a workload whose schema is nobody's has no such way.
    let own = context.migration.as_ref().filter(|_| !context.undo);
    let Some(migration) = own.filter(|m| (m.workload.kind, m.workload.name.as_str()) == (request.object.kind, &*request.object.name)) else {
        return Ok(None);
    };
    let ground = Ground::read(read, context, &request.object).await.map_err(|error| PlanError::of(&request.object, &error))?;
    let to = request.parameters.iter().find_map(|p| p.strip_prefix("to=")).map(number).transpose()?;
    let (from, to, template) = goes_to(read, context, &ground, to).await?;
    let Some(ahead) = Ahead::read(read, context, &ground, &template, clock.now()).await else { return Ok(None) };
    let Some(way) = ahead.judgement.verdict.way().filter(|_| ahead.gone.is_none()) else { return Ok(None) };
    let (namespace, name) = (request.object.namespace.clone(), request.object.name.clone());
    let writers = writers(read, context, &request.object).await?;
    let mut steps = Vec::new();
    steps.extend(writers.iter().map(|w| step(format!("stop-{}", w.object.name), w.stop())));
    let downgrade = act("downgrade", &request.object, vec![format!("{TO}={}", ahead.image)]);
    steps.push(step("schema".to_owned(), downgrade));
    steps.push(step("image".to_owned(), act("rollback", &request.object, vec![format!("to={to}")])));
    steps.extend(writers.iter().rev().map(|w| step(format!("start-{}", w.object.name), w.start())));
    let workload = format!("{}/{name}", request.object.kind.word().to_lowercase());
    let parameters = [("namespace", namespace.to_string()), (TO, to.to_string()), ("workload", workload)];
    let schema = match &ahead.judgement.verdict {
        Verdict::NeedsDowngrade(_) => Check::overridable("schema").ok(format!(
            "the database has {} above {}, {}: the schema goes back first",
            way.words(),
            ahead.image,
            ahead.judgement.asked
        )),
        _ => ahead.check(),
    };
    let program = Program {
        action: "rollback".to_owned(),
        title: format!("Roll back {name} to revision {to}, the schema first ({})", migration.service),
        parameters: parameters.map(|(key, value)| (key.to_owned(), value)).into(),
        level: Confirmation::Key,
        phrase: Some(format!("rollback {name} {from}->{to}")),
        of: Some(request.object.clone()),
        raises: Vec::new(),
        checks: vec![schema],
        own_checks: Vec::new(),
        steps,
        overrides: request.overrides.clone(),
        reason: request.reason.clone(),
    };
    let mut context = PlanContext { ordered: true, ..context.clone() };
    // What is stopped here is stopped on purpose, and started again.
    for writer in &writers {
        context.min_ready.remove(&*writer.object.name);
    }
    let home = ObjectRef::new(Kind::Namespace, "", namespace);
    let mut plan = program::plan(read, clock, &context, &program, &home).await?;
    plan.inner.quantity = format!("{from}->{to} {SCHEMA_FIRST}");
    Ok(Some(plan))
}

/// Something that writes, and how it is now.
struct Writer {
    object: ObjectRef,
    replicas: i64,
}

impl Writer {
    fn stop(&self) -> Does {
        match self.object.kind {
            Kind::CronJob => act("suspend", &self.object, Vec::new()),
            _ => act("scale", &self.object, vec!["replicas=0".to_owned()]),
        }
    }

    fn start(&self) -> Does {
        match self.object.kind {
            Kind::CronJob => act("resume", &self.object, Vec::new()),
            _ => act("scale", &self.object, vec![format!("replicas={}", self.replicas)]),
        }
    }
}

/// What writes and is not stopped already: what the service file says, and what goes back itself.
async fn writers(read: &dyn Read, context: &PlanContext, own: &ObjectRef) -> Result<Vec<Writer>, PlanError> {
    let mut all: Vec<ObjectRef> = context.writers.clone();
    if !all.contains(own) {
        all.push(own.clone());
    }
    let mut found = Vec::new();
    for object in all {
        let raw = match read.get(&object, "").await {
            Ok(raw) => raw,
            // What is declared and not there writes nothing.
            Err(error) if error.kind == ErrorKind::NotFound => continue,
            Err(error) => return Err(PlanError::of(&object, &error)),
        };
        let (replicas, suspended) = (int(&raw, "/spec/replicas").unwrap_or(1), flag(&raw, "/spec/suspend"));
        let runs = if object.kind == Kind::CronJob { !suspended } else { replicas > 0 };
        if runs {
            found.push(Writer { object, replicas });
        }
    }
    Ok(found)
}

fn act(action: &'static str, object: &ObjectRef, parameters: Vec<String>) -> Does {
    Does::Action(ActionRequest { action: action.into(), object: object.clone(), parameters, overrides: Vec::new(), reason: None })
}

fn step(id: String, does: Does) -> ProgramStep {
    ProgramStep { id, does, done_when: Vec::new(), policy: Policy::default() }
}

#[cfg(test)]
mod tests {
    use super::plan;
    use crate::base::confirmation::Confirmation;
    use crate::base::environment::EnvironmentKind;
    use crate::run::check::Answer;
    use serde_json::Value;

    use crate::base::clock::Clock as _;
    use crate::run::migrate::{self, Applied, Mode, asked_for, known_above, known_at, releases};
    use crate::run::plan::Plan;
    use crate::run::world::{World, deployment, neighbour, revisions};
    use crate::run::{ActionRequest, Environment, Operator, PlanContext};

    /// The plan of going back from `api:2` to `api:1` beside a worker that writes.
    fn made(rows: u64, kind: EnvironmentKind, overrides: &[&str]) -> Option<Plan> {
        of(known_above(rows), None, kind, overrides)
    }

    /// The same by that record, and by what the database itself said just now.
    fn of(record: Value, applied: Option<&str>, kind: EnvironmentKind, overrides: &[&str]) -> Option<Plan> {
        let world = World::new();
        revisions(&world, &[0, 3]);
        let worker = neighbour(&world, "worker");
        world.with(|s| s.put(&releases::of("shop", "shop"), record));
        let operator = Operator { user: "ana".into(), host: "h".into(), cluster_user: "ana".into() };
        let mut context = PlanContext::new("c", Environment::of_kind(kind), operator);
        (context.migration, context.writers) = (Some(asked_for(Mode::Inspect).migration), vec![worker]);
        context.freeze = Some("friday".into());
        context.applied = applied.map(|at| Applied { at: world.now(), revisions: vec![at.to_owned()] });
        let request = ActionRequest {
            action: "rollback".into(),
            object: deployment(),
            parameters: vec!["to=1".into()],
            overrides: overrides.iter().map(|o| (*o).to_owned()).collect(),
            reason: (!overrides.is_empty()).then(|| "it is on paper".to_owned()),
        };
        world.run(plan(&world, &world, &context, &request)).expect("a plan")
    }

    #[test]
    fn what_writes_is_stopped_then_the_schema_goes_by_the_image_that_is_left_then_the_image() {
        let plan = made(0, EnvironmentKind::Staging, &[]).expect("the schema goes first");
        let labels: Vec<&str> = plan.steps().iter().filter_map(|s| plan.label(s.id)).collect();
        let mut order = labels.clone();
        order.dedup();
        assert_eq!(order, ["stop-worker", "stop-api", "schema", "image", "start-api", "start-worker"], "{labels:?}");
        assert!(plan.same_as().iter().any(|line| line == "in api:2: alembic downgrade a1"), "{:?}", plan.same_as());
        let schema = plan.checks().iter().find(|c| c.id == "schema").expect("the verdict");
        assert_eq!(schema.result, Answer::Ok, "{schema:?}");
        assert!(plan.checks().iter().all(|c| !c.id.starts_with("freeze") || c.result == Answer::Ok), "a rollback passes a freeze");
        assert_eq!(plan.confirmation().text.as_deref(), Some("rollback api 2->1"), "all that writes is stopped");
        assert!(crate::run::preempt::refuses(&format!("rollback {}", plan.quantity())), "nobody stops it in the middle");
        // Whoever approves it asks for the same.
        let again = plan.request();
        assert_eq!((&*again.action, again.object, again.parameters), ("rollback", deployment(), vec!["to=1".to_owned()]));
    }

    /// The Job that takes back: its image, and what it goes by.
    fn back(plan: &Plan) -> (String, migrate::Back) {
        let found = migrate::asked(plan).find_map(|(.., asked)| match &asked.mode {
            Mode::Back(back) => Some((asked.image.clone(), back.clone())),
            _ => None,
        });
        found.expect("a Job that takes back")
    }

    #[test]
    fn the_image_that_runs_takes_back_whatever_newer_one_was_inspected() {
        let plan = of(known_at("b2", true), None, EnvironmentKind::Staging, &[]).expect("the schema goes first");
        let (image, back) = back(&plan);
        assert_eq!((image.as_str(), back.heads, back.applied), ("api:2", vec!["b2".to_owned()], vec!["b2".to_owned()]));
    }

    #[test]
    fn what_the_database_says_when_the_plan_is_made_counts_more_than_what_was_inspected() {
        assert!(of(known_at("a1", false), None, EnvironmentKind::Staging, &[]).is_none(), "the image alone goes back");
        // Somebody else migrated it since.
        let plan = of(known_at("a1", false), Some("b2"), EnvironmentKind::Staging, &[]).expect("the schema goes first");
        assert_eq!(back(&plan).1.applied, ["b2"]);
        let schema = plan.checks().iter().find(|c| c.id == "schema").expect("the verdict");
        assert!(schema.detail.contains("as of 0s ago"), "{schema:?}");
    }

    #[test]
    fn no_more_rows_are_lost_than_were_agreed_to() {
        let plan = made(7, EnvironmentKind::Production, &[]).expect("it is ordered all the same");
        let agreed = serde_json::to_value(back(&plan).1.agreed).expect("JSON");
        assert_eq!(agreed, serde_json::json!({ "b2": { "rules.note": 7 } }));
    }

    #[test]
    fn rows_that_would_be_lost_block_and_are_for_two_in_production() {
        let plan = made(7, EnvironmentKind::Production, &[]).expect("it is ordered all the same");
        let schema = plan.checks().iter().find(|c| c.id == "schema").expect("the verdict");
        assert!(schema.overridable && schema.detail.contains("taking b2 back loses rules.note (7 rows)"), "{schema:?}");
        assert!(!plan.allowed() && plan.confirmation().level == Confirmation::TwoPerson);
        assert!(made(7, EnvironmentKind::Staging, &["schema", "backup"]).expect("ordered").allowed());
    }
}
