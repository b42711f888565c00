//! The hash chain: what seals a line, and what a sealed line says about itself.
//!
//! Owns the canonical form (RFC 8785) and the hash. Pure.

use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::base::id::hex;

/// Sequence number and hash of a line: all that the next one needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    pub seq: u64,
    pub hash: String,
}

/// SHA-256 over the canonical form of a line without its own hash.
pub(super) fn hash(line: &Map<String, Value>) -> String {
    let mut bare = line.clone();
    bare.shift_remove("hash");
    let value = Value::Object(bare);
    // Lines hold strings, whole numbers and plain fractions, which always have a canonical form.
    let canonical = serde_json_canonicalizer::to_vec(&value).unwrap_or_else(|_| value.to_string().into_bytes());
    format!("sha256:{}", hex(&Sha256::digest(canonical)))
}

/// Completes a line: its number, the hash of the line before, its own hash. Returns the text with its line break.
pub(super) fn seal(mut line: Map<String, Value>, after: Option<&Link>) -> (String, Link) {
    let seq = after.map_or(1, |l| l.seq + 1);
    line.insert("seq".into(), seq.into());
    line.insert("prev".into(), after.map(|l| l.hash.as_str()).into());
    let hash = hash(&line);
    line.insert("hash".into(), hash.as_str().into());
    let mut text = Value::Object(line).to_string();
    text.push('\n');
    (text, Link { seq, hash })
}

/// Reads number and stored hash of a line. `None` = it is no line of a journal.
pub(super) fn link(line: &Map<String, Value>) -> Option<Link> {
    Some(Link { seq: line.get("seq")?.as_u64()?, hash: line.get("hash")?.as_str()?.to_owned() })
}

/// Parses one line.
pub(super) fn parse(text: &str) -> Option<Map<String, Value>> {
    match serde_json::from_str(text).ok()? {
        Value::Object(map) => Some(map),
        _ => None,
    }
}
