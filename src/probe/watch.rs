//! The loop that keeps one probe asked: due, ask, judge, report.

use std::future::pending;
use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};
use tokio::sync::{mpsc, watch as cell};

use super::judge::{Verdict, judge};
use super::once::take;
use super::question::{Askers, Pods, Question, headers, questions};
use super::schedule::Schedule;
use super::state::{Judged, ProbeState};
use super::surroundings::Surroundings;
use crate::base::clock::Clock;
use crate::service::{ProbeKind, ProbeSpec};
use crate::target::event::TargetEvent;
use crate::target::probe::ProbeResult;

/// So many questions at a time, over all probes of a one-shot or all pods of one probe.
pub(super) const AT_ONCE: usize = 16;

/// Who asks, and what the cluster says, at the moment.
#[derive(Clone)]
pub(super) struct Board {
    pub(super) askers: Askers,
    pub(super) around: Arc<Surroundings>,
}

/// Keeps one probe asked until nobody listens.
pub(super) async fn keep(spec: Arc<ProbeSpec>, mut board: cell::Receiver<Board>, clock: Arc<dyn Clock>, out: mpsc::Sender<TargetEvent>) {
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
        let due = tokio::time::sleep(schedule.due(count).saturating_sub(elapsed()));
        tokio::select! {
            () = due => {}
            () = first_pods(&spec, &mut board) => {}
        }
        let now = board.borrow().clone();
        let answers = round(&spec, &now.askers, &now.around.pods, &*clock).await;
        take(&mut state, answers, &*clock);
        if out.send(TargetEvent::Probe(state.report())).await.is_err() {
            return;
        }
        count = schedule.next(count, elapsed());
    }
}

/// Ends when there is somebody to ask where there was nobody: a start, or a workload that comes up, is not unknown for a whole interval.
async fn first_pods(spec: &ProbeSpec, board: &mut cell::Receiver<Board>) {
    let ProbeKind::HttpEachPod { workload, .. } = &spec.kind else { return pending().await };
    let some = |board: &Board| board.around.pods.get(workload).is_some_and(|pods| !pods.is_empty());
    if some(&board.borrow_and_update()) || board.wait_for(some).await.is_err() {
        pending::<()>().await;
    }
}

/// One round: every question of the probe, judged.
pub(super) async fn round(spec: &ProbeSpec, askers: &Askers, pods: &Pods, clock: &dyn Clock) -> Result<Vec<Judged>, Verdict> {
    let headers = headers(spec, &*askers.secrets).await?;
    let questions = questions(spec, pods, headers)?;
    let answer = |question: Question| async move {
        let Some(asker) = askers.of(&question.ask.way) else {
            return (question.target, Verdict::new(ProbeResult::Unknown, "no cluster is open").excused(), None);
        };
        let answer = asker.ask(&question.ask).await;
        let verdict = judge(spec, &answer, clock.now());
        (question.target, verdict, answer.heard.is_ok().then_some(answer.took))
    };
    let asked: Vec<_> = questions.into_iter().map(answer).collect();
    Ok(stream::iter(asked).buffered(AT_ONCE).collect().await)
}
