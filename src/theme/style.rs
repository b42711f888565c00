//! How a role looks: colours and attributes, as theme files write them.
//!
//! Owns the one-line grammar `[COLOUR] [on COLOUR] [bold] [dim] [italic] [underline] [reverse]`.

use super::color::{Ansi, Color};

/// Colours and attributes of one role.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Style {
    /// Colour of the characters; `None` leaves what is there.
    pub fg: Option<Color>,
    /// Colour behind them; `None` leaves what is there.
    pub bg: Option<Color>,
    /// Bold.
    pub bold: bool,
    /// Dim.
    pub dim: bool,
    /// Italic.
    pub italic: bool,
    /// Underlined.
    pub underline: bool,
    /// Foreground and background exchanged.
    pub reverse: bool,
}

const ATTRIBUTES: [&str; 5] = ["bold", "dim", "italic", "underline", "reverse"];

/// Why a style could not be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct BadWord {
    /// The word.
    pub(super) word: String,
    /// A word that would have been understood.
    pub(super) near: Option<String>,
}

impl Style {
    /// Reads a style; `color` knows the palette.
    pub(super) fn parse(text: &str, palette: &dyn Palette) -> Result<Self, BadWord> {
        let mut style = Self::default();
        let mut words = text.split_whitespace();
        while let Some(word) = words.next() {
            match word {
                "bold" => style.bold = true,
                "dim" => style.dim = true,
                "italic" => style.italic = true,
                "underline" => style.underline = true,
                "reverse" => style.reverse = true,
                "on" => style.bg = Some(colour(words.next().unwrap_or("on"), palette)?),
                word if style.fg.is_none() => style.fg = Some(colour(word, palette)?),
                word => return Err(BadWord { word: word.to_owned(), near: nearest(word, palette) }),
            }
        }
        Ok(style)
    }
}

/// Where a style's colour words are looked up.
pub(super) trait Palette {
    /// The colour of that name.
    fn color(&self, name: &str) -> Option<Color>;
    /// Names that it knows, for "did you mean".
    fn names(&self) -> Vec<&str>;
}

fn colour(word: &str, palette: &dyn Palette) -> Result<Color, BadWord> {
    let found = palette.color(word).or_else(|| Color::parse(word));
    found.ok_or_else(|| BadWord { word: word.to_owned(), near: nearest(word, palette) })
}

fn nearest(word: &str, palette: &dyn Palette) -> Option<String> {
    let mut known: Vec<&str> = palette.names();
    for word in Ansi::names().chain(ATTRIBUTES).chain(["on", "default"]) {
        known.push(word);
    }
    crate::base::problem::did_you_mean(word, known).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::{Color, Palette, Style};

    struct One;

    impl Palette for One {
        fn color(&self, name: &str) -> Option<Color> {
            (name == "alarm").then(|| Color::parse("#ff0000").expect("a colour"))
        }

        fn names(&self) -> Vec<&str> {
            vec!["alarm"]
        }
    }

    #[test]
    fn a_style_is_a_line_of_words() {
        let style = Style::parse("alarm on black bold underline", &One).expect("a style");
        assert_eq!((style.fg, style.bg), (One.color("alarm"), Color::parse("black")));
        assert!(style.bold && style.underline && !style.reverse && !style.dim && !style.italic);
        assert_eq!(Style::parse("", &One), Ok(Style::default()));
        assert_eq!(Style::parse("on #101010", &One).expect("a style").fg, None);
    }

    #[test]
    fn a_word_that_is_none_is_named_with_its_nearest() {
        for (text, word, near) in
            [("alram", "alram", Some("alarm")), ("alarm blod", "blod", Some("bold")), ("alarm on", "on", Some("on")), ("#12345", "#12345", None)]
        {
            let bad = Style::parse(text, &One).expect_err("bad");
            assert_eq!((&*bad.word, bad.near.as_deref()), (word, near), "{text}");
        }
    }
}
