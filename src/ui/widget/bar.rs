//! Lines of small bars: a history of samples, a progress.
//!
//! Owns how numbers become bars. A sample that is unknown is a gap, never a low bar.

use crate::theme::{Role, glyph};
use crate::ui::line::Line;

/// One sample of a history.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Sample {
    /// A value.
    Value(f64),
    /// It failed.
    Failed,
    /// Nobody knows.
    Unknown,
}

/// The newest `width` samples, the newest on the right, scaled from zero to the largest of them or twice the median.
///
/// So a steady 34 ms is a flat line at half height, and a spike stands out.
pub fn spark(samples: &[Sample], width: usize) -> Line<'static> {
    let shown = &samples[samples.len().saturating_sub(width)..];
    let top = top(shown);
    let mut line = Line::of(Role::Spark, " ".repeat(width.saturating_sub(shown.len())));
    for sample in shown {
        match sample {
            Sample::Value(value) => line.push(Role::Spark, glyph::BARS[step(*value, top)]),
            Sample::Failed => line.push(Role::Down, glyph::FAILED),
            Sample::Unknown => line.push(Role::Unknown, "?"),
        }
    }
    line
}

fn top(samples: &[Sample]) -> f64 {
    let value = |s: &Sample| if let Sample::Value(v) = s { Some(*v).filter(|v| v.is_finite()) } else { None };
    let mut values: Vec<f64> = samples.iter().filter_map(value).collect();
    values.sort_by(f64::total_cmp);
    let median = values.get(values.len() / 2).copied().unwrap_or_default();
    values.last().copied().unwrap_or_default().max(median * 2.0)
}

fn step(value: f64, top: f64) -> usize {
    let last = glyph::BARS.len() - 1;
    if !(value.is_finite() && top > 0.0) {
        return 0;
    }
    ((value / top * last as f64).round().max(0.0) as usize).min(last)
}

/// A progress bar of a width.
pub fn progress(done: u64, of: u64, width: usize) -> Line<'static> {
    let filled = (done.min(of) * width as u64).checked_div(of).map_or(0, |n| n as usize);
    Line::of(Role::BarDone, glyph::PROGRESS[0].repeat(filled)).with(Role::BarRest, glyph::PROGRESS[1].repeat(width - filled))
}

#[cfg(test)]
mod tests {
    use super::{Sample, progress, spark};

    #[test]
    fn bars_are_scaled_from_zero_and_gaps_stay_gaps() {
        use Sample::{Failed, Unknown, Value};
        for (samples, width, expected) in [
            (&[Value(34.0), Value(34.0)][..], 4, "  ▅▅"),
            (&[Value(0.0), Value(50.0), Value(100.0)], 3, "▁▅█"),
            (&[Value(2.0), Value(2.0), Value(1.0), Value(2.0), Value(16.0)], 5, "▂▂▁▂█"),
            (&[Value(1.0), Failed, Unknown, Value(1.0)], 4, "▅✗?▅"),
            (&[Value(9.0), Value(1.0), Value(1.0)], 2, "▅▅"),
            (&[Value(f64::NAN), Value(0.0)], 2, "▁▁"),
            (&[], 3, "   "),
            (&[Value(1.0)], 0, ""),
        ] {
            assert_eq!(spark(samples, width).text(), expected, "{samples:?}");
        }
    }

    #[test]
    fn progress_never_shows_more_than_is_done() {
        for (done, of, expected) in [(0, 5, "░░░░░"), (4, 5, "████░"), (5, 5, "█████"), (9, 5, "█████"), (1, 0, "░░░░░"), (99, 100, "████░")]
        {
            assert_eq!(progress(done, of, 5).text(), expected, "{done} of {of}");
        }
    }
}
