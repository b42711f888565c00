//! Steps of a service file that look and tell, on real pods; what is not in the cluster is a server of the test: one that answers as
//! Prometheus does (its HTTP API), one that takes webhooks.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::cluster::{Cluster, Namespace};
use crate::manifest::Web;
use crate::operator::{Operator, Run, place};
use crate::support::terminal::End;

/// A secret address; nothing but the server itself may show it.
const PATH: &str = "/T0/lilac-7714-hook";

/// A server: its port, and what it was asked (head and body).
pub(super) struct Server {
    pub(super) port: u16,
    heard: Arc<Mutex<Vec<String>>>,
}

/// One request, head and body.
fn request(stream: &mut TcpStream) -> String {
    let mut reader = BufReader::new(stream);
    let (mut text, mut length) = (String::new(), 0);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 || line.trim().is_empty() {
            break;
        }
        if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
            length = value.trim().parse().unwrap_or(0);
        }
        text.push_str(&line);
    }
    let mut body = vec![0_u8; length];
    let _ = reader.read_exact(&mut body);
    text + &String::from_utf8_lossy(&body)
}

impl Server {
    /// Answers each request with a status and a body.
    pub(super) fn new(answer: impl Fn(&str) -> (u16, String) + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
        let kept = Arc::clone(&heard);
        std::thread::spawn(move || {
            for mut stream in listener.incoming().flatten() {
                let asked = request(&mut stream);
                let (status, body) = answer(&asked);
                kept.lock().unwrap().push(asked);
                let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
                let _ = stream.write_all(format!("{head}{body}").as_bytes());
            }
        });
        Self { port, heard }
    }

    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().unwrap().clone()
    }
}

/// A server that answers queries as Prometheus does: each by its name, with the values of that name.
pub(super) fn prometheus(values: &Arc<Mutex<HashMap<&'static str, Vec<&'static str>>>>) -> Server {
    let values = Arc::clone(values);
    Server::new(move |asked| {
        let values = values.lock().unwrap();
        let found = values.iter().find(|(name, _)| asked.contains(**name)).map(|(_, values)| values.clone()).unwrap_or_default();
        let series: Vec<Value> = found.iter().map(|v| serde_json::json!({ "metric": {}, "value": [1, v] })).collect();
        (200, serde_json::json!({ "status": "success", "data": { "resultType": "vector", "result": series } }).to_string())
    })
}

fn service(space: &Namespace<'_>, operator: &Operator, kind: &str, more: &str) -> String {
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.{kind}]\nkind = \"{kind}\"\n[env.{kind}.target]\ntype = \"kubernetes\"\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\nnamespace = \"{}\"\n{more}",
        space.name()
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

fn action(id: &str, steps: &[&str]) -> String {
    let one = |(at, step): (usize, &&str)| format!("[[action.step]]\nid = \"s{}\"\n{step}\n", at + 1);
    format!("[[action]]\nid = \"{id}\"\n{}", steps.iter().enumerate().map(one).collect::<String>())
}

fn notes(run: &Run) -> Vec<String> {
    run.named("note").map(|note| note["text"].as_str().unwrap_or_default().to_owned()).collect()
}

fn reason(run: &Run) -> String {
    run.end()["reason"].as_str().unwrap_or_default().to_owned()
}

pub(crate) fn measures_are_told_within_beyond_or_without_data_and_a_step_waits_until_they_stay_within(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let values = Arc::new(Mutex::new(HashMap::from([("latency", vec!["0.8"]), ("errors", vec!["3"]), ("up", vec![])])));
    let server = prometheus(&values);
    let kpi = |id: &str, limits: &str| format!("[[kpi]]\nid = \"{id}\"\nquery = \"{id}_of_all\"\nunit = \"s\"\n{limits}\n");
    let file = [
        format!(
            "[secrets.token]\nref = \"env:PROMETHEUS_TOKEN\"\n[sources.prometheus]\nurl = \"http://127.0.0.1:{}\"\ntoken = \"secret:token\"\n",
            server.port
        ),
        kpi("latency", "warn = \"> 1\"\ncrit = \"> 2\""),
        kpi("errors", "warn = \"> 1\"\ncrit = \"> 5\""),
        kpi("up", "crit = \"< 3\""),
        action("soak", &["type = \"metric-check\"\nkpis = [\"latency\"]\nhold = \"3s\"\ntimeout = \"60s\""]),
        action("grow", &["type = \"scale\"\nworkload = \"web\"\nreplicas = 2\ndone_when = \"kpi.latency == ok\""]),
        action("all", &["type = \"metric-check\"\nkpis = [\"latency\", \"errors\", \"up\"]\ntimeout = \"3s\""]),
    ];
    let operator = operator.env("PROMETHEUS_TOKEN", "iris-8815-token");
    let file = service(&space, &operator, "test", &file.concat());
    let status = operator.call(&["status", "-f", &file, "-o", "json"]).json();
    let kpi = |at: usize, key: &str| status["kpis"][at][key].clone();
    assert_eq!((kpi(0, "result"), kpi(0, "value"), kpi(0, "unit")), ("ok".into(), 0.8.into(), "s".into()), "{status:#}");
    assert_eq!((kpi(1, "result"), kpi(1, "value")), ("warn".into(), 3.0.into()), "{status:#}");
    assert_eq!((kpi(2, "result"), kpi(2, "value")), ("no-data".into(), Value::Null), "{status:#}");
    assert_eq!(status["health"], "degraded", "{status:#}");
    let live = operator.call(&["check", &file, "--live"]).stdout;
    for line in ["proven  kpi.latency: 0.8 s", "failed  kpi.errors: 3 s, warn > 1", "unknown kpi.up: no data"] {
        assert!(live.contains(line), "{live}");
    }
    let run = operator.run_of("soak", &["-f", &file]).expect("proven", 0);
    assert!(run.named("progress").any(|p| p.to_string().contains("must stay so for 3 s")), "{run:#?}");
    let run = operator.run_of("grow", &["-f", &file]).expect("proven", 0);
    assert!(run.named("step_proven").any(|e| e.to_string().contains("kpi:latency")), "{run:#?}");
    let run = operator.run_of("all", &["-f", &file]);
    assert_eq!((run.code, &run.end()["outcome"]), (Some(1), &Value::from("failed")), "{run:#?}");
    assert!(reason(&run).contains("errors 3 s, warn > 1") && reason(&run).contains("up no data"), "{}", reason(&run));
    // Beyond its limit at first, within it later.
    values.lock().unwrap().insert("latency", vec!["9"]);
    let running = operator.start(&["run", "soak", "-f", &file, "--confirm", "y", "-o", "json"]);
    let before = server.heard().len();
    while server.heard().len() < before + 3 {
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    values.lock().unwrap().insert("latency", vec!["0.5"]);
    Run::of(&running.end()).expect("proven", 0);
    let heard = server.heard();
    assert!(heard.iter().all(|asked| asked.contains("Bearer iris-8815-token")), "{heard:?}");
    let journal = std::fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(!journal.contains("iris-8815") && !live.contains("iris-8815"));
    let terminal = operator.console((120, 36), &["-f", &file]);
    terminal.wait("the measures are in the health pane", |screen| {
        screen.has_row(&["latency", "0.5 s"]) && screen.has_row(&["errors", "3 s"])
    });
}

pub(crate) fn a_log_is_shown_and_acknowledged_where_somebody_is_there(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let script = r"for i in 1 2 3 4 5; do printf 'line %d \033[2J password=hunter2hunter2\n' $i; done; sleep 3600";
    space.apply(&Web::new("web", 1).shell(script).yaml());
    space.wait_ready("web", 1);
    let operator = Operator::new(cluster, "operator", &space);
    let file = service(&space, &operator, "test", &action("look", &["type = \"logs\"\nworkload = \"web\"\ntail = 3"]));
    let run = operator.run_of("look", &["-f", &file]).expect("proven", 0);
    let told = notes(&run);
    assert_eq!(told, ["line 3  password=<hidden>", "line 4  password=<hidden>", "line 5  password=<hidden>"], "{run:#?}");
    assert!(run.named("step_proven").any(|e| e["text"].as_str().is_some_and(|t| t.contains("on record"))), "{run:#?}");
    let mut terminal = operator.terminal((110, 40), &["run", "look", "-f", &file]);
    terminal.wait("it is shown and asked", |screen| screen.has("line 5") && screen.has("log of web was seen") && screen.has("2) go on"));
    terminal.type_text("2\r");
    assert_eq!(terminal.wait_end(), End::Code(0));
    let journal = std::fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(journal.contains("line 5") && !journal.contains("hunter2"), "what was shown is on record");
}

pub(crate) fn whoever_is_named_is_told_how_it_ended_and_a_secret_address_is_nowhere(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let good = Server::new(|_| (200, "ok".to_owned()));
    let bad = Server::new(|asked| (503, asked.to_owned()));
    let operator = operator
        .env("HOOK", &format!("http://127.0.0.1:{}{PATH}", good.port))
        .env("DEAF_HOOK", &format!("http://127.0.0.1:{}{PATH}", bad.port));
    let channel = |id: &str, kind: &str| {
        format!(
            "[secrets.{id}]\nref = \"env:{}\"\n[notify.{id}]\nkind = \"{kind}\"\nurl = \"secret:{id}\"\n",
            if id == "deaf" { "DEAF_HOOK" } else { "HOOK" }
        )
    };
    let tell = |to: &str, more: &str| {
        format!(
            "type = \"notify\"\nto = {to}\ntext = \"${{service.id}} to ${{var.count}} by ${{operator}}: ${{run.result}} after ${{run.duration}}\"\n{more}"
        )
    };
    let scale = "type = \"scale\"\nworkload = \"web\"\nreplicas = \"${var.count}\"";
    let vars = "[vars.count]\ntype = \"int\"\ndefault = 2\n";
    let with_vars = |action: String| {
        action
            .replacen('\n', "\nvars = [\"count\"]\n", 2)
            .replacen("[[action]]\nvars = [\"count\"]\n", "[[action]]\n", 1)
    };
    let last = tell("[\"chat\", \"hook\"]", "always = true\non_fail = \"continue\"");
    // What a file does not say is said for it: a word that is not heard is no failure.
    let deaf = tell("[\"deaf\"]", "");
    let never = "type = \"shell\"\nargv = [\"/bin/false\"]\non_fail = \"undo\"";
    let actions =
        [with_vars(action("grow", &[scale, &last])), with_vars(action("deaf", &[&deaf, scale])), with_vars(action("undone", &[scale, never, &last]))];
    let more = [channel("chat", "slack-webhook"), channel("hook", "webhook"), channel("deaf", "webhook"), vars.to_owned(), actions.concat()].concat();
    let file = service(&space, &operator, "test", &more);
    operator.call(&["check", &file]).exits(0);
    let run = operator.run_of("grow", &["-f", &file]).expect("proven", 0);
    let heard = good.heard();
    assert_eq!(heard.len(), 2, "each channel was told once: {heard:?}");
    assert!(
        heard
            .iter()
            .all(|h| h.starts_with(&format!("POST {PATH}")) && h.contains("shop to 2 by operator: every proof held so far after")),
        "{heard:?}"
    );
    assert!(heard.iter().any(|h| h.contains("\"service\":\"shop\"") && h.contains("\"environment\":\"test\"")), "{heard:?}");
    // Nobody takes it: that fails nothing of the run, and is said.
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let failed = operator.run_of("deaf", &["-f", &file]).expect("proven", 0);
    assert_eq!(space.replicas("web"), 2, "{failed:#?}");
    assert!(failed.named("step_failed").any(|e| e.to_string().contains("deaf: it was answered with 503")), "{failed:#?}");
    assert!(reason(&failed).starts_with("every proof held; not told:") && reason(&failed).contains("503"), "{failed:#?}");
    operator.call(&["journal", "verify"]).exits(0);
    // Told on the way out, with how it ended.
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let undone = operator.run_of("undone", &["-f", &file]);
    assert_eq!((undone.code, space.replicas("web")), (Some(2), 1), "{undone:#?}");
    let last = good.heard().pop().unwrap();
    assert!(last.contains("failed") && last.contains("exit code 1"), "{last}");
    let journal = std::fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    for text in [journal, format!("{run:?}{failed:?}{undone:?}")] {
        assert!(!text.contains("lilac-7714"), "the address is nowhere");
    }
}

pub(crate) fn a_program_of_this_machine_runs_for_a_phrase_without_our_variables_and_ends_with_its_time(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let operator = operator.env("API_TOKEN", "violet-5517-token");
    let mark = operator.sandbox.path("ran").display().to_string();
    let actions = [
        action("note", &[&format!("type = \"shell\"\nscript = \"\"\"env > '{mark}'; echo done; echo password=hunter2hunter2\"\"\"")]),
        action("seven", &["type = \"shell\"\nargv = [\"/bin/sh\", \"-c\", \"echo no room left >&2; exit 7\"]"]),
        action("next", &["type = \"shell\"\nargv = [\"/bin/false\"]\non_fail = \"run:note\""]),
        action("slow", &["type = \"shell\"\nargv = [\"/bin/sh\", \"-c\", \"sleep 611 & sleep 611\"]\ntimeout = \"2s\""]),
    ];
    let file = service(&space, &operator, "test", &actions.concat());
    let plan = operator.plan_of("note", &["-f", &file]);
    assert_eq!(plan.text("/confirmation/level"), "phrase", "{:#}", plan.value);
    let refused = operator.call(&["run", "note", "-f", &file, "--read-only", "--confirm", "y"]).exits(4);
    assert!(!std::path::Path::new(&mark).exists(), "{refused:?}");
    let run = operator.run_of("note", &["-f", &file]).expect("proven", 0);
    let said = run.named("step_proven").map(Value::to_string).collect::<String>();
    assert!(said.contains("exit code 0 on this machine") && said.contains("password=<hidden>"), "{said}");
    let variables = std::fs::read_to_string(&mark).unwrap();
    assert!(!variables.contains("violet-5517") && !variables.contains("KUBECONFIG") && variables.contains("PATH="), "{variables}");
    let seven = operator.run_of("seven", &["-f", &file]);
    assert_eq!(seven.code, Some(2), "what it did before it failed is not known: {seven:#?}");
    assert!(reason(&seven).contains("exit code 7") && reason(&seven).contains("no room left"), "{seven:#?}");
    // What follows is offered, and never done by itself.
    std::fs::remove_file(&mark).unwrap();
    let next = operator.run_of("next", &["-f", &file]);
    let hint = next.end()["hint"].as_str().unwrap_or_default();
    assert!(next.code == Some(2) && hint.contains("timonel run note") && !std::path::Path::new(&mark).exists(), "{next:#?}");
    let slow = operator.run_of("slow", &["-f", &file]);
    assert_ne!(slow.end()["outcome"], "proven", "{slow:#?}");
    let left = std::process::Command::new("pgrep").args(["-fc", "sleep 611"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0", "nothing that it started is left");
    let production = service(&space, &operator, "production", &actions.concat());
    let forbidden = operator.call(&["plan", "note", "-f", &production]).exits(64);
    assert!(forbidden.stderr.contains("shell = \"allow\""), "{forbidden:?}");
}

/// A service that takes events as PagerDuty's Events API v2 does: what it would refuse is refused with 400, the first is too many.
fn pagerduty() -> Server {
    let asked = std::sync::atomic::AtomicUsize::new(0);
    Server::new(move |request| {
        if asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0 {
            return (429, String::new());
        }
        match refused(request) {
            None => (202, "{\"status\":\"success\",\"message\":\"Event processed\"}".to_owned()),
            Some(why) => (400, why),
        }
    })
}

fn body(request: &str) -> Value {
    serde_json::from_str(request.split_once('{').map_or("", |(head, _)| &request[head.len()..])).unwrap_or(Value::Null)
}

/// Why an event is none, by the pages on "Send an alert event" and "Send a change event".
fn refused(request: &str) -> Option<String> {
    let event = body(request);
    let keys = |value: &Value, known: &[&str]| value.as_object().is_some_and(|all| all.keys().all(|key| known.contains(&key.as_str())));
    let text = |value: &Value, most: usize| value.as_str().is_some_and(|text| (1..=most).contains(&text.chars().count()));
    let payload = &event["payload"];
    let alert = request.starts_with("POST /v2/enqueue ");
    let change = request.starts_with("POST /v2/change/enqueue ");
    let action = event["event_action"].as_str().unwrap_or_default();
    let head = [
        (alert || change, "no such address"),
        (request.to_lowercase().contains("content-type: application/json"), "no JSON"),
        (event["routing_key"].as_str().is_some_and(|key| key.len() == 32), "a routing key has 32 characters"),
    ];
    let alerts = [
        (
            keys(&event, &["routing_key", "event_action", "dedup_key", "payload", "images", "links", "client", "client_url"]),
            "an unknown key",
        ),
        (["trigger", "acknowledge", "resolve"].contains(&action), "no such action"),
        (action == "trigger" || text(&event["dedup_key"], 255), "which alert"),
        (event["dedup_key"].is_null() || text(&event["dedup_key"], 255), "the key is too long"),
        (action != "trigger" || text(&payload["summary"], 1024), "no summary"),
        (action != "trigger" || text(&payload["source"], 1024), "no source"),
        (
            action != "trigger" || ["critical", "warning", "error", "info"].contains(&payload["severity"].as_str().unwrap_or_default()),
            "no such severity",
        ),
        (
            action != "trigger" || keys(payload, &["summary", "source", "severity", "timestamp", "component", "group", "class", "custom_details"]),
            "an unknown key of the payload",
        ),
    ];
    let changes = [
        (keys(&event, &["routing_key", "payload", "links", "images"]), "an unknown key"),
        (text(&payload["summary"], 1024), "no summary"),
        (keys(payload, &["summary", "source", "timestamp", "custom_details"]), "an unknown key of the payload"),
    ];
    let of_kind: &[(bool, &str)] = if alert { &alerts } else { &changes };
    head.iter().chain(of_kind).find(|(good, _)| !good).map(|(_, why)| (*why).to_owned())
}

pub(crate) fn pagerduty_is_told_of_an_alarm_its_end_and_a_change_slack_in_its_own_words_and_a_mail_is_a_draft(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let (pager, slack) = (pagerduty(), Server::new(|_| (200, "ok".to_owned())));
    let operator = operator
        .env("ROUTING", "0123456789abcdef0123456789abcdef")
        .env("HOOK", &format!("http://127.0.0.1:{}{PATH}", slack.port));
    let tell = |to: &str, text: &str, more: &str| format!("type = \"notify\"\nto = {to}\ntext = \"{text}\"\n{more}");
    let fails = "type = \"shell\"\nargv = [\"/bin/false\"]\non_fail = \"undo\"";
    let last = tell("[\"alarm\"]", "${run.result}", "always = true");
    let scale = "type = \"scale\"\nworkload = \"web\"\nreplicas = 2";
    let all = tell("[\"change\", \"slack\", \"mail\"]", &format!("<!channel> größer & {}", "x".repeat(1500)), "");
    let more = [
        "[secrets.routing]\nref = \"env:ROUTING\"\n[secrets.hook]\nref = \"env:HOOK\"\n".to_owned(),
        format!(
            "[notify.alarm]\nkind = \"pagerduty-events-v2\"\nrouting_key = \"secret:routing\"\ndedup_key = \"${{service.id}}/${{env.name}}/${{probe.id}}\"\n\
             resolve_on_recovery = true\nserver = \"http://127.0.0.1:{0}\"\n[notify.change]\nkind = \"pagerduty-change\"\nrouting_key = \"secret:routing\"\n\
             server = \"http://127.0.0.1:{0}\"\n",
            pager.port
        ),
        "[notify.slack]\nkind = \"slack-webhook\"\nurl = \"secret:hook\"\n[notify.mail]\nkind = \"mail-draft\"\nto = \"team@example.com\"\n"
            .to_owned(),
        action("alarm", &[&tell("[\"alarm\"]", "${service.id} has no room", "")]),
        action("mine", &[&tell("[\"alarm\"]", "somebody is at it", "event = \"acknowledge\"")]),
        action("over", &[&tell("[\"alarm\"]", "it is over", "event = \"resolve\"")]),
        action("grow", &[scale, &last]),
        action("broken", &[scale, fails, &last]),
        action("all", &[&all]),
    ];
    let file = service(&space, &operator, "test", &more.concat());
    operator.call(&["check", &file]).exits(0);
    for id in ["alarm", "mine", "over", "grow"] {
        let run = operator.run_of(id, &["-f", &file]).expect("proven", 0);
        assert_eq!(run.end()["reason"], "every proof held", "{id}: {run:#?}");
    }
    let broken = operator.run_of("broken", &["-f", &file]);
    assert_ne!(broken.end()["outcome"], "proven", "{broken:#?}");
    let events: Vec<Value> = pager.heard().iter().map(|request| body(request)).collect();
    let actions: Vec<&str> = events.iter().filter_map(|event| event["event_action"].as_str()).collect();
    // The first was told that it was too many, and was sent again.
    assert_eq!(actions, ["trigger", "trigger", "acknowledge", "resolve", "resolve", "trigger"], "{events:#?}");
    assert!(events.iter().all(|event| event["dedup_key"] == "shop/test/run"), "one alarm is one: {events:#?}");
    let run = operator.run_of("all", &["-f", &file]).expect("proven", 0);
    assert_eq!(run.end()["reason"], "every proof held", "{run:#?}");
    let change = body(pager.heard().last().unwrap());
    assert_eq!(change["payload"]["custom_details"], serde_json::json!({ "service": "shop", "environment": "test" }), "{change:#}");
    let said = body(&slack.heard().pop().unwrap())["text"].as_str().unwrap_or_default().to_owned();
    assert!(said.starts_with("&lt;!channel&gt; größer &amp; xxx"), "{said}");
    let drafts: Vec<_> = std::fs::read_dir(operator.sandbox.path("state/timonel/drafts")).unwrap().flatten().collect();
    let [draft] = &drafts[..] else { panic!("{drafts:?}") };
    let mail = std::fs::read_to_string(draft.path()).unwrap();
    assert!(mail.contains("To: team@example.com\r\n") && mail.contains("\r\n\r\n<!channel> größer & xxx"), "{mail}");
    assert!(
        run.named("step_proven")
            .any(|e| e["text"].as_str().is_some_and(|t| t.contains("a draft to team@example.com"))),
        "{run:#?}"
    );
    let journal = std::fs::read_to_string(operator.sandbox.path("state/timonel/journal.jsonl")).unwrap();
    assert!(!journal.contains("0123456789abcdef0123456789abcdef") && !journal.contains("lilac-7714"));
}
