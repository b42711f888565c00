use std::collections::HashMap;
use std::time::Duration;

use super::layers::Options;
use super::{ColorChoice, Layers, SAMPLE, Settings, settings};
use crate::base::environment::EnvironmentKind;
use crate::base::problem::Problem;

fn line(p: &Problem) -> String {
    let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
}

fn load(options: Options, variables: &[(&str, &str)], file: &str) -> (Settings, Vec<String>) {
    let variables: HashMap<&str, &str> = variables.iter().copied().collect();
    let variable = |name: &str| variables.get(name).map(|v| (*v).to_owned());
    let (settings, problems) = settings(&Layers { options, variable: &variable, file: Some(("config.toml", file)) });
    (settings, problems.iter().map(line).collect())
}

#[test]
fn the_sample_says_every_setting_and_its_default() {
    let (settings, problems) = load(Options::default(), &[], SAMPLE);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(settings, Settings::default());
    // Every key of the sample is needed: without it the file would say less, and a key that is read but not shown would be found
    // by the next assertion, since all of them have a variable.
    for (key, other) in [
        ("theme", "\"x\""),
        ("keymap", "\"x\""),
        ("color", "\"never\""),
        ("ascii", "true"),
        ("mouse", "true"),
        ("fps", "7"),
        ("ask_ingresses", "false"),
        ("timeout", "\"7s\""),
        ("rollback_gap", "\"7m\""),
        ("read_only", "true"),
        ("lines", "777"),
        ("bytes", "\"7Mi\""),
        ("streams", "7"),
        ("tail", "7"),
        ("wrap", "true"),
        ("times", "false"),
    ] {
        let changed: Vec<String> = SAMPLE
            .lines()
            .map(|l| if l.split('=').next().is_some_and(|k| k.trim() == key) { format!("{key} = {other}") } else { l.to_owned() })
            .collect();
        let (settings, problems) = load(Options::default(), &[], &changed.join("\n"));
        assert_eq!(problems, Vec::<String>::new(), "{key}");
        assert_ne!(settings, Settings::default(), "the sample does not show '{key}'");
    }
}

#[test]
fn an_option_goes_before_a_variable_before_the_file_before_the_default() {
    let file = "theme = \"file\"\nkeymap = \"file\"\nfps = 10\n";
    let variables = [("TIMONEL_THEME", "variable"), ("TIMONEL_KEYMAP", "variable"), ("TIMONEL_LOGS_BYTES", "1Mi"), ("TIMONEL_READ_ONLY", "true")];
    let options = Options { theme: Some("option".into()), ..Options::default() };
    let (settings, problems) = load(options, &variables, file);
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!((settings.theme.as_str(), settings.keymap.as_str(), settings.fps), ("option", "variable", 10));
    assert_eq!((settings.logs.bytes, settings.read_only, settings.timeout), (1 << 20, true, Duration::from_secs(10)));
}

#[test]
fn a_bad_entry_is_told_and_the_next_layer_counts() {
    let file = "fps = 500\nthme = \"light\"\nmouse = \"yes\"\ntimeout = 5\n[logs]\nbytes = \"64MB\"\nstreams = 10\n[contexts.c]\nkind = \"prod\"\nread_only = true\n";
    let (settings, problems) = load(
        Options::default(),
        &[("TIMONEL_FPS", "many"), ("TIMONEL_ASCII", "perhaps"), ("TIMONEL_MOUSE", "1"), ("TIMONEL_COLOR", "allways")],
        file,
    );
    assert_eq!(
        problems,
        [
            "TIMONEL_COLOR 'color' is 'allways', which is none of its words. | Did you mean 'always'?",
            "TIMONEL_ASCII It is 'perhaps', neither true nor false. | ",
            "TIMONEL_FPS It is 'many', no whole number. | ",
            "config.toml:1:7 'fps' is '500', out of range. | It must be from 1 to 60.",
            "config.toml:2:1 The key 'thme' is unknown here. | Did you mean 'theme'?",
            "config.toml:3:9 'mouse' must be true or false, without quotes, not a text. | ",
            "config.toml:4:11 'timeout' must be a duration in quotes, not a whole number. | Write a number and a unit: '500ms', '5s', '15m', '2h', '7d'.",
            "config.toml:6:9 'bytes' is '64MB', which is no possible size. | Write a number of bytes or a quantity from \"64Ki\" to \"4Gi\".",
            "config.toml:9:8 'kind' is 'prod', which is none of its words. | Did you mean 'production'?",
        ]
    );
    assert_eq!((settings.fps, settings.logs.streams, settings.mouse), (60, 10, true));
    assert_eq!(settings.context("c").and_then(|c| c.read_only), Some(true), "the good half of an entry stays");
}

#[test]
fn no_color_goes_before_the_file_and_an_option_before_both() {
    let file = "color = \"always\"\n";
    assert_eq!(load(Options::default(), &[], file).0.color, ColorChoice::Always);
    assert_eq!(load(Options::default(), &[("NO_COLOR", "1")], file).0.color, ColorChoice::Auto);
    assert_eq!(load(Options::default(), &[("NO_COLOR", "")], file).0.color, ColorChoice::Always);
    let options = Options { color: Some(ColorChoice::Always), ..Options::default() };
    assert_eq!(load(options, &[("NO_COLOR", "1")], "").0.color, ColorChoice::Always);
}

#[test]
fn the_kind_of_an_environment_comes_from_the_settings_and_then_from_names() {
    let (settings, _) = load(Options::default(), &[], "[contexts.\"blue\"]\nkind = \"staging\"\n[contexts.\"x-prod\"]\nkind = \"test\"\n");
    let kind = |context: &str, namespace: &str| settings.kind(context, "main", &[namespace.to_owned()]);
    assert_eq!(kind("blue", "production"), EnvironmentKind::Staging);
    assert_eq!(kind("x-prod", "default"), EnvironmentKind::Test);
    assert_eq!(kind("green", "production"), EnvironmentKind::Production);
    assert_eq!(kind("green", "default"), EnvironmentKind::Unknown);
}
