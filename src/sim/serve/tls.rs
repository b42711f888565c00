//! The certificate of a simulated cluster, made anew at every start.
//!
//! Owns the key, which never leaves memory.

use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// A certificate with its key, and the authority that signed it.
pub(crate) struct Certificate {
    /// PEM of the authority, for kubeconfigs.
    pub(crate) authority: String,
    config: Arc<ServerConfig>,
}

impl Certificate {
    /// Makes a new authority and a certificate for loopback.
    pub(crate) fn generate() -> Result<Self, String> {
        let words = |e: rcgen::Error| format!("No certificate for the simulated cluster could be made: {e}.");
        let mut ca = CertificateParams::default();
        ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
        ca.distinguished_name.push(DnType::CommonName, "timonel simulated cluster");
        let ca_key = KeyPair::generate().map_err(words)?;
        let authority = ca.self_signed(&ca_key).map_err(words)?.pem();
        let issuer = Issuer::new(ca, ca_key);
        let names = ["localhost", "127.0.0.1", "kubernetes", "kubernetes.default.svc"].map(str::to_owned).to_vec();
        let mut leaf = CertificateParams::new(names).map_err(words)?;
        leaf.distinguished_name.push(DnType::CommonName, "kube-apiserver");
        leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let key = KeyPair::generate().map_err(words)?;
        let certificate = leaf.signed_by(&key, &issuer).map_err(words)?;
        let config = config(certificate.der().clone(), &key).map_err(|e| format!("The simulated cluster cannot use its certificate: {e}."))?;
        Ok(Self { authority, config: Arc::new(config) })
    }

    /// Accepts TLS connections with it.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.config.clone())
    }
}

fn config(certificate: CertificateDer<'static>, key: &KeyPair) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?.with_no_client_auth();
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(|e| rustls::Error::General(e.to_owned()))?;
    let mut config = builder.with_single_cert(vec![certificate], key)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
