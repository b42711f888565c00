//! Bytes of a log answer, cut into lines.
//!
//! Owns the bound of a line, its timestamp and its cleaning. A line is whole or it is not told: half a line of a broken
//! connection comes again, whole, after the reconnect.

use std::hash::{DefaultHasher, Hasher as _};

use jiff::Timestamp;

use crate::base::text::clean;
use crate::target::event::LogLine;

/// The longest line that is kept, in bytes of its text.
const MAX: usize = 16 << 10;

/// The longest timestamp before a line (RFC 3339 with nanoseconds and an offset, and the space).
const STAMP: usize = 40;

/// A line as the server sent it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Line {
    /// When the runtime wrote it; `None` for words that the kubelet put in between.
    pub(super) at: Option<Timestamp>,
    /// Stripped, lossy where it was not UTF-8, cut with a mark.
    pub(super) text: Box<str>,
    /// Tells lines of one time apart: a hash of what came.
    pub(super) identity: u64,
}

impl Line {
    /// As the door tells it; `or` stands in for a time that is not there.
    pub(super) fn told(self, or: Timestamp) -> LogLine {
        LogLine { at: self.at.unwrap_or(or), text: self.text }
    }
}

/// Cuts a stream of bytes into lines. Holds at most one line of bounded length.
#[derive(Debug, Default)]
pub(super) struct Lines {
    held: Vec<u8>,
    /// Bytes of the held line that were not kept.
    cut: usize,
}

impl Lines {
    /// Takes the next bytes and gives the lines that they complete.
    pub(super) fn feed(&mut self, mut bytes: &[u8], out: &mut Vec<Line>) {
        while let Some(end) = bytes.iter().position(|b| *b == b'\n') {
            if self.held.is_empty() && self.cut == 0 && end <= MAX + STAMP {
                out.push(read(&bytes[..end], 0));
            } else {
                self.hold(&bytes[..end]);
                out.push(read(&self.held, self.cut));
                self.clear();
            }
            bytes = &bytes[end + 1..];
        }
        self.hold(bytes);
    }

    /// The last line of a log that ended without a line break.
    pub(super) fn finish(&mut self) -> Option<Line> {
        let line = (!self.held.is_empty()).then(|| read(&self.held, self.cut));
        self.clear();
        line
    }

    fn hold(&mut self, bytes: &[u8]) {
        let room = (MAX + STAMP).saturating_sub(self.held.len());
        let kept = bytes.len().min(room);
        self.held.extend_from_slice(&bytes[..kept]);
        self.cut += bytes.len() - kept;
    }

    fn clear(&mut self) {
        self.held.clear();
        self.cut = 0;
    }
}

fn read(bytes: &[u8], cut: usize) -> Line {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let mut hasher = DefaultHasher::new();
    hasher.write(bytes);
    hasher.write_usize(cut);
    let identity = hasher.finish();
    let (at, text) = stamped(bytes);
    let kept = &text[..floor(text, MAX)];
    let cut = cut + text.len() - kept.len();
    let text = String::from_utf8_lossy(kept);
    let mut text = clean(&text);
    if cut > 0 {
        text = format!("{text} … ({cut} more bytes)").into();
    }
    Line { at, text: text.into(), identity }
}

/// The timestamp before a line, and the line.
fn stamped(bytes: &[u8]) -> (Option<Timestamp>, &[u8]) {
    let space = bytes.iter().take(STAMP).position(|b| *b == b' ');
    let (stamp, text) = match space {
        Some(space) => (&bytes[..space], &bytes[space + 1..]),
        // An empty line is a timestamp and nothing else.
        None if bytes.len() < STAMP => (bytes, &bytes[bytes.len()..]),
        None => return (None, bytes),
    };
    match std::str::from_utf8(stamp)
        .ok()
        .filter(|s| s.starts_with(|c: char| c.is_ascii_digit()))
        .and_then(|s| s.parse().ok())
    {
        Some(at) => (Some(at), text),
        None => (None, bytes),
    }
}

/// The largest length of at most `max` bytes that does not cut a character of UTF-8.
fn floor(bytes: &[u8], max: usize) -> usize {
    if bytes.len() <= max {
        return bytes.len();
    }
    let continues = |at: &usize| bytes[*at] & 0xc0 == 0x80;
    (max.saturating_sub(3)..=max).rev().find(|at| !continues(at)).unwrap_or(max)
}

#[cfg(test)]
mod tests {
    use super::{Line, Lines, MAX};

    const T: &str = "2026-11-22T06:14:31.123456789Z";

    fn lines(pieces: &[&[u8]]) -> Vec<Line> {
        let (mut lines, mut out) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.feed(piece, &mut out);
        }
        out.extend(lines.finish());
        out
    }

    fn texts(pieces: &[&[u8]]) -> Vec<String> {
        lines(pieces).into_iter().map(|l| l.text.into()).collect()
    }

    #[test]
    fn lines_are_the_same_wherever_the_network_cuts_them() {
        let whole = format!("{T} one\n{T} \n{T}\n{T} zwölf\r\nno time at all\n{T} last");
        let expected = lines(&[whole.as_bytes()]);
        let told: Vec<(bool, &str)> = expected.iter().map(|l| (l.at.is_some(), &*l.text)).collect();
        assert_eq!(told, [(true, "one"), (true, ""), (true, ""), (true, "zwölf"), (false, "no time at all"), (true, "last")]);
        assert_eq!(expected[0].at.unwrap().to_string(), T);
        for cut in 0..whole.len() {
            assert_eq!(lines(&[&whole.as_bytes()[..cut], &whole.as_bytes()[cut..]]), expected, "cut at {cut}");
        }
    }

    #[test]
    fn a_line_of_100_000_characters_is_cut_with_a_mark_of_how_much() {
        let long = format!("{T} {}\n{T} next\n", "x".repeat(100_000));
        for step in [1000, 100_000, 200_000] {
            let pieces: Vec<&[u8]> = long.as_bytes().chunks(step).collect();
            let got = texts(&pieces);
            assert_eq!((got.len(), got[1].as_str()), (2, "next"));
            assert!(got[0].ends_with(&format!("x … ({} more bytes)", 100_000 - MAX)), "{}", &got[0][MAX - 9..]);
            assert!(got[0].len() < MAX + 40);
        }
    }

    #[test]
    fn a_cut_does_not_go_through_a_character() {
        for shift in 0..4 {
            let long = format!("{T} {}{}\n", "x".repeat(shift), "😀".repeat(20_000));
            let got = texts(&[long.as_bytes()]).remove(0);
            assert!(!got.contains('\u{fffd}'), "shift {shift}");
        }
    }

    #[test]
    fn what_is_not_utf8_or_drives_a_terminal_is_made_harmless() {
        let dirty = [T.as_bytes(), b" a\xff\xfe\x1b[31mb\x07\xc3\n"].concat();
        assert_eq!(texts(&[&dirty]), ["a\u{fffd}\u{fffd}b\u{fffd}"]);
    }

    #[test]
    fn equal_texts_of_different_times_are_different_lines() {
        let got = lines(&[format!("{T} a\n{T} a\n2026-11-22T06:14:31.123456780Z a\n").as_bytes()]);
        assert_eq!(got[0].identity, got[1].identity);
        assert_ne!(got[0].identity, got[2].identity);
    }
}
