//! A server that goes away and comes back, and one that is only slow.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Notify, mpsc};

use super::{Beat, Pulse, Signal};
use crate::target::event::TargetEvent;
use crate::target::kubernetes::testing::{Server, Step, answer, status};

const QUICK: Beat = Beat {
    silence: Duration::from_millis(5),
    answer: Duration::from_secs(10),
    away: Duration::from_millis(5),
    refused: Duration::from_millis(5),
    calm: Duration::ZERO,
};

const PATIENT: Beat = Beat { silence: Duration::from_hours(1), ..QUICK };

/// The pulse over a scripted server, and what it tells.
async fn feel(beat: Beat, scripts: Vec<Vec<Step>>) -> (Pulse, Server, mpsc::Receiver<TargetEvent>, Arc<Notify>) {
    let server = Server::start(scripts).await;
    let client = server.client().await;
    let (send, receive) = mpsc::channel(8);
    let (pulse, back) = (Pulse::new(beat), Arc::new(Notify::new()));
    let (watching, ring) = (pulse.clone(), back.clone());
    tokio::spawn(async move { watching.watch_over(&client, &send, &ring).await });
    (pulse, server, receive, back)
}

fn version() -> Vec<Step> {
    vec![answer("200 OK", r#"{"gitVersion":"v1.36.3"}"#)]
}

#[tokio::test]
async fn a_server_that_goes_away_is_told_once_and_cuts_all_streams_and_its_return_wakes_them() {
    let gone = || vec![Step::Reset];
    let (pulse, _server, mut events, back) = feel(PATIENT, vec![version(), gone(), gone(), gone(), version()]).await;
    let mut signals = pulse.signals();
    back.notified().await;
    pulse.suspect();
    let Signal::Cut(reason) = signals.next().await else { panic!("cut first") };
    assert!(reason.contains("reset"), "{reason}");
    assert!(matches!(events.recv().await, Some(TargetEvent::Problem(p)) if p.id == "target:reach"));
    assert_eq!(signals.next().await, Signal::Alive);
    assert!(matches!(events.recv().await, Some(TargetEvent::Solved(id)) if id == "target:reach"), "once gone, once back");
    back.notified().await;
}

#[tokio::test]
async fn silence_on_all_streams_is_reason_to_ask() {
    let (_pulse, server, mut events, back) = feel(QUICK, vec![version(), vec![Step::Reset]]).await;
    back.notified().await;
    assert!(matches!(events.recv().await, Some(TargetEvent::Problem(_))), "found without a suspicion");
    assert!(server.requests().iter().all(|r| r == "GET /version"));
}

#[tokio::test]
async fn a_refusal_of_the_version_is_a_sign_of_life_and_wrong_credentials_are_a_problem() {
    let refused = vec![answer("403 Forbidden", &status(403, "Forbidden", "no"))];
    let (_pulse, _server, _events, back) = feel(PATIENT, vec![refused]).await;
    back.notified().await;

    let expired = vec![answer("401 Unauthorized", &status(401, "Unauthorized", "Unauthorized"))];
    let (pulse, _server, mut events, _back) = feel(PATIENT, vec![expired, version()]).await;
    let mut signals = pulse.signals();
    assert!(matches!(events.recv().await, Some(TargetEvent::Problem(_))));
    assert!(matches!(events.recv().await, Some(TargetEvent::Solved(_))));
    assert_eq!(signals.next().await, Signal::Alive, "no stream was cut for it");
}

#[tokio::test]
async fn a_wish_for_everything_anew_reaches_every_stream() {
    let pulse = Pulse::new(PATIENT);
    let (mut one, mut other) = (pulse.signals(), pulse.signals());
    pulse.refresh();
    assert_eq!((one.next().await, other.next().await), (Signal::Refresh, Signal::Refresh));
}
