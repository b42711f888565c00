//! Scale: the plan of changing how many pods a workload has.
//!
//! Owns what a scale reads, checks, writes, proves and undoes. Makes a [`Plan`]; the engine carries it out like any other.

mod build;
mod reading;

pub use super::context::{PlanContext, PlanError};

use crate::base::clock::Clock;
use crate::target::api::Read;
use crate::target::model::{Kind, ObjectRef};

use super::checks::HpaChoice;
use super::plan::{Inputs, Plan};

/// More than any cluster runs; a larger number is a slip of the hand.
pub const MOST_REPLICAS: u32 = 100_000;

/// Each workload as typed, and how many pods it shall have.
pub type Counts = Vec<(String, u32)>;

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScaleRequest {
    /// The workload.
    pub object: ObjectRef,
    /// How many pods.
    pub replicas: u32,
    /// What to do with an autoscaler in the way.
    pub hpa: Option<HpaChoice>,
    /// Checks that are overridden.
    pub overrides: Vec<String>,
    /// Why, in the operator's words; needed for an override.
    pub reason: Option<String>,
}

impl ScaleRequest {
    /// Scales `object` to `replicas`.
    pub fn new(object: ObjectRef, replicas: u32) -> Self {
        Self { object, replicas, hpa: None, overrides: Vec::new(), reason: None }
    }

    /// Reads the arguments of `scale WORKLOAD=replicas… [hpa=…]`: each workload as typed with how many pods it shall have, and what to do
    /// with an autoscaler.
    pub fn arguments(arguments: &[impl AsRef<str>]) -> Result<(Counts, Option<HpaChoice>), PlanError> {
        let usage = |text: String| PlanError::Usage(text);
        let (mut workloads, mut hpa) = (Vec::new(), None);
        for argument in arguments.iter().map(AsRef::as_ref) {
            let Some((key, value)) = argument.split_once('=') else {
                return Err(usage(format!("'{argument}' is not NAME=VALUE; write: scale WORKLOAD=REPLICAS")));
            };
            match key {
                "hpa" => hpa = Some(HpaChoice::parse(value).ok_or_else(|| usage(format!("'{value}' is none of raise, lower, pause:30m")))?),
                "" => return Err(usage(format!("'{argument}' names no workload"))),
                _ => workloads.push((key.to_owned(), replicas(value)?)),
            }
        }
        if workloads.is_empty() {
            return Err(usage("no workload is named; write: scale WORKLOAD=REPLICAS".to_owned()));
        }
        Ok((workloads, hpa))
    }

    /// From `replicas=5` and whatever a check offered, as a panel collects them.
    pub fn of(object: ObjectRef, parameters: &[impl AsRef<str>]) -> Result<Self, PlanError> {
        let count = parameters.iter().find_map(|p| p.as_ref().strip_prefix("replicas="));
        let count = count.ok_or_else(|| PlanError::Usage("how many replicas is not said".to_owned()))?;
        let others = parameters.iter().map(AsRef::as_ref).filter(|p| !p.starts_with("replicas="));
        others.into_iter().try_fold(Self::new(object, replicas(count)?), Self::with)
    }

    /// The same with one more parameter, as a check offers it: `hpa=raise`.
    pub fn with(mut self, parameter: &str) -> Result<Self, PlanError> {
        let choice = parameter.strip_prefix("hpa=").and_then(HpaChoice::parse);
        self.hpa = Some(choice.ok_or_else(|| PlanError::Usage(format!("'{parameter}' is no parameter of scale")))?);
        Ok(self)
    }

    fn inputs(&self) -> Inputs {
        let mut parameters: Vec<(String, String)> = vec![
            ("namespace".into(), self.object.namespace.to_string()),
            ("replicas".into(), self.replicas.to_string()),
            ("workload".into(), format!("{}/{}", self.object.kind.word().to_lowercase(), self.object.name)),
        ];
        parameters.extend(self.hpa.map(|h| ("hpa".to_owned(), h.word())));
        parameters.sort_unstable();
        Inputs { parameters, ..Inputs::default() }
    }
}

/// Reads a number of replicas.
pub fn replicas(text: &str) -> Result<u32, PlanError> {
    let number: i128 = text.parse().map_err(|_| PlanError::Usage(format!("replicas '{text}' is not a whole number")))?;
    let fits = u32::try_from(number).ok().filter(|n| *n <= MOST_REPLICAS);
    fits.ok_or_else(|| PlanError::Usage(format!("replicas '{text}' is out of range: 0 to {MOST_REPLICAS}")))
}

/// Makes the plan: reads, asks for rights, lets the server try the writes without doing them, checks.
///
/// Fails only where there is nothing to plan; whatever speaks against the plan is one of its checks.
pub async fn plan(read: &dyn Read, clock: &dyn Clock, context: &PlanContext, request: &ScaleRequest) -> Result<Plan, PlanError> {
    if !matches!(request.object.kind, Kind::Deployment | Kind::StatefulSet | Kind::ReplicaSet) {
        return Err(PlanError::Usage(format!("a {} cannot be scaled", request.object.kind.word())));
    }
    let reading = reading::read(read, context, request).await.map_err(|error| PlanError::of(&request.object, &error))?;
    let id = context.id("scale", clock.now());
    let plan = build::build(context, request, &reading, id, clock.now());
    plan.with(&request.overrides, request.reason.as_deref()).map_err(PlanError::Usage)
}

#[cfg(test)]
mod tests {
    use super::{HpaChoice, PlanError, ScaleRequest};

    #[test]
    fn arguments_are_read_and_nonsense_is_refused_in_words() {
        assert_eq!(ScaleRequest::arguments(&["api=5"]), Ok((vec![("api".into(), 5)], None)));
        assert_eq!(ScaleRequest::arguments(&["sts/db=0", "hpa=raise"]), Ok((vec![("sts/db".into(), 0)], Some(HpaChoice::Raise))));
        assert_eq!(ScaleRequest::arguments(&["a=1", "b=2"]), Ok((vec![("a".into(), 1), ("b".into(), 2)], None)));
        for (arguments, says) in [
            (&["api=-1"][..], "out of range"),
            (&["api=many"], "not a whole number"),
            (&["api="], "not a whole number"),
            (&["api=2.5"], "not a whole number"),
            (&["api=99999999999999999999999"], "out of range"),
            (&["api=100001"], "out of range"),
            (&["api"], "not NAME=VALUE"),
            (&["=3"], "names no workload"),
            (&["a=1", "b"], "not NAME=VALUE"),
            (&["hpa=raise"], "no workload is named"),
            (&["api=3", "hpa=maybe"], "none of raise"),
        ] {
            let Err(PlanError::Usage(text)) = ScaleRequest::arguments(arguments) else { unreachable!("{arguments:?} is refused") };
            assert!(text.contains(says), "{arguments:?}: {text}");
        }
    }
}
