//! Every action of the command line on the simulated cluster: planned, confirmed as the plan asks, proven, and on record.

use std::thread;

use crate::simulated::cluster;
use crate::support::sandbox::Sandbox;

/// What is done one after the other in one namespace; the namespaces side by side, since a proof takes its time.
const CHAINS: &[(&str, &[&[&str]])] = &[
    ("devshelf", &[&["scale", "devshelf-api=3"], &["evict", "POD"]]),
    ("platform", &[&["restart", "platform-backend"]]),
    ("eterna-rules", &[&["rollback", "eterna-rules-backend", "to=6"]]),
    ("dokploy-stack", &[&["pause", "backend"], &["resume", "backend"]]),
    ("listacompra", &[&["trigger", "pgbackrest-incr"], &["rollback", "listacompra-postgres", "to=1"]]),
    ("listacompra", &[&["suspend", "pgbackrest-full"], &["resume", "pgbackrest-full"]]),
    ("redis", &[&["scale", "redis=0"], &["scale", "redis=3"]]),
    ("kube-system", &[&["restart", "kube-proxy"]]),
    ("default", &[&["cordon", "node-1"], &["uncordon", "node-1"]]),
];

/// The program in a namespace of the cluster.
struct Place<'a> {
    sandbox: &'a Sandbox,
    kubeconfig: &'a str,
    namespace: &'a str,
}

impl Place<'_> {
    fn words<'w>(&'w self, words: &[&'w str]) -> Vec<&'w str> {
        [&["--kubeconfig", self.kubeconfig, "-n", self.namespace], words].concat()
    }

    /// A pod that the action `evict` can be tried on.
    fn pod(&self) -> String {
        let lines = self
            .sandbox
            .run(&self.words(&["logs", "devshelf-api", "--no-follow", "--tail", "1", "-o", "json"]))
            .exits(0)
            .json_lines();
        lines.iter().find_map(|line| line["pod"].as_str()).expect("a line").to_owned()
    }

    fn carry_out(&self, action: &[&str]) {
        let pod = if action.contains(&"POD") { self.pod() } else { String::new() };
        let action: Vec<&str> = action.iter().map(|word| if *word == "POD" { pod.as_str() } else { word }).collect();
        let plan = self.sandbox.run(&self.words(&[&["plan"], &action[..], &["-o", "json"]].concat())).exits(0).json();
        let typed = plan["confirmation"]["type"].as_str().unwrap_or("y").to_owned();
        let run = [&["run"], &action[..], &["--confirm", &typed, "-o", "json"]].concat();
        let told = self.sandbox.run(&self.words(&run)).exits(0).json_lines();
        assert_eq!(told.last().unwrap()["outcome"], "proven", "{action:?}: {told:#?}");
    }
}

#[test]
fn every_action_is_proven_on_the_simulated_cluster_and_on_record() {
    let sandbox = Sandbox::new();
    let (_cluster, kubeconfig) = cluster(&sandbox, &["--scenario", "quiet"]);
    let kubeconfig = sandbox.write("cluster.kubeconfig", &kubeconfig.to_string()).display().to_string();
    thread::scope(|scope| {
        for (namespace, chain) in CHAINS {
            let place = Place { sandbox: &sandbox, kubeconfig: &kubeconfig, namespace };
            scope.spawn(move || chain.iter().for_each(|action| place.carry_out(action)));
        }
    });
    sandbox.run(&["journal", "verify"]).exits(0);
    let runs = sandbox.run(&["runs", "-o", "json"]).exits(0).json();
    let proven = runs["runs"].as_array().unwrap().iter().filter(|run| run["outcome"] == "proven").count();
    assert_eq!(proven, CHAINS.iter().map(|(_, chain)| chain.len()).sum::<usize>(), "{runs:#}");
}
