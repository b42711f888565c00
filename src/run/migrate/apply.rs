//! Migrate: the plan of bringing the database to the newest revision of an image.
//!
//! Owns its part of a plan: what is pending by the inspection of that image, what each statement can do, and the level that this asks for.

use jiff::Timestamp;

use super::checks::{self, Basis};
use super::inspect::{candidate, container, declared, frozen};
use super::job::{Asked, LEAST, Mode};
use super::network::network;
use super::releases::{self, Record};
use super::{PARAMETER, Seen};
use crate::base::quantity;
use crate::migrate::inspection::{Inspection, Script};
use crate::migrate::sql::{Harm, Statement};
use crate::migrate::{MigrationState, Position};
use crate::run::backup::{Known, catalogue};
use crate::run::check::{Answer, Check};
use crate::run::context::{PlanContext, PlanError};
use crate::run::ground::{self, Ground, Part};
use crate::run::job;
use crate::run::level::Nature;
use crate::run::step::Step;
use crate::service::MigrationTool;
use crate::target::api::Read;
use crate::target::model::ObjectRef;

/// Statements that a plan tells one by one.
const TOLD: usize = 40;

/// The part of a run of that id.
pub(in crate::run) async fn part(
    read: &dyn Read,
    context: &PlanContext,
    ground: &Ground,
    image: Option<&str>,
    id: &str,
    now: Timestamp,
) -> Result<Part, PlanError> {
    let workload = &ground.object;
    let namespace = &workload.reference.namespace;
    let migration = declared(context, workload)?;
    let image = candidate(&migration, workload, image)?;
    let record = Record::of(read, &releases::of(&migration.service, namespace)).await;
    let seen = releases::find(record.seen(), &image);
    let position = seen.and_then(|seen| match MigrationState::of(&seen.inspection) {
        MigrationState::Known(position) => Some(position),
        MigrationState::Unknown(_) => None,
    });
    let deadline = context.prove_within.max(LEAST);
    let inspection = checks::inspection(&image, seen, record.unread(), now);
    // A step before it asks the same image, and somebody before what loses data goes on.
    let asked_before = context.asks.as_ref() == Some(&image);
    let blind = asked_before && inspection.result != Answer::Ok;
    let mode = if blind { Mode::blind() } else { mode(seen, position.as_ref()) };
    let (digest, pulled) = seen.map(|seen| (seen.digest.clone(), seen.pulled)).unwrap_or_default();
    // What an earlier step of the same plan asks need not be what was asked before.
    let (digest, pulled) = if blind { (String::new(), false) } else { (digest, pulled) };
    let asked = Asked { image: image.clone(), digest, pulled, mode, deadline, migration };
    let logs = checks::logs(read, &workload.reference).await;
    let inspection = if blind { Check { required: false, overridable: false, ..inspection } } else { inspection };
    let mut checks = vec![container(&asked, workload), logs, inspection];
    checks.extend(network(read, workload).await);
    let (mut risks, mut raises, mut goes) = (Vec::new(), Vec::new(), blind);
    if blind {
        risks.push("what is pending is found out by an earlier step of this plan, and asked about there where it loses data".to_owned());
    }
    if let (Some(seen), Some(position)) = (seen, &position) {
        let scripts = seen.inspection.pending(position);
        let statements: Vec<(&str, &Statement)> = scripts.iter().flat_map(|s| s.statements.iter().map(|one| (s.id.as_str(), one))).collect();
        let backups = Known::of(read, &catalogue::of(&asked.migration.service, namespace)).await;
        let basis = Basis { seen, position, statements, now };
        // What was asked long ago stands in nobody's way where it is asked again.
        if !blind {
            checks.extend(basis.checks(context, &asked.migration, &backups));
        }
        raises.extend(checks::raise(context, lost(&basis)));
        risks.extend(told(&scripts, &seen.inspection));
        goes |= !position.pending.is_empty();
    }
    let job = job::of(id, "migrate", namespace);
    let kubectl = ground::kubectl(&context.context, namespace);
    Ok(Part {
        action: "migrate",
        quantity: position.as_ref().map_or_else(|| "unknown".to_owned(), quantity_of),
        nature: Nature::Change,
        inputs: ground::inputs(&workload.reference, [(PARAMETER.to_owned(), image.clone())]),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs: if goes { proofs(context, ground, &asked, &job, id) } else { Vec::new() },
        back: None,
        undo: "none by itself: a downgrade is made from this image, before an older one runs".to_owned(),
        pay: format!("{kubectl} logs job/{0}; timonel run inspect image={image}; {kubectl} delete job/{0}", job.name),
        checks,
        risks,
        same_as: vec![format!("in {image}: {}", command(asked.migration.tool))],
        raises,
        frozen: frozen(workload),
        // It looks where the database stands before it does anything: once more it finds nothing to do, or refuses.
        write: goes.then(|| job::write(&job, &workload.reference, id, asked.job(workload, id), true)),
    })
}

fn proofs(context: &PlanContext, ground: &Ground, asked: &Asked, job: &ObjectRef, id: &str) -> Vec<Step> {
    let proof = "the database itself says that it is at the newest revision, and no index is left invalid";
    let mut steps = vec![asked.proven("prove-migrated", "prove the revision", proof, job, id)];
    steps.extend(ground.probes(context, ground.object.wanted()));
    steps
}

/// What the Job shall find, and where it shall lead.
fn mode(seen: Option<&Seen>, position: Option<&Position>) -> Mode {
    let inspection = seen.map(|seen| &seen.inspection);
    Mode::Apply {
        applied: inspection.map(|i| i.applied.clone()).unwrap_or_default(),
        heads: inspection.map(|i| i.heads.clone()).unwrap_or_default(),
        pending: position.map(|p| p.pending.clone()).unwrap_or_default(),
        invalid: inspection.map(|i| i.database.invalid.clone()).unwrap_or_default(),
        blind: false,
    }
}

/// What of it loses data, or may.
fn lost(basis: &Basis<'_>) -> Option<String> {
    let (id, worst) = basis.statements.iter().rev().max_by_key(|(_, s)| s.harm).filter(|_| basis.harm().loses_data())?;
    let table = worst.table.as_deref().map(|t| format!(" in {t}")).unwrap_or_default();
    let unknown = worst.harm == Harm::Unknown;
    Some(if unknown { format!("what {id} does is not known: {}", worst.why) } else { format!("{id} loses data{table}") })
}

/// Every statement with what it can do, as far as a panel holds them.
fn told(scripts: &[Script], inspection: &Inspection) -> Vec<String> {
    let mut lines = Vec::new();
    for script in scripts {
        let told: Vec<&Statement> = script.statements.iter().filter(|s| !s.is_bookkeeping()).collect();
        if told.is_empty() {
            lines.push(format!("{}: nothing that is stored changes", script.id));
        }
        for statement in told {
            let harmful = statement.harm > Harm::Additive;
            let size = statement.table.as_ref().filter(|_| harmful).and_then(|table| inspection.database.sizes.get_key_value(table));
            let size = size
                .map(|(table, s)| format!("; {table} has about {} rows, {}", s.rows, quantity::bytes(s.bytes)))
                .unwrap_or_default();
            lines.push(format!("{} {}: {} ({}{size})", script.id, statement.harm.word(), statement.text, statement.why));
        }
        if script.more > 0 {
            lines.push(format!("{}: and {} more statements, none worse than these", script.id, script.more));
        }
    }
    let over = lines.len().saturating_sub(TOLD);
    lines.truncate(TOLD);
    if over > 0 {
        lines.push(format!("and {over} more statements"));
    }
    lines
}

/// How much harm a line of a plan tells of, where it tells of a statement; a step of several may stand before it.
pub(in crate::run) fn harm(line: &str) -> Option<Harm> {
    let class = |part: &str| part.rsplit_once(' ').and_then(|(_, word)| Harm::named(word));
    line.split(": ").take(2).find_map(class)
}

fn quantity_of(position: &Position) -> String {
    let at = position.current.last().map_or("nothing", String::as_str);
    let to = position.pending.last().map_or(at, String::as_str);
    format!("{at}->{to}")
}

const fn command(tool: MigrationTool) -> &'static str {
    match tool {
        MigrationTool::Alembic => "alembic upgrade head",
        MigrationTool::Django => "manage.py migrate --noinput",
        MigrationTool::Prisma => "prisma migrate deploy",
        MigrationTool::Sql => "psql -v ON_ERROR_STOP=1 -1 -f FILE, for each file that is pending",
    }
}

#[cfg(test)]
mod tests {
    use super::harm;
    use crate::migrate::sql::Harm;

    #[test]
    fn a_line_of_a_plan_says_how_much_harm_its_statement_can_do() {
        assert_eq!(harm("c3 destructive: ALTER TABLE rules DROP COLUMN body (the values of the column go)"), Some(Harm::Destructive));
        assert_eq!(harm("schema: shop.0002_note locking: CREATE INDEX n ON rules (note)"), Some(Harm::Locking));
        assert_eq!(harm("c3 unknown: ... (its SQL cannot be shown: no such file)"), Some(Harm::Unknown));
        for other in ["c3: nothing that is stored changes", "the dump reads the whole database: it is slower meanwhile", "unknown"] {
            assert_eq!(harm(other), None, "{other}");
        }
    }
}
