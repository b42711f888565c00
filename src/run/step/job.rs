//! A command in a Job of its own, as a plan has it.
//!
//! Owns its shape, its words, and the Job that it comes to. Must not make it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::base::text::clean;
use crate::run::facts::{WorkloadFacts, text};
use crate::run::{job, scrub};
use crate::target::model::ObjectRef;

/// A command that runs in a Job.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobCommand {
    /// Whose pod template the Job is made of.
    pub workload: ObjectRef,
    /// Name of the container; `None` = the first.
    pub container: Option<String>,
    /// The image; `None` = the one that the workload has.
    pub image: Option<String>,
    /// Program and arguments.
    pub argv: Vec<String>,
    /// How often the Job's controller tries it again.
    pub backoff: u32,
    /// Once more does no harm: it may be made again where it is not known whether it was.
    pub again: bool,
    /// When the Job is ended, whatever it does.
    pub deadline: Duration,
}

impl JobCommand {
    /// The command as it may be shown.
    pub(in crate::run) fn words(&self) -> String {
        clean(&scrub::text(&self.argv.join(" "))).into_owned()
    }

    /// The container's name, in the workload as it is now.
    pub(in crate::run) fn container_name(&self, workload: &WorkloadFacts) -> String {
        job::container(workload, self.container.as_deref()).map(|c| text(c, "/name")).unwrap_or_default()
    }

    /// The `spec` of the Job of that run, from the workload as it is now.
    pub(in crate::run) fn job(&self, workload: &WorkloadFacts, run: &str) -> Value {
        let mut container = job::container(workload, self.container.as_deref()).map_or_else(|| json!({ "name": "job" }), job::at_rest);
        container["command"] = json!(self.argv);
        if let Some(image) = &self.image {
            container["image"] = image.as_str().into();
        }
        job::spec(workload, &container, run, self.backoff, self.deadline)
    }
}
