//! Asking all probes once, for `status` and for proofs.
//!
//! Owns the rule of one-shot commands: a failed probe is asked a second time at once and then called failed (contract.md 1), whatever
//! its `fail_after`.

use std::sync::Arc;

use futures_util::stream::{self, StreamExt as _};

use super::judge::Verdict;
use super::question::{Askers, Pods};
use super::state::{Judged, ProbeState};
use super::watch::{AT_ONCE, round};
use crate::base::clock::Clock;
use crate::service::ProbeSpec;
use crate::target::probe::{ProbeReport, ProbeResult};

/// Asks all probes, many at a time, and reports in their order.
pub async fn once(specs: &[ProbeSpec], askers: &Askers, pods: &Pods, clock: &dyn Clock) -> Vec<ProbeReport> {
    // Collected first: a stream that maps borrowed items cannot be sent to another thread.
    let asked: Vec<_> = specs.iter().map(|spec| one(spec, askers, pods, clock)).collect();
    stream::iter(asked).buffered(AT_ONCE).collect().await
}

async fn one(spec: &ProbeSpec, askers: &Askers, pods: &Pods, clock: &dyn Clock) -> ProbeReport {
    let strict = Arc::new(ProbeSpec { fail_after: 2, pass_after: 1, ..spec.clone() });
    let mut state = ProbeState::new(strict, clock.now());
    let first = round(spec, askers, pods, clock).await;
    let again = matches!(&first, Ok(answers) if answers.iter().any(|(_, verdict, _)| verdict.result == ProbeResult::Failed));
    take(&mut state, first, clock);
    if again {
        let second = round(spec, askers, pods, clock).await;
        take(&mut state, second, clock);
    }
    state.report()
}

/// Puts a round into a state.
pub(super) fn take(state: &mut ProbeState, round: Result<Vec<Judged>, Verdict>, clock: &dyn Clock) {
    match round {
        Ok(answers) => state.apply(answers, clock.now()),
        Err(verdict) => state.apply_idle(verdict, clock.now()),
    }
}
