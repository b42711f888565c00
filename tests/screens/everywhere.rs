//! What must hold on every screen: no size breaks it, every theme can be read, the same state gives the same screen, and an
//! ASCII terminal gets ASCII.

use ratatui::buffer::Buffer;
use ratatui::style::Color;
use timonel::app::App;
use timonel::theme::{Charset, Depth, Rgb, Role, load, names, ratio};
use timonel::ui::skin::Skin;

use super::scene::{empty, frame_with, night, open, press};
use super::shot::{Paint, skin, text_row};

/// Screens that between them show everything, by the keys that lead there.
const WAYS: [&str; 14] = ["", "x", "d", "e", "?", "!", ": l", "/ x", "a", "2", "3", "4 z", "4 w", "a s"];

fn screen(keys: &str) -> App {
    let mut app = night();
    if !keys.is_empty() {
        press(&mut app, keys);
    }
    app
}

#[test]
fn no_size_breaks_any_screen() {
    let paint = skin(Paint::Mono, Charset::Ascii);
    for keys in WAYS {
        let mut app = screen(keys);
        for (width, height) in
            [(0, 0), (1, 1), (20, 5), (59, 40), (60, 15), (60, 16), (61, 17), (80, 12), (99, 23), (100, 24), (200, 16), (200, 24), (400, 120)]
        {
            frame_with(&mut app, width, height, &paint);
        }
    }
    for (width, height) in [(20, 5), (60, 16), (120, 36)] {
        frame_with(&mut empty(), width, height, &paint);
    }
}

#[test]
fn too_small_a_screen_says_so_in_one_line() {
    let (buffer, drawn) = frame_with(&mut night(), 20, 5, &skin(Paint::Roles, Charset::Unicode));
    assert_eq!(text_row(&buffer, 0).trim_end(), "20x5 is too small: …");
    assert!((1..5).all(|y| text_row(&buffer, y).trim().is_empty()));
    assert_eq!(drawn.cursor, None);
}

#[test]
fn the_same_state_gives_the_same_screen() {
    let paint = skin(Paint::Roles, Charset::Unicode);
    for keys in WAYS {
        let mut app = screen(keys);
        let (first, _) = frame_with(&mut app, 120, 36, &paint);
        let (second, _) = frame_with(&mut app, 120, 36, &paint);
        assert_eq!(first, second, "{keys}");
    }
}

#[test]
fn an_ascii_terminal_gets_nothing_but_ascii() {
    let paint = skin(Paint::Mono, Charset::Ascii);
    for keys in WAYS {
        let (buffer, _) = frame_with(&mut screen(keys), 120, 36, &paint);
        let strange: String = buffer.content.iter().map(ratatui::buffer::Cell::symbol).filter(|s| !s.is_ascii()).collect();
        assert_eq!(strange, "", "{keys}");
    }
}

#[test]
fn every_character_of_every_screen_can_be_read_in_every_shipped_theme() {
    let mut screens = WAYS.map(screen);
    for name in names().filter(|name| *name != "mono") {
        let theme = load(name, &|_| None).theme;
        for depth in [Depth::True, Depth::Indexed] {
            let paint = Skin::new(&theme, depth, Charset::Unicode);
            for (keys, app) in WAYS.iter().zip(&mut screens) {
                let (buffer, _) = frame_with(app, 120, 36, &paint);
                let worst = hardest(&buffer);
                assert!(worst.0 >= 4.5, "{name} {depth:?} '{keys}': '{}' has contrast {:.2}", worst.1, worst.0);
            }
        }
    }
}

/// The character that can be read worst; lines, bars and blanks are no characters.
fn hardest(buffer: &Buffer) -> (f64, String) {
    let letters = buffer.content.iter().filter(|cell| !cell.symbol().chars().all(|c| c == ' ' || ('─'..='▟').contains(&c)));
    letters
        .map(|cell| (ratio(rgb(cell.fg), rgb(cell.bg)), cell.symbol().to_owned()))
        .fold((21.0, String::new()), |worst, one| if one.0 < worst.0 { one } else { worst })
}

fn rgb(color: Color) -> Rgb {
    match color {
        Color::Rgb(r, g, b) => Rgb(r, g, b),
        Color::Indexed(i @ 232..) => Rgb(8 + (i - 232) * 10, 8 + (i - 232) * 10, 8 + (i - 232) * 10),
        Color::Indexed(i @ 16..) => {
            let step = |n: u8| if n == 0 { 0 } else { 55 + 40 * n };
            Rgb(step((i - 16) / 36), step((i - 16) / 6 % 6), step((i - 16) % 6))
        }
        other => panic!("{other:?} is no colour of a shipped theme at this depth"),
    }
}

#[test]
fn without_colours_the_focus_the_selection_and_the_environment_are_still_seen() {
    let mut app = night();
    let (buffer, _) = frame_with(&mut app, 120, 36, &skin(Paint::Mono, Charset::Unicode));
    insta::assert_snapshot!("bridge_mono", super::shot::picture(&buffer));
}

#[test]
fn before_anything_is_known_nothing_looks_like_good_news() {
    let paint = skin(Paint::Roles, Charset::Unicode);
    let mut app = empty();
    let (nothing, _) = frame_with(&mut app, 120, 36, &paint);
    open(&mut app);
    let (opened, _) = frame_with(&mut app, 120, 36, &paint);
    for buffer in [nothing, opened] {
        let good = buffer
            .content
            .iter()
            .filter(|cell| cell.fg == Color::Rgb(Role::Ok.index() as u8, 1, 0) || cell.fg == Color::Rgb(Role::Live.index() as u8, 1, 0));
        assert_eq!(good.count(), 0, "{}", super::shot::picture(&buffer));
    }
}
