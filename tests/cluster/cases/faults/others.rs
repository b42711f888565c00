//! What other people and other owners do: scale first, make the object anew, own it.

use super::{Place, at_once};
use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::middle::{Fate, When};
use crate::operator::Run;
use serde_json::json;

pub(crate) fn what_moved_since_the_plan_is_refused_and_said(cluster: &Cluster) {
    at_once(cluster, &[scaled_first, made_anew]);
}

fn scaled_first(place: &Place<'_>) {
    let locked = place.middle.hold("POST", "/leases", 1, When::Asked, Fate::HandedOn);
    let running = place.operator.start(super::SCALE);
    locked.reached();
    place.space.patch("apps/v1", "Deployment", "web", &json!({"spec": {"replicas": 3}}));
    locked.go();
    let run = place.ended("somebody scales between plan and confirmation", Run::of(&running.end()), "refused", 4, 3);
    assert!(run.end()["reason"].as_str().unwrap().contains("spec.replicas was 1, is 3"), "{:#}", run.end());
}

fn made_anew(place: &Place<'_>) {
    let locked = place.middle.hold("POST", "/leases", 1, When::Asked, Fate::HandedOn);
    let running = place.operator.start(super::SCALE);
    locked.reached();
    place.space.delete("apps/v1", "Deployment", "web");
    place.space.apply(&Web::new("web", 1).yaml());
    locked.go();
    let run = place.ended("it is deleted and made again between plan and confirmation", Run::of(&running.end()), "refused", 4, 1);
    assert!(run.end()["reason"].as_str().unwrap().contains("was deleted and made again"), "{:#}", run.end());
}

pub(crate) fn a_workload_that_helm_installed_is_scaled_and_helm_is_said_before(cluster: &Cluster) {
    let place = Place::new(cluster);
    let owned = json!({"metadata": {"labels": {"app.kubernetes.io/managed-by": "Helm"},
        "annotations": {"meta.helm.sh/release-name": "shop", "meta.helm.sh/release-namespace": place.space.name()}}});
    place.space.patch("apps/v1", "Deployment", "web", &owned);
    let plan = place.operator.plan(&["web=2"]);
    assert!(!plan.expect_check("owner:helm", "failed"), "advisory");
    assert!(plan.check("owner:helm")["detail"].as_str().unwrap().contains("shop"), "{:#}", plan.check("owner:helm"));
    place.ended("Helm installed it", place.operator.run(&["web=2"]), "proven", 0, 2);
}
