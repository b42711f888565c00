//! Hours in which somebody can be reached: `24x7`, `business`, `rotation`, `Mon-Fri 09:00-18:00, Sat 10:00-14:00`.
//!
//! Owns their form and whether a moment is within them. Pure: the moment and the time zone are arguments.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

/// When somebody can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Hours {
    /// Always.
    Always,
    /// By a rota that is kept elsewhere.
    Rotation,
    /// In these spans of a week.
    Weekly(Vec<Span>),
}

/// The same hours on some days of the week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    days: Vec<Weekday>,
    from: Time,
    /// Not after `from`: the next day.
    to: Time,
}

/// Names of days: English and Spanish.
const DAYS: [(&str, Weekday); 14] = [
    ("mon", Weekday::Monday),
    ("tue", Weekday::Tuesday),
    ("wed", Weekday::Wednesday),
    ("thu", Weekday::Thursday),
    ("fri", Weekday::Friday),
    ("sat", Weekday::Saturday),
    ("sun", Weekday::Sunday),
    ("lun", Weekday::Monday),
    ("mar", Weekday::Tuesday),
    ("mie", Weekday::Wednesday),
    ("jue", Weekday::Thursday),
    ("vie", Weekday::Friday),
    ("sab", Weekday::Saturday),
    ("dom", Weekday::Sunday),
];

/// What `business` means: Monday to Friday, 09:00 to 18:00.
const BUSINESS: &str = "Mon-Fri 09:00-18:00";

impl Hours {
    /// Reads hours; `None` when the text is of no known form.
    pub fn parse(text: &str) -> Option<Self> {
        match text.trim().to_lowercase().as_str() {
            "24x7" | "24/7" | "always" => Some(Self::Always),
            "rotation" | "on-call" | "oncall" => Some(Self::Rotation),
            "business" => Self::parse(BUSINESS),
            spans => spans.split(',').map(Span::parse).collect::<Option<_>>().map(Self::Weekly),
        }
    }

    /// Whether `now` is within the hours; `None` when that cannot be known.
    pub fn contains(&self, now: Timestamp, zone: &TimeZone) -> Option<bool> {
        match self {
            Self::Always => Some(true),
            Self::Rotation => None,
            Self::Weekly(spans) => {
                let now = now.to_zoned(zone.clone());
                Some(spans.iter().any(|span| span.contains(&now)))
            }
        }
    }

    /// When the hours begin next after `now`; `None` when they never end, never begin, or cannot be known.
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let Self::Weekly(spans) = self else { return None };
        let now = now.to_zoned(zone.clone());
        spans
            .iter()
            .flat_map(|span| (0..=7).filter_map(|days| span.begins(&now, days)))
            .filter(|start| *start > now)
            .min()
            .map(|start| start.timestamp())
    }

    /// Hours of a week in which nobody is reached by these hours: 0 for always, `None` when that cannot be known.
    pub fn uncovered_minutes(&self) -> Option<u32> {
        const WEEK: usize = 7 * 24 * 60;
        match self {
            Self::Always => Some(0),
            Self::Rotation => None,
            Self::Weekly(spans) => {
                let mut minutes = vec![false; WEEK];
                for span in spans {
                    for minute in span.minutes_of_week() {
                        minutes[minute % WEEK] = true;
                    }
                }
                u32::try_from(minutes.iter().filter(|covered| !**covered).count()).ok()
            }
        }
    }
}

impl Span {
    fn parse(text: &str) -> Option<Self> {
        let (days, hours) = text.trim().split_once(' ')?;
        let (from, to) = hours.trim().split_once('-')?;
        Some(Self { days: days_of(days)?, from: time(from)?, to: time(to)? })
    }

    fn overnight(&self) -> bool {
        self.to <= self.from
    }

    fn contains(&self, now: &Zoned) -> bool {
        let (today, time) = (now.weekday(), now.time());
        if !self.overnight() {
            return self.days.contains(&today) && self.from <= time && time < self.to;
        }
        (self.days.contains(&today) && self.from <= time) || (self.days.contains(&today.previous()) && time < self.to)
    }

    /// The beginning `days` days after today, when it falls on one of the span's days.
    fn begins(&self, now: &Zoned, days: i64) -> Option<Zoned> {
        let date = now.date().checked_add(days.days()).ok()?;
        if !self.days.contains(&date.weekday()) {
            return None;
        }
        date.to_datetime(self.from).to_zoned(now.time_zone().clone()).ok()
    }

    fn minutes_of_week(&self) -> impl Iterator<Item = usize> {
        let minute = |time: Time| time.hour() as usize * 60 + time.minute() as usize;
        let length = if self.overnight() { 24 * 60 - minute(self.from) + minute(self.to) } else { minute(self.to) - minute(self.from) };
        let from = minute(self.from);
        self.days.iter().flat_map(move |day| {
            let start = day.to_monday_zero_offset() as usize * 24 * 60 + from;
            start..start + length
        })
    }
}

/// `mon`, `mon-fri`, `daily`.
fn days_of(text: &str) -> Option<Vec<Weekday>> {
    let day = |name: &str| DAYS.iter().find(|(n, _)| name.starts_with(n)).map(|(_, day)| *day);
    if text == "daily" {
        return Some(DAYS[..7].iter().map(|(_, day)| *day).collect());
    }
    let Some((first, last)) = text.split_once('-') else { return Some(vec![day(text)?]) };
    let (mut current, last) = (day(first)?, day(last)?);
    let mut days = vec![current];
    while current != last {
        current = current.next();
        days.push(current);
    }
    Some(days)
}

/// `09:00`, `9:00`; `24:00` is midnight at the end of the day.
fn time(text: &str) -> Option<Time> {
    let (hour, minute) = text.trim().split_once(':')?;
    let (hour, minute): (i8, i8) = (hour.parse().ok()?, minute.parse().ok()?);
    Time::new(if (hour, minute) == (24, 0) { 0 } else { hour }, minute, 0, 0).ok()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use jiff::tz::TimeZone;

    use super::Hours;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn hours_hold_in_their_own_time_zone_and_say_when_they_begin_again() {
        let madrid = TimeZone::get("Europe/Madrid").expect("a time zone");
        // 2026-11-22 is a Sunday; Madrid is UTC+1 then, UTC+2 in summer.
        for (hours, now, inside, next) in [
            ("24x7", "2026-11-22T03:00:00Z", Some(true), None),
            ("rotation", "2026-11-22T03:00:00Z", None, None),
            ("business", "2026-11-22T10:00:00Z", Some(false), Some("2026-11-23T08:00:00Z")),
            ("business", "2026-11-23T07:59:00Z", Some(false), Some("2026-11-23T08:00:00Z")),
            ("business", "2026-11-23T08:00:00Z", Some(true), Some("2026-11-24T08:00:00Z")),
            ("business", "2026-11-23T17:00:00Z", Some(false), Some("2026-11-24T08:00:00Z")),
            ("business", "2026-07-06T07:00:00Z", Some(true), Some("2026-07-07T07:00:00Z")),
            ("Sat 10:00-14:00", "2026-11-22T12:00:00Z", Some(false), Some("2026-11-28T09:00:00Z")),
            ("Mon-Fri 22:00-06:00", "2026-11-24T04:59:00Z", Some(true), Some("2026-11-24T21:00:00Z")),
            ("Mon-Fri 22:00-06:00", "2026-11-22T22:00:00Z", Some(false), Some("2026-11-23T21:00:00Z")),
            ("Fri 22:00-06:00", "2026-11-21T04:00:00Z", Some(true), Some("2026-11-27T21:00:00Z")),
            ("lun-vie 9:00-14:00, sab 10:00-12:00", "2026-11-28T09:30:00Z", Some(true), Some("2026-11-30T08:00:00Z")),
            ("daily 00:00-24:00", "2026-11-22T22:30:00Z", Some(true), Some("2026-11-22T23:00:00Z")),
        ] {
            let parsed = Hours::parse(hours).expect(hours);
            assert_eq!(parsed.contains(at(now), &madrid), inside, "{hours} at {now}");
            assert_eq!(parsed.next(at(now), &madrid), next.map(at), "{hours} after {now}");
        }
    }

    #[test]
    fn what_are_no_hours_is_refused() {
        for text in ["", "sometimes", "Mon-Fri", "09:00-18:00", "Mon 25:00-26:00", "Mon 9-18", "Xyz 09:00-18:00"] {
            assert_eq!(Hours::parse(text), None, "{text}");
        }
    }

    #[test]
    fn uncovered_time_is_counted_over_the_week() {
        for (hours, minutes) in [
            ("24x7", Some(0)),
            ("daily 00:00-24:00", Some(0)),
            ("business", Some((7 * 24 - 45) * 60)),
            ("Sun 22:00-06:00", Some((7 * 24 - 8) * 60)),
            ("rotation", None),
        ] {
            assert_eq!(Hours::parse(hours).expect(hours).uncovered_minutes(), minutes, "{hours}");
        }
    }
}
