//! Where everything is on a screen of a size.
//!
//! Owns the arrangements of the four panes (screens.md 1, 2). Must not know what is in them.

use ratatui::layout::Rect;

/// Below this the program says that it needs more room.
pub const LEAST: (u16, u16) = (60, 16);

/// From here on four panes fit side by side and above each other.
const GRID: (u16, u16) = (100, 24);

/// From here on the logs take the whole width at the bottom.
const WIDE: u16 = 200;

/// The panes by number, less one: workloads, health, releases, logs.
pub const WORKLOADS: usize = 0;
/// The pane of logs.
pub const LOGS: usize = 3;

/// Where one pane is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Drawn in full.
    Pane(Rect),
    /// One line that sums it up.
    Summary(Rect),
    /// Not on screen.
    Hidden,
}

impl Place {
    /// The area of a pane that is drawn in full.
    pub const fn pane(self) -> Option<Rect> {
        match self {
            Self::Pane(area) => Some(area),
            Self::Summary(_) | Self::Hidden => None,
        }
    }
}

/// Where everything is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layout {
    /// The two lines at the top.
    pub header: Rect,
    /// Between header and key line.
    pub body: Rect,
    /// The line of first steps above the bottom line; of no height without them.
    pub first_steps: Rect,
    /// The line at the bottom.
    pub keys: Rect,
    /// The four panes, by number less one.
    pub panes: [Place; 4],
}

/// Whether a screen is too small for anything.
pub const fn too_small(area: Rect) -> bool {
    area.width < LEAST.0 || area.height < LEAST.1
}

/// Arranges a screen: `focus` is the pane with the focus, by number less one.
pub fn layout(area: Rect, focus: usize, zoomed: bool, first_steps: bool) -> Layout {
    let header = Rect { height: area.height.min(2), ..area };
    let keys = Rect { y: area.bottom().saturating_sub(1).max(area.y), height: area.height.min(1), ..area };
    let steps = Rect { y: keys.y.saturating_sub(u16::from(first_steps)), height: u16::from(first_steps), ..area };
    let body = Rect { y: header.bottom(), height: steps.y.saturating_sub(header.bottom()), ..area };
    let panes = if zoomed {
        let mut panes = [Place::Hidden; 4];
        panes[focus] = Place::Pane(body);
        panes
    } else if area.width >= WIDE && area.height >= GRID.1 {
        wide(body)
    } else if area.width >= GRID.0 && area.height >= GRID.1 {
        grid(body)
    } else {
        narrow(body, focus)
    };
    Layout { header, body, first_steps: steps, keys, panes }
}

/// Two by two: workloads and health above, releases and logs below.
fn grid(body: Rect) -> [Place; 4] {
    let (top, bottom) = split_rows(body, part(body.height, 54));
    let left = part(body.width, 54);
    let (workloads, health) = split_columns(top, left);
    let (releases, logs) = split_columns(bottom, part(body.width, 46));
    [workloads, health, releases, logs].map(Place::Pane)
}

/// Three above, the logs across the bottom.
fn wide(body: Rect) -> [Place; 4] {
    let (top, logs) = split_rows(body, part(body.height, 56));
    let (workloads, rest) = split_columns(top, part(body.width, 44));
    let (health, releases) = split_columns(rest, part(rest.width, 50));
    [workloads, health, releases, logs].map(Place::Pane)
}

/// The focused pane with two thirds, the logs (or, when they have the focus, the workloads) below it, a line for each other.
fn narrow(body: Rect, focus: usize) -> [Place; 4] {
    let companion = if focus == LOGS { WORKLOADS } else { LOGS };
    let (above, lines) = split_rows(body, body.height.saturating_sub(2));
    let (main, below) = split_rows(above, part(body.height, 67));
    let mut line = lines.y;
    std::array::from_fn(|pane| {
        if pane == focus {
            Place::Pane(main)
        } else if pane == companion {
            Place::Pane(below)
        } else {
            line += 1;
            Place::Summary(Rect { y: line - 1, height: 1, ..lines }.intersection(lines))
        }
    })
}

fn part(whole: u16, percent: u16) -> u16 {
    (u32::from(whole) * u32::from(percent) / 100) as u16
}

fn split_rows(area: Rect, first: u16) -> (Rect, Rect) {
    let first = first.min(area.height);
    (Rect { height: first, ..area }, Rect { y: area.y + first, height: area.height - first, ..area })
}

fn split_columns(area: Rect, first: u16) -> (Rect, Rect) {
    let first = first.min(area.width);
    (Rect { width: first, ..area }, Rect { x: area.x + first, width: area.width - first, ..area })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use ratatui::layout::Rect;

    use super::{LOGS, Place, WORKLOADS, layout};

    fn area(width: u16, height: u16) -> Rect {
        Rect::new(0, 0, width, height)
    }

    #[test]
    fn at_80x24_the_focused_pane_has_two_thirds_and_nothing_is_lost() {
        let l = layout(area(80, 24), 1, false, false);
        assert_eq!(l.panes[1], Place::Pane(Rect::new(0, 2, 80, 14)));
        assert_eq!(l.panes[LOGS], Place::Pane(Rect::new(0, 16, 80, 5)));
        assert_eq!(l.panes[WORKLOADS], Place::Summary(Rect::new(0, 21, 80, 1)));
        assert_eq!(l.panes[2], Place::Summary(Rect::new(0, 22, 80, 1)));
        assert_eq!(l.keys, Rect::new(0, 23, 80, 1));
    }

    #[test]
    fn from_200_columns_on_the_logs_have_the_whole_width() {
        let l = layout(area(200, 50), WORKLOADS, false, false);
        assert_eq!(l.panes[LOGS].pane().map(|a| a.width), Some(200));
        assert!(l.panes.iter().all(|p| p.pane().is_some()));
    }

    proptest! {
        #[test]
        fn whatever_the_size_areas_stay_on_screen_and_apart(width in 0u16..400, height in 0u16..120, focus in 0usize..4, zoomed: bool) {
            let whole = area(width, height);
            let l = layout(whole, focus, zoomed, false);
            let places = l.panes.iter().filter_map(|p| match p { Place::Pane(a) | Place::Summary(a) => Some(*a), Place::Hidden => None });
            let mut all: Vec<Rect> = places.filter(|a| !a.is_empty()).collect();
            for a in &all {
                prop_assert_eq!(a.intersection(l.body), *a);
            }
            if height >= 3 {
                all.extend([l.header, l.keys]);
            }
            let cells: u32 = all.iter().map(|a| u32::from(a.width) * u32::from(a.height)).sum();
            prop_assert!(cells <= u32::from(width) * u32::from(height));
            for (i, a) in all.iter().enumerate() {
                prop_assert!(all[i + 1..].iter().all(|b| !a.intersects(*b)), "{:?}", all);
            }
        }
    }
}
