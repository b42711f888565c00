//! Measures, as Prometheus answers them, and alerts, as Alertmanager does: plain HTTP on loopback.
//!
//! No alert is active. Owns one number a query, which is data (assets/scenarios/systems). What nobody wrote down has no series. Knows no words of the language
//! of queries: whoever asks for the least of a time asks for the same number.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Query;
use http::{Request, Response};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use super::answer;
use crate::sim::behaviour::glob;
use crate::sim::cluster::Cluster;

/// Answers queries until the cluster stops.
pub(crate) async fn serve(listener: TcpListener, cluster: Arc<Cluster>) {
    let stop = cluster.stop.clone();
    super::accept(listener, &stop, |stream| {
        let cluster = cluster.clone();
        async move {
            let service = service_fn(move |request: Request<Incoming>| {
                let answered = query(&cluster, &request);
                async move { Ok::<_, Infallible>(answered) }
            });
            // A failure here is the client's business: it hears of it.
            http1::Builder::new().serve_connection(TokioIo::new(stream), service).await.ok();
        }
    })
    .await;
}

fn query(cluster: &Cluster, request: &Request<Incoming>) -> Response<Body> {
    if request.uri().path() == "/api/v2/alerts" {
        return answer::json(200, &json!([]));
    }
    let asked = Query::<BTreeMap<String, String>>::try_from_uri(request.uri()).ok();
    let Some(query) = asked.as_ref().and_then(|asked| asked.get("query")).filter(|_| request.uri().path() == "/api/v1/query") else {
        return answer::text(404, "404 page not found\n");
    };
    let value = cluster.with(|world| world.story.measures.iter().find(|m| glob(&m.query, query)).map(|m| m.value));
    let at = cluster.now().as_second();
    let series: Vec<_> = value.iter().map(|value| json!({ "metric": {}, "value": [at, value.to_string()] })).collect();
    answer::json(200, &json!({ "status": "success", "data": { "resultType": "vector", "result": series } }))
}
