//! The recording of the demo: from calm over trouble to the proof, as a newcomer finds it.
//!
//! Owns the way that is shown and what of it must stay as it is. The pictures of its stations are made of the recording and of nothing
//! else, so one cannot be newer than the other.

mod cast;
mod svg;

use std::fs;
use std::time::Duration;

use crate::demo::until_asked;
use crate::picture::{WRITE, readme, root, structure, trouble};
use crate::support::sandbox::Sandbox;
use crate::support::screen::{Screen, Size};
use crate::support::terminal::{End, Terminal};
use cast::Cast;

const SIZE: Size = (120, 36);
/// The mark where the night is as bad as in the README's picture.
const TROUBLE: &str = "something is wrong";

fn take() -> Cast {
    let sandbox = Sandbox::new();
    let mut terminal = Terminal::start_recorded(&sandbox, SIZE, &["demo", "--speed", "10"]);
    let story = Duration::from_mins(2);
    let station = |terminal: &Terminal, name: &str, wanted: &dyn Fn(&Screen) -> bool| {
        terminal.wait_whole(story, name, wanted).unwrap();
    };
    station(&terminal, "calm", &|screen| screen.has("● live") && screen.has(" UP ●"));
    station(&terminal, TROUBLE, &trouble);
    terminal.press("/");
    terminal.type_text("devshelf-worker");
    terminal.press("enter");
    terminal.wait_for("1 of ");
    terminal.press("x");
    station(&terminal, "x explains it", &|screen| screen.has("why: ") && screen.has("OOMKilled"));
    terminal.press("esc");
    terminal.wait_gone("why: ");
    terminal.press("a s");
    terminal.wait_for("number of replicas");
    terminal.press("ctrl-u 4 enter");
    let answer = until_asked(&mut terminal, "y");
    station(&terminal, "a s scales: the plan", &|screen| screen.has("to go on"));
    terminal.type_text(&answer);
    terminal.press("enter");
    station(&terminal, "proven", &|screen| screen.has("every proof held"));
    terminal.press("esc");
    station(&terminal, "calm again", &|screen| screen.has_row(&["devshelf-worker", "4/4"]));
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
    Cast::of(SIZE, "Timonel: the demo", &terminal.tape())
}

#[test]
fn the_recording_shows_the_demo_as_it_is_now() {
    let (recording, pictures) = (root().join("assets/demo.cast"), root().join("assets/demo.svg"));
    if std::env::var_os(WRITE).is_some() {
        let cast = take();
        fs::write(&recording, cast.text()).unwrap();
        fs::write(&pictures, svg::stations(&cast)).unwrap();
        return;
    }
    let cast = Cast::read(&fs::read_to_string(&recording).unwrap());
    let (_, picture, _) = readme();
    let shown = cast.screen_at(TROUBLE).expect("the recording has its stations");
    assert_eq!(structure(&shown.rows.join("\n")), structure(&picture), "tests/picture takes a new recording");
    assert_eq!(fs::read_to_string(&pictures).unwrap(), svg::stations(&cast), "tests/picture makes new pictures of it");
}

#[test]
fn a_recording_is_read_as_it_was_written() {
    use crate::support::terminal::Piece::{Mark, Output};
    let at = Duration::from_millis;
    // A letter that came in two pieces, and a long silence.
    let tape = [
        (at(100), Output(b"\x1b[31ma\xc3".to_vec())),
        (at(110), Output(b"\xb1o".to_vec())),
        (at(90_000), Mark("m".into())),
        (at(90_001), Output(b"!".to_vec())),
    ];
    let cast = Cast::of((10, 2), "t", &tape);
    let again = Cast::read(&cast.text());
    assert_eq!(again.text(), cast.text());
    assert_eq!(again.screen_at("m").expect("the mark").rows[0], "año");
    assert!(again.screen_at("other").is_none());
    assert!(again.seconds() < 10.0, "{}", again.seconds());
    assert!(svg::stations(&again).contains("año"));
}
