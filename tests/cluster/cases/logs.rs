//! Issue text "Logs without the screen": real containers, merged, through a pipe, and every line once.

use std::collections::BTreeSet;

use crate::cluster::Cluster;
use crate::manifest::Web;
use crate::operator::Operator;

/// Counts in a container of its own beside a container that ended, and says something that would clear a terminal.
const COUNTING: &str = r"i=0; while true; do i=$((i+1)); printf 'line %d \033[2J\n' $i; sleep 0.2; done";

pub(crate) fn the_logs_of_all_pods_are_merged_and_cleaned(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    space.apply(&Web::new("counter", 2).shell(COUNTING).yaml());
    space.wait_ready("counter", 2);
    let operator = Operator::new(cluster, "viewer", &space);
    let lines = loop {
        let lines = operator.call(&["logs", "counter", "--no-follow", "-o", "json"]).exits(0).json_lines();
        let written: Vec<_> = lines.into_iter().filter(|line| line["event"] == "line").collect();
        if written.len() > 8 {
            break written;
        }
    };
    let pods: BTreeSet<&str> = lines.iter().filter_map(|line| line["pod"].as_str()).collect();
    assert_eq!(pods.len(), 2, "{pods:?}");
    let times: Vec<&str> = lines.iter().filter_map(|line| line["at"].as_str()).collect();
    assert!(times.is_sorted(), "{times:?}");
    for pod in pods {
        let numbers: Vec<usize> = lines
            .iter()
            .filter(|line| line["pod"] == pod)
            .filter_map(|line| line["text"].as_str()?.split_whitespace().nth(1)?.parse().ok())
            .collect();
        assert_eq!(numbers, (1..=numbers.len()).collect::<Vec<_>>(), "every line of {pod} once");
    }
    let plain = operator.call(&["logs", "counter", "--no-follow", "--tail", "2"]).exits(0).stdout;
    assert!(!plain.contains('\u{1b}') && plain.lines().count() == 4, "{plain:?}");
    let typo = operator.call(&["logs", "countre"]).exits(64);
    assert!(typo.stderr.contains("did you mean 'counter'?"), "{}", typo.stderr);
}

pub(crate) fn the_previous_run_of_a_container_that_crashes_is_read(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    // Once: with the next crash the previous run is another, and the one before may be gone already. The containers of a pod share /dev/shm.
    let once = "[ -e /dev/shm/once ] && exec sleep 600; touch /dev/shm/once; echo the last words; exit 3";
    space.apply(&Web::new("worker", 1).shell(once).yaml());
    let restarted = |pod: &serde_json::Value| pod["status"]["containerStatuses"][0]["restartCount"].as_u64() >= Some(1);
    space.wait("there is a pod", "apps/v1", "Deployment", "worker", |object| object["status"]["replicas"] == 1);
    let pod = space.list("v1", "Pod").into_iter().find(|pod| pod["metadata"]["labels"]["app"] == "worker").unwrap();
    let name = pod["metadata"]["name"].as_str().unwrap().to_owned();
    space.wait("it was restarted", "v1", "Pod", &name, restarted);
    let finished = Operator::new(cluster, "viewer", &space).call(&["logs", "worker", "--previous"]).exits(0);
    assert!(finished.stdout.ends_with("the last words\n"), "{finished:#?}");
    assert!(finished.stderr.contains("exit code 3"), "how it ended is said: {finished:#?}");
}

pub(crate) fn who_may_not_read_pods_is_told_so(cluster: &Cluster) {
    let space = cluster.namespace("shop-test").unwrap();
    let finished = Operator::new(cluster, "stranger", &space).call(&["logs", "--no-follow"]).exits(3);
    assert!(finished.stderr.contains("pods cannot be read"), "{}", finished.stderr);
}
