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
    /// An alarm is taken back when what it was about is well again.
    pub resolve_on_recovery: bool,
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
    table.finish();
    Some(Channel { id: id.value.clone(), kind: kind?, secret, to, dedup_key, resolve_on_recovery })
}
