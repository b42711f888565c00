//! Bare pods, and groups of pods whose controller the program does not know.

use super::Verdict;
use crate::base::health::Health;
use crate::fleet::cause::{RESTART_IS_NEWS, is_ready};
use crate::target::model::{ContainerRole, ContainerState, Pod, Seconds};

/// Health of one pod.
///
/// `restarting` (contract.md 1) means: a main container or sidecar was restarted within the ten minutes after which the kubelet
/// itself forgets a crash. A pod that is going away is not wanted any more: off.
pub fn pod(pod: &Pod, now: Seconds) -> Verdict {
    if &*pod.phase == "Unknown" || &*pod.reason == "NodeLost" {
        return Verdict::new(Health::Unknown).text("its node does not answer");
    }
    match &*pod.phase {
        "Succeeded" => return Verdict::new(Health::Ok).text("completed"),
        "Failed" => return Verdict::new(Health::Down).text("failed"),
        _ if pod.meta.deleted.is_some() => return Verdict::new(Health::Off).text("terminating"),
        _ => {}
    }
    let looping = |state: &ContainerState| matches!(state, ContainerState::Waiting { reason, .. } if &**reason == "CrashLoopBackOff");
    if pod.containers.iter().any(|c| looping(&c.state)) {
        return Verdict::new(Health::Down).text("crash loop");
    }
    if !is_ready(pod) {
        return Verdict::new(Health::Degraded).text("not ready");
    }
    match last_restart(pod).filter(|at| now - at < RESTART_IS_NEWS) {
        Some(at) => Verdict::new(Health::Degraded).text("restarting").turn(Some(at + RESTART_IS_NEWS)),
        None => Verdict::new(Health::Ok),
    }
}

fn last_restart(pod: &Pod) -> Option<Seconds> {
    let lasting = pod
        .containers
        .iter()
        .filter(|c| matches!(c.role, ContainerRole::Main | ContainerRole::Sidecar) && c.restarts > 0);
    lasting.filter_map(|c| c.last.as_ref()?.finished).max()
}

/// Pods under one roof, of which nobody says how many are wanted: static pods of a node, pods of an operator.
///
/// All that are there count as wanted: ok when all are, down when none serves, else degraded.
pub fn group<'a>(pods: impl Iterator<Item = &'a Pod>, now: Seconds) -> Verdict {
    let (mut wanted, mut serving, mut fine) = (0, 0, 0);
    let mut turn: Option<Seconds> = None;
    for p in pods {
        let one = pod(p, now);
        if one.health == Health::Off {
            continue;
        }
        wanted += 1;
        serving += i32::from(is_ready(p) || &*p.phase == "Succeeded");
        fine += i32::from(one.health == Health::Ok);
        turn = turn.into_iter().chain(one.turn).min();
    }
    let text = format!("{serving} of {wanted} ready");
    let verdict = match (wanted, serving, fine) {
        (0, ..) => Verdict::new(Health::Off).text("no pods"),
        (all, _, fine) if fine == all => Verdict::new(Health::Ok),
        (_, 0, _) => Verdict::new(Health::Down).text(text),
        (all, serving, _) if serving == all => Verdict::new(Health::Degraded).text("restarting"),
        _ => Verdict::new(Health::Degraded).text(text),
    };
    verdict.turn(turn)
}
