//! How a plan is carried out, which is no part of what it does: two operators who do the same in another manner have the same hash.
//!
//! Owns these marks, and which parameters of a request are about them.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::fleet::lock::OF_SERVICE;
use crate::run::actions::ActionRequest;
use crate::run::context::FileRef;
use crate::run::ground::quoted;
use crate::run::{lease, preempt, undo};

/// How a plan is carried out.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub(in crate::run) struct Manner {
    /// It asks a live run for its lock.
    #[serde(default)]
    pub preempts: bool,
    /// The run that it takes back.
    #[serde(default)]
    pub undoes: Option<String>,
    /// The service whose lock it takes besides those of its objects.
    #[serde(default)]
    pub service: Option<String>,
    /// The service file that it was made with.
    #[serde(default)]
    pub file: Option<FileRef>,
}

impl Manner {
    /// What a request says of it, and the request without.
    pub(in crate::run) fn split(request: &ActionRequest) -> (Self, ActionRequest) {
        let mut plain = request.clone();
        plain.parameters.retain(|p| !Self::is_one(p));
        let undoes = request.parameters.iter().find_map(|p| undo::undone(p)).map(str::to_owned);
        let preempts = request.parameters.iter().any(|p| p == preempt::PARAMETER);
        (Self { preempts, undoes, service: None, file: None }, plain)
    }

    /// Whether a parameter is about the manner alone.
    fn is_one(parameter: &str) -> bool {
        parameter == preempt::PARAMETER || undo::undone(parameter).is_some()
    }

    /// As parameters of a request.
    fn parameters(&self) -> impl Iterator<Item = String> {
        let preempts = self.preempts.then(|| preempt::PARAMETER.to_owned());
        preempts.into_iter().chain(self.undoes.as_deref().map(undo::parameter))
    }
}

impl Plan {
    /// Says which locks it takes besides those of its objects.
    pub(in crate::run) fn lock_service(&mut self) {
        let service = self.inner.manner.service.as_deref();
        let all = lease::all(self.writes().map(|(_, w)| w), service);
        let own: Vec<&str> = all.iter().filter(|l| l.name.starts_with(OF_SERVICE)).map(|l| &*l.name).collect();
        if own.is_empty() {
            return;
        }
        if let Some(lock) = self.steps.iter_mut().find(|s| s.id == "lock") {
            lock.title = format!("{}, {}", lock.title, own.join(", "));
        }
    }

    /// The service file that it was made with; none where there was none, or an older version made it.
    pub fn file(&self) -> Option<&FileRef> {
        self.inner.manner.file.as_ref()
    }

    /// What one would type to plan and confirm another action of the same file where this one is carried out.
    pub(in crate::run) fn command_of(&self, action: &str) -> String {
        let mut command = format!("timonel run {} --context {}", quoted(action), quoted(&self.target.context));
        for namespace in self.target.namespaces.iter().take(1).filter(|n| !n.is_empty()) {
            let _ = write!(command, " -n {}", quoted(namespace));
        }
        // A file that the namespace keeps is found there.
        if let Some(file) = self.file().filter(|f| f.namespace.is_none()) {
            let _ = write!(command, " -f {}", quoted(&file.path));
        }
        if let Some(environment) = self.file().and_then(|f| f.environment.as_deref()) {
            let _ = write!(command, " -e {}", quoted(environment));
        }
        command
    }

    /// The parameters that ask for its manner again.
    pub(in crate::run) fn manner_parameters(&self) -> impl Iterator<Item = String> {
        self.inner.manner.parameters()
    }
}
