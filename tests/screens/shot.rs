//! Pictures of screens that a diff can be read of: the text, then which columns have which role.
//!
//! The roles are read off the buffer: the picture is painted with a skin in which every role has a colour of its own, so a new
//! shade in a theme changes no picture, and a wrong role changes exactly its line.

use std::fmt::Write;

use ratatui::buffer::{Buffer, Cell};
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use timonel::base::text::width;
use timonel::theme::{Charset, Depth, Role, Theme, load};
use timonel::ui::canvas::Canvas;
use timonel::ui::skin::{Skin, style};

/// Marks in the probe skin which of a role's two colours a cell has.
const FOREGROUND: u8 = 1;
const GROUND: u8 = 2;

/// How a picture is painted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paint {
    /// Roles by name, as the dark theme has colours for them.
    Roles,
    /// Attributes by name, as a terminal without colours shows them.
    Mono,
}

/// The shipped dark theme.
pub(crate) fn dark() -> Theme {
    load("dark", &|_| None).theme
}

/// The skin of a way to paint.
pub(crate) fn skin(paint: Paint, charset: Charset) -> Skin {
    match paint {
        Paint::Roles => probe(charset),
        Paint::Mono => Skin::new(&load("mono", &|_| None).theme, Depth::None, charset),
    }
}

fn probe(charset: Charset) -> Skin {
    let theme = dark();
    Skin::with(charset, |role| {
        let real = style(theme.style(role, Depth::True), Depth::True);
        let mark = |color: Option<Color>, kind| color.map(|_| Color::Rgb(role.index() as u8, kind, 0));
        Style { fg: mark(real.fg, FOREGROUND), bg: mark(real.bg, GROUND), ..Style::default() }
    })
}

/// Draws on a fresh buffer of a size.
pub(crate) fn draw(width: u16, height: u16, skin: &Skin, paint: impl FnOnce(&mut Canvas<'_>)) -> Buffer {
    let mut buffer = Buffer::empty(Rect::new(0, 0, width, height));
    let mut canvas = Canvas::new(&mut buffer, skin);
    paint(&mut canvas);
    canvas.finish();
    buffer
}

/// The picture of a buffer: text, then styles.
pub(crate) fn picture(buffer: &Buffer) -> String {
    let mut out = String::new();
    for y in 0..buffer.area.height {
        out.push_str(text_row(buffer, y).trim_end());
        out.push('\n');
    }
    out.push_str("-- styles\n");
    for y in 0..buffer.area.height {
        let runs = runs(buffer, y);
        if !runs.is_empty() {
            let _ = writeln!(out, "{y:>3} {}", runs.join("  "));
        }
    }
    out
}

/// One row as a terminal shows it: a wide character hides the cell behind it.
pub(crate) fn text_row(buffer: &Buffer, y: u16) -> String {
    let mut row = String::new();
    let mut x = 0;
    while x < buffer.area.width {
        let symbol = buffer[(x, y)].symbol();
        row.push_str(symbol);
        x += width(symbol).max(1) as u16;
    }
    row
}

/// `4-11 health.ok`: columns (from 0, inclusive) and what they are; plain text on the plain ground is not listed. A single
/// blank between two runs of a kind does not part them.
fn runs(buffer: &Buffer, y: u16) -> Vec<String> {
    let mut runs: Vec<(u16, u16, String)> = Vec::new();
    let mut x = 0;
    while x < buffer.area.width {
        let cell = &buffer[(x, y)];
        let name = name(cell);
        let end = x + (width(cell.symbol()).max(1) as u16 - 1);
        if let [.., (_, last_end, last), (from, to, gap)] = &mut runs[..]
            && from == to
            && *last == name
            && name.ends_with(gap.as_str())
        {
            *last_end = end;
            runs.pop();
        } else {
            match runs.last_mut() {
                Some((_, last_end, last)) if *last == name => *last_end = end,
                _ => runs.push((x, end, name)),
            }
        }
        x = end + 1;
    }
    let shown = runs.into_iter().filter(|(_, _, name)| !name.is_empty());
    shown
        .map(|(from, to, name)| if from == to { format!("{from} {name}") } else { format!("{from}-{to} {name}") })
        .collect()
}

fn name(cell: &Cell) -> String {
    let blank = cell.symbol() == " ";
    let (fg, bg) = (role(cell.fg, FOREGROUND), role(cell.bg, GROUND));
    // The ground of panels is not told: their frames show where they are.
    let ground = bg.filter(|r| !matches!(r, Role::Screen | Role::Panel));
    let mut words = Vec::new();
    match (fg, ground) {
        (Some(fg), Some(ground)) if fg == ground => words.push(fg.name().to_owned()),
        (fg, ground) => {
            let plain = |r: &Role| matches!(r, Role::Text | Role::Screen | Role::Panel);
            words.extend(fg.filter(|r| !blank && !plain(r)).map(|r| r.name().to_owned()));
            words.extend(ground.map(|r| format!("on {}", r.name())));
        }
    }
    let attributes = [
        (Modifier::BOLD, "bold"),
        (Modifier::DIM, "dim"),
        (Modifier::ITALIC, "italic"),
        (Modifier::UNDERLINED, "underline"),
        (Modifier::REVERSED, "reverse"),
    ];
    let seen = |m: Modifier| cell.modifier.contains(m) && (!blank || matches!(m, Modifier::REVERSED | Modifier::UNDERLINED));
    words.extend(attributes.into_iter().filter(|(m, _)| seen(*m)).map(|(_, word)| word.to_owned()));
    words.join(" ")
}

fn role(color: Color, kind: u8) -> Option<Role> {
    match color {
        Color::Rgb(index, k, 0) if k == kind => Role::ALL.get(usize::from(index)).copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_tells_text_and_role_apart() {
        let one = |role: Role| {
            let buffer = draw(12, 1, &skin(Paint::Roles, Charset::Unicode), |c| {
                c.text(2, 0, 9, role, "3/3 日本");
            });
            picture(&buffer)
        };
        assert_eq!(one(Role::Ok), "  3/3 日本\n-- styles\n  0 2-9 health.ok\n");
        assert_ne!(one(Role::Ok), one(Role::Down));
    }
}
