//! What the steps of a service file need of the target, tried without doing any of it: rights, statements, images.
//!
//! Owns what is tried and how. A statement is explained in the read-only transaction in which every question is asked: the server
//! reads it, finds its tables and columns, and looks whether this login may read them; it is not carried out.

use futures_util::future::join_all;
use serde_json::Value;

use super::found::Findings;
use super::live::{List, Live};
use super::resolve::{containers, kind_of, pod_spec};
use crate::service::{DatabaseAt, Service, StepKind};
use crate::target::api::Access;
use crate::target::model::Kind;
use crate::target::probe::NotHeard;
use crate::target::sql::{Databases, Rows};

/// Beginnings of statements that can be explained; one that begins otherwise is asked as it is where it only shows a setting.
const EXPLAINED: [&str; 4] = ["select", "with", "values", "table"];
/// What a plan says of a part that would change or lock something.
const CHANGES: [&str; 5] = ["Insert on ", "Update on ", "Delete on ", "Merge on ", "LockRows"];

/// A statement of a step, and what came of trying it.
pub(super) struct Tried {
    /// `action.inspect.rules.1`.
    id: String,
    database: String,
    sql: String,
    answer: Result<Rows, NotHeard>,
}

/// Tries the statements of all `sql-check` steps.
pub(super) async fn statements(databases: &dyn Databases, service: &Service) -> Vec<Tried> {
    let mut all = Vec::new();
    for action in &service.actions {
        for step in &action.steps {
            let StepKind::SqlCheck { database, checks } = &step.kind else { continue };
            for (at, check) in checks.iter().enumerate() {
                all.push((format!("action.{}.{}.{}", action.id, step.id, at + 1), database.clone(), check.sql.clone()));
            }
        }
    }
    let trying = all.iter().map(|(_, database, sql)| async move {
        let first = first_word(sql);
        let explained = EXPLAINED.contains(&first.as_str());
        let asked = if explained { format!("explain (costs off) {sql}") } else { sql.clone() };
        // What is no question is refused before it is sent, as the step would be.
        databases.ask(database, &asked).await
    });
    let answers = join_all(trying).await;
    all.into_iter()
        .zip(answers)
        .map(|((id, database, sql), answer)| Tried { id, database, sql, answer })
        .collect()
}

fn first_word(sql: &str) -> String {
    let word = sql.trim_start().split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    word.to_ascii_lowercase()
}

/// Says what came of it.
pub(super) fn tell(tried: &[Tried], found: &mut Findings) {
    for one in tried {
        let sql = crate::base::text::elide(&one.sql, 80);
        match &one.answer {
            Ok(rows) if rows.cut => found.unknown(one.id.clone(), format!("the plan of '{sql}' is longer than is read")),
            Ok(rows) => match change(rows) {
                Some(what) => found.failed(one.id.clone(), format!("'{sql}' is no question: {what}"), None),
                None => found.proven(one.id.clone(), format!("{} can be asked '{sql}'", one.database)),
            },
            Err(why) if why.here && first_word(&one.sql).is_empty() => {
                found.failed(one.id.clone(), format!("'{sql}': {}", why.message), None);
            }
            Err(why) if why.here => found.unknown(one.id.clone(), format!("'{sql}': {}", why.message)),
            Err(why) => found.failed(one.id.clone(), format!("'{sql}': {}", why.message), Some("see the statement and its login".into())),
        }
    }
}

/// The part of a plan that would change something.
fn change(rows: &Rows) -> Option<String> {
    let mut lines = rows.rows.iter().filter_map(|row| row.first()?.as_deref());
    let part = |line: &str| {
        let line = line.trim_start().trim_start_matches("->").trim_start().to_owned();
        CHANGES.iter().any(|head| line.starts_with(head)).then_some(line)
    };
    lines.find_map(part)
}

/// The rights that steps, databases, backups and migrations need besides those on the workloads themselves.
pub(super) fn rights(service: &Service, namespace: &str, mut want: impl FnMut(&'static str, Kind, &'static str, &str)) {
    let place = |id: &str| {
        let own = service.workloads.iter().find(|w| w.id == id).and_then(|w| w.namespace.clone());
        own.unwrap_or_else(|| namespace.to_owned())
    };
    let mut jobs = !service.declared.backups.is_empty() || service.declared.migrations.is_some();
    for step in service.actions.iter().flat_map(|action| &action.steps) {
        match &step.kind {
            StepKind::Exec { workload, .. } => {
                for verb in ["get", "create"] {
                    want(verb, Kind::Pod, "exec", &place(workload));
                }
            }
            StepKind::Job { .. } | StepKind::Backup { .. } | StepKind::MigratePlan { .. } => jobs = true,
            _ => {}
        }
    }
    for database in &service.declared.databases {
        if let DatabaseAt::Workload(id) = &database.at {
            for verb in ["get", "create"] {
                want(verb, Kind::Pod, "portforward", &place(id));
            }
        }
    }
    if jobs {
        for (verb, kind) in [("create", Kind::Job), ("patch", Kind::Job), ("get", Kind::ConfigMap), ("create", Kind::ConfigMap)] {
            want(verb, kind, "", namespace);
        }
    }
    if !service.actions.is_empty() {
        want("patch", Kind::Lease, "", namespace);
        want("create", Kind::Event, "", namespace);
    }
}

/// The images that are declared or run, each held against the lists of the nodes and the pods that use them.
pub(super) fn images(service: &Service, live: &Live, namespace: &str, found: &mut Findings) {
    for workload in &service.workloads {
        let (Some(kind), Some(name)) = (kind_of(workload), workload.name.as_deref()) else { continue };
        let Ok(object) = live.one(kind, workload.namespace.as_deref().unwrap_or(namespace), name) else { continue };
        let all = containers(pod_spec(object), "containers");
        let wanted = workload.container.as_ref().map_or(all.first(), |own| all.iter().find(|c| c["name"] == **own));
        if let Some(image) = wanted.and_then(|c| c["image"].as_str()) {
            image_is_there(format!("image.{}", workload.id), image, live, found);
        }
    }
    for database in &service.declared.databases {
        if let Some(image) = &database.image {
            image_is_there(format!("image.database.{}", database.id), image, live, found);
        }
    }
    for backup in &service.declared.backups {
        for (id, image) in [("backup", &backup.image), ("upload", &backup.upload_image)] {
            if let Some(image) = image {
                image_is_there(format!("image.{id}.{}", backup.id), image, live, found);
            }
        }
    }
}

/// That no node lists it is no sign that it is gone: a node lists fifty at most.
fn image_is_there(id: String, image: &str, live: &Live, found: &mut Findings) {
    if let Some(pod) = live.pods().find(|pod| uses(pod, image)) {
        let name = pod["metadata"]["name"].as_str().unwrap_or_default();
        return found.proven(id, format!("the pod {name} runs {image}"));
    }
    match &live.nodes {
        Some(Ok(nodes)) => match nodes.iter().find(|node| lists(node, image)) {
            Some(node) => found.proven(id, format!("the node {} has {image}", node["metadata"]["name"].as_str().unwrap_or_default())),
            None => found.unknown(id, format!("no pod here runs {image}, and no node lists it: whether it can be pulled is not known")),
        },
        Some(Err(why)) => found.unknown(id, format!("no pod here runs {image}, and nodes cannot be read: {why}")),
        None => found.unknown(id, format!("no pod here runs {image}, and nobody asked the nodes")),
    }
}

/// Whether a container of a pod was started from it.
fn uses(pod: &Value, image: &str) -> bool {
    let started = |name: &Value| {
        let statuses = ["containerStatuses", "initContainerStatuses"];
        let mut all = statuses.iter().flat_map(|list| pod["status"][*list].as_array().into_iter().flatten());
        all.any(|s| s["name"] == *name && s["imageID"].as_str().is_some_and(|id| !id.is_empty()))
    };
    let mut all = ["containers", "initContainers"].into_iter().flat_map(|list| containers(&pod["spec"], list));
    all.any(|c| c["image"].as_str().is_some_and(|own| plain(own) == plain(image)) && started(&c["name"]))
}

fn lists(node: &Value, image: &str) -> bool {
    let mut names = node["status"]["images"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|i| i["names"].as_array().into_iter().flatten());
    names.any(|name| name.as_str().is_some_and(|name| plain(name) == plain(image)))
}

/// The name as a node writes it: with its tag, and without what is left out in common speech.
fn plain(image: &str) -> String {
    let short = image.strip_prefix("docker.io/").unwrap_or(image);
    let short = short.strip_prefix("library/").unwrap_or(short);
    let last = short.rsplit('/').next().unwrap_or(short);
    if last.contains([':', '@']) { short.to_owned() } else { format!("{short}:latest") }
}

/// A right in words, and as it is asked for.
pub(super) fn right(verb: &'static str, kind: Kind, subresource: &'static str, namespace: &str) -> (String, Access) {
    let sub = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
    let words = format!("{verb} {}{sub} in {namespace}", kind.plural());
    (words, Access { verb, kind, subresource, namespace: Some(namespace.to_owned()), name: None })
}

/// The images that the kubelets have, by node; only what is looked at here is kept.
pub(super) fn of_nodes(list: List) -> List {
    let slim =
        |node: Value| serde_json::json!({ "metadata": { "name": node["metadata"]["name"] }, "status": { "images": node["status"]["images"] } });
    list.map(|nodes| nodes.into_iter().map(slim).collect())
}

#[cfg(test)]
mod tests {
    use super::{Tried, change, plain, tell};
    use crate::cli::check::found::{Answer, Findings};
    use crate::target::api::ErrorKind;
    use crate::target::probe::NotHeard;
    use crate::target::sql::Rows;

    fn rows(lines: &[&str]) -> Rows {
        Rows {
            columns: vec!["QUERY PLAN".into()],
            rows: lines.iter().map(|l| vec![Some((*l).to_owned())]).collect(),
            cut: false,
        }
    }

    #[test]
    fn a_statement_is_proven_by_its_plan_and_one_that_would_change_something_fails() {
        assert_eq!(change(&rows(&["Aggregate", "  ->  Seq Scan on rules"])), None);
        let gone = rows(&["Aggregate", "  CTE gone", "    ->  Delete on rules", "          ->  Seq Scan on rules"]);
        assert_eq!(change(&gone).as_deref(), Some("Delete on rules"));
        let why = |message: &str, here| NotHeard { kind: ErrorKind::Invalid, message: message.to_owned(), here };
        let one = |answer| Tried { id: "action.a.s.1".into(), database: "main".into(), sql: "select 1".into(), answer };
        for (answer, expected) in [
            (Ok(rows(&["Result"])), Answer::Proven),
            (Ok(gone), Answer::Failed),
            (Ok(Rows { cut: true, ..rows(&["Result"]) }), Answer::Unknown),
            (Err(why("the database says: no such column (42703)", false)), Answer::Failed),
            (Err(why("it was not asked", true)), Answer::Unknown),
        ] {
            let mut found = Findings::new(jiff::Timestamp::UNIX_EPOCH);
            tell(&[one(answer)], &mut found);
            assert_eq!(found.all[0].answer, expected, "{}", found.all[0].text);
        }
    }

    #[test]
    fn an_image_has_the_name_that_a_node_gives_it() {
        assert_eq!(plain("docker.io/library/postgres:17"), plain("postgres:17"));
        assert_eq!(plain("nginx"), plain("docker.io/library/nginx:latest"));
        assert_ne!(plain("ghcr.io/shop/api:v1"), plain("ghcr.io/shop/api:v2"));
    }
}
