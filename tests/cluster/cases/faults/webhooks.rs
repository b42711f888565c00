//! Admission webhooks that deny, and that are not there.

use std::time::{Duration, Instant};

use super::Place;
use crate::cluster::{Cluster, PATIENCE};
use crate::webhook::{Says, Webhook};

pub(crate) fn a_webhook_is_heeded_whether_it_denies_or_is_silent(cluster: &Cluster) {
    let place = Place::new(cluster);
    let webhook = Webhook::new(cluster, &place.space, Says::No, Says::No);
    let until = Instant::now() + PATIENCE;
    // Nothing announces that a webhook has taken effect.
    while place.operator.plan(&["web=2"]).check("dry-run")["result"] == "ok" && Instant::now() < until {
        std::thread::park_timeout(Duration::from_millis(200));
    }
    let denied = place.operator.plan(&["web=2"]);
    assert!(denied.expect_check("dry-run", "failed"));
    assert!(denied.check("dry-run")["detail"].as_str().unwrap().contains("nobody scales on a Friday"), "{:#}", denied.value);
    place.ended("a webhook denies the dry run", place.operator.run(&["web=2"]), "refused", 4, 1);

    webhook.says(Says::Yes, Says::No);
    let run = place.ended("a webhook denies the write", place.operator.run(&["web=2"]), "refused", 4, 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("nobody scales on a Friday"), "{:#}", run.end());

    webhook.says(Says::Nothing, Says::Nothing);
    let silent = place.operator.plan(&["web=2"]);
    // Unknown blocks in production; elsewhere the run meets the same silence.
    assert!(silent.expect_check("dry-run", "unknown"));
    place.ended("a webhook is down", place.operator.run(&["web=2"]), "refused", 4, 1);

    webhook.says(Says::Yes, Says::Nothing);
    place.ended("a webhook goes down after the dry run", place.operator.run(&["web=2"]), "refused", 4, 1);
}
