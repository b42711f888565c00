//! Every action and everything that stands in its way on the real cluster: the page `assets/actions-real.md`.
//!
//! Owns the rows, how plans become cells, and the proof that nothing is missing: the checks are read from the source of the program, and
//! each answer that one of them can give has a row, or a reason why it cannot be brought about. How runs end that fail is in `faults`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use regex::Regex;
use serde_json::Value;

use crate::operator::Plan;
use crate::page::{Cell, Page, Table, timeless};

/// The page.
pub(crate) const PAGE: Page = Page {
    file: "actions-real.md",
    head: HEAD,
    tables: &[
        Table {
            title: "What each action looks at",
            text: "Where nothing is in the way. What is in brackets says on what, or how.",
            columns: &["action", "its checks"],
            rows: SUBJECTS,
        },
        Table {
            title: "What stands in the way",
            text: "A failed check that is required blocks; one that is unknown blocks in production, and was asked for there.",
            columns: &["check, its answer, and why", "it blocks", "it is said, and blocks nothing", "what it says"],
            rows: OBSTACLES,
        },
        Table {
            title: "What cannot be brought about",
            text: "Answers that no row above has, for all actions or for the one that is named.",
            columns: &["check and answer", "why"],
            rows: EXCUSED_ROWS,
        },
    ],
};

const HEAD: &str = "# What stands in the way of each action on a real Kubernetes

Each row is plans that tests made on a real Kubernetes with real pods (`tests/cluster/cases/refusals`), and fails when it is not so any
more; the last column is what was said when the page was written. Nothing was written to the cluster meanwhile, which was looked at
afterwards; and the first action that a row blocks was asked to run all the same: it ended with exit code 4, and its journal knows no
intent. That no check and no answer is missing is tested as well: the checks are read from the source. Migrations and the reading of a
dump have cases of their own (migrations.rs and backups.rs there).

`TIMONEL_UPDATE_PAGES=1 ./tests/run cluster` writes this page anew. How each action ends that was begun: faults-real.md.
";

/// What is asked for: the action, and on what or how.
const SUBJECTS: &[&str] = &[
    "scale",
    "scale (down)",
    "scale (StatefulSet)",
    "scale (from zero)",
    "scale (armed)",
    "scale (its autoscaler paused)",
    "rollback",
    "rollback (StatefulSet)",
    "rollback (DaemonSet)",
    "restart",
    "restart (StatefulSet)",
    "restart (DaemonSet)",
    "restart (two)",
    "pause",
    "resume a rollout",
    "resume an autoscaler",
    "trigger",
    "backup",
    "suspend",
    "resume a schedule",
    "keep",
    "evict",
    "cordon",
    "uncordon",
];

const OBSTACLES: &[&str] = &[
    "rbac failed: you may look at everything, and change nothing",
    "rbac failed: rights that the run could use are missing",
    "rbac unknown: the server does not say what you may do",
    "identity failed: it is being deleted",
    "identity failed: the service file means another cluster",
    "identity unknown: the cluster's UID may not be read",
    "read-only failed: the console is read-only",
    "lock failed: a live run holds it",
    "lock failed: a live run holds it, and is asked to stop",
    "lock unknown: its Lease cannot be read",
    "lock unknown: you may not read Leases",
    "dry-run failed: an admission policy denies it",
    "dry-run unknown: the server does not answer it",
    "dry-run unknown: a right is missing",
    "freeze failed: a freeze of the service file holds",
    "min-ready failed: fewer pods would stay than the service file wants",
    "owner:argocd failed: Argo CD tracks it",
    "owner:flux failed: a Kustomization made it",
    "owner:helm failed: Helm installed it",
    "owner:controller failed: an operator made it",
    "owner:keda failed: a ScaledObject decides",
    "paused failed: its rollout is paused",
    "paused failed: the autoscaler is not paused",
    "rollout failed: a rollout is in progress",
    "hpa failed: its upper bound is lower",
    "hpa failed: its lower bound is higher",
    "hpa failed: it wants another count",
    "hpa failed: paused, and out of its bounds all the same",
    "hpa unknown: it has not decided yet",
    "hpa unknown: autoscalers may not be listed",
    "quota failed: no room for so many pods",
    "quota unknown: it counts what the template does not say",
    "quota unknown: quotas may not be listed",
    "connections failed: a database has not so many for more pods",
    "connections unknown: who else uses them cannot be read",
    "backup failed: scaling down deletes volumes",
    "nodes failed: no room on the nodes",
    "nodes failed: no other node takes pods",
    "nodes unknown: nodes may not be listed",
    "pdb failed: a disruption budget leaves no room",
    "pdb failed: two disruption budgets select one pod",
    "pdb unknown: disruption budgets may not be listed",
    "before-zero failed: another count is asked for than there was",
    "strategy failed: its update strategy is OnDelete",
    "strategy failed: a partition holds pods back",
    "template failed: it is the template of that revision",
    "was-ready unknown: that revision never became ready",
    "image unknown: no node has its image",
    "image unknown: nodes may not be listed",
    "gap failed: it was rolled back a moment ago",
    "pods failed: it wants none",
    "suspended failed: it is so already",
    "concurrency failed: its Job runs, and it forbids another",
    "concurrency failed: its Job runs, and would be replaced",
    "concurrency unknown: Jobs may not be listed",
    "armed failed: nothing is armed",
    "armed failed: its timer cannot be read",
    "replacement failed: nobody makes another",
    "replacement failed: it is a static pod of its node",
    "replacement unknown: its owner may not be read",
    "cordoned failed: it is so already",
    "ready failed: its kubelet says nothing",
    "volume failed: the claim lost its volume",
    "volume unknown: the claim waits for its first pod",
    "database failed: no pod of it is ready",
    "database failed: two pods are ready",
    "database unknown: its workload may not be read",
    "image failed: none is declared",
    "password failed: its Secret is in another namespace",
    "password failed: it is no Secret of the cluster",
    "upload failed: the keys of the store are in another namespace",
    "require unknown: a service file asks for what no step looks at",
    "backup failed: a service file asks for a dump that there is not",
    "backup unknown: the catalogue of dumps cannot be read",
    "pod failed: a command has no ready pod to run in",
    "pod unknown: the pods of a command may not be listed",
    "container failed: a Job's container is not in the pod template",
    "pin failed: an image has a tag where releases have digests",
];

/// Answers that cannot be brought about here: `CHECK ANSWER`, or `ACTION: CHECK ANSWER`.
const EXCUSED: [(&str, &str); 2] = [
    ("backup: image unknown", "the service file names one or none; whether it can be pulled is the Job's to find out"),
    ("rollback: image failed", "nodes list 50 images at most: that none lists it is unknown, not gone"),
];
const EXCUSED_ROWS: &[&str] = &firsts(&EXCUSED);

const fn firsts<const N: usize>(pairs: &[(&'static str, &'static str); N]) -> [&'static str; N] {
    let mut all = [""; N];
    let mut at = 0;
    while at < N {
        all[at] = pairs[at].0;
        at += 1;
    }
    all
}

/// The action of a subject: what stands before the brackets.
fn action(subject: &str) -> &str {
    subject.split(" (").next().unwrap_or(subject)
}

/// The check of an id: without the right, the requirement or the object that it ends with.
fn family(id: &str) -> &str {
    let known = ["owner:argocd", "owner:flux", "owner:helm", "owner:controller", "owner:keda"];
    known.into_iter().find(|owner| id.starts_with(owner)).unwrap_or_else(|| id.split(':').next().unwrap_or(id))
}

/// Tells the checks of an action where nothing is in the way.
pub(crate) fn looks_at(subject: &str, plan: &Plan) {
    let ids: Vec<&str> = checks(plan).filter_map(|check| check["id"].as_str()).collect();
    PAGE.tell(subject, &[Cell::Held(ids.join(", "))]);
}

/// Tells what an obstacle does to these plans, and says which of them it blocks.
pub(crate) fn stands<'a>(row: &str, plans: &[(&'a str, Plan)], namespace: &str) -> Vec<&'a str> {
    let (check, answer) = answer_of(row);
    let (mut blocks, mut said, mut words) = (Vec::new(), Vec::new(), None);
    for (subject, plan) in plans {
        let met: Vec<&Value> = checks(plan)
            .filter(|c| c["id"].as_str().is_some_and(|id| family(id) == check) && c["result"] == answer)
            .collect();
        let Some(first) = met.first() else { continue };
        words.get_or_insert_with(|| first["detail"].as_str().unwrap_or_default().to_owned());
        let blocked = plan.blocked_by();
        let stops = met.iter().filter_map(|c| c["id"].as_str()).any(|id| blocked.contains(&id));
        if stops { blocks.push(*subject) } else { said.push(*subject) }
    }
    let words = words.unwrap_or_else(|| panic!("no plan says '{row}': {plans:#?}"));
    let list = |all: &[&str]| Cell::Held(all.join(", "));
    PAGE.tell(row, &[list(&blocks), list(&said), Cell::Shown(timeless(&words, namespace))]);
    blocks
}

fn checks(plan: &Plan) -> impl Iterator<Item = &Value> {
    plan.value["checks"].as_array().into_iter().flatten()
}

/// Check and answer of a row.
fn answer_of(row: &str) -> (&str, &str) {
    let what = row.split(": ").next().unwrap_or(row);
    what.rsplit_once(' ').unwrap_or_else(|| panic!("'{row}' names no check and answer"))
}

/// What has cases of its own: files and folders of the source whose checks have no row here.
const ELSEWHERE: [&str; 2] = ["migrate/", "backup/verify.rs"];

/// The answers besides ok that each check of the program can give, as its source has them.
fn answers() -> BTreeMap<String, BTreeSet<&'static str>> {
    let named = Regex::new(r#"Check::(?:required|overridable|advisory)\((?:format!\()?"([^"{]+)"#).unwrap_or_else(|error| panic!("{error}"));
    let function = Regex::new(r"(?m)^ *(?:pub(?:\([a-z: ]+\))? )?(?:async )?fn ").unwrap_or_else(|error| panic!("{error}"));
    let mut all: BTreeMap<String, BTreeSet<&'static str>> = BTreeMap::new();
    // Named after the right that is asked for.
    all.insert("rbac".to_owned(), BTreeSet::from(["failed", "unknown"]));
    let mut unnamed = Vec::new();
    for (file, text) in sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src/run")) {
        if ELSEWHERE.iter().any(|own| file.starts_with(own)) {
            continue;
        }
        for body in function.split(&text) {
            let ids: Vec<&str> = named.captures_iter(body).filter_map(|found| Some(found.get(1)?.as_str().trim_end_matches(':'))).collect();
            if ["Check::required(", "Check::overridable(", "Check::advisory("]
                .iter()
                .map(|made| body.matches(made).count())
                .sum::<usize>()
                > ids.len()
            {
                unnamed.push(file.clone());
            }
            for id in ids {
                let given = ["failed", "unknown"].into_iter().filter(|answer| body.contains(&format!(".{answer}(")));
                all.entry(family(id).to_owned()).or_default().extend(given);
            }
        }
    }
    assert_eq!(unnamed, ["checks/state.rs"], "checks whose ids are not in the source have a row here by hand");
    all
}

/// The files of a folder without their tests, by their names in it.
fn sources(folder: &Path) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())).flatten() {
        let (path, name) = (entry.path(), entry.file_name().to_string_lossy().into_owned());
        if path.is_dir() && name != "tests" {
            all.extend(sources(&path).into_iter().map(|(below, text)| (format!("{name}/{below}"), text)));
        } else if path.extension().is_some_and(|ending| ending == "rs") && !["tests.rs", "check.rs"].contains(&name.as_str()) {
            let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            all.insert(name, text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
    all
}

/// Fails unless the page is as its rows make it, and every answer of every check of every action has a row or a reason.
pub(crate) fn the_page_of_actions_is_whole() {
    for (what, why) in EXCUSED {
        PAGE.tell(what, &[Cell::Held(why.to_owned())]);
    }
    PAGE.is_whole();
    let kept = PAGE.kept();
    let met = |check: &str, answer: &str, whose: Option<&str>| {
        OBSTACLES.iter().filter(|row| answer_of(row) == (check, answer)).filter_map(|row| kept.get(*row)).any(|row| {
            let subjects = row[1..3].iter().flat_map(|cell| cell.split(", ")).filter(|subject| *subject != "-");
            subjects.into_iter().any(|subject| whose.is_none_or(|whose| action(subject) == whose))
        })
    };
    let excused = |what: &str| EXCUSED.iter().any(|(known, _)| *known == what);
    let answers = answers();
    let mut missing: BTreeSet<String> = BTreeSet::new();
    for (check, given) in &answers {
        missing.extend(given.iter().filter(|answer| !met(check, answer, None)).map(|answer| format!("{check} {answer}")));
    }
    for (subject, row) in SUBJECTS.iter().filter_map(|subject| Some((action(subject), kept.get(*subject)?))) {
        for check in row[1].split(", ").map(family) {
            let given = answers.get(check).unwrap_or_else(|| panic!("no source has the check '{check}'"));
            let lacking = given.iter().filter(|answer| !met(check, answer, Some(subject)) && !excused(&format!("{check} {answer}")));
            missing.extend(lacking.map(|answer| format!("{subject}: {check} {answer}")));
        }
    }
    let lacking: Vec<&String> = missing.iter().filter(|what| !excused(what)).collect();
    assert!(lacking.is_empty(), "assets/{} has no row and no reason for {lacking:#?}", PAGE.file);
    let idle: Vec<&str> = EXCUSED.iter().map(|(what, _)| *what).filter(|what| !missing.contains(*what)).collect();
    assert!(idle.is_empty(), "assets/{} excuses what has a row: {idle:#?}", PAGE.file);
}
