//! The settings file as text: what it may say, and what is wrong with it.
//!
//! Owns keys, types and bounds. Everything is optional; what is missing is left to the next layer.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::{ColorChoice, ContextSettings};
use crate::base::environment::EnvironmentKind;
use crate::base::problem::{Level, Problem};
use crate::base::quantity;
use crate::base::toml::{Source, Table, quoted, read};

/// Settings of one layer: what it says, and nothing else.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Partial {
    /// See [`super::Settings::theme`]; so for all others.
    pub theme: Option<String>,
    /// Name of the keymap.
    pub keymap: Option<String>,
    /// Colours.
    pub color: Option<ColorChoice>,
    /// ASCII only.
    pub ascii: Option<bool>,
    /// Mouse.
    pub mouse: Option<bool>,
    /// Frames a second.
    pub fps: Option<u16>,
    /// Certificates of Ingress hosts.
    pub ask_ingresses: Option<bool>,
    /// Timeout of requests.
    pub timeout: Option<Duration>,
    /// The gap between rollbacks.
    pub rollback_gap: Option<Duration>,
    /// Read-only.
    pub read_only: Option<bool>,
    /// `logs.lines`.
    pub log_lines: Option<usize>,
    /// `logs.bytes`.
    pub log_bytes: Option<usize>,
    /// `logs.streams`.
    pub log_streams: Option<usize>,
    /// `logs.tail`.
    pub log_tail: Option<u32>,
    /// `logs.wrap`.
    pub log_wrap: Option<bool>,
    /// `logs.times`.
    pub log_times: Option<bool>,
    /// `contexts`.
    pub contexts: BTreeMap<String, ContextSettings>,
}

const QUICKEST: Duration = Duration::from_millis(100);
const SLOWEST: Duration = Duration::from_mins(10);
const GAPS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);
/// Less would not hold a screen; more than 4 GiB is a typing error.
const BYTES: RangeInclusive<i64> = 65_536..=4_294_967_296;

/// Reads a settings file. Bad entries are left out, each with a problem.
pub(super) fn parse(file: &str, text: &str) -> (Partial, Vec<Problem>) {
    read(Source { topic: "config", file, text, unknown: Level::Warning }, decode)
}

fn decode(root: &Table<'_>) -> Partial {
    let mut out = Partial {
        theme: name(root, "theme"),
        keymap: name(root, "keymap"),
        color: root.word("color", &ColorChoice::WORDS).map(|c| c.value),
        ascii: flag(root, "ascii"),
        mouse: flag(root, "mouse"),
        fps: number(root, "fps", 1..=60),
        ask_ingresses: flag(root, "ask_ingresses"),
        timeout: root.duration("timeout", QUICKEST..=SLOWEST).map(|t| t.value),
        rollback_gap: root.duration("rollback_gap", GAPS).map(|t| t.value),
        read_only: flag(root, "read_only"),
        ..Partial::default()
    };
    if let Some(logs) = root.table("logs") {
        out.log_lines = number(&logs, "lines", 100..=10_000_000);
        out.log_bytes = bytes(&logs, "bytes");
        out.log_streams = number(&logs, "streams", 1..=500);
        out.log_tail = number(&logs, "tail", 0..=1_000_000);
        out.log_wrap = flag(&logs, "wrap");
        out.log_times = flag(&logs, "times");
        logs.finish();
    }
    if let Some(contexts) = root.table("contexts") {
        let one = |(name, entry): (crate::base::toml::At<String>, crate::base::toml::Entry<'_>)| Some((name.value, context(&entry.table()?)));
        out.contexts = contexts.entries().into_iter().filter_map(one).collect();
    }
    out
}

fn context(table: &Table<'_>) -> ContextSettings {
    let kind = table.word("kind", &EnvironmentKind::WORDS).map(|k| k.value);
    let out = ContextSettings { kind, read_only: flag(table, "read_only"), namespace: name(table, "namespace") };
    table.finish();
    out
}

fn flag(table: &Table<'_>, key: &str) -> Option<bool> {
    table.flag(key).map(|f| f.value)
}

fn number<T: TryFrom<i64>>(table: &Table<'_>, key: &str, within: RangeInclusive<i64>) -> Option<T> {
    table.integer(key, within).and_then(|n| T::try_from(n.value).ok())
}

/// A name that is not empty.
fn name(table: &Table<'_>, key: &str) -> Option<String> {
    let text = table.text(key)?;
    if text.value.trim().is_empty() {
        table.error(&text.spot, format!("'{key}' is empty."), Some("Leave the line out to have the default.".into()));
        return None;
    }
    Some(text.value)
}

/// A number of bytes: `67108864` or `"64Mi"`.
fn bytes(table: &Table<'_>, key: &str) -> Option<usize> {
    let entry = table.entry(key)?;
    if !entry.is_text() {
        return entry.integer(BYTES).and_then(|n| usize::try_from(n.value).ok());
    }
    let text = entry.text()?;
    let value = quantity::whole(&text.value).filter(|n| BYTES.contains(n));
    if value.is_none() {
        let hint = "Write a number of bytes or a quantity from \"64Ki\" to \"4Gi\".";
        table.error(&text.spot, format!("'{key}' is {}, which is no possible size.", quoted(&text.value)), Some(hint.into()));
    }
    value.and_then(|n| usize::try_from(n).ok())
}
