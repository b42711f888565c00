//! Looking at a Job that asks an image and its database, or applies its migrations: what it says at its end.
//!
//! Owns when that is a proof: both ends of the Job are watched, and neither an exit code nor a Job that is complete is one by itself.

use super::{Observer, jobs};
use crate::migrate::{MigrationState, Position, inspection::NoAnswer, state::some};
use crate::run::event::Progress;
use crate::run::facts::{WorkloadFacts, text};
use crate::run::job;
use crate::run::machine::Observed;
use crate::run::migrate::{self, Asked, Back, Failure, Mode, Said};
use crate::run::step::{Proof, RUN};
use crate::service::MigrationTool;
use crate::target::api::TargetError;
use crate::target::model::{Kind, ObjectRef};

/// Statements that a question tells.
const TOLD: usize = 5;

impl Observer {
    /// Whether the Job of this run has said what it was made to find out, or applied what it was made to apply.
    pub(super) async fn answered(&mut self, proof: &Proof, run: &str, asked: &Asked) -> Result<Observed, TargetError> {
        let job = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if text(&job.raw, RUN) != run {
            return Ok(Observed::Moved(format!("{} is not of this run", proof.object)));
        }
        // What it found is said by its pod alone: without the right to list pods nothing is proven.
        let pods = self.pods(&proof.object, &job.selector()).await?;
        let (now, applies) = (self.clock.monotonic(), asked.mode != Mode::Inspect);
        if let Some(ended) = jobs::ended(&job.raw) {
            let said = migrate::said(&*self.read, &proof.object.namespace, &pods, asked).await?;
            return Ok(match (ended, said) {
                (_, Ok(said)) if applies => another(&said, asked).unwrap_or_else(|| applied(&said, asked)),
                (Ok(()), Ok(said)) => inspected(&said),
                (_, Err(NoAnswer::Failed(why))) => Observed::Hopeless(why),
                (Ok(()), Err(NoAnswer::Unreadable)) | (Err(_), Ok(_)) => {
                    Observed::Hopeless(format!("the Job is complete, and {}", NoAnswer::Unreadable))
                }
                (Err(why), Err(NoAnswer::Unreadable)) if applies => {
                    Observed::Hopeless(format!("the Job failed: {why}; {}", self.left_behind(asked).await))
                }
                (Err(why), Err(NoAnswer::Unreadable)) => Observed::Hopeless(format!("the Job failed: {why}")),
            });
        }
        Ok(match jobs::judge_job(&job, &pods, |key, grace| key != "runs" && self.patience.over(key, grace, now)) {
            Observed::Waiting(progress) if progress.done.is_some() => {
                let pod = pods.iter().map(|pod| text(pod, "/metadata/name")).next().unwrap_or_default();
                let pod = ObjectRef::new(Kind::Pod, proof.object.namespace.clone(), pod.as_str());
                let container = pods.first().map(|pod| text(pod, "/spec/containers/0/name")).unwrap_or_default();
                let printed = self.read.log(&pod, &container).await.unwrap_or_default();
                let text = migrate::progress(&printed).unwrap_or_else(|| "it asks image and database".to_owned());
                Observed::Waiting(Progress { text, ..Progress::default() })
            }
            other => other,
        })
    }
}

impl Observer {
    /// What a Job applied that ended without a word, its pod killed: as the database itself says, where it may be asked.
    async fn left_behind(&self, asked: &Asked) -> String {
        let rows = match (asked.migration.database.as_deref(), asked.migration.question()) {
            (Some(database), Some(question)) => self.probes.database(database, question).await.ok(),
            _ => None,
        };
        let rows = rows.filter(|rows| !rows.cut);
        let has: Option<Vec<&str>> = rows.as_ref().map(|rows| rows.rows.iter().filter_map(|row| row.first()?.as_deref()).collect());
        match has.and_then(|has| reached(asked.migration.tool, &has, &asked.mode)) {
            Some((done, left)) => {
                format!("the database itself says: {}; its Job may still be in the middle of one there: inspect again", parts(&done, &left))
            }
            None => "what it applied is not known: inspect again".to_owned(),
        }
    }

    /// Whether nothing that the Job of this run found pending loses data.
    pub(super) async fn harmless(&self, proof: &Proof, run: &str, asked: &Asked) -> Result<Observed, TargetError> {
        let pods = job::pods(&*self.read, run, &proof.object).await?;
        let said = migrate::said(&*self.read, &proof.object.namespace, &pods, asked).await?;
        Ok(match said {
            Ok(said) => harmless(&said),
            Err(none) => Observed::Moved(format!("what is pending is not known: {none}")),
        })
    }
}

/// Whether another image ran than the one whose revisions the plan told of. Of what no registry has, each image has a digest of its own.
fn another(said: &Said, asked: &Asked) -> Option<Observed> {
    let known = !asked.digest.is_empty() && !said.digest.is_empty() && asked.pulled == said.pulled;
    (known && asked.digest != said.digest).then(|| {
        let at = MigrationState::of(&said.inspection);
        let at = if let MigrationState::Known(position) = at { format!("; the database is {}", position.words()) } else { String::new() };
        Observed::Hopeless(format!("{} is another image than the one that was inspected, and it ran{at}", asked.image))
    })
}

/// What of the pending revisions loses data, or that nothing does. What stands in the way of any of them ends it: no answer of a person
/// makes it go on.
fn harmless(said: &Said) -> Observed {
    let position = match MigrationState::of(&said.inspection) {
        MigrationState::Known(position) => position,
        MigrationState::Unknown(why) => return Observed::Moved(format!("what is pending is not known: {why}")),
    };
    if let Some(refusal) = position.refusals(&said.inspection.tool).into_iter().next() {
        return Observed::Moved(format!("{}: {}", refusal.reason, refusal.way_out));
    }
    let scripts = said.inspection.pending(&position);
    let all = scripts.iter().flat_map(|script| script.statements.iter().map(|one| (script.id.as_str(), one)));
    let lost: Vec<String> = all.filter(|(_, s)| s.harm.loses_data()).map(|(id, s)| format!("{id}: {}", s.text)).collect();
    match (&lost[..], position.pending.len()) {
        ([], 0) => Observed::Proven("nothing is pending".to_owned()),
        ([], 1) => Observed::Proven("1 revision is pending, and loses no data".to_owned()),
        ([], n) => Observed::Proven(format!("{n} revisions are pending, and none loses data")),
        (some, _) => {
            let more = some.len().saturating_sub(TOLD);
            let more = if more == 0 { String::new() } else { format!("; and {more} more statements") };
            Observed::Hopeless(format!("it loses data: {}{more}", some.iter().take(TOLD).cloned().collect::<Vec<_>>().join("; ")))
        }
    }
}

fn inspected(said: &Said) -> Observed {
    match MigrationState::of(&said.inspection) {
        MigrationState::Known(position) => Observed::Proven(position.words()),
        MigrationState::Unknown(why) => Observed::Hopeless(why),
    }
}

/// Whether all that was meant to be applied is, by what the database says afterwards.
fn applied(said: &Said, asked: &Asked) -> Observed {
    let none = Vec::new();
    let (pending, invalid, blind) = match &asked.mode {
        Mode::Apply { pending, invalid, blind, .. } => (pending, invalid, *blind),
        Mode::Again(back) => (&back.above, &none, false),
        Mode::Back(back) => return taken_back(said, back),
        Mode::Inspect => return Observed::Hopeless("it was made to ask, not to apply".to_owned()),
    };
    let position = match MigrationState::of(&said.inspection) {
        MigrationState::Known(position) => position,
        MigrationState::Unknown(why) => return Observed::Hopeless(format!("what was applied is not known: {why}")),
    };
    if let Some(failure) = &said.failure {
        if blind {
            return Observed::Hopeless(format!("{}; the database is {}", failure.words(), position.words()));
        }
        return Observed::Hopeless(half(&position, pending, failure));
    }
    if !position.is_at_head() {
        return Observed::Hopeless(format!("the tool ended well, and the database is not at the newest revision: {}", position.words()));
    }
    let new: Vec<String> = said.inspection.database.invalid.iter().filter(|index| !invalid.contains(index)).cloned().collect();
    if !new.is_empty() {
        return Observed::Hopeless(format!("the database is at the newest revision, and these indexes are not valid: {}", new.join(", ")));
    }
    Observed::Proven(format!("the database is {}, and no index is invalid", position.words()))
}

/// Whether all that was meant to be taken back is, by what the database says afterwards.
fn taken_back(said: &Said, back: &Back) -> Observed {
    let position = match MigrationState::of(&said.inspection) {
        MigrationState::Known(position) => position,
        MigrationState::Unknown(why) => return Observed::Hopeless(format!("what was taken back is not known: {why}")),
    };
    let left = migrate::taken_back(&position.pending, back);
    match (&said.failure, left) {
        (None, Ok(())) => Observed::Proven(format!("the database is {}: {} taken back", position.words(), some(&back.above))),
        (None, Err(left)) => Observed::Hopeless(format!("the tool ended well, and the database still has {}", some(&left))),
        (Some(failure), left) => {
            let left = left.err().unwrap_or_default();
            let done: Vec<String> = back.above.iter().filter(|id| !left.contains(id)).cloned().collect();
            let list = |ids: &[String]| if ids.is_empty() { "nothing".to_owned() } else { some(ids) };
            let at = if failure.statement.is_empty() { String::new() } else { format!(" at {}", failure.statement) };
            Observed::Hopeless(format!("{}{at}; taken back: {}; not taken back: {}", failure.why, list(&done), list(&left)))
        }
    }
}

/// What of it was applied and what was not.
fn half(position: &Position, pending: &[String], failure: &Failure) -> String {
    let (left, done): (Vec<&str>, Vec<&str>) = pending.iter().map(String::as_str).partition(|id| position.pending.iter().any(|p| p == id));
    format!("{}; {}{}", failure.words(), parts(&done, &left), position.halves())
}

/// The same by a database's own record: Alembic's has the newest revision alone. `None` where that does not tell.
fn reached<'a>(tool: MigrationTool, has: &[&str], mode: &'a Mode) -> Option<(Vec<&'a str>, Vec<&'a str>)> {
    let Mode::Apply { applied, pending, blind: false, .. } = mode else { return None };
    let all: Vec<&str> = pending.iter().map(String::as_str).collect();
    if tool != MigrationTool::Alembic {
        return Some(all.into_iter().partition(|id| has.contains(id)));
    }
    let done = match has {
        [] if applied.is_empty() => 0,
        [one] if applied.iter().any(|id| id == one) => 0,
        [one] => all.iter().position(|id| id == one)? + 1,
        _ => return None,
    };
    Some((all[..done].to_vec(), all[done..].to_vec()))
}

fn parts(done: &[&str], left: &[&str]) -> String {
    let list = |ids: &[&str]| if ids.is_empty() { "nothing".to_owned() } else { ids.join(", ") };
    format!("applied: {}; not applied: {}", list(done), list(left))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{Observed, another, applied, harmless, inspected, reached};
    use crate::migrate::inspection::tests::{alembic, inspection};
    use crate::run::migrate::{Failure, Mode, Said, asked_for};
    use crate::service::MigrationTool;

    fn said(at: &str, failure: Option<Failure>) -> Said {
        let mut answer = alembic();
        answer["applied"] = json!([at]);
        answer["database"]["invalid"] = json!(["old"]);
        Said { inspection: inspection(&answer), failure, digest: String::new(), pulled: false, at: None }
    }

    fn judge(at: &str, failure: Option<Failure>, invalid: &[&str]) -> Observed {
        let mode = Mode::Apply {
            applied: vec!["a1".into()],
            heads: vec!["c3".into()],
            pending: vec!["b2".into(), "c3".into()],
            invalid: invalid.iter().map(|i| (*i).to_owned()).collect(),
            blind: false,
        };
        applied(&said(at, failure), &asked_for(mode))
    }

    #[test]
    fn a_migration_is_proven_by_what_the_database_says_and_nothing_else() {
        assert_eq!(judge("c3", None, &["old"]), Observed::Proven("the database is at c3, nothing pending, and no index is invalid".into()));
        assert!(
            matches!(judge("b2", None, &["old"]), Observed::Hopeless(why) if why.contains("the tool ended well") && why.contains("1 pending: c3"))
        );
        assert!(
            matches!(judge("c3", None, &[]), Observed::Hopeless(why) if why.contains("not valid: old")),
            "one that was not there before"
        );
    }

    #[test]
    fn one_that_fails_half_way_says_what_was_applied_and_what_was_not() {
        let failure = Failure { why: "UniqueViolation: duplicate".into(), statement: "CREATE UNIQUE INDEX i ON t (n)".into() };
        let expected = "UniqueViolation: duplicate at CREATE UNIQUE INDEX i ON t (n); applied: b2; not applied: c3";
        assert_eq!(judge("b2", Some(failure), &["old"]), Observed::Hopeless(expected.into()));
    }

    #[test]
    fn what_a_job_applied_that_was_killed_is_what_the_database_says() {
        let words = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<Vec<_>>();
        let mode = |applied: &[&str], blind| Mode::Apply {
            applied: words(applied),
            heads: words(&["c3"]),
            pending: words(&["b2", "c3"]),
            invalid: Vec::new(),
            blind,
        };
        let (first, none) = (mode(&["a1"], false), mode(&[], false));
        for (has, mode, told) in [
            (&["a1"][..], &first, Some((vec![], vec!["b2", "c3"]))),
            (&["b2"], &first, Some((vec!["b2"], vec!["c3"]))),
            (&["c3"], &first, Some((vec!["b2", "c3"], vec![]))),
            (&[], &none, Some((vec![], vec!["b2", "c3"]))),
            // Somebody else's revision, none, or two heads: that says nothing of this Job.
            (&["x9"], &first, None),
            (&[], &first, None),
            (&["b2", "x9"], &first, None),
            (&["b2"], &mode(&[], true), None),
            (&["b2"], &Mode::Inspect, None),
        ] {
            assert_eq!(reached(MigrationTool::Alembic, has, mode), told, "{has:?}");
        }
        assert_eq!(reached(MigrationTool::Django, &["a1", "b2"], &first), Some((vec!["b2"], vec!["c3"])));
    }

    #[test]
    fn what_no_migration_may_go_on_from_ends_a_deploy_whatever_a_person_says() {
        let gate = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut answer = alembic();
            answer["scripts"][0]["sql"] = json!("CREATE TABLE n (id int)");
            change(&mut answer);
            harmless(&Said { inspection: inspection(&answer), failure: None, digest: String::new(), pulled: false, at: None })
        };
        assert!(matches!(gate(&|_| {}), Observed::Proven(_)));
        // As `create_all` leaves it.
        let made = gate(&|a| (a["recorded"], a["applied"]) = (json!(false), json!([])));
        assert!(
            matches!(&made, Observed::Moved(why) if why.contains("no record of a migration") && why.contains("alembic stamp")),
            "{made:?}"
        );
        for change in [("applied", json!(["zz"])), ("heads", json!(["c3", "x9"])), ("failed", json!(["c3"]))] {
            let refused = gate(&|a| a[change.0] = change.1.clone());
            assert!(matches!(refused, Observed::Moved(_)), "{}: {refused:?}", change.0);
        }
    }

    #[test]
    fn another_image_than_the_one_that_was_inspected_is_no_proof() {
        let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
        let ran = |letter: &str, pulled: bool| {
            let mut asked = asked_for(Mode::Inspect);
            (asked.digest, asked.pulled) = (digest("a"), pulled);
            another(&Said { digest: digest(letter), ..said("c3", None) }, &asked)
        };
        assert!(matches!(ran("b", false), Some(Observed::Hopeless(why)) if why.contains("another image") && why.contains("at c3")));
        assert_eq!((ran("a", false), ran("b", true)), (None, None), "a registry's digest and an image's own are two things");
    }

    #[test]
    fn an_inspection_is_proven_when_it_says_where_the_database_stands() {
        assert_eq!(inspected(&said("b2", None)), Observed::Proven("at b2, 1 pending: c3".into()));
    }
}
