//! Probes that nobody wrote down: certificates of the hosts that Ingresses serve by TLS.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::service::{Endpoint, ProbeKind, ProbeSpec, probe_defaults};

/// Certificates change by the month; asking often would only fill other people's logs.
const INTERVAL: Duration = Duration::from_mins(10);

/// At most so many hosts are asked: a cluster can have thousands.
const MOST: usize = 50;

/// One TLS probe per host, in the order of the hosts, and how many hosts were left out. Wildcards have no address; hosts that a declared
/// probe asks already are not asked twice.
pub fn host_certificates<'a>(hosts: impl IntoIterator<Item = &'a str>, declared: &[ProbeSpec]) -> (Vec<ProbeSpec>, usize) {
    let asked: BTreeSet<&str> = declared
        .iter()
        .filter_map(|spec| match &spec.kind {
            ProbeKind::Tls { at, .. } => Some(at.host.as_str()),
            _ => None,
        })
        .collect();
    let hosts: BTreeSet<&str> = hosts.into_iter().collect();
    let wanted: Vec<&str> = hosts.into_iter().filter(|host| !host.is_empty() && !host.starts_with('*') && !asked.contains(host)).collect();
    let left_out = wanted.len().saturating_sub(MOST);
    let specs = wanted.into_iter().take(MOST).filter_map(spec).collect();
    (specs, left_out)
}

fn spec(host: &str) -> Option<ProbeSpec> {
    let at = Endpoint::parse(host, Some(443)).ok()?;
    let kind = ProbeKind::Tls { at, warn_days: probe_defaults::WARN_DAYS, crit_days: probe_defaults::CRIT_DAYS };
    let title = Some(format!("certificate of {host}"));
    Some(ProbeSpec { title, interval: INTERVAL, critical: false, declared: false, ..ProbeSpec::new(format!("ingress:{host}"), kind) })
}
