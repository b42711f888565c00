//! Alerts: what Alertmanager is asked, and what its answer means.
//!
//! Owns the one question and the judgement. That Alertmanager could not be asked is no word about alerts.

use std::time::Duration;

use serde_json::Value;

use super::prometheus::escaped;
use crate::base::text::elide;
use crate::target::api::ErrorKind;
use crate::target::probe::{Ask, Header, Heard, Reach, Way};

/// How long Alertmanager may take.
const TIMEOUT: Duration = Duration::from_secs(5);
/// So many names are told.
const NAMED: usize = 5;
/// So wide is a name.
const WIDE: usize = 60;

/// The alerts of a service that are active, and that nothing silences or inhibits.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Alerts {
    /// Names of those whose severity is critical, each once.
    pub critical: Vec<String>,
    /// How many others there are.
    pub others: usize,
}

impl Alerts {
    /// In a few words.
    pub fn words(&self) -> String {
        let others = match self.others {
            0 => String::new(),
            1 => "1 other is active".to_owned(),
            n => format!("{n} others are active"),
        };
        if self.critical.is_empty() {
            return if others.is_empty() { "no alert is active".to_owned() } else { format!("none is critical, {others}") };
        }
        let named: Vec<&str> = self.critical.iter().take(NAMED).map(String::as_str).collect();
        let more = self.critical.len() - named.len();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        let others = if others.is_empty() { others } else { format!("; {others}") };
        format!("critical: {}{more}{others}", named.join(", "))
    }
}

/// Asks once which alerts that all matchers fit are active. `Err` says why there is no answer.
pub async fn alerts(base: &str, matchers: &[String], headers: &[Header], net: &dyn Reach) -> Result<Alerts, String> {
    let filters: Vec<String> = matchers.iter().map(|m| format!("&filter={}", escaped(m))).collect();
    let url = format!("{}/api/v2/alerts?active=true&silenced=false&inhibited=false{}", base.trim_end_matches('/'), filters.concat());
    let answer = net.ask(&Ask { way: Way::Http { url, headers: headers.to_vec() }, timeout: TIMEOUT }).await;
    let page = match answer.heard {
        Ok(Heard::Http(page)) => page,
        Ok(_) => return Err("another answer than asked for".to_owned()),
        Err(why) if why.kind == ErrorKind::Timeout => return Err("Alertmanager does not answer in time".to_owned()),
        Err(why) => return Err(format!("Alertmanager: {}", why.message)),
    };
    if page.cut {
        return Err("Alertmanager: its answer is longer than is read".to_owned());
    }
    let list = if page.status == 200 { serde_json::from_str::<Vec<Value>>(&page.body).ok() } else { None };
    let list = list.ok_or_else(|| format!("{} and no answer of Alertmanager", page.status))?;
    let mut found = Alerts::default();
    for alert in &list {
        let label = |name: &str| alert["labels"][name].as_str().unwrap_or_default();
        if label("severity").eq_ignore_ascii_case("critical") {
            let name = elide(if label("alertname").is_empty() { "an alert without a name" } else { label("alertname") }, WIDE).into_owned();
            if !found.critical.contains(&name) {
                found.critical.push(name);
            }
        } else {
            found.others += 1;
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::{Alerts, alerts};
    use crate::target::api::ErrorKind;
    use crate::target::probe::{Answer, Ask, Heard, HttpAnswer, NotHeard, Reach, Way};

    struct Alertmanager(Mutex<Vec<String>>, Result<HttpAnswer, NotHeard>);

    impl Reach for Alertmanager {
        fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
            if let Way::Http { url, .. } = &ask.way {
                self.0.lock().expect("what was asked").push(url.clone());
            }
            let heard = self.1.clone().map(Heard::Http);
            async move { Answer { took: Duration::ZERO, heard } }.boxed()
        }
    }

    fn answers(status: u16, body: &str) -> HttpAnswer {
        HttpAnswer { status, body: body.to_owned(), ..HttpAnswer::default() }
    }

    #[tokio::test]
    async fn critical_alerts_of_the_service_are_named_and_no_answer_is_no_word_about_them() {
        let asked = async |answer| {
            let there = Alertmanager(Mutex::default(), answer);
            let found = alerts("http://am:9093/", &["alertname=~\"A|B\"".to_owned()], &[], &there).await;
            (found, there.0.into_inner().expect("what was asked").concat())
        };
        let one = |name: &str, severity: &str| format!("{{\"labels\":{{\"alertname\":\"{name}\",\"severity\":\"{severity}\"}}}}");
        let body = format!("[{},{},{}]", one("Down", "critical"), one("Slow", "warning"), one("Down", "Critical"));
        let (found, url) = asked(Ok(answers(200, &body))).await;
        assert_eq!(url, "http://am:9093/api/v2/alerts?active=true&silenced=false&inhibited=false&filter=alertname%3D~%22A%7CB%22");
        let found = found.expect("an answer");
        assert_eq!(found, Alerts { critical: vec!["Down".into()], others: 1 });
        assert_eq!(found.words(), "critical: Down; 1 other is active");
        assert_eq!(asked(Ok(answers(200, "[]"))).await.0.expect("an answer").words(), "no alert is active");
        let (many, _) = asked(Ok(answers(200, &format!("[{}]", one("Slow", "warning"))))).await;
        assert_eq!(many.expect("an answer").words(), "none is critical, 1 other is active");
        for (answer, part) in [
            (Ok(answers(502, "[]")), "502"),
            (Ok(answers(200, "<html>")), "no answer of Alertmanager"),
            (Ok(HttpAnswer { cut: true, ..answers(200, "[]") }), "longer"),
            (Err(NotHeard { kind: ErrorKind::Timeout, message: "no answer".into(), here: false }), "in time"),
        ] {
            let (found, _) = asked(answer).await;
            let why = found.expect_err(part);
            assert!(why.contains(part), "{why}");
        }
    }
}
