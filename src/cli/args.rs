//! The command line as clap reads it: a contract (see the page "The command line" in the documentation).
//!
//! Owns names, help texts and examples. Must not do anything with them.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::run::several::Order;

/// A full-screen operations console: is it up, what changed, can I go back, who do I call.
#[derive(Debug, Parser)]
#[command(
    name = "timonel",
    version,
    about,
    max_term_width = 110,
    disable_help_subcommand = true,
    after_help = "Example:\n  timonel -n eterna-rules          the console on the current context\n  timonel status -o json           one shot, for scripts\n  timonel run scale backend=5      a verified action without the screen"
)]
pub struct Cli {
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
    /// Service file, short form.
    #[command(flatten)]
    pub file: ServiceFile,
    /// What to do; the console without one.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options that every command understands. Order of precedence: option, environment variable, settings file, default.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// Kubeconfig file (several: separated by `:`), instead of KUBECONFIG and the default file
    #[arg(long, global = true, value_name = "FILE", env = "TIMONEL_KUBECONFIG")]
    pub kubeconfig: Option<String>,
    /// Context of the kubeconfig
    #[arg(long, global = true, value_name = "NAME", env = "TIMONEL_CONTEXT")]
    pub context: Option<String>,
    /// Namespace; several times or separated by commas for several at once
    #[arg(short, long, global = true, value_name = "NAME", value_delimiter = ',', env = "TIMONEL_NAMESPACE")]
    pub namespace: Vec<String>,
    /// Look at all namespaces
    #[arg(short = 'A', long, global = true, env = "TIMONEL_ALL_NAMESPACES", conflicts_with = "namespace")]
    pub all_namespaces: bool,
    /// Service file (`-f` except on `logs`)
    #[arg(long, global = true, value_name = "FILE", env = "TIMONEL_SERVICE")]
    pub service: Option<PathBuf>,
    /// Environment of the service file
    #[arg(short, long, global = true, value_name = "NAME", env = "TIMONEL_ENV")]
    pub env: Option<String>,
    /// Use the service file that the namespace keeps, if it still has this digest (the refusal says it)
    #[arg(long, global = true, value_name = "DIGEST")]
    pub accept: Option<String>,
    /// Build a client that cannot change anything
    #[arg(long, global = true, env = "TIMONEL_READ_ONLY")]
    pub read_only: bool,
    /// Output of commands
    #[arg(short, long, global = true, value_enum, default_value_t = Output::Table, env = "TIMONEL_OUTPUT")]
    pub output: Output,
    /// Colours (also NO_COLOR and CLICOLOR_FORCE)
    #[arg(long, global = true, value_enum, value_name = "WHEN", env = "TIMONEL_COLOR")]
    pub color: Option<ColorWhen>,
    /// The console as lines, without a full screen: for screen readers, pipes and slow links
    #[arg(long, global = true, env = "TIMONEL_PLAIN")]
    pub plain: bool,
    /// Colour theme: a shipped name or a file
    #[arg(long, global = true, value_name = "NAME", env = "TIMONEL_THEME")]
    pub theme: Option<String>,
    /// Keymap: a shipped name or a file
    #[arg(long, global = true, value_name = "NAME", env = "TIMONEL_KEYMAP")]
    pub keymap: Option<String>,
    /// Settings file
    #[arg(long, global = true, value_name = "FILE", env = "TIMONEL_CONFIG")]
    pub config: Option<PathBuf>,
    /// Write the program's own log there
    #[arg(long, global = true, value_name = "FILE", env = "TIMONEL_LOG")]
    pub log: Option<PathBuf>,
    /// How long a command may wait for the target
    #[arg(long, global = true, value_name = "DURATION", default_value = "30s", value_parser = duration, env = "TIMONEL_TIMEOUT")]
    pub timeout: Duration,
    /// Health check of your own: http(s)://…, tcp://host:port, tls://host:port; several times for several
    #[arg(long, global = true, value_name = "URL", value_delimiter = ' ', env = "TIMONEL_PROBE")]
    pub probe: Vec<String>,
}

/// `-f`, which `logs` needs for something else.
#[derive(Debug, Clone, Default, Args)]
pub struct ServiceFile {
    /// Service file
    #[arg(short = 'f', value_name = "FILE")]
    pub service_short: Option<PathBuf>,
}

/// How answers are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[value(alias = "md")]
    Table,
    /// One JSON object.
    Json,
    /// The same as YAML.
    Yaml,
}

/// When to colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ColorWhen {
    /// When standard output is a terminal that can.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// What is done with the dumps of a catalogue.
#[derive(Debug, Subcommand)]
pub enum BackupsCommand {
    /// Read a dump again in a Job, all of it, and hold it against its catalogue: the same as `run verify ID`
    #[command(
        after_help = "Example:\n  timonel backups verify daily -f shop.toml\n\nID is the run that made the dump, the name of its file, or a declared backup for its newest dump. A dump that is not what\nit was counts as a backup no longer. Exit codes as of `run`."
    )]
    Verify(VerifyArgs),
}

/// Arguments of `backups verify`.
#[derive(Debug, Args)]
pub struct VerifyArgs {
    /// Which dump
    pub id: String,
    /// Confirmation, short form.
    #[command(flatten)]
    pub confirmation: ConfirmArgs,
    /// Service file, short form.
    #[command(flatten)]
    pub file: ServiceFile,
}

/// Everything but the console.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// One shot: is it up, what changed, can we go back, who to call
    #[command(after_help = "Example:\n  timonel status -n eterna-rules -o json\n\nExit codes: 0 ok, 1 degraded, 2 down, 3 unknown.")]
    Status {
        /// Service file, short form.
        #[command(flatten)]
        file: ServiceFile,
    },
    /// The release history
    #[command(after_help = "Example:\n  timonel releases backend")]
    Releases {
        /// `[KIND/]NAME`; all workloads without one
        workload: Option<String>,
        /// Service file, short form.
        #[command(flatten)]
        file: ServiceFile,
    },
    /// The backups of a service: what there is, and whether each that is declared is fresh
    #[command(
        after_help = "Example:\n  timonel backups -f shop.toml\n  timonel run backup daily -f shop.toml\n  timonel backups verify daily -f shop.toml\n\nExit codes: 0 each declared one is fresh, 1 one is not, 3 could not find out.",
        args_conflicts_with_subcommands = true
    )]
    Backups {
        /// Service file, short form.
        #[command(flatten)]
        file: ServiceFile,
        /// What is done with them.
        #[command(subcommand)]
        command: Option<BackupsCommand>,
    },
    /// Where the database stands against each image that was inspected
    #[command(
        after_help = "Example:\n  timonel run inspect image=registry.example/shop:1.2.0 -f shop.toml\n  timonel migrations -f shop.toml\n\nExit codes: 0 nothing is pending for the image that runs, 1 something is, 3 not inspected or could not find out."
    )]
    Migrations {
        /// Service file, short form.
        #[command(flatten)]
        file: ServiceFile,
    },
    /// The logs of every pod and container, merged and followed
    #[command(
        after_help = "Example:\n  timonel logs backend worker\n  timonel logs deploy/backend --no-follow --since 10m --include error | less\n\nEach line begins with POD/CONTAINER; with -o json it is one object. What happened between lines (a gap, an end) is said\non standard error; with -o json in the stream."
    )]
    Logs(LogsArgs),
    /// Resolve an action against the live target and print the plan; nothing is written
    #[command(after_help = "Example:\n  timonel plan scale backend=5 -o json\n\nExit codes: 0 allowed, 3 could not find out, 4 blocked.")]
    Plan(ActionArgs),
    /// Plan, check, confirm, do, prove, record
    #[command(
        after_help = "Example:\n  timonel run scale backend=5 --confirm production\n\nExit codes: 0 proven, 1 failed and nothing left behind, 2 failed and debts are left, 3 outcome unknown, 4 refused before anything was written."
    )]
    Run(RunArgs),
    /// The second person: make a plan that waits anew, compare, approve; without a run id: what waits
    #[command(
        after_help = "Example:\n  timonel approve\n  timonel approve 20261122-143312-scale-7f3a\n\nThe approval is written with the cluster login of whoever approves; whoever asked confirms once more and begins.\nExit codes: 0 approved, 4 refused."
    )]
    Approve(ApproveArgs),
    /// What was run, how it ended, what it left behind
    #[command(
        after_help = "Example:\n  timonel runs\n  timonel runs show 20261122-143312-scale-7f3a\n  timonel runs resume 20261122-143312-scale-7f3a\n  timonel runs undo 20261122-143312-scale-7f3a"
    )]
    Runs {
        /// One run in full
        #[command(subcommand)]
        command: Option<RunsCommand>,
    },
    /// The record of intents and outcomes
    #[command(after_help = "Example:\n  timonel journal\n  timonel journal verify\n  timonel journal export --since 2h")]
    Journal {
        /// Check the hash chain, or export a span of time
        #[command(subcommand)]
        command: Option<JournalCommand>,
    },
    /// Terminal, kubeconfig, reachability, versions, rights, metrics, clock: each with what to do
    #[command(after_help = "Example:\n  timonel doctor --context eterna-prod")]
    Doctor {
        /// List what Timonel left in the cluster
        #[arg(long)]
        cluster: bool,
        /// Service file, short form.
        #[command(flatten)]
        file: ServiceFile,
    },
    /// A service file: syntax, references and rules of good operation; with --live also against the target
    #[command(
        after_help = "Example:\n  timonel check eterna.toml\n  timonel check eterna.toml --live -e production\n\nExit codes: 0 clean, 1 warnings, 2 errors, 3 could not find out."
    )]
    Check {
        /// The file; the one of `--service` without it
        path: Option<PathBuf>,
        /// Resolve every name, right, key and probe on the target: proven, failed or unknown
        #[arg(long)]
        live: bool,
    },
    /// A first service file from what is running in a namespace, to be corrected; nothing is written
    #[command(after_help = "Example:\n  timonel init -n shop > shop.toml\n  timonel check shop.toml --live")]
    Init,
    /// The console on a simulated cluster in which something goes wrong; needs nothing else
    #[command(
        after_help = "Example:\n  timonel demo\n  timonel demo -n eterna-rules     one of its five systems, with its service file\n  timonel demo --scenario friday --speed 2"
    )]
    Demo(DemoArgs),
    /// Serve the simulated cluster for kubectl and tests: prints the path of its kubeconfig and stays until Ctrl-C
    #[command(after_help = "Example:\n  timonel sim --scenario quiet &\n  kubectl --kubeconfig PATH get pods -A")]
    Sim(SimArgs),
    /// Completions for a shell
    #[command(after_help = "Example:\n  timonel completions bash > ~/.local/share/bash-completion/completions/timonel")]
    Completions {
        /// Which shell
        shell: clap_complete::Shell,
    },
    /// The JSON Schema of what a command prints with `-o json`, or of service files; all names without one
    #[command(after_help = "Example:\n  timonel schema status\n  timonel schema service > service.schema.json")]
    Schema {
        /// Which
        name: Option<String>,
    },
    /// The man page
    #[command(after_help = "Example:\n  timonel man | man -l -")]
    Man,
}

/// The console on a simulated cluster.
#[derive(Debug, Clone, Args)]
pub struct DemoArgs {
    /// Which cluster, and what happens in it.
    #[command(flatten)]
    pub sim: SimArgs,
    /// Service file, short form.
    #[command(flatten)]
    pub file: ServiceFile,
}

/// What happens in a simulated cluster.
#[derive(Debug, Clone, Args)]
pub struct SimArgs {
    /// What happens: first-steps, friday, database, quiet, storm, crowd
    #[arg(long, value_name = "NAME", default_value = "first-steps")]
    pub scenario: String,
    /// How many times faster than life things happen
    #[arg(long, value_name = "NUMBER", default_value_t = 1.0, value_parser = speed)]
    pub speed: f64,
    /// The same seed tells the same story
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    pub seed: u64,
}

/// Whose logs, and which lines.
#[derive(Debug, Clone, Args)]
pub struct LogsArgs {
    /// `[KIND/]NAME` of workloads or pods, several for several; everything in the namespace without one
    #[arg(value_name = "WORKLOAD")]
    pub workloads: Vec<String>,
    /// Go on with new lines and new pods until Ctrl-C (the default)
    #[arg(short, long, conflicts_with_all = ["no_follow", "previous"])]
    pub follow: bool,
    /// Print what there is and end
    #[arg(long)]
    pub no_follow: bool,
    /// Only lines from then on: 5m, 1h30m, or a time like 2026-11-22T14:32:00Z
    #[arg(long, value_name = "DURATION", value_parser = since)]
    pub since: Option<Since>,
    /// So many lines of each container from before now; without it and --since: the setting `logs.tail` when following, else all
    #[arg(long, value_name = "NUMBER")]
    pub tail: Option<u32>,
    /// Only lines that match; case counts only where a capital is written; several: one of them
    #[arg(long, value_name = "PATTERN")]
    pub include: Vec<String>,
    /// No lines that match
    #[arg(long, value_name = "PATTERN")]
    pub exclude: Vec<String>,
    /// The previous run of containers that were restarted; ends when it is printed
    #[arg(long)]
    pub previous: bool,
}

/// From when on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// That long before now.
    Ago(Duration),
    /// Then.
    At(jiff::Timestamp),
}

/// In which order several objects are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum ActionOrder {
    /// The next one when everything about the one before is proven
    #[default]
    OneByOne,
    /// All are written first, and their proofs watched together then
    Parallel,
}

impl ActionOrder {
    /// The order of the plan.
    pub const fn order(self) -> Order {
        match self {
            Self::OneByOne => Order::OneByOne,
            Self::Parallel => Order::Parallel,
        }
    }
}

/// An action and its parameters.
#[derive(Debug, Clone, Default, Args)]
pub struct ActionArgs {
    /// The action: scale, rollback, restart, pause, resume, trigger, backup, verify, suspend, keep, evict, cordon, uncordon, resume-hpa
    pub action: String,
    /// The objects and parameters: `WORKLOAD=replicas…`, `hpa=raise`, `hpa=pause:30m`; `WORKLOAD to=REVISION`; `WORKLOAD…` for restart, pause,
    /// resume and suspend
    pub parameters: Vec<String>,
    /// All objects with these labels, beside those that are named: the plan lists each (restart, pause, resume, suspend)
    #[arg(short = 'l', long, value_name = "LABELS")]
    pub selector: Option<String>,
    /// In which order several objects are gone through; the first failure stops it
    #[arg(long, value_enum, value_name = "ORDER", default_value_t = ActionOrder::OneByOne)]
    pub order: ActionOrder,
    /// Override a failed check that allows it; several times for several
    #[arg(long = "override", value_name = "CHECK")]
    pub overrides: Vec<String>,
    /// Why; recorded
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Rollback, restart, undo, scale up: ask a live run that holds the lock to stop after its step
    #[arg(long)]
    pub preempt: bool,
    /// Scale, pause, suspend: take it back after this time, unless it is kept with `timonel run keep`; waits until then
    #[arg(long, value_name = "DURATION")]
    pub revert_after: Option<String>,
    /// How long each proof may take
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub deadline: Option<Duration>,
    /// Service file, short form.
    #[command(flatten)]
    pub file: ServiceFile,
}

/// An action to be carried out.
#[derive(Debug, Args)]
pub struct RunArgs {
    /// What to do.
    #[command(flatten)]
    pub action: ActionArgs,
    /// What confirms it.
    #[command(flatten)]
    pub confirmation: ConfirmArgs,
}

/// What confirms a plan.
#[derive(Debug, Default, Args)]
pub struct ConfirmArgs {
    /// What the plan asks to be typed; needed without a terminal
    #[arg(long, value_name = "TEXT")]
    pub confirm: Option<String>,
    /// Refuse unless the freshly made plan has this hash
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    /// Go on without the second person that the plan asks for: needs --reason, takes a minute, and is on record
    #[arg(long)]
    pub break_glass: bool,
}

/// A plan to be approved.
#[derive(Debug, Args)]
pub struct ApproveArgs {
    /// Run id; without one: what waits
    pub run: Option<String>,
    /// What the plan asks to be typed; needed without a terminal
    #[arg(long, value_name = "TEXT")]
    pub confirm: Option<String>,
    /// Refuse unless the freshly made plan has this hash
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
    /// Service file, short form.
    #[command(flatten)]
    pub file: ServiceFile,
}

/// Subcommands of `runs`.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// One run in full
    Show {
        /// Run id
        id: String,
    },
    /// Go on with a run whose process ended or which could not find out how things stand; what was confirmed needs no new
    /// confirmation
    #[command(
        after_help = "Example:\n  timonel runs resume 20261122-143312-scale-7f3a\n\nA run that armed its change, and whose process ended before the time, waits on as `run --revert-after` does.\n\nExit codes: those of run."
    )]
    Resume {
        /// Run id
        id: String,
    },
    /// Plan the way back of a run that is over, and carry it out once it is confirmed
    #[command(after_help = "Example:\n  timonel runs undo 20261122-143312-scale-7f3a --confirm production\n\nExit codes: those of run.")]
    Undo(UndoArgs),
}

/// A run to be taken back.
#[derive(Debug, Args)]
pub struct UndoArgs {
    /// Run id
    pub id: String,
    /// Override a failed check that allows it; several times for several
    #[arg(long = "override", value_name = "CHECK")]
    pub overrides: Vec<String>,
    /// Why; recorded
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Rollback, restart, undo, scale up: ask a live run that holds the lock to stop after its step
    #[arg(long)]
    pub preempt: bool,
    /// How long each proof may take
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub deadline: Option<Duration>,
    /// What confirms it.
    #[command(flatten)]
    pub confirmation: ConfirmArgs,
}

/// Subcommands of `journal`.
#[derive(Debug, Subcommand)]
pub enum JournalCommand {
    /// Check the hash chain: names file, line and kind of damage
    Verify,
    /// A timeline for a post-mortem: runs with the commands that do the same, health and rollouts as consoles saw them, and what the
    /// cluster itself tells, where it answers: Markdown, or JSON with `-o json`
    #[command(
        after_help = "Example:\n  timonel journal export --since 2h > incident.md\n  timonel journal export --since 2026-11-22T14:00:00Z -o json"
    )]
    Export(ExportArgs),
}

/// A span of time.
#[derive(Debug, Args)]
pub struct ExportArgs {
    /// From when on: a time, or how long ago (`2h`); from the first line without it
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Since>,
    /// Until when; until now without it
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub until: Option<Since>,
}

/// `90s`, `5m`, `1h30m`: the same words as in service files.
fn duration(text: &str) -> Result<Duration, String> {
    crate::base::duration::parse(text).map_err(|e| e.to_string())
}

/// A duration, or a time.
fn since(text: &str) -> Result<Since, String> {
    match text.parse() {
        Ok(at) => Ok(Since::At(at)),
        Err(_) => duration(text).map(Since::Ago),
    }
}

/// Slower or faster than life, but neither standing still nor faster than anybody could read.
fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if (0.1..=100.0).contains(&speed) => Ok(speed),
        _ => Err("a number from 0.1 to 100 is wanted".to_owned()),
    }
}
