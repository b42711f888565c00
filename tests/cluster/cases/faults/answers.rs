//! What the line and a busy server answer to the write: nothing, a conflict, "not now", a failure.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Place, SCALE, at_once};
use crate::cluster::Cluster;
use crate::middle::{Fate, When};
use crate::operator::Run;

pub(crate) fn a_write_whose_connection_is_cut_is_found_out_and_carried_out_once(cluster: &Cluster) {
    at_once(cluster, &[the_answer_is_lost, the_question_is_lost]);
}

fn the_answer_is_lost(place: &Place<'_>) {
    place.middle.meet("PATCH", "/scale", 1, Fate::AnswerLost);
    let row = "the connection is cut in the middle of the write; it was carried out";
    let run = place.ended(row, place.operator.run(&["web=2"]), "proven", 0, 2);
    assert!(run.named("step_proven").any(|step| step["step"] == "write" && says(step, "found out by reading")), "{run:#?}");
}

fn the_question_is_lost(place: &Place<'_>) {
    place.middle.meet("PATCH", "/scale", 1, Fate::QuestionLost);
    let row = "the connection is cut in the middle of the write; it was not carried out";
    place.ended(row, place.operator.run(&["web=2"]), "proven", 0, 2);
    assert_eq!(outcomes(place).first().map(|line| line["result"].clone()), Some(json!("unknown")), "{:#?}", outcomes(place));
}

fn says(step: &Value, words: &str) -> bool {
    step["text"].as_str().is_some_and(|text| text.contains(words))
}

/// What came of each request, by the journal.
fn outcomes(place: &Place<'_>) -> Vec<Value> {
    place.operator.journal().into_iter().filter(|line| line["kind"] == "outcome").collect()
}

pub(crate) fn conflicts_are_met_by_reading_again_and_end_after_five_tries(cluster: &Cluster) {
    at_once(cluster, &[two_conflicts, conflicts_without_end]);
}

/// Somebody touches the object whenever a write is about to arrive: its precondition does not hold any more.
fn touched(place: &Place<'_>, times: usize) -> Run {
    let hold = place.middle.hold("PATCH", "/scale", times, When::Asked, Fate::HandedOn);
    let running = place.operator.start(SCALE);
    for time in 0..times {
        hold.reached();
        let note = json!({"metadata": {"annotations": {"shop.example/touched": time.to_string()}}});
        place.space.patch("apps/v1", "Deployment", "web", &note);
        hold.go();
    }
    Run::of(&running.end())
}

fn two_conflicts(place: &Place<'_>) {
    place.ended("two conflicts in a row (409)", touched(place, 2), "proven", 0, 2);
}

fn conflicts_without_end(place: &Place<'_>) {
    place.ended("conflicts without end (409)", touched(place, 5), "refused", 4, 1);
}

pub(crate) fn a_busy_server_is_asked_again_when_it_says_and_not_for_ever(cluster: &Cluster) {
    at_once(cluster, &[busy_once, busy_for_ever, it_fails_once]);
}

fn busy_once(place: &Place<'_>) {
    place.middle.meet("PATCH", "/scale", 1, Fate::Answered(429, "TooManyRequests", Some(3)));
    place.ended("the server is busy, and says for how long (429, Retry-After)", place.operator.run(&["web=2"]), "proven", 0, 2);
    let journal = place.operator.journal();
    let at = |line: &Value| line["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).expect("a time");
    let tries: Vec<Timestamp> = journal.iter().filter(|line| line["kind"] == "intent").map(at).collect();
    let [first, second] = tries[..] else { panic!("two tries: {journal:#?}") };
    assert!(second.duration_since(first).unsigned_abs() >= Duration::from_secs(3), "it waited as long as it was told");
}

fn busy_for_ever(place: &Place<'_>) {
    place.middle.meet("PATCH", "/scale", 99, Fate::Answered(429, "TooManyRequests", Some(1)));
    place.ended("the server stays busy (429, Retry-After)", place.operator.run(&["web=2"]), "refused", 4, 1);
}

fn it_fails_once(place: &Place<'_>) {
    place.middle.meet("PATCH", "/scale", 1, Fate::Answered(500, "InternalError", None));
    place.ended("the server fails once (500)", place.operator.run(&["web=2"]), "proven", 0, 2);
}
