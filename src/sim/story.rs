//! What is going to happen, and how everything behaves.
//!
//! Owns the rules in force, the pools, the steps of the scenario and their conditions. Everything is data (assets/scenarios);
//! the same data and the same seed make the same story.

mod actions;
pub(crate) mod scenario;

use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;

use super::behaviour::{Facets, Pool, Rule, Traits};
use super::exec::Script;
use super::logs::Format;
use super::world::{Task, World};
pub(crate) use actions::{days, with_times};
use scenario::{Scenario, Step};

/// How often conditions are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// The story and its rules.
#[derive(Debug, Default)]
pub(crate) struct Story {
    /// Limited things that containers share.
    pub(crate) pools: Vec<Pool>,
    /// What commands answer.
    pub(crate) scripts: Vec<Script>,
    /// What measures answer.
    pub(crate) measures: Vec<Measure>,
    formats: Vec<Format>,
    rules: Vec<Timed>,
    steps: Vec<Step>,
    storm: Option<scenario::Storm>,
    /// When the last gust of the storm was.
    gusted: Option<Timestamp>,
}

/// What the systems say when they are asked, and how they log.
#[derive(Debug, Default)]
pub(crate) struct Spoken {
    /// What commands answer.
    pub(crate) scripts: Vec<Script>,
    /// Log formats.
    pub(crate) formats: Vec<Format>,
    /// What measures answer.
    pub(crate) measures: Vec<Measure>,
}

/// A measure, as Prometheus has it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Measure {
    /// The query; `*` stands for anything.
    pub(crate) query: String,
    /// Its answer.
    pub(crate) value: f64,
}

/// A rule and when it holds.
#[derive(Debug, Clone)]
struct Timed {
    from: Timestamp,
    until: Timestamp,
    step: Option<String>,
    rule: Rule,
}

/// The story goes on.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Beat {
    /// It begins.
    Begin,
    /// A step is due, or its condition is looked at.
    Step(usize),
    /// The next gust of a storm.
    Gust,
}

impl Story {
    /// The story of a scenario, with rules that hold from the beginning of time.
    pub(crate) fn new(scenario: Scenario, rules: Vec<Rule>, mut pools: Vec<Pool>, spoken: Spoken) -> Self {
        let Spoken { scripts, formats, measures } = spoken;
        pools.retain(|p| scenario.pool.iter().all(|q| q.name != p.name));
        pools.extend(scenario.pool);
        let always = |rule| Timed { from: Timestamp::MIN, until: Timestamp::MAX, step: None, rule };
        let rules = rules.into_iter().chain(scenario.rule).map(always).collect();
        Self { pools, scripts, measures, formats, rules, steps: scenario.step, storm: scenario.storm, gusted: None }
    }

    /// How a container behaves at a time.
    pub(crate) fn traits(&self, facets: Facets<'_>, at: Timestamp) -> Traits {
        Traits::of(self.rules.iter().filter(|t| t.from <= at && at < t.until).map(|t| &t.rule), facets)
    }

    /// The log format of that name; an unknown one is empty.
    pub(crate) fn format(&self, name: &str) -> Format {
        self.formats.iter().find(|f| f.name == name).cloned().unwrap_or_default()
    }

    /// When rules began or ceased to hold, in order: between two of these, traits do not change.
    pub(crate) fn changes(&self) -> Vec<Timestamp> {
        let mut all: Vec<Timestamp> = self
            .rules
            .iter()
            .flat_map(|t| [t.from, t.until])
            .filter(|t| *t > Timestamp::MIN && *t < Timestamp::MAX)
            .collect();
        all.sort();
        all.dedup();
        all
    }
}

/// Lets the story begin.
pub(crate) fn begin(world: &mut World, first: Beat) {
    world.after(Duration::ZERO, Task::Story(first));
}

/// The story goes on by one beat.
pub(crate) fn beat(world: &mut World, beat: &Beat) {
    match beat {
        Beat::Begin => {
            for (index, at) in world.story.steps.iter().map(|s| s.at.unsigned_abs()).enumerate().collect::<Vec<_>>() {
                world.after(at, Task::Story(Beat::Step(index)));
            }
            if world.story.storm.is_some() {
                world.after(LOOK, Task::Story(Beat::Gust));
            }
        }
        Beat::Step(index) => {
            let Some(step) = world.story.steps.get(*index).cloned() else { return };
            if step.when.as_ref().is_none_or(|when| actions::holds(world, when)) {
                actions::perform(world, &step);
            } else {
                world.after(LOOK, Task::Story(Beat::Step(*index)));
            }
        }
        Beat::Gust => actions::gust(world),
    }
}
