//! One precondition of a plan, and what its answer means (contract.md 4).
//!
//! Owns the shape of a check and the rule that says which ones block. Must not ask anything itself (that is `checks`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What a check answers. Unknown is an answer of its own and never good news.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Answer {
    /// The precondition holds.
    Ok,
    /// It does not.
    Failed,
    /// It could not be found out.
    Unknown,
}

/// One precondition with its answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Check {
    /// Stable id, as `--override` takes it: `rbac:patch deployments/scale`, `quota`.
    pub id: String,
    /// Whether a failure blocks; advisory checks are shown and never block.
    pub required: bool,
    /// Whether a block can be overridden, with a reason.
    pub overridable: bool,
    /// The answer.
    pub result: Answer,
    /// What was found, in words.
    pub detail: String,
    /// What would make it pass.
    pub fix: Option<String>,
    /// Ways on that a panel offers with one key each; empty when there is nothing to choose.
    #[serde(skip)]
    pub choices: Vec<Choice>,
}

/// One way to make a check pass: the plan made again with one more parameter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The key in the panel.
    pub key: char,
    /// The parameter as the command line has it: `hpa=raise`.
    pub parameter: String,
    /// What it does: `raise minReplicas to 5`.
    pub title: String,
}

impl Check {
    fn new(id: impl Into<String>, required: bool, overridable: bool) -> Self {
        Self {
            id: id.into(),
            required,
            overridable,
            result: Answer::Ok,
            detail: String::new(),
            fix: None,
            choices: Vec::new(),
        }
    }

    /// A check that blocks and that nothing overrides.
    pub fn required(id: impl Into<String>) -> Self {
        Self::new(id, true, false)
    }

    /// A check that blocks unless somebody overrides it with a reason.
    pub fn overridable(id: impl Into<String>) -> Self {
        Self::new(id, true, true)
    }

    /// A check that is shown and never blocks.
    pub fn advisory(id: impl Into<String>) -> Self {
        Self::new(id, false, false)
    }

    /// It holds.
    #[must_use]
    pub fn ok(mut self, detail: impl Into<String>) -> Self {
        (self.result, self.detail) = (Answer::Ok, detail.into());
        self
    }

    /// It does not hold, and this would mend it.
    #[must_use]
    pub fn failed(mut self, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        (self.result, self.detail, self.fix) = (Answer::Failed, detail.into(), Some(fix.into()));
        self
    }

    /// It could not be found out, and this would help.
    #[must_use]
    pub fn unknown(mut self, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        (self.result, self.detail, self.fix) = (Answer::Unknown, detail.into(), Some(fix.into()));
        self
    }

    /// The same with ways on to choose from.
    #[must_use]
    pub fn choices(mut self, choices: Vec<Choice>) -> Self {
        self.choices = choices;
        self
    }

    /// Whether it stands in the way, overrides left aside: failed and required, or unknown and required in production.
    pub fn blocks(&self, production: bool) -> bool {
        self.required
            && match self.result {
                Answer::Ok => false,
                Answer::Failed => true,
                Answer::Unknown => production,
            }
    }
}

#[cfg(test)]
mod tests {
    use super::Check;

    #[test]
    fn failed_and_required_blocks_and_unknown_and_required_blocks_in_production() {
        let failed = |check: Check| check.failed("", "");
        let unknown = |check: Check| check.unknown("", "");
        for (check, elsewhere, in_production) in [
            (Check::required("x").ok(""), false, false),
            (failed(Check::required("x")), true, true),
            (failed(Check::overridable("x")), true, true),
            (unknown(Check::required("x")), false, true),
            (failed(Check::advisory("x")), false, false),
            (unknown(Check::advisory("x")), false, false),
        ] {
            assert_eq!((check.blocks(false), check.blocks(true)), (elsewhere, in_production), "{check:?}");
        }
    }
}
