//! When a CronJob is due.
//!
//! Owns the bridge between Kubernetes' dialect of cron (robfig/cron v3: five fields, `?`, `N/step`, `@hourly`, `@every 90m`) and
//! the croner crate. Sunday is 0; the CronJob's time zone counts, UTC without one.

use croner::Cron;
use croner::parser::{CronParser, Seconds as SecondsField, Year};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::target::model::Seconds;

/// A schedule that was understood.
#[derive(Debug)]
pub struct Schedule {
    rhythm: Rhythm,
    zone: TimeZone,
}

#[derive(Debug)]
enum Rhythm {
    /// At times of the calendar.
    Calendar(Box<Cron>),
    /// `@every`: so long after the last time.
    Every(Seconds),
}

impl Schedule {
    /// Reads a schedule and a time zone (empty = UTC). The error says in words what was not understood.
    pub fn parse(expression: &str, time_zone: &str) -> Result<Self, String> {
        let zone = match time_zone {
            "" => TimeZone::UTC,
            name => TimeZone::get(name).map_err(|_| format!("time zone '{name}' is not known here"))?,
        };
        let expression = expression.trim();
        if let Some(duration) = expression.strip_prefix("@every ") {
            let every = duration.trim().parse::<SignedDuration>().map_err(|_| format!("'{duration}' is no duration"))?;
            let seconds = every.as_secs().max(1);
            return Ok(Self { rhythm: Rhythm::Every(seconds), zone });
        }
        let parser = CronParser::builder().seconds(SecondsField::Disallowed).year(Year::Disallowed).sloppy_ranges(true).build();
        let fields = match expression {
            "@yearly" | "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" | "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            fields => fields,
        };
        let cron = parser.parse(&fields.replace('?', "*")).map_err(|e| e.to_string())?;
        Ok(Self { rhythm: Rhythm::Calendar(Box::new(cron)), zone })
    }

    /// The first time after `from`; `None` when there is none.
    pub fn after(&self, from: Seconds) -> Option<Seconds> {
        match &self.rhythm {
            Rhythm::Every(seconds) => from.checked_add(*seconds),
            Rhythm::Calendar(cron) => {
                let from = Timestamp::from_second(from).ok()?.to_zoned(self.zone.clone());
                cron.find_next_occurrence(&from, false).ok().map(|at| at.timestamp().as_second())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Schedule;

    #[test]
    fn due_times_are_those_of_the_cron_job_controller() {
        for (expression, zone, from, due) in [
            ("*/5 * * * *", "", "2026-11-22T14:32:07Z", "2026-11-22T14:35:00Z"),
            ("0/5 * * * ?", "", "2026-11-22T14:32:07Z", "2026-11-22T14:35:00Z"),
            ("15 2 * * *", "Europe/Madrid", "2026-11-22T14:32:07Z", "2026-11-23T01:15:00Z"),
            ("15 2 * * *", "Europe/Madrid", "2026-07-22T14:32:07Z", "2026-07-23T00:15:00Z"),
            ("@hourly", "", "2026-11-22T14:32:07Z", "2026-11-22T15:00:00Z"),
            ("@midnight", "", "2026-11-22T14:32:07Z", "2026-11-23T00:00:00Z"),
            ("@every 1h30m", "", "2026-11-22T14:32:07Z", "2026-11-22T16:02:07Z"),
            ("0 9 * * MON-FRI", "", "2026-11-20T10:00:00Z", "2026-11-23T09:00:00Z"),
            // Day of month or day of week, as every cron does when both are given.
            ("0 0 13 * 5", "", "2026-11-01T00:00:00Z", "2026-11-06T00:00:00Z"),
        ] {
            let schedule = Schedule::parse(expression, zone).unwrap();
            let from: jiff::Timestamp = from.parse().unwrap();
            let got = jiff::Timestamp::from_second(schedule.after(from.as_second()).unwrap()).unwrap();
            assert_eq!(got.to_string(), due, "{expression} {zone}");
        }
    }

    #[test]
    fn what_is_not_understood_is_said() {
        assert!(Schedule::parse("every day", "").is_err());
        assert_eq!(Schedule::parse("@daily", "Mars/Olympus").unwrap_err(), "time zone 'Mars/Olympus' is not known here");
    }
}
