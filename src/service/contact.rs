//! Who to call, and whether they can be reached now.
//!
//! Owns `[[contact]]` and `[[escalation]]`. Must not read a clock: the moment is an argument.

use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::Later;
use super::hours::Hours;
use crate::base::toml::{At, Table, quoted};

/// Somebody to call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// Id, unique in the file.
    pub id: String,
    /// What they are: `DevOps Lead`.
    pub role: String,
    /// Who they are.
    pub name: Option<String>,
    /// Mail address.
    pub email: Option<String>,
    /// Telephone number.
    pub phone: Option<String>,
    /// When they can be reached; `None` = nobody said.
    pub hours: Option<Hours>,
    /// The hours as the file writes them.
    pub hours_text: Option<String>,
    /// Their time zone; `None` = the console's.
    pub timezone: Option<TimeZone>,
}

/// Whether somebody can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reachable {
    /// Now.
    Now,
    /// Not now; then.
    From(Timestamp),
    /// It cannot be known, and why.
    Unknown(&'static str),
}

impl Contact {
    /// Whether they can be reached at `now`; `local` stands in for a time zone that is not given.
    pub fn reachable(&self, now: Timestamp, local: &TimeZone) -> Reachable {
        let Some(hours) = &self.hours else { return Reachable::Unknown("the service file names no hours") };
        let zone = self.timezone.as_ref().unwrap_or(local);
        match (hours.contains(now, zone), hours.next(now, zone)) {
            (Some(true), _) => Reachable::Now,
            (Some(false), Some(next)) => Reachable::From(next),
            (Some(false), None) => Reachable::Unknown("their hours never begin"),
            (None, _) => Reachable::Unknown("by a rota that is kept elsewhere"),
        }
    }

    /// How to reach them, in one line: telephone first, since it wakes people.
    pub fn how(&self) -> String {
        let parts: Vec<&str> = [&self.phone, &self.email].into_iter().flatten().map(String::as_str).collect();
        if parts.is_empty() { "no number or address in the service file".into() } else { parts.join(", ") }
    }
}

/// What to do at which level of trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Escalation {
    /// `P0`, `P1`, ...
    pub level: String,
    /// When this level holds, in words.
    pub when: String,
    /// Ids of contacts.
    pub notify: Vec<String>,
    /// How soon somebody must answer.
    pub respond_within: Option<Duration>,
    /// Whether a ticket is enough.
    pub ticket: bool,
    /// Hours in which people are notified at this level.
    pub notify_hours: Option<Hours>,
}

/// Contacts in the order in which to call at `now`: who can be reached first, then who may be, then the others by when they can;
/// among equals the order of the escalations (the gravest first), then of the file.
pub fn to_call<'a>(contacts: &'a [Contact], escalations: &[Escalation], now: Timestamp, local: &TimeZone) -> Vec<(&'a Contact, Reachable)> {
    let rank = |contact: &Contact| escalations.iter().position(|e| e.notify.contains(&contact.id)).unwrap_or(usize::MAX);
    let mut calls: Vec<(&Contact, Reachable)> = contacts.iter().map(|contact| (contact, contact.reachable(now, local))).collect();
    calls.sort_by_key(|(contact, reachable)| {
        let order = match reachable {
            Reachable::Now => (0, Timestamp::UNIX_EPOCH),
            Reachable::Unknown(_) => (1, Timestamp::UNIX_EPOCH),
            Reachable::From(at) => (2, *at),
        };
        (order, rank(contact))
    });
    calls
}

pub(super) fn contacts(root: &Table<'_>) -> Vec<Contact> {
    let mut out: Vec<Contact> = Vec::new();
    for table in root.tables("contact") {
        if let Some((id, contact)) = contact(&table) {
            if out.iter().any(|c| c.id == contact.id) {
                table.error(&id.spot, format!("A second contact has the id {}.", quoted(&id.value)), None);
            } else {
                out.push(contact);
            }
        }
        table.finish();
    }
    out
}

fn contact(table: &Table<'_>) -> Option<(At<String>, Contact)> {
    let id = table.need_text("id");
    let role = table.need_text("role");
    let hours_text = table.text("hours");
    let hours = hours_text.as_ref().and_then(|text| hours(table, text));
    let email = table.text("email").filter(|e| {
        let good = e.value.contains('@') && !e.value.contains(char::is_whitespace);
        if !good {
            table.error(&e.spot, format!("{} is no mail address.", quoted(&e.value)), None);
        }
        good
    });
    let (name, phone) = (table.text("name").map(|n| n.value), table.text("phone").map(|p| p.value));
    let timezone = timezone(table);
    let id = id?;
    let (role, email, hours_text) = (role?.value, email.map(|e| e.value), hours_text.map(|h| h.value));
    Some((id.clone(), Contact { id: id.value, role, name, email, phone, hours, hours_text, timezone }))
}

fn hours(table: &Table<'_>, text: &At<String>) -> Option<Hours> {
    let hours = Hours::parse(&text.value);
    if hours.is_none() {
        let hint = "Write 24x7, business, rotation, or days and hours: \"Mon-Fri 09:00-18:00, Sat 10:00-14:00\".";
        table.error(&text.spot, format!("{} are no hours.", quoted(&text.value)), Some(hint.into()));
    }
    hours
}

/// The key `timezone` of a table: a name of the IANA database.
pub(super) fn timezone(table: &Table<'_>) -> Option<TimeZone> {
    let text = table.text("timezone")?;
    let zone = TimeZone::get(&text.value).ok();
    if zone.is_none() {
        table.error(
            &text.spot,
            format!("The time zone {} is not known here.", quoted(&text.value)),
            Some("Write a name like \"Europe/Madrid\".".into()),
        );
    }
    zone
}

pub(super) fn escalations(root: &Table<'_>, contacts: &[Contact], later: &mut Vec<Later>) -> Vec<Escalation> {
    root.tables("escalation").iter().filter_map(|table| escalation(table, contacts, later)).collect()
}

fn escalation(table: &Table<'_>, contacts: &[Contact], later: &mut Vec<Later>) -> Option<Escalation> {
    let level = table.need_text("level");
    let when = table.need_text("when");
    let notify = table.texts("notify");
    for id in notify.iter().filter(|id| !contacts.iter().any(|c| c.id == id.value)) {
        let hint = crate::base::toml::word_hint(&id.value, contacts.iter().map(|c| c.id.as_str()));
        table.error(&id.spot, format!("There is no contact {}.", quoted(&id.value)), hint);
    }
    let respond = table.duration("respond_within", Duration::from_mins(1)..=Duration::from_hours(24 * 365));
    let notify_hours = table.text("notify_hours").and_then(|text| hours(table, &text));
    let escalation = Escalation {
        level: level.as_ref()?.value.clone(),
        when: when?.value,
        notify: notify.iter().map(|n| n.value.clone()).filter(|id| contacts.iter().any(|c| c.id == *id)).collect(),
        respond_within: respond.as_ref().map(|r| r.value),
        ticket: table.flag("ticket").is_some_and(|t| t.value),
        notify_hours,
    };
    uncovered(table, level.as_ref()?, &escalation, contacts);
    Later::note(table, &["suggest_if"], later);
    table.finish();
    Some(escalation)
}

/// An answer is promised within minutes or hours, but everybody who could give it is away at night or at weekends.
fn uncovered(table: &Table<'_>, level: &At<String>, escalation: &Escalation, contacts: &[Contact]) {
    let Some(respond) = escalation.respond_within.filter(|_| escalation.notify_hours.is_none() && !escalation.notify.is_empty()) else { return };
    let gaps = contacts
        .iter()
        .filter(|c| escalation.notify.contains(&c.id))
        .map(|c| c.hours.as_ref().map_or(Some(0), Hours::uncovered_minutes));
    // Somebody who is always there, or whose hours nobody knows, covers the level.
    let Some(least) = gaps
        .map(|gap| gap.filter(|minutes| *minutes > 0))
        .collect::<Option<Vec<u32>>>()
        .and_then(|gaps| gaps.into_iter().min())
    else {
        return;
    };
    if respond < Duration::from_hours(16) {
        let message = format!(
            "'{}' promises an answer within {}, but nobody whom it notifies can be reached for {} hours of the week.",
            escalation.level,
            crate::base::duration::show(respond),
            least / 60
        );
        table.warn(&level.spot, message, Some("Add a contact with hours = \"24x7\", or notify_hours to the escalation.".into()));
    }
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::{Contact, Escalation, Hours, Reachable, to_call};

    fn contact(id: &str, hours: Option<&str>) -> Contact {
        Contact {
            id: id.into(),
            role: id.into(),
            name: None,
            email: None,
            phone: None,
            hours: hours.map(|h| Hours::parse(h).expect("hours")),
            hours_text: None,
            timezone: None,
        }
    }

    #[test]
    fn who_can_be_reached_comes_first_and_nobody_unknown_is_called_reachable() {
        let sunday_night = "2026-11-22T03:00:00Z".parse().expect("a time");
        let contacts = [
            contact("product", Some("business")),
            contact("dba", Some("rotation")),
            contact("backend", None),
            contact("second", Some("24x7")),
            contact("devops", Some("24x7")),
        ];
        let escalation = Escalation {
            level: "P0".into(),
            when: String::new(),
            notify: vec!["devops".into()],
            respond_within: None,
            ticket: false,
            notify_hours: None,
        };
        let calls = to_call(&contacts, &[escalation], sunday_night, &TimeZone::UTC);
        let order: Vec<&str> = calls.iter().map(|(c, _)| c.id.as_str()).collect();
        assert_eq!(order, ["devops", "second", "dba", "backend", "product"]);
        assert_eq!(calls[0].1, Reachable::Now);
        assert!(matches!(calls[2].1, Reachable::Unknown(_)) && matches!(calls[3].1, Reachable::Unknown(_)));
        assert_eq!(calls[4].1, Reachable::From("2026-11-23T09:00:00Z".parse().expect("a time")));
    }
}
