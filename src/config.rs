//! The user's settings: where they come from, what they may be, and where files live.
//!
//! Owns the order option, `TIMONEL_…` variable, file, default, and the names of folders. Reading text is pure; `files` alone touches
//! the disk. Must not know what a theme or a keymap is beyond its name.

mod contexts;
mod file;
pub mod files;
mod layers;
mod paths;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::base::environment::EnvironmentKind;

pub use contexts::name_context;
pub use layers::{Layers, Options, settings};
pub use paths::Paths;

/// A file with every setting at its default, and what each is for: `timonel` shows it, a test holds that it is true.
pub const SAMPLE: &str = include_str!("../assets/config.toml");

/// All settings, resolved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// Name of the theme.
    pub theme: String,
    /// Name of the keymap.
    pub keymap: String,
    /// Colours.
    pub color: ColorChoice,
    /// Only characters of ASCII for shapes and frames.
    pub ascii: bool,
    /// Whether the mouse is listened to. Off: the terminal's own selection works.
    pub mouse: bool,
    /// At most so many frames a second.
    pub fps: u16,
    /// Ask the hosts of Ingresses for their certificates, from here.
    pub ask_ingresses: bool,
    /// How long one request to the target may take.
    pub timeout: Duration,
    /// The least time between two rollbacks of a workload, in which the first one may show what it does. A service file goes before it.
    pub rollback_gap: Duration,
    /// Build a client that cannot change anything.
    pub read_only: bool,
    /// Bounds and looks of logs.
    pub logs: LogSettings,
    /// What is known about contexts of the kubeconfig, by their names.
    pub contexts: BTreeMap<String, ContextSettings>,
}

/// When to use colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ColorChoice {
    /// What terminal and environment say (`NO_COLOR`, `CLICOLOR_FORCE`, `COLORTERM`, `TERM`).
    #[default]
    Auto,
    /// Also where the environment says no.
    Always,
    /// None.
    Never,
}

impl ColorChoice {
    /// The words of options and files.
    pub const WORDS: [(&str, Self); 3] = [("auto", Self::Auto), ("always", Self::Always), ("never", Self::Never)];
}

/// Bounds and looks of logs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogSettings {
    /// At most so many lines are kept; the oldest are dropped and counted.
    pub lines: usize,
    /// At most so many bytes are kept.
    pub bytes: usize,
    /// At most so many containers are followed at once.
    pub streams: usize,
    /// So many lines from before are fetched of each container.
    pub tail: u32,
    /// Long lines are wrapped.
    pub wrap: bool,
    /// Times are shown.
    pub times: bool,
}

/// What is known about one context.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ContextSettings {
    /// The kind of its environment (contract.md 2: after a service file, before the names).
    pub kind: Option<EnvironmentKind>,
    /// Never change anything there.
    pub read_only: Option<bool>,
    /// Namespace to begin with.
    pub namespace: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            theme: "dark".into(),
            keymap: "default".into(),
            color: ColorChoice::Auto,
            ascii: false,
            mouse: false,
            fps: 60,
            ask_ingresses: true,
            timeout: Duration::from_secs(10),
            rollback_gap: Duration::from_mins(10),
            read_only: false,
            logs: LogSettings::default(),
            contexts: BTreeMap::new(),
        }
    }
}

impl Default for LogSettings {
    fn default() -> Self {
        Self { lines: 200_000, bytes: 64 << 20, streams: 50, tail: 200, wrap: false, times: true }
    }
}

impl Settings {
    /// What is known about a context.
    pub fn context(&self, name: &str) -> Option<&ContextSettings> {
        self.contexts.get(name)
    }

    /// The kind of the environment behind these names: the settings of the context, else the names themselves. A service file goes
    /// before both.
    pub fn kind(&self, context: &str, cluster: &str, namespaces: &[String]) -> EnvironmentKind {
        self.context(context)
            .and_then(|c| c.kind)
            .unwrap_or_else(|| EnvironmentKind::of_names([context, cluster].into_iter().chain(namespaces.iter().map(String::as_str))))
    }
}

#[cfg(test)]
mod tests;
