//! The envelope around protobuf: `k8s\0` + runtime.Unknown, lists, watch frames.
//!
//! Owns the framing that clients of the API expect. Must not know any kind.

use super::decode::part;
use super::encode::{bytes, nested, tag, varint};

/// The first bytes of every protobuf body.
pub(crate) const MAGIC: &[u8] = b"k8s\0";

/// What was in an envelope.
pub(crate) struct Opened<'a> {
    /// `apps/v1`; empty when the sender did not say.
    pub(crate) api_version: String,
    /// `Deployment`; empty when the sender did not say.
    pub(crate) kind: String,
    /// The message.
    pub(crate) raw: &'a [u8],
}

/// Opens an envelope; `None` when it is none.
pub(crate) fn open(body: &[u8]) -> Option<Opened<'_>> {
    let body = body.strip_prefix(MAGIC)?;
    let meta = part(body, 1).unwrap_or_default();
    let text = |n| part(meta, n).map(|b| String::from_utf8_lossy(b).into_owned()).unwrap_or_default();
    Some(Opened { api_version: text(1), kind: text(2), raw: part(body, 2).unwrap_or_default() })
}

/// The envelope up to and without the `length` bytes of the message, which the caller appends.
pub(crate) fn head(api_version: &str, kind: &str, length: usize) -> Vec<u8> {
    let mut out = MAGIC.to_vec();
    nested(&mut out, 1, |out| {
        bytes(out, 1, api_version.as_bytes());
        bytes(out, 2, kind.as_bytes());
    });
    tag(&mut out, 2, 2);
    varint(&mut out, length as u64);
    out
}

/// What follows the message in an envelope: empty content encoding and type, as the server writes them.
pub(crate) const TAIL: &[u8] = &[0x1a, 0x00, 0x22, 0x00];

/// A whole envelope.
pub(crate) fn envelope(api_version: &str, kind: &str, raw: &[u8]) -> Vec<u8> {
    let mut out = head(api_version, kind, raw.len());
    out.extend_from_slice(raw);
    out.extend_from_slice(TAIL);
    out
}

/// One frame of a watch: a 4-byte big-endian length and a meta.v1.WatchEvent whose object is an envelope.
pub(crate) fn watch(event: &str, envelope: &[u8]) -> Vec<u8> {
    let mut message = Vec::with_capacity(envelope.len() + 32);
    bytes(&mut message, 1, event.as_bytes());
    nested(&mut message, 2, |out| bytes(out, 1, envelope));
    let mut out = u32::try_from(message.len()).unwrap_or(u32::MAX).to_be_bytes().to_vec();
    out.extend_from_slice(&message);
    out
}
