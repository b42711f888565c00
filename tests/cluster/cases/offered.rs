//! `on_fail = "run:ACTION"`: what a failed step offers is planned by itself where somebody is there, and never done by itself.

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::{Operator, place};
use crate::support::terminal::End;

/// `smoke` fails and offers `grow`; `abyss` fails and offers `smoke`.
fn service(operator: &Operator) -> String {
    let failing = |id: &str, offers: &str| {
        format!(
            "[[action]]\nid = \"{id}\"\n[[action.step]]\nid = \"see\"\ntype = \"http-check\"\nprobes = [\"page\"]\ntimeout = \"2s\"\non_fail = \"run:{offers}\"\n"
        )
    };
    let text = format!(
        "schema = 1\n[service]\nid = \"shop\"\nname = \"Shop\"\n[env.test]\nkind = \"test\"\n[vars.replicas]\ntype = \"int\"\nmin = 1\nmax = 3\n\
         [[workload]]\nid = \"web\"\nkind = \"deployment\"\nname = \"web\"\n\
         [[probe]]\nid = \"page\"\nkind = \"http-each-pod\"\nworkload = \"web\"\nport = 8000\npath = \"/no-such-page\"\noptional = true\n{}{}\
         [[action]]\nid = \"grow\"\ntitle = \"Grow the shop\"\nvars = [\"replicas\"]\n[[action.step]]\nid = \"up\"\ntype = \"scale\"\nworkload = \"web\"\n\
         replicas = \"${{var.replicas}}\"\n",
        failing("smoke", "grow"),
        failing("abyss", "smoke"),
    );
    operator.sandbox.write("shop.toml", &text).display().to_string()
}

pub(crate) fn without_a_terminal_the_offer_is_the_exact_command_and_nothing_is_done(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let file = service(&operator);
    let failed = operator.run_of("smoke", &["-f", &file]);
    let end = failed.end();
    assert_eq!((failed.code, &end["offers"], space.replicas("web")), (Some(1), &"grow".into(), 1), "{end:#}");
    let hint = end["hint"].as_str().unwrap_or_default();
    let command = hint.split('`').nth(1).unwrap_or_else(|| panic!("no command: {hint}"));
    let words: Vec<&str> = command.split(' ').collect();
    assert_eq!(words[..3], ["timonel", "run", "grow"], "{command}");
    operator.sandbox.run(&[&words[1..], &["replicas=2", "--confirm", "y"]].concat()).exits(0);
    assert_eq!(space.replicas("web"), 2, "what the hint names is what one types");
}

pub(crate) fn at_a_terminal_the_offer_is_planned_and_asked_for_and_only_its_own_answer_begins_it(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let file = service(&operator);
    // What is typed ahead, and the option that confirmed the first, confirm nothing of the second.
    let mut terminal = operator.terminal((120, 60), &["run", "smoke", "-f", &file, "--confirm", "y"]);
    terminal.wait("the offer is told, and its variable asked for", |screen| {
        screen.has("offers now: Grow the shop") && screen.has("replicas (1 to 3)")
    });
    terminal.type_text("2\r");
    terminal.wait("its plan is shown and asks", |screen| screen.has("replicas 2") && screen.has("Type  y  to go on"));
    assert_eq!(space.replicas("web"), 1, "a plan writes nothing");
    terminal.type_text("no\r");
    assert_eq!(terminal.wait_end(), End::Code(1), "what was asked for failed");
    assert_eq!(space.replicas("web"), 1);
    let mut terminal = operator.terminal((120, 60), &["run", "smoke", "-f", &file]);
    terminal.wait_for("0/1 probes green");
    terminal.type_text("3\ry\r");
    terminal.wait_for("replicas (1 to 3)");
    terminal.type_text("3\r");
    terminal.wait("its plan is shown and asks", |screen| screen.has("replicas 3"));
    terminal.type_text("y\r");
    assert_eq!(terminal.wait_end(), End::Code(1), "it was done, and what was asked for failed all the same");
    space.wait_ready("web", 3);
    let confirmed: Vec<String> = operator
        .journal()
        .iter()
        .filter(|line| line["kind"] == "confirm")
        .map(|line| line["run"].to_string())
        .collect();
    assert_eq!(confirmed.iter().filter(|run| run.contains("-grow-")).count(), 1, "it has a confirmation of its own: {confirmed:?}");
    operator.call(&["journal", "verify"]).exits(0);
}

pub(crate) fn in_the_console_the_plan_panel_of_the_offer_opens_after_the_failure_one_level_deep(cluster: &Cluster) {
    let (space, operator) = place(cluster);
    let file = service(&operator);
    let mut terminal = operator.console((120, 36), &["-f", &file]);
    terminal.wait("the workload is there", |screen| screen.has_row(&["web", "1/1"]));
    let begin = |terminal: &mut crate::support::terminal::Terminal, id: &str| {
        terminal.press(":");
        terminal.type_text(&format!("{id}\r"));
        terminal.wait("the plan is on the screen, and asks nothing, for it writes nothing", |screen| screen.has("Will change   nothing"));
        terminal.press("enter");
    };
    begin(&mut terminal, "smoke");
    terminal.wait("the variable of the offer is asked for by itself", |screen| screen.has("Grow the shop: replicas"));
    terminal.type_text("2\r");
    terminal.wait("its plan is on the screen", |screen| screen.has("Will change") && screen.has("to go on"));
    assert_eq!(space.replicas("web"), 1, "a plan writes nothing");
    terminal.type_text("y\r");
    terminal.wait("it is proven", |screen| screen.has("every proof held"));
    space.wait_ready("web", 2);
    terminal.press("esc esc");
    space.apply(&Web::new("web", 1).yaml());
    space.wait_ready("web", 1);
    // What was offered offers something itself: that stays a word of its end.
    begin(&mut terminal, "abyss");
    terminal.wait("the plan of what it offers is on the screen", |screen| screen.has("╭ smoke") && screen.has("Will change   nothing"));
    terminal.press("enter");
    let end = terminal.wait("its offer is named", |screen| screen.has("timonel run grow"));
    assert!(!end.has("Grow the shop: replicas"), "{}", end.dump());
    assert_eq!(space.replicas("web"), 1);
}
