//! Ids that the program makes itself.
//!
//! Owns the form of run ids and the cutting of names made from them (contract.md 2).

use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

/// Kubernetes allows 63 characters in most names and label values (RFC 1123 label).
pub const NAME_MAX: usize = 63;

/// `YYYYMMDD-HHMMSS-action-xxxx` in UTC, `xxxx` being four hex digits taken from `random`.
pub fn run_id(now: Timestamp, action: &str, random: u16) -> String {
    let t = now.to_zoned(TimeZone::UTC);
    format!("{}-{action}-{random:04x}", t.strftime("%Y%m%d-%H%M%S"))
}

/// Cuts an object name to 63 characters; what is cut is replaced by a hash of the whole, so that two long names stay two.
pub fn object_name(name: &str) -> String {
    if name.len() <= NAME_MAX {
        return name.to_owned();
    }
    let hash = hex(&Sha256::digest(name.as_bytes()));
    format!("{}-{}", name[..NAME_MAX - 9].trim_end_matches(['-', '.']), &hash[..8])
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut s, b| {
        let _ = write!(s, "{b:02x}");
        s
    })
}

#[cfg(test)]
mod tests {
    use super::{object_name, run_id};

    #[test]
    fn a_run_id_sorts_by_time_and_names_its_action() {
        let now = "2026-11-22T14:33:12Z".parse().expect("a time");
        assert_eq!(run_id(now, "scale", 0x7f3a), "20261122-143312-scale-7f3a");
    }

    #[test]
    fn long_names_are_cut_and_stay_distinct() {
        let (a, b) = ("a".repeat(70), format!("{}b", "a".repeat(69)));
        assert!(object_name(&a).len() <= 63);
        assert_ne!(object_name(&a), object_name(&b));
    }
}
