//! Where to tell somebody.
//!
//! Owns `[notify.ID]`. An address that opens a channel is a secret and comes by reference.

use crate::base::toml::{At, Table};
use crate::service::around::Around;

/// One channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Channel {
    /// Id.
    pub id: String,
    /// What it is.
    pub kind: ChannelKind,
    /// Id of the secret: the webhook's URL or the routing key.
    pub secret: Option<String>,
    /// Whom a draft of a mail is for.
    pub to: Option<String>,
    /// What makes two alarms one, with names that are filled in when it is sent.
    pub dedup_key: Option<String>,
    /// An alarm is taken back when what it was about is well again: by a step that always runs, where the run held to its end.
    pub resolve_on_recovery: bool,
    /// Where PagerDuty is asked, for accounts that are elsewhere; `None` = `https://events.pagerduty.com`.
    pub server: Option<String>,
}

/// What is told of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum AlarmEvent {
    /// There is one; the same one while its `dedup_key` is the same.
    #[default]
    Trigger,
    /// Somebody is at it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl AlarmEvent {
    /// The words of a service file, which are PagerDuty's.
    pub const WORDS: [(&str, Self); 3] = [("trigger", Self::Trigger), ("acknowledge", Self::Acknowledge), ("resolve", Self::Resolve)];

    /// Its word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// What a channel is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// Slack's incoming webhook.
    SlackWebhook,
    /// PagerDuty, an alarm.
    PagerDutyEvents,
    /// PagerDuty, a change.
    PagerDutyChange,
    /// Any URL.
    Webhook,
    /// A mail to be sent by hand.
    MailDraft,
}

const KINDS: [(&str, ChannelKind); 5] = [
    ("slack-webhook", ChannelKind::SlackWebhook),
    ("pagerduty-events-v2", ChannelKind::PagerDutyEvents),
    ("pagerduty-change", ChannelKind::PagerDutyChange),
    ("webhook", ChannelKind::Webhook),
    ("mail-draft", ChannelKind::MailDraft),
];

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Vec<Channel> {
    let Some(table) = root.table("notify") else { return Vec::new() };
    table.entries().into_iter().filter_map(|(id, entry)| one(&id, &entry.table()?, around)).collect()
}

fn one(id: &At<String>, table: &Table<'_>, around: &Around<'_>) -> Option<Channel> {
    if !table.has("kind") {
        table.missing("kind");
    }
    let kind = table.word("kind", &KINDS).map(|k| k.value);
    let key = match kind {
        Some(ChannelKind::PagerDutyEvents | ChannelKind::PagerDutyChange) => Some("routing_key"),
        Some(ChannelKind::SlackWebhook | ChannelKind::Webhook) => Some("url"),
        _ => None,
    };
    if let Some(key) = key.filter(|key| !table.has(key)) {
        table.missing(key);
    }
    let secret = around.secret(table, "url").or_else(|| around.secret(table, "routing_key"));
    let (to, dedup_key) = (table.text("to").map(|t| t.value), table.text("dedup_key").map(|d| d.value));
    let resolve_on_recovery = table.flag("resolve_on_recovery").is_some_and(|r| r.value);
    let server = server(table);
    table.finish();
    Some(Channel { id: id.value.clone(), kind: kind?, secret, to, dedup_key, resolve_on_recovery, server })
}

/// A routing key goes over no open line but to this machine.
fn server(table: &Table<'_>) -> Option<String> {
    let text = table.text("server")?;
    let plain = text.value.strip_prefix("http://").map(|rest| rest.split([':', '/']).next().unwrap_or_default());
    if !text.value.starts_with("https://") && !plain.is_some_and(|host| ["127.0.0.1", "localhost"].contains(&host)) {
        table.error(&text.spot, "The server of a channel is asked over TLS.", Some("server = \"https://events.eu.pagerduty.com\"".into()));
    }
    Some(text.value.trim_end_matches('/').to_owned())
}
