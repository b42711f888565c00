//! Several objects in one plan: restart all of an app, scale three workloads, suspend two CronJobs.
//!
//! Owns which objects a request names besides its first, the order in which they are gone through, and how their plans become one. What
//! is done to each is its action's own plan, with its own checks and proofs. Nothing is a member that was not named, and no count is
//! anybody's default.

mod combine;

use futures_util::stream::{self, StreamExt as _, TryStreamExt as _};

use super::actions::{self, ActionRequest, ActionSpec};
use super::context::{PlanContext, PlanError};
use super::plan::Plan;
use crate::base::clock::Clock;
use crate::target::api::Read;
use crate::target::model::{Kind, ObjectRef};

/// More objects than anybody reads before confirming.
pub const MOST_MEMBERS: usize = 20;
/// Plans of members that are made at the same time.
const AT_ONCE: usize = 4;

/// In which order the objects of a plan are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Order {
    /// The next one when everything about the one before is proven.
    #[default]
    OneByOne,
    /// All are written first, and their proofs watched together then.
    Parallel,
}

impl Order {
    /// The word on the command line.
    pub const fn word(self) -> &'static str {
        match self {
            Self::OneByOne => "one-by-one",
            Self::Parallel => "parallel",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        [Self::OneByOne, Self::Parallel].into_iter().find(|o| o.word() == text)
    }
}

impl Plan {
    /// Whether all of its objects are written before any is proven.
    pub(in crate::run) fn is_parallel(&self) -> bool {
        // A variable of a service file's action may have any name.
        let own = self.inner.program.is_none();
        own && self
            .inner
            .inputs
            .parameters
            .iter()
            .any(|(name, value)| name == "order" && Order::parse(value) == Some(Order::Parallel))
    }
}

/// The parameter that names a further object: `with=deployment/worker`, `with=deployment/worker=2` where it needs a count.
pub fn with(object: &ObjectRef, count: Option<u32>) -> String {
    let count = count.map(|n| format!("={n}")).unwrap_or_default();
    format!("with={}/{}{count}", object.kind.word().to_lowercase(), object.name)
}

/// The requests that make up one for several, and their order; `None` when it is for one object.
pub(super) fn asked(request: &ActionRequest, spec: &ActionSpec) -> Result<Option<(Vec<ActionRequest>, Order)>, PlanError> {
    let usage = |text: String| Err(PlanError::Usage(text));
    let named = |name: &'static str| request.parameters.iter().filter_map(move |p| p.strip_prefix(name)?.strip_prefix('='));
    let order = match named("order").next().map(Order::parse) {
        Some(None) => return usage("order is one-by-one or parallel".to_owned()),
        found => found.flatten(),
    };
    let further = named("with").map(|text| member(&request.object, text)).collect::<Result<Vec<_>, _>>()?;
    if further.is_empty() {
        return if order.is_some() { usage("an order needs several objects".to_owned()) } else { Ok(None) };
    }
    if !spec.several {
        return usage(format!("{} takes one object at a time", spec.name));
    }
    if further.len() >= MOST_MEMBERS {
        return usage(format!("{} objects are more than {MOST_MEMBERS}: make several plans", further.len() + 1));
    }
    let own = |p: &&String| !["with", "order"].contains(&name_of(p));
    let common = |p: &&String| own(p) && name_of(p) != "replicas";
    let first = ActionRequest { parameters: request.parameters.iter().filter(own).cloned().collect(), overrides: Vec::new(), ..request.clone() };
    let mut all = vec![first];
    for (object, count) in further {
        if all.iter().any(|r| r.object == object) {
            return usage(format!("{object} is named twice"));
        }
        let mut parameters: Vec<String> = request.parameters.iter().filter(common).cloned().collect();
        parameters.extend(count.map(|n| format!("replicas={n}")));
        all.push(ActionRequest { object, parameters, overrides: Vec::new(), ..request.clone() });
    }
    Ok(Some((all, order.unwrap_or_default())))
}

fn name_of(parameter: &str) -> &str {
    parameter.split_once('=').map_or(parameter, |(name, _)| name)
}

/// `deployment/worker`, `deployment/worker=2`.
fn member(first: &ObjectRef, text: &str) -> Result<(ObjectRef, Option<String>), PlanError> {
    let (object, count) = text.split_once('=').map_or((text, None), |(object, count)| (object, Some(count.to_owned())));
    let found = object
        .split_once('/')
        .and_then(|(kind, name)| Some((Kind::parse(kind)?, name)))
        .filter(|(_, name)| !name.is_empty());
    let (kind, name) = found.ok_or_else(|| PlanError::Usage(format!("'{object}' is not KIND/NAME")))?;
    Ok((ObjectRef::new(kind, first.namespace.clone(), name), count))
}

/// Makes the plan of each object, and one of all.
pub(super) async fn plan(
    read: &dyn Read,
    clock: &dyn Clock,
    context: &PlanContext,
    request: &ActionRequest,
    (requests, order): (Vec<ActionRequest>, Order),
) -> Result<Plan, PlanError> {
    let count = |r: &ActionRequest| Some((r.object.clone(), r.parameters.iter().find_map(|p| p.strip_prefix("replicas="))?.parse().ok()?));
    let context = &PlanContext { counts: requests.iter().filter_map(count).collect(), ..context.clone() };
    let mut made = Vec::with_capacity(requests.len());
    for request in &requests {
        made.push(actions::one(read, clock, context, request));
    }
    let plans: Vec<Plan> = stream::iter(made).buffered(AT_ONCE).try_collect().await?;
    let mut plan = combine::all(plans, request, order);
    for check in &request.overrides {
        plan = plan.overriding(check, request.reason.as_deref().unwrap_or_default()).map_err(PlanError::Usage)?;
    }
    Ok(plan)
}
