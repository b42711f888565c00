//! Measures: what Prometheus is asked, and what its answer means.
//!
//! Owns the two questions of a measure and the judgement. A measure without data is never within its limits. That Prometheus could not
//! be asked is no data, too.

use serde_json::Value;

use super::prometheus;
use crate::base::duration;
use crate::service::{Comparison, Kpi, Threshold};
use crate::target::probe::{Header, KpiResult, Reach, Reading};

/// The steps of the time that a measure must be beyond its limit.
const STEPS: u32 = 10;

/// Asks a measure once: the instant value; and where it is beyond a limit that has a time, whether it was so for all of it.
pub async fn measure(kpi: &Kpi, url: &str, headers: &[Header], net: &dyn Reach) -> Reading {
    let first = match ask(&kpi.query, url, headers, net).await {
        Ok(values) => values,
        Err(why) => return Reading::none(why),
    };
    let Some((value, result, limit)) = worst(kpi, &first) else { return Reading::none("no data: no series answers it") };
    let shown = |value: f64| format!("{}{}", number(value), kpi.unit.as_deref().map(|unit| format!(" {unit}")).unwrap_or_default());
    let Some(limit) = limit else { return Reading { value: Some(value), result, detail: shown(value) } };
    let beyond = Reading { value: Some(value), result, detail: format!("{}, {} {}", shown(value), result.word(), words(limit)) };
    let Some(hold) = kpi.hold else { return beyond };
    // What was beyond it at its mildest was beyond it all the time.
    let mildest = if matches!(limit.comparison, Comparison::More | Comparison::AtLeast) { "min" } else { "max" };
    let time = duration::show(hold);
    let step = duration::show((hold / STEPS).max(std::time::Duration::from_secs(1)));
    match ask(&format!("{mildest}_over_time(({})[{time}:{step}])", kpi.query), url, headers, net).await {
        Ok(values) if !values.is_empty() && values.iter().all(|v| !limit.beyond(*v)) => {
            Reading { result: KpiResult::Ok, detail: format!("{}, not {} for {time} yet", shown(value), words(limit)), ..beyond }
        }
        _ => beyond,
    }
}

/// The value of the series that is farthest beyond its limits, and the limit.
fn worst(kpi: &Kpi, values: &[f64]) -> Option<(f64, KpiResult, Option<Threshold>)> {
    let judged = |value: &f64| {
        let beyond = |limit: Option<Threshold>| limit.filter(|l| l.beyond(*value));
        match (beyond(kpi.crit), beyond(kpi.warn)) {
            (Some(limit), _) => (*value, KpiResult::Crit, Some(limit)),
            (None, Some(limit)) => (*value, KpiResult::Warn, Some(limit)),
            (None, None) => (*value, KpiResult::Ok, None),
        }
    };
    let rank = |result: KpiResult| match result {
        KpiResult::Crit => 2,
        KpiResult::Warn => 1,
        KpiResult::Ok | KpiResult::NoData => 0,
    };
    values.iter().map(judged).reduce(|a, b| if rank(b.1) > rank(a.1) { b } else { a })
}

/// Numbers of all series; a NaN is none. `Err` says why there is no answer.
async fn ask(query: &str, base: &str, headers: &[Header], net: &dyn Reach) -> Result<Vec<f64>, String> {
    let data = prometheus::query(query, base, headers, net).await.map_err(|why| format!("no data: {why}"))?;
    let number = |pair: &Value| pair[1].as_str().and_then(|text| text.parse::<f64>().ok()).filter(|n| !n.is_nan());
    match data["resultType"].as_str() {
        Some("scalar") => Ok(number(&data["result"]).into_iter().collect()),
        Some("vector") => Ok(data["result"].as_array().into_iter().flatten().filter_map(|series| number(&series["value"])).collect()),
        _ => Err("no data: the query answers no number".to_owned()),
    }
}

/// A value with as many digits as people read.
fn number(value: f64) -> String {
    if value.fract() == 0.0 && value.abs() < 1e15 { format!("{value:.0}") } else { format!("{value:.3}").trim_end_matches('0').to_owned() }
}

fn words(limit: Threshold) -> String {
    let sign = match limit.comparison {
        Comparison::Less => "<",
        Comparison::AtMost => "<=",
        Comparison::More => ">",
        Comparison::AtLeast => ">=",
    };
    format!("{sign} {}", number(limit.value))
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use futures_util::future::BoxFuture;

    use super::measure;
    use crate::service::{Kpi, Threshold};
    use crate::target::api::ErrorKind;
    use crate::target::probe::{Answer, Ask, Heard, HttpAnswer, KpiResult, NotHeard, Reach, Way};

    /// Answers from a script, and keeps what it was asked.
    struct Prometheus(Mutex<(Script, Vec<String>)>);

    type Script = Vec<Result<String, NotHeard>>;

    impl Reach for Prometheus {
        fn ask<'a>(&'a self, ask: &'a Ask) -> BoxFuture<'a, Answer> {
            let mut state = self.0.lock().expect("a script");
            if let Way::Http { url, .. } = &ask.way {
                state.1.push(url.clone());
            }
            let heard = state.0.remove(0).map(|body| Heard::Http(HttpAnswer { status: 200, body, ..HttpAnswer::default() }));
            async move { Answer { took: Duration::ZERO, heard } }.boxed()
        }
    }

    fn vector(values: &[&str]) -> String {
        let series: Vec<String> = values.iter().map(|v| format!(r#"{{"metric":{{}},"value":[1,"{v}"]}}"#)).collect();
        format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{}]}}}}"#, series.join(","))
    }

    fn kpi(hold: Option<Duration>) -> Kpi {
        let limit = |text: &str| Some(Threshold::parse(text).expect(text));
        Kpi {
            id: "p95".into(),
            title: None,
            query: "a{b=\"c\"}".into(),
            unit: Some("s".into()),
            warn: limit("> 1"),
            crit: limit("> 2.0"),
            hold,
        }
    }

    async fn reading(hold: Option<Duration>, script: Script) -> (KpiResult, Option<f64>, String, Vec<String>) {
        let prometheus = Prometheus(Mutex::new((script, Vec::new())));
        let reading = measure(&kpi(hold), "http://p:9090/", &[], &prometheus).await;
        let asked = prometheus.0.into_inner().expect("asked").1;
        (reading.result, reading.value, reading.detail, asked)
    }

    #[tokio::test]
    async fn a_measure_is_within_or_beyond_its_limits_or_has_no_data_and_that_is_never_within() {
        for (body, result, value, detail) in [
            (vector(&["0.8"]), KpiResult::Ok, Some(0.8), "0.8 s"),
            (vector(&["1.5"]), KpiResult::Warn, Some(1.5), "1.5 s, warn > 1"),
            (vector(&["0.1", "2.5", "1.5"]), KpiResult::Crit, Some(2.5), "2.5 s, crit > 2"),
            (
                r#"{"status":"success","data":{"resultType":"scalar","result":[1,"3"]}}"#.into(),
                KpiResult::Crit,
                Some(3.0),
                "3 s, crit > 2",
            ),
            (vector(&["NaN"]), KpiResult::NoData, None, "no data: no series answers it"),
            (vector(&[]), KpiResult::NoData, None, "no data: no series answers it"),
            (r#"{"status":"error","error":"parse error"}"#.into(), KpiResult::NoData, None, "no data: parse error"),
            ("<html>".into(), KpiResult::NoData, None, "no data: 200 and no answer of Prometheus"),
        ] {
            let (found, number, words, asked) = reading(None, vec![Ok(body)]).await;
            assert_eq!((found, number, words.as_str()), (result, value, detail));
            assert_eq!(asked, ["http://p:9090/api/v1/query?query=a%7Bb%3D%22c%22%7D"]);
        }
        let silent = NotHeard { kind: ErrorKind::Unreachable, message: "connection refused".into(), here: false };
        let (found, _, words, _) = reading(None, vec![Err(silent)]).await;
        assert_eq!((found, words.as_str()), (KpiResult::NoData, "no data: Prometheus: connection refused"));
    }

    #[tokio::test]
    async fn a_limit_with_a_time_is_passed_when_it_was_for_all_of_it() {
        let hold = Some(Duration::from_mins(5));
        let (found, _, words, asked) = reading(hold, vec![Ok(vector(&["2.5"])), Ok(vector(&["1.9"]))]).await;
        assert_eq!((found, words.as_str()), (KpiResult::Ok, "2.5 s, not > 2 for 5m yet"));
        assert!(asked[1].contains("min_over_time%28%28a%7Bb%3D%22c%22%7D%29%5B5m%3A30s%5D%29"), "{asked:?}");
        let (found, ..) = reading(hold, vec![Ok(vector(&["2.5"])), Ok(vector(&["2.1"]))]).await;
        assert_eq!(found, KpiResult::Crit);
        let lost = NotHeard { kind: ErrorKind::Timeout, message: String::new(), here: false };
        let (found, ..) = reading(hold, vec![Ok(vector(&["2.5"])), Err(lost)]).await;
        assert_eq!(found, KpiResult::Crit, "that it cannot be known is no reason to call it well");
    }
}
