//! HTTP into pods and Services through the API server.
//!
//! Owns what simulated applications answer: health, readiness, metrics.

use std::sync::Arc;

use axum::body::Body;
use http::Response;
use serde_json::json;

use super::ask::{Ask, Place};
use super::{Server, answer};
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::known;
use crate::sim::api::selector::Labels;
use crate::sim::kubelet::{PodRun, State};
use crate::sim::world::World;

/// Answers what the application would.
pub(super) fn proxy(server: &Arc<Server>, ask: &Ask, place: &Place) -> Result<Response<Body>, Failure> {
    if ask.verb != "get" || place.res == known().nodes {
        return Err(Failure::not_simulated("Writing through the proxy"));
    }
    // `name`, `name:port`, `https:name:port`.
    let name = place.name.split(':').find(|p| !matches!(*p, "http" | "https" | "")).unwrap_or_default();
    server.cluster.with(|world| {
        let run = if place.res == known().pods { pod(world, &place.namespace, name)? } else { behind(world, &place.namespace, name)? };
        Ok(application(run, &place.rest))
    })
}

fn pod<'a>(world: &'a World, namespace: &str, name: &str) -> Result<&'a PodRun, Failure> {
    let row = known().pods.row();
    let entry = world.store.find(known().pods, namespace, name).ok_or_else(|| Failure::not_found(row, name))?;
    world.kubelet.pod(&entry.uid).ok_or_else(|| Failure::bad_request("address not allowed"))
}

fn behind<'a>(world: &'a World, namespace: &str, name: &str) -> Result<&'a PodRun, Failure> {
    let services = known().services;
    let service = world.store.find(services, namespace, name).ok_or_else(|| Failure::not_found(services.row(), name))?;
    let selector = Labels::from_map(&service.value()["spec"]["selector"]).unwrap_or_default();
    let pods = world.store.list(known().pods, Some(namespace)).filter(|p| selector.matches(&p.labels));
    let ready = pods.filter_map(|p| world.kubelet.pod(&p.uid)).find(|r| r.main.iter().all(|s| s.ready));
    ready.ok_or_else(|| Failure::unavailable(&format!("no endpoints available for service \"{name}\"")))
}

fn application(run: &PodRun, path: &str) -> Response<Body> {
    let running = run.main.iter().any(|s| matches!(s.state, State::Running(_)));
    let ready = run.main.iter().all(|s| s.ready);
    let name = &*run.key.name;
    if !running {
        let words = format!("error trying to reach service: dial tcp {}: connect: connection refused", run.ip());
        return answer::failure(&Failure::unavailable(&words));
    }
    let path = path.trim_matches('/');
    match path {
        "metrics" | "api/metrics" => {
            let count = run.key.name.len() * 1_741;
            let text = format!(
                "# HELP http_requests_total Total HTTP requests\n# TYPE http_requests_total counter\nhttp_requests_total{{method=\"GET\",status_code=\"200\"}} {count}\n"
            );
            answer::with_body(200, "text/plain; version=0.0.4", Body::from(text))
        }
        "health" | "healthz" | "ready" | "readyz" | "ht" | "api/agents/v2/status" => {
            let code = if ready { 200 } else { 503 };
            answer::json(code, &json!({"status": if ready { "ok" } else { "unavailable" }, "pod": name}))
        }
        "rules" => answer::json(200, &json!([{"id": 1, "name": "welcome", "enabled": true}])),
        "api/flags" => answer::json(200, &json!({"RAG": true, "PROACTIVITY": true})),
        "" | "admin/login" => answer::with_body(200, "text/html; charset=utf-8", Body::from("<!doctype html><title>ok</title>")),
        _ => answer::json(404, &json!({"detail": "Not Found"})),
    }
}
