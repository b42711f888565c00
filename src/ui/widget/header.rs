//! One line of segments that give way to each other by rank: the header's lines.
//!
//! Owns which segments are drawn and how much of each. Must not know what they say.

use ratatui::layout::Rect;

use crate::theme::Role;
use crate::ui::canvas::Canvas;
use crate::ui::line::{Cut, Line};

/// A piece of a header line.
#[derive(Debug, Clone, Default)]
pub struct Segment<'a> {
    /// What it says.
    pub line: Line<'a>,
    /// What it says with less room, each shorter than the one before.
    pub shorter: Vec<Line<'a>>,
    /// What stands between it and the segment before it.
    pub lead: &'static str,
    /// Who gives way: the highest rank first; 0 never.
    pub rank: u8,
    /// Shorter than this it is not drawn; `u16::MAX` = never cut.
    pub min: u16,
    /// With this it says enough: a segment of lower rank does not get more until all have as much.
    pub good: u16,
    /// Stands at the right end.
    pub right: bool,
}

impl<'a> Segment<'a> {
    /// A segment that is drawn whole or not at all.
    pub fn whole(line: Line<'a>, rank: u8) -> Self {
        Self { line, lead: "  ", rank, min: u16::MAX, ..Self::default() }
    }

    /// A segment that may be cut.
    pub fn elastic(line: Line<'a>, rank: u8, min: u16, good: u16) -> Self {
        Self { line, lead: "  ", rank, min, good, ..Self::default() }
    }

    /// The same with something else before it.
    #[must_use]
    pub fn lead(mut self, lead: &'static str) -> Self {
        self.lead = lead;
        self
    }

    /// The same at the right end.
    #[must_use]
    pub fn right(mut self) -> Self {
        self.right = true;
        self
    }

    /// The same with forms for less room.
    #[must_use]
    pub fn shorter(mut self, shorter: Vec<Line<'a>>) -> Self {
        self.shorter = shorter;
        self
    }

    /// The fullest form that fits, else the shortest, cut.
    fn fitting(&self, width: u16) -> Line<'a> {
        let width = usize::from(width);
        let forms = || std::iter::once(&self.line).chain(&self.shorter);
        let form = forms().find(|form| form.width() <= width).or(forms().last());
        form.cloned().unwrap_or_default().cut(width, Cut::End)
    }

    fn full(&self) -> u16 {
        self.line.width().min(usize::from(u16::MAX)) as u16
    }

    fn least(&self) -> u16 {
        self.min.min(self.full())
    }

    fn lead_width(&self) -> u16 {
        self.lead.chars().count() as u16
    }
}

/// Draws segments into one row; one column stays free at both ends.
pub fn draw(canvas: &mut Canvas<'_>, area: Rect, segments: &[Segment<'_>]) {
    if area.width < 4 || area.height == 0 {
        return;
    }
    let widths = share(segments, area.width - 2);
    let taken = || segments.iter().zip(&widths).filter(|(_, w)| **w > 0);
    let mut x = area.x + 1;
    for (at, (segment, width)) in taken().filter(|(s, _)| !s.right).enumerate() {
        if at > 0 {
            // What a lead joins to must be there.
            let before = segments.iter().zip(&widths).take_while(|(s, _)| !std::ptr::eq(*s, segment)).last();
            let lead = if before.is_some_and(|(_, w)| *w > 0) { segment.lead } else { "  " };
            x += canvas.text(x, area.y, area.width, Role::Dim, lead);
        }
        x += canvas.line(x, area.y, *width, &segment.fitting(*width));
    }
    let mut right = area.right() - 1;
    let ends: Vec<_> = taken().filter(|(s, _)| s.right).collect();
    for (at, (segment, width)) in ends.iter().enumerate().rev() {
        right -= canvas.line_right(right, area.y, **width, &segment.fitting(**width));
        if at > 0 {
            right = right.saturating_sub(segment.lead_width());
            canvas.text(right, area.y, segment.lead_width(), Role::Dim, segment.lead);
        }
    }
}

/// Columns for each segment; 0 = not drawn. In the order of the ranks each gets what is good for it; the first that cannot have
/// that takes what is left, if it is enough to say anything, and those behind it go.
fn share(segments: &[Segment<'_>], width: u16) -> Vec<u16> {
    let mut order: Vec<usize> = (0..segments.len()).filter(|i| !segments[*i].line.is_empty()).collect();
    order.sort_by_key(|i| segments[*i].rank);
    let mut widths = vec![0; segments.len()];
    let mut left = width;
    let mut drawn = 0;
    let staying = order.iter().filter(|i| segments[**i].rank == 0).count();
    for (at, &i) in order.iter().enumerate() {
        let segment = &segments[i];
        let lead = if at > 0 { segment.lead_width() } else { 0 };
        // What those that never go need at least is not given away.
        let reserved: u16 = order[..staying].iter().skip(at + 1).map(|j| segments[*j].least() + segments[*j].lead_width()).sum();
        let room = left.saturating_sub(lead + reserved);
        if room < segment.least() && segment.rank > 0 {
            break;
        }
        let taken = segment
            .good
            .max(segment.least())
            .min(segment.full())
            .min(room.max(segment.least().min(left.saturating_sub(lead))));
        widths[i] = taken;
        left = left.saturating_sub(taken + lead);
        drawn += 1;
        if taken < segment.good.min(segment.full()) && segment.rank > 0 {
            break;
        }
    }
    for &i in order.iter().take(drawn) {
        let more = segments[i].full().saturating_sub(widths[i]).min(left);
        widths[i] += more;
        left -= more;
    }
    widths
}

#[cfg(test)]
mod tests {
    use super::{Segment, share};
    use crate::theme::Role;
    use crate::ui::line::Line;

    fn four() -> Vec<Segment<'static>> {
        let segment = |text: &'static str, rank, min, good| Segment::elastic(Line::of(Role::Text, text), rank, min, good);
        vec![
            segment("UP degraded: backend 2 of 3 ready, OOMKilled", 0, 12, 24),
            segment("CHANGED v1.8.3 12 min ago by ci", 1, 14, 24),
            segment("BACK v1.8.2 safe, ~40 s", 0, 12, 20),
            segment("CALL DevOps Lead, 24/7", 2, 12, 20),
        ]
    }

    #[test]
    fn call_goes_first_then_changed_and_up_and_back_never() {
        for (width, expected) in [
            (200, [44, 31, 23, 22]),
            (118, [44, 25, 23, 20]),
            (90, [24, 24, 20, 16]),
            (78, [30, 24, 20, 0]),
            (66, [24, 18, 20, 0]),
            (55, [33, 0, 20, 0]),
            (42, [24, 0, 16, 0]),
            (30, [16, 0, 12, 0]),
            (20, [12, 0, 6, 0]),
            (5, [5, 0, 0, 0]),
        ] {
            let got = share(&four(), width);
            let used: u16 = got.iter().sum::<u16>() + 2 * (got.iter().filter(|w| **w > 0).count() as u16).saturating_sub(1);
            assert!(used <= width.max(5), "{width}: {got:?}");
            assert_eq!(got, expected, "{width}");
        }
    }
}
