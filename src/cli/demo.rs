//! `timonel demo`: the console on a simulated cluster.
//!
//! Owns starting the simulation and where the demo's journal goes. The console is the ordinary one and reaches the simulation
//! as any cluster, through a kubeconfig: it must not learn that it is one.

use std::path::PathBuf;

use super::output::{Exit, Failure, Printer};
use super::{DemoArgs, Global, console, sim, wish};
use crate::boot::Wish;
use crate::config::Options;
use crate::sim::{SimHandle, SimOptions};

/// The service files of the systems that live there, by namespace.
const SERVICES: [(&str, &str); 4] = [
    ("platform", include_str!("../../assets/services/platform.toml")),
    ("devshelf", include_str!("../../assets/services/devshelf.toml")),
    ("eterna-rules", include_str!("../../assets/services/eterna.toml")),
    ("listacompra", include_str!("../../assets/services/listacompra.toml")),
];

/// Where those files say that measures and alerts are; in the demo they are asked of the simulation, and nobody's Prometheus.
const SOURCES: [&str; 2] = ["\"http://prometheus:9090\"", "\"http://alertmanager:9093\""];

/// The service file of the one namespace that was asked for, and its environment in the demo. Five systems at once are no service.
fn service(namespaces: &[String], cluster: &SimHandle) -> Result<Option<(PathBuf, String)>, Failure> {
    let [namespace] = namespaces else { return Ok(None) };
    let Some((name, text)) = SERVICES.iter().find(|(name, _)| name == namespace) else { return Ok(None) };
    let path = cluster.folder().join(format!("{name}.toml"));
    let own = format!("\"{}\"", cluster.measures());
    std::fs::write(&path, SOURCES.iter().fold((*text).to_owned(), |text, source| text.replace(source, &own)))?;
    Ok(Some((path, "demo".to_owned())))
}

/// Runs the console until the user quits; everything that the demo wrote goes with it.
pub(super) fn run(global: &Global, args: &DemoArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let cluster = sim::start(&args.sim)?;
    let mut wish = wish(global, &args.file);
    if wish.service.is_none()
        && let Some((path, env)) = service(&global.namespace, &cluster)?
    {
        wish.service = Some(path);
        wish.env = wish.env.or(Some(env));
    }
    let own = Wish {
        // The hosts of its Ingresses are the names of real systems elsewhere, and none of their business.
        options: Options { ask_ingresses: Some(false), ..wish.options },
        kubeconfig: Some(cluster.kubeconfig().display().to_string()),
        // Five systems live there: who names none sees them all.
        all_namespaces: global.namespace.is_empty(),
        // They tell the way through this story, and no other.
        first_steps: args.sim.scenario == SimOptions::default().scenario,
        state: Some(cluster.folder().join("state")),
        ..wish
    };
    let exit = console::run(&own, global.plain, printer)?;
    sim::ready(&cluster)?;
    Ok(exit)
}

#[cfg(test)]
mod tests {
    use super::{SERVICES, SOURCES};
    use crate::service::{Origin, ServiceFile, Target};

    #[test]
    fn each_file_of_the_demo_is_for_its_namespace_and_asks_nothing_outside() {
        for (name, text) in SERVICES {
            let (file, problems) = ServiceFile::read(name, text, &Origin::Operator);
            assert!(problems.is_empty(), "{name}: {problems:?}");
            let (service, _) = file.expect("a file").resolve(Some("demo"));
            let target = service.environment.as_ref().map(|e| &e.target);
            assert!(
                matches!(target, Some(Target::Kubernetes { context: Some(c), namespace: Some(n), .. }) if c == "demo" && n == name),
                "{name}: {target:?}"
            );
            // The hosts of real systems are none of the demo's business.
            let outside: Vec<_> = service.probes.iter().filter(|p| matches!(p.kind.word(), "http" | "tcp" | "tls")).map(|p| &p.id).collect();
            assert!(outside.is_empty(), "{name}: {outside:?}");
            let asked = [service.declared.prometheus().is_some(), service.declared.alertmanager().is_some()];
            for (source, _) in SOURCES.iter().zip(asked).filter(|(_, asked)| *asked) {
                assert!(text.contains(source), "{name}: somebody's own would be asked: {source}");
            }
        }
    }
}
