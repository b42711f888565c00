//! What a log line says: its level, and its JSON folded to something readable.
//!
//! Owns the guesses about log formats of the field (JSON of structlog, Winston, zap, pino; Django, nginx, Postgres, klog).
//! A guess never hides the text: folding keeps every field.

use serde_json::Value;

/// How loud a line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    /// No level was seen.
    None,
    /// Trace, debug.
    Debug,
    /// Info, notice.
    Info,
    /// Warning.
    Warn,
    /// Error, fatal, panic, critical.
    Error,
}

/// Guesses the level of a line from its first 160 bytes, or from the `level` field of a JSON line.
pub fn level_of(text: &str) -> Level {
    if text.starts_with('{') {
        return json_level(text).unwrap_or(Level::None);
    }
    if let Some(level) = klog(text) {
        return level;
    }
    let mut end = text.len().min(160);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].split(|c: char| !c.is_ascii_alphabetic()).find_map(word_level).unwrap_or(Level::None)
}

/// `E1122 14:32:06.123456`: klog's header.
fn klog(text: &str) -> Option<Level> {
    let bytes = text.as_bytes();
    if bytes.len() < 6 || !bytes[1..5].iter().all(u8::is_ascii_digit) || bytes[5] != b' ' {
        return None;
    }
    match bytes[0] {
        b'I' => Some(Level::Info),
        b'W' => Some(Level::Warn),
        b'E' | b'F' => Some(Level::Error),
        _ => None,
    }
}

/// Only words that are levels wherever they stand in a header; lower-case `error` in prose is not one.
fn word_level(word: &str) -> Option<Level> {
    Some(match word {
        "TRACE" | "DEBUG" | "trace" | "debug" | "DEBG" => Level::Debug,
        "INFO" | "NOTICE" | "info" | "notice" | "LOG" => Level::Info,
        "WARN" | "WARNING" | "warn" | "warning" => Level::Warn,
        "ERROR" | "ERR" | "FATAL" | "CRITICAL" | "PANIC" | "ALERT" | "EMERG" | "error" | "fatal" | "panic" | "crit" | "emerg" => Level::Error,
        _ => return None,
    })
}

/// Finds `"level":"x"` (or severity, lvl) without parsing the whole object: this runs for every line that comes in.
fn json_level(text: &str) -> Option<Level> {
    let value = ["\"level\":", "\"severity\":", "\"lvl\":", "\"levelname\":", "\"log.level\":", "\"level\" :"]
        .iter()
        .find_map(|key| text.find(key).map(|at| text[at + key.len()..].trim_start()))?;
    if let Some(word) = value.strip_prefix('"') {
        let word = &word[..word.find('"')?];
        return word_level(&word.to_ascii_uppercase());
    }
    // pino and bunyan count in tens.
    let digits = &value[..value.find(|c: char| !c.is_ascii_digit()).unwrap_or(value.len())];
    number_level(digits.parse().ok()?)
}

fn number_level(number: u32) -> Option<Level> {
    Some(match number {
        10..=20 => Level::Debug,
        30 => Level::Info,
        40 => Level::Warn,
        50..=60 => Level::Error,
        _ => return None,
    })
}

/// A JSON line as people read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folded {
    /// The message; empty when the line has none.
    pub message: String,
    /// All other fields, in their order, time and level left out: they have columns of their own.
    pub fields: Vec<(String, String)>,
}

/// Folds a line that is a JSON object; `None` when it is none.
pub fn fold(text: &str) -> Option<Folded> {
    if !text.starts_with('{') {
        return None;
    }
    let Value::Object(map) = serde_json::from_str::<Value>(text).ok()? else { return None };
    let message_key = ["message", "msg", "event", "log", "text"].into_iter().find(|k| map.get(*k).is_some_and(Value::is_string));
    let message = message_key.and_then(|k| map[k].as_str()).unwrap_or_default().to_owned();
    let skip = |key: &str| {
        Some(key) == message_key
            || matches!(key, "time" | "timestamp" | "ts" | "@timestamp" | "asctime" | "level" | "severity" | "lvl" | "levelname" | "log.level")
    };
    let fields = map
        .iter()
        .filter(|(k, _)| !skip(k))
        .map(|(k, v)| (crate::base::text::clean(k).into_owned(), plain(v)))
        .collect();
    Some(Folded { message: crate::base::text::clean(&message).into_owned(), fields })
}

/// A JSON string may hold what the raw line did not: an escaped control sequence.
fn plain(value: &Value) -> String {
    let text = match value {
        Value::String(s) => s.clone(),
        other => other.to_string(),
    };
    crate::base::text::clean(&text).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Level, fold, level_of};

    #[test]
    fn levels_are_seen_in_the_formats_of_the_field() {
        for (line, level) in [
            ("2026-11-22 14:32:06,123 ERROR django.request Internal Server Error", Level::Error),
            ("[2026-11-22 14:32:06 +0000] [7] [INFO] Booting worker", Level::Info),
            (r#"{"event":"evaluation_completed","level":"warning","ms":81}"#, Level::Warn),
            (r#"{"level":50,"time":1732285926,"msg":"boom"}"#, Level::Error),
            (r#"{"severity":"ERROR","message":"x"}"#, Level::Error),
            (r#"{"message":"no level here"}"#, Level::None),
            ("2026-11-22 14:32:06.123 UTC [42] FATAL:  sorry, too many clients already", Level::Error),
            ("2026/11/22 14:32:06 [error] 7#7: *1 upstream timed out", Level::Error),
            ("E1122 14:32:06.123456       1 reflector.go:123] failed", Level::Error),
            ("10.0.0.1 - - [22/Nov/2026:14:32:06 +0000] \"GET / HTTP/1.1\" 200 12", Level::None),
            ("we saw an error: lower case counts too", Level::Error),
            ("plain words", Level::None),
        ] {
            assert_eq!(level_of(line), level, "{line}");
        }
    }

    #[test]
    fn a_json_line_folds_to_its_message_and_fields_and_cannot_drive_the_terminal() {
        let folded = fold(r#"{"timestamp":"t","level":"info","event":"done","ms":81,"who":"a\u001b[31mb"}"#).expect("an object");
        assert_eq!(folded.message, "done");
        assert_eq!(folded.fields, [("ms".to_owned(), "81".to_owned()), ("who".to_owned(), "ab".to_owned())]);
        assert_eq!(fold("not json"), None);
        assert_eq!(fold(r#"{"cut off"#), None);
    }
}
