//! The one place that knows the start-up order: settings, keymap, theme, service file, journal, target.
//!
//! Owns how options, files and defaults become the values that the rooms start with. What is bad in a file is a problem that the
//! program shows, never a reason not to start; only what was asked for by name and cannot be had is.

mod file;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use crate::base::clock::{Clock, SystemClock};
use crate::base::problem::{Level, Problem};
use crate::config::{self, Layers, Options, Paths, Settings};
use crate::keymap::{self, Keymap};
use crate::run::journal::{self, Journal, RunSummary};
use crate::run::{FileRef, Operator, OwnRuns};
use crate::runtime::looks::Looks;
use crate::runtime::planner::Planner;
use crate::runtime::proving::DeclaredProbes;
use crate::service::{self, Service, Target};
use crate::target::kubernetes::Client;
use crate::target::request::{Namespaces, TargetSpec};

pub use self::file::found_by_name;

/// What the command line asks for.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    /// Settings that options give.
    pub options: Options,
    /// Settings file that was named.
    pub config: Option<PathBuf>,
    /// Kubeconfig paths that were named.
    pub kubeconfig: Option<String>,
    /// Context that was named.
    pub context: Option<String>,
    /// Namespaces that were named.
    pub namespaces: Vec<String>,
    /// All namespaces.
    pub all_namespaces: bool,
    /// Service file that was named: a path, or the name of one in the user's folder.
    pub service: Option<PathBuf>,
    /// What was wrong with finding it.
    pub problems: Vec<Problem>,
    /// Environment of it.
    pub env: Option<String>,
    /// Probes of one's own.
    pub probes: Vec<String>,
    /// Folder for the journal and what is remembered, instead of the user's own: the demo leaves nothing in it.
    pub state: Option<PathBuf>,
    /// Tell a newcomer what to do next, until the user said that it is not wanted.
    pub first_steps: bool,
}

/// Everything that the rooms start with.
pub struct Booted {
    /// Settings.
    pub settings: Settings,
    /// Keys.
    pub keymap: Keymap,
    /// Theme, colour depth, characters.
    pub looks: Looks,
    /// The service, when a file describes it.
    pub service: Option<Service>,
    /// That file; `Err` = why the one of a run that is gone on with is not in use.
    pub file: Result<Option<FileRef>, String>,
    /// Which target to open.
    pub spec: TargetSpec,
    /// Probes to run: the service's and one's own.
    pub probes: Vec<service::ProbeSpec>,
    /// What was wrong with files.
    pub problems: Vec<Problem>,
    /// The file that says that first steps are not wanted, when they are.
    pub first_steps: Option<PathBuf>,
    /// Folders.
    pub paths: Paths,
    /// Who sits here.
    pub operator: Operator,
    /// The user's time zone.
    pub zone: TimeZone,
    /// The clock.
    pub clock: Arc<dyn Clock>,
}

/// Reads everything that can be read without a target. `Err`: something that was asked for by name cannot be had.
pub fn boot(wish: &Wish) -> Result<Booted, Box<Problem>> {
    let mut paths = Paths::of_user()?;
    let first_steps = Some(paths.first_steps()).filter(|unwanted| wish.first_steps && !unwanted.exists());
    paths.state = wish.state.clone().unwrap_or(paths.state);
    let mut problems = wish.problems.clone();
    let settings = settings(wish, &paths, &mut problems)?;
    let keymap = keymap(&settings, &paths, &mut problems);
    let looks = Looks::new(&settings, &paths, &mut problems);
    let (service, file) = file::service(wish, &paths, &mut problems)?.unzip();
    let spec = spec(wish, &settings, service.as_ref());
    let mut probes: Vec<service::ProbeSpec> = service.iter().flat_map(|s| s.probes.iter().cloned()).collect();
    for url in &wish.probes {
        let probe =
            service::ProbeSpec::from_url(url).map_err(|e| Box::new(Problem::new(Level::Error, "usage:probe", format!("--probe '{url}': {e}."))))?;
        probes.push(probe);
    }
    Ok(Booted {
        settings,
        keymap,
        looks,
        service,
        file: Ok(file),
        spec,
        probes,
        problems,
        first_steps,
        paths,
        operator: operator(),
        zone: TimeZone::system(),
        clock: Arc::new(SystemClock),
    })
}

impl Booted {
    /// Opens the journal; why not, in words.
    pub fn journal(&self) -> Result<Arc<Journal>, String> {
        Journal::open(&self.paths.state, self.clock.clone(), self.operator.host.clone(), self.operator.user.clone())
            .map(Arc::new)
            .map_err(|e| e.to_string())
    }

    /// The declared probes, as proofs of runs on an open target.
    pub fn proving(&self, client: Client) -> DeclaredProbes {
        DeclaredProbes::new(self.probes.clone(), self.service.clone(), client, self.clock.clone(), &self.paths.state).lacking(self.file.clone().err())
    }

    /// What our own journal says. Reads all of it; what cannot be read says nothing.
    pub fn own_runs(&self) -> OwnRuns {
        OwnRuns::read(&self.paths.state)
    }

    /// Runs that did not come to their end because their process was killed, each with what goes on with it.
    pub fn unfinished(&self) -> Vec<Problem> {
        let left = match journal::left_behind(&self.paths.state) {
            Ok(left) => left,
            Err(error) => return vec![Problem::new(Level::Warning, "runs", format!("Runs that did not end cannot be told: {error}."))],
        };
        let problem = |run: RunSummary| {
            let text = format!("Run {} ({} {} {}) did not come to its end.", run.id, run.action, run.subject, run.quantity);
            Problem::new(Level::Warning, "runs:unfinished", text)
                .hint(format!("the console's journal or `timonel runs resume {}` goes on with it", run.id))
        };
        left.into_iter().map(problem).collect()
    }

    /// What plans rest on besides the target.
    pub fn planner(&self, prove_within: Option<Duration>) -> Planner {
        let read_only = self.spec.read_only;
        let service = (self.service.as_ref(), self.file.as_ref().map_or(None, Option::as_ref));
        Planner::new(&self.settings, service, &self.probes, &self.operator, &self.paths.state, read_only, prove_within)
    }
}

fn settings(wish: &Wish, paths: &Paths, problems: &mut Vec<Problem>) -> Result<Settings, Box<Problem>> {
    let found = match &wish.config {
        Some(path) => Some(config::files::read_named(path, "config")?),
        None => config::files::read(&paths.settings(), "config").unwrap_or_else(|problem| {
            problems.push(*problem);
            None
        }),
    };
    let variable = |name: &str| std::env::var(name).ok();
    let file = found.as_ref().map(|f| (f.file.as_str(), f.text.as_str()));
    let (settings, found) = config::settings(&Layers { options: wish.options.clone(), variable: &variable, file });
    problems.extend(found);
    Ok(settings)
}

/// The shipped keymap of that name, with the user's own file of differences on top: `keymaps/NAME.toml` in their folder, or the
/// path itself.
fn keymap(settings: &Settings, paths: &Paths, problems: &mut Vec<Problem>) -> Keymap {
    let name = settings.keymap.as_str();
    let own = if name.contains(['/', '.']) { PathBuf::from(name) } else { paths.keymap(name) };
    let shipped = |name: &str| keymap::SHIPPED.iter().find(|(n, _)| *n == name).map(|(_, layer)| *layer);
    let base = shipped(name).or_else(|| shipped(keymap::DEFAULT));
    let user = config::files::read(&own, "keymap").unwrap_or_else(|problem| {
        problems.push(*problem);
        None
    });
    if user.is_none() && shipped(name).is_none() {
        let names: Vec<&str> = keymap::SHIPPED.iter().map(|(n, _)| *n).collect();
        problems.push(
            Problem::new(Level::Error, "config:keymap", format!("There is no keymap '{name}'.")).hint(format!("shipped: {}", names.join(", "))),
        );
    }
    let mut layers: Vec<keymap::Layer<'_>> = base.into_iter().collect();
    layers.extend(user.as_ref().map(|f| keymap::Layer { file: &f.file, text: &f.text }));
    let (keymap, found) = keymap::load(&layers);
    problems.extend(found);
    keymap
}

/// Options before the service file, the service file before the kubeconfig.
fn spec(wish: &Wish, settings: &Settings, service: Option<&Service>) -> TargetSpec {
    let pinned = service.and_then(|s| s.environment.as_ref()).map(|e| &e.target);
    let (file_context, file_namespace) = match pinned {
        Some(Target::Kubernetes { context, namespace, .. }) => (context.clone(), namespace.clone()),
        _ => (None, None),
    };
    let context = wish.context.clone().or(file_context);
    let begins = context.as_ref().and_then(|c| settings.context(c)).and_then(|c| c.namespace.clone());
    let namespaces = if wish.all_namespaces {
        Namespaces::All
    } else if !wish.namespaces.is_empty() {
        Namespaces::Some(wish.namespaces.clone())
    } else if let Some(namespace) = file_namespace.or(begins) {
        Namespaces::Some(vec![namespace])
    } else {
        Namespaces::FromContext
    };
    let never = context.as_ref().and_then(|c| settings.context(c)).and_then(|c| c.read_only).unwrap_or(false);
    TargetSpec { kubeconfig: wish.kubeconfig.clone(), context, namespaces, read_only: settings.read_only || never }
}

fn operator() -> Operator {
    let user = ["LOGNAME", "USER"]
        .iter()
        .find_map(|v| std::env::var(v).ok())
        .filter(|u| !u.is_empty())
        .unwrap_or_else(|| "unknown".into());
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    Operator { user, host, cluster_user: String::new() }
}
