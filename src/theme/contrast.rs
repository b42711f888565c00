//! Whether what a theme paints can be read.
//!
//! Owns WCAG 2.2's contrast ratio and the pairs of roles that meet on the screen.

use super::Theme;
use super::color::Rgb;
use super::depth::Depth;
use super::role::Role;
use super::style::Style;
use crate::base::problem::{Level, Problem};

/// A role on a ground, and how well it can be read there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Contrast {
    /// What is written.
    pub role: Role,
    /// What it is written on.
    pub ground: Role,
    /// 1 (the same colour) to 21 (black on white).
    pub ratio: f64,
}

/// The contrast ratio of two colours, 1 to 21 (WCAG 2.2, 1.4.3).
pub fn ratio(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(Rgb(r, g, b): Rgb) -> f64 {
    let part = |c: u8| {
        let c = f64::from(c) / 255.0;
        if c <= 0.04045 { c / 12.92 } else { ((c + 0.055) / 1.055).powf(2.4) }
    };
    0.2126 * part(r) + 0.7152 * part(g) + 0.0722 * part(b)
}

/// Grounds that text is laid on.
const GROUNDS: [Role; 4] = [Role::Screen, Role::Selection, Role::SelectionIdle, Role::Panel];

/// Roles that draw no text to be read: lines, bars, grounds.
const LINES: [Role; 7] = [Role::Screen, Role::Frame, Role::FrameFocus, Role::PanelFrame, Role::BarRest, Role::Panel, Role::BarDone];

/// The pairs of a theme that can be read worst, worst first. Colours that are the terminal's own cannot be judged and are
/// left out.
pub fn weakest(theme: &Theme, depth: Depth) -> Vec<Contrast> {
    let mut found: Vec<Contrast> = Role::ALL
        .iter()
        .filter(|role| !LINES.contains(role) && !GROUNDS.contains(role))
        .flat_map(|role| GROUNDS.iter().map(move |ground| (*role, *ground)))
        .filter_map(|(role, ground)| Some(Contrast { role, ground, ratio: on(theme, depth, role, ground)? }))
        .collect();
    found.sort_by(|a, b| a.ratio.total_cmp(&b.ratio));
    found
}

/// As the screen is painted: the ground, the role over it, and a selection over both, which leaves a role that brought a ground
/// of its own alone.
fn on(theme: &Theme, depth: Depth, role: Role, ground: Role) -> Option<f64> {
    let style = |role: Role| theme.style(role, depth);
    let mut seen = patch(style(Role::Screen), style(Role::Text));
    if ground == Role::Panel {
        seen = patch(seen, style(ground));
    }
    seen = patch(seen, style(role));
    if matches!(ground, Role::Selection | Role::SelectionIdle) && style(role).bg.is_none() {
        seen = patch(seen, style(ground));
    }
    let rgb = |color: Option<super::Color>| color.and_then(|c| c.at(depth).rgb());
    Some(ratio(rgb(seen.fg)?, rgb(seen.bg)?))
}

fn patch(below: Style, above: Style) -> Style {
    Style { fg: above.fg.or(below.fg), bg: above.bg.or(below.bg), ..above }
}

/// Warns of what can hardly be read in a user's theme: below 3, WCAG's bound for large text.
pub(super) fn problems(theme: &Theme, file: &str) -> Option<Problem> {
    let weak: Vec<Contrast> = weakest(theme, Depth::True).into_iter().filter(|c| c.ratio < 3.0).collect();
    let worst = weak.first()?;
    let message = format!(
        "'{}' on '{}' can hardly be read: contrast {:.1}, and {} more below 3.",
        worst.role.name(),
        worst.ground.name(),
        worst.ratio,
        weak.len() - 1
    );
    let problem = Problem::new(Level::Warning, format!("theme:{file}:contrast"), message).at(file, None, None);
    Some(problem.hint("4.5 is what text needs to be read without effort."))
}

#[cfg(test)]
mod tests {
    use super::{Depth, Rgb, ratio, weakest};
    use crate::theme::{load, names};

    #[test]
    fn the_ratio_is_the_one_of_wcag() {
        assert!((ratio(Rgb(0, 0, 0), Rgb(255, 255, 255)) - 21.0).abs() < 0.01);
        assert!((ratio(Rgb(119, 119, 119), Rgb(255, 255, 255)) - 4.48).abs() < 0.01);
        assert!((ratio(Rgb(10, 20, 30), Rgb(10, 20, 30)) - 1.0).abs() < 0.001);
    }

    #[test]
    fn every_text_of_every_shipped_theme_can_be_read_on_every_ground() {
        for name in names() {
            let theme = load(name, &|_| None).theme;
            let wanted = if name == "high-contrast" { 7.0 } else { 4.5 };
            for depth in [Depth::True, Depth::Indexed] {
                let bad: Vec<String> = weakest(&theme, depth)
                    .into_iter()
                    .filter(|c| c.ratio < wanted)
                    .map(|c| format!("{} on {}: {:.2}", c.role.name(), c.ground.name(), c.ratio))
                    .collect();
                assert!(bad.is_empty(), "{name} at {depth:?}: {bad:#?}");
            }
        }
    }
}
