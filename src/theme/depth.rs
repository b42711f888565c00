//! How many colours and which characters a terminal can show.
//!
//! Owns the reading of the environment's hints; the environment itself is handed in.

/// How many colours there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Depth {
    /// None: `NO_COLOR`, or a terminal without any. Bold, dim, underline and reverse remain.
    None,
    /// Sixteen, whose looks the terminal's user chose.
    Basic,
    /// 256.
    Indexed,
    /// 24 bits.
    True,
}

impl Depth {
    /// What the environment says: `NO_COLOR` (no-color.org: set and not empty) first, then `CLICOLOR_FORCE`, `COLORTERM`
    /// and `TERM`.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &str| env(name).filter(|v| !v.is_empty());
        if set("NO_COLOR").is_some() {
            return Self::None;
        }
        let term = set("TERM").unwrap_or_default();
        let by_term = Self::of_terminal(&term, &set("COLORTERM").unwrap_or_default());
        if set("CLICOLOR_FORCE").is_some_and(|v| v != "0") { by_term.max(Self::Basic) } else { by_term }
    }

    fn of_terminal(term: &str, colorterm: &str) -> Self {
        if term.is_empty() || term == "dumb" || term.ends_with("-mono") || term.ends_with("-m") || term.starts_with("vt1") || term.starts_with("vt2")
        {
            return Self::None;
        }
        // GNU screen passes 24-bit colours on only when told to (truecolor on), and COLORTERM may be left over from the
        // terminal outside: 256 is what it always maps.
        let screen = term.starts_with("screen");
        if !screen && (matches!(colorterm, "truecolor" | "24bit") || term.ends_with("-direct")) {
            return Self::True;
        }
        let rich = ["256color", "kitty", "alacritty", "wezterm", "ghostty", "foot"];
        if rich.iter().any(|word| term.contains(word)) { Self::Indexed } else { Self::Basic }
    }
}

/// Which characters can be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Charset {
    /// All of them.
    #[default]
    Unicode,
    /// Only ASCII: everything else is replaced while drawing.
    Ascii,
}

impl Charset {
    /// What the locale says: the first of `LC_ALL`, `LC_CTYPE`, `LANG` that is set decides. The Linux console has no glyphs
    /// for half-filled circles and gets ASCII; without any locale (containers, systemd units) UTF-8 is assumed, as every
    /// terminal of today speaks it.
    pub fn detect(env: impl Fn(&str) -> Option<String>) -> Self {
        if env("TERM").is_some_and(|term| term == "linux") {
            return Self::Ascii;
        }
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().find_map(|name| env(name).filter(|v| !v.is_empty()));
        match locale.map(|l| l.to_ascii_lowercase()) {
            Some(l) if !(l.contains("utf-8") || l.contains("utf8")) => Self::Ascii,
            _ => Self::Unicode,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Charset, Depth};

    fn env<'a>(pairs: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| pairs.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned())
    }

    #[test]
    fn depth_follows_the_environment() {
        for (pairs, expected) in [
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor")][..], Depth::True),
            (&[("TERM", "xterm-256color")], Depth::Indexed),
            (&[("TERM", "tmux-256color"), ("COLORTERM", "truecolor")], Depth::True),
            (&[("TERM", "screen.xterm-256color"), ("COLORTERM", "truecolor")], Depth::Indexed),
            (&[("TERM", "screen"), ("COLORTERM", "truecolor")], Depth::Basic),
            (&[("TERM", "xterm")], Depth::Basic),
            (&[("TERM", "linux")], Depth::Basic),
            (&[("TERM", "vt100")], Depth::None),
            (&[("TERM", "dumb")], Depth::None),
            (&[], Depth::None),
            (&[("TERM", "vt220"), ("CLICOLOR_FORCE", "1")], Depth::Basic),
            (&[("TERM", "xterm-256color"), ("COLORTERM", "truecolor"), ("NO_COLOR", "1")], Depth::None),
            (&[("TERM", "xterm-256color"), ("NO_COLOR", "")], Depth::Indexed),
        ] {
            assert_eq!(Depth::detect(env(pairs)), expected, "{pairs:?}");
        }
    }

    #[test]
    fn ascii_is_for_locales_without_utf8_and_for_the_linux_console() {
        for (pairs, expected) in [
            (&[("LANG", "en_US.UTF-8")][..], Charset::Unicode),
            (&[("LANG", "es_ES.utf8")], Charset::Unicode),
            (&[("LANG", "en_US.UTF-8"), ("LC_ALL", "C")], Charset::Ascii),
            (&[("LANG", "en_US.ISO-8859-1")], Charset::Ascii),
            (&[], Charset::Unicode),
            (&[("LC_ALL", ""), ("LANG", "C")], Charset::Ascii),
            (&[("TERM", "linux"), ("LANG", "en_US.UTF-8")], Charset::Ascii),
        ] {
            assert_eq!(Charset::detect(env(pairs)), expected, "{pairs:?}");
        }
    }
}
