//! The checks about rights, identity and the state of the workload itself.
//!
//! Owns their words.

use jiff::Timestamp;

use super::Right;
use crate::run::check::{Check, Choice};
use crate::run::facts::{WorkloadFacts, text, unreadable};
use crate::run::lease::LeaseFacts;
use crate::run::preempt::{self, Asking};
use crate::target::api::{ErrorKind, Identity, TargetError};
use crate::target::model::{Object, ObjectRef, Pdb};

/// One check for each right.
pub(in crate::run) fn rights(rights: &[Right]) -> Vec<Check> {
    rights.iter().map(right).collect()
}

fn right(right: &Right) -> Check {
    let access = &right.access;
    let slash = if access.subresource.is_empty() { "" } else { "/" };
    let what = format!("{} {}{slash}{}", access.verb, access.kind.plural(), access.subresource);
    let place = access.namespace.as_deref().map(|ns| format!(" in {ns}")).unwrap_or_default();
    let id = format!("rbac:{what}");
    let check = if right.without.is_some() { Check::advisory(id) } else { Check::required(id) };
    let lost = right.without.map(|lost| format!(": {lost}")).unwrap_or_default();
    match &right.answer {
        Ok(answer) if answer.allowed => check.ok(format!("you may {what}")),
        Ok(answer) => {
            let why = if answer.reason.is_empty() { String::new() } else { format!(" ({})", answer.reason) };
            check.failed(format!("you may not {what}{place}{why}{lost}"), format!("ask for the verb {what}{place}"))
        }
        Err(error) => check.unknown(format!("whether you may {what} cannot be found out: {}", error.message), "try again when the server answers"),
    }
}

/// The cluster is the one that is meant, and the object is not going away.
pub(in crate::run) fn identity(identity: &Identity, pin: Option<&str>, workload: &WorkloadFacts) -> Check {
    if workload.deleting() {
        return Check::required("identity").failed(format!("{} is being deleted", workload.reference), "nothing can be changed about it");
    }
    match (pin, identity.cluster_uid.as_deref()) {
        (Some(pin), Some(uid)) if pin != uid => Check::required("identity").failed(
            format!("this is cluster {uid}, the service file means {pin}"),
            "the context points to another cluster: check the kubeconfig",
        ),
        (Some(_), None) => Check::required("identity").failed(
            format!("the cluster's UID is pinned and cannot be read: {}", reason(identity)),
            "ask for the right to get namespaces/kube-system",
        ),
        (None, None) => Check::advisory("identity")
            .unknown(format!("the cluster's UID cannot be read: {}", reason(identity)), "ask for the right to get namespaces/kube-system"),
        (_, Some(uid)) => Check::required("identity").ok(format!("cluster {uid}, object {}", workload.uid())),
    }
}

fn reason(identity: &Identity) -> &str {
    identity.cluster_uid_reason.as_deref().unwrap_or("no reason given")
}

/// The program may write at all.
pub(in crate::run) fn read_only(read_only: bool) -> Check {
    let check = Check::required("read-only");
    if read_only { check.failed("this console is read-only", "start it without --read-only") } else { check.ok("not read-only") }
}

/// Nobody else works on the object. A mitigation may ask a live run for its lock.
pub(in crate::run) fn lock(leases: &[(ObjectRef, Result<LeaseFacts, TargetError>)], asking: Asking, now: Timestamp) -> Check {
    let check = Check::required("lock");
    let held: Vec<_> = leases
        .iter()
        .filter_map(|(lease, found)| found.as_ref().ok().filter(|f| !f.free()).map(|f| (lease, f)))
        .collect();
    let mut live: Vec<&LeaseFacts> = held.iter().map(|(_, f)| *f).filter(|f| !f.looks_expired(now)).collect();
    // Where one of them is not asked, asking the others is of no use.
    live.sort_by_key(|f| asking.of_lock(f) != Asking::Never);
    if let Some(facts) = live.first() {
        return held_by(facts, asking.of_lock(facts));
    }
    if let Some((lease, facts)) = held.first() {
        let words = facts.words();
        return check.ok(format!("{lease} was left by {words}; the run watches it for {} s before it takes it over", facts.duration.as_secs()));
    }
    let failed = leases.iter().find_map(|(lease, found)| match found {
        Err(error) if error.kind != ErrorKind::NotFound => Some((lease, error)),
        _ => None,
    });
    match failed {
        // Without the right to read leases the run goes on without a lock, which the rights say.
        Some((lease, error)) if error.kind == ErrorKind::Forbidden => Check::advisory("lock").unknown(
            format!("you may not read leases: whether somebody works on it is not known ({lease})"),
            "ask for the right to get leases",
        ),
        Some((lease, error)) => check.unknown(format!("{lease} cannot be read: {}", error.message), "try again when the server answers"),
        None => check.ok("free"),
    }
}

/// A live run holds a lock.
fn held_by(facts: &LeaseFacts, asking: Asking) -> Check {
    let (words, check) = (format!("{} works on it", facts.words()), Check::required("lock"));
    match asking {
        Asking::Never if preempt::refuses(&facts.action) => check.failed(format!("{words}, and does not stop before its end"), "wait for that run"),
        Asking::Never => check.failed(words, "wait for that run, or talk to its operator"),
        Asking::May => check
            .failed(words, "wait for that run, talk to its operator, or ask it to stop: --preempt")
            .choices(vec![Choice { key: 's', parameter: preempt::PARAMETER.to_owned(), title: "ask it to stop after its step".to_owned() }]),
        Asking::Does => Check::advisory("lock").failed(
            format!("{words}: it is asked to stop after its step, and waited for {} s at most", preempt::WITHIN.as_secs()),
            "tell its operator",
        ),
    }
}

/// Nobody rolls out anything. For a mitigation only a warning: a stuck rollout is what mitigations are for.
pub(in crate::run) fn rollout(workload: &WorkloadFacts, mitigation: bool) -> Check {
    let check = if mitigation { Check::advisory("rollout") } else { Check::overridable("rollout") };
    let under_way = workload
        .rollout()
        .or_else(|| (!workload.observed()).then(|| "its controller has not seen the newest change yet".to_owned()));
    match under_way {
        Some(words) => check.failed(format!("a rollout is in progress: {words}"), "wait for it, or undo it first"),
        None => check.ok("no rollout in progress"),
    }
}

/// It is not paused.
pub(in crate::run) fn paused(workload: &WorkloadFacts) -> Check {
    let check = Check::overridable("paused");
    if workload.paused() {
        check.failed("its rollout is paused: somebody is in the middle of something", "resume the rollout first")
    } else {
        check.ok("not paused")
    }
}

/// Disruption budgets still allow a node to be drained afterwards.
pub(in crate::run) fn pdb(pdbs: &Result<Vec<Object>, TargetError>, workload: &WorkloadFacts, namespace: &str, count: i64) -> Check {
    let check = Check::advisory("pdb");
    let pdbs = match pdbs {
        Ok(pdbs) => pdbs,
        Err(error) => {
            let (detail, fix) = unreadable("list", &format!("poddisruptionbudgets in {namespace}"), error);
            return check.unknown(detail, fix);
        }
    };
    let labels = workload.pod_labels();
    let own: Vec<&Pdb> = pdbs
        .iter()
        .filter_map(|o| if let Object::Pdb(p) = o { Some(&**p) } else { None })
        .filter(|p| p.selector.matches(&labels))
        .collect();
    match own.iter().find_map(|pdb| Some((pdb, floor(pdb, count)?)).filter(|(_, floor)| count > 0 && *floor >= count)) {
        Some((pdb, floor)) => check.failed(
            format!("PDB {} wants {floor} of {count} pods kept: no node under them can be drained", pdb.meta.name),
            "lower the budget, or keep more pods",
        ),
        None if own.is_empty() => check.ok("no disruption budget"),
        None => check.ok("the disruption budget leaves room"),
    }
}

/// Disruption budgets hold while a rollout replaces pods, of which `least` stay. Rollouts do not ask the budgets themselves.
pub(in crate::run) fn pdb_while_rolling(pdbs: &Result<Vec<Object>, TargetError>, workload: &WorkloadFacts, least: i64) -> Check {
    let check = Check::overridable("pdb");
    let pdbs = match pdbs {
        Ok(pdbs) => pdbs,
        Err(error) => {
            let (detail, fix) = unreadable("list", &format!("poddisruptionbudgets in {}", workload.reference.namespace), error);
            return Check::advisory("pdb").unknown(detail, fix);
        }
    };
    let labels = workload.pod_labels();
    let own: Vec<&Pdb> = pdbs
        .iter()
        .filter_map(|o| if let Object::Pdb(p) = o { Some(&**p) } else { None })
        .filter(|p| p.selector.matches(&labels))
        .collect();
    let broken = own.iter().find_map(|pdb| Some((pdb, floor(pdb, workload.wanted())?)).filter(|(_, floor)| *floor > least));
    match broken {
        Some((pdb, floor)) => check.failed(
            format!("PDB {} wants {floor} of {} pods kept, the strategy keeps {least}", pdb.meta.name, workload.wanted()),
            "lower maxUnavailable of its strategy, or the budget",
        ),
        None if own.is_empty() => check.ok("no disruption budget"),
        None => check.ok(format!("the disruption budget holds: {least} pods stay")),
    }
}

/// A new template reaches every pod by itself.
pub(in crate::run) fn strategy(workload: &WorkloadFacts) -> Check {
    let check = Check::required("strategy");
    match workload.held_back() {
        Some(why) => check.failed(why, "change its update strategy first"),
        None => check.ok("a new template reaches every pod"),
    }
}

/// How many of `count` pods a budget wants kept; Kubernetes rounds percentages up.
fn floor(pdb: &Pdb, count: i64) -> Option<i64> {
    let amount = |text: &str| match text.strip_suffix('%') {
        Some(percent) => percent.parse::<i64>().ok().map(|p| (p * count + 99) / 100),
        None => text.parse().ok(),
    };
    match (&*pdb.min_available, &*pdb.max_unavailable) {
        ("", "") => None,
        ("", max) => Some(count - amount(max)?),
        (min, _) => amount(min),
    }
}

/// No freeze holds, or the change is one that passes it.
pub(in crate::run) fn freeze(freeze: Option<&str>, passes: bool) -> Option<Check> {
    let name = freeze?;
    Some(if passes {
        Check::overridable("freeze").ok(format!("freeze '{name}' lets it pass"))
    } else {
        Check::overridable("freeze").failed(format!("freeze '{name}' holds"), "wait until it ends")
    })
}

/// The floor that a service file sets.
pub(in crate::run) fn min_ready(floor: Option<u32>, count: i64) -> Option<Check> {
    let floor = i64::from(floor?);
    let check = Check::overridable("min-ready");
    Some(if count < floor {
        check.failed(format!("the service file wants at least {floor} ready"), format!("ask for {floor} or more"))
    } else {
        check.ok(format!("at least {floor}"))
    })
}

/// The floor that a service file sets, while a rollout replaces pods, of which `least` stay.
pub(in crate::run) fn min_ready_while_rolling(floor: Option<u32>, least: i64) -> Option<Check> {
    let floor = i64::from(floor?);
    let check = Check::overridable("min-ready");
    Some(if least < floor {
        check.failed(
            format!("the service file wants at least {floor} ready, the strategy keeps {least}"),
            "lower maxUnavailable of its strategy, or scale up first",
        )
    } else {
        check.ok(format!("at least {floor}: {least} pods stay"))
    })
}

/// Volumes that scaling down would delete (`persistentVolumeClaimRetentionPolicy.whenScaled: Delete`).
pub(in crate::run) fn volumes(workload: &WorkloadFacts, count: i64) -> Option<Check> {
    let deletes = text(&workload.raw, "/spec/persistentVolumeClaimRetentionPolicy/whenScaled") == "Delete";
    (deletes && count < workload.wanted()).then(|| {
        Check::required("backup").failed(
            format!("the volumes of {} pods would be deleted, and no verified backup of them is known", workload.wanted() - count),
            "set persistentVolumeClaimRetentionPolicy.whenScaled to Retain first",
        )
    })
}

/// What the server says to the write itself, without doing it.
pub(in crate::run) fn dry_run(answer: Option<&Result<(), TargetError>>) -> Check {
    let check = Check::required("dry-run");
    match answer {
        None => check.ok("nothing to write"),
        Some(Ok(())) => check.ok("the server would accept it"),
        Some(Err(error)) => match error.kind {
            ErrorKind::Denied => {
                check.failed(format!("refused: {}", error.message), "an admission policy or webhook says no: change what it asks for")
            }
            ErrorKind::Forbidden => check.failed(format!("refused: {}", error.message), "ask for the right that is named"),
            ErrorKind::TooManyRequests if error.message.contains("disruption budget") => {
                check.failed(format!("refused: {}", error.message), "wait until more of its pods are ready, or lower the budget")
            }
            ErrorKind::Conflict => check.failed("the object changed while it was looked at", "make the plan again"),
            ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::ReadOnly => {
                check.failed(format!("refused: {}", error.message), "see what the server says")
            }
            _ => check.unknown(format!("the server did not say: {}", error.message), "try again when the server answers"),
        },
    }
}

/// A command: nobody can try it.
pub(in crate::run) fn untried() -> Check {
    Check::advisory("dry-run").unknown("no server can try a command before it is run", "read it: what it does is not known here")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{identity, lock, rollout};
    use crate::run::check::Answer;
    use crate::run::facts::WorkloadFacts;
    use crate::run::lease::LeaseFacts;
    use crate::run::preempt::Asking;
    use crate::target::api::{ErrorKind, Identity, TargetError};
    use crate::target::model::{Kind, ObjectRef};

    fn workload(raw: serde_json::Value) -> WorkloadFacts {
        WorkloadFacts::new(&ObjectRef::new(Kind::Deployment, "shop", "api"), raw)
    }

    #[test]
    fn a_pinned_cluster_that_is_another_or_unreadable_blocks_and_an_unpinned_unreadable_one_warns() {
        let known = |uid: &str| Identity { cluster_uid: Some(uid.into()), ..Identity::default() };
        let workload = workload(json!({ "metadata": { "uid": "u1" } }));
        for (found, pin, result, blocks) in [
            (known("c1"), Some("c1"), Answer::Ok, false),
            (known("c1"), None, Answer::Ok, false),
            (known("c2"), Some("c1"), Answer::Failed, true),
            (Identity::default(), Some("c1"), Answer::Failed, true),
            (Identity::default(), None, Answer::Unknown, false),
        ] {
            let check = identity(&found, pin, &workload);
            assert_eq!((check.result, check.blocks(true)), (result, blocks), "{pin:?}");
        }
    }

    #[test]
    fn a_live_lock_blocks_and_one_that_looks_left_behind_is_watched_first() {
        let lease = |renewed: &str, holder: &str| {
            LeaseFacts::of(&json!({ "spec": { "holderIdentity": holder, "leaseDurationSeconds": 30, "renewTime": renewed } }))
        };
        let now = "2026-11-22T14:33:12Z".parse().expect("a time");
        let name = ObjectRef::new(Kind::Lease, "shop", "timonel-deployment-api");
        let missing = || Err(TargetError::new(ErrorKind::NotFound, "no"));
        for (found, result) in [
            (missing(), Answer::Ok),
            (Ok(lease("2026-11-22T14:33:05.000000Z", "")), Answer::Ok),
            (Ok(lease("2026-11-22T14:33:05.000000Z", "ana@bastion/x")), Answer::Failed),
            (Ok(lease("2026-11-22T14:30:05.000000Z", "ana@bastion/x")), Answer::Ok),
            (Err(TargetError::new(ErrorKind::Timeout, "slow")), Answer::Unknown),
        ] {
            let check = lock(&[(name.clone(), found.clone())], Asking::Never, now);
            assert_eq!(check.result, result, "{found:?}");
        }
    }

    #[test]
    fn a_mitigation_may_ask_a_live_run_for_its_lock_and_never_a_restore() {
        let lease = |name: &str, action: &str| {
            let raw = json!({ "metadata": { "annotations": { "timonel.io/action": action } },
                "spec": { "holderIdentity": "ana@bastion/x", "leaseDurationSeconds": 30, "renewTime": "2026-11-22T14:33:05.000000Z" } });
            (ObjectRef::new(Kind::Lease, "shop", name), Ok(LeaseFacts::of(&raw)))
        };
        let now = "2026-11-22T14:33:12Z".parse().expect("a time");
        let (one, restore) = (lease("timonel-deployment-api", "scale 3->5"), lease("timonel-file-shop", "restore pg"));
        for (leases, asking, blocks, offered) in [
            (vec![one.clone()], Asking::Never, true, 0),
            (vec![one.clone()], Asking::May, true, 1),
            (vec![one.clone()], Asking::Does, false, 0),
            (vec![one.clone(), restore.clone()], Asking::May, true, 0),
            (vec![one, restore], Asking::Does, true, 0),
        ] {
            let check = lock(&leases, asking, now);
            assert_eq!((check.result, check.blocks(false), check.choices.len()), (Answer::Failed, blocks, offered), "{asking:?} {check:?}");
        }
    }

    #[test]
    fn a_rollout_in_progress_blocks_a_change_and_warns_a_mitigation() {
        let rolling = workload(json!({ "metadata": { "generation": 2 }, "spec": { "replicas": 3 },
            "status": { "observedGeneration": 2, "replicas": 4, "updatedReplicas": 1 } }));
        assert!(rollout(&rolling, false).blocks(false));
        assert!(!rollout(&rolling, true).blocks(true));
    }
}
