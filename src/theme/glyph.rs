//! Glyphs: shape and word carry the meaning, colour only repeats it.
//!
//! Owns which glyph stands for what, and the ASCII that replaces each of them. View code always draws the Unicode glyph; where
//! only ASCII can be shown, the finished screen is translated.

use super::role::Role;
use crate::base::health::Health;

/// Near a limit.
pub const NEAR: &str = "▲";
/// A tree row that shows what is under it.
pub const OPEN: &str = "▾";
/// A tree row that hides what is under it.
pub const CLOSED: &str = "▸";
/// The one that is current: a revision, a step.
pub const CURRENT: &str = "▶";
/// A check that passed, a step that is proven.
pub const DONE: &str = "✓";
/// A check that failed.
pub const FAILED: &str = "✗";
/// A step that has not begun.
pub const WAITING: &str = "·";
/// A marked row.
pub const MARK: &str = "*";
/// Sorted with the largest last.
pub const ASCENDING: &str = "↑";
/// Sorted with the largest first.
pub const DESCENDING: &str = "↓";
/// Bars of a line of samples, lowest first.
pub const BARS: [&str; 8] = ["▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"];
/// The part of a progress bar that is done, and the rest.
pub const PROGRESS: [&str; 2] = ["█", "░"];

/// The glyph of a health.
pub const fn health(health: Health) -> &'static str {
    match health {
        Health::Ok => "●",
        Health::Degraded => "◐",
        Health::Down => FAILED,
        Health::Unknown => "?",
        Health::Off => "○",
    }
}

/// The role of a health.
pub const fn health_role(health: Health) -> Role {
    match health {
        Health::Ok => Role::Ok,
        Health::Degraded => Role::Degraded,
        Health::Down => Role::Down,
        Health::Unknown => Role::Unknown,
        Health::Off => Role::Off,
    }
}

/// What stands for a character where only ASCII can be shown; `?` for one that the program does not draw by itself.
pub const fn ascii(c: char) -> char {
    match c {
        ' '..='~' => c,
        '●' | '✓' | '╭' | '╮' | '╰' | '╯' | '├' | '┤' | '┬' | '┴' | '┼' => '+',
        '◐' => '~',
        '✗' => '!',
        '○' | '…' | '·' | '░' => '.',
        '▲' | '↑' => '^',
        '▾' | '↓' => 'v',
        '▸' | '▶' | '→' | '▏' => '>',
        '─' | '–' | '—' | '▁' | '▂' => '-',
        '│' => '|',
        '▃' | '▄' => '=',
        '▅' | '▆' | '▇' | '█' => '#',
        '←' => '<',
        '\u{a0}' => ' ',
        _ => '?',
    }
}

#[cfg(test)]
mod tests {
    use super::{ascii, health};
    use crate::base::health::Health;

    #[test]
    fn the_six_glyphs_stay_six_different_ones_in_ascii() {
        let healths = [Health::Ok, Health::Degraded, Health::Down, Health::Unknown, Health::Off].map(health);
        let drawn: String = healths.into_iter().chain([super::NEAR]).flat_map(str::chars).map(ascii).collect();
        assert_eq!(drawn, "+~!?.^");
    }

    #[test]
    fn nothing_but_ascii_is_left() {
        assert!((' '..='\u{2fff}').map(ascii).all(|c| c.is_ascii_graphic() || c == ' '));
    }
}
