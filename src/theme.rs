//! Roles instead of colours: what view code may ask for, and how a theme answers at each depth of colour.
//!
//! Owns roles, palettes, inheritance, colour depth, glyphs and the checking of theme files. Must not know ratatui, the file
//! system or any view: `ui` turns a [`Style`] into what its library wants, whoever starts the program hands in file texts.

mod color;
mod contrast;
mod depth;
pub mod glyph;
mod load;
mod raw;
mod role;
mod shipped;
mod style;

pub use color::{Ansi, Color, Rgb, Shade};
pub use contrast::{Contrast, ratio, weakest};
pub use depth::{Charset, Depth};
pub use load::{Found, Loaded, load};
pub use role::Role;
pub use shipped::{DEFAULT, names};
pub use style::Style;

/// Which background a theme was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Appearance {
    /// Light text on a dark ground.
    #[default]
    Dark,
    /// Dark text on a light ground.
    Light,
}

impl Appearance {
    /// What a terminal says about its background in `COLORFGBG` (`15;0`, `0;default;15`): the last field is the background's
    /// number. `None` when it says nothing.
    pub fn from_colorfgbg(value: &str) -> Option<Self> {
        let background: u8 = value.rsplit(';').next()?.trim().parse().ok()?;
        Some(if matches!(background, 7 | 9..=15) { Self::Light } else { Self::Dark })
    }

    /// The shipped theme for it.
    pub const fn theme(self) -> &'static str {
        match self {
            Self::Dark => "dark",
            Self::Light => "light",
        }
    }
}

/// A theme with every role answered, in rich colour and for terminals with 16 colours or none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theme {
    name: String,
    appearance: Appearance,
    rich: [Style; Role::COUNT],
    basic: [Style; Role::COUNT],
}

impl Theme {
    /// Its name, as the user gave it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Which background it was made for.
    pub fn appearance(&self) -> Appearance {
        self.appearance
    }

    /// How a role looks at a depth. With 16 colours or none the theme's `[basic]` table speaks first.
    pub fn style(&self, role: Role, depth: Depth) -> Style {
        match depth {
            Depth::True | Depth::Indexed => self.rich[role.index()],
            Depth::Basic | Depth::None => self.basic[role.index()],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Appearance;

    #[test]
    fn a_terminal_that_tells_its_background_is_believed() {
        for (value, expected) in [
            ("15;0", Some(Appearance::Dark)),
            ("0;15", Some(Appearance::Light)),
            ("0;default;15", Some(Appearance::Light)),
            ("12;8", Some(Appearance::Dark)),
            ("0;7", Some(Appearance::Light)),
            ("default;default", None),
            ("", None),
        ] {
            assert_eq!(Appearance::from_colorfgbg(value), expected, "{value:?}");
        }
    }
}
