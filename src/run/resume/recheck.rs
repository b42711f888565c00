//! What a resumed run asks again before it sends a write: quota and other owners. The plan's own answers may be hours old.
//!
//! Owns which checks these are. They are made as for a new plan; what is frozen is compared by the run itself.

use crate::base::clock::Clock;
use crate::run::actions::{self, ActionRequest, ActionSpec};
use crate::run::context::{PlanContext, PlanError};
use crate::run::plan::Plan;
use crate::target::api::{Read, TargetError};

/// What stands in the way now, in words; what was overridden does not.
pub(in crate::run) async fn recheck(read: &dyn Read, clock: &dyn Clock, plan: &Plan) -> Result<Vec<String>, TargetError> {
    let asked_again = |id: &str| id == "quota" || id == "owner" || id.starts_with("owner:");
    if !plan.checks.iter().any(|c| asked_again(&c.id)) {
        return Ok(Vec::new());
    }
    let context = PlanContext::new(plan.target.context.clone(), plan.inner.environment.clone(), plan.inner.operator.clone());
    let fresh = match actions::plan(read, clock, &context, &request(plan)).await {
        Ok(fresh) => fresh,
        Err(PlanError::Target { error, .. }) => return Err(error),
        // Of a plan that is half carried out none can be made anew where its first half was all: what is left is frozen.
        Err(PlanError::Usage(_) | PlanError::Missing(_)) => return Ok(Vec::new()),
    };
    let production = plan.inner.environment.kind.counts_as_production();
    let overridden = |id: &String| plan.inner.inputs.overrides.contains(id);
    let blocking = fresh.checks.iter().filter(|c| asked_again(&c.id) && c.blocks(production) && !overridden(&c.id));
    Ok(blocking.map(|c| format!("check {}: {}", c.id, c.detail)).collect())
}

/// What the plan was asked for with.
fn request(plan: &Plan) -> ActionRequest {
    let own = |name: &str| !matches!(name, "namespace" | "workload");
    let parameters = plan.inner.inputs.parameters.iter().filter(|(name, _)| own(name));
    ActionRequest {
        action: ActionSpec::named(&plan.action).map_or("", |spec| spec.name).into(),
        object: plan.inner.subject.clone(),
        parameters: parameters.map(|(name, value)| format!("{name}={value}")).collect(),
        overrides: Vec::new(),
        reason: None,
    }
}
