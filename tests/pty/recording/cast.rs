//! Recordings in the format asciicast v2.
//!
//! Owns the format, and how real time becomes time for people: silence is cut, and a station stays long enough to be read.

use std::time::Duration;

use serde_json::{Value, json};
use vt100::Parser;

use crate::support::screen::{Screen, Size, Surprises, emulator};
use crate::support::terminal::Piece;

/// Nobody looks at a screen that does not change for longer than this.
const SILENCE: f64 = 0.8;
/// How long a station is shown.
const STATION: f64 = 3.0;

/// A recording.
pub(super) struct Cast {
    /// Columns and rows.
    pub(super) size: Size,
    title: String,
    events: Vec<Event>,
}

struct Event {
    at: f64,
    what: What,
}

enum What {
    Output(String),
    Mark(String),
}

impl Cast {
    /// Of a tape, up to its last mark.
    pub(super) fn of(size: Size, title: &str, tape: &[(Duration, Piece)]) -> Self {
        // Behind the last mark the program only goes.
        let last = tape.iter().rposition(|(_, piece)| matches!(piece, Piece::Mark(_))).map_or(tape.len(), |at| at + 1);
        let tape = &tape[..last];
        let (mut events, mut now, mut before, mut rest) = (Vec::new(), 0.0, tape.first().map_or(0.0, |(at, _)| at.as_secs_f64()), Vec::new());
        for (at, piece) in tape {
            let at = at.as_secs_f64();
            now += (at - before).clamp(0.0, SILENCE);
            before = at;
            match piece {
                Piece::Mark(name) => {
                    events.push(Event { at: now, what: What::Mark(name.clone()) });
                    now += STATION;
                }
                Piece::Output(bytes) => {
                    rest.extend_from_slice(bytes);
                    // A letter may come in two pieces.
                    let whole = std::str::from_utf8(&rest).map_or_else(|error| error.valid_up_to(), str::len);
                    let tail = rest.split_off(whole);
                    let text = String::from_utf8(std::mem::replace(&mut rest, tail)).unwrap_or_default();
                    events.push(Event { at: now, what: What::Output(text) });
                }
            }
        }
        Self { size, title: title.to_owned(), events }
    }

    /// Of a file.
    pub(super) fn read(text: &str) -> Self {
        let mut lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON a line"));
        let head = lines.next().expect("a header");
        assert_eq!(head["version"], 2);
        let side = |name: &str| head[name].as_u64().and_then(|n| u16::try_from(n).ok()).expect("a size");
        let event = |line: Value| {
            let text = line[2].as_str().expect("text").to_owned();
            let what = if line[1] == "m" { What::Mark(text) } else { What::Output(text) };
            Event { at: line[0].as_f64().expect("a time"), what }
        };
        Self {
            size: (side("width"), side("height")),
            title: head["title"].as_str().unwrap_or_default().to_owned(),
            events: lines.map(event).collect(),
        }
    }

    /// As a file.
    pub(super) fn text(&self) -> String {
        let head = json!({"version": 2, "width": self.size.0, "height": self.size.1, "title": self.title, "env": {"TERM": "xterm-256color"}});
        let event = |event: &Event| {
            let (kind, text) = match &event.what {
                What::Output(text) => ("o", text),
                What::Mark(text) => ("m", text),
            };
            json!([(event.at * 1000.0).round() / 1000.0, kind, text])
        };
        let lines: Vec<String> = std::iter::once(head).chain(self.events.iter().map(event)).map(|line| line.to_string()).collect();
        lines.join("\n") + "\n"
    }

    /// How long it is.
    pub(super) fn seconds(&self) -> f64 {
        self.events.last().map_or(0.0, |event| event.at)
    }

    /// What is on the screen at each mark, with the mark's name.
    pub(super) fn stations(&self, mut at: impl FnMut(&str, &Parser<Surprises>)) {
        let mut parser = emulator(self.size);
        for event in &self.events {
            match &event.what {
                What::Output(text) => parser.process(text.as_bytes()),
                What::Mark(name) => at(name, &parser),
            }
        }
    }

    /// The screen at a mark.
    pub(super) fn screen_at(&self, mark: &str) -> Option<Screen> {
        let mut found = None;
        self.stations(|name, parser| {
            if name == mark {
                found = Some(Screen::of(parser));
            }
        });
        found
    }
}
