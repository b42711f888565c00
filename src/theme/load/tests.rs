//! Tests of loading: what a user's file may hold, and what each mistake costs.

use super::super::{Ansi, Depth, Rgb, names};
use super::{Color, Found, Loaded, Role, load};
use crate::base::problem::Place;

fn with(text: &str) -> Loaded {
    load("mine", &|name| (name == "mine").then(|| Found { file: "mine.toml".into(), text: text.into() }))
}

fn lines(loaded: &Loaded) -> Vec<(Option<usize>, String, Option<String>)> {
    let line = |place: &Option<Place>| match place {
        Some(Place::File(place)) => place.line,
        _ => None,
    };
    loaded.problems.iter().map(|p| (line(&p.place), p.message.clone(), p.hint.clone())).collect()
}

#[test]
fn shipped_themes_load_without_a_problem() {
    for name in names() {
        assert_eq!(load(name, &|_| None).problems, [], "{name}");
    }
}

#[test]
fn a_user_file_holds_only_differences() {
    let dark = load("dark", &|_| None).theme;
    let mine = with("inherits = 'dark'\n[palette]\nred = '#ff9091'\n[roles]\nhealth.ok = '#00ff00 underline'\n");
    assert_eq!(mine.problems, []);
    let ok = mine.theme.style(Role::Ok, Depth::True);
    assert_eq!((ok.fg, ok.underline), (Color::parse("#00ff00"), true));
    assert_eq!(mine.theme.style(Role::Down, Depth::True).fg, Some(Color::Exact(Rgb(255, 144, 145), None)));
    assert_eq!(mine.theme.style(Role::Frame, Depth::True), dark.style(Role::Frame, Depth::True));
}

#[test]
fn a_user_file_with_the_name_of_a_shipped_theme_differs_from_that_one() {
    let user = |name: &str| (name == "light").then(|| Found { file: "light.toml".into(), text: "[roles]\nkey = 'bright-blue'".into() });
    let loaded = load("light", &user);
    assert_eq!(loaded.problems, []);
    assert_eq!(loaded.theme.style(Role::Key, Depth::True).fg, Some(Color::Ansi(Ansi(12))));
    assert_eq!(loaded.theme.style(Role::Text, Depth::True), load("light", &|_| None).theme.style(Role::Text, Depth::True));
}

#[test]
fn each_bad_line_costs_that_line_and_is_named_with_a_way_out() {
    let loaded = with(
        "inherits = 'dark'\n\
         apperance = 'dark'\n\
         [palette]\n\
         red = 'rde'\n\
         [roles]\n\
         'health.okay' = 'red'\n\
         'health.down' = 'bold gren'\n\
         frame = 7\n\
         'key' = 'yellow bold'\n",
    );
    let expected = [
        (2, "The key 'apperance' is unknown here.", Some("Did you mean 'appearance'?")),
        (4, "'rde' is no colour.", Some("A colour is '#rrggbb', '#rrggbb bright-red', one of the sixteen names, or 'default'.")),
        (6, "There is no role 'health.okay'.", Some("Did you mean 'health.ok'?")),
        (7, "'gren' is neither a colour nor an attribute.", Some("Did you mean 'green'?")),
        (8, "'frame' must be a text in quotes, not a whole number.", None),
    ];
    let expected: Vec<_> = expected.map(|(l, m, h)| (Some(l), m.to_owned(), h.map(str::to_owned))).into();
    assert_eq!(lines(&loaded), expected);
    let dark = load("dark", &|_| None).theme;
    for role in [Role::Down, Role::Frame, Role::Ok] {
        assert_eq!(loaded.theme.style(role, Depth::True), dark.style(role, Depth::True), "{role:?} falls back");
    }
    assert!(loaded.theme.style(Role::Key, Depth::True).bold);
}

#[test]
fn a_line_that_is_no_toml_does_not_cost_the_others() {
    let loaded = with("[roles]\nkey = 'bright-blue bold'\nthis is not toml\ntitle = 'green'\n");
    assert_eq!(loaded.problems.len(), 1, "{:#?}", loaded.problems);
    assert_eq!(lines(&loaded)[0].0, Some(3));
    assert_eq!(loaded.theme.style(Role::Key, Depth::True).fg, Some(Color::Ansi(Ansi(12))));
    assert_eq!(loaded.theme.style(Role::Title, Depth::True).fg, load("dark", &|_| None).theme.style(Role::Ok, Depth::True).fg);
}

#[test]
fn a_theme_that_does_not_exist_is_the_default_and_says_what_there_is() {
    let loaded = load("drak", &|_| None);
    assert_eq!(loaded.theme.style(Role::Text, Depth::True), Loaded::default().theme.style(Role::Text, Depth::True));
    assert_eq!(lines(&loaded), [(None, "The theme 'drak' does not exist; 'dark' is used.".into(), Some("Did you mean 'dark'?".into()))]);
}

#[test]
fn a_circle_of_inheritance_ends() {
    let user = |name: &str| {
        let text = match name {
            "a" => "inherits = 'b'\n[roles]\nkey = 'bright-blue'",
            "b" => "\ninherits = 'a'",
            _ => return None,
        };
        Some(Found { file: format!("{name}.toml"), text: text.into() })
    };
    let loaded = load("a", &user);
    assert_eq!(loaded.problems[0].message, "The theme 'a' inherits from itself; 'dark' is used.");
    assert_eq!(loaded.problems[0].place.as_ref().map(ToString::to_string).as_deref(), Some("b.toml:2:12"));
    assert_eq!(loaded.theme.style(Role::Key, Depth::True).fg, Some(Color::Ansi(Ansi(12))));
    assert_eq!(loaded.theme.style(Role::Text, Depth::True), Loaded::default().theme.style(Role::Text, Depth::True));
}

#[test]
fn a_theme_of_a_user_that_cannot_be_read_is_warned_of() {
    let loaded = with("[palette]\ntext = '#000000'\n");
    assert!(loaded.problems.iter().any(|p| p.message.contains("can hardly be read")), "{:#?}", loaded.problems);
}

#[test]
fn hostile_files_never_panic_and_never_reach_a_terminal() {
    for text in
        ["\u{1b}[2J = 1", "[roles]\n'\u{1b}[31m' = '\u{1b}]0;x\u{7}'", "[[[[", "inherits = 1", "roles = []", "\0\0\0", "é = 'ü'\n[roles\nkey='x"]
    {
        let loaded = with(text);
        assert!(!loaded.problems.is_empty(), "{text:?}");
        for p in loaded.problems {
            let all = format!("{}{}", p.message, p.hint.unwrap_or_default());
            assert!(!all.chars().any(char::is_control), "{all:?}");
        }
    }
}
