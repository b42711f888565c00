//! The driver for endpoints against servers of our own in this process: every way in which an endpoint can behave badly.

mod registry;

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect};
use axum::routing::get;
use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair, date_time_ymd};
use timonel::target::api::ErrorKind;
use timonel::target::net::{Net, Route, Trust};
use timonel::target::probe::{Answer, Ask, Header, Heard, NotHeard, Reach, Refusal, TlsAnswer, Way};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

/// Long enough for any machine; nothing waits for it unless something is wrong.
const PLENTY: Duration = Duration::from_secs(20);

/// A certificate authority that the driver under test trusts, and nobody else.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    der: Vec<u8>,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(Vec::new()).expect("parameters");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.distinguished_name.push(DnType::CommonName, "Test Root");
        params.distinguished_name.push(DnType::OrganizationName, "Timonel");
        let der = params.self_signed(&key).expect("a certificate").der().to_vec();
        Self { issuer: Issuer::new(params, key), der }
    }

    /// The server side of TLS with a certificate for `names`, valid between two years.
    fn acceptor(&self, names: &[&str], years: (i32, i32)) -> TlsAcceptor {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).expect("parameters");
        params.not_before = date_time_ymd(years.0, 1, 1);
        params.not_after = date_time_ymd(years.1, 1, 1);
        params.distinguished_name.push(DnType::CommonName, "front door\u{1b}[2J");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
        let provider = Arc::new(tokio_rustls::rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().expect("versions");
        let chain = vec![CertificateDer::from(certificate.der().to_vec())];
        TlsAcceptor::from(Arc::new(config.with_no_client_auth().with_single_cert(chain, key).expect("a configuration")))
    }

    fn driver(&self) -> Net {
        Net::new(&Trust::Only(vec![self.der.clone()]), Route::Direct).expect("a driver")
    }
}

/// Serves every connection with `serve`, until the test ends.
async fn server<F, R>(serve: F) -> SocketAddr
where
    F: Fn(TcpStream) -> R + Send + 'static,
    R: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}

/// Reads the request's head, so that closing the connection afterwards is a clean end and not a reset.
async fn request(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).await.is_ok_and(|n| n > 0) {
        head.push(byte[0]);
    }
}

/// Answers every request with these bytes and then closes, or hangs.
async fn raw(bytes: &'static [u8], hangs: bool) -> SocketAddr {
    server(move |mut stream| async move {
        request(&mut stream).await;
        let _ = stream.write_all(bytes).await;
        let _ = stream.flush().await;
        if hangs {
            std::future::pending::<()>().await;
        }
    })
    .await
}

async fn web() -> SocketAddr {
    let app = Router::new()
        .route("/ok", get(|| async { ([("X-Thing", "a\tb")], "first\u{1b}[31m line\nsecond") }))
        .route(
            "/agent",
            get(|headers: HeaderMap| async move { headers[header::USER_AGENT].to_str().unwrap().to_owned() + headers["x-token"].to_str().unwrap() }),
        )
        .route("/big", get(|| async { "x".repeat(1 << 20) }))
        .route("/401", get(|| async { StatusCode::UNAUTHORIZED }))
        .route("/404", get(|| async { StatusCode::NOT_FOUND }))
        .route("/503", get(|| async { (StatusCode::SERVICE_UNAVAILABLE, "later").into_response() }))
        .route("/loop", get(|| async { Redirect::temporary("/loop") }));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

async fn ask(net: &Net, way: Way, timeout: Duration) -> Answer {
    net.ask(&Ask { way, timeout }).await
}

async fn http(url: String) -> Result<timonel::target::probe::HttpAnswer, NotHeard> {
    http_of(&Authority::new().driver(), url).await
}

async fn http_of(net: &Net, url: String) -> Result<timonel::target::probe::HttpAnswer, NotHeard> {
    match ask(net, Way::Http { url, headers: Vec::new() }, PLENTY).await.heard? {
        Heard::Http(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

async fn tls(net: &Net, host: &str, at: SocketAddr) -> Result<TlsAnswer, NotHeard> {
    match ask(net, Way::Tls { host: host.into(), port: at.port() }, PLENTY).await.heard? {
        Heard::Tls(answer) => Ok(answer),
        other => panic!("{other:?}"),
    }
}

/// A TLS server that answers every request with 200.
async fn secure(acceptor: TlsAcceptor) -> SocketAddr {
    server(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            request(&mut stream).await;
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok").await;
            let _ = stream.shutdown().await;
        }
    })
    .await
}

#[tokio::test]
async fn an_answer_comes_with_status_headers_and_a_clean_body() {
    let answer = http(format!("http://{}/ok", web().await)).await.expect("an answer");
    assert_eq!((answer.status, answer.header("x-thing"), answer.body.as_str()), (200, Some("a b"), "first line\nsecond"));
    assert!(!answer.cut && answer.certificate.is_none());
}

#[tokio::test]
async fn bad_statuses_are_answers_and_redirects_are_not_followed() {
    let at = web().await;
    for (path, status) in [("401", 401), ("404", 404), ("503", 503), ("loop", 307)] {
        assert_eq!(http(format!("http://{at}/{path}")).await.expect("an answer").status, status);
    }
    let redirect = http(format!("http://{at}/loop")).await.expect("an answer");
    assert_eq!(redirect.header("location"), Some("/loop"));
}

#[tokio::test]
async fn a_large_body_is_cut_and_the_endpoint_learns_who_asks() {
    let at = web().await;
    let big = http(format!("http://{at}/big")).await.expect("an answer");
    assert_eq!((big.body.len(), big.cut), (256 << 10, true));
    let way = Way::Http { url: format!("http://{at}/agent"), headers: vec![Header { name: "X-Token".into(), value: "hunter2".into() }] };
    assert!(!format!("{way:?}").contains("hunter2"));
    let Ok(Heard::Http(answer)) = ask(&Authority::new().driver(), way, PLENTY).await.heard else { panic!("no answer") };
    assert!(answer.body.starts_with("timonel/") && answer.body.ends_with("hunter2"), "{}", answer.body);
}

#[tokio::test]
async fn a_slow_endpoint_ends_at_the_deadline_wherever_it_stops() {
    let silent = server(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    let half = raw(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf", true).await;
    let short = Duration::from_millis(400);
    let net = Authority::new().driver();
    for (way, what) in [
        (Way::Http { url: format!("http://{silent}/"), headers: vec![] }, "no answer within 400ms"),
        (Way::Http { url: format!("http://{half}/"), headers: vec![] }, ""),
        (Way::Tls { host: "127.0.0.1".into(), port: silent.port() }, "no answer within 400ms"),
    ] {
        let answer = ask(&net, way, short).await;
        let why = answer.heard.expect_err("no answer");
        assert_eq!((why.kind, why.here), (ErrorKind::Timeout, false));
        assert!(why.message.contains(what), "{why:?}");
        assert!(answer.took >= short);
    }
}

#[tokio::test]
async fn a_cut_answer_and_one_that_is_no_http_are_no_answers() {
    for bytes in [&b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"[..], b"", b"SSH-2.0-OpenSSH_9.6\r\n"] {
        let at = raw(bytes, false).await;
        let why = http(format!("http://{at}/?token=hunter2")).await.expect_err("no answer");
        assert_eq!((why.kind, why.here), (ErrorKind::Garbage, false), "{why:?}");
        assert!(!why.message.contains("hunter2"), "{why:?}");
    }
}

#[tokio::test]
async fn nobody_listening_is_told_in_three_words() {
    let at = TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address");
    let net = Authority::new().driver();
    for way in [
        Way::Tcp { host: "127.0.0.1".into(), port: at.port() },
        Way::Tls { host: "127.0.0.1".into(), port: at.port() },
        Way::Http { url: format!("http://{at}/"), headers: vec![] },
    ] {
        let why = ask(&net, way, PLENTY).await.heard.expect_err("nobody listens");
        assert_eq!((why.kind, why.message.as_str(), why.here), (ErrorKind::Unreachable, "connection refused", false));
    }
}

#[tokio::test]
async fn an_open_port_is_connected_and_a_pod_is_not_asked_from_here() {
    let net = Authority::new().driver();
    let at = web().await;
    let open = ask(&net, Way::Tcp { host: "127.0.0.1".into(), port: at.port() }, PLENTY).await;
    assert_eq!(open.heard, Ok(Heard::Connected));
    let pod = Way::PodProxy { namespace: "n".into(), pod: "p".into(), port: 80, path: "/".into() };
    assert!(ask(&net, pod, PLENTY).await.heard.expect_err("not here").here);
}

#[tokio::test]
async fn a_good_certificate_is_read_by_the_handshake_and_by_https() {
    let authority = Authority::new();
    let at = secure(authority.acceptor(&["localhost", "127.0.0.1"], (2020, 2090))).await;
    let net = authority.driver();
    let answer = tls(&net, "127.0.0.1", at).await.expect("a handshake");
    assert_eq!((answer.refused, answer.version.as_str()), (None, "TLSv1.3"));
    assert_eq!(answer.certificate.issuer, "Test Root, Timonel");
    assert_eq!(answer.certificate.subject, "front door", "control sequences are gone");
    assert_eq!(answer.certificate.names, ["localhost", "127.0.0.1"]);
    assert_eq!(answer.certificate.not_after.to_string(), "2090-01-01T00:00:00Z");
    let page = http_of(&net, format!("https://{at}/")).await.expect("an answer");
    assert_eq!(page.certificate.map(|c| c.not_after), Some(answer.certificate.not_after));
}

#[tokio::test]
async fn a_bad_certificate_is_read_all_the_same_and_https_says_why_it_is_refused() {
    let (authority, stranger) = (Authority::new(), Authority::new());
    let names: &[&str] = &["127.0.0.1"];
    for (acceptor, refusal, words) in [
        (authority.acceptor(names, (2001, 2002)), Refusal::Expired, "has expired"),
        (authority.acceptor(names, (2089, 2090)), Refusal::NotYetValid, "not valid yet"),
        (authority.acceptor(&["shop.example.com"], (2020, 2090)), Refusal::WrongName, "for other names"),
        (stranger.acceptor(names, (2020, 2090)), Refusal::Untrusted, "nobody trusted here signed"),
    ] {
        let at = secure(acceptor).await;
        let net = authority.driver();
        let answer = tls(&net, "127.0.0.1", at).await.expect("a handshake is read whatever the certificate");
        assert_eq!(answer.refused, Some(refusal));
        assert_eq!(answer.certificate.issuer, "Test Root, Timonel");
        let why = http_of(&net, format!("https://{at}/")).await.expect_err("https must not trust it");
        assert_eq!(why.kind, ErrorKind::Tls);
        assert!(why.message.contains(words), "{why:?}");
    }
}

#[tokio::test]
async fn a_port_without_tls_says_so() {
    let at = server(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.6\r\n").await;
        let _ = stream.read(&mut [0]).await;
    })
    .await;
    let why = tls(&Authority::new().driver(), "127.0.0.1", at).await.expect_err("no TLS");
    assert!(matches!(why.kind, ErrorKind::Tls | ErrorKind::Garbage), "{why:?}");
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_no_answer_of_the_endpoint() {
    let net = Authority::new().driver();
    let why = ask(&net, Way::Tcp { host: "no-such-host.invalid".into(), port: 1 }, PLENTY)
        .await
        .heard
        .expect_err("no such name");
    assert_eq!(why.kind, ErrorKind::Unreachable);
    assert!(why.message.contains("name is not known") || why.here, "{why:?}");
}

#[test]
fn the_machines_own_trust_can_be_set_up() {
    Net::new(&Trust::System, Route::Environment).expect("a driver");
}
