//! What lies over the bridge.

use timonel::app::App;
use timonel::theme::Charset;

use super::scene::{frame_with, night, press};
use super::shot::{Paint, picture, skin};

fn shot(app: &mut App, width: u16, height: u16) -> String {
    picture(&frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode)).0)
}

#[test]
fn reading_views() {
    for (name, keys) in [("explain", "x"), ("describe", "d"), ("events", "e"), ("help", "?"), ("problems", "!")] {
        let mut app = night();
        press(&mut app, keys);
        insta::assert_snapshot!(name, shot(&mut app, 100, 30));
    }
}

#[test]
fn palette_prompts_and_the_leaders_menu() {
    for (name, keys) in [
        ("palette", ": l o g s"),
        ("palette_nothing", ": q q q z"),
        ("filter", "/ r e s t a r t s > = 5"),
        ("filter_wrong", "/ r e s t a r t s > = x enter"),
        ("leader", "a"),
        ("scale_prompt", "a s"),
        ("unbound", "ctrl-y"),
    ] {
        let mut app = night();
        press(&mut app, keys);
        insta::assert_snapshot!(name, shot(&mut app, 100, 30));
    }
}
