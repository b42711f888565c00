//! `timonel logs` on the simulated cluster.

use std::collections::BTreeSet;
use std::net::Ipv4Addr;

use rustix::process::Signal;
use serde_json::Value;

use super::follower::Follower;
use super::simulated;
use crate::support::proxy::Proxy;
use crate::support::schema;

fn texts<'a>(lines: &'a [Value], field: &str) -> Vec<&'a str> {
    lines.iter().map(|line| line[field].as_str().unwrap_or_default()).collect()
}

#[test]
fn what_there_is_is_printed_in_the_order_of_its_times_and_the_command_ends() {
    let (_cluster, home) = simulated("quiet");
    let lines = home
        .run(&["logs", "-n", "devshelf", "devshelf-api", "--no-follow", "--tail", "20", "-o", "json"])
        .exits(0)
        .json_lines();
    let written: Vec<Value> = lines.iter().filter(|l| l["event"] == "line").cloned().collect();
    let pods: BTreeSet<&str> = texts(&written, "pod").into_iter().collect();
    assert_eq!(pods.len(), 2, "both pods: {pods:?}");
    assert!(written.len() > 20 && texts(&written, "at").is_sorted(), "{:?}", texts(&written, "at"));
    assert_eq!(lines.iter().filter(|l| l["event"] == "ended").count(), texts(&lines, "container").len() - written.len());

    let plain = home.run(&["logs", "-n", "devshelf", "devshelf-api", "--no-follow", "--tail", "3"]).exits(0);
    assert!(plain.stdout.lines().count() >= 6, "{}", plain.stdout);
    assert!(plain.stdout.lines().all(|line| line.starts_with("devshelf-api-")), "{}", plain.stdout);
    assert!(!plain.stdout.contains('\u{1b}'), "no colours in a pipe");
    let coloured = home
        .run(&["logs", "-n", "devshelf", "devshelf-api", "--no-follow", "--tail", "1", "--color", "always"])
        .exits(0)
        .stdout;
    let colours: BTreeSet<&str> = coloured.lines().filter_map(|line| line.split('m').next()).collect();
    assert_eq!(colours.len(), 2, "a colour per pod: {coloured:?}");
    let everywhere = home.run(&["logs", "-A", "--no-follow", "--tail", "1"]).exits(0).stdout;
    let namespaces: BTreeSet<&str> = everywhere.lines().filter_map(|line| line.split('/').next()).collect();
    assert!(namespaces.contains("devshelf") && namespaces.len() > 3, "{namespaces:?}");
}

#[test]
fn lines_are_chosen_by_pattern_and_time() {
    let (_cluster, home) = simulated("quiet");
    let all = |more: &[&str]| home.run(&[&["logs", "-n", "devshelf", "devshelf-api", "--no-follow"], more].concat()).exits(0).stdout;
    let (whole, with, without) = (
        all(&["--since", "10m"]),
        all(&["--since", "10m", "--include", "request"]),
        all(&["--since", "10m", "--exclude", "request"]),
    );
    assert!(with.lines().count() > 0 && with.lines().all(|l| l.to_lowercase().contains("request")), "{with}");
    assert!(without.lines().all(|l| !l.to_lowercase().contains("request")), "{without}");
    assert!(all(&["--since", "2s"]).lines().count() < whole.lines().count());
    assert_eq!(all(&["--since", "2999-01-01T00:00:00Z"]), "");
}

#[test]
fn new_pods_join_and_ctrl_c_ends() {
    let (_cluster, home) = simulated("quiet");
    let mut follower = Follower::start(&home, &["logs", "-n", "devshelf", "-f", "devshelf-api", "--tail", "1"]);
    let before: BTreeSet<String> = [follower.line(), follower.line()].iter().filter_map(|l| l.split('/').next().map(str::to_owned)).collect();
    let plan = home.run(&["plan", "-n", "devshelf", "restart", "devshelf-api", "-o", "json"]).json();
    let typed = plan["confirmation"]["type"].as_str().expect("a word to type");
    home.run(&["run", "-n", "devshelf", "restart", "devshelf-api", "--confirm", typed]).exits(0);
    follower.until("a line of a new pod", |line| line.split('/').next().is_some_and(|pod| !before.contains(pod)));
    let (code, errors) = follower.end(Signal::INT);
    assert_eq!(code, Some(130), "{errors}");
    assert!(errors.contains(" ended: "), "the old pods were seen to end: {errors}");
}

#[test]
fn a_reader_who_goes_away_ends_the_command_without_a_word() {
    let (_cluster, home) = simulated("quiet");
    // Nothing ever matches: only the closed pipe can end it.
    let follower = Follower::start(&home, &["logs", "-n", "devshelf", "--include", "nothing says this"]);
    assert_eq!(follower.left_alone(), (Some(0), String::new()));
}

#[test]
fn no_line_is_lost_or_repeated_when_the_line_to_the_server_is_cut() {
    let (cluster, home) = simulated("quiet");
    let own = std::fs::read_to_string(cluster.kubeconfig()).expect("a kubeconfig");
    let after = own.split_once("https://127.0.0.1:").expect("a server").1;
    let port: u16 = after.split(|c: char| !c.is_ascii_digit()).next().and_then(|port| port.parse().ok()).expect("a port");
    let (server, address) = (format!("https://127.0.0.1:{port}"), (Ipv4Addr::LOCALHOST, port).into());
    let line = Proxy::to(address);
    let over = home.write("over.kubeconfig", &own.replace(&server, &format!("https://127.0.0.1:{}", line.port())));
    let over = over.display().to_string();
    let mut follower = Follower::start(&home, &["logs", "--kubeconfig", &over, "-n", "devshelf", "devshelf-api", "--tail", "5", "-o", "json"]);
    let mut seen = follower.until("a line", |line| line.contains("\"event\":\"line\""));
    line.cut();
    line.mend();
    seen.extend(follower.until("it came back", |line| line.contains("\"event\":\"reconnected\"")));
    for _ in 0..10 {
        seen.push(follower.line());
    }
    let seen: Vec<Value> = seen.iter().map(|l| serde_json::from_str(l).expect("JSON")).collect();
    seen.iter().for_each(schema::expect);
    let there = home
        .run(&["logs", "-n", "devshelf", "devshelf-api", "--no-follow", "--since", "10m", "-o", "json"])
        .exits(0)
        .json_lines();
    let of = |lines: &[Value], pod: &str| -> Vec<String> {
        lines
            .iter()
            .filter(|l| l["pod"] == pod && l["event"] == "line")
            .map(|l| format!("{} {}", l["at"], l["text"]))
            .collect()
    };
    let pods: BTreeSet<&str> = texts(&seen, "pod").into_iter().collect();
    for pod in pods {
        let (followed, there) = (of(&seen, pod), of(&there, pod));
        let first = followed.first().and_then(|f| there.iter().position(|t| t == f)).expect("its first line is there");
        assert_eq!(followed[..], there[first..first + followed.len()], "{pod}");
    }
}

#[test]
fn what_cannot_be_is_said_with_the_exit_codes_of_the_contract() {
    let (_cluster, home) = simulated("quiet");
    let unknown = home.run(&["logs", "-n", "devshelf", "devshelf-apo"]).exits(64);
    assert!(unknown.stderr.contains("did you mean 'devshelf-api'?"), "{}", unknown.stderr);
    home.run(&["logs", "-n", "devshelf", "--include", "("]).exits(64);
    home.run(&["logs", "-n", "devshelf", "nokind/devshelf-api"]).exits(64);
    home.run(&["logs", "--kubeconfig", "/nowhere"]).exits(78);
    let nowhere = home.write_kubeconfig("https://127.0.0.1:1");
    home.run(&["logs", "--kubeconfig", &nowhere.display().to_string(), "--timeout", "5s"]).exits(3);
    let never = home.run(&["logs", "-n", "devshelf", "devshelf-api", "--previous"]).exits(0);
    assert!(never.stdout.is_empty() && never.stderr.contains("no container was restarted"), "{}", never.stderr);
}
