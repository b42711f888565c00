//! Secrets of a service file: they reach whom they are for, and nobody else.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use crate::bed::node::DATABASE;
use crate::cluster::{Cluster, Namespace};
use crate::operator::{Operator, Run};
use crate::postgres::{PASSWORD, Postgres, Volume};
use crate::support::screen::Screen;

/// One for each place that a secret may be in.
const VALUES: [(&str, &str); 4] = [("env", "tulip-9911-env"), ("file", "tulip-9912-file"), ("cmd", "tulip-9913-cmd"), ("k8s", "tulip-9914-k8s")];

/// A server that says back what it was sent, and never answers as it should.
fn indiscreet() -> (u16, Arc<Mutex<String>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (port, heard) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(String::new())));
    let kept = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0_u8; 4096];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let asked = String::from_utf8_lossy(&bytes[..read]).into_owned();
            kept.lock().unwrap().push_str(&asked);
            let key = asked.lines().find_map(|line| line.strip_prefix("x-key: ")).unwrap_or_default().to_owned();
            let body = format!("no entry with {key}");
            let head = format!("HTTP/1.1 500 no {key}\r\nx-said: {key}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    (port, heard)
}

fn files_below(folder: &Path, all: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() {
            files_below(&entry.path(), all);
        } else {
            all.push(entry.path());
        }
    }
}

pub(crate) fn each_secret_of_a_probe_reaches_its_endpoint_and_is_nowhere_else(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: keys}}\nstringData: {{key: {}}}\n", VALUES[3].1));
    let operator = Operator::new(cluster, "admin", &space).env("SHOP_KEY", VALUES[0].1);
    let kept = operator.sandbox.write("key", &format!("{}\n", VALUES[1].1));
    let program = operator.sandbox.write("print-key", &format!("#!/bin/sh\necho {}\n", VALUES[2].1));
    let (port, heard) = indiscreet();
    let references = [
        "env:SHOP_KEY".to_owned(),
        format!("file:{}", kept.display()),
        format!("cmd:/bin/sh {}", program.display()),
        format!("k8s:{}/keys#key", space.name()),
    ];
    let entries: String = VALUES
        .iter()
        .zip(&references)
        .map(|((id, _), reference)| {
            format!(
                "[secrets.{id}]\nref = \"{reference}\"\n[[probe]]\nid = \"{id}\"\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/{id}\"\n\
                 expect = {{ status = 200, body = \"welcome\" }}\nheaders = {{ X-Key = \"secret:{id}\" }}\n"
            )
        })
        .collect();
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n{entries}"
    );
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let table = operator.call(&["status", "-f", &file]);
    let answer = operator.call(&["status", "-f", &file, "-o", "json"]);
    let asked = heard.lock().unwrap().clone();
    for (id, value) in VALUES {
        assert!(asked.contains(&format!("/{id} ")) && asked.contains(value), "{id} was not asked with its secret:\n{asked}\n{table:?}");
    }
    let mut console = operator.console((120, 40), &["-f", &file]);
    let screen = console.wait("the probes have failed", |screen| VALUES.iter().all(|(id, _)| screen.has_row(&[id, "500"])));
    console.press("q");
    let mut said = format!("{table:?}\n{answer:?}\n{}", screen.dump());
    let mut files = Vec::new();
    files_below(&operator.sandbox.path(""), &mut files);
    for path in files.iter().filter(|path| ![&kept, &program].contains(path)) {
        said.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()));
    }
    for (id, value) in VALUES {
        assert!(!said.contains(value), "the secret of {id} is somewhere where it does not belong:\n{said}");
    }
}

/// What opens the outside: an address, a token of Prometheus, a header of a probe, a routing key, what a file keeps.
const OUTSIDE: [(&str, &str); 5] = [
    ("hook", "tulip-9921-hook"),
    ("token", "tulip-9922-token"),
    ("header", "tulip-9923-header"),
    ("routing", "tulip-9924-routing-key-of-32-chars"),
    ("kept", "tulip-9925-kept"),
];

/// A server that says back all that it was sent, and is content with it.
fn parrot() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut bytes = [0_u8; 8192];
            let read = stream.read(&mut bytes).unwrap_or(0);
            let asked = String::from_utf8_lossy(&bytes[..read]).into_owned();
            let status = if asked.starts_with("POST /v2/") { 202 } else { 200 };
            let body = if asked.contains("/api/v1/query") {
                let said = OUTSIDE[1].1;
                format!(
                    "{{\"status\":\"success\",\"data\":{{\"resultType\":\"vector\",\"result\":[{{\"metric\":{{\"said\":\"{said}\"}},\"value\":[1,\"1\"]}}]}}}}"
                )
            } else {
                format!("welcome, {asked}")
            };
            let head = format!("HTTP/1.1 {status} ok\r\ncontent-length: {}\r\nconnection: close\r\n\r\n", body.len());
            let _ = stream.write_all(format!("{head}{body}").as_bytes());
        }
    });
    port
}

/// Looks at the command lines of this machine, containers included, until it is told to stop: those that hold a secret.
fn watch_command_lines(stop: Arc<AtomicBool>) -> std::thread::JoinHandle<Vec<String>> {
    std::thread::spawn(move || {
        let mut found = Vec::new();
        while !stop.load(Ordering::SeqCst) {
            for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
                let line = fs::read(entry.path().join("cmdline")).unwrap_or_default();
                let line = String::from_utf8_lossy(&line).replace('\0', " ");
                if OUTSIDE.iter().any(|(_, value)| line.contains(value)) && !found.contains(&line) {
                    found.push(line);
                }
            }
            std::thread::park_timeout(std::time::Duration::from_millis(20));
        }
        found
    })
}

/// A service whose one action has a step of every kind that can carry a secret, the last of which fails.
fn every_kind_of_step(space: &str, port: u16, kept: &Path) -> String {
    let steps = [
        (
            "ask",
            "type = \"sql-check\"\ndatabase = \"main\"\nchecks = [{ sql = \"select pg_read_file('/data/password')\", show = true }]".to_owned(),
        ),
        (
            "command",
            "type = \"exec\"\nworkload = \"talker\"\nargv = [\"sh\", \"-c\", \"echo so $PASSWORD; echo $PASSWORD >&2\"]".to_owned(),
        ),
        (
            "in-job",
            "type = \"job\"\nworkload = \"talker\"\nargv = [\"sh\", \"-c\", \"echo so $PASSWORD\"]\ntimeout = \"60s\"".to_owned(),
        ),
        ("tail", "type = \"logs\"\nworkload = \"talker\"\ntail = 5".to_owned()),
        ("green", "type = \"http-check\"\nprobes = [\"page\"]\ntimeout = \"20s\"".to_owned()),
        ("within", "type = \"metric-check\"\nkpis = [\"up\"]\ntimeout = \"20s\"".to_owned()),
        ("copy", "type = \"backup\"\nbackup = \"daily\"\ntimeout = \"2m\"".to_owned()),
        ("here", format!("type = \"shell\"\nargv = [\"/bin/cat\", \"{}\"]", kept.display())),
        ("tell", "type = \"notify\"\nto = [\"hook\", \"alarm\", \"change\"]\ntext = \"${run.result}\"".to_owned()),
        ("grow", "type = \"scale\"\nworkload = \"talker\"\nreplicas = 2".to_owned()),
        ("image", "type = \"set-image\"\nworkload = \"talker\"\nimage = \"docker.io/timonel/app:1.1.0\"".to_owned()),
        ("fresh", "type = \"restart\"\nworkload = \"talker\"".to_owned()),
        (
            "wrong",
            "type = \"exec\"\nworkload = \"talker\"\nargv = [\"sh\", \"-c\", \"echo broken $PASSWORD; exit 3\"]\non_fail = \"abort\"".to_owned(),
        ),
    ];
    let steps: String = steps.iter().map(|(id, step)| format!("[[action.step]]\nid = \"{id}\"\n{step}\n")).collect();
    format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[env.test.target]\ntype = \"kubernetes\"\n\
         [secrets.db]\nref = \"k8s:{ns}/db#password\"\n[secrets.hook]\nref = \"env:HOOK\"\n[secrets.token]\nref = \"env:TOKEN\"\n\
         [secrets.header]\nref = \"env:HEADER\"\n[secrets.routing]\nref = \"env:ROUTING\"\n[secrets.kept]\nref = \"file:{kept}\"\n\
         [sources.prometheus]\nurl = \"http://127.0.0.1:{port}\"\ntoken = \"secret:token\"\n[[kpi]]\nid = \"up\"\nquery = \"up\"\ncrit = \"< 1\"\n\
         [[probe]]\nid = \"page\"\nkind = \"http\"\nurl = \"http://127.0.0.1:{port}/page\"\nheaders = {{ X-Key = \"secret:header\", X-Kept = \"secret:kept\" }}\n\
         expect = {{ status = 200, body = \"welcome\" }}\n\
         [[workload]]\nid = \"talker\"\nkind = \"deployment\"\nname = \"talker\"\n\
         [[workload]]\nid = \"db\"\nrole = \"database\"\nkind = \"statefulset\"\nname = \"db\"\n\
         [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"db\"\nname = \"shop\"\nuser = \"shop\"\npassword = \"secret:db\"\nimage = \"{DATABASE}\"\n\
         [[backup]]\nid = \"daily\"\nkind = \"pg_dump\"\ndatabase = \"main\"\nvolume = \"backups\"\nmax_age = \"26h\"\n\
         [notify.hook]\nkind = \"webhook\"\nurl = \"secret:hook\"\n[notify.alarm]\nkind = \"pagerduty-events-v2\"\nrouting_key = \"secret:routing\"\n\
         dedup_key = \"shop\"\nresolve_on_recovery = true\nserver = \"http://127.0.0.1:{port}\"\n[notify.change]\nkind = \"pagerduty-change\"\n\
         routing_key = \"secret:routing\"\nserver = \"http://127.0.0.1:{port}\"\n[[action]]\nid = \"everything\"\n{steps}",
        ns = space,
        kept = kept.display(),
    )
}

/// All that the program left on disk but for what it was given, and all objects that say something.
fn what_is_left(space: &Namespace<'_>, below: &Path, kept: &Path) -> String {
    let mut said = String::new();
    let mut files = Vec::new();
    files_below(below, &mut files);
    for path in files.iter().filter(|path| path.as_path() != kept) {
        said.push_str(&String::from_utf8_lossy(&fs::read(path).unwrap_or_default()));
    }
    for (api, kind) in [
        ("v1", "ConfigMap"),
        ("v1", "Event"),
        ("events.k8s.io/v1", "Event"),
        ("coordination.k8s.io/v1", "Lease"),
        ("batch/v1", "Job"),
        ("apps/v1", "Deployment"),
        ("v1", "Pod"),
    ] {
        said.push_str(&format!("{:?}", space.list(api, kind)));
    }
    said
}

pub(crate) fn no_kind_of_step_shows_a_secret_on_screen_or_in_journal_plan_log_object_or_command_line(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let (_postgres, _volume) = (Postgres::new(&space), Volume::new(&space, "backups", None));
    space.apply(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: talker}\nspec:\n  selector: {matchLabels: {app: talker}}\n  template:\n    \
         metadata: {labels: {app: talker}}\n    spec:\n      terminationGracePeriodSeconds: 2\n      containers:\n      - name: app\n        \
         image: docker.io/timonel/app:1.0.0\n        command: [sh, -c, 'echo it is $PASSWORD; exec sleep 3600']\n        \
         env: [{name: PASSWORD, valueFrom: {secretKeyRef: {name: db, key: password}}}]\n",
    );
    space.wait_ready("talker", 1);
    let port = parrot();
    let mut operator = Operator::new(cluster, "admin", &space);
    let kept = operator.sandbox.write("kept", OUTSIDE[4].1);
    operator = operator.env("HOOK", &format!("http://127.0.0.1:{port}/{}", OUTSIDE[0].1));
    for (name, at) in [("TOKEN", 1), ("HEADER", 2), ("ROUTING", 3)] {
        operator = operator.env(name, OUTSIDE[at].1);
    }
    let text = every_kind_of_step(space.name(), port, &kept);
    let file = operator.sandbox.write("shop.toml", &text).display().to_string();
    let stop = Arc::new(AtomicBool::new(false));
    let lines = watch_command_lines(stop.clone());
    let log = operator.sandbox.path("program.log").display().to_string();
    let log_all = operator.env("TIMONEL_LOG_LEVEL", "trace");
    let plan = log_all.plan_of("everything", &["-f", &file, "--log", &log]);
    let phrase = plan.text("/confirmation/type").to_owned();
    let live = log_all.call(&["check", &file, "--live", "--log", &log]);
    let run = Run::of(&log_all.call(&["run", "everything", "-f", &file, "--log", &log, "--confirm", &phrase, "-o", "json"]));
    // All of it was done, up to the command that was to fail.
    assert!(run.named("step_failed").any(|e| e["step"].as_str().is_some_and(|s| s.starts_with("13/"))), "{run:#?}");
    assert!(run.named("step_failed").count() == 1 && run.end()["reason"].as_str().is_some_and(|r| r.contains("broken")), "{run:#?}");
    let mut console = log_all.console((140, 44), &["-f", &file, "--log", &log]);
    console.press(":");
    console.type_text("everything\r");
    console.wait("the plan is on the screen", |screen| screen.has("to go on"));
    console.type_text(&format!("{phrase}\r"));
    let offered = |screen: &Screen| (1..=4).find(|n| screen.has(&format!("{n}  go on")));
    let asked = console.wait("the log is shown and asked about", |screen| offered(screen).is_some());
    console.press(&offered(&asked).unwrap_or_default().to_string());
    let screen = console.wait("the run has ended", |screen| screen.has("broken"));
    stop.store(true, Ordering::SeqCst);
    assert_eq!(lines.join().expect("the watcher ends"), Vec::<String>::new(), "command lines");
    let mut said = format!("{:#}\n{live:?}\n{run:#?}\n{}\n{}", plan.value, asked.dump(), screen.dump());
    said.push_str(&what_is_left(&space, &log_all.sandbox.path(""), &kept));
    for (id, value) in OUTSIDE.into_iter().chain([("db", PASSWORD)]) {
        let at = said
            .find(value)
            .map(|at| said[..at].chars().rev().take(300).collect::<String>().chars().rev().collect::<String>());
        assert!(at.is_none(), "the secret '{id}' is somewhere where it does not belong: {}", at.unwrap_or_default());
    }
}
