//! Telling somebody over a channel of the service file.
//!
//! Owns what each kind of channel is sent, the secret that opens it at the moment of use, and the deadline. Sends once, and says why it
//! was not taken; an address is in no word of that.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};

use super::secrets::Vault;
use crate::base::secret;
use crate::base::text::clean;
use crate::probe::Secrets as _;
use crate::run::scrub;
use crate::service::{Channel, ChannelKind, Service};
use crate::target::net::{Net, Route, Trust};

/// How long whoever is told may take to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// Longer texts are cut: who reads them has a phone in their hand.
const LONGEST: usize = 2_000;
const EVENTS: &str = "https://events.pagerduty.com/v2/enqueue";
const CHANGES: &str = "https://events.pagerduty.com/v2/change/enqueue";

/// Tells it once; `Err` says why it was not taken.
pub(super) async fn tell(service: Option<&Service>, vault: &Vault, channel: &str, text: &str) -> Result<(), String> {
    let declared = service.and_then(|s| Some((s, s.declared.channels.iter().find(|c| c.id == channel)?)));
    let (service, channel) = declared.ok_or_else(|| format!("there is no channel '{channel}'"))?;
    let id = channel.secret.as_ref().ok_or("it has no address")?;
    let key = vault.fetch(id).await?;
    secret::know(&key);
    let text: String = clean(&scrub::text(text)).chars().take(LONGEST).collect();
    let (url, body) = message(service, channel, &key, &text).ok_or("this version cannot tell anybody that way")?;
    let net = Net::new(&Trust::System, Route::Environment).map_err(|why| why.message)?;
    match net.post(&url, body.to_string(), WITHIN).await {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(format!("it was answered with {status}")),
        Err(why) => Err(why.message),
    }
}

/// The address and what is sent there.
fn message(service: &Service, channel: &Channel, key: &SecretString, text: &str) -> Option<(SecretString, Value)> {
    let environment = service.environment.as_ref().map_or("", |e| e.id.as_str());
    let source = format!("{} {environment}", service.id).trim().to_owned();
    Some(match channel.kind {
        ChannelKind::SlackWebhook => (key.clone(), json!({ "text": text })),
        ChannelKind::Webhook => (key.clone(), json!({ "text": text, "service": service.id, "environment": environment })),
        ChannelKind::PagerDutyEvents => {
            let mut body = json!({
                "routing_key": key.expose_secret(), "event_action": "trigger",
                "payload": { "summary": text, "source": source, "severity": "warning" },
            });
            // One that names what is known of a probe alone makes no two words of a run one.
            if let Some(dedup) = channel.dedup_key.as_ref().filter(|key| !key.contains("${")) {
                body["dedup_key"] = dedup.as_str().into();
            }
            (EVENTS.into(), body)
        }
        ChannelKind::PagerDutyChange => {
            (CHANGES.into(), json!({ "routing_key": key.expose_secret(), "payload": { "summary": text, "source": source } }))
        }
        ChannelKind::MailDraft => return None,
    })
}

#[cfg(test)]
mod tests {
    use secrecy::{ExposeSecret as _, SecretString};

    use super::message;
    use crate::service::{Origin, ServiceFile};

    #[test]
    fn each_channel_is_sent_what_it_understands() {
        let file = "schema = 1\n[service]\nid = \"shop\"\n[env.production]\nkind = \"production\"\n[secrets.k]\nref = \"env:K\"\n\
                    [notify.slack]\nkind = \"slack-webhook\"\nurl = \"secret:k\"\n[notify.hook]\nkind = \"webhook\"\nurl = \"secret:k\"\n\
                    [notify.alarm]\nkind = \"pagerduty-events-v2\"\nrouting_key = \"secret:k\"\ndedup_key = \"shop/${probe.id}\"\n\
                    [notify.change]\nkind = \"pagerduty-change\"\nrouting_key = \"secret:k\"\n[notify.mail]\nkind = \"mail-draft\"\nto = \"a@b.c\"\n";
        let (file, problems) = ServiceFile::read("f.toml", file, &Origin::Operator);
        assert!(problems.is_empty(), "{problems:?}");
        let service = file.expect("a file").resolve(Some("production")).0;
        let of = |id: &str| {
            let channel = service.declared.channels.iter().find(|c| c.id == id).expect(id);
            message(&service, channel, &SecretString::from("https://hooks.example/T0"), "done")
                .map(|(url, body)| (url.expose_secret().to_owned(), body))
        };
        assert_eq!(of("slack").expect("sent"), ("https://hooks.example/T0".to_owned(), serde_json::json!({ "text": "done" })));
        let hook = of("hook").expect("sent").1;
        assert_eq!(hook, serde_json::json!({ "text": "done", "service": "shop", "environment": "production" }));
        let (url, alarm) = of("alarm").expect("sent");
        assert!(url.ends_with("/v2/enqueue") && alarm["event_action"] == "trigger" && alarm.get("dedup_key").is_none(), "{alarm}");
        assert_eq!(alarm["payload"], serde_json::json!({ "summary": "done", "source": "shop production", "severity": "warning" }));
        assert!(of("change").expect("sent").0.ends_with("/v2/change/enqueue") && of("mail").is_none());
    }
}
