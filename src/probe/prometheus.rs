//! Asking Prometheus: one GET of its API, and the part of the answer that it calls its data.
//!
//! Owns the addresses and what counts as an answer. What the data means is said by whoever asks. Every question has a deadline, and an
//! answer that is longer than what is kept of one is none.

use std::time::Duration;

use serde_json::Value;

use crate::base::quantity;
use crate::base::text::clean;
use crate::target::api::ErrorKind;
use crate::target::probe::{Answer, Ask, Header, Heard, HttpAnswer, Reach, Way};

/// How long Prometheus may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What a query answers at this moment.
pub(super) async fn query(query: &str, base: &str, headers: &[Header], net: &dyn Reach) -> Result<Value, String> {
    get(&format!("/api/v1/query?query={}", escaped(query)), base, headers, net).await
}

/// The data of an answer. `Err` says why there is none.
pub(super) async fn get(path: &str, base: &str, headers: &[Header], net: &dyn Reach) -> Result<Value, String> {
    let url = format!("{}{path}", base.trim_end_matches('/'));
    let ask = Ask { way: Way::Http { url, headers: headers.to_vec() }, timeout: TIMEOUT };
    data(&net.ask(&ask).await)
}

fn data(answer: &Answer) -> Result<Value, String> {
    let page = match &answer.heard {
        Ok(Heard::Http(page)) => page,
        Ok(_) => return Err("another answer than asked for".to_owned()),
        Err(why) if why.kind == ErrorKind::Timeout => return Err("Prometheus does not answer in time".to_owned()),
        Err(why) => return Err(format!("Prometheus: {}", why.message)),
    };
    if page.cut {
        return Err(format!("Prometheus: the answer is longer than {}", quantity::bytes(HttpAnswer::BODY as u64)));
    }
    let body: Option<Value> = serde_json::from_str(&page.body).ok();
    let Some(mut body) = body.filter(|body| body["status"].is_string()) else {
        return Err(format!("{} and no answer of Prometheus", page.status));
    };
    if body["status"] != "success" {
        return Err(clean(body["error"].as_str().unwrap_or("Prometheus refuses the query")).into_owned());
    }
    Ok(body["data"].take())
}

/// A text as a value of a URL's query.
pub(super) fn escaped(text: &str) -> String {
    let one = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(one).collect()
}
