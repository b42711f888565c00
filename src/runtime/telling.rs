//! Telling somebody over a channel of the service file.
//!
//! Owns what each kind of channel is sent, the secret that opens it at the moment of use, the deadline, and the drafts of mails. Sends
//! once, and again only where the answer says that nothing was taken for now; why it was not taken is said, and an address is in no
//! word of that.

mod draft;

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::time::Instant;

use super::outside::Outside;
use super::secrets::Vault;
use crate::base::secret;
use crate::base::text::clean;
use crate::probe::Secrets as _;
use crate::run::{HELD, scrub};
use crate::service::{AlarmEvent, Channel, ChannelKind, Service};

/// How long whoever is told may take to take it, further tries included.
const WITHIN: Duration = Duration::from_secs(10);
/// How long is waited before the first further try; twice as long before each one after it.
const AGAIN: Duration = Duration::from_millis(500);
/// "Not now": nothing was taken.
const TOO_MANY: u16 = 429;
/// Longer texts are cut: who reads them has a phone in their hand.
const LONGEST: usize = 2_000;
/// PagerDuty takes no longer summary, and no longer key.
const SUMMARY: usize = 1_024;
const KEY: usize = 255;
const PAGERDUTY: &str = "https://events.pagerduty.com";

/// What is told.
#[derive(Debug, Clone, Copy)]
pub(super) struct Word<'a> {
    /// Over which channel.
    pub(super) channel: &'a str,
    /// What.
    pub(super) text: &'a str,
    /// What an alarm is told.
    pub(super) event: &'a str,
    /// When.
    pub(super) at: Timestamp,
}

/// Tells it; `Ok` says how, where that is worth a word, and `Err` why it was not taken.
pub(super) async fn tell(service: Option<&Service>, vault: &Vault, outside: &Outside, state: &Path, word: Word<'_>) -> Result<String, String> {
    let declared = service.and_then(|s| Some((s, s.declared.channels.iter().find(|c| c.id == word.channel)?)));
    let (service, channel) = declared.ok_or_else(|| format!("there is no channel '{}'", word.channel))?;
    let text: String = clean(&scrub::text(word.text)).chars().take(LONGEST).collect();
    if channel.kind == ChannelKind::MailDraft {
        return draft::write(&state.join("drafts"), service, channel, &text, word.at);
    }
    let id = channel.secret.as_ref().ok_or("it has no address")?;
    let key = vault.fetch(id).await?;
    secret::know(&key);
    let Some((url, body)) = message(service, channel, &key, &text, word.event) else { return Ok("nothing to tell: it held".to_owned()) };
    let net = outside.net().await.map_err(|why| why.message)?;
    let (body, until) = (body.to_string(), Instant::now() + WITHIN);
    let mut wait = AGAIN;
    loop {
        let left = until.saturating_duration_since(Instant::now());
        match net.post(&url, body.clone(), left).await {
            Ok(TOO_MANY) if Instant::now() + wait < until => {
                tokio::time::sleep(wait).await;
                wait *= 2;
            }
            Ok(status) if took(channel.kind, status) => return Ok(String::new()),
            Ok(status) => return Err(format!("it was answered with {status}")),
            Err(why) => return Err(why.message),
        }
    }
}

/// Whether an answer says that it was taken. PagerDuty says 202: another one is somebody else's.
fn took(kind: ChannelKind, status: u16) -> bool {
    match kind {
        ChannelKind::PagerDutyEvents | ChannelKind::PagerDutyChange => status == 202,
        _ => (200..=299).contains(&status),
    }
}

/// The address and what is sent there; `None` where there is nothing to tell.
fn message(service: &Service, channel: &Channel, key: &SecretString, text: &str, event: &str) -> Option<(SecretString, Value)> {
    let environment = service.environment.as_ref().map_or("", |e| e.id.as_str());
    let source = format!("{} {environment}", service.id).trim().to_owned();
    let summary: String = text.chars().take(SUMMARY).collect();
    let server = channel.server.as_deref().unwrap_or(PAGERDUTY);
    let key_text = || key.expose_secret();
    Some(match channel.kind {
        // Slack reads three characters as its own: what came from elsewhere calls nobody.
        ChannelKind::SlackWebhook => (key.clone(), json!({ "text": text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;") })),
        ChannelKind::Webhook => (key.clone(), json!({ "text": text, "service": service.id, "environment": environment })),
        ChannelKind::PagerDutyEvents => {
            let event = match event {
                HELD if channel.resolve_on_recovery => AlarmEvent::Resolve.word(),
                HELD => return None,
                event => event,
            };
            let mut body = json!({ "routing_key": key_text(), "event_action": event, "dedup_key": dedup_key(service, channel) });
            if event == AlarmEvent::Trigger.word() {
                body["client"] = "timonel".into();
                body["payload"] = json!({ "summary": summary, "source": source, "severity": "warning", "group": service.id });
            }
            (format!("{server}/v2/enqueue").into(), body)
        }
        ChannelKind::PagerDutyChange => {
            let details = json!({ "service": service.id, "environment": environment });
            let payload = json!({ "summary": summary, "source": source, "custom_details": details });
            (format!("{server}/v2/change/enqueue").into(), json!({ "routing_key": key_text(), "payload": payload }))
        }
        ChannelKind::MailDraft => return None,
    })
}

/// What makes two words of one alarm one: the file's, with what is known here; what is known of a probe alone is the same for all.
fn dedup_key(service: &Service, channel: &Channel) -> String {
    let environment = service.environment.as_ref().map_or("", |e| e.id.as_str());
    let Some(written) = &channel.dedup_key else { return format!("timonel/{}/{environment}", service.id).chars().take(KEY).collect() };
    let (mut key, mut rest) = (String::new(), written.as_str());
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}').unwrap_or((after, ""));
        key.push_str(before);
        key.push_str(match name.trim() {
            "service.id" => &service.id,
            "service.name" => &service.name,
            "env.id" | "env.name" => environment,
            _ => "run",
        });
        rest = after;
    }
    key.push_str(rest);
    key.chars().take(KEY).collect()
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret as _, SecretString};
    use serde_json::{Value, json};

    use super::message;
    use crate::run::HELD;
    use crate::service::{Origin, ServiceFile};

    const FILE: &str = "schema = 1\n[service]\nid = \"shop\"\n[env.production]\nkind = \"production\"\n[secrets.k]\nref = \"env:K\"\n\
        [notify.slack]\nkind = \"slack-webhook\"\nurl = \"secret:k\"\n[notify.hook]\nkind = \"webhook\"\nurl = \"secret:k\"\n\
        [notify.alarm]\nkind = \"pagerduty-events-v2\"\nrouting_key = \"secret:k\"\ndedup_key = \"${service.id}/${env.name}/${probe.id}\"\n\
        resolve_on_recovery = true\n[notify.plain]\nkind = \"pagerduty-events-v2\"\nrouting_key = \"secret:k\"\n\
        server = \"https://events.eu.pagerduty.com/\"\n[notify.change]\nkind = \"pagerduty-change\"\nrouting_key = \"secret:k\"\n";

    fn sent(id: &str, text: &str, event: &str) -> Option<(String, Value)> {
        let (file, problems) = ServiceFile::read("f.toml", FILE, &Origin::Operator);
        assert!(problems.iter().all(|p| p.level != crate::base::problem::Level::Error), "{problems:?}");
        let service = file.expect("a file").resolve(Some("production")).0;
        let channel = service.declared.channels.iter().find(|c| c.id == id).expect(id);
        let told = message(&service, channel, &SecretString::from("https://hooks.example/T0"), text, event);
        told.map(|(url, body)| (url.expose_secret().to_owned(), body))
    }

    #[test]
    fn each_channel_is_sent_what_it_understands() {
        let slack = sent("slack", "<!channel> a & b", "trigger").expect("sent");
        assert_eq!(slack, ("https://hooks.example/T0".to_owned(), json!({ "text": "&lt;!channel&gt; a &amp; b" })));
        let hook = sent("hook", "done", "trigger").expect("sent").1;
        assert_eq!(hook, json!({ "text": "done", "service": "shop", "environment": "production" }));
        let (url, change) = sent("change", &"x".repeat(1500), "trigger").expect("sent");
        assert_eq!(url, "https://events.pagerduty.com/v2/change/enqueue");
        assert_eq!(change["payload"]["summary"].as_str().map(str::len), Some(1024), "{change}");
    }

    #[test]
    fn an_alarm_is_triggered_acknowledged_and_resolved_under_one_key() {
        let (url, alarm) = sent("alarm", "no room", "trigger").expect("sent");
        assert_eq!((url.as_str(), &alarm["event_action"]), ("https://events.pagerduty.com/v2/enqueue", &json!("trigger")));
        assert_eq!(alarm["payload"], json!({ "summary": "no room", "source": "shop production", "severity": "warning", "group": "shop" }));
        for (event, action) in [("trigger", "trigger"), ("acknowledge", "acknowledge"), ("resolve", "resolve"), (HELD, "resolve")] {
            let body = sent("alarm", "it is over", event).expect("sent").1;
            assert_eq!((&body["event_action"], &body["dedup_key"]), (&json!(action), &json!("shop/production/run")), "{event}");
            assert_eq!(body.get("payload").is_some(), action == "trigger", "{body}");
        }
        let (url, plain) = sent("plain", "no room", "trigger").expect("sent");
        assert_eq!((url.as_str(), &plain["dedup_key"]), ("https://events.eu.pagerduty.com/v2/enqueue", &json!("timonel/shop/production")));
        assert_eq!(sent("plain", "it held", HELD), None, "no alarm is made of what went well");
    }
}
