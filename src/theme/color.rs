//! A colour as theme files name it, and what is left of it at each depth.
//!
//! Owns the parsing of colours and the nearest match among 256 and 16. Must not know roles.

use super::depth::Depth;

/// A colour by its parts, 0 to 255 each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// One of the sixteen colours that the terminal's user chose, 0 to 15: eight normal ones, eight bright ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Ansi(pub u8);

/// Names of the sixteen, in the order of their numbers.
const ANSI_NAMES: [&str; 16] = [
    "black",
    "red",
    "green",
    "yellow",
    "blue",
    "magenta",
    "cyan",
    "white",
    "bright-black",
    "bright-red",
    "bright-green",
    "bright-yellow",
    "bright-blue",
    "bright-magenta",
    "bright-cyan",
    "bright-white",
];

/// What the sixteen look like on an xterm: only for finding the nearest one.
const ANSI_RGB: [Rgb; 16] = [
    Rgb(0, 0, 0),
    Rgb(205, 0, 0),
    Rgb(0, 205, 0),
    Rgb(205, 205, 0),
    Rgb(0, 0, 238),
    Rgb(205, 0, 205),
    Rgb(0, 205, 205),
    Rgb(229, 229, 229),
    Rgb(127, 127, 127),
    Rgb(255, 0, 0),
    Rgb(0, 255, 0),
    Rgb(255, 255, 0),
    Rgb(92, 92, 255),
    Rgb(255, 0, 255),
    Rgb(0, 255, 255),
    Rgb(255, 255, 255),
];

impl Ansi {
    /// The colour of that name, `bright-black` and the like.
    pub fn from_name(name: &str) -> Option<Self> {
        (0..16).find(|i| ANSI_NAMES[usize::from(*i)] == name).map(Self)
    }

    /// The names, for "did you mean".
    pub fn names() -> impl Iterator<Item = &'static str> {
        ANSI_NAMES.into_iter()
    }

    const fn rgb(self) -> Rgb {
        ANSI_RGB[self.0 as usize & 15]
    }
}

/// A colour of a theme.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Color {
    /// The terminal's own foreground or background.
    Terminal,
    /// One of the terminal's sixteen, at every depth.
    Ansi(Ansi),
    /// An exact colour, and the one of the sixteen that stands for it where the theme says so.
    Exact(Rgb, Option<Ansi>),
}

/// A colour at a given depth: what can be sent to a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Shade {
    /// The terminal's own.
    Terminal,
    /// 24 bits.
    Rgb(Rgb),
    /// One of 256, 16 to 255.
    Indexed(u8),
    /// One of the sixteen.
    Ansi(Ansi),
}

impl Color {
    /// Reads `#rrggbb`, `#rrggbb bright-red` (the second word is used with sixteen colours), a name of the sixteen, or
    /// `default` for the terminal's own.
    pub fn parse(text: &str) -> Option<Self> {
        let mut words = text.split_whitespace();
        let first = words.next()?;
        let second = words.next();
        if words.next().is_some() {
            return None;
        }
        if let Some(rgb) = hex(first) {
            let ansi = second.map(|name| Ansi::from_name(name).ok_or(()));
            return ansi.transpose().ok().map(|ansi| Self::Exact(rgb, ansi));
        }
        match (first, second) {
            ("default", None) => Some(Self::Terminal),
            (name, None) => Ansi::from_name(name).map(Self::Ansi),
            _ => None,
        }
    }

    /// What is left of it at a depth.
    pub fn at(self, depth: Depth) -> Shade {
        match (self, depth) {
            (Self::Terminal, _) | (_, Depth::None) => Shade::Terminal,
            (Self::Ansi(ansi), _) | (Self::Exact(_, Some(ansi)), Depth::Basic) => Shade::Ansi(ansi),
            (Self::Exact(rgb, _), Depth::True) => Shade::Rgb(rgb),
            (Self::Exact(rgb, _), Depth::Indexed) => Shade::Indexed(nearest_indexed(rgb)),
            (Self::Exact(rgb, None), Depth::Basic) => Shade::Ansi(nearest_ansi(rgb)),
        }
    }
}

impl Shade {
    /// What it looks like; `None` for the terminal's own and the sixteen, which look as the terminal's user chose.
    pub fn rgb(self) -> Option<Rgb> {
        match self {
            Self::Terminal | Self::Ansi(_) => None,
            Self::Rgb(rgb) => Some(rgb),
            Self::Indexed(i) => Some(indexed_rgb(i)),
        }
    }
}

fn hex(text: &str) -> Option<Rgb> {
    let digits = text.strip_prefix('#').filter(|d| d.len() == 6 && d.bytes().all(|b| b.is_ascii_hexdigit()))?;
    let n = u32::from_str_radix(digits, 16).ok()?;
    Some(Rgb((n >> 16) as u8, (n >> 8) as u8, n as u8))
}

/// The six steps of each part in xterm's colour cube.
const STEPS: [u8; 6] = [0, 95, 135, 175, 215, 255];

fn indexed_rgb(i: u8) -> Rgb {
    match i {
        0..16 => Ansi(i).rgb(),
        16..232 => {
            let n = usize::from(i - 16);
            Rgb(STEPS[n / 36], STEPS[n / 6 % 6], STEPS[n % 6])
        }
        232.. => Rgb(8 + (i - 232) * 10, 8 + (i - 232) * 10, 8 + (i - 232) * 10),
    }
}

fn nearest_indexed(rgb: Rgb) -> u8 {
    (16..=255).min_by_key(|i| distance(rgb, indexed_rgb(*i))).unwrap_or(16)
}

fn nearest_ansi(rgb: Rgb) -> Ansi {
    (0..16).map(Ansi).min_by_key(|a| distance(rgb, a.rgb())).unwrap_or(Ansi(7))
}

/// Squared distance, weighted roughly as eyes weigh the parts.
fn distance(a: Rgb, b: Rgb) -> i32 {
    let part = |x: u8, y: u8, weight: i32| (i32::from(x) - i32::from(y)).pow(2) * weight;
    part(a.0, b.0, 3) + part(a.1, b.1, 6) + part(a.2, b.2, 1)
}

#[cfg(test)]
mod tests {
    use super::{Ansi, Color, Depth, Rgb, Shade};

    #[test]
    fn colours_are_read_as_theme_files_write_them() {
        for (text, expected) in [
            ("#ff8000", Some(Color::Exact(Rgb(255, 128, 0), None))),
            ("#ff8000 bright-red", Some(Color::Exact(Rgb(255, 128, 0), Some(Ansi(9))))),
            ("cyan", Some(Color::Ansi(Ansi(6)))),
            ("default", Some(Color::Terminal)),
            ("#ff800", None),
            ("#gg0000", None),
            ("#ff8000 mauve", None),
            ("cyan cyan", None),
            ("#+12345", None),
            ("", None),
        ] {
            assert_eq!(Color::parse(text), expected, "{text:?}");
        }
    }

    #[test]
    fn each_depth_gets_the_nearest_it_can_show() {
        let orange = Color::parse("#ff8700").expect("a colour");
        assert_eq!(orange.at(Depth::True), Shade::Rgb(Rgb(255, 135, 0)));
        assert_eq!(orange.at(Depth::Indexed), Shade::Indexed(208));
        assert_eq!(orange.at(Depth::None), Shade::Terminal);
        assert_eq!(Color::parse("#fe0202").expect("a colour").at(Depth::Basic), Shade::Ansi(Ansi(9)));
        assert_eq!(Color::parse("#fe0202 cyan").expect("a colour").at(Depth::Basic), Shade::Ansi(Ansi(6)));
        assert_eq!(Color::parse("#808080").expect("a colour").at(Depth::Indexed), Shade::Indexed(244));
    }
}
