//! Running a command of a plan in one of the workload's pods.
//!
//! Owns which pod it is and how long its end is waited for. Must not decide what an end means: the machine does.

use std::time::Duration;

use futures_util::future::{Either, join_all, select};
use serde_json::Value;

use super::Deps;
use crate::run::declared::LocalProgram;
use crate::run::facts::{WorkloadFacts, text};
use crate::run::gate::Gate;
use crate::run::machine::{Ran, Stop};
use crate::run::ready::ready_pod_of;
use crate::run::scrub;
use crate::run::step::{Exec, FieldWrite, Place};
use crate::target::api::{Delivery, ErrorKind, Read, TargetError};
use crate::target::model::ObjectRef;

/// How much of what a command said is told.
const SAID: usize = 200;

/// Runs the command to its end in the first ready pod of its workload.
pub(super) async fn run(deps: &Deps, gate: &Gate, write: &FieldWrite) -> Result<Ran, TargetError> {
    let Some(exec) = write.exec() else { return Err(refused("it is no command".to_owned())) };
    match exec.place {
        Place::Pod => {}
        Place::Here => return here(deps, exec).await,
        Place::Channels => return told(deps, exec).await,
    }
    let pod = pod(&*deps.read, write, exec).await?;
    let name = pod.name.to_string();
    let running = std::pin::pin!(gate.send(write.to_pod(pod)));
    let given_up = std::pin::pin!(stopped(deps, exec.within));
    match select(running, given_up).await {
        Either::Left((answer, _)) => answer.map(|answer| ran(&answer, &format!("in {name}"))),
        // What runs in the pod goes on there.
        Either::Right((why, _)) => Err(TargetError { delivery: Delivery::MayBeDone, ..TargetError::new(ErrorKind::Timeout, why) }),
    }
}

/// Runs a program on this machine; dropping it ends the program.
async fn here(deps: &Deps, exec: &Exec) -> Result<Ran, TargetError> {
    let running = deps.probes.program(LocalProgram { argv: &exec.command.argv, within: exec.within });
    match select(running, std::pin::pin!(stopped(deps, exec.within))).await {
        Either::Left((answer, _)) => answer.map(|answer| ran(&answer, "on this machine")),
        Either::Right((why, _)) => Err(TargetError { delivery: Delivery::MayBeDone, ..TargetError::new(ErrorKind::Timeout, why) }),
    }
}

/// Tells it over each channel, and ends as badly as any of them did.
async fn told(deps: &Deps, exec: &Exec) -> Result<Ran, TargetError> {
    let text = exec.command.argv.first().map(String::as_str).unwrap_or_default();
    let event = exec.command.argv.get(1).map(String::as_str).unwrap_or_default();
    let channels: Vec<&str> = exec.command.container.split(',').collect();
    let telling = Box::pin(join_all(channels.iter().map(|channel| deps.probes.tell(channel, text, event))));
    let answers = match select(telling, std::pin::pin!(stopped(deps, exec.within))).await {
        Either::Left((answers, _)) => answers,
        Either::Right((why, _)) => return Err(refused(why)),
    };
    let (mut told, mut failed) = (Vec::new(), Vec::new());
    for (channel, answer) in channels.iter().zip(answers) {
        match answer {
            Ok(how) if how.is_empty() => told.push((*channel).to_owned()),
            Ok(how) => told.push(format!("{channel} ({})", scrub::text(&how))),
            Err(why) => failed.push(format!("{channel}: {}", scrub::text(&why))),
        }
    }
    let said = if failed.is_empty() { format!(", told {}", told.join(", ")) } else { format!(": {}", failed.join("; ")) };
    Ok(Ran { code: i64::try_from(failed.len()).unwrap_or(1), said })
}

/// Waits until nobody waits for the end of the command any more, and says why.
async fn stopped(deps: &Deps, within: Duration) -> String {
    let until = deps.clock.monotonic() + within;
    loop {
        if matches!(deps.control.stop(), Stop::Now(_) | Stop::Undo) {
            return "its operator did not wait for its end".to_owned();
        }
        let left = until.saturating_sub(deps.clock.monotonic());
        if left.is_zero() {
            return format!("it did not end within {} s", within.as_secs());
        }
        select(deps.timer.sleep(left), std::pin::pin!(deps.control.changed())).await;
    }
}

fn refused(message: String) -> TargetError {
    TargetError::new(ErrorKind::Invalid, message)
}

async fn pod(read: &dyn Read, write: &FieldWrite, exec: &Exec) -> Result<ObjectRef, TargetError> {
    let workload = WorkloadFacts::new(&write.object, read.get(&write.object, "").await?);
    if workload.uid() != write.uid {
        return Err(refused(format!("{} was deleted and made again", write.object)));
    }
    ready_pod_of(read, &workload, Some(&exec.command.container)).await
}

fn ran(answer: &Value, place: &str) -> Ran {
    let end = |pointer: &str| {
        let text = scrub::text(&text(answer, pointer));
        let skip = text.chars().count().saturating_sub(SAID);
        text.chars().skip(skip).collect::<String>().trim().to_owned()
    };
    let (output, errors) = (end("/output"), end("/errors"));
    let last = if errors.is_empty() { output } else { errors };
    let last = if last.is_empty() { String::new() } else { format!(": {last}") };
    // No code is no success.
    Ran { code: answer["exit_code"].as_i64().unwrap_or(-1), said: format!(" {place}{last}") }
}
