//! The alerts of a Prometheus and what it scrapes: what it is asked of them, and which of them cannot mean what they say.
//!
//! Owns the questions, and how much of PromQL is read for it: names of measures, numbers, comparisons. An expression that is written
//! otherwise is left alone: nothing is said of it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::prometheus::{self, escaped};
use crate::base::text::clean;
use crate::target::probe::{Header, Reach};

/// Histograms that are asked about by their bare names; of more, nothing is said.
const ASKED: usize = 50;
/// Words of an expression that name no measure.
const WORDS: [&str; 14] =
    ["and", "or", "unless", "by", "without", "on", "ignoring", "group_left", "group_right", "bool", "offset", "inf", "nan", "atan2"];
/// Those among them whose brackets hold names of labels.
const OF_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
/// Units of time that a text may count by, with their seconds.
const UNITS: [(&[&str], f64); 3] = [(&["hour", "hourly", "hora"], 3600.0), (&["minute", "minuto"], 60.0), (&["day", "daily", "dia", "día"], 86400.0)];
/// Words before a unit that make it one that is counted by.
const BEFORE: [&str; 9] = ["per", "an", "a", "each", "every", "last", "past", "por", "cada"];

/// One alert as Prometheus has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// What it asks.
    pub query: String,
    /// What it says to people: its labels and annotations.
    pub says: String,
    /// Why Prometheus cannot evaluate it.
    pub broken: Option<String>,
}

/// What one job of Prometheus scrapes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scraped {
    /// The job.
    pub job: String,
    /// Hosts of its targets, without their ports.
    pub hosts: Vec<String>,
}

/// What a Prometheus says of its alerts and of what it scrapes; each may be unknown with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Watched {
    /// Its alerts.
    pub alerts: Result<Vec<Alert>, String>,
    /// Histograms that have no series of their bare names.
    pub bare: Result<BTreeSet<String>, String>,
    /// What it scrapes.
    pub scraped: Result<Vec<Scraped>, String>,
}

impl Watched {
    /// One that could not be asked.
    pub fn unknown(why: &str) -> Self {
        Self { alerts: Err(why.to_owned()), bare: Err(why.to_owned()), scraped: Err(why.to_owned()) }
    }
}

/// What is wrong with an alert, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// What is wrong.
    pub text: String,
    /// What would be right.
    pub hint: String,
}

/// Asks a Prometheus for its alerts, for the histograms that they name, and for what it scrapes.
pub async fn watched(url: &str, headers: &[Header], net: &dyn Reach) -> Watched {
    let (rules, targets) = futures_util::join!(
        prometheus::get("/api/v1/rules?type=alert", url, headers, net),
        prometheus::get("/api/v1/targets?state=active", url, headers, net)
    );
    let alerts = rules.map(|data| alerts(&data));
    let bare = match &alerts {
        Ok(alerts) => bare(alerts, url, headers, net).await,
        Err(why) => Err(why.clone()),
    };
    Watched { alerts, bare, scraped: targets.map(|data| scraped(&data)) }
}

fn alerts(data: &Value) -> Vec<Alert> {
    let text = |value: &Value| clean(value.as_str().unwrap_or_default()).into_owned();
    let rules = list(&data["groups"]).flat_map(|group| list(&group["rules"])).filter(|rule| rule["type"] == "alerting");
    let one = |rule: &Value| Alert {
        name: text(&rule["name"]),
        query: text(&rule["query"]),
        // A link is no text.
        says: ["labels", "annotations"]
            .into_iter()
            .flat_map(|key| rule[key].as_object().into_iter().flatten())
            .filter_map(|(_, value)| value.as_str().filter(|value| !value.contains("://")))
            .collect::<Vec<_>>()
            .join(" "),
        broken: (rule["health"] == "err").then(|| text(&rule["lastError"])),
    };
    rules.map(one).collect()
}

fn scraped(data: &Value) -> Vec<Scraped> {
    let mut jobs: Vec<Scraped> = Vec::new();
    for target in list(&data["activeTargets"]) {
        let job = clean(target["labels"]["job"].as_str().or(target["scrapePool"].as_str()).unwrap_or_default());
        let host = host(&clean(target["scrapeUrl"].as_str().unwrap_or_default()));
        match jobs.iter_mut().find(|known| known.job == job) {
            Some(known) => known.hosts.push(host),
            None => jobs.push(Scraped { job: job.into_owned(), hosts: vec![host] }),
        }
    }
    jobs
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn host(url: &str) -> String {
    let place = url.split_once("://").map_or(url, |(_, rest)| rest);
    let place = place.split('/').next().unwrap_or_default();
    place.rsplit_once(':').map_or(place, |(host, _)| host).to_owned()
}

/// The measures of alerts that are histograms and have no series of their own: Prometheus keeps a histogram as `_bucket`, `_count`, `_sum`.
async fn bare(alerts: &[Alert], url: &str, headers: &[Header], net: &dyn Reach) -> Result<BTreeSet<String>, String> {
    let named: BTreeSet<&str> = alerts.iter().flat_map(|alert| measures(&alert.query)).collect();
    if named.is_empty() {
        return Ok(BTreeSet::new());
    }
    let matching = escaped("{__name__=~\".+_bucket\"}");
    let buckets = prometheus::get(&format!("/api/v1/label/__name__/values?match%5B%5D={matching}"), url, headers, net).await?;
    let histograms: Vec<&str> = list(&buckets).filter_map(|name| name.as_str()?.strip_suffix("_bucket")).collect();
    let asked: Vec<&str> = named.into_iter().filter(|name| histograms.contains(name)).take(ASKED).collect();
    if asked.is_empty() {
        return Ok(BTreeSet::new());
    }
    // Native histograms have series of their bare names.
    let matching = escaped(&format!("{{__name__=~\"{}\"}}", asked.join("|")));
    let own = prometheus::get(&format!("/api/v1/label/__name__/values?match%5B%5D={matching}"), url, headers, net).await?;
    let own: Vec<&str> = list(&own).filter_map(Value::as_str).collect();
    Ok(asked.into_iter().filter(|name| !own.contains(name)).map(ToOwned::to_owned).collect())
}

impl Alert {
    /// What cannot be meant of it, where these are the histograms that have no series of their bare names.
    pub fn remarks(&self, bare: &BTreeSet<String>) -> Vec<Remark> {
        let mut remarks = Vec::new();
        for name in measures(&self.query).into_iter().filter(|name| bare.contains(*name)).collect::<BTreeSet<_>>() {
            remarks.push(Remark {
                text: format!("it asks for {name}, a histogram: there are {name}_bucket, {name}_count and {name}_sum, and nothing of the bare name, so it never fires"),
                hint: format!("histogram_quantile(0.95, sum by (le) (rate({name}_bucket[5m])))"),
            });
        }
        remarks.extend(self.rate());
        remarks
    }

    /// A rate is per second: whoever compares it with a number that people are told by the hour compares it with 3600 times as much.
    fn rate(&self) -> Option<Remark> {
        let tokens = tokens(&self.query);
        let rate = tokens.windows(2).any(|pair| matches!(pair, [Token::Word("rate" | "irate"), Token::Sign("(")]));
        // A quotient of two rates has no unit, and whoever multiplies knows what a rate is.
        if !rate || tokens.iter().any(|token| matches!(token, Token::Sign("/" | "*"))) {
            return None;
        }
        let number = tokens.windows(2).find_map(|pair| match pair {
            [Token::Sign(">" | "<" | ">=" | "<=" | "==" | "!="), Token::Number(number)]
            | [Token::Number(number), Token::Sign(">" | "<" | ">=" | "<=" | "==" | "!=")] => Some(*number),
            _ => None,
        })?;
        let (unit, seconds) = self.counts_by()?;
        if number == 0.0 {
            return None;
        }
        Some(Remark {
            text: format!(
                "it compares a rate with {number}, and its text counts by the {unit}: a rate is per second, which is {} per {unit}",
                number * seconds
            ),
            hint: format!("increase(...[1{}]), or the rate times {seconds}", &unit[..1]),
        })
    }

    /// The unit of time that its text counts by.
    fn counts_by(&self) -> Option<(&'static str, f64)> {
        let text = self.says.to_lowercase();
        let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
        if words.contains(&"second") {
            return None;
        }
        let (names, seconds) = UNITS.into_iter().find(|(names, _)| {
            let before = |pair: &[&str]| BEFORE.contains(&pair[0]) && names.contains(&pair[1]);
            words.windows(2).any(before) || words.iter().any(|word| word.ends_with("ly") && names.contains(word))
        })?;
        Some((names[0], seconds))
    }
}

/// A piece of an expression.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Token<'q> {
    Word(&'q str),
    Number(f64),
    /// A sign of its own: a bracket, an operator.
    Sign(&'q str),
    /// Anything else: a text, a time.
    Other,
}

fn tokens(query: &str) -> Vec<Token<'_>> {
    let mut out = Vec::new();
    let mut rest = query;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '"' | '\'' | '`' => {
                let end = text_end(rest, first);
                out.push(Token::Other);
                end
            }
            '#' => rest.find('\n').unwrap_or(rest.len()),
            c if c.is_ascii_digit() => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '.').unwrap_or(rest.len());
                out.push(rest[..end].parse().map_or(Token::Other, Token::Number));
                end
            }
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' => {
                let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len());
                out.push(Token::Word(&rest[..end]));
                end
            }
            c if c.is_whitespace() => c.len_utf8(),
            c => {
                let two = rest.get(..2).filter(|two| ["==", "!=", ">=", "<=", "=~", "!~"].contains(two));
                let sign = two.unwrap_or(&rest[..c.len_utf8()]);
                out.push(Token::Sign(sign));
                sign.len()
            }
        };
        rest = &rest[taken..];
    }
    out
}

/// Where a text in quotes ends.
fn text_end(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The measures that an expression names.
fn measures(query: &str) -> Vec<&str> {
    let tokens = tokens(query);
    let (mut out, mut at) = (Vec::new(), 0);
    while let Some(token) = tokens.get(at) {
        at += 1;
        let next = tokens.get(at);
        match token {
            Token::Sign("{" | "[") => at += tokens[at..].iter().position(|t| matches!(t, Token::Sign("}" | "]"))).unwrap_or(tokens.len()),
            Token::Word(word) if OF_LABELS.contains(word) && next == Some(&Token::Sign("(")) => {
                at += tokens[at..].iter().position(|t| *t == Token::Sign(")")).unwrap_or(tokens.len());
            }
            Token::Word(word) => {
                let calls = next == Some(&Token::Sign("(")) || matches!(next, Some(Token::Word("by" | "without")));
                if !calls && !WORDS.contains(&word.to_lowercase().as_str()) {
                    out.push(*word);
                }
            }
            _ => {}
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Alert, host, measures};

    fn alert(query: &str, says: &str) -> Alert {
        Alert { name: "a".into(), query: query.into(), says: says.into(), broken: None }
    }

    #[test]
    fn the_measures_of_an_expression_are_its_names_and_not_its_labels_functions_or_texts() {
        for (query, names) in [
            ("db_seconds > 5", &["db_seconds"][..]),
            ("sum by (le, job) (rate(a_bucket{le=\"x\", b=~'c_d'}[5m])) > 0.5", &["a_bucket"]),
            ("sum(rate(a[1m])) without (pod) / on(job) group_left(team) b offset 5m or c unless d", &["a", "b", "c", "d"]),
            ("job:errors:rate5m{x=\"a}b\"} > 1e3 # and more", &["job:errors:rate5m"]),
            ("histogram_quantile(0.95, x_bucket) > bool 2", &["x_bucket"]),
            ("up == 0", &["up"]),
            ("a{é=\"ü\"", &["a"]),
        ] {
            assert_eq!(measures(query), names, "{query}");
        }
    }

    #[test]
    fn e_t13_an_alert_on_the_bare_name_of_a_histogram_is_told() {
        let bare = BTreeSet::from(["db_seconds".to_owned()]);
        let found = alert("db_seconds > 5 and db_seconds < 9", "").remarks(&bare);
        assert!(found.len() == 1 && found[0].text.contains("it asks for db_seconds, a histogram"), "{found:#?}");
        for well in ["histogram_quantile(0.95, rate(db_seconds_bucket[5m])) > 5", "db_seconds_count > 5", "other > 5"] {
            assert_eq!(alert(well, "").remarks(&bare), [], "{well}");
        }
    }

    #[test]
    fn e_t13_a_rate_that_is_compared_with_a_number_by_the_hour_is_told() {
        let none = BTreeSet::new();
        for (query, says) in [
            ("rate(made_total[1h]) < 10", "Less than 10 recommendations per hour"),
            ("sum(rate(made_total{a=\"b\"}[5m])) < 10", "fewer than 10 in the last hour"),
            ("10 > sum by (x) (irate(made_total[5m]))", "Menos de 10 por hora"),
            ("rate(made_total[5m]) < 10", "hourly recommendations are few"),
        ] {
            let found = alert(query, says).remarks(&none);
            assert!(found.len() == 1 && found[0].text.contains("which is 36000 per hour"), "{query}: {found:#?}");
        }
        for (query, says) in [
            ("rate(made_total[1h]) * 3600 < 10", "Less than 10 per hour"),
            ("increase(made_total[1h]) < 10", "Less than 10 per hour"),
            ("rate(made_total[1h]) == 0", "none in the last hour"),
            ("rate(bad[1h]) / rate(all[1h]) > 0.05", "5 % failed in the last hour"),
            ("rate(made_total[5m]) < 10", "Less than 10 per second, for an hour"),
            ("rate(made_total[5m]) < 10", "Too few"),
        ] {
            assert_eq!(alert(query, says).remarks(&none), [], "{query}");
        }
        let by_minute = alert("rate(bad[5m]) > 2", "more than 2 errors a minute").remarks(&none);
        assert!(by_minute[0].text.ends_with("which is 120 per minute") && by_minute[0].hint.contains("[1m]"), "{by_minute:#?}");
    }

    #[test]
    fn the_host_of_a_target_has_no_port_and_no_path() {
        for (url, name) in [("http://api.shop.svc:8000/metrics", "api.shop.svc"), ("https://10.0.0.7/metrics", "10.0.0.7"), ("", "")] {
            assert_eq!(host(url), name);
        }
    }
}
