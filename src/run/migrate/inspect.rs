//! Inspect: the plan of asking an image and its database, which changes nothing.
//!
//! Owns its part of a plan and what is checked before. It runs beside the pods, never in them: they have not the image that is asked.

use crate::run::check::Check;
use crate::run::context::{PlanContext, PlanError};
use crate::run::facts::{WorkloadFacts, text};
use crate::run::ground::{self, Ground, Part};
use crate::run::image;
use crate::run::job;
use crate::run::level::Nature;
use crate::run::migrate::job::{Asked, Migration, Mode};
use crate::run::migrate::network::network;
use crate::run::migrate::{PARAMETER, checks};
use crate::run::plan::{Frozen, FrozenField};
use crate::service::MigrationTool;
use crate::target::api::Read;

const TEMPLATE: &str = "/spec/template";

/// The part of a run of that id; `named` is the image that is meant, the running one when none is said.
pub(in crate::run) async fn part(read: &dyn Read, context: &PlanContext, ground: &Ground, named: Option<&str>, id: &str) -> Result<Part, PlanError> {
    let migration = declared(context, &ground.object)?;
    let image = candidate(&migration, &ground.object, named)?;
    let deadline = context.prove_within;
    let asked = Asked { migration, image: image.clone(), digest: String::new(), pulled: false, mode: Mode::Inspect, deadline };
    let workload = &ground.object;
    let job = job::of(id, "inspect", &workload.reference.namespace);
    let proof = format!("the Job is complete and says where the database stands, within {} s", asked.deadline.as_secs());
    let kubectl = ground::kubectl(&context.context, &workload.reference.namespace);
    Ok(Part {
        action: "inspect",
        quantity: "revisions".to_owned(),
        nature: Nature::Inspection,
        inputs: ground::inputs(&workload.reference, [(PARAMETER.to_owned(), image.clone())]),
        leaves: Vec::new(),
        title: format!("make Job {}", job.name),
        proofs: vec![asked.proven("prove-inspected", "prove what image and database say", &proof, &job, id)],
        back: None,
        undo: "none: it changes nothing".to_owned(),
        pay: format!("{kubectl} delete job/{}", job.name),
        checks: [container(&asked, workload), checks::logs(read, &workload.reference).await]
            .into_iter()
            .chain(network(read, workload).await)
            .collect(),
        risks: risks(&asked, workload),
        same_as: same_as(&asked),
        raises: Vec::new(),
        frozen: frozen(workload),
        write: Some(job::write(&job, &workload.reference, id, asked.job(workload, id), true)),
    })
}

/// How the service file says that the schema of this workload's service is moved.
pub(super) fn declared(context: &PlanContext, workload: &WorkloadFacts) -> Result<Migration, PlanError> {
    let usage = |text: &str| PlanError::Usage(text.to_owned());
    let migration = context
        .migration
        .as_ref()
        .ok_or_else(|| usage("no service file with [migrations] says how the schema is moved"))?;
    let own = &migration.workload;
    if (own.kind, own.name.as_str()) != (workload.reference.kind, &*workload.reference.name) {
        return Err(PlanError::Usage(format!("[migrations] of the service file is about {} {}", own.kind.word(), own.name)));
    }
    Ok(migration.clone())
}

/// The image that is meant.
pub(super) fn candidate(migration: &Migration, workload: &WorkloadFacts, named: Option<&str>) -> Result<String, PlanError> {
    let running = migration.of(workload).map(|c| text(c, "/image")).unwrap_or_default();
    let image = named.map_or(running, str::to_owned);
    image::name(&image)
}

pub(super) fn frozen(workload: &WorkloadFacts) -> Vec<Frozen> {
    let fields = vec![FrozenField { pointer: TEMPLATE, value: ground::now(workload, TEMPLATE) }];
    vec![Frozen { object: workload.reference.clone(), uid: workload.uid(), fields }]
}

pub(super) fn container(asked: &Asked, workload: &WorkloadFacts) -> Check {
    let check = Check::required("container");
    if asked.migration.of(workload).is_some() {
        return check.ok(format!("it runs as container {} of the pod template does", asked.container_name(workload)));
    }
    let wanted = asked.migration.container.as_deref().unwrap_or_default();
    check.failed(format!("the pod template has no container '{wanted}'"), "container = \"NAME\" of the workload in the service file")
}

fn risks(asked: &Asked, workload: &WorkloadFacts) -> Vec<String> {
    let mut risks =
        vec![format!("it starts {} with the settings of {}, and runs the code that reads its revisions", asked.image, workload.reference)];
    risks.extend(job::left_out(workload, &asked.container_name(workload)));
    risks
}

fn same_as(asked: &Asked) -> Vec<String> {
    let migration = &asked.migration;
    let line = match migration.tool {
        MigrationTool::Alembic => "alembic current; alembic heads; alembic history; alembic upgrade CURRENT:head --sql".to_owned(),
        MigrationTool::Django => "manage.py showmigrations --plan; manage.py sqlmigrate APP NAME; select app, name from django_migrations".to_owned(),
        MigrationTool::Prisma => "prisma migrate status; select migration_name, finished_at, rolled_back_at from _prisma_migrations".to_owned(),
        MigrationTool::Sql => {
            let (folder, table) = (migration.folder.as_deref().unwrap_or("migrations"), migration.table.as_deref().unwrap_or("schema_migrations"));
            format!("ls {folder}; psql -c 'select * from {table}'")
        }
    };
    vec![format!("in {}: {line}", asked.image)]
}
