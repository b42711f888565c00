//! Opening a client from a kubeconfig against a TLS server of this process.

use std::path::Path;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio_rustls::TlsAcceptor;

use super::{Client, REQUEST, Terminal};
use crate::target::api::ErrorKind;
use crate::target::request::TargetSpec;

fn authority(name: &str) -> CertifiedIssuer<'static, KeyPair> {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// A server whose certificate is for `names`; answers every request with its Authorization header as a JSON string.
async fn serve(authority: &CertifiedIssuer<'static, KeyPair>, names: &[&str]) -> u16 {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>()).unwrap();
    params.distinguished_name.push(DnType::CommonName, "api");
    let certificate = params.signed_by(&key, authority).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(mut stream) = acceptor.accept(stream).await else { return };
                let mut bytes = [0; 8192];
                let length = stream.read(&mut bytes).await.unwrap_or(0);
                let text = String::from_utf8_lossy(&bytes[..length]).to_lowercase();
                let credential = text.lines().find_map(|l| l.strip_prefix("authorization: ")).unwrap_or("none");
                let (code, body) = if credential == "bearer bad" { ("401 Unauthorized", "") } else { ("200 OK", credential) };
                let body = format!("\"{body}\"");
                let answer = format!("HTTP/1.1 {code}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
                let _ = stream.write_all(answer.as_bytes()).await;
                let _ = stream.shutdown().await;
            });
        }
    });
    port
}

fn write(folder: &Path, server: &str, ca: &str, user: &str) -> TargetSpec {
    let path = folder.join("config");
    std::fs::write(folder.join("ca.crt"), ca).unwrap();
    let text = format!(
        "current-context: x\nclusters:\n- {{name: c, cluster: {{server: '{server}', certificate-authority: ca.crt}}}}\n\
         users:\n- {{name: u, user: {user}}}\ncontexts:\n- {{name: x, context: {{cluster: c, user: u}}}}\n"
    );
    std::fs::write(&path, text).unwrap();
    TargetSpec { kubeconfig: Some(path.to_str().unwrap().into()), ..TargetSpec::default() }
}

#[tokio::test]
async fn a_certificate_for_another_name_is_said_to_be_so_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    let ca = authority("right");
    let port = serve(&ca, &["kubernetes", "kubernetes.default.svc"]).await;
    let spec = write(folder.path(), &format!("https://127.0.0.1:{port}"), &ca.pem(), "{token: good}");
    let client = Client::open(&spec, Terminal::Kept).await.unwrap();
    let error = client.json::<String>("/version", REQUEST).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Tls);
    assert!(error.message.contains("is for 'kubernetes', 'kubernetes.default.svc', not for '127.0.0.1'"), "{error}");
}

#[tokio::test]
async fn a_foreign_certificate_is_said_to_be_so_with_both_authorities() {
    let folder = tempfile::tempdir().unwrap();
    let port = serve(&authority("intruder"), &["127.0.0.1"]).await;
    let spec = write(folder.path(), &format!("https://127.0.0.1:{port}"), &authority("mine").pem(), "{token: good}");
    let client = Client::open(&spec, Terminal::Kept).await.unwrap();
    let error = client.reach(REQUEST).await.unwrap_err();
    assert_eq!(error.exit_code(), 3);
    let said = &error.problem.message;
    assert!(said.contains("'CN=api', signed by 'CN=intruder'") && said.contains("trusted is 'CN=mine'"), "{said}");
}

#[tokio::test]
async fn refused_credentials_are_named_by_their_user() {
    let folder = tempfile::tempdir().unwrap();
    let ca = authority("right");
    let server = format!("https://127.0.0.1:{}", serve(&ca, &["127.0.0.1"]).await);
    let good = Client::open(&write(folder.path(), &server, &ca.pem(), "{token: good}"), Terminal::Kept).await.unwrap();
    assert_eq!(good.json::<String>("/version", REQUEST).await.unwrap(), "bearer good");
    let bad = Client::open(&write(folder.path(), &server, &ca.pem(), "{token: bad}"), Terminal::Kept).await.unwrap();
    let error = bad.reach(REQUEST).await.unwrap_err();
    assert!(error.problem.message.contains("does not accept the credentials of user 'u'"), "{error}");
    assert_eq!(error.exit_code(), 3);
}

#[tokio::test]
async fn a_plugin_runs_once_per_credential_and_again_when_it_ran_out_or_was_refused() {
    let folder = tempfile::tempdir().unwrap();
    let ca = authority("right");
    let server = format!("https://127.0.0.1:{}", serve(&ca, &["127.0.0.1"]).await);
    // The n-th run prints the n-th line of `answers`.
    let script = format!("cd {}; echo >> runs; n=$(wc -l < runs); sed -n \"$n\"p answers", folder.path().display());
    let user = serde_json::json!({ "exec": { "apiVersion": "client.authentication.k8s.io/v1", "command": "sh", "args": ["-c", script] } });
    let line = |token: &str, until: &str| format!("{{\"status\":{{\"token\":\"{token}\",\"expirationTimestamp\":\"{until}\"}}}}\n");
    let answers = [line("short", "2020-01-01T00:00:00Z"), line("bad", "2100-01-01T00:00:00Z"), line("long", "2100-01-01T00:00:00Z")];
    std::fs::write(folder.path().join("answers"), answers.concat()).unwrap();
    let client = Client::open(&write(folder.path(), &server, &ca.pem(), &user.to_string()), Terminal::Kept).await.unwrap();
    let runs = || std::fs::read_to_string(folder.path().join("runs")).unwrap().len();
    assert_eq!(runs(), 1);
    let refused = client.json::<String>("/version", REQUEST).await.unwrap_err();
    assert_eq!((refused.kind, runs()), (ErrorKind::Unauthorised, 2), "the first had run out, the second is refused");
    let both = tokio::join!(client.json::<String>("/version", REQUEST), client.json::<String>("/version", REQUEST));
    assert_eq!((both.0.unwrap(), both.1.unwrap()), ("bearer long".into(), "bearer long".into()));
    assert_eq!(runs(), 3, "once for both who waited");
    client.sign_in(Terminal::Kept).await.unwrap_err();
    assert_eq!(client.json::<String>("/version", REQUEST).await.unwrap(), "bearer long", "a sign-in that failed changes nothing");
}

#[tokio::test]
async fn requests_go_through_the_proxy_of_the_kubeconfig_and_errors_name_it() {
    let folder = tempfile::tempdir().unwrap();
    let ca = authority("right");
    let port = serve(&ca, &["127.0.0.1"]).await;
    let proxy = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = proxy.local_addr().unwrap();
    let heard = tokio::spawn(async move {
        let (mut stream, _) = proxy.accept().await.unwrap();
        let mut bytes = [0; 4096];
        let length = stream.read(&mut bytes).await.unwrap();
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let _ = tokio::io::copy_bidirectional(&mut stream, &mut server).await;
        String::from_utf8_lossy(&bytes[..length]).into_owned()
    });
    let spec = write(folder.path(), &format!("https://127.0.0.1:{port}"), &ca.pem(), "{token: good}");
    let path = folder.path().join("config");
    let text = std::fs::read_to_string(&path)
        .unwrap()
        .replace("certificate-authority", &format!("proxy-url: 'http://eve:pw@{address}', certificate-authority"));
    std::fs::write(&path, text).unwrap();
    let client = Client::open(&spec, Terminal::Kept).await.unwrap();
    assert_eq!(client.json::<String>("/version", REQUEST).await.unwrap(), "bearer good");
    let head = heard.await.unwrap().to_lowercase();
    assert!(
        head.starts_with(&format!("connect 127.0.0.1:{port} ")) && head.contains("proxy-authorization: basic zxzlonb3"),
        "{head}"
    );
    let error = client.json::<String>("/version", REQUEST).await.unwrap_err();
    assert!(error.message.contains(&format!("(through the proxy http://{address})")) && !error.message.contains("pw"), "{error}");
}
