//! `timonel --plain` on the simulated cluster.

use rustix::process::Signal;

use super::follower::Follower;
use super::simulated;
use crate::support::sandbox::Sandbox;

#[test]
fn the_answers_come_as_lines_then_a_line_for_each_change() {
    let (_cluster, home) = simulated("quiet");
    let mut plain = Follower::start(&home, &["--plain", "-n", "devshelf"]);
    let first = plain.until("the last answer", |line| line.contains(" CALL "));
    for word in [" PLACE demo / devshelf", " STATE live", " UP ok: ", " CHANGED ", " BACK "] {
        assert!(first.iter().any(|line| line.contains(word)), "{word} is missing: {first:#?}");
    }
    assert!(first.iter().all(|line| !line.contains('\u{1b}')), "{first:#?}");
    let plan = home.run(&["plan", "-n", "devshelf", "restart", "devshelf-api", "-o", "json"]).json();
    let typed = plan["confirmation"]["type"].as_str().expect("a word to type");
    home.run(&["run", "-n", "devshelf", "restart", "devshelf-api", "--confirm", typed]).exits(0);
    let lines = plain.until("the end of the rollout", |line| {
        line.contains("devshelf/deployment/devshelf-api") && line.contains("rollout done, revision")
    });
    for word in ["progressing", " CHANGED Deployment devshelf-api revision "] {
        assert!(lines.iter().any(|line| line.contains(word)), "{word} is missing: {lines:#?}");
    }
    let (code, errors) = plain.end(Signal::INT);
    assert_eq!((code, errors.as_str()), (Some(130), ""));
}

#[test]
fn a_server_that_is_not_there_is_said_and_never_good_news() {
    let home = Sandbox::new();
    let nowhere = home.write_kubeconfig("https://127.0.0.1:1").display().to_string();
    let mut plain = Follower::start(&home, &["--plain", "--kubeconfig", &nowhere]);
    let lines = plain.until("whether it is up", |line| line.contains(" UP "));
    assert!(lines.last().is_some_and(|line| line.contains(" UP unknown: ")), "{lines:#?}");
    assert!(lines.iter().any(|line| line.contains("refused")), "{lines:#?}");
    let (code, _) = plain.end(Signal::TERM);
    assert_eq!(code, Some(143));
}

#[test]
fn a_reader_who_goes_away_ends_it() {
    let (_cluster, home) = simulated("quiet");
    let mut plain = Follower::start(&home, &["--plain", "-n", "devshelf"]);
    plain.line();
    assert_eq!(plain.left_alone(), (Some(0), String::new()));
}
