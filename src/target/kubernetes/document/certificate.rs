//! What a certificate in a Secret says for itself: for whom, by whom, until when.
//!
//! Owns the sentence. A certificate is what a server shows to everybody; the key beside it stays hidden.

use jiff::Timestamp;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{X509Certificate, X509Name};

use crate::base::text::{clean, elide};

/// Names that are told, of hundreds that some certificates have.
const NAMES: usize = 3;
/// Columns of one name.
const NAME: usize = 80;

/// The first certificate of a PEM file in words; `None` when it is none.
pub(super) fn said(pem: &[u8]) -> Option<String> {
    let (_, pem) = x509_parser::pem::parse_x509_pem(pem).ok()?;
    let certificate = pem.parse_x509().ok()?;
    let until = Timestamp::from_second(certificate.validity().not_after.timestamp()).ok()?;
    let issuer = common_name(certificate.issuer()).unwrap_or_else(|| "an issuer without a name".to_owned());
    Some(format!("certificate of {}, by {issuer}, until {until}", subject(&certificate)))
}

/// The names that it is for; its common name when it has no others.
fn subject(certificate: &X509Certificate<'_>) -> String {
    let alternative = certificate.subject_alternative_name().ok().flatten();
    let dns = |name: &GeneralName<'_>| if let GeneralName::DNSName(dns) = name { Some(short(dns)) } else { None };
    let names: Vec<String> = alternative.map(|san| san.value.general_names.iter().filter_map(dns).collect()).unwrap_or_default();
    match names.len() {
        0 => common_name(certificate.subject()).unwrap_or_else(|| "a subject without a name".to_owned()),
        1..=NAMES => names.join(", "),
        more => format!("{} and {} more", names[..NAMES].join(", "), more - NAMES),
    }
}

fn common_name(name: &X509Name<'_>) -> Option<String> {
    name.iter_common_name().find_map(|cn| cn.as_str().ok()).map(short)
}

fn short(text: &str) -> String {
    elide(&clean(text), NAME).into_owned()
}
