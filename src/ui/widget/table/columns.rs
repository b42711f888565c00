//! Which columns are drawn, and how wide.
//!
//! Owns the way in which columns give way. Widths never depend on the rows, so nothing jumps while rows come and go.

use crate::ui::line::Cut;

/// On which side of its column a cell stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Align {
    /// Text.
    #[default]
    Left,
    /// Numbers.
    Right,
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    /// Its head.
    pub title: &'static str,
    /// Narrower than this it is not drawn at all.
    pub min: u16,
    /// As wide as it wants to be.
    pub ideal: u16,
    /// Takes part in what is left over, with this weight; 0 stays at `ideal`.
    pub grow: u16,
    /// Who gives way: the highest rank first; 0 never.
    pub rank: u8,
    /// On which side.
    pub align: Align,
    /// Which end of a cell is cut.
    pub cut: Cut,
    /// Rows are sorted by it; `true` = largest first.
    pub sorted: Option<bool>,
}

impl Column {
    /// A column of text.
    pub const fn new(title: &'static str, rank: u8, min: u16, ideal: u16) -> Self {
        Self { title, min, ideal, grow: 0, rank, align: Align::Left, cut: Cut::End, sorted: None }
    }

    /// The same for numbers.
    #[must_use]
    pub const fn right(mut self) -> Self {
        self.align = Align::Right;
        self
    }

    /// The same, taking what is left over.
    #[must_use]
    pub const fn growing(mut self, weight: u16) -> Self {
        self.grow = weight;
        self
    }

    /// The same, cut at the start.
    #[must_use]
    pub const fn cut_start(mut self) -> Self {
        self.cut = Cut::Start;
        self
    }
}

/// A column that is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Which.
    pub column: usize,
    /// Where it begins, from the first column on.
    pub x: u16,
    /// How wide it is.
    pub width: u16,
}

/// Fits columns into a width, with `gap` between two.
///
/// Columns are taken in the order of their ranks as long as their least widths fit; then they grow to their ideal widths in the
/// same order; what is left goes to those that grow. Columns of rank 0 are always taken, cut if they must be.
pub fn fit(columns: &[Column], width: u16, gap: u16) -> Vec<Slot> {
    let mut order: Vec<usize> = (0..columns.len()).collect();
    order.sort_by_key(|i| columns[*i].rank);
    let mut widths = vec![0; columns.len()];
    let mut left = width;
    let mut taken = 0;
    for &i in &order {
        let need = columns[i].min + if taken > 0 { gap } else { 0 };
        let forced = columns[i].rank == 0;
        if need > left && !forced {
            break;
        }
        widths[i] = columns[i].min.min(left.saturating_sub(if taken > 0 { gap } else { 0 }));
        left = left.saturating_sub(need);
        taken += 1;
    }
    for &i in order.iter().take(taken) {
        let more = columns[i].ideal.saturating_sub(widths[i]).min(left);
        widths[i] += more;
        left -= more;
    }
    share(columns, &order[..taken], &mut widths, left);
    let mut x = 0;
    let mut slots = Vec::with_capacity(taken);
    for (column, width) in widths.into_iter().enumerate().filter(|(_, w)| *w > 0) {
        slots.push(Slot { column, x, width });
        x += width + gap;
    }
    slots
}

fn share(columns: &[Column], taken: &[usize], widths: &mut [u16], left: u16) {
    let total: u16 = taken.iter().map(|i| columns[*i].grow).sum();
    if total == 0 {
        return;
    }
    let mut given = 0;
    for i in taken {
        let part = (u32::from(left) * u32::from(columns[*i].grow) / u32::from(total)) as u16;
        widths[*i] += part;
        given += part;
    }
    if let Some(first) = taken.iter().find(|i| columns[**i].grow > 0) {
        widths[*first] += left - given;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Column, fit};

    fn columns() -> [Column; 4] {
        [
            Column::new("NAME", 0, 8, 20).growing(2),
            Column::new("READY", 1, 5, 5),
            Column::new("NODE", 3, 6, 10),
            Column::new("STATUS", 2, 8, 16).growing(1),
        ]
    }

    fn drawn(width: u16) -> Vec<(&'static str, u16)> {
        fit(&columns(), width, 1).iter().map(|s| (columns()[s.column].title, s.width)).collect()
    }

    #[test]
    fn columns_leave_by_rank_shrink_before_they_leave_and_share_what_is_left() {
        assert_eq!(drawn(7), [("NAME", 7)]);
        assert_eq!(drawn(13), [("NAME", 13)]);
        assert_eq!(drawn(14), [("NAME", 8), ("READY", 5)]);
        assert_eq!(drawn(23), [("NAME", 8), ("READY", 5), ("STATUS", 8)]);
        assert_eq!(drawn(30), [("NAME", 8), ("READY", 5), ("NODE", 6), ("STATUS", 8)]);
        assert_eq!(drawn(54), [("NAME", 20), ("READY", 5), ("NODE", 10), ("STATUS", 16)]);
        assert_eq!(drawn(60), [("NAME", 24), ("READY", 5), ("NODE", 10), ("STATUS", 18)]);
    }

    proptest! {
        #[test]
        fn slots_never_overlap_nor_leave_the_area(width in 0u16..300) {
            let slots = fit(&columns(), width, 1);
            for pair in slots.windows(2) {
                prop_assert!(pair[0].x + pair[0].width < pair[1].x);
            }
            if let Some(last) = slots.last() {
                prop_assert!(last.x + last.width <= width);
            }
        }
    }
}
