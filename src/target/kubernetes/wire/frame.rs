//! The frames of a watch: length-delimited protobuf, or one JSON document a line.
//!
//! Owns cutting a stream of chunks into frames and opening their envelopes. Holds at most one frame.

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Format, WireError};
use crate::target::model::{Object, ObjectRef};

/// Begins every protobuf body of Kubernetes (apimachinery `serializer/protobuf`).
pub(super) const MAGIC: &[u8] = b"k8s\0";

/// No frame is longer: etcd refuses objects above a few megabytes. A length beyond this is garbage, and must not be waited for.
const FRAME_MAX: usize = 32 << 20;

/// One frame of a watch.
#[derive(Debug)]
pub(crate) enum Frame {
    /// An object is there or changed.
    Applied(Object),
    /// An object is gone.
    Deleted {
        /// Which.
        reference: ObjectRef,
        /// The version of its going, 0 when it is not a number.
        version: u64,
    },
    /// Nothing changed up to a version.
    Bookmark {
        /// The version.
        version: String,
        /// The objects that were there at the start have all been sent.
        initial_end: bool,
    },
    /// The server ends the watch; a Status as JSON, or as protobuf with its magic.
    Error(Bytes),
}

/// Cuts the body of a watch into frames.
#[derive(Debug)]
pub(crate) struct Frames {
    format: Format,
    buffer: BytesMut,
    /// Bytes of the buffer that are known to hold no line break, so that a long line is not searched again and again.
    searched: usize,
}

impl Frames {
    /// For a body in `format`.
    pub(crate) fn new(format: Format) -> Self {
        Self { format, buffer: BytesMut::new(), searched: 0 }
    }

    /// Takes the next piece of the body.
    pub(crate) fn feed(&mut self, chunk: &[u8]) {
        self.buffer.extend_from_slice(chunk);
    }

    /// The next complete frame, if there is one.
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        match self.format {
            Format::Protobuf => self.next_delimited(),
            Format::Json => self.next_line(),
        }
    }

    fn next_delimited(&mut self) -> Result<Option<Bytes>, WireError> {
        let Some(prefix) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*prefix) as usize;
        if length > FRAME_MAX {
            return Err(WireError::Framing("a frame is longer than any object can be"));
        }
        if self.buffer.len() < 4 + length {
            self.buffer.reserve(4 + length - self.buffer.len());
            return Ok(None);
        }
        self.buffer.advance(4);
        Ok(Some(self.buffer.split_to(length).freeze()))
    }

    fn next_line(&mut self) -> Result<Option<Bytes>, WireError> {
        while let Some(at) = self.buffer[self.searched..].iter().position(|b| *b == b'\n') {
            let mut line = self.buffer.split_to(self.searched + at + 1).freeze();
            self.searched = 0;
            line.truncate(line.len() - 1);
            if !line.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some(line));
            }
        }
        self.searched = self.buffer.len();
        if self.searched > FRAME_MAX { Err(WireError::Framing("a line is longer than any object can be")) } else { Ok(None) }
    }
}

/// `runtime.Unknown`, the envelope after the magic.
#[derive(Clone, PartialEq, prost::Message)]
struct Unknown {
    #[prost(bytes = "bytes", tag = "2")]
    raw: Bytes,
}

/// `meta/v1 WatchEvent`.
#[derive(Clone, PartialEq, prost::Message)]
struct WatchEvent {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(message, optional, tag = "2")]
    object: Option<super::message::RawExtension>,
}

#[derive(Deserialize)]
struct JsonEvent<'a> {
    #[serde(rename = "type")]
    kind: String,
    #[serde(borrow)]
    object: &'a RawValue,
}

/// Takes the envelope off a protobuf object.
pub(super) fn unwrap(bytes: &Bytes) -> Result<Bytes, WireError> {
    if !bytes.starts_with(MAGIC) {
        return Err(WireError::Framing("the protobuf magic is missing"));
    }
    let unknown = Unknown::decode(bytes.slice(MAGIC.len()..)).map_err(|_| WireError::Framing("the protobuf envelope is broken"))?;
    Ok(unknown.raw)
}

/// The type of a protobuf watch event, and its object still in its envelope.
pub(super) fn protobuf_event(bytes: Bytes) -> Result<(String, Bytes), WireError> {
    let event = WatchEvent::decode(bytes).map_err(|_| WireError::Framing("a watch event is broken"))?;
    let object = event.object.ok_or(WireError::Framing("a watch event without an object"))?;
    Ok((event.kind, object.raw))
}

/// The type of a JSON watch event, and its object.
pub(super) fn json_event(bytes: &Bytes) -> Result<(String, Bytes), WireError> {
    let event: JsonEvent<'_> = serde_json::from_slice(bytes).map_err(|_| WireError::Framing("a watch event is broken"))?;
    Ok((event.kind, bytes.slice_ref(event.object.get().as_bytes())))
}
