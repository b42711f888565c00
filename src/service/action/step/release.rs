//! The steps that bring a release: a backup before, what is pending, migrations, another image.
//!
//! Owns what each of them takes, and the ways to write down what its type does anyway. What they come to is planned elsewhere.

use serde_json::Value;

use super::{ROLLED, Reader, StepKind};
use crate::base::toml::{Table, quoted, word_hint};
use crate::service::WorkloadKind;
use crate::service::action::template::Template;

/// What an image-check yields: the image by its digest.
const DIGEST: &str = "digest";
/// Where a Job can be made from.
const TEMPLATES: &[WorkloadKind] = &[WorkloadKind::Deployment, WorkloadKind::StatefulSet];
/// What a database is asked for that a migration has brought up to date.
const AT_HEAD: &str = "migrations:at-head";

/// Whether the step's `done_when` says what its type is proven by anyway.
pub(super) fn is_own_proof(table: &Table<'_>, kind: &str) -> bool {
    let own = |text: &str| match kind {
        "job" => text == AT_HEAD,
        "backup" => text.starts_with("backup:") && text.ends_with(" verified"),
        _ => false,
    };
    table.text("done_when").is_some_and(|text| own(&text.value))
}

/// Whether an `undo` of a file's own says what is done anyway: what was there before is put back.
pub(super) fn is_own_way_back(table: &Table<'_>, kind: &str, own: &Value) -> bool {
    let same = match (kind, own["type"].as_str().unwrap_or_default()) {
        ("scale", "scale") => own["replicas"] == "${run.before.replicas}",
        ("rollback" | "set-image", "rollback") => own["to"] == "${run.before.revision}",
        ("set-image", "set-image") => own["image"] == "${run.before.image}",
        _ => false,
    };
    same && table.text("workload").is_some_and(|workload| own["workload"] == *workload.value)
}

impl Reader<'_, '_> {
    pub(super) fn release(&mut self, table: &Table<'_>, kind: &str) -> Option<StepKind> {
        Some(match kind {
            "set-image" => {
                let workload = self.changed(table, ROLLED);
                let container = table.text("container").map(|c| c.value);
                let image = self.image(table);
                let cause = table.text("change_cause").and_then(|text| self.texts.read(table, &text, self.disabled));
                StepKind::SetImage { workload: workload?, container, image: image?, cause }
            }
            "job" => self.job(table)?,
            "backup" => {
                let backup = self.declared_backup(table);
                let label = table.text("label").and_then(|text| self.texts.read(table, &text, self.disabled));
                StepKind::Backup { backup: backup?, label }
            }
            _ => {
                let image = if table.has("image") { Some(self.image(table)?) } else { None };
                let gate = table.word("gate", &[("show-sql", true)]).is_some();
                // [migrations] says whose image has the revisions.
                table.accept(&["workload"]);
                StepKind::MigratePlan { image, gate }
            }
        })
    }

    /// A step that asks a registry; `capture = { NAME = "digest" }` gives what it yields a name besides `digest`.
    pub(super) fn image_check(&mut self, table: &Table<'_>, name: &str) -> Option<StepKind> {
        let image = self.image(table);
        let workload = if table.has("workload") { Some(self.changed(table, ROLLED)?) } else { None };
        let mut yields = vec![format!("step.{name}.{DIGEST}")];
        for (key, entry) in table.table("capture").map(|t| t.entries()).unwrap_or_default() {
            entry.word(&[(DIGEST, ())]);
            if super::super::is_word(table, &key) && key.value != DIGEST {
                yields.push(format!("step.{name}.{}", key.value));
            }
        }
        Some(StepKind::ImageCheck { image: image?, workload, yields })
    }

    fn image(&mut self, table: &Table<'_>) -> Option<Template> {
        let text = table.need_text("image")?;
        self.texts.read(table, &text, self.disabled)
    }

    /// The workload of a step that changes what it is made of; what has no pod template comes with other targets.
    fn changed(&mut self, table: &Table<'_>, kinds: &[WorkloadKind]) -> Option<String> {
        let (named, kind) = self.known_workload(table)?;
        if !kinds.contains(&kind) {
            self.disabled.because(format!("a step is about a {}, which has no pod template", kind.word()));
        }
        Some(named.value)
    }

    fn job(&mut self, table: &Table<'_>) -> Option<StepKind> {
        let workload = self.changed(table, TEMPLATES);
        let container = table.text("container").map(|c| c.value);
        // One that is wrong is no wish for the one that runs.
        let image = if table.has("image") { self.image(table) } else { None };
        let is_wrong = table.has("image") && image.is_none();
        let argv = self.argv(table);
        let backoff = table.integer("backoff", 0..=10).and_then(|n| u32::try_from(n.value).ok()).unwrap_or(0);
        // A Job that failed is always kept.
        table.word("keep", &[("failed", ())]);
        if table.has("retries") {
            table.error(table.spot(), "A Job is tried again by its own controller.", Some("Write backoff = N.".into()));
        }
        let at_head = table.text("done_when").is_some_and(|text| text.value == AT_HEAD);
        let (workload, argv) = (workload?, argv?);
        if at_head && !is_upgrade(&argv) {
            self.disabled.because(format!(
                "a job is done when {AT_HEAD}, and its argv is not what a migration tool itself comes there by: alembic upgrade head, python \
                 manage.py migrate, prisma migrate deploy"
            ));
        }
        let again = table.flag("idempotent").is_some_and(|flag| flag.value);
        (!is_wrong).then_some(StepKind::Job { workload, container, image, argv, backoff, at_head, again })
    }

    /// A backup of this environment that a Job can make.
    fn declared_backup(&mut self, table: &Table<'_>) -> Option<String> {
        let named = table.need_text("backup")?;
        if named.value.contains("${") {
            self.disabled
                .because(format!("the backup {} is not known before it runs, which this version does not have yet", quoted(&named.value)));
            return None;
        }
        let around = self.around;
        let Some(found) = around.backups.iter().find(|b| b.id == named.value) else {
            if around.backup_ids.contains(&named.value) {
                self.disabled.because(format!("the backup '{}' is not one of this environment", named.value));
            } else {
                let hint = word_hint(&named.value, around.backups.iter().map(|b| b.id.as_str()));
                table.error(&named.spot, format!("There is no backup {} in this environment.", quoted(&named.value)), hint);
            }
            return None;
        };
        if !found.is_catalogued() {
            self.disabled
                .because(format!("the backup '{}' is not one that a Job can make: kind = \"pg_dump\" with a volume", named.value));
            return None;
        }
        Some(named.value)
    }
}

/// Whether it is the command by which a migration tool itself brings a database to the newest revision.
fn is_upgrade(argv: &[Template]) -> bool {
    let words: Option<Vec<String>> = argv.iter().map(Template::literal).collect();
    let words = words.unwrap_or_default();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let command = match &words[..] {
        ["python" | "python3", "-m", rest @ ..] | ["npx" | "python" | "python3", rest @ ..] => rest,
        all => all,
    };
    match command {
        ["alembic", "upgrade", "head"] | ["prisma", "migrate", "deploy"] => true,
        ["manage.py" | "./manage.py", "migrate", rest @ ..] => matches!(rest, [] | ["--noinput" | "--no-input"]),
        _ => false,
    }
}
