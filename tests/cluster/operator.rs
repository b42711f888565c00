//! An operator at a command line: a home of its own, a kubeconfig, one namespace.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cluster::{Cluster, Namespace, PATIENCE};
use crate::manifest::Web;
use crate::middle::Middle;
use crate::support::proxy::Proxy;
use crate::support::sandbox::{Finished, Running, Sandbox};
use crate::support::screen::Size;
use crate::support::terminal::Terminal;

/// A user of the cluster with the program at hand.
pub(crate) struct Operator {
    pub(crate) sandbox: Sandbox,
    namespace: String,
}

impl Operator {
    /// That user of the tests, working in that namespace.
    pub(crate) fn new(cluster: &Cluster, user: &str, space: &Namespace<'_>) -> Self {
        let sandbox = Sandbox::with_kubeconfig(&cluster.kubeconfig(user)).env("USER", user);
        Self { sandbox, namespace: space.name().to_owned() }
    }

    /// The same with a variable set.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.sandbox = self.sandbox.env(name, value);
        self
    }

    /// The same over a line that can be cut.
    pub(crate) fn over(self, cluster: &Cluster, user: &str, line: &Proxy) -> Self {
        self.at(cluster, user, &format!("https://127.0.0.1:{}", line.port()))
    }

    /// The same through a server in between.
    pub(crate) fn through(self, cluster: &Cluster, user: &str, middle: &Middle) -> Self {
        self.at(cluster, user, &middle.server())
    }

    fn at(self, cluster: &Cluster, user: &str, server: &str) -> Self {
        let own = fs::read_to_string(cluster.kubeconfig(user)).unwrap_or_else(|error| panic!("{error}"));
        let there = own.replace(cluster.server(), server);
        assert_ne!(own, there, "the kubeconfig names {}", cluster.server());
        let path = self.sandbox.write("over-the-line.kubeconfig", &there);
        self.env("KUBECONFIG", &path.display().to_string())
    }

    /// The console on the namespace, once it is live.
    pub(crate) fn console(&self, size: Size, arguments: &[&str]) -> Terminal {
        let terminal = self.terminal(size, arguments);
        terminal.wait("the console is live", |screen| screen.rows[0].contains("live"));
        terminal
    }

    /// The program with these arguments, in the namespace.
    pub(crate) fn call(&self, arguments: &[&str]) -> Finished {
        self.sandbox.run(&[&["-n", &self.namespace], arguments].concat())
    }

    /// The same, started and not waited for.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        self.sandbox.start(&[&["-n", &self.namespace], arguments].concat())
    }

    /// Waits until a line of the journal is like this, and says whose run it belongs to.
    pub(crate) fn wait_for_line(&self, what: &str, holds: impl Fn(&Value) -> bool) -> String {
        self.wait_in("journal.jsonl", what, holds)["run"].as_str().unwrap_or_default().to_owned()
    }

    /// Waits until a console has written down that it saw this.
    pub(crate) fn wait_for_sighting(&self, what: &str, holds: impl Fn(&Value) -> bool) {
        self.wait_in("sightings.jsonl", what, holds);
    }

    fn wait_in(&self, file: &str, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            // The last line may be half written: it is looked at in the next round.
            let text = fs::read_to_string(self.sandbox.path("state/timonel").join(file)).unwrap_or_default();
            let lines = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
            if let Some(line) = lines.into_iter().find(|line| holds(line)) {
                return line;
            }
            assert!(Instant::now() < until, "no line of {file} is so: {what}\n{text}");
            thread::park_timeout(Duration::from_millis(1));
        }
    }

    /// Goes on with a run.
    pub(crate) fn resume(&self, id: &str) -> Run {
        Run::of(&self.sandbox.run(&["runs", "resume", id, "-o", "json"]))
    }

    /// The plan of a scale for these words, whatever it says.
    pub(crate) fn plan(&self, words: &[&str]) -> Plan {
        self.plan_of("scale", words)
    }

    /// The plan of an action for these words, whatever it says.
    pub(crate) fn plan_of(&self, action: &str, words: &[&str]) -> Plan {
        let finished = self.call(&[&["plan", action], words, &["-o", "json"]].concat());
        Plan { code: finished.code, value: finished.json() }
    }

    /// The program with these arguments, in a terminal.
    pub(crate) fn terminal(&self, size: Size, arguments: &[&str]) -> Terminal {
        Terminal::start(&self.sandbox, size, &[&["-n", &self.namespace], arguments].concat())
    }

    /// Carries out the scale that the words say, confirmed as the plan for them asks.
    pub(crate) fn run(&self, words: &[&str]) -> Run {
        self.run_of("scale", words)
    }

    /// Carries out the action that the words say, confirmed as the plan for them asks.
    pub(crate) fn run_of(&self, action: &str, words: &[&str]) -> Run {
        let plan = self.plan_of(action, words);
        let text = plan.value["confirmation"]["type"].as_str().unwrap_or("y").to_owned();
        Run::of(&self.call(&[&["run", action], words, &["--confirm", &text, "-o", "json"]].concat()))
    }

    /// Carries out the scale that the words say, confirmed with `text`.
    pub(crate) fn run_confirmed(&self, text: &str, words: &[&str]) -> Run {
        Run::of(&self.call(&[&["run", "scale"], words, &["--confirm", text, "-o", "json"]].concat()))
    }

    /// Every line of the journal.
    pub(crate) fn journal(&self) -> Vec<Value> {
        let text = fs::read_to_string(self.sandbox.path("state/timonel/journal.jsonl")).unwrap_or_default();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}")))
            .collect()
    }
}

/// A namespace in which `web` runs with one pod, and its operator.
pub(crate) fn place(cluster: &Cluster) -> (Namespace<'_>, Operator) {
    with_web(cluster, &[Web::new("web", 1)], 1)
}

/// A namespace in which these were applied one after the other and `web` has so many ready pods, and its operator.
pub(crate) fn with_web<'a>(cluster: &'a Cluster, versions: &[Web], ready: u64) -> (Namespace<'a>, Operator) {
    let space = cluster.namespace("shop-test").unwrap();
    for web in versions {
        space.apply(&web.yaml());
    }
    space.wait_ready("web", ready);
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

/// A plan as it was printed.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) code: Option<i32>,
    pub(crate) value: Value,
}

impl Plan {
    /// The check whose id is or begins with `id`.
    pub(crate) fn check(&self, id: &str) -> &Value {
        let checks = self.value["checks"].as_array().unwrap_or_else(|| panic!("no checks: {:#}", self.value));
        let found = checks.iter().find(|check| check["id"].as_str().is_some_and(|known| known.starts_with(id)));
        found.unwrap_or_else(|| panic!("no check '{id}': {:#}", self.value["checks"]))
    }

    /// Fails unless a check has this result, and says whether it is required.
    pub(crate) fn expect_check(&self, id: &str, result: &str) -> bool {
        let check = self.check(id);
        assert_eq!(check["result"], result, "{check:#}");
        check["required"] == true
    }

    /// The ids that block.
    pub(crate) fn blocked_by(&self) -> Vec<&str> {
        self.value["blocked_by"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
    }

    /// A field at the top.
    pub(crate) fn text(&self, pointer: &str) -> &str {
        self.value
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_else(|| panic!("no text at {pointer}: {:#}", self.value))
    }
}

/// A run as it was printed: one event a line.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) code: Option<i32>,
    pub(crate) events: Vec<Value>,
    stderr: String,
}

impl Run {
    pub(crate) fn of(finished: &Finished) -> Self {
        Self { code: finished.code, events: finished.json_lines(), stderr: finished.stderr.clone() }
    }

    /// The last event.
    pub(crate) fn end(&self) -> &Value {
        self.events.last().unwrap_or_else(|| panic!("no events: {self:#?}"))
    }

    /// The names of the events, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.events.iter().filter_map(|event| event["event"].as_str()).collect()
    }

    /// Events of one name.
    pub(crate) fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["event"] == name)
    }

    /// Fails with everything that was said unless the run ended like this.
    pub(crate) fn expect(self, outcome: &str, code: i32) -> Self {
        let end = self.end();
        assert!(
            end["event"] == "ended" && end["outcome"] == outcome && self.code == Some(code),
            "wanted {outcome} ({code}): {self:#?}\n{}",
            self.stderr
        );
        assert_eq!(end["exit_code"], code, "{end:#}");
        self
    }
}
