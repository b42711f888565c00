//! A theme at the depth of this terminal, in the words of the drawing library.
//!
//! Owns the mapping from role to style. Must not know which view asks.

use ratatui::style::{Color, Modifier, Style};

use crate::theme::{Charset, Depth, Rgb, Role, Shade, Theme};

/// How every role looks here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Skin {
    styles: Vec<Style>,
    charset: Charset,
}

impl Skin {
    /// The skin of a theme for a terminal.
    pub fn new(theme: &Theme, depth: Depth, charset: Charset) -> Self {
        Self::with(charset, |role| style(theme.style(role, depth), depth))
    }

    /// A skin that asks `style` for each role.
    pub fn with(charset: Charset, style: impl Fn(Role) -> Style) -> Self {
        Self { styles: Role::ALL.iter().map(|role| style(*role)).collect(), charset }
    }

    /// How a role looks.
    pub fn style(&self, role: Role) -> Style {
        self.styles[role.index()]
    }

    /// Which characters can be shown.
    pub fn charset(&self) -> Charset {
        self.charset
    }
}

/// A theme's style in the words of the drawing library.
pub fn style(style: crate::theme::Style, depth: Depth) -> Style {
    let attributes = [
        (style.bold, Modifier::BOLD),
        (style.dim, Modifier::DIM),
        (style.italic, Modifier::ITALIC),
        (style.underline, Modifier::UNDERLINED),
        (style.reverse, Modifier::REVERSED),
    ];
    let modifier = attributes.into_iter().filter(|(set, _)| *set).fold(Modifier::empty(), |all, (_, m)| all | m);
    Style {
        fg: style.fg.map(|c| shade(c.at(depth))),
        bg: style.bg.map(|c| shade(c.at(depth))),
        add_modifier: modifier,
        ..Style::default()
    }
}

const fn shade(shade: Shade) -> Color {
    match shade {
        Shade::Terminal => Color::Reset,
        Shade::Rgb(Rgb(r, g, b)) => Color::Rgb(r, g, b),
        Shade::Indexed(i) => Color::Indexed(i),
        Shade::Ansi(ansi) => Color::Indexed(ansi.0),
    }
}

#[cfg(test)]
mod tests {
    use ratatui::style::{Color, Modifier};

    use super::Skin;
    use crate::theme::{Charset, Depth, Loaded, Role, load};

    #[test]
    fn without_colours_only_attributes_remain() {
        for name in ["dark", "light", "high-contrast", "mono"] {
            let skin = Skin::new(&load(name, &|_| None).theme, Depth::None, Charset::Unicode);
            for role in Role::ALL {
                let style = skin.style(*role);
                for color in [style.fg, style.bg].into_iter().flatten() {
                    assert_eq!(color, Color::Reset, "{name} {role:?}");
                }
            }
            assert!(skin.style(Role::Selection).add_modifier.contains(Modifier::REVERSED), "{name}: a selection must be seen");
        }
    }

    #[test]
    fn every_depth_uses_only_what_it_has() {
        let theme = Loaded::default().theme;
        for (depth, allowed) in [
            (Depth::Basic, (|c| matches!(c, Color::Indexed(0..16) | Color::Reset)) as fn(Color) -> bool),
            (Depth::Indexed, |c| matches!(c, Color::Indexed(_) | Color::Reset)),
        ] {
            let skin = Skin::new(&theme, depth, Charset::Unicode);
            for role in Role::ALL {
                let style = skin.style(*role);
                assert!([style.fg, style.bg].into_iter().flatten().all(allowed), "{depth:?} {role:?}: {style:?}");
            }
        }
    }
}
