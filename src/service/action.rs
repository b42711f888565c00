//! What a service file adds to the actions: `[[action]]`, its steps, and the variables that an operator gives.
//!
//! Owns how they are read, and which of them this version can carry out: an action that uses what is not there yet is kept, with the
//! reason why it is disabled. Must not make plans: it says what is wanted, in the words of the engine's own actions.

mod condition;
mod step;
mod template;
mod vars;

pub use condition::{Condition, Value};
pub use step::{ActionStep, OnFail, ScheduleOp, SqlCheck, StepKind};
pub use template::Template;
pub use vars::{Var, VarKind};

use std::collections::BTreeMap;
use std::time::Duration;

use super::declared::{Backup, Secret};
use super::names::Names;
use super::{Defaults, Later, ProbeSpec, Workload};
use crate::base::confirmation::Confirmation;
use crate::base::toml::{At, Spot, Table, quoted, word_hint};

/// An action of a service file, in one environment.
#[derive(Debug, Clone, PartialEq)]
pub struct FileAction {
    /// Id, unique in the file.
    pub id: String,
    /// Its key under the leader of actions.
    pub key: Option<char>,
    /// Title for people.
    pub title: String,
    /// What kind of change it is: `deploy`, `scale`; freezes name it.
    pub class: Option<String>,
    /// What an operator gives, in the order of the file.
    pub vars: Vec<Var>,
    /// The least confirmation it asks for.
    pub confirm: Confirmation,
    /// What is typed at the levels that ask for a phrase; `None` = the plan's own words.
    pub phrase: Option<Template>,
    /// A reason must be given.
    pub reason: bool,
    /// What raises the confirmation.
    pub raises: Vec<(Condition, Confirmation)>,
    /// What must hold.
    pub require: Vec<Requirement>,
    /// Its steps, in order.
    pub steps: Vec<ActionStep>,
    /// Why this version cannot carry it out.
    pub disabled: Option<String>,
}

/// A precondition that a file declares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Requirement {
    /// The probe of that id is green.
    Probe(String),
    /// The declared backup of that id: verified and young enough, or only verified.
    Backup(String, BackupState),
    /// A check that the engine makes for the steps by itself must be among them: the word as written, and the check's id.
    Own(String, &'static str),
    /// So the migrations of the image that the action is about must stand.
    Migrations(Migrated),
    /// A volume has twice the room that a dump needs.
    Disk,
    /// The environment is no production.
    Local,
    /// No critical alert of the service is active.
    NoCriticalAlert,
    /// The pods of a workload get a secret: its id, and the workload's.
    Mounted(String, String),
}

/// What is required of migrations.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Migrated {
    /// The image has one head.
    SingleHead,
    /// Nothing is pending.
    NonePending,
}

impl Migrated {
    const WORDS: [(&'static str, Self); 2] = [("single-head", Self::SingleHead), ("none-pending", Self::NonePending)];

    /// The word of a service file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::SingleHead => Self::WORDS[0].0,
            Self::NonePending => Self::WORDS[1].0,
        }
    }
}

/// What is required of a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BackupState {
    /// The newest is verified and not older than it may be.
    Fresh,
    /// There is a verified one.
    Verified,
}

/// Preconditions that the engine checks by itself, with the check's id.
const OWN: [(&str, &str); 7] = [
    ("rollout:idle", "rollout"),
    ("rollout:not-paused", "paused"),
    ("freeze:open", "freeze"),
    ("quota:fits", "quota"),
    ("nodes:fit", "nodes"),
    ("schema:compatible", "schema"),
    ("revision:differs", "template"),
];

/// Beginnings of preconditions that later versions answer.
const LATER: [&str; 14] = [
    "migrations:",
    "schema:",
    "alerts:",
    "window:",
    "disk:",
    "queue:",
    "incident:",
    "ci:",
    "approvals:",
    "env:",
    "secret:",
    "release:",
    "revision:",
    "sql:",
];

/// What actions may refer to.
pub(super) struct Around<'a> {
    pub names: &'a Names,
    pub environments: &'a [String],
    pub workloads: &'a [Workload],
    pub probes: &'a [ProbeSpec],
    /// Ids of the probes of any environment.
    pub probe_ids: &'a [String],
    /// Ids of the backups of any environment.
    pub backup_ids: &'a [String],
    /// The backups of this environment.
    pub backups: &'a [Backup],
    /// Ids of the databases of any environment.
    pub databases: &'a [String],
    /// Ids of the measures of any environment.
    pub kpis: &'a [String],
    /// Ids of the actions of any environment.
    pub actions: &'a [String],
    /// Whether it is said where measures are.
    pub measured: bool,
    /// Whether it is said where alerts are.
    pub alerted: bool,
    /// The secrets.
    pub secrets: &'a [Secret],
    /// Ids of the channels.
    pub channels: &'a [String],
    /// Whether programs may be run on this machine.
    pub shell: bool,
    pub defaults: &'a Defaults,
}

/// Why an action cannot be carried out by this version; the first reason counts.
#[derive(Debug, Default)]
struct Disabled(Option<String>);

impl Disabled {
    fn because(&mut self, why: impl Into<String>) {
        self.0.get_or_insert_with(|| why.into());
    }
}

impl FileAction {
    /// The variables with what was given: each value in its normal form. `Err` says what is missing or wrong.
    pub fn values(&self, given: &[(String, String)]) -> Result<BTreeMap<String, String>, String> {
        if let Some((name, _)) = given.iter().find(|(name, _)| self.vars.iter().all(|v| v.id != *name)) {
            let known: Vec<&str> = self.vars.iter().map(|v| v.id.as_str()).collect();
            let hint = word_hint(name, known.iter().copied()).map(|h| format!(": {}", h.trim_end_matches('.'))).unwrap_or_default();
            return Err(format!("'{}' has no variable '{name}'{hint}", self.id));
        }
        let mut values = BTreeMap::new();
        for var in &self.vars {
            let typed = given.iter().rev().find(|(name, _)| *name == var.id).map(|(_, value)| value.as_str());
            let value = typed
                .or(var.default.as_deref())
                .ok_or_else(|| format!("'{}' needs {}=VALUE ({})", self.id, var.id, var.kind.word()))?;
            values.insert(format!("var.{}", var.id), var.check(value)?);
        }
        Ok(values)
    }

    /// How it is asked for on the command line.
    pub fn example(&self) -> String {
        let words: Vec<String> = std::iter::once(self.id.clone()).chain(self.vars.iter().map(|v| format!("{}=…", v.id))).collect();
        words.join(" ")
    }
}

/// Reads the actions of this environment, in the order of the file.
pub(super) fn decode(root: &Table<'_>, around: &Around<'_>, later: &mut Vec<Later>) -> Vec<FileAction> {
    let vars = vars::decode(root, later);
    let mut all: Vec<FileAction> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    for table in root.tables("action") {
        let id = table.need_text("id").filter(|id| is_word(&table, id));
        if let Some(again) = id.as_ref().filter(|id| ids.contains(&id.value)) {
            table.error(&again.spot, format!("A second action has the id {}.", quoted(&again.value)), None);
        }
        ids.extend(id.as_ref().map(|id| id.value.clone()));
        if !is_here(&table, around) {
            // It is read where it belongs.
            table.entries();
            continue;
        }
        let here = one(&table, id, around, &vars, later);
        table.finish();
        let Some(action) = here.filter(|action| all.iter().all(|a| a.id != action.id)) else { continue };
        if let Some(other) = all.iter().find(|a| a.key.is_some() && a.key == action.key) {
            let key = action.key.unwrap_or_default();
            table.warn(table.spot(), format!("The key '{key}' is the one of the action '{}', too: the first one has it.", other.id), None);
        }
        all.push(action);
    }
    all
}

/// Whether it is one of this environment; each environment that it names must be there.
fn is_here(table: &Table<'_>, around: &Around<'_>) -> bool {
    let named = table.texts("envs");
    for wrong in named.iter().filter(|e| !around.environments.contains(&e.value)) {
        let hint = word_hint(&wrong.value, around.environments.iter().map(String::as_str));
        table.error(&wrong.spot, format!("There is no environment {}.", quoted(&wrong.value)), hint);
    }
    let here = around.names.environment();
    named.is_empty() || here.is_empty() || named.iter().any(|e| e.value == here)
}

fn one(table: &Table<'_>, id: Option<At<String>>, around: &Around<'_>, vars: &[Var], later: &mut Vec<Later>) -> Option<FileAction> {
    let title = table.text("title");
    let mut disabled = Disabled::default();
    let used = used_vars(table, vars, &mut disabled);
    let texts = template::Context { names: around.names, vars: &used, yielded: &[] };
    let confirm = table.word("confirm", &Confirmation::WORDS).map(|c| c.value).or(around.defaults.confirm);
    let phrase = table.text("phrase").and_then(|text| texts.read(table, &text, &mut disabled));
    let reason = table.flag("reason").is_some_and(|r| r.value);
    let raises = raises(table, &used, around, &mut disabled);
    let require = table.texts("require").into_iter().filter_map(|r| requirement(table, &r, around, &mut disabled)).collect();
    let key = table.text("key").and_then(|key| one_key(table, &key));
    let steps = step::decode(table, around, &texts, &mut disabled, later);
    if !table.has("step") {
        table.error(table.spot(), "The action has no step.", Some("Add [[action.step]] with an id and a type.".into()));
    }
    Later::note(table, &["lock", "lock_preempt", "rbac", "warn", "expires", "expires_lock", "hpa"], later);
    let class = table.text("class").map(|c| c.value);
    let id = id?;
    Some(FileAction {
        title: title.and_then(|t| around.names.fill(table, t)).map_or_else(|| id.value.clone(), |t| t.value),
        id: id.value,
        key,
        class,
        vars: used,
        confirm: confirm.unwrap_or_default().max(Confirmation::Key),
        phrase,
        reason,
        raises,
        require,
        steps,
        disabled: disabled.0,
    })
}

/// Ids become part of run ids and object names.
fn is_word(table: &Table<'_>, id: &At<String>) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    let good = !id.value.is_empty() && id.value.len() <= 32 && id.value.chars().all(plain) && !id.value.starts_with('-') && !id.value.ends_with('-');
    if !good {
        let hint = "Use at most 32 lower-case letters, digits and '-'.";
        table.error(&id.spot, format!("The id {} is no word.", quoted(&id.value)), Some(hint.into()));
    }
    good
}

fn one_key(table: &Table<'_>, key: &At<String>) -> Option<char> {
    let mut chars = key.value.chars();
    match (chars.next(), chars.next()) {
        (Some(c), None) if c.is_ascii_graphic() => Some(c),
        _ => {
            table.error(&key.spot, format!("The key {} is not one character.", quoted(&key.value)), Some("Write key = \"d\".".into()));
            None
        }
    }
}

fn used_vars(table: &Table<'_>, vars: &[Var], disabled: &mut Disabled) -> Vec<Var> {
    let mut used = Vec::new();
    for named in table.texts("vars") {
        let Some(var) = vars.iter().find(|v| v.id == named.value) else {
            let hint = word_hint(&named.value, vars.iter().map(|v| v.id.as_str()));
            table.error(&named.spot, format!("There is no variable {}.", quoted(&named.value)), hint);
            continue;
        };
        if let VarKind::Later(word) = var.kind {
            disabled.because(format!("the variable '{}' is of type {word}, which this version does not know yet", var.id));
        }
        used.push(var.clone());
    }
    used
}

fn raises(table: &Table<'_>, vars: &[Var], around: &Around<'_>, disabled: &mut Disabled) -> Vec<(Condition, Confirmation)> {
    let mut raises = Vec::new();
    for raise in table.tables("raise") {
        let when = raise.need_text("when").and_then(|text| condition(&raise, &text, vars, around, disabled));
        let to = raise.word("to", &Confirmation::WORDS);
        if !raise.has("to") {
            raise.missing("to");
        }
        raise.finish();
        raises.extend(when.zip(to.map(|t| t.value)));
    }
    raises
}

/// Reads a condition whose names must be known.
fn condition(table: &Table<'_>, text: &At<String>, vars: &[Var], around: &Around<'_>, disabled: &mut Disabled) -> Option<Condition> {
    let error = |message: String, hint: Option<String>| table.error(&text.spot, message, hint);
    let condition = match Condition::parse(&text.value) {
        Ok(condition) => condition,
        Err(why) => {
            error(
                format!("The condition {} cannot be read: {why}.", quoted(&text.value)),
                Some("Write NAME OP VALUE: var.replicas == 0.".into()),
            );
            return None;
        }
    };
    let mut known: Vec<String> = vars.iter().map(|v| format!("var.{}", v.id)).collect();
    known.extend(around.names.known().map(str::to_owned));
    known.extend(around.probes.iter().map(|p| format!("probe.{}", p.id)));
    known.extend(["workload.ready", "workload.desired", "operator"].map(str::to_owned));
    let mut good = true;
    for name in condition.names() {
        let head = name.split('.').next().unwrap_or_default();
        match head {
            _ if known.iter().any(|k| k == name) => {}
            "kpi" if around.measured && around.kpis.iter().any(|k| name.strip_prefix("kpi.") == Some(k)) => {}
            "plan" | "check" | "kpi" | "step" | "release" | "run" | "backup" | "migrations" | "sql" => {
                disabled.because(format!("the condition '{}' asks for {name}, which this version cannot answer yet", text.value));
            }
            "probe" if around.probe_ids.iter().any(|p| name.strip_prefix("probe.") == Some(p)) => {
                disabled.because(format!("the condition '{}' asks for {name}, which is not one of this environment", text.value));
            }
            "env" if around.names.is_elsewhere(name) => {
                disabled.because(format!("the condition '{}' asks for {name}, which is not set in this environment", text.value));
            }
            _ => {
                error(format!("{} is not known.", quoted(name)), word_hint(name, known.iter().map(String::as_str)));
                good = false;
            }
        }
    }
    good.then_some(condition)
}

fn requirement(table: &Table<'_>, written: &At<String>, around: &Around<'_>, disabled: &mut Disabled) -> Option<Requirement> {
    let text = &written.value;
    if let Some(id) = text.strip_prefix("probe:") {
        return known_probe(table, id, &written.spot, around, disabled).then(|| Requirement::Probe(id.to_owned()));
    }
    if let Some(rest) = text.strip_prefix("backup:") {
        return backup(table, rest, written, around, disabled);
    }
    if let Some((word, id)) = OWN.iter().find(|(word, _)| word == text) {
        return Some(Requirement::Own((*word).to_owned(), id));
    }
    match text.as_str() {
        "target:is-local" => return Some(Requirement::Local),
        "disk:free 2x" => return Some(Requirement::Disk),
        "alerts:none-critical" => {
            if !around.alerted {
                disabled.because(format!("it requires '{text}', and no [sources.alertmanager] says with its url where alerts are"));
            }
            return Some(Requirement::NoCriticalAlert);
        }
        _ => {}
    }
    if let Some((id, workload)) = text.strip_prefix("secret:").and_then(|rest| rest.split_once(" mounted-by ")) {
        return mounted(table, (id.trim(), workload.trim()), written, around);
    }
    if let Some(word) = text.strip_prefix("migrations:").and_then(|word| Migrated::WORDS.iter().find(|(known, _)| *known == word)) {
        return Some(Requirement::Migrations(word.1));
    }
    if LATER.iter().any(|head| text.starts_with(head)) {
        disabled.because(format!("it requires '{text}', which this version cannot answer yet"));
        return None;
    }
    let words = OWN.iter().map(|(word, _)| *word).chain([
        "target:is-local",
        "alerts:none-critical",
        "secret:ID mounted-by WORKLOAD",
        "probe:ID",
        "backup:ID fresh",
        "backup:ID verified",
    ]);
    let hint = word_hint(text, words.collect::<Vec<_>>());
    table.error(&written.spot, format!("The precondition {} is not known.", quoted(text)), hint);
    None
}

/// `secret:ID mounted-by WORKLOAD`.
fn mounted(table: &Table<'_>, (id, workload): (&str, &str), written: &At<String>, around: &Around<'_>) -> Option<Requirement> {
    let known = |noun: &str, word: &str, all: Vec<&str>| {
        let good = all.contains(&word);
        if !good {
            table.error(&written.spot, format!("There is no {noun} {}.", quoted(word)), word_hint(word, all));
        }
        good
    };
    let secret = known("secret", id, around.secrets.iter().map(|s| s.id.as_str()).collect());
    let by = known("workload", workload, around.workloads.iter().map(|w| w.id.as_str()).collect());
    (secret && by).then(|| Requirement::Mounted(id.to_owned(), workload.to_owned()))
}

/// `backup:ID fresh`, `backup:ID verified`, of a backup that comes into the catalogue.
fn backup(table: &Table<'_>, text: &str, written: &At<String>, around: &Around<'_>, disabled: &mut Disabled) -> Option<Requirement> {
    let (id, word) = text.split_once(' ').unwrap_or((text, ""));
    let wanted = match word.trim() {
        "fresh" => BackupState::Fresh,
        "verified" => BackupState::Verified,
        _ => {
            let message = format!("The precondition {} does not say what is wanted of the backup.", quoted(&written.value));
            table.error(&written.spot, message, Some(format!("Write \"backup:{id} fresh\" or \"backup:{id} verified\".")));
            return None;
        }
    };
    let found = around.backups.iter().find(|b| b.id == id);
    if id.starts_with("${") || (found.is_none() && around.backup_ids.iter().any(|b| b == id)) {
        disabled.because(format!("it requires '{}', which is no backup of this environment by name", written.value));
        return None;
    }
    let Some(found) = found else {
        let hint = word_hint(id, around.backups.iter().map(|b| b.id.as_str()));
        table.error(&written.spot, format!("There is no backup {} in this environment.", quoted(id)), hint);
        return None;
    };
    if !found.is_catalogued() {
        disabled.because(format!("it requires '{}', and whether that holds this version cannot see", written.value));
        return None;
    }
    Some(Requirement::Backup(id.to_owned(), wanted))
}

/// A probe of this environment. One that only other environments have disables the action here.
fn known_probe(table: &Table<'_>, id: &str, spot: &Spot, around: &Around<'_>, disabled: &mut Disabled) -> bool {
    let known = around.probes.iter().any(|p| p.id == id);
    if !known && around.probe_ids.iter().any(|p| p == id) {
        disabled.because(format!("the probe '{id}' is not one of this environment"));
    } else if !known {
        let hint = word_hint(id, around.probes.iter().map(|p| p.id.as_str()));
        table.error(spot, format!("There is no probe {} in this environment.", quoted(id)), hint);
    }
    known
}

/// How long anything of a file may take.
const LONGEST: Duration = Duration::from_hours(24 * 7);

#[cfg(test)]
mod tests;
