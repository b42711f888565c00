//! Looking at a CronJob and what it starts: a Job that a run made, and the quiet after a suspension.
//!
//! Owns when a Job counts as running, and how long a suspended CronJob must start nothing before it is believed.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::Value;

use super::{GRACE_QUOTA, MUST_STAY, Observer, judge};
use crate::base::text::clean;
use crate::run::backup::report::{self, NoReport, Reread};
use crate::run::event::Progress;
use crate::run::facts::{PodFacts, WorkloadFacts, flag, int, items, text};
use crate::run::job;
use crate::run::machine::Observed;
use crate::run::scrub;
use crate::run::step::{Proof, RUN};
use crate::target::api::TargetError;
use crate::target::model::{Kind, ObjectRef, Scope};

/// How much of a line of a log is told.
const LINE: usize = 160;

impl Observer {
    /// Whether the Job of this run has pods that run, or is done.
    pub(super) async fn job(&mut self, proof: &Proof, run: &str) -> Result<Observed, TargetError> {
        let job = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if text(&job.raw, RUN) != run {
            return Ok(Observed::Moved(format!("{} is not of this run", proof.object)));
        }
        // Without the right to list pods the Job's own counts must do.
        let pods = self.pods(&proof.object, &job.selector()).await.unwrap_or_default();
        let now = self.clock.monotonic();
        let seen = judge_job(&job, &pods, |key, grace| self.patience.over(key, grace, now));
        Ok(self.why_no_pod(&job, &pods, seen, now).await)
    }

    /// A Job without a pod for a while has no condition that says why: its events may.
    async fn why_no_pod(&mut self, job: &WorkloadFacts, pods: &[Value], seen: Observed, now: Duration) -> Observed {
        self.patience.begin(now);
        match seen {
            Observed::Waiting(progress) if pods.is_empty() && self.patience.over("no-pods", GRACE_QUOTA, now) => self.no_pods(job, progress).await,
            other => other,
        }
    }

    /// Whether the Job of this run made a dump, and read it to its end; and took it elsewhere, where that is wanted.
    pub(super) async fn dumped(&mut self, proof: &Proof, run: &str, upload: bool) -> Result<Observed, TargetError> {
        let job = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if text(&job.raw, RUN) != run {
            return Ok(Observed::Moved(format!("{} is not of this run", proof.object)));
        }
        // What it made is said by its pod alone: without the right to list pods nothing is proven.
        let pods = self.pods(&proof.object, &job.selector()).await?;
        let now = self.clock.monotonic();
        let copy = upload.then(|| report::uploaded(&pods));
        Ok(match (ended(&job.raw), report::of(&pods)) {
            (Some(end), Ok(report)) => match (copy, end) {
                (Some(Err(why)), _) => Observed::Hopeless(format!("the dump is good and stays on its volume, and was not uploaded: {why}")),
                (_, Err(why)) => Observed::Hopeless(format!("the dump is good, and its Job failed after it: {why}")),
                (copy, Ok(())) => {
                    let checked = copy.and_then(Result::ok).map(|checked| format!("; the object store has it, checked by {checked}"));
                    Observed::Proven(format!("{}{}{}", report.words(), checked.unwrap_or_default(), report::pruned(&pods).words()))
                }
            },
            (Some(Ok(())), Err(_)) => Observed::Hopeless("the Job is complete and does not say what it made: it counts as no backup".to_owned()),
            (Some(Err(_)), Err(NoReport::Failed(why))) => Observed::Hopeless(why),
            (Some(Err(why)), _) => Observed::Hopeless(format!("the Job failed: {why}")),
            (None, _) => {
                let seen = judge_job(&job, &pods, |key, grace| key != "runs" && self.patience.over(key, grace, now));
                let seen = self.why_no_pod(&job, &pods, seen, now).await;
                self.how_far(seen, &pods, "it dumps, and reads what it wrote").await
            }
        })
    }

    /// Whether the Job of this run found the dump as it was.
    pub(super) async fn read_again(&mut self, proof: &Proof, run: &str) -> Result<Observed, TargetError> {
        let job = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if text(&job.raw, RUN) != run {
            return Ok(Observed::Moved(format!("{} is not of this run", proof.object)));
        }
        let pods = self.pods(&proof.object, &job.selector()).await?;
        let now = self.clock.monotonic();
        Ok(match (ended(&job.raw), report::reread(&pods)) {
            (Some(Ok(())), Ok(())) => Observed::Proven("the dump is as it was, and was read to its end".to_owned()),
            (Some(Ok(())), Err(_)) => Observed::Hopeless("the Job is complete and does not say what it found".to_owned()),
            (Some(Err(_)), Err(Reread::Damaged(why))) => Observed::Hopeless(format!("the dump is damaged, and counts no longer: {why}")),
            (Some(Err(_)), Err(Reread::Failed(why))) => Observed::Hopeless(why),
            (Some(Err(why)), _) => Observed::Hopeless(format!("the Job failed: {why}")),
            (None, _) => {
                let seen = judge_job(&job, &pods, |key, grace| key != "runs" && self.patience.over(key, grace, now));
                let seen = self.why_no_pod(&job, &pods, seen, now).await;
                self.how_far(seen, &pods, "it reads the dump again").await
            }
        })
    }

    /// Whether the Job of this run ran its command to its end; what it said last is told.
    pub(super) async fn finished(&mut self, proof: &Proof, run: &str) -> Result<Observed, TargetError> {
        let job = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if text(&job.raw, RUN) != run {
            return Ok(Observed::Moved(format!("{} is not of this run", proof.object)));
        }
        // Without the right to list pods the Job's own word must do: it tells its end, and not what was said.
        let pods = self.pods(&proof.object, &job.selector()).await.unwrap_or_default();
        let now = self.clock.monotonic();
        if let Some(ended) = ended(&job.raw) {
            let last = self.last_line(&pods).await.map(|line| format!(": {line}")).unwrap_or_default();
            return Ok(match ended {
                Ok(()) => Observed::Proven(format!("the Job is complete{last}")),
                Err(why) => Observed::Hopeless(format!("the Job failed: {why}{last}")),
            });
        }
        let seen = judge_job(&job, &pods, |key, grace| key != "runs" && self.patience.over(key, grace, now));
        Ok(match self.why_no_pod(&job, &pods, seen, now).await {
            Observed::Waiting(progress) if progress.done.is_some() => {
                let text = self.last_line(&pods).await.unwrap_or(progress.text);
                Observed::Waiting(Progress { text, ..Progress::default() })
            }
            other => other,
        })
    }

    /// The last line that the newest of these pods printed, as it may be shown.
    async fn last_line(&self, pods: &[Value]) -> Option<String> {
        let pod = pods.iter().max_by_key(|pod| text(pod, "/metadata/creationTimestamp"))?;
        let name = ObjectRef::new(Kind::Pod, text(pod, "/metadata/namespace").as_str(), text(pod, "/metadata/name").as_str());
        let printed = self.read.log(&name, &text(pod, "/spec/containers/0/name")).await.ok()?;
        let line = printed.lines().rev().find(|line| !line.trim().is_empty())?;
        Some(scrub::text(&clean(line)).chars().take(LINE).collect())
    }

    /// Whether no pod of the Job of this run runs any more.
    pub(super) async fn ended(&mut self, proof: &Proof, run: &str) -> Result<Observed, TargetError> {
        let pods = job::pods(&*self.read, run, &proof.object).await?;
        let over = |pod: &&Value| ["Succeeded", "Failed"].contains(&text(pod, "/status/phase").as_str());
        let live = pods.iter().filter(|pod| !over(pod)).count();
        if live == 0 {
            return Ok(Observed::Proven("nothing of it runs any more".to_owned()));
        }
        Ok(Observed::Waiting(Progress { text: "its pod is ending".to_owned(), ..Progress::default() }))
    }

    /// How far a Job that runs says it is; the last line of its log is JSON. Who may not read logs sees that it runs. A pod whose
    /// containers come one after the other does not count as running before the last one does.
    async fn how_far(&self, seen: Observed, pods: &[Value], otherwise: &str) -> Observed {
        let Observed::Waiting(progress) = &seen else { return seen };
        let running = report::running(pods);
        if progress.done.is_none() && running.is_none() {
            return seen;
        }
        let line = match running {
            Some((pod, container)) => {
                let (namespace, name) = (text(pod, "/metadata/namespace"), text(pod, "/metadata/name"));
                self.read
                    .raw(&format!("/api/v1/namespaces/{namespace}/pods/{name}/log?container={container}&tailLines=1&limitBytes=4096"))
                    .await
                    .ok()
            }
            None => None,
        };
        let known = line.as_ref().and_then(report::progress);
        Observed::Waiting(known.unwrap_or_else(|| Progress { text: otherwise.to_owned(), ..Progress::default() }))
    }

    /// Whether a CronJob is suspended, and has started nothing for a while: its controller may have been about to.
    pub(super) async fn suspended(&mut self, proof: &Proof) -> Result<Observed, TargetError> {
        let cron = WorkloadFacts::new(&proof.object, self.read.get(&proof.object, "").await?);
        if cron.uid() != proof.uid {
            return Ok(Observed::Moved(format!("{} was deleted and made again", proof.object)));
        }
        if !flag(&cron.raw, "/spec/suspend") {
            return Ok(Observed::Moved("suspend is false now".to_owned()));
        }
        let scope = Scope::Namespace(proof.object.namespace.clone());
        // Without the right to list Jobs the CronJob's own list of those that run must do.
        let jobs = match self.read.list(Kind::Job, &scope, "", "").await {
            Ok(jobs) => jobs.into_iter().filter(|j| of(j, &proof.uid)).collect(),
            Err(_) => items(&cron.raw, "/status/active").cloned().collect::<Vec<_>>(),
        };
        let mut uids: Vec<String> = jobs.iter().map(|j| text(j, "/metadata/uid") + &text(j, "/uid")).collect();
        uids.sort_unstable();
        let key = uids.join(" ");
        let quiet = self.patience.over(&key, MUST_STAY, self.clock.monotonic());
        self.patience.keep(&HashSet::from([key]));
        let live = jobs.iter().filter(|j| ended(j).is_none()).count();
        Ok(if quiet {
            let still = if live > 0 { format!("; {live} of its Jobs still runs to its end") } else { String::new() };
            Observed::Proven(format!("suspended, and no new Job in {} s{still}", MUST_STAY.as_secs()))
        } else {
            let text = format!("suspended; it must start no Job for {} s", MUST_STAY.as_secs());
            Observed::Waiting(Progress { text, ..Progress::default() })
        })
    }
}

/// Whether a Job is controlled by the CronJob of that identity.
pub(in crate::run) fn of(job: &Value, cron: &str) -> bool {
    items(job, "/metadata/ownerReferences").any(|o| flag(o, "/controller") && text(o, "/uid") == cron)
}

/// How a Job ended: `Complete`, or `Failed` with its reason; `None` while it may still run.
pub(in crate::run) fn ended(job: &Value) -> Option<Result<(), String>> {
    let done = items(job, "/status/conditions").find(|c| c["status"] == "True" && matches!(c["type"].as_str(), Some("Complete" | "Failed")))?;
    Some(if done["type"] == "Complete" { Ok(()) } else { Err(format!("{}: {}", text(done, "/reason"), text(done, "/message"))) })
}

pub(super) fn judge_job(job: &WorkloadFacts, pods: &[Value], mut lasted: impl FnMut(&str, Duration) -> bool) -> Observed {
    match ended(&job.raw) {
        Some(Ok(())) => return Observed::Proven("the Job is complete".to_owned()),
        Some(Err(why)) => return Observed::Hopeless(format!("the Job failed: {why}")),
        None => {}
    }
    if let Some(target) = items(&job.raw, "/status/conditions").find(|c| c["status"] == "True" && c["type"] == "FailureTarget") {
        let text = format!("its pods are being ended: {}", text(target, "/reason"));
        return Observed::Waiting(Progress { text, ..Progress::default() });
    }
    if flag(&job.raw, "/spec/suspend") {
        return Observed::Hopeless("the Job is suspended by its own template: it starts no pod".to_owned());
    }
    let count = |field: &str| int(&job.raw, &format!("/status/{field}")).unwrap_or(0);
    let running = count("ready") + count("succeeded");
    if running > 0 {
        let words = format!("{running} pod{} of the Job run{}", if running == 1 { "" } else { "s" }, if running == 1 { "s" } else { "" });
        if lasted("runs", MUST_STAY) {
            return Observed::Proven(words);
        }
        let text = format!("{words}, which must stay so for {} s", MUST_STAY.as_secs());
        return Observed::Waiting(Progress { done: Some(running), text, ..Progress::default() });
    }
    let live: Vec<PodFacts<'_>> = pods.iter().map(PodFacts::of).filter(|p| !p.over() && !p.deleting()).collect();
    let troubled = judge::troubled(&live);
    let details = judge::details(&troubled);
    let hopeless = troubled.iter().find(|(name, trouble)| judge::too_long(name, trouble, &mut lasted));
    if let Some((name, trouble)) = hopeless {
        return Observed::Hopeless(format!("pod {name}: {}", judge::words(trouble)));
    }
    Observed::Waiting(Progress { text: "no pod of the Job runs yet".to_owned(), details, ..Progress::default() })
}
