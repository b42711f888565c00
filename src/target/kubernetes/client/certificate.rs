//! What a server shows of itself when its certificate is not trusted: whose it is, who signed it.
//!
//! Owns one TLS handshake that is always broken off, for the words of an error message. Must not send anything over it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use base64::Engine as _;
use http::Uri;
use jiff::Timestamp;
use kube::config::AuthInfo;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer as _, X509Certificate};

use crate::target::kubernetes::error::shown;

/// How long the look at a certificate may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whose certificate a server shows and who signed it, as one clause; `None` when it could not be looked at.
pub(super) async fn presented(server: &Uri, server_name: Option<&str>) -> Option<String> {
    let host = server.host()?.trim_matches(['[', ']']);
    let name = ServerName::try_from(server_name.unwrap_or(host).to_owned()).ok()?;
    let port = server.port_u16().unwrap_or(443);
    let onlooker = Arc::new(Onlooker::default());
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .ok()?
        .dangerous()
        .with_custom_certificate_verifier(onlooker.clone())
        .with_no_client_auth();
    let look = async {
        let stream = TcpStream::connect((host, port)).await.ok()?;
        // Ends in an error by design: the onlooker trusts nothing.
        TlsConnector::from(Arc::new(config)).connect(name, stream).await.err()
    };
    tokio::time::timeout(PATIENCE, look).await.ok()??;
    let seen = onlooker.seen.lock().unwrap_or_else(PoisonError::into_inner).take()?;
    let (_, certificate) = X509Certificate::from_der(&seen).ok()?;
    let (subject, issuer) = (certificate.subject().to_string(), certificate.issuer().to_string());
    Some(if subject == issuer {
        format!("the certificate is '{}', signed by itself", shown(&subject))
    } else {
        format!("the certificate is '{}', signed by '{}'", shown(&subject), shown(&issuer))
    })
}

/// The names of certificate authorities in DER, quoted.
pub(super) fn authorities(roots: &[Vec<u8>]) -> String {
    let names = roots.iter().filter_map(|der| X509Certificate::from_der(der).ok());
    let names: Vec<String> = names.take(3).map(|(_, c)| format!("'{}'", shown(&c.subject().to_string()))).collect();
    if names.is_empty() { "one that cannot be read".into() } else { names.join(", ") }
}

/// When the client certificate of a user ended, if it has one and that is so.
pub(super) fn ended(auth: &AuthInfo, now: Timestamp) -> Option<Timestamp> {
    let pem = match (&auth.client_certificate_data, &auth.client_certificate) {
        (Some(data), _) => base64::engine::general_purpose::STANDARD.decode(data).ok()?,
        (None, Some(path)) => std::fs::read(path).ok()?,
        (None, None) => return None,
    };
    let (_, pem) = x509_parser::pem::parse_x509_pem(&pem).ok()?;
    let end = pem.parse_x509().ok()?.validity().not_after.timestamp();
    Timestamp::from_second(end).ok().filter(|end| *end < now)
}

/// Sees a certificate and trusts none.
#[derive(Debug, Default)]
struct Onlooker {
    seen: Mutex<Option<Vec<u8>>>,
}

impl ServerCertVerifier for Onlooker {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(end_entity.to_vec());
        Err(rustls::Error::InvalidCertificate(rustls::CertificateError::ApplicationVerificationFailure))
    }

    fn verify_tls12_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("nothing is trusted here".into()))
    }

    fn verify_tls13_signature(&self, _: &[u8], _: &CertificateDer<'_>, _: &DigitallySignedStruct) -> Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("nothing is trusted here".into()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        rustls::crypto::ring::default_provider().signature_verification_algorithms.supported_schemes()
    }
}
