//! Ages and durations as people read them.
//!
//! Owns kubectl's `HumanDuration` (k8s.io/apimachinery `util/duration`) and the coarse form of the screens, which steps
//! rarely so that an idle screen sends next to nothing.

use jiff::Timestamp;

/// kubectl's age: `HumanDuration` to the letter, from whole seconds. Negative values below -1 s print `<invalid>`.
pub fn human(seconds: i64) -> String {
    match seconds {
        i64::MIN..=-2 => "<invalid>".into(),
        -1 => "0s".into(),
        0..120 => format!("{seconds}s"),
        120..600 => pair(seconds, 60, "m", 1, "s"),
        600..10_800 => format!("{}m", seconds / 60),
        10_800..28_800 => pair(seconds / 60, 60, "h", 1, "m"),
        28_800..172_800 => format!("{}h", seconds / 3600),
        172_800..691_200 => pair(seconds / 3600, 24, "d", 1, "h"),
        691_200..63_072_000 => format!("{}d", seconds / 86_400),
        63_072_000..252_288_000 => pair(seconds / 86_400, 365, "y", 1, "d"),
        _ => format!("{}y", seconds / 86_400 / 365),
    }
}

fn pair(value: i64, per: i64, big: &str, small_per: i64, small: &str) -> String {
    let (whole, rest) = (value / per, value % per / small_per);
    if rest == 0 { format!("{whole}{big}") } else { format!("{whole}{big}{rest}{small}") }
}

/// kubectl's age of something that began at `since`, seen at `now`.
pub fn between(since: Timestamp, now: Timestamp) -> String {
    human(now.as_second() - since.as_second())
}

/// The screen's age: one unit, coarse (`12s`, `4m`, `3h`, `9d`), so that it changes as rarely as it can.
/// A time in the future (clock skew) reads `0s`.
pub fn coarse(since: Timestamp, now: Timestamp) -> String {
    let seconds = (now.as_second() - since.as_second()).max(0);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => format!("{}h", seconds / 3600),
        _ => format!("{}d", seconds / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::human;

    #[test]
    fn ages_read_as_kubectl_prints_them() {
        // k8s.io/apimachinery/pkg/util/duration/duration_test.go
        for (seconds, text) in [
            (-2, "<invalid>"),
            (-1, "0s"),
            (0, "0s"),
            (1, "1s"),
            (119, "119s"),
            (120, "2m"),
            (121, "2m1s"),
            (599, "9m59s"),
            (600, "10m"),
            (10_799, "179m"),
            (10_800, "3h"),
            (10_860, "3h1m"),
            (28_799, "7h59m"),
            (28_800, "8h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (176_400, "2d1h"),
            (691_199, "7d23h"),
            (691_200, "8d"),
            (63_071_999, "729d"),
            (63_072_000, "2y"),
            (63_158_400, "2y1d"),
            (252_287_999, "7y364d"),
            (252_288_000, "8y"),
        ] {
            assert_eq!(human(seconds), text, "{seconds} s");
        }
    }
}
