//! Laying settings over each other: option, variable, file, default.
//!
//! Owns the order and the names of variables. Must not read the environment itself: it is handed in.

use super::file::{Partial, parse};
use super::{ColorChoice, LogSettings, Settings};
use crate::base::problem::{Level, Problem};
use crate::base::toml::quoted;

/// How the value of a variable is written as TOML.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Number,
    Flag,
}

/// Every variable with the key that it stands for.
const VARIABLES: [(&str, &str, Form); 16] = [
    ("TIMONEL_THEME", "theme", Form::Text),
    ("TIMONEL_KEYMAP", "keymap", Form::Text),
    ("TIMONEL_COLOR", "color", Form::Text),
    ("TIMONEL_ASCII", "ascii", Form::Flag),
    ("TIMONEL_MOUSE", "mouse", Form::Flag),
    ("TIMONEL_FPS", "fps", Form::Number),
    ("TIMONEL_ASK_INGRESSES", "ask_ingresses", Form::Flag),
    ("TIMONEL_TIMEOUT", "timeout", Form::Text),
    ("TIMONEL_ROLLBACK_GAP", "rollback_gap", Form::Text),
    ("TIMONEL_READ_ONLY", "read_only", Form::Flag),
    ("TIMONEL_LOGS_LINES", "logs.lines", Form::Number),
    ("TIMONEL_LOGS_BYTES", "logs.bytes", Form::Text),
    ("TIMONEL_LOGS_STREAMS", "logs.streams", Form::Number),
    ("TIMONEL_LOGS_TAIL", "logs.tail", Form::Number),
    ("TIMONEL_LOGS_WRAP", "logs.wrap", Form::Flag),
    ("TIMONEL_LOGS_TIMES", "logs.times", Form::Flag),
];

/// Where settings come from.
pub struct Layers<'a> {
    /// What the command line says.
    pub options: Partial,
    /// Looks up a variable of the environment.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// The settings file as (name, text), when there is one.
    pub file: Option<(&'a str, &'a str)>,
}

pub use super::file::Partial as Options;

/// Resolves all settings. Never fails: what is bad in one layer is reported and the next layer counts.
pub fn settings(layers: &Layers<'_>) -> (Settings, Vec<Problem>) {
    let mut problems = Vec::new();
    let variables = variables(layers.variable, &mut problems);
    let (mut file, found) = layers.file.map(|(name, text)| parse(name, text)).unwrap_or_default();
    problems.extend(found);
    // NO_COLOR and CLICOLOR_FORCE are variables: they go before the file, and what they mean is decided where terminals are known.
    let said = |name: &str| (layers.variable)(name).is_some_and(|v| !v.is_empty());
    if said("NO_COLOR") || said("CLICOLOR_FORCE") {
        file.color = Some(ColorChoice::Auto);
    }
    (resolve(&[&layers.options, &variables, &file]), problems)
}

/// The first layer that says something decides.
fn resolve(layers: &[&Partial]) -> Settings {
    fn first<T: Clone>(layers: &[&Partial], get: impl Fn(&Partial) -> &Option<T>, default: T) -> T {
        layers.iter().find_map(|layer| get(layer).clone()).unwrap_or(default)
    }
    let d = Settings::default();
    let logs = LogSettings {
        lines: first(layers, |l| &l.log_lines, d.logs.lines),
        bytes: first(layers, |l| &l.log_bytes, d.logs.bytes),
        streams: first(layers, |l| &l.log_streams, d.logs.streams),
        tail: first(layers, |l| &l.log_tail, d.logs.tail),
        wrap: first(layers, |l| &l.log_wrap, d.logs.wrap),
        times: first(layers, |l| &l.log_times, d.logs.times),
    };
    Settings {
        theme: first(layers, |l| &l.theme, d.theme),
        keymap: first(layers, |l| &l.keymap, d.keymap),
        color: first(layers, |l| &l.color, d.color),
        ascii: first(layers, |l| &l.ascii, d.ascii),
        mouse: first(layers, |l| &l.mouse, d.mouse),
        fps: first(layers, |l| &l.fps, d.fps),
        ask_ingresses: first(layers, |l| &l.ask_ingresses, d.ask_ingresses),
        timeout: first(layers, |l| &l.timeout, d.timeout),
        rollback_gap: first(layers, |l| &l.rollback_gap, d.rollback_gap),
        read_only: first(layers, |l| &l.read_only, d.read_only),
        logs,
        contexts: layers.last().map(|file| file.contexts.clone()).unwrap_or_default(),
    }
}

/// Reads the variables by the same rules as a file: each as a file of one line.
fn variables(get: &dyn Fn(&str) -> Option<String>, problems: &mut Vec<Problem>) -> Partial {
    let mut all = String::new();
    for (variable, key, form) in VARIABLES {
        let Some(value) = get(variable).filter(|v| !v.is_empty()) else { continue };
        let Some(value) = as_toml(&value, form) else {
            let wanted = if form == Form::Flag { "neither true nor false" } else { "no whole number" };
            problems.push(Problem::new(Level::Error, format!("config:{variable}"), format!("It is {}, {wanted}.", quoted(&value))).about(variable));
            continue;
        };
        let line = format!("{key} = {value}\n");
        let (_, found) = parse(variable, &line);
        if found.is_empty() {
            all.push_str(&line);
        }
        problems.extend(
            found
                .into_iter()
                .map(|p| Problem { id: format!("config:{variable}"), level: Level::Error, ..p }.about(variable)),
        );
    }
    parse("", &all).0
}

/// The value as TOML writes it; shells write flags in more ways than TOML.
fn as_toml(value: &str, form: Form) -> Option<String> {
    match form {
        Form::Text => Some(toml::Value::String(value.to_owned()).to_string()),
        Form::Number => value.trim().parse::<i64>().ok().map(|n| n.to_string()),
        Form::Flag => match value.trim().to_lowercase().as_str() {
            "true" | "1" | "yes" | "on" => Some("true".into()),
            "false" | "0" | "no" | "off" => Some("false".into()),
            _ => None,
        },
    }
}
