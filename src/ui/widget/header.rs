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

    /// Widths at which it says something, the least first.
    fn steps(&self) -> Vec<u16> {
        let width = |line: &Line<'_>| line.width().min(usize::from(u16::MAX)) as u16;
        let full = width(&self.line);
        let mut steps: Vec<u16> = self.shorter.iter().map(width).filter(|w| *w < full).collect();
        if self.shorter.is_empty() {
            steps.extend([self.min, self.good].into_iter().filter(|w| (1..full).contains(w)));
        }
        steps.push(full);
        steps.sort_unstable();
        steps.dedup();
        steps
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

/// Columns for each segment; 0 = not drawn.
///
/// Segments are taken in the order of their ranks as long as the least they say fits; then each in turn, in the same order, says
/// a step more while there is room. Those of rank 0 are always taken, cut if they must be.
fn share(segments: &[Segment<'_>], width: u16) -> Vec<u16> {
    let mut order: Vec<usize> = (0..segments.len()).filter(|i| !segments[*i].line.is_empty()).collect();
    order.sort_by_key(|i| segments[*i].rank);
    let mut widths = vec![0; segments.len()];
    let mut left = width;
    let mut taken: Vec<(usize, Vec<u16>)> = Vec::new();
    for i in order {
        let steps = segments[i].steps();
        let lead = if taken.is_empty() { 0 } else { segments[i].lead_width() };
        let least = steps.first().copied().unwrap_or_default();
        if least + lead > left && segments[i].rank > 0 {
            break;
        }
        widths[i] = least.min(left.saturating_sub(lead));
        left -= (widths[i] + lead).min(left);
        taken.push((i, steps));
    }
    let mut grows = true;
    while grows {
        grows = false;
        for (i, steps) in &taken {
            let next = steps.iter().find(|step| **step > widths[*i]);
            if let Some(next) = next.filter(|next| **next - widths[*i] <= left) {
                left -= next - widths[*i];
                widths[*i] = *next;
                grows = true;
            }
        }
    }
    // What is left over lets a text that is cut anyway say a little more.
    for (i, steps) in taken.iter().filter(|(i, _)| segments[*i].shorter.is_empty()) {
        let more = steps.last().copied().unwrap_or_default().saturating_sub(widths[*i]).min(left);
        widths[*i] += more;
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
        let line = |text: &'static str| Line::of(Role::Text, text);
        let segment =
            |forms: &[&'static str], rank| Segment::elastic(line(forms[0]), rank, 0, 0).shorter(forms[1..].iter().map(|form| line(form)).collect());
        vec![
            segment(&["UP degraded: backend: 2 of 3 ready: OOMKilled", "UP degraded: backend: OOMKilled", "UP ◐ OOMKilled"], 0),
            segment(&["CHANGED v1.8.3 12m ago by ci", "CHANGED v1.8.3 12m ago"], 1),
            segment(&["BACK v1.8.2 safe, ~40 s", "BACK v1.8.2 safe"], 0),
            segment(&["CALL DevOps Lead, +34 600 000 000", "CALL DevOps Lead"], 2),
        ]
    }

    fn drawn(width: u16) -> Vec<String> {
        let segments = four();
        let widths = share(&segments, width);
        segments.iter().zip(widths).filter(|(_, w)| *w > 0).map(|(s, w)| s.fitting(w).text()).collect()
    }

    #[test]
    fn call_goes_first_then_changed_and_up_and_back_never() {
        for (width, expected) in [
            (
                135,
                vec![
                    "UP degraded: backend: 2 of 3 ready: OOMKilled",
                    "CHANGED v1.8.3 12m ago by ci",
                    "BACK v1.8.2 safe, ~40 s",
                    "CALL DevOps Lead, +34 600 000 000",
                ],
            ),
            (
                110,
                vec!["UP degraded: backend: OOMKilled", "CHANGED v1.8.3 12m ago by ci", "BACK v1.8.2 safe, ~40 s", "CALL DevOps Lead"],
            ),
            (80, vec!["UP ◐ OOMKilled", "CHANGED v1.8.3 12m ago by ci", "BACK v1.8.2 safe", "CALL DevOps Lead"]),
            (78, vec!["UP ◐ OOMKilled", "CHANGED v1.8.3 12m ago", "BACK v1.8.2 safe", "CALL DevOps Lead"]),
            (70, vec!["UP ◐ OOMKilled", "CHANGED v1.8.3 12m ago by ci", "BACK v1.8.2 safe, ~40 s"]),
            (55, vec!["UP degraded: backend: OOMKilled", "BACK v1.8.2 safe"]),
            (32, vec!["UP ◐ OOMKilled", "BACK v1.8.2 safe"]),
            (20, vec!["UP ◐ OOMKilled", "BAC…"]),
        ] {
            assert_eq!(drawn(width), expected, "{width}");
        }
    }
}
