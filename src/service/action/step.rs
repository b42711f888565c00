//! `[[action.step]]`: what an action does, one step after the other.
//!
//! Owns the types of steps that this version carries out and what each takes. Types that it does not have yet disable their action.

mod about;
mod look;
mod release;

pub use look::SqlCheck;

use std::time::Duration;

use super::condition::PENDING;
use super::template::{Context, Template};
use super::{Around, Condition, Disabled, LONGEST, condition, known_probe};
use crate::base::confirmation::Confirmation;
use crate::base::toml::{At, Table, quoted, word_hint};
use crate::service::{AlarmEvent, Later, WorkloadKind};

/// One step.
#[derive(Debug, Clone, PartialEq)]
pub struct ActionStep {
    /// Id, unique in its action.
    pub id: String,
    /// What it does.
    pub kind: StepKind,
    /// It is left out where this does not hold when the plan is made.
    pub when: Option<Condition>,
    /// How long it may take in one try; `None` = as long as each proof.
    pub timeout: Option<Duration>,
    /// How often it is tried again.
    pub retries: u32,
    /// How long is waited before the first further try.
    pub backoff: Duration,
    /// What follows when it fails.
    pub on_fail: OnFail,
    /// Id of the action that is offered then (`run:ACTION`).
    pub offers: Option<String>,
    /// It runs on every way out.
    pub always: bool,
    /// Whether it is taken back when the run goes back.
    pub undo: bool,
    /// What must be so before it counts as done, besides its type's own proof: ids of probes, `kpi:ID`, `backup:…`.
    pub done_when: Vec<Template>,
}

/// What follows a failed step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnFail {
    /// Ask where somebody is there, else undo.
    #[default]
    Pause,
    /// Stop and leave things as they are.
    Abort,
    /// Go on; the run is not proven any more.
    Continue,
    /// Go back.
    Undo,
}

impl OnFail {
    /// The words of a service file.
    pub const WORDS: [(&'static str, Self); 4] = [("pause", Self::Pause), ("abort", Self::Abort), ("continue", Self::Continue), ("undo", Self::Undo)];
}

/// What a step does. Workloads are ids of `[[workload]]`.
#[derive(Debug, Clone, PartialEq)]
pub enum StepKind {
    /// Changes how many pods a workload has.
    Scale {
        /// The workload.
        workload: String,
        /// How many.
        replicas: Template,
        /// What to do with an autoscaler: `raise`, `lower`, `pause:30m`.
        hpa: Option<String>,
    },
    /// Replaces every pod.
    Restart {
        /// The workload.
        workload: String,
    },
    /// Goes back to an older revision.
    Rollback {
        /// The workload.
        workload: String,
        /// Which; `None` = the one before.
        to: Option<Template>,
    },
    /// Does something to a CronJob.
    CronJob {
        /// The workload.
        workload: String,
        /// What.
        op: ScheduleOp,
    },
    /// Runs a command in a container of a workload.
    Exec {
        /// The workload.
        workload: String,
        /// Name of the container; `None` = the first.
        container: Option<String>,
        /// Program and arguments: no shell reads them.
        argv: Vec<Template>,
        /// What takes it back.
        back: Option<Vec<Template>>,
        /// It changes nothing.
        reads: bool,
        /// Once more does no harm.
        again: bool,
    },
    /// Waits until a rollout is complete.
    RolloutWait {
        /// The workload.
        workload: String,
    },
    /// Waits until probes are green.
    HttpCheck {
        /// Ids of probes.
        probes: Vec<String>,
    },
    /// Lets time pass.
    Wait {
        /// How much.
        time: Duration,
    },
    /// Asks a database.
    SqlCheck {
        /// Id of the database.
        database: String,
        /// What it is asked.
        checks: Vec<SqlCheck>,
    },
    /// Waits until measures are within their limits, and stay so.
    MetricCheck {
        /// Ids of measures.
        kpis: Vec<String>,
        /// For so long.
        hold: Duration,
    },
    /// Shows the end of a log.
    Logs {
        /// The workload.
        workload: String,
        /// Name of the container; `None` = the first.
        container: Option<String>,
        /// So many lines.
        tail: u32,
        /// Somebody must say that they have seen it, where somebody is there.
        ack: bool,
    },
    /// Tells somebody.
    Notify {
        /// Ids of channels.
        to: Vec<String>,
        /// What.
        text: Template,
        /// What an alarm is told; `None` = the file does not say.
        event: Option<AlarmEvent>,
    },
    /// Runs a program on this machine.
    Shell {
        /// Program and arguments.
        argv: Vec<Template>,
    },
    /// Asks a person.
    Confirm {
        /// At which level: key = an answer, else a phrase is typed.
        level: Confirmation,
        /// What is typed.
        phrase: Option<Template>,
    },
    /// Gives a container of a workload another image.
    SetImage {
        /// The workload.
        workload: String,
        /// Name of the container; `None` = the workload's own, else the first.
        container: Option<String>,
        /// The image.
        image: Template,
        /// Why, for the history of the workload.
        cause: Option<Template>,
    },
    /// Runs a command in a Job that is made of a workload's pod template.
    Job {
        /// The workload.
        workload: String,
        /// Name of the container; `None` = the workload's own, else the first.
        container: Option<String>,
        /// The image; `None` = the one that the workload has.
        image: Option<Template>,
        /// Program and arguments: no shell reads them.
        argv: Vec<Template>,
        /// How often the Job's controller tries it again.
        backoff: u32,
        /// It brings the database to the newest revision of the image, and that proves it.
        at_head: bool,
        /// Once more does no harm.
        again: bool,
    },
    /// Makes a declared backup.
    Backup {
        /// Id of the backup.
        backup: String,
        /// What the catalogue calls it.
        label: Option<Template>,
    },
    /// Asks a registry for an image.
    ImageCheck {
        /// The image.
        image: Template,
        /// The workload that would pull it; `None` = the one whose image it is.
        workload: Option<String>,
        /// The names under which later steps have the image by its digest: `step.ID.NAME`.
        yields: Vec<String>,
    },
    /// Asks an image and the database what is pending.
    MigratePlan {
        /// The image; `None` = the one that runs.
        image: Option<Template>,
        /// Whoever is there types that data may go, where something pending loses data.
        gate: bool,
    },
}

/// What is done to a CronJob.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleOp {
    /// A Job of it now.
    Trigger,
    /// It starts no more Jobs.
    Suspend,
    /// It starts Jobs again.
    Resume,
}

const OPS: [(&str, ScheduleOp); 3] = [("trigger", ScheduleOp::Trigger), ("suspend", ScheduleOp::Suspend), ("resume", ScheduleOp::Resume)];

const KINDS: [&str; 14] = [
    "scale",
    "restart",
    "rollback",
    "cronjob",
    "exec",
    "rollout-wait",
    "http-check",
    "wait",
    "confirm",
    "set-image",
    "job",
    "backup",
    "migrate-plan",
    "image-check",
];

/// Types of steps that later versions carry out.
const LATER: [&str; 23] = [
    "helm-upgrade",
    "helm-rollback",
    "restore",
    "restore-swap",
    "pitr",
    "secret-set",
    "secret-check",
    "secret-restore",
    "compose-up",
    "compose-down",
    "compose-diff",
    "volume-plan",
    "volume-rm",
    "volume-check",
    "dokploy-deploy",
    "dokploy-rollback",
    "silence",
    "unsilence",
    "ci-dispatch",
    "export",
    "wait-for",
    "migrate",
    "backup-verify",
];

/// More than anybody reads before confirming.
const MOST_STEPS: usize = 30;

pub(super) fn decode(
    action: &Table<'_>,
    around: &Around<'_>,
    texts: &Context<'_>,
    disabled: &mut Disabled,
    later: &mut Vec<Later>,
) -> Vec<ActionStep> {
    let mut steps: Vec<ActionStep> = Vec::new();
    let mut ids: Vec<String> = Vec::new();
    let mut yielded: Vec<String> = Vec::new();
    for table in action.tables("step") {
        let texts = &Context { yielded: &yielded.clone(), ..*texts };
        let id = table.need_text("id").filter(|id| super::is_word(&table, id));
        if let Some(id) = &id {
            if ids.contains(&id.value) {
                table.error(&id.spot, format!("A second step has the id {}.", quoted(&id.value)), None);
                continue;
            }
            ids.push(id.value.clone());
        }
        if let Some(kind) = table.need_text("type")
            && let Some(step) = one(&table, id.as_ref(), &kind, &mut Reader { around, texts, disabled, later })
        {
            if let StepKind::ImageCheck { yields, .. } = &step.kind {
                yielded.extend(yields.iter().cloned());
            }
            steps.push(step);
        }
    }
    if steps.len() > MOST_STEPS {
        action.error(action.spot(), format!("The action has more than {MOST_STEPS} steps."), Some("Make several actions of it.".into()));
    }
    steps
}

/// How long is waited before a step is tried again.
fn backoff(table: &Table<'_>) -> Duration {
    table.duration("backoff", Duration::ZERO..=Duration::from_mins(5)).map_or(Duration::from_secs(5), |d| d.value)
}

struct Reader<'a, 'b> {
    around: &'a Around<'b>,
    texts: &'a Context<'b>,
    disabled: &'a mut Disabled,
    later: &'a mut Vec<Later>,
}

fn one(table: &Table<'_>, id: Option<&At<String>>, kind: &At<String>, reader: &mut Reader<'_, '_>) -> Option<ActionStep> {
    let name = id.map_or("", |id| id.value.as_str());
    if !KINDS.contains(&kind.value.as_str()) && !look::KINDS.contains(&kind.value.as_str()) {
        // What its keys mean is known when the type is.
        table.entries();
        if LATER.contains(&kind.value.as_str()) {
            reader
                .disabled
                .because(format!("step '{name}' is of type {}, which this version does not have yet", kind.value));
        } else {
            let hint = word_hint(&kind.value, KINDS.iter().chain(&look::KINDS).chain(&LATER).copied().collect::<Vec<_>>());
            table.error(&kind.spot, format!("There is no type of step {}.", quoted(&kind.value)), hint);
        }
        return None;
    }
    let found = if kind.value == "image-check" { reader.image_check(table, name) } else { reader.kind(table, &kind.value) };
    let when = table.text("when").and_then(|text| reader.when(table, name, &text));
    // Whatever a file says of its other steps: that somebody could not be told ends nothing by itself.
    let on_fail = if kind.value == "notify" && !table.has("on_fail") { OnFail::Continue } else { reader.on_fail(table) };
    let offers = reader.offers(table);
    let undo = kind.value == "exec" || reader.undo(table, name, &kind.value);
    let done_when = if release::is_own_proof(table, &kind.value) { Vec::new() } else { reader.done_when(table, name) };
    let step = ActionStep {
        id: name.to_owned(),
        kind: found?,
        when,
        timeout: table
            .duration("timeout", Duration::from_secs(1)..=LONGEST)
            .map(|d| d.value)
            .or(reader.around.defaults.timeout),
        retries: table.integer("retries", 0..=20).and_then(|n| u32::try_from(n.value).ok()).unwrap_or(0),
        backoff: if kind.value == "job" { Duration::ZERO } else { backoff(table) },
        on_fail,
        offers,
        always: table.flag("always").is_some_and(|f| f.value),
        undo,
        done_when,
    };
    if !["exec", "job"].contains(&&*kind.value) {
        // The engine knows of its own types where they stand.
        table.accept(&["idempotent"]);
    }
    Later::note(table, &["title", "sensitive"], reader.later);
    if kind.value != "image-check" {
        Later::note(table, &["capture"], reader.later);
    }
    table.finish();
    id.map(|_| step)
}

impl Reader<'_, '_> {
    fn when(&mut self, table: &Table<'_>, name: &str, text: &At<String>) -> Option<Condition> {
        if text.value == PENDING {
            return Some(Condition::pending());
        }
        if text.value.starts_with("migrations:") {
            self.disabled
                .because(format!("step '{name}' is taken when '{}', which this version cannot answer yet", text.value));
            return None;
        }
        condition(table, text, self.texts.vars, self.around, self.disabled)
    }

    fn kind(&mut self, table: &Table<'_>, kind: &str) -> Option<StepKind> {
        Some(match kind {
            other if look::KINDS.contains(&other) => self.look(table, other)?,
            "scale" => {
                let workload = self.workload(table, &[WorkloadKind::Deployment, WorkloadKind::StatefulSet]);
                let replicas = self.count(table);
                let hpa = table.text("hpa").map(|h| h.value);
                // What was there before is always put back; the words of the format are taken for it.
                table.accept(&["remember"]);
                StepKind::Scale { workload: workload?, replicas: replicas?, hpa }
            }
            "restart" => StepKind::Restart { workload: self.workload(table, ROLLED)? },
            "rollback" => {
                let workload = self.workload(table, ROLLED);
                let to = table.text("to").and_then(|text| self.texts.read(table, &text, self.disabled));
                // Every write of the engine rests on the version it has seen.
                table.accept(&["guard"]);
                StepKind::Rollback { workload: workload?, to }
            }
            "cronjob" => {
                let workload = self.workload(table, &[WorkloadKind::CronJob]);
                let op = table.word("op", &OPS);
                if !table.has("op") {
                    table.missing("op");
                }
                StepKind::CronJob { workload: workload?, op: op?.value }
            }
            "exec" => {
                let found = self.known_workload(table);
                if let Some((_, kind)) = found.as_ref().filter(|(_, kind)| !ROLLED.contains(kind)) {
                    self.disabled.because(format!("a step runs a command in a {}, which this version cannot do yet", kind.word()));
                }
                let workload = found.map(|(id, _)| id.value);
                let container = table.text("container").map(|c| c.value);
                let argv = self.argv(table);
                let back = self.back(table);
                Later::note(table, &["tty"], self.later);
                let flag = |key| table.flag(key).is_some_and(|f| f.value);
                StepKind::Exec { workload: workload?, container, argv: argv?, back, reads: flag("read_only"), again: flag("idempotent") }
            }
            "rollout-wait" => {
                Later::note(table, &["revision"], self.later);
                StepKind::RolloutWait { workload: self.workload(table, ROLLED)? }
            }
            "http-check" => {
                let probes = table.texts("probes");
                if probes.is_empty() {
                    table.missing("probes");
                }
                let mut known = |p: &At<String>| known_probe(table, &p.value, &p.spot, self.around, self.disabled);
                let good = probes.iter().filter(|p| known(p)).count();
                (good == probes.len() && good > 0).then(|| StepKind::HttpCheck { probes: probes.into_iter().map(|p| p.value).collect() })?
            }
            "set-image" | "job" | "backup" | "migrate-plan" => self.release(table, kind)?,
            "wait" => {
                if table.has("until") {
                    table.accept(&["until"]);
                    self.disabled.because("a wait has 'until', which this version does not have yet");
                } else if !table.has("for") {
                    table.missing("for");
                }
                StepKind::Wait { time: table.duration("for", Duration::from_millis(100)..=Duration::from_hours(24))?.value }
            }
            _ => {
                let level = table.word("level", &Confirmation::WORDS).map_or(Confirmation::Key, |l| l.value);
                let phrase = table.text("phrase").and_then(|text| self.texts.read(table, &text, self.disabled));
                if level > Confirmation::Key && phrase.is_none() && !table.has("phrase") {
                    table.error(table.spot(), "A confirmation of this level needs a phrase to type.", Some("Add phrase = \"…\".".into()));
                }
                if level == Confirmation::TwoPerson {
                    self.disabled.because("a step asks for a second person, which this version has for whole plans alone");
                }
                Later::note(table, &["show"], self.later);
                StepKind::Confirm { level, phrase }
            }
        })
    }

    fn workload(&mut self, table: &Table<'_>, kinds: &[WorkloadKind]) -> Option<String> {
        let (named, kind) = self.known_workload(table)?;
        if !kinds.contains(&kind) {
            table.error(&named.spot, format!("A {} cannot be the workload of this step.", kind.word()), None);
            return None;
        }
        Some(named.value)
    }

    fn known_workload(&mut self, table: &Table<'_>) -> Option<(At<String>, WorkloadKind)> {
        let named = table.need_text("workload")?;
        if named.value.contains("${") {
            self.disabled
                .because(format!("the workload {} is not known before it runs, which this version does not have yet", quoted(&named.value)));
            return None;
        }
        let all = self.around.workloads.iter();
        let Some(found) = all.clone().find(|w| w.id == named.value) else {
            let hint = word_hint(&named.value, all.map(|w| w.id.as_str()).collect::<Vec<_>>());
            table.error(&named.spot, format!("There is no workload {}.", quoted(&named.value)), hint);
            return None;
        };
        Some((named, found.kind))
    }

    /// Program and arguments; a shell's line is no command.
    fn argv(&mut self, table: &Table<'_>) -> Option<Vec<Template>> {
        let words = table.texts("argv");
        if words.is_empty() {
            table.missing("argv");
            return None;
        }
        words.iter().map(|word| self.texts.read(table, word, self.disabled)).collect()
    }

    /// `undo = { argv = [...] }`: the command that takes it back. `undo = false` says that there is none, as it is without.
    fn back(&mut self, table: &Table<'_>) -> Option<Vec<Template>> {
        let entry = table.entry("undo")?;
        if !entry.is_table() {
            entry.flag();
            return None;
        }
        let own = entry.table()?;
        let kind = own.text("type").map_or_else(|| "exec".to_owned(), |t| t.value);
        if kind != "exec" {
            own.entries();
            self.disabled
                .because(format!("the undo of a command is of type {kind}, which this version does not have yet"));
            return None;
        }
        let argv = self.argv(&own);
        own.finish();
        argv
    }

    /// `done_when = "probe.db == ok and kpi.errors == ok"`, or `"backup:ID verified"`: what is looked at besides the type's own proof.
    fn done_when(&mut self, table: &Table<'_>, name: &str) -> Vec<Template> {
        let Some(text) = table.text("done_when") else { return Vec::new() };
        if let Some(wanted) = self.done_word(table, &text, name) {
            return wanted;
        }
        let Some(condition) = condition(table, &text, self.texts.vars, self.around, self.disabled) else { return Vec::new() };
        let wanted = condition.all_good().unwrap_or_else(|| {
            let why = format!("the done_when of step '{name}' asks for more than that all is ok, which this version cannot wait for yet");
            self.disabled.because(why);
            Vec::new()
        });
        wanted.into_iter().map(Template::plain).collect()
    }

    /// A number, or a text with a name in it.
    fn count(&mut self, table: &Table<'_>) -> Option<Template> {
        if !table.has("replicas") {
            table.missing("replicas");
        }
        let entry = table.entry("replicas")?;
        if entry.is_text() {
            return self.texts.read(table, &entry.text()?, self.disabled);
        }
        entry.integer(0..=100_000).map(|n| Template::plain(n.value.to_string()))
    }

    fn on_fail(&mut self, table: &Table<'_>) -> OnFail {
        let Some(text) = table.text("on_fail") else { return self.around.defaults.on_fail.unwrap_or_default() };
        if text.value.starts_with("run:") {
            // What follows is offered; the run itself leaves things as they are.
            return OnFail::Abort;
        }
        table.word("on_fail", &OnFail::WORDS).map(|w| w.value).unwrap_or_default()
    }

    /// `true` is the type's own way back, `false` none; another one of a file's own is for later.
    fn undo(&mut self, table: &Table<'_>, name: &str, kind: &str) -> bool {
        let Some(entry) = table.entry("undo") else { return true };
        if !entry.is_table() {
            return entry.flag().is_none_or(|f| f.value);
        }
        if release::is_own_way_back(table, kind, &entry.json().value) {
            return true;
        }
        self.disabled.because(format!(
            "step '{name}' has an undo of its own, which this version does not have yet: leave it out, and the step is taken back"
        ));
        true
    }
}

const ROLLED: &[WorkloadKind] = &[WorkloadKind::Deployment, WorkloadKind::StatefulSet, WorkloadKind::DaemonSet];

#[cfg(test)]
mod tests;
