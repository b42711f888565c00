//! Certificates, tokens and kubeconfigs of a bed. Everything is made anew for each bed and dies with its folder.

use std::fs;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose};

/// A role that the tests act as: user name, group.
pub(crate) const USERS: &[(&str, &str)] = &[
    // Everything.
    ("admin", "system:masters"),
    // What contract and documentation call the viewer: the built-in `view` role, leases, the identity of the cluster.
    ("viewer", "viewers"),
    // Changes workloads and takes locks; two of them, so that one can be in the other's way.
    ("operator", "operators"),
    ("second", "operators"),
    // Known to the server, and allowed nothing.
    ("stranger", "strangers"),
];

/// Writes every key, certificate and kubeconfig into `folder`. `server` is the API server's address, `node` the node's.
pub(crate) fn make(folder: &Path, server: &str, node: &str) -> Result<(), String> {
    let authority = authority()?;
    write(folder, "ca.crt", &authority.pem())?;
    let names = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc", "127.0.0.1", "10.0.0.1"];
    leaf(folder, "server", "kube-apiserver", None, &names, &authority)?;
    leaf(folder, "front", "front-proxy", None, &[], &authority)?;
    leaf(folder, "kubelet-client", "kube-apiserver-kubelet-client", Some("system:masters"), &[], &authority)?;
    leaf(folder, "kubelet", "kubelet", None, &["localhost", "127.0.0.1", node], &authority)?;
    let accounts = KeyPair::generate().map_err(|error| error.to_string())?;
    write(folder, "accounts.key", &accounts.serialize_pem())?;
    write(folder, "accounts.pub", &accounts.public_key_pem())?;
    let tokens: String = USERS
        .iter()
        .enumerate()
        .map(|(id, (user, group))| format!("{user}-token,{user},{id},\"{group}\"\n"))
        .collect();
    write(folder, "tokens.csv", &tokens)?;
    for (user, _) in USERS {
        write(folder, &format!("{user}.kubeconfig"), &kubeconfig(folder, server, user))?;
    }
    Ok(())
}

/// A kubeconfig for one of [`USERS`], with the bed's context name.
pub(crate) fn kubeconfig(folder: &Path, server: &str, user: &str) -> String {
    let authority = folder.join("ca.crt");
    let config = serde_json::json!({
        "apiVersion": "v1", "kind": "Config",
        "clusters": [{"name": "bed", "cluster": {"server": server, "certificate-authority": authority}}],
        "users": [{"name": user, "user": {"token": format!("{user}-token")}}],
        "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": user}}],
        "current-context": "bed",
    });
    format!("{config:#}\n")
}

fn authority() -> Result<CertifiedIssuer<'static, KeyPair>, String> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature, KeyUsagePurpose::CrlSign];
    params.distinguished_name.push(DnType::CommonName, "timonel test authority");
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    CertifiedIssuer::self_signed(params, key).map_err(|error| error.to_string())
}

fn leaf(
    folder: &Path,
    file: &str,
    name: &str,
    group: Option<&str>,
    addresses: &[&str],
    authority: &CertifiedIssuer<'static, KeyPair>,
) -> Result<(), String> {
    let addresses: Vec<String> = addresses.iter().map(|address| (*address).to_owned()).collect();
    let mut params = CertificateParams::new(addresses).map_err(|error| error.to_string())?;
    params.distinguished_name.push(DnType::CommonName, name);
    if let Some(group) = group {
        params.distinguished_name.push(DnType::OrganizationName, group);
    }
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth, ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().map_err(|error| error.to_string())?;
    let certificate = params.signed_by(&key, authority).map_err(|error| error.to_string())?;
    write(folder, &format!("{file}.crt"), &certificate.pem())?;
    write(folder, &format!("{file}.key"), &key.serialize_pem())
}

fn write(folder: &Path, name: &str, text: &str) -> Result<(), String> {
    fs::write(folder.join(name), text).map_err(|error| format!("{}: {error}", folder.join(name).display()))
}
