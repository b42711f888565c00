//! Rules about a file's own actions: what their steps do, in which order, and what they ask for before.
//!
//! Owns those that can be seen from types and arguments of steps as they are written. What a step means when it runs is not its business.

use super::super::super::{MigrationTool, Service};
use super::Advice;
use crate::base::environment::EnvironmentKind;
use crate::base::toml::{Entry, Spot, Table};

/// A step as far as rules read it.
struct Step {
    kind: String,
    argv: String,
    workload: Option<String>,
    spot: Spot,
    stops: bool,
    remembers: bool,
    timeout: bool,
    always: bool,
    goes_on: bool,
    mode: Option<String>,
    merge: bool,
    sets: Vec<String>,
}

impl Step {
    fn read(table: &Table<'_>) -> Self {
        let text = |key: &str| table.entry(key).filter(Entry::is_text).and_then(|e| e.text()).map(|t| t.value);
        let texts = |key: &str| -> Vec<String> {
            let entry = table.entry(key).filter(Entry::is_list);
            let list = entry.map(|e| e.list()).unwrap_or_default();
            list.iter().filter(|e| e.is_text()).filter_map(Entry::text).map(|t| t.value).collect()
        };
        Self {
            kind: text("type").unwrap_or_default(),
            argv: texts("argv").join(" "),
            workload: text("workload"),
            spot: table.spot().clone(),
            stops: table
                .entry("replicas")
                .filter(Entry::is_integer)
                .and_then(|e| e.integer(0..=i64::MAX))
                .is_some_and(|n| n.value == 0),
            remembers: table.has("remember"),
            timeout: table.has("timeout"),
            always: table.has("always"),
            goes_on: text("on_fail").is_none_or(|word| word == "continue"),
            mode: text("mode"),
            merge: table.has("merge"),
            sets: texts("set"),
        }
    }

    fn migrates(&self) -> bool {
        ["alembic upgrade", "manage.py migrate", "prisma migrate deploy", "prisma:migrate"]
            .iter()
            .any(|words| self.argv.contains(words))
    }

    fn changes_images(&self) -> bool {
        matches!(self.kind.as_str(), "set-image" | "helm-upgrade" | "rollback" | "helm-rollback" | "dokploy-deploy")
    }
}

/// An action as far as rules read it.
struct Action {
    id: String,
    class: String,
    requires: Vec<String>,
    names_hpa: bool,
    /// It is for development alone.
    harmless: bool,
    spot: Spot,
    steps: Vec<Step>,
}

/// Holds every action of the file against the rules.
pub(super) fn advise(advice: &Advice<'_>, service: &Service, timeout: bool) {
    let kinds = |envs: &[String]| -> bool {
        let all = advice.root.table("env").map(|t| t.entries()).unwrap_or_default();
        let here = all.iter().filter(|(id, _)| envs.is_empty() || envs.contains(&id.value));
        let mut kinds = here
            .filter_map(|(_, entry)| entry.table()?.text("kind"))
            .map(|kind| EnvironmentKind::WORDS.iter().find(|(w, _)| *w == kind.value).map(|(_, k)| *k));
        let harmless = |kind: Option<EnvironmentKind>| {
            kind.is_some_and(|k| !matches!(k, EnvironmentKind::Production | EnvironmentKind::Staging | EnvironmentKind::Unknown))
        };
        !envs.is_empty() && kinds.all(harmless)
    };
    for table in advice.root.tables("action") {
        let envs: Vec<String> = table.texts("envs").into_iter().map(|e| e.value).collect();
        let action = Action {
            id: table.text("id").map(|t| t.value).unwrap_or_default(),
            class: table.text("class").map(|t| t.value).unwrap_or_default(),
            requires: table.texts("require").into_iter().map(|t| t.value).collect(),
            names_hpa: table.has("hpa"),
            harmless: kinds(&envs),
            spot: table.spot().clone(),
            steps: table.tables("step").iter().map(Step::read).collect(),
        };
        migrations(advice, service, &action);
        commands(advice, &action);
        order(advice, &action);
        restores(advice, &action);
        scaling(advice, service, &action);
        telling(advice, &action);
        for step in &action.steps {
            if step.kind == "rollout-wait" && !step.timeout && !timeout {
                advice.say("E-T23", &step.spot, "This wait has no timeout: it may never end", "timeout = \"300s\", here or in [defaults].");
            }
            helm(advice, step);
        }
    }
}

fn migrations(advice: &Advice<'_>, service: &Service, action: &Action) {
    for step in &action.steps {
        if step.kind == "exec" && step.migrates() {
            let message = "This migrates in the pods that run: files of a newer release are not there, nothing is done, and nothing is said";
            advice.say("E-T1", &step.spot, message, "type = \"job\" with the image that is to be deployed.");
        }
        if !action.harmless && ["migrate dev", "migrate reset", "db push"].iter().any(|words| step.argv.contains(words)) {
            let message = "This Prisma command may empty the database";
            advice.say(
                "L-T4",
                &step.spot,
                message,
                "Only `prisma migrate deploy` is for shared databases; keep this one to development: envs = [\"…\"].",
            );
        }
        if !action.harmless && step.argv.contains("prisma:migrate") {
            let message = "What this script of package.json runs cannot be seen: it may be `prisma migrate dev`, which empties databases";
            advice.say("L-T4", &step.spot, message, "Write the command itself: argv = [\"npx\", \"prisma\", \"migrate\", \"deploy\"].");
        }
        if step.argv.contains("create_all") {
            let message = "Tables that are made without migrations leave no revision behind: the first migration fails";
            advice.say("D-T4", &step.spot, message, "Let the migration tool make them.");
        }
    }
    if action.harmless || !action.steps.iter().any(Step::migrates) {
        return;
    }
    if !action.requires.iter().any(|r| r.starts_with("backup:")) && !action.steps.iter().any(|s| s.kind == "backup") {
        let message = format!("The action '{}' migrates without asking for a backup", action.id);
        advice.say("D-22", &action.spot, &message, "require = [\"backup:ID fresh\"], or a step of type backup before.");
    }
    let alembic = service.declared.migrations.as_ref().is_some_and(|m| m.tool == MigrationTool::Alembic);
    if alembic && !action.requires.iter().any(|r| r == "migrations:single-head") {
        let message = format!("The action '{}' does not ask whether there is one head: with two, the upgrade fails in the middle of it", action.id);
        advice.say("D-T2", &action.spot, &message, "require = [\"migrations:single-head\"]");
    }
}

/// Commands that say less than they seem to, or more than anybody should see.
fn commands(advice: &Advice<'_>, action: &Action) {
    for step in &action.steps {
        let has = |words: &[&str]| words.iter().all(|word| step.argv.contains(word));
        if has(&["kubectl", "condition=complete"]) || has(&["kubectl", "delete", "job"]) {
            let message = "Who waits for a Job to complete waits for ever when it fails, and who deletes it cuts off what runs";
            advice.say("L-T1", &step.spot, message, "type = \"job\": both ends are watched, and a failed one is kept.");
        }
        if has(&["prisma", "migrate", "status"]) {
            let message = "Its exit code 1 means pending, diverged, failed or unreachable alike";
            advice.say("L-T6", &step.spot, message, "type = \"migrate-plan\" tells them apart.");
        }
        if has(&["pg_restore", ".gz"]) {
            let message = "pg_restore reads no file that gzip packed";
            advice.say("E-T4", &step.spot, message, "A dump in custom format is compressed already.");
        }
        let options = restores_with(&step.argv);
        let says = |short: char, long: &str| options.iter().any(|o| *o == long || is_flag(o, short));
        if says('c', "--clean") {
            let message =
                "pg_restore -c empties the living database before it is known that the dump is good, and mixes what is newer with what is older";
            advice.say("E-T7", &step.spot, message, "Restore into another database, look at it, and rename the two.");
        }
        let parallel = options.iter().any(|o| o.starts_with("-j") || o.starts_with("--jobs"));
        let fed = step.argv.contains("| pg_restore") || options.iter().any(|o| o.starts_with('<'));
        if parallel && says('1', "--single-transaction") {
            let message = "pg_restore refuses -j together with -1";
            advice.say("M9", &step.spot, message, "Restore into another database with -j, and rename the two.");
        }
        if parallel && fed {
            let message = "pg_restore refuses -j where the dump comes from its standard input";
            advice.say("M9", &step.spot, message, "Give it a file that is where it runs.");
        }
        if has(&["pg_stat_statements", "mean_time"]) {
            let message = "PostgreSQL 13 and newer have no column mean_time";
            advice.say("E-19", &step.spot, message, "mean_exec_time");
        }
        if has(&["pg_dump", "| gzip"]) && !has(&["pipefail"]) {
            let message = "When pg_dump fails, gzip does not: what is left is an empty file that looks like a backup";
            advice.say("M11", &step.spot, message, "[[backup]] with kind = \"pg_dump\": it is read to its end before it counts.");
        }
        if has(&["kubectl", "get", "secret"]) && ["yaml", "json"].iter().any(|form| step.argv.contains(form)) {
            let message = "This shows the values of a Secret to whoever looks at the screen";
            advice.say("E-T24", &step.spot, message, "`timonel check FILE --live` says which keys there are.");
        }
    }
}

/// What a command gives to pg_restore.
fn restores_with(argv: &str) -> Vec<&str> {
    argv.split_whitespace().skip_while(|word| !word.ends_with("pg_restore")).skip(1).collect()
}

/// Whether a word has that flag among its own: `-1c`, and not `-Fc`, whose letter is a value.
fn is_flag(word: &str, flag: char) -> bool {
    word.strip_prefix('-')
        .is_some_and(|flags| flags.contains(flag) && flags.chars().all(|c| "1acCeOsvx".contains(c)))
}

fn order(advice: &Advice<'_>, action: &Action) {
    let image = action.steps.iter().position(Step::changes_images);
    let migrates = action.steps.iter().position(Step::migrates);
    if let (Some(image), Some(migrates)) = (image, migrates)
        && image < migrates
    {
        let message = "The new image runs before its migrations: meanwhile it works on the old schema";
        advice.say("L-T5", &action.steps[migrates].spot, message, "Migrate before the image is changed.");
    }
    let downgrade = action.steps.iter().position(|s| s.argv.contains("alembic downgrade"));
    if let (Some(image), Some(downgrade)) = (image, downgrade)
        && image < downgrade
    {
        let message = "The old image does not know the revision that it is to downgrade from";
        advice.say("D-T1", &action.steps[downgrade].spot, message, "Downgrade first, with the image that is being left.");
    }
}

fn restores(advice: &Advice<'_>, action: &Action) {
    let Some(restore) = action.steps.iter().find(|s| matches!(s.kind.as_str(), "restore" | "restore-swap" | "pitr")) else { return };
    if action.class == "rollback" {
        let message = "A rollback that also restores the database throws away every write since the copy";
        advice.say("L-T3", &restore.spot, message, "Make it an action of its own.");
    }
    for step in action.steps.iter().filter(|s| s.kind == "restore" && s.mode.as_deref() != Some("new-database")) {
        let message = "This restores over the living database, before it is known that the copy is good";
        advice.say("E-T7", &step.spot, message, "mode = \"new-database\", look at it, then a step restore-swap.");
    }
    for workload in advice.root.tables("workload") {
        let writes = workload.flag("writes_db").is_some_and(|w| w.value);
        let id = workload.text("id").map(|t| t.value).unwrap_or_default();
        let stopped = action.steps.iter().any(|s| s.kind == "scale" && s.stops && s.workload.as_deref() == Some(&id));
        if writes && !stopped {
            let message = format!("'{id}' goes on writing while the action '{}' restores", action.id);
            advice.say("L-T8", &restore.spot, &message, "Scale every workload with writes_db to 0 before.");
        }
    }
}

fn scaling(advice: &Advice<'_>, service: &Service, action: &Action) {
    for step in action.steps.iter().filter(|s| s.kind == "scale") {
        let scaled = service.workloads.iter().find(|w| Some(&w.id) == step.workload.as_ref());
        if step.stops && !step.remembers {
            let message = "To zero and back by a number in a file: how many there were is forgotten";
            advice.say("E-T8", &step.spot, message, "remember = \"replicas\"");
        }
        let back = |other: &&Step| other.kind == "scale" && !other.stops && other.workload == step.workload;
        if step.stops && action.steps.iter().find(back).is_some_and(|back| !back.always) {
            let message = "When a step after this one fails, it stays at zero, where an autoscaler does nothing";
            advice.say("L-T11", &step.spot, message, "always = true on the step that scales it up again.");
        }
        if !step.stops && action.class == "scale" && scaled.is_some_and(|w| w.hpa.is_some()) && !action.names_hpa {
            let message = format!("The action '{}' sets a number that the autoscaler of its workload undoes", action.id);
            advice.say("E-T9", &step.spot, &message, "hpa = \"adjust-min\", \"pause\" or \"refuse\" in the action.");
        }
    }
}

fn telling(advice: &Advice<'_>, action: &Action) {
    for step in action.steps.iter().filter(|s| s.kind == "notify") {
        if !step.goes_on {
            let message = "That nobody could be told would stop the action";
            advice.say("E-32", &step.spot, message, "on_fail = \"continue\"");
        }
    }
    if let Some(last) = action.steps.last().filter(|s| s.kind == "notify" && !s.always && action.steps.len() > 1) {
        advice.say("E-T17", &last.spot, "Nobody is told when a step before fails", "always = true");
    }
}

fn helm(advice: &Advice<'_>, step: &Step) {
    if step.kind == "helm-upgrade" && !step.merge {
        let message = "Values that this upgrade does not name are lost";
        advice.say("P-T1", &step.spot, message, "merge = \"reset-then-reuse\"");
    }
    let secret = |value: &&String| ["secret", "password", "token", "key="].iter().any(|word| value.to_lowercase().contains(word));
    if step.kind == "helm-upgrade" && step.sets.iter().any(|v| secret(&v)) {
        let message = "A secret among the values is seen in the list of processes and in the release";
        advice.say("P-T2", &step.spot, message, "Let the chart use a Secret that is there already.");
    }
}
