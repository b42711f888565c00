//! What a certificate says: until when, for whom, by whom.

use std::net::IpAddr;

use jiff::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate, X509Name};

use super::super::probe::CertificateFacts;
use crate::base::text::{clean, elide};

/// At most so many names are kept: some certificates have hundreds.
const NAMES: usize = 50;

/// At most so many columns of one name.
const NAME: usize = 120;

/// Reads a certificate (DER). `None` when it is none.
pub(super) fn facts(der: &[u8]) -> Option<CertificateFacts> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let validity = certificate.validity();
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let names = alternative.map(|san| san.value.general_names.iter().filter_map(name).take(NAMES).collect());
    Some(CertificateFacts {
        not_before: Timestamp::from_second(validity.not_before.timestamp()).ok()?,
        not_after: Timestamp::from_second(validity.not_after.timestamp()).ok()?,
        issuer: issuer(certificate.issuer()),
        subject: common_name(certificate.subject()).unwrap_or_default(),
        names: names.unwrap_or_default(),
    })
}

/// The issuer's common name with its organisation, as people know it: `R11, Let's Encrypt`.
fn issuer(name: &X509Name<'_>) -> String {
    let organisation = name.iter_organization().find_map(|o| o.as_str().ok()).map(short);
    match (common_name(name), organisation) {
        (Some(common), Some(organisation)) => format!("{common}, {organisation}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => short(&name.to_string()),
    }
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().find_map(|cn| cn.as_str().ok()).map(short)
}

fn name(name: &GeneralName<'_>) -> Option<String> {
    match name {
        GeneralName::DNSName(dns) => Some(short(dns)),
        GeneralName::IPAddress(bytes) => match bytes.len() {
            4 => <[u8; 4]>::try_from(*bytes).ok().map(|b| IpAddr::from(b).to_string()),
            16 => <[u8; 16]>::try_from(*bytes).ok().map(|b| IpAddr::from(b).to_string()),
            _ => None,
        },
        _ => None,
    }
}

fn short(text: &str) -> String {
    elide(&clean(text), NAME).into_owned()
}
