//! What actions do in the logs pane, and what its prompts answer.
//!
//! Owns filters, search, jumps and saving of logs. Which containers are followed is in `follow`.

use jiff::{SignedDuration, Timestamp, civil::Time, tz::TimeZone};

use crate::action::Action;
use crate::app::effect::Effect;
use crate::app::logs::pattern;
use crate::app::notice::Tone;
use crate::app::prompt::Purpose;
use crate::app::{App, Pane};
use crate::base::duration;

impl App {
    pub(super) fn act_on_logs(&mut self, action: Action) -> Vec<Effect> {
        match action {
            Action::LogsPause => self.logs.toggle_pause(),
            Action::LogsWrap => self.logs.wrap ^= true,
            Action::LogsTimes => self.logs.times ^= true,
            Action::LogsJson => self.logs.fold_json ^= true,
            Action::LogsClear => self.logs.clear(),
            Action::LogsPrevious => {
                self.logs.previous ^= true;
                self.follow_again();
            }
            Action::LogsInclude => {
                let text = self.logs.include.as_ref().map(ToString::to_string).unwrap_or_default();
                return self.ask(Purpose::IncludeLogs, text);
            }
            Action::LogsExclude => {
                let text = self.logs.exclude.as_ref().map(ToString::to_string).unwrap_or_default();
                return self.ask(Purpose::ExcludeLogs, text);
            }
            Action::LogsJump => return self.ask(Purpose::JumpLogs, ""),
            Action::LogsSave => {
                let name = format!("timonel-{}.log", self.now.strftime("%Y%m%d-%H%M%S"));
                return self.ask(Purpose::SaveLogs, name);
            }
            _ => {}
        }
        Vec::new()
    }

    /// Follows the logs of the selected row and gives them the screen.
    pub(super) fn logs_of_selection(&mut self) -> Vec<Effect> {
        self.focus = Pane::Logs;
        self.zoomed = true;
        self.follow_now();
        Vec::new()
    }

    /// Takes the answer of one of the prompts of this pane; `Err` is what is wrong with it.
    pub(super) fn answer_logs(&mut self, purpose: &Purpose, text: &str) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::SearchLogs => self.logs.search_for(pattern(text)?),
            Purpose::IncludeLogs => {
                self.logs.include = pattern(text)?;
                self.logs.refilter();
            }
            Purpose::ExcludeLogs => {
                self.logs.exclude = pattern(text)?;
                self.logs.refilter();
            }
            Purpose::JumpLogs => {
                let at = instant(text, self.now, &self.start.zone)?;
                if !self.logs.jump(at) {
                    return Err("no shown line is that new".to_owned());
                }
            }
            Purpose::SaveLogs => {
                if text.trim().is_empty() {
                    return Err("a file needs a name".to_owned());
                }
                self.say(Tone::Done, format!("saving {} lines", self.logs.buffer.shown()));
                return Ok(vec![Effect::Save { path: text.trim().to_owned(), text: self.logs.export() }]);
            }
            _ => {}
        }
        Ok(Vec::new())
    }
}

/// `14:32`, `14:32:06` (the last such time in the user's zone), `-10m`, or RFC 3339.
fn instant(text: &str, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
    let text = text.trim();
    let wrong = || format!("'{text}' is no time: 14:32, 14:32:06, -10m");
    if let Some(ago) = text.strip_prefix('-') {
        let ago = duration::parse(ago).map_err(|_| wrong())?;
        return SignedDuration::try_from(ago).ok().and_then(|d| now.checked_sub(d).ok()).ok_or_else(wrong);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Ok(at);
    }
    let time: Time = Time::strptime("%H:%M:%S", text).or_else(|_| Time::strptime("%H:%M", text)).map_err(|_| wrong())?;
    let today = now.to_zoned(zone.clone());
    let at = today.date().to_datetime(time).to_zoned(zone.clone()).map_err(|_| wrong())?;
    let at = if at.timestamp() > now { at.yesterday().map_err(|_| wrong())? } else { at };
    Ok(at.timestamp())
}

#[cfg(test)]
mod tests {
    use jiff::{Timestamp, tz::TimeZone};

    use super::instant;
    use crate::app::logs::pattern;

    #[test]
    fn a_time_of_day_means_the_last_time_it_was_that_late() {
        let now: Timestamp = "2026-11-22T14:32:07Z".parse().expect("a time");
        for (text, at) in [
            ("14:30", "2026-11-22T14:30:00Z"),
            ("23:00:01", "2026-11-21T23:00:01Z"),
            ("-10m", "2026-11-22T14:22:07Z"),
            ("2026-11-22T01:02:03Z", "2026-11-22T01:02:03Z"),
        ] {
            assert_eq!(instant(text, now, &TimeZone::UTC), Ok(at.parse().expect("a time")), "{text}");
        }
        assert!(instant("soon", now, &TimeZone::UTC).is_err());
    }

    #[test]
    fn case_counts_only_where_a_capital_was_typed_and_a_bad_pattern_says_why() {
        let matches = |p: &str, t: &str| pattern(p).ok().flatten().is_some_and(|r| r.is_match(t));
        assert!(matches("error", "ERROR boom"));
        assert!(!matches("Error", "ERROR boom"));
        assert!(pattern("(").is_err_and(|e| e.contains("unclosed")));
        assert!(pattern("").is_ok_and(|p| p.is_none()));
    }
}
