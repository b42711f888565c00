//! The header and the panes in the states that a night brings: connecting, lost, stale, read only, other environments.

use timonel::app::App;
use timonel::app::first_steps::FirstSteps;
use timonel::base::problem::{Level, Problem};
use timonel::target::api::ErrorKind;
use timonel::target::event::{Opened, StreamState, TargetEvent};
use timonel::target::model::Kind;
use timonel::theme::Charset;

use super::scene::{empty, frame_with, night, now, open, press, stream, tell};
use super::shot::{Paint, picture, skin};

fn top(app: &mut App, width: u16) -> String {
    let (buffer, _) = frame_with(app, width, 24, &skin(Paint::Roles, Charset::Unicode));
    let picture = picture(&buffer);
    let (text, styles) = picture.split_once("-- styles\n").unwrap();
    let head = text.lines().take(2).chain(styles.lines().filter(|l| l.starts_with("  0 ") || l.starts_with("  1 ")));
    head.collect::<Vec<_>>().join("\n")
}

#[test]
fn the_header_says_whether_what_is_seen_is_live() {
    let mut connecting = empty();
    let mut failed = empty();
    let problem = Problem::new(Level::Error, "target:open", "The server 10.0.0.1:6443 refused the connection.").hint("Is the VPN up?");
    tell(&mut failed, TargetEvent::OpenFailed(problem));
    let mut reading = empty();
    open(&mut reading);
    tell(&mut reading, TargetEvent::Stream { key: stream(Kind::Pod), state: StreamState::Loading });
    let mut stale = night();
    let since = now() - jiff::SignedDuration::from_secs(40);
    tell(
        &mut stale,
        TargetEvent::Stream { key: stream(Kind::Pod), state: StreamState::Stale { since, reason: "connection reset".into() } },
    );
    let mut forbidden = night();
    let state = StreamState::Failed { kind: ErrorKind::Forbidden, reason: "no right to list nodes".into() };
    tell(&mut forbidden, TargetEvent::Stream { key: stream(Kind::Node), state });
    for (name, app) in
        [("connecting", &mut connecting), ("failed", &mut failed), ("reading", &mut reading), ("stale", &mut stale), ("forbidden", &mut forbidden)]
    {
        insta::assert_snapshot!(format!("header_{name}"), top(app, 120));
    }
    let (buffer, _) = frame_with(&mut failed, 100, 24, &skin(Paint::Roles, Charset::Unicode));
    insta::assert_snapshot!("bridge_failed", picture(&buffer));
}

#[test]
fn every_environment_has_its_word_and_read_only_and_a_journal_that_cannot_be_written_are_said() {
    let mut shots = Vec::new();
    for context in ["eterna-prod", "eterna-staging", "kind-local", "somewhere"] {
        let mut app = empty();
        tell(
            &mut app,
            TargetEvent::Opened(Opened {
                context: context.into(),
                cluster: "c".into(),
                user: "ana".into(),
                server: String::new(),
                namespaces: None,
                contexts: vec![],
            }),
        );
        app.start.spec.read_only = context == "somewhere";
        if context == "eterna-staging" {
            app.start.journal = Err("disk full".into());
        }
        shots.push(top(&mut app, 120));
    }
    insta::assert_snapshot!(shots.join("\n\n"));
}

#[test]
fn the_logs_pane_says_what_it_hides() {
    for (name, keys) in [("paused", "4 p"), ("search", "4 / e v a l enter"), ("only", "4 i r e d i s enter"), ("wrapped", "4 z w"), ("raw", "4 z J")]
    {
        let mut app = night();
        press(&mut app, keys);
        let (buffer, _) = frame_with(&mut app, 80, 24, &skin(Paint::Roles, Charset::Unicode));
        insta::assert_snapshot!(format!("logs_{name}"), picture(&buffer));
    }
}

#[test]
fn each_pane_zoomed() {
    for pane in 1..=4 {
        let mut app = night();
        press(&mut app, &format!("{pane} z"));
        let (buffer, _) = frame_with(&mut app, 160, 24, &skin(Paint::Roles, Charset::Unicode));
        insta::assert_snapshot!(format!("zoom_{pane}"), picture(&buffer));
    }
}

#[test]
fn the_first_steps_stand_above_the_keys_at_every_size() {
    for (width, height) in [(80, 24), (120, 36), (60, 16)] {
        let mut app = night();
        app.first_steps = Some(FirstSteps::new(String::new()));
        let (buffer, _) = frame_with(&mut app, width, height, &skin(Paint::Roles, Charset::Unicode));
        let picture = picture(&buffer);
        let (text, _) = picture.split_once("-- styles\n").unwrap();
        let last: Vec<&str> = text.lines().rev().take(3).collect();
        insta::assert_snapshot!(format!("first_steps_{width}x{height}"), last.into_iter().rev().collect::<Vec<_>>().join("\n"));
    }
}

#[test]
fn the_first_steps_name_a_key_that_works_from_where_the_newcomer_is() {
    let mut app = night();
    app.first_steps = Some(FirstSteps::new(String::new()));
    let line = |app: &mut App| {
        let (buffer, _) = frame_with(app, 120, 36, &skin(Paint::Roles, Charset::Unicode));
        picture(&buffer).lines().find(|l| l.contains("FIRST STEPS")).unwrap().to_owned()
    };
    let step = line(&mut app);
    assert!(step.contains("  x explains why"), "{step}");
    press(&mut app, "4");
    let step = line(&mut app);
    assert!(step.contains("  1 x explains why"), "{step}");
}
