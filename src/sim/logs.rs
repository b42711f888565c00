//! What containers write.
//!
//! Owns the formats (templates in data) and the rule by which every line of every second of every container is the same whenever it
//! is read: nothing is stored. Must not know HTTP.

#![allow(clippy::cast_possible_wrap, reason = "numbers of pods and lines are far from 2^63")]

use std::hash::{DefaultHasher, Hash, Hasher};

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;

use super::behaviour::Traits;
use super::kubelet::usage::day;

/// How many lines of a container's past are kept, as a node's log rotation would.
const KEPT: usize = 10_000;
/// How far back is looked for lines, in seconds.
const HORIZON: i64 = 6 * 3600;

/// A log format as it is written: a name and lines, each with a weight before it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FormatFile {
    name: String,
    lines: Vec<String>,
}

/// A log format, ready to use.
#[derive(Debug, Clone, Default)]
pub(crate) struct Format {
    /// Its name.
    pub(crate) name: String,
    lines: Vec<(u64, Line)>,
    total: u64,
}

/// One line with places that are filled in.
#[derive(Debug, Clone)]
pub(crate) struct Line(Vec<Part>);

#[derive(Debug, Clone, PartialEq)]
enum Part {
    Text(String),
    Iso,
    Postgres,
    Python,
    Nginx,
    Clock,
    Number(u64),
    Hex(usize),
    Pod,
    One(Vec<String>),
}

impl Format {
    /// From its written form: `3 text` is three times as likely as `1 text`.
    pub(crate) fn new(file: &FormatFile) -> Self {
        let lines: Vec<(u64, Line)> = file
            .lines
            .iter()
            .map(|l| match l.split_once(' ').and_then(|(w, t)| w.parse().ok().map(|w| (w, t))) {
                Some((weight, text)) => (weight, Line::new(text)),
                None => (1, Line::new(l)),
            })
            .collect();
        Self { name: file.name.clone(), total: lines.iter().map(|(w, _)| w).sum::<u64>().max(1), lines }
    }
}

impl Line {
    /// Finds the places: `{iso}`, `{pg}`, `{py}`, `{nginx}`, `{clock}`, `{pod}`, `{n:900}`, `{hex:8}`, `{one:a|b|c}`.
    pub(crate) fn new(text: &str) -> Self {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((start, end, part)) = next_place(rest) {
            if start > 0 {
                parts.push(Part::Text(rest[..start].to_owned()));
            }
            parts.push(part);
            rest = &rest[end..];
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Self(parts)
    }

    /// The line at a time; `chance` decides what is random in it.
    pub(crate) fn write(&self, out: &mut String, at: Timestamp, chance: u64, pod: &str) {
        let mut rng = fastrand::Rng::with_seed(chance);
        for part in &self.0 {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Iso => time(out, at, 'T', '.', "Z"),
                Part::Postgres => time(out, at, ' ', '.', " UTC"),
                Part::Python => time(out, at, ' ', ',', ""),
                Part::Clock => {
                    let mut all = String::new();
                    time(&mut all, at, ' ', ',', "");
                    out.push_str(&all[11..19]);
                }
                Part::Nginx => out.push_str(&at.strftime("%d/%b/%Y:%H:%M:%S +0000").to_string()),
                Part::Number(below) => out.push_str(&(rng.u64(..*below) + 1).to_string()),
                Part::Hex(length) => (0..*length).for_each(|_| out.push(char::from_digit(rng.u32(..16), 16).unwrap_or('0'))),
                Part::Pod => out.push_str(pod),
                Part::One(all) => out.push_str(all.get(rng.usize(..all.len().max(1))).map_or("", String::as_str)),
            }
        }
    }
}

fn next_place(text: &str) -> Option<(usize, usize, Part)> {
    for (start, _) in text.match_indices('{') {
        let end = start + text[start..].find('}')?;
        let inner = &text[start + 1..end];
        let part = match inner.split_once(':').unwrap_or((inner, "")) {
            ("iso", "") => Part::Iso,
            ("pg", "") => Part::Postgres,
            ("py", "") => Part::Python,
            ("nginx", "") => Part::Nginx,
            ("clock", "") => Part::Clock,
            ("pod", "") => Part::Pod,
            ("n", below) if below.parse::<u64>().is_ok() => Part::Number(below.parse().unwrap_or(1)),
            ("hex", length) if length.parse::<usize>().is_ok() => Part::Hex(length.parse().unwrap_or(8)),
            ("one", list) if !list.is_empty() => Part::One(list.split('|').map(str::to_owned).collect()),
            // A brace of JSON.
            _ => continue,
        };
        return Some((start, end + 1, part));
    }
    None
}

/// `2026-11-22T14:33:12.345Z` without a formatter: this is the hot path.
fn time(out: &mut String, at: Timestamp, between: char, dot: char, end: &str) {
    let seconds = at.as_second();
    let (days, second) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    // Howard Hinnant's civil_from_days.
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let (day, month) = (doy - (153 * mp + 2) / 5 + 1, if mp < 10 { mp + 3 } else { mp - 9 });
    let year = yoe + era * 400 + i64::from(month <= 2);
    let two = |out: &mut String, n: i64| {
        out.push(char::from_digit((n / 10) as u32 % 10, 10).unwrap_or('0'));
        out.push(char::from_digit((n % 10) as u32, 10).unwrap_or('0'));
    };
    out.push_str(&year.to_string());
    out.push('-');
    two(out, month);
    out.push('-');
    two(out, day);
    out.push(between);
    two(out, second / 3600);
    out.push(':');
    two(out, second / 60 % 60);
    out.push(':');
    two(out, second % 60);
    out.push(dot);
    let millis = i64::from(at.subsec_millisecond());
    out.push(char::from_digit((millis / 100) as u32, 10).unwrap_or('0'));
    two(out, millis % 100);
    out.push_str(end);
}

/// A stretch of time in which a container behaves in one way.
#[derive(Debug, Clone)]
pub(crate) struct Stretch {
    /// From when.
    pub(crate) from: Timestamp,
    /// How it behaves.
    pub(crate) traits: Traits,
    /// What it writes.
    pub(crate) format: Format,
}

/// The log of one run of one container.
#[derive(Debug, Clone)]
pub(crate) struct Tape {
    /// Distinguishes containers.
    pub(crate) seed: u64,
    /// Pod.
    pub(crate) pod: String,
    /// When it was started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Option<Timestamp>,
    /// How it behaves, in order; at least one.
    pub(crate) stretches: Vec<Stretch>,
}

/// A line and when it was written.
pub(crate) type Written = (Timestamp, String);

impl Tape {
    /// Lines written in `from..to`, in order.
    pub(crate) fn between(&self, from: Timestamp, to: Timestamp) -> Vec<Written> {
        let (start, end) = (from.max(self.started), self.finished.map_or(to, |f| to.min(f)));
        let mut out = Vec::new();
        for second in start.as_second()..=end.as_second() {
            self.second(second, &mut out);
        }
        self.ends(&mut out);
        out.retain(|(at, _)| *at >= from && *at < to);
        out
    }

    /// The last `n` lines before `to`, in order.
    pub(crate) fn tail(&self, n: usize, to: Timestamp) -> Vec<Written> {
        let wanted = n.min(KEPT);
        let end = self.finished.map_or(to, |f| f.min(to)).as_second();
        let first = self.started.as_second().max(end - HORIZON);
        let mut seconds: Vec<Vec<Written>> = Vec::new();
        let mut count = 0;
        let mut ends = Vec::new();
        self.ends(&mut ends);
        ends.retain(|(at, _)| *at < to);
        for second in (first..=end).rev() {
            if count + ends.len() >= wanted + 64 {
                break;
            }
            let mut lines = Vec::new();
            self.second(second, &mut lines);
            lines.retain(|(at, _)| *at < to && *at >= self.started);
            count += lines.len();
            seconds.push(lines);
        }
        let mut all: Vec<Written> = seconds.into_iter().rev().flatten().chain(ends).collect();
        all.sort_by_key(|(at, _)| *at);
        all.split_off(all.len().saturating_sub(wanted))
    }

    fn stretch(&self, at: Timestamp) -> &Stretch {
        self.stretches.iter().rev().find(|s| s.from <= at).unwrap_or(&self.stretches[0])
    }

    /// Lines of its start and of its end.
    fn ends(&self, out: &mut Vec<Written>) {
        let first = &self.stretches[0].traits;
        let line = |at: Timestamp, text: &str, i: usize| {
            let mut written = String::new();
            Line::new(text).write(&mut written, at, hash(&(self.seed, i)), &self.pod);
            (at, written)
        };
        for (i, text) in first.boot.iter().enumerate() {
            let at = self.started.checked_add(SignedDuration::from_millis(40 + 130 * i as i64)).unwrap_or(self.started);
            if self.finished.is_none_or(|f| at < f) {
                out.push(line(at, text, i));
            }
        }
        for (after, text) in &first.played {
            let at = self.started.checked_add(*after).unwrap_or(self.started);
            if self.finished.is_none_or(|f| at < f) {
                out.push((at, text.clone()));
            }
        }
        if let Some(finished) = self.finished {
            let count = first.last_words.len() as i64;
            for (i, text) in first.last_words.iter().enumerate() {
                let before = SignedDuration::from_millis(3 * (count - i as i64));
                out.push(line(finished.checked_sub(before).unwrap_or(finished), text, 1_000 + i));
            }
        }
        out.sort_by_key(|(at, _)| *at);
    }

    /// The regular lines of one second.
    fn second(&self, second: i64, out: &mut Vec<Written>) {
        let Ok(at) = Timestamp::from_second(second) else { return };
        let stretch = self.stretch(at);
        let traits = &stretch.traits;
        // Nothing but what it writes at start comes in the first moments.
        if stretch.format.lines.is_empty()
            || !self.stretches[0].traits.played.is_empty()
            || second <= self.started.as_second() + i64::from(!traits.boot.is_empty())
        {
            return;
        }
        let rate = traits.lines * (1.0 - traits.follows_hour * (1.0 - day(at)));
        let chance = hash(&(self.seed, second));
        let count = rate.floor() as u64 + u64::from((chance % 1000) as f64 / 1000.0 < rate.fract());
        for i in 0..count {
            let chance = hash(&(chance, i));
            let at = Timestamp::new(second, ((i * 1_000_000_000 + chance % 900_000_000) / count) as i32).unwrap_or(at);
            if self.finished.is_some_and(|f| at >= f) {
                return;
            }
            let mut written = String::with_capacity(160);
            let trouble = &traits.trouble;
            if !trouble.is_empty() && chance % 100 < u64::from(traits.trouble_percent) {
                Line::new(&trouble[(chance / 100) as usize % trouble.len()]).write(&mut written, at, chance, &self.pod);
            } else {
                pick(&stretch.format, chance / 128).write(&mut written, at, chance, &self.pod);
            }
            out.push((at, written));
        }
    }
}

fn pick(format: &Format, chance: u64) -> &Line {
    let mut left = chance % format.total;
    for (weight, line) in &format.lines {
        if left < *weight {
            return line;
        }
        left -= weight;
    }
    &format.lines[0].1
}

/// A number that depends on the content alone.
pub(crate) fn hash(content: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    content.hash(&mut hasher);
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::{Format, FormatFile, Line, Stretch, Tape};
    use crate::sim::behaviour::Traits;

    fn tape() -> Tape {
        let file = FormatFile {
            name: "f".into(),
            lines: vec!["3 {iso} GET /{n:9} {hex:4}".into(), "{\"level\":\"info\",\"at\":\"{iso}\"}".into()],
        };
        let traits = Traits {
            lines: 2.5,
            boot: vec!["starting {pod}".into()],
            last_words: vec!["fatal".into()],
            follows_hour: 0.0,
            ..Traits::default()
        };
        let started: Timestamp = "2026-11-22T14:00:00Z".parse().expect("a time");
        Tape {
            seed: 7,
            pod: "web-1".into(),
            started,
            finished: None,
            stretches: vec![Stretch { from: started, traits, format: Format::new(&file) }],
        }
    }

    #[test]
    fn a_log_is_the_same_whenever_and_however_it_is_read() {
        let tape = tape();
        let (a, b): (Timestamp, Timestamp) = ("2026-11-22T14:00:00Z".parse().expect("a"), "2026-11-22T14:10:00Z".parse().expect("b"));
        let all = tape.between(a, b);
        assert_eq!(all[0].1, "starting web-1");
        assert!((1_300..1_700).contains(&all.len()), "{}", all.len());
        assert!(all.is_sorted_by_key(|(at, _)| *at));
        assert_eq!(tape.tail(50, b), all[all.len() - 50..]);
        let middle = all[700].0;
        let halves: Vec<_> = [tape.between(a, middle), tape.between(middle, b)].concat();
        assert_eq!(halves, all);
    }

    #[test]
    fn the_last_words_come_last() {
        let mut tape = tape();
        tape.finished = Some("2026-11-22T14:00:30Z".parse().expect("a time"));
        let tail = tape.tail(3, "2026-11-22T15:00:00Z".parse().expect("a time"));
        assert_eq!(tail[2].1, "fatal");
    }

    #[test]
    fn places_are_filled_in_and_braces_of_json_stay() {
        let mut out = String::new();
        let at = "2026-11-22T14:33:12.345Z".parse().expect("a time");
        Line::new("{\"t\":\"{iso}\",\"x\":{}} {pg} {py} {nginx} {clock} {one:a}").write(&mut out, at, 1, "p");
        assert_eq!(
            out,
            "{\"t\":\"2026-11-22T14:33:12.345Z\",\"x\":{}} 2026-11-22 14:33:12.345 UTC 2026-11-22 14:33:12,345 22/Nov/2026:14:33:12 +0000 14:33:12 a"
        );
    }
}
