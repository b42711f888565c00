//! The bridge at every size that people have.

use ratatui::layout::{Position, Rect};
use timonel::app::msg::Msg;
use timonel::app::{App, Pane};
use timonel::base::problem::{Level, Problem};
use timonel::service::PIN;
use timonel::theme::Charset;
use timonel::ui::pane_at;

use super::scene::{frame_with, night};
use super::shot::{Paint, picture, skin, text_row};

#[test]
fn the_bridge_at_each_size() {
    for (width, height) in [(80, 24), (120, 36), (140, 45), (200, 50)] {
        let (buffer, _) = frame_with(&mut night(), width, height, &skin(Paint::Roles, Charset::Unicode));
        insta::assert_snapshot!(format!("bridge_{width}x{height}"), picture(&buffer));
    }
}

/// Clicks on the place where a text is drawn.
fn click(app: &mut App, width: u16, height: u16, text: &str) {
    let (buffer, _) = frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode));
    let row = |y: u16| (0..width).map(|x| buffer[(x, y)].symbol()).collect::<String>();
    let found = (0..height).find_map(|y| row(y).find(text).map(|at| (row(y)[..at].chars().count() as u16, y)));
    let (x, y) = found.unwrap_or_else(|| panic!("'{text}' is not on the screen"));
    let (pane, row) = pane_at(app, Rect::new(0, 0, width, height), Position::new(x, y)).expect("a pane is there");
    app.update(Msg::Click(pane, row), app.now);
}

#[test]
fn a_click_goes_to_the_pane_and_the_row_that_is_drawn_there() {
    let mut app = night();
    click(&mut app, 120, 36, "postgres");
    assert_eq!((app.focus, app.workloads.selected_name().as_deref()), (Pane::Workloads, Some("postgres")));
    click(&mut app, 120, 36, "3 Releases");
    assert_eq!(app.focus, Pane::Releases);
    click(&mut app, 80, 24, "2 Health: ");
    assert_eq!(app.focus, Pane::Health, "a line that stands for a pane is its pane");
}

#[test]
fn another_cluster_than_the_pinned_one_is_said_on_line_1_at_every_size() {
    for (level, words) in [(Level::Error, "NOT THE PINNED CLUSTER"), (Level::Unknown, "CLUSTER NOT KNOWN")] {
        for (width, height) in [(80, 24), (120, 36)] {
            let mut app = night();
            app.problems
                .insert(PIN.to_owned(), Problem::new(level, PIN, "This is not the cluster that the service file names."));
            let (buffer, _) = frame_with(&mut app, width, height, &skin(Paint::Roles, Charset::Unicode));
            assert!(text_row(&buffer, 0).contains(words), "{}", text_row(&buffer, 0));
        }
    }
}
