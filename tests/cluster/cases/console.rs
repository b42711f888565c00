//! The bridge on a real cluster, as an operator reads it: what is wrong and why, logs, lost lines, missing rights.

use std::time::Duration;

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::Operator;
use crate::support::proxy::Proxy;
use crate::support::screen::Size;
use crate::support::terminal::End;

const WIDE: Size = (180, 48);

pub(crate) fn a_crash_loop_and_a_failing_init_container_are_explained_without_a_key(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 2).yaml());
    space.apply(&Web::new("crash", 1).shell("echo out of luck; exit 3").yaml());
    space.apply(&Web::new("setup", 1).init("migrate", "echo no database; exit 7").yaml());
    space.wait_ready("web", 2);
    let mut terminal = Operator::new(cluster, "operator", &space).console(WIDE, &[]);
    terminal.wait("the crash loop says why on its own row", |screen| {
        screen.has_row(&["crash", "0/1", "CrashLoopBackOff"]) && screen.has("exit 3")
    });
    terminal.wait("the failing init container is named", |screen| {
        screen.has_row(&["setup", "0/1"]) && screen.has("migrate") && screen.has("exit 7")
    });
    terminal.wait("what is well is just there", |screen| screen.has_row(&["web", "2/2"]));
    // Two of three are down, the third is well: the whole is degraded (contract.md 1).
    terminal.wait("the header knows", |screen| screen.has_row(&["UP", "degraded"]));
    terminal.wait("the crashing pod's last words are in the logs", |screen| screen.has("out of luck") || screen.has("no database"));
    terminal.press("/");
    terminal.type_text("crash\r");
    terminal.wait("only the crashing one is left", |screen| !screen.has_row(&["setup", "0/1"]));
    terminal.press("x");
    terminal.wait("the chain from the workload to the exit code", |screen| screen.has("Why") && screen.has("exit 3"));
    terminal.press("esc q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

pub(crate) fn a_filter_narrows_the_rows_and_esc_brings_them_back(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&format!("{}---\n{}", Web::new("front", 1).yaml(), Web::new("queue", 1).yaml()));
    space.wait_ready("front", 1);
    space.wait_ready("queue", 1);
    let mut terminal = Operator::new(cluster, "operator", &space).console(WIDE, &[]);
    terminal.wait("both are listed", |screen| screen.has_row(&["front", "1/1"]) && screen.has_row(&["queue", "1/1"]));
    for (filter, shown, hidden) in [("fro", "front", "queue"), ("app=queue", "queue", "front")] {
        terminal.press("/");
        terminal.type_text(&format!("{filter}\r"));
        terminal.wait(&format!("'{filter}' hides {hidden}"), |screen| screen.has_row(&[shown, "1/1"]) && !screen.has_row(&[hidden, "1/1"]));
        terminal.press("esc");
        terminal.wait("both are listed again", |screen| screen.has_row(&["front", "1/1"]) && screen.has_row(&["queue", "1/1"]));
    }
    terminal.press("q");
    terminal.wait_restored();
}

pub(crate) fn logs_follow_through_a_rollout_and_a_restart(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let mut terminal = Operator::new(cluster, "operator", &space).console(WIDE, &[]);
    terminal.wait("lines of the first version", |screen| screen.has("version 1.0.0 line"));
    space.apply(&Web::new("web", 1).version("1.1.0").yaml());
    terminal.wait("lines of the second version join by themselves", |screen| screen.has("version 1.1.0 line"));
    terminal.press("4 z");
    terminal.wait("the end of the first pod is marked", |screen| screen.has("── ") && screen.has("version 1.1.0 line"));
    space.wait_ready("web", 1);
    let pod = space.list("v1", "Pod").into_iter().find(|pod| pod["metadata"]["deletionTimestamp"].is_null()).unwrap();
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    space.delete("v1", "Pod", &name);
    terminal.wait("the pod that takes its place is followed too", |screen| {
        screen.rows.iter().filter(|row| row.contains("version 1.1.0 starts")).count() >= 2
            || screen.has_row(&["version 1.1.0 line 1"]) && !screen.has(&name)
    });
    terminal.press("q");
    terminal.wait_restored();
}

pub(crate) fn a_lost_connection_is_said_and_everything_is_there_again_when_it_returns(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let line = Proxy::to(cluster.address());
    let mut terminal = Operator::new(cluster, "operator", &space).over(cluster, "operator", &line).console(WIDE, &[]);
    terminal.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    line.cut();
    terminal.wait("the header says that it is not live", |screen| !screen.rows[0].contains("● live"));
    assert!(terminal.screen().has_row(&["web"]), "what was seen stays on the screen");
    terminal.press("?");
    terminal.wait("keys work meanwhile", |screen| screen.has("quit"));
    terminal.press("esc");
    space.patch("apps/v1", "Deployment", "web", &serde_json::json!({"spec": {"replicas": 2}}));
    space.wait_ready("web", 2);
    line.mend();
    terminal.wait("it is live again and has what happened meanwhile", |screen| {
        screen.rows[0].contains("live") && screen.has_row(&["web", "2/2"])
    });
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

pub(crate) fn a_viewer_sees_everything_and_is_told_why_it_may_not_scale(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let mut terminal = Operator::new(cluster, "viewer", &space).console(WIDE, &[]);
    terminal.wait("the workload and its logs are there", |screen| screen.has_row(&["web", "1/1"]) && screen.has("version 1.0.0 line"));
    terminal.press("a s");
    terminal.wait("a number is asked for, or the right is missing", |screen| screen.has("eplicas") || screen.has("may not"));
    terminal.type_text("2\r");
    terminal.wait("the missing right is named", |screen| screen.has("deployments/scale"));
    assert_eq!(space.replicas("web"), 1);
}

pub(crate) fn a_stranger_is_told_which_rules_are_missing(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let operator = Operator::new(cluster, "stranger", &space);
    let mut terminal = crate::support::terminal::Terminal::start(&operator.sandbox, WIDE, &["-n", space.name()]);
    terminal.wait_for("Workloads");
    terminal.press("!");
    terminal.wait("the exact rule is named", |screen| screen.has("pods") && screen.has("watch"));
    terminal.press("esc q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}

pub(crate) fn read_only_is_said_on_every_screen_and_refuses_the_key(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    let mut terminal = Operator::new(cluster, "operator", &space).console(WIDE, &["--read-only"]);
    terminal.wait("the workload is there, and the mark", |screen| screen.has_row(&["web", "1/1"]) && screen.has("READ ONLY"));
    terminal.press("a s");
    terminal.wait("the key says why not", |screen| screen.has("--read-only") || screen.has("read only"));
    terminal.press("esc ?");
    terminal.wait("help says it too", |screen| screen.has("READ ONLY"));
    assert_eq!(space.replicas("web"), 1);
    let asked = cluster.changes_asked_for("operator", space.name()).unwrap_or_default();
    assert!(asked.is_empty(), "{asked:#?}");
}

pub(crate) fn another_namespace_is_shown_without_leaving(cluster: &Cluster) {
    let first = cluster.namespace("shop-test").unwrap();
    let second = cluster.namespace("other-test").unwrap();
    first.apply(&Web::new("alpha", 1).yaml());
    second.apply(&Web::new("omega", 1).yaml());
    first.wait_ready("alpha", 1);
    second.wait_ready("omega", 1);
    let mut terminal = Operator::new(cluster, "operator", &first).console(WIDE, &[]);
    terminal.wait("the first", |screen| screen.has_row(&["alpha", "1/1"]));
    terminal.press(":");
    terminal.type_text(&format!("ns {}\r", second.name()));
    terminal.wait("the second alone, and the header names it", |screen| {
        screen.has_row(&["omega", "1/1"]) && !screen.has_row(&["alpha", "1/1"]) && screen.rows[0].contains(second.name())
    });
    terminal.press("0");
    terminal.wait("both", |screen| screen.has_row(&["omega", "1/1"]) && screen.has_row(&["alpha", "1/1"]));
    terminal.press("q");
    terminal.wait_restored();
}

pub(crate) fn an_idle_live_screen_sends_next_to_nothing(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // Quiet pods: no log lines, no probes that change anything.
    space.apply(&Web::new("quiet", 2).shell("sleep 3600 & wait").yaml());
    space.wait_ready("quiet", 2);
    let terminal = Operator::new(cluster, "operator", &space).console(WIDE, &[]);
    terminal.wait("the workload is there", |screen| screen.has_row(&["quiet", "2/2"]));
    let picture = terminal.wait_silent(Duration::from_millis(1500));
    // The ages of young pods step every two seconds, and nothing else does: not one repainted screen in six seconds.
    let bytes = terminal.bytes_written_during(Duration::from_secs(6));
    assert!(bytes * 4 < picture, "{bytes} bytes in six idle seconds, {picture} before\n{}", terminal.screen().dump());
}

pub(crate) fn what_a_pod_prints_cannot_touch_the_terminal(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // A title, the clipboard, a cleared screen, the alternate screen left, bytes that are no text, and a line of 100,000 letters.
    let hostile = r"printf '\033]0;stolen title\007\033]52;c;c3RvbGVu\007\033[2J\033[?1049l\033[31mhostile line\377\376 end\n'; \
        head -c 100000 /dev/zero | tr '\0' x; echo; echo last line; sleep 3600 & wait";
    let cause = r#"{kubernetes.io/change-cause: "\e[2J\e]0;stolen cause\a cause"}"#;
    space.apply(&Web::new("hostile", 1).annotations(cause).shell(hostile).yaml());
    let mut terminal = Operator::new(cluster, "operator", &space).console(WIDE, &[]);
    terminal.wait("the lines are there as text", |screen| screen.has("hostile line") && screen.has("last line"));
    for key in ["4", "z", "y", "esc", "z", "3"] {
        terminal.press(key);
        terminal.wait_silent(Duration::from_millis(150));
    }
    let seen = terminal.surprises();
    assert_eq!((&seen.titles, &seen.clipboard), (&Vec::<String>::new(), &Vec::<String>::new()), "{seen:?}");
    let screen = terminal.screen();
    assert!(screen.alternate && screen.has("hostile"), "{}", screen.dump());
    terminal.press("q");
    assert_eq!(terminal.wait_restored(), End::Code(0));
}
