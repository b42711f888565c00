//! Where the console is: the kind of environment, and whether it may change anything there.
//!
//! Owns the order in which an environment is known. Must not ask anything.

use super::App;
use crate::base::environment::EnvironmentKind;

impl App {
    /// The kind of environment: the service file's word, then the user's settings, then a guess from names (contract.md 2).
    pub fn environment(&self) -> EnvironmentKind {
        let named = self.named();
        self.start.service.as_ref().and_then(|s| s.kind(named)).unwrap_or(named)
    }

    fn named(&self) -> EnvironmentKind {
        let Some(opened) = &self.opened else { return EnvironmentKind::Unknown };
        if let Some(kind) = self.start.context_kinds.get(&opened.context) {
            return *kind;
        }
        let namespaces = opened.namespaces.iter().flatten().map(String::as_str);
        EnvironmentKind::of_names([opened.context.as_str(), opened.cluster.as_str()].into_iter().chain(namespaces))
    }

    /// Whether this console cannot write at all.
    pub fn read_only(&self) -> bool {
        self.start.spec.read_only
    }
}
