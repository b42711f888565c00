//! TLS: whom to trust, and a handshake that is read even when the certificate cannot be trusted.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme};
use tokio_rustls::TlsConnector;

use super::super::api::ErrorKind;
use super::super::probe::{NotHeard, Refusal, TlsAnswer};
use super::{Trust, certificate, connect, failure};

/// The one TLS provider of the program.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(rustls::crypto::ring::default_provider())
}

/// Who judges certificates.
///
/// A machine without any certificate authority (a container from scratch) trusts nobody; that is said about each certificate and
/// does not keep the driver from working.
pub(super) fn verifier(trust: &Trust) -> Result<Arc<dyn ServerCertVerifier>, NotHeard> {
    match trust {
        Trust::System => Ok(match rustls_platform_verifier::Verifier::new(provider()) {
            Ok(verifier) => Arc::new(verifier),
            Err(_) => Arc::new(Nobody(provider())),
        }),
        Trust::Only(roots) => {
            let mut store = RootCertStore::empty();
            store.add_parsable_certificates(roots.iter().map(|der| CertificateDer::from(der.clone())));
            let built = WebPkiServerVerifier::builder_with_provider(Arc::new(store), provider()).build();
            built
                .map(|v| v as Arc<dyn ServerCertVerifier>)
                .map_err(|why| failure::not_heard(ErrorKind::Tls, &why.to_string(), true))
        }
    }
}

/// The client side of TLS with a judge of certificates.
pub(super) fn config(verifier: Arc<dyn ServerCertVerifier>) -> Result<ClientConfig, NotHeard> {
    let builder = ClientConfig::builder_with_provider(provider()).with_safe_default_protocol_versions();
    let builder = builder.map_err(|why| failure::not_heard(ErrorKind::Tls, &why.to_string(), true))?;
    Ok(builder.dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth())
}

/// Connects, shakes hands and closes. A certificate that is refused is an answer too: what it says is why somebody asks.
///
/// Nothing is sent over the connection besides the handshake, so that whom it is with does not matter.
pub(super) async fn handshake(verifier: &Arc<dyn ServerCertVerifier>, host: &str, port: u16) -> Result<TlsAnswer, NotHeard> {
    let name = server_name(host)?;
    let recorder = Arc::new(Recorder { judge: verifier.clone(), seen: Mutex::default() });
    let config = config(recorder.clone())?;
    let tcp = connect(host, port).await?;
    let stream = TlsConnector::from(Arc::new(config)).connect(name, tcp).await.map_err(|why| failure::of(&why))?;
    let version = stream.get_ref().1.protocol_version().map_or("", version_word);
    let seen = recorder.seen.lock().unwrap_or_else(PoisonError::into_inner).take();
    let unreadable = || failure::not_heard(ErrorKind::Tls, "the server showed no certificate that can be read", false);
    let seen = seen.ok_or_else(unreadable)?;
    let certificate = certificate::facts(&seen.certificate).ok_or_else(unreadable)?;
    Ok(TlsAnswer { certificate, version: version.to_owned(), refused: seen.refused })
}

/// The name that a certificate of that host must have.
pub(super) fn server_name(host: &str) -> Result<ServerName<'static>, NotHeard> {
    let name = match host.parse::<IpAddr>() {
        Ok(address) => Ok(ServerName::from(address)),
        Err(_) => ServerName::try_from(host.to_owned()),
    };
    name.map_err(|_| failure::not_heard(ErrorKind::Invalid, "no certificate can be for such a name", false))
}

fn version_word(version: rustls::ProtocolVersion) -> &'static str {
    match version {
        rustls::ProtocolVersion::TLSv1_3 => "TLSv1.3",
        rustls::ProtocolVersion::TLSv1_2 => "TLSv1.2",
        _ => "",
    }
}

/// Lets every certificate pass and remembers what a real judge says about it.
#[derive(Debug)]
struct Recorder {
    judge: Arc<dyn ServerCertVerifier>,
    seen: Mutex<Option<Seen>>,
}

#[derive(Debug)]
struct Seen {
    certificate: Vec<u8>,
    refused: Option<Refusal>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let judged = self.judge.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        let refused = judged.err().map(|why| match why {
            Error::InvalidCertificate(why) => failure::refusal(&why),
            other => Refusal::Other(other.to_string()),
        });
        let seen = Seen { certificate: end_entity.to_vec(), refused };
        *self.seen.lock().unwrap_or_else(PoisonError::into_inner) = Some(seen);
        Ok(ServerCertVerified::assertion())
    }

    // That the server has the certificate's key is always checked: somebody else's certificate would say nothing.
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.judge.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.judge.supported_verify_schemes()
    }
}

/// A judge for a machine that knows no certificate authority.
#[derive(Debug)]
struct Nobody(Arc<CryptoProvider>);

impl ServerCertVerifier for Nobody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Err(Error::InvalidCertificate(CertificateError::UnknownIssuer))
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls12_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        rustls::crypto::verify_tls13_signature(message, cert, dss, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
