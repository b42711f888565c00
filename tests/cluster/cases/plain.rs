//! Issue text "The console without a screen": the same answers as lines, on a terminal that can do nothing.

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::Operator;
use crate::support::terminal::Terminal;

pub(crate) fn the_answers_and_each_change_come_as_lines_on_a_dumb_terminal(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("web", 2).yaml());
    space.wait_ready("web", 2);
    let operator = Operator::new(cluster, "operator", &space).env("TERM", "dumb");
    let terminal = Terminal::start(&operator.sandbox, (160, 40), &["--plain", "-n", space.name()]);
    terminal.wait("the answers", |screen| screen.has(" UP ok: 2/2 ready") && screen.has(" CALL unknown: "));
    assert_eq!(operator.run(&["web=3"]).code, Some(0));
    terminal.wait("the scale is told", |screen| {
        screen.has(" UP ok: 3/3 ready") || screen.has("web 2 -> 3") || screen.has("deployment/web: ")
    });
    space.apply(&Web::new("worker", 1).shell("exit 3").yaml());
    terminal.wait("what is wrong is told with its cause", |screen| screen.has("/deployment/worker: new") && screen.has("exit 3"));
}
