//! Lists, read while they arrive.
//!
//! Owns taking a list apart: of a protobuf list only the object that is being received is held, so that 15,000 pods in one
//! answer cost kilobytes; a JSON list is held whole until its end (it comes in pages).

use bytes::{Buf, Bytes, BytesMut};
use prost::Message;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::frame::MAGIC;
use super::{Format, WireError};

/// No object, and no page of a JSON list, is longer.
const ITEM_MAX: usize = 32 << 20;
const PAGE_MAX: usize = 256 << 20;

/// What a list says after its objects (`meta/v1 ListMeta`).
#[derive(Clone, PartialEq, Eq, prost::Message, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(crate) struct ListEnd {
    /// Version of the whole set, to watch from.
    #[prost(string, tag = "2")]
    pub(crate) resource_version: String,
    /// Where the next page begins; empty after the last.
    #[prost(string, tag = "3")]
    #[serde(rename = "continue")]
    pub(crate) next: String,
}

/// Where in a protobuf list the reader is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Magic,
    /// In `runtime.Unknown`.
    Envelope,
    /// In the list itself, with this many bytes to come.
    List(usize),
}

/// Takes the body of a list apart.
#[derive(Debug)]
pub(crate) struct ListItems {
    format: Format,
    buffer: BytesMut,
    part: Part,
    /// Bytes of a field that nobody reads, still to be thrown away.
    skip: usize,
    end: ListEnd,
    /// Whether the list itself was seen.
    found: bool,
    /// Items of a JSON list, once it is complete.
    parsed: std::vec::IntoIter<Bytes>,
}

impl ListItems {
    /// For a body in `format`.
    pub(crate) fn new(format: Format) -> Self {
        let part = Part::Magic;
        Self {
            format,
            buffer: BytesMut::new(),
            part,
            skip: 0,
            end: ListEnd::default(),
            found: false,
            parsed: Vec::new().into_iter(),
        }
    }

    /// Takes the next piece of the body.
    pub(crate) fn feed(&mut self, mut chunk: &[u8]) -> Result<(), WireError> {
        let skipped = self.skip.min(chunk.len());
        self.skip -= skipped;
        chunk.advance(skipped);
        self.buffer.extend_from_slice(chunk);
        if self.format == Format::Json && self.buffer.len() > PAGE_MAX {
            return Err(WireError::Framing("a list is longer than can be read"));
        }
        Ok(())
    }

    /// The next object that is complete. Objects of a JSON list come after [`Self::finish`].
    pub(crate) fn next(&mut self) -> Result<Option<Bytes>, WireError> {
        if self.format == Format::Json {
            return Ok(self.parsed.next());
        }
        loop {
            match self.step()? {
                Step::Item(item) => return Ok(Some(item)),
                Step::Again => {}
                Step::More => return Ok(None),
            }
        }
    }

    /// The body is complete: checks that the list is, and opens a JSON one.
    pub(crate) fn finish(&mut self) -> Result<(), WireError> {
        match self.format {
            Format::Json => self.parse(),
            Format::Protobuf if !self.found || self.part != Part::Envelope || self.skip > 0 || !self.buffer.is_empty() => {
                Err(WireError::Framing("the list ends in the middle"))
            }
            Format::Protobuf => Ok(()),
        }
    }

    /// What the list said about itself. Complete after [`Self::finish`].
    pub(crate) fn end(self) -> ListEnd {
        self.end
    }

    fn parse(&mut self) -> Result<(), WireError> {
        #[derive(Deserialize)]
        struct Body<'a> {
            #[serde(default)]
            metadata: ListEnd,
            #[serde(borrow)]
            items: Option<Vec<&'a RawValue>>,
        }
        let whole = std::mem::take(&mut self.buffer).freeze();
        let body: Body<'_> = serde_json::from_slice(&whole).map_err(|_| WireError::Framing("the list is not the JSON of a list"))?;
        let items: Vec<Bytes> = body.items.unwrap_or_default().iter().map(|i| whole.slice_ref(i.get().as_bytes())).collect();
        self.parsed = items.into_iter();
        self.end = body.metadata;
        Ok(())
    }

    fn step(&mut self) -> Result<Step, WireError> {
        match self.part {
            Part::Magic => {
                if !self.buffer.starts_with(&MAGIC[..MAGIC.len().min(self.buffer.len())]) {
                    return Err(WireError::Framing("the protobuf magic is missing"));
                }
                if self.buffer.len() < MAGIC.len() {
                    return Ok(Step::More);
                }
                self.buffer.advance(MAGIC.len());
                self.part = Part::Envelope;
                Ok(Step::Again)
            }
            Part::List(0) => {
                self.part = Part::Envelope;
                Ok(Step::Again)
            }
            Part::Envelope | Part::List(_) => self.field(),
        }
    }

    /// One field of the envelope or of the list.
    fn field(&mut self) -> Result<Step, WireError> {
        if self.skip > 0 {
            return Ok(Step::More);
        }
        let Some(head) = Head::read(&self.buffer)? else { return Ok(Step::More) };
        let whole = head.bytes.checked_add(head.length).ok_or(BROKEN)?;
        if let Part::List(left) = self.part {
            let left = left.checked_sub(whole).ok_or(BROKEN)?;
            return match head.tag {
                1 | 2 if whole > ITEM_MAX => Err(WireError::Framing("an object is longer than any object can be")),
                1 | 2 if self.buffer.len() < whole => {
                    self.buffer.reserve(whole - self.buffer.len());
                    Ok(Step::More)
                }
                tag => {
                    self.part = Part::List(left);
                    if tag > 2 {
                        return Ok(self.skip(whole));
                    }
                    self.buffer.advance(head.bytes);
                    let bytes = self.buffer.split_to(head.length).freeze();
                    if tag == 2 {
                        return Ok(Step::Item(bytes));
                    }
                    self.end = ListEnd::decode(bytes).map_err(|_| BROKEN)?;
                    Ok(Step::Again)
                }
            };
        }
        if head.tag == 2 && !self.found {
            self.found = true;
            self.buffer.advance(head.bytes);
            self.part = Part::List(head.length);
            return Ok(Step::Again);
        }
        Ok(self.skip(whole))
    }

    fn skip(&mut self, bytes: usize) -> Step {
        let here = bytes.min(self.buffer.len());
        self.buffer.advance(here);
        self.skip = bytes - here;
        Step::Again
    }
}

const BROKEN: WireError = WireError::Framing("the protobuf list is broken");

enum Step {
    Item(Bytes),
    Again,
    More,
}

/// Number and length of a protobuf field.
struct Head {
    tag: u32,
    /// Bytes of the head itself.
    bytes: usize,
    /// Bytes of the field after the head.
    length: usize,
}

impl Head {
    /// `None` while it is not complete. Every field of an envelope and of a list is length-delimited but for scalars that
    /// a later version may add.
    fn read(buffer: &[u8]) -> Result<Option<Self>, WireError> {
        let Some((key, key_bytes)) = varint(buffer)? else { return Ok(None) };
        let tag = u32::try_from(key >> 3).map_err(|_| BROKEN)?;
        if tag == 0 {
            return Err(BROKEN);
        }
        let rest = &buffer[key_bytes..];
        let (bytes, length) = match key & 7 {
            0 => match varint(rest)? {
                Some((_, n)) => (key_bytes + n, 0),
                None => return Ok(None),
            },
            1 => (key_bytes, 8),
            2 => match varint(rest)? {
                Some((length, n)) => (key_bytes + n, usize::try_from(length).map_err(|_| BROKEN)?),
                None => return Ok(None),
            },
            5 => (key_bytes, 4),
            _ => return Err(BROKEN),
        };
        if tag <= 2 && key & 7 != 2 {
            return Err(BROKEN);
        }
        Ok(Some(Self { tag, bytes, length }))
    }
}

/// A number and how many bytes it takes; `None` while it is not complete.
fn varint(buffer: &[u8]) -> Result<Option<(u64, usize)>, WireError> {
    let mut value = 0u64;
    for (at, byte) in buffer.iter().take(10).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Ok(Some((value, at + 1)));
        }
    }
    if buffer.len() >= 10 { Err(BROKEN) } else { Ok(None) }
}
