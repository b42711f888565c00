//! Durations as files and options write them: `500ms`, `5s`, `15m`, `26h`, `7d`, `1h30m`.
//!
//! Owns that form, read and written. Must not know what a duration is for.

use std::time::Duration;

/// Units, largest first, in milliseconds.
const UNITS: [(&str, u64); 6] = [("w", 604_800_000), ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1)];

/// Why a text is no duration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DurationError {
    /// A number without a unit.
    #[error("has no unit")]
    NoUnit,
    /// Not of the form number, unit, number, unit.
    #[error("is no duration")]
    Malformed,
    /// Longer than 100 years.
    #[error("is too long")]
    TooLong,
}

/// Reads `500ms`, `5s`, `1h30m`. Units must fall from large to small and each may come once.
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let mut rest = text.trim();
    let (mut total, mut smallest) = (0_u64, u64::MAX);
    if rest.is_empty() {
        return Err(DurationError::Malformed);
    }
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or(DurationError::NoUnit)?;
        let (number, tail) = rest.split_at(digits);
        let unit_end = tail.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_end);
        let number: u64 = number.parse().map_err(|_| DurationError::Malformed)?;
        let (_, factor) = UNITS.iter().find(|(name, _)| *name == unit).ok_or(DurationError::Malformed)?;
        if *factor >= smallest {
            return Err(DurationError::Malformed);
        }
        smallest = *factor;
        total = number.checked_mul(*factor).and_then(|ms| total.checked_add(ms)).ok_or(DurationError::TooLong)?;
        rest = tail;
    }
    if total > 100 * 365 * 86_400_000 { Err(DurationError::TooLong) } else { Ok(Duration::from_millis(total)) }
}

/// Writes what [`parse`] reads, in as few units as say it exactly (to the millisecond); zero is `0s`.
pub fn show(duration: Duration) -> String {
    use std::fmt::Write;
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut out = String::new();
    for (unit, factor) in UNITS.iter().filter(|(unit, _)| *unit != "w") {
        if rest >= *factor {
            let _ = write!(out, "{}{unit}", rest / factor);
            rest %= factor;
        }
    }
    if out.is_empty() { "0s".into() } else { out }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{DurationError, parse, show};

    #[test]
    fn durations_are_read_as_files_write_them() {
        for (text, millis) in
            [("5s", 5_000), ("500ms", 500), ("1h30m", 5_400_000), ("26h", 93_600_000), ("7d", 604_800_000), ("1w", 604_800_000), ("0s", 0)]
        {
            assert_eq!(parse(text), Ok(Duration::from_millis(millis)), "{text}");
        }
    }

    #[test]
    fn what_is_no_duration_says_why() {
        for (text, why) in [
            ("5", DurationError::NoUnit),
            ("", DurationError::Malformed),
            ("s", DurationError::Malformed),
            ("5 s", DurationError::Malformed),
            ("5m5m", DurationError::Malformed),
            ("1s1h", DurationError::Malformed),
            ("-5s", DurationError::Malformed),
            ("1.5h", DurationError::Malformed),
            ("99999999999999999999s", DurationError::Malformed),
            ("9999999w", DurationError::TooLong),
        ] {
            assert_eq!(parse(text), Err(why), "{text}");
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        for millis in [0, 1, 999, 1_000, 61_500, 93_600_000, 604_800_000] {
            let duration = Duration::from_millis(millis);
            assert_eq!(parse(&show(duration)), Ok(duration), "{}", show(duration));
        }
        assert_eq!(show(Duration::from_mins(90)), "1h30m");
    }
}
