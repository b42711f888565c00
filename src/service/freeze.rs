//! Times in which changes are frozen: a cron expression for the start and a duration.
//!
//! Owns when a freeze is open and what it lets through. That mitigations pass a freeze is a rule of plans (contract.md 4).

use std::str::FromStr;
use std::time::Duration;

use croner::Cron;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

use crate::base::duration;
use crate::base::toml::{Table, quoted};

const LONGEST: Duration = Duration::from_hours(31 * 24);

/// One freeze.
#[derive(Clone, PartialEq, Eq)]
pub struct Freeze {
    /// What people call it.
    pub name: String,
    /// When it begins: minute, hour, day of month, month, day of week.
    cron: Cron,
    /// How long it lasts.
    pub duration: Duration,
    /// Classes of actions that pass.
    pub allow: Vec<String>,
    /// Time zone of the expression; `None` = the console's.
    pub timezone: Option<TimeZone>,
}

impl std::fmt::Debug for Freeze {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} from {} for {}", self.name, self.cron.as_str(), duration::show(self.duration))
    }
}

impl Freeze {
    /// Until when the freeze is active at `now`; `None` when it is not. `local` stands in for a time zone that is not given.
    ///
    /// Where nobody can tell when it began last, it may have begun just now: it holds.
    pub fn active_until(&self, now: Timestamp, local: &TimeZone) -> Option<Timestamp> {
        let zoned = now.to_zoned(self.timezone.as_ref().unwrap_or(local).clone());
        let began = self.cron.find_previous_occurrence(&zoned, true).map_or(now, |began| began.timestamp());
        let until = SignedDuration::try_from(self.duration)
            .ok()
            .and_then(|long| began.checked_add(long).ok())
            .unwrap_or(Timestamp::MAX);
        (until > now).then_some(until)
    }

    /// Whether actions of `class` pass.
    pub fn allows(&self, class: &str) -> bool {
        self.allow.iter().any(|allowed| allowed == class)
    }
}

pub(super) fn decode(table: &Table<'_>) -> Option<Freeze> {
    let name = table.need_text("name").map(|n| n.value);
    let cron = table.need_text("cron").and_then(|text| match Cron::from_str(&text.value) {
        Ok(cron) => Some(cron),
        Err(why) => {
            let hint = "Five fields: minute, hour, day of month, month, day of week. \"0 16 * * 5\" is Friday at 16:00.";
            table.error(&text.spot, format!("{} is no cron expression: {why}.", quoted(&text.value)), Some(hint.into()));
            None
        }
    });
    if !table.has("duration") {
        table.missing("duration");
    }
    let duration = table.duration("duration", Duration::from_mins(1)..=LONGEST);
    let allow = table.texts("allow").into_iter().map(|a| a.value).collect();
    let timezone = super::contact::timezone(table);
    table.finish();
    Some(Freeze { name: name?, cron: cron?, duration: duration?.value, allow, timezone })
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::decode;
    use crate::base::problem::Level;
    use crate::base::toml::{Source, read};

    #[test]
    fn a_freeze_of_which_nobody_can_tell_when_it_began_holds() {
        // The thirtieth of February.
        let text = "name = \"never\"\ncron = \"0 0 30 2 *\"\nduration = \"1h\"";
        let source = Source { topic: "service", file: "f", text, unknown: Level::Error };
        let (freeze, problems) = read(source, decode);
        assert!(problems.is_empty(), "{problems:?}");
        let now: jiff::Timestamp = "2026-11-20T14:59:00Z".parse().expect("a time");
        assert!(freeze.expect("a freeze").active_until(now, &TimeZone::UTC).is_some());
    }

    #[test]
    fn a_freeze_is_active_from_its_start_for_its_duration_in_its_own_time_zone() {
        let text = "name = \"friday\"\ncron = \"0 16 * * 5\"\nduration = \"64h\"\nallow = [\"rollback\"]\ntimezone = \"Europe/Madrid\"";
        let source = Source { topic: "service", file: "f", text, unknown: Level::Error };
        let (freeze, problems) = read(source, decode);
        assert!(problems.is_empty(), "{problems:?}");
        let freeze = freeze.expect("a freeze");
        // Madrid is UTC+1 in November: Friday 16:00 there is 15:00 UTC; 64 hours later it is Monday 08:00.
        for (now, until) in [
            ("2026-11-20T14:59:00Z", None),
            ("2026-11-20T15:00:00Z", Some("2026-11-23T07:00:00Z")),
            ("2026-11-22T03:00:00Z", Some("2026-11-23T07:00:00Z")),
            ("2026-11-23T07:00:00Z", None),
        ] {
            let at = now.parse().expect("a time");
            assert_eq!(freeze.active_until(at, &TimeZone::UTC), until.map(|u| u.parse().expect("a time")), "{now}");
        }
        assert!(freeze.allows("rollback") && !freeze.allows("deploy"));
    }
}
