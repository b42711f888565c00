//! The loop that keeps probes asked.
//!
//! Owns one task per probe: due, ask, judge, report. Dropping the future stops all of them. Reports go over the caller's bounded channel;
//! when it is full the probe waits, and rounds that are missed meanwhile are left out.

use std::sync::Arc;

use futures_util::future::join_all;
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{mpsc, watch as cell};

use super::judge::{Verdict, judge};
use super::once::take;
use super::question::{Pods, Question, questions};
use super::schedule::Schedule;
use super::state::{Judged, ProbeState};
use crate::base::clock::Clock;
use crate::service::ProbeSpec;
use crate::target::event::TargetEvent;
use crate::target::probe::{Reach, Way};

/// So many questions at a time, over all probes of a one-shot or all pods of one probe.
pub(super) const AT_ONCE: usize = 16;

/// Who asks.
#[derive(Clone)]
pub struct Askers {
    /// HTTP, TCP, TLS.
    pub net: Arc<dyn Reach>,
    /// Pods, through the API server.
    pub pods: Arc<dyn Reach>,
}

impl Askers {
    fn of(&self, way: &Way) -> &dyn Reach {
        match way {
            Way::PodProxy { .. } => &*self.pods,
            _ => &*self.net,
        }
    }
}

/// Keeps `specs` asked until the future is dropped or nobody listens. `pods` always holds the newest ready pods.
pub async fn watch(specs: Vec<ProbeSpec>, askers: Askers, pods: cell::Receiver<Arc<Pods>>, clock: Arc<dyn Clock>, out: mpsc::Sender<TargetEvent>) {
    let tasks = specs.into_iter().map(|spec| keep(Arc::new(spec), askers.clone(), pods.clone(), clock.clone(), out.clone()));
    join_all(tasks).await;
}

/// Keeps one probe asked.
async fn keep(spec: Arc<ProbeSpec>, askers: Askers, pods: cell::Receiver<Arc<Pods>>, clock: Arc<dyn Clock>, out: mpsc::Sender<TargetEvent>) {
    let schedule = Schedule::new(&spec.id, spec.interval);
    let start = clock.monotonic();
    let elapsed = || clock.monotonic().saturating_sub(start);
    let mut state = ProbeState::new(spec.clone(), clock.now());
    // Shown as not asked yet from the beginning: what is declared is never invisible.
    if out.send(TargetEvent::Probe(state.report())).await.is_err() {
        return;
    }
    let mut count = 0;
    loop {
        tokio::time::sleep(schedule.due(count).saturating_sub(elapsed())).await;
        let now = pods.borrow().clone();
        let answers = round(&spec, &askers, &now, &*clock).await;
        take(&mut state, answers, &*clock);
        if out.send(TargetEvent::Probe(state.report())).await.is_err() {
            return;
        }
        count = schedule.next(count, elapsed());
    }
}

/// One round: every question of the probe, judged.
pub(super) async fn round(spec: &ProbeSpec, askers: &Askers, pods: &Pods, clock: &dyn Clock) -> Result<Vec<Judged>, Verdict> {
    let questions = questions(spec, pods)?;
    let answer = |question: Question| async move {
        let answer = askers.of(&question.ask.way).ask(&question.ask).await;
        let verdict = judge(spec, &answer, clock.now());
        (question.target, verdict, answer.heard.is_ok().then_some(answer.took))
    };
    Ok(stream::iter(questions).map(answer).buffered(AT_ONCE).collect().await)
}
