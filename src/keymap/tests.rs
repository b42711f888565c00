use super::{Chord, Key, Keymap, Layer, Lookup, SHIPPED, load, shipped};
use crate::action::{Action, Context};
use crate::base::problem::Problem;

fn default() -> Keymap {
    shipped("default").expect("the default keymap")
}

fn keys(text: &str) -> Vec<Key> {
    Chord::parse(text, None).expect(text).keys().to_vec()
}

/// The default keymap with a user's file over it.
fn with(user: &str) -> (Keymap, Vec<String>) {
    let (keymap, problems) = load(&[SHIPPED[0].1, Layer { file: "mine.toml", text: user }]);
    (keymap, problems.iter().map(line).collect())
}

fn line(p: &Problem) -> String {
    let place = p.place.as_ref().map(ToString::to_string).unwrap_or_default();
    format!("{place} {} | {}", p.message, p.hint.as_deref().unwrap_or_default())
}

const WORKLOADS: &[Context] = &[Context::Workloads, Context::Global];
const LOGS: &[Context] = &[Context::Logs, Context::Global];

#[test]
fn shipped_keymaps_have_no_problem_and_bind_every_action_that_wants_a_key() {
    for (name, layer) in SHIPPED {
        let (keymap, problems) = load(&[layer]);
        assert_eq!(problems.iter().map(line).collect::<Vec<_>>(), Vec::<String>::new(), "{name}");
        assert_eq!(keymap.name(), name);
    }
}

#[test]
fn the_default_keys_are_those_of_the_contract() {
    let keymap = default();
    for (text, contexts, action) in [
        ("j", WORKLOADS, Action::Down),
        ("k", WORKLOADS, Action::Up),
        ("h", WORKLOADS, Action::Left),
        ("l", WORKLOADS, Action::Right),
        ("g", WORKLOADS, Action::Top),
        ("G", LOGS, Action::Bottom),
        ("/", WORKLOADS, Action::Filter),
        ("n", WORKLOADS, Action::Next),
        ("N", WORKLOADS, Action::Previous),
        (":", LOGS, Action::Palette),
        ("?", LOGS, Action::Help),
        ("q", WORKLOADS, Action::Quit),
        ("esc", WORKLOADS, Action::Back),
        ("tab", WORKLOADS, Action::NextPane),
        ("1", LOGS, Action::FocusWorkloads),
        ("4", WORKLOADS, Action::FocusLogs),
        ("z", LOGS, Action::Zoom),
        ("x", WORKLOADS, Action::Explain),
        ("y", WORKLOADS, Action::Yaml),
        ("d", WORKLOADS, Action::Describe),
        ("e", WORKLOADS, Action::Events),
        ("L", WORKLOADS, Action::Logs),
        ("enter", WORKLOADS, Action::Open),
        ("space", WORKLOADS, Action::Mark),
        ("a s", WORKLOADS, Action::Scale),
        ("q", &[Context::Document, Context::Global], Action::Back),
    ] {
        assert_eq!(keymap.lookup(contexts, &keys(text)), Lookup::Action(action), "{text} in {contexts:?}");
    }
}

#[test]
fn the_leader_waits_and_says_how_to_go_on() {
    let keymap = default();
    let Lookup::Pending(candidates) = keymap.lookup(WORKLOADS, &keys("a")) else { panic!("not pending") };
    assert!(candidates.iter().any(|c| c.rest == keys("s") && c.action == Action::Scale), "{candidates:?}");
    assert_eq!(keymap.lookup(WORKLOADS, &keys("a Q")), Lookup::Unbound);
    assert!(keymap.under_leader().iter().any(|(chord, action)| chord.to_string() == "a s" && *action == Action::Scale));
}

#[test]
fn a_text_field_gets_every_character_and_only_other_keys_are_looked_up() {
    let keymap = default();
    let text = &[Context::Text, Context::Choice, Context::Global];
    for c in ["q", "a", ":", "space", "1"] {
        assert!(matches!(keymap.lookup(text, &keys(c)), Lookup::Typed(_)), "{c}");
    }
    assert_eq!(keymap.lookup(text, &keys("enter")), Lookup::Action(Action::Submit));
    assert_eq!(keymap.lookup(text, &keys("esc")), Lookup::Action(Action::Back));
    assert_eq!(keymap.lookup(text, &keys("ctrl-c")), Lookup::Action(Action::ForceQuit));
    assert_eq!(keymap.lookup(text, &keys("ctrl-w")), Lookup::Action(Action::DeleteWord));
}

#[test]
fn the_hint_is_a_key_that_really_works_there() {
    let keymap = default();
    let hint = |contexts: &[Context], action| keymap.hint(contexts, action).map(ToString::to_string);
    assert_eq!(hint(WORKLOADS, Action::Scale).as_deref(), Some("a s"));
    assert_eq!(hint(WORKLOADS, Action::Quit).as_deref(), Some("q"));
    // In a reading view q closes it, so that it is no hint for quitting there.
    assert_eq!(hint(&[Context::Document, Context::Global], Action::Quit), None);
}

#[test]
fn a_user_file_holds_only_differences_and_takes_keys_from_others() {
    let (keymap, problems) = with("[everywhere]\nzoom = \"f5\"\n[logs]\nlogs-wrap = [\"W\", \"p\"]\n");
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(keymap.lookup(LOGS, &keys("f5")), Lookup::Action(Action::Zoom));
    assert_eq!(keymap.lookup(LOGS, &keys("z")), Lookup::Unbound);
    assert_eq!(keymap.lookup(LOGS, &keys("p")), Lookup::Action(Action::LogsWrap));
    assert_eq!(keymap.lookup(LOGS, &keys("space")), Lookup::Action(Action::LogsPause), "the other key of pause stays");
    assert_eq!(keymap.lookup(LOGS, &keys("j")), Lookup::Action(Action::Down), "what the file does not name stays");
}

#[test]
fn none_takes_the_keys_away_and_an_action_without_a_key_is_reported() {
    for none in ["\"none\"", "[]"] {
        let (keymap, problems) = with(&format!("[everywhere]\nzoom = {none}\n"));
        assert_eq!(keymap.lookup(LOGS, &keys("z")), Lookup::Unbound);
        assert_eq!(problems, ["mine.toml No key is bound to 'zoom' (zoom the pane and back). | It stays in the palette."]);
    }
}

#[test]
fn moving_the_leader_moves_everything_under_it() {
    let (keymap, problems) = with("leader = \",\"\n");
    assert_eq!(problems, Vec::<String>::new());
    assert_eq!(keymap.lookup(WORKLOADS, &keys(", s")), Lookup::Action(Action::Scale));
    assert_eq!(keymap.lookup(WORKLOADS, &keys("a")), Lookup::Unbound);
}

#[test]
fn a_bad_line_is_told_with_its_place_and_the_rest_of_the_file_applies() {
    let (keymap, problems) = with(
        "[everywhere]\nzom = \"f5\"\nzoom = \"Ctrl+F\"\nyaml = [\"Y\", \"nokey\"]\nhelp = 5\n[logs]\nexplain = \"x\"\n[lgos]\nlogs-wrap = \"W\"\n[text]\nsubmit = \"s\"\n",
    );
    assert_eq!(
        problems,
        [
            "mine.toml:2:1 There is no action 'zom'. | Did you mean 'zoom'?",
            "mine.toml:3:8 'Ctrl+F' is no key. | Did you mean 'ctrl-f'?",
            "mine.toml:4:14 'nokey' is no key. | A key is a character, a name (enter, esc, tab, space, up, page-down, f5), with ctrl-, alt- or shift- before it.",
            "mine.toml:5:8 'help' must be a text in quotes, not a whole number. | ",
            "mine.toml:7:1 'explain' cannot be bound in [logs]. | It works in: workloads, health, releases.",
            "mine.toml:8:2 The key 'lgos' is unknown here. | Did you mean 'logs'?",
            "mine.toml:11:10 's' types a character in a text field and cannot be bound there. | ",
        ]
    );
    assert_eq!(keymap.lookup(WORKLOADS, &keys("Y")), Lookup::Action(Action::Yaml), "the good key of a line stays");
    assert_eq!(keymap.lookup(WORKLOADS, &keys("z")), Lookup::Action(Action::Zoom), "a line without any good key changes nothing");
    assert_eq!(keymap.lookup(&[Context::Text], &keys("enter")), Lookup::Action(Action::Submit));
}

#[test]
fn clashes_within_a_file_are_told_and_the_first_keeps_the_key() {
    let (keymap, problems) = with("[logs]\nlogs-wrap = \"W\"\nlogs-times = [\"W\", \"T\"]\nlogs-jump = \"T x\"\n");
    assert_eq!(
        problems,
        [
            "mine.toml:3:15 In [logs] 'W' is bound to both 'logs-wrap' and 'logs-times'. | 'logs-wrap' keeps it.",
            "mine.toml:4:13 In [logs] 'T' (logs-times) hides 'T x' (logs-jump), which could never be pressed. | 'logs-times' keeps it.",
            "mine.toml No key is bound to 'logs-jump' (jump to a time). | It stays in the palette.",
        ]
    );
    assert_eq!(keymap.lookup(LOGS, &keys("W")), Lookup::Action(Action::LogsWrap));
    assert_eq!(keymap.lookup(LOGS, &keys("T")), Lookup::Action(Action::LogsTimes));
}

#[test]
fn a_key_that_hides_the_leader_in_one_place_is_told() {
    let (_, problems) = with("[logs]\nlogs-wrap = \"a\"\n");
    let hidden = [
        ("a s", "scale"),
        ("a b", "rollback"),
        ("a r", "restart"),
        ("a p", "pause-rollout"),
        ("a t", "trigger"),
        ("a k", "back-up"),
        ("a m", "migrate"),
        ("a i", "inspect"),
        ("a d", "evict"),
        ("a c", "cordon"),
        ("a a", "approve"),
    ];
    let expected =
        hidden.map(|(keys, action)| format!("mine.toml In [logs] 'a' (logs-wrap) hides '{keys}' ({action}). | Choose another key for one of them."));
    assert_eq!(problems, expected);
}

#[test]
fn nobody_is_locked_in() {
    let (keymap, problems) = with("[everywhere]\nforce-quit = \"none\"\nfilter = \"ctrl-c\"\n");
    assert_eq!(keymap.lookup(WORKLOADS, &keys("ctrl-c")), Lookup::Action(Action::Filter), "an inner context may use the key");
    assert_eq!(keymap.lookup(&[Context::Text], &keys("ctrl-c")), Lookup::Action(Action::ForceQuit));
    assert!(problems.iter().any(|p| p.contains("it has 'ctrl-c' again")), "{problems:?}");
}

#[test]
fn a_file_that_is_not_toml_leaves_the_keymap_as_it_was() {
    let (keymap, problems) = with("[everywhere\nzoom = ");
    assert_eq!(keymap, default());
    assert!(problems.iter().any(|p| p.contains("not TOML")), "{problems:?}");
}
