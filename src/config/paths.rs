//! Where the program's files live (XDG base directories).
//!
//! Owns names of folders and files. Must not touch the disk.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::base::problem::{Level, Problem};

/// Folders and files of one user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// `$XDG_CONFIG_HOME/timonel`.
    pub config: PathBuf,
    /// `$XDG_STATE_HOME/timonel`: journal, log, what the console remembers.
    pub state: PathBuf,
}

impl Paths {
    /// Folders below `home`, unless the environment names others. A relative path in a variable does not count, as the XDG
    /// specification wants it.
    pub fn new(home: &Path, variable: &dyn Fn(&str) -> Option<OsString>) -> Self {
        let base = |name: &str, default: &str| {
            let given = variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
            given.unwrap_or_else(|| home.join(default)).join("timonel")
        };
        Self { config: base("XDG_CONFIG_HOME", ".config"), state: base("XDG_STATE_HOME", ".local/state") }
    }

    /// The folders of the user who runs the program.
    pub fn of_user() -> Result<Self, Box<Problem>> {
        let variable = |name: &str| std::env::var_os(name);
        match etcetera::home_dir() {
            Ok(home) => Ok(Self::new(&home, &variable)),
            Err(_) => Err(Box::new(Problem::new(Level::Error, "config:home", "The home folder is not known.").hint("Set the variable HOME."))),
        }
    }

    /// The settings file.
    pub fn settings(&self) -> PathBuf {
        self.config.join("config.toml")
    }

    /// A user's own keymap of that name.
    pub fn keymap(&self, name: &str) -> PathBuf {
        self.config.join("keymaps").join(format!("{name}.toml"))
    }

    /// A user's own theme of that name.
    pub fn theme(&self, name: &str) -> PathBuf {
        self.config.join("themes").join(format!("{name}.toml"))
    }

    /// The folder of a user's service files.
    pub fn services(&self) -> PathBuf {
        self.config.join("services")
    }

    /// Copies of the service files that namespaces keep and that this user accepted: `SERVER/NAMESPACE/SERVICE-DIGEST.toml`.
    pub fn accepted(&self) -> PathBuf {
        self.state.join("accepted")
    }

    /// The journal (contract.md 9).
    pub fn journal(&self) -> PathBuf {
        self.state.join("journal.jsonl")
    }

    /// Is there when the user wants no first steps.
    pub fn first_steps(&self) -> PathBuf {
        self.state.join("first-steps-dismissed")
    }

    /// The log of the program itself.
    pub fn log(&self) -> PathBuf {
        self.state.join("timonel.log")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::ffi::OsString;
    use std::path::Path;

    use super::Paths;

    #[test]
    fn folders_follow_the_xdg_variables_and_relative_ones_do_not_count() {
        let set: HashMap<&str, &str> = HashMap::from([("XDG_CONFIG_HOME", "/etc/me"), ("XDG_STATE_HOME", "relative")]);
        let paths = Paths::new(Path::new("/home/ana"), &|name| set.get(name).map(OsString::from));
        assert_eq!(paths.settings(), Path::new("/etc/me/timonel/config.toml"));
        assert_eq!(paths.journal(), Path::new("/home/ana/.local/state/timonel/journal.jsonl"));
        let paths = Paths::new(Path::new("/home/ana"), &|_| None);
        assert_eq!(paths.keymap("mine"), Path::new("/home/ana/.config/timonel/keymaps/mine.toml"));
    }
}
