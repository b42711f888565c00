//! An admission webhook of one test: allows, denies, or falls silent, for the dry run and the real write apart.
//!
//! Owns the server and its registration. What it answers is the test's to say.

use std::io;
use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use crate::cluster::{Cluster, Namespace};

/// What it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Says {
    /// Let it through.
    Yes,
    /// Deny it.
    No,
    /// Nothing: the connection ends.
    Nothing,
}

/// What it says to a dry run and to a real write.
type Mood = Arc<Mutex<(Says, Says)>>;

/// A webhook that is asked about every scale in a namespace; unregistered when it is dropped.
pub(crate) struct Webhook<'a> {
    space: &'a Namespace<'a>,
    mood: Mood,
    _runtime: Runtime,
}

const CONFIGURATION: &str = "ValidatingWebhookConfiguration";

impl<'a> Webhook<'a> {
    /// One that says `dry` to a dry run and `real` to a real write.
    pub(crate) fn new(cluster: &Cluster, space: &'a Namespace<'a>, dry: Says, real: Says) -> Self {
        let runtime = Runtime::new().unwrap_or_else(|error| panic!("{error}"));
        let own = rcgen::generate_simple_self_signed(vec!["127.0.0.1".to_owned()]).unwrap_or_else(|error| panic!("{error}"));
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.signing_key.serialize_der()));
        let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![own.cert.der().clone()], key);
        let acceptor = TlsAcceptor::from(Arc::new(config.unwrap_or_else(|error| panic!("{error}"))));
        let listener = runtime.block_on(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).expect("a free port");
        let port = listener.local_addr().expect("a bound port").port();
        let mood = Arc::new(Mutex::new((dry, real)));
        runtime.spawn(accept(listener, acceptor, Arc::clone(&mood)));
        let name = space.name();
        let authority = STANDARD.encode(own.cert.pem());
        let registration = json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": CONFIGURATION, "metadata": {"name": name},
            "webhooks": [{"name": "friday.timonel.test", "failurePolicy": "Fail", "sideEffects": "None", "admissionReviewVersions": ["v1"],
                "timeoutSeconds": 5, "clientConfig": {"url": format!("https://127.0.0.1:{port}/"), "caBundle": authority},
                "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": name}},
                "rules": [{"apiGroups": ["apps"], "apiVersions": ["v1"], "operations": ["UPDATE"], "resources": ["deployments/scale"]}]}]});
        cluster.apply_all(&[registration]).unwrap_or_else(|error| panic!("{error}"));
        Self { space, mood, _runtime: runtime }
    }

    /// Says something else from now on.
    pub(crate) fn says(&self, dry: Says, real: Says) {
        *self.mood.lock().unwrap_or_else(PoisonError::into_inner) = (dry, real);
    }
}

impl Drop for Webhook<'_> {
    fn drop(&mut self) {
        self.space.delete("admissionregistration.k8s.io/v1", CONFIGURATION, self.space.name());
    }
}

async fn accept(listener: TcpListener, acceptor: TlsAcceptor, mood: Mood) {
    while let Ok((stream, _)) = listener.accept().await {
        let (acceptor, mood) = (acceptor.clone(), Arc::clone(&mood));
        tokio::spawn(async move {
            let Ok(stream) = acceptor.accept(stream).await else { return };
            let service = service_fn(move |request| answer(request, Arc::clone(&mood)));
            // An error is how a connection ends here.
            let _ = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(request: Request<Incoming>, mood: Mood) -> io::Result<Response<Full<Bytes>>> {
    let body = request.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
    let review: Value = serde_json::from_slice(&body)?;
    let (dry, real) = *mood.lock().unwrap_or_else(PoisonError::into_inner);
    let says = if review["request"]["dryRun"] == true { dry } else { real };
    if says == Says::Nothing {
        return Err(io::Error::other("it is silent"));
    }
    let mut response = json!({"uid": review["request"]["uid"], "allowed": says == Says::Yes});
    if says == Says::No {
        response["status"] = json!({"code": 403, "message": "nobody scales on a Friday"});
    }
    let text = json!({"apiVersion": "admission.k8s.io/v1", "kind": "AdmissionReview", "response": response});
    let answer = Response::builder().header(http::header::CONTENT_TYPE, "application/json");
    answer.body(Full::new(Bytes::from(text.to_string()))).map_err(io::Error::other)
}
