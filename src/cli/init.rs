//! `timonel init`: a first service file from what is running, for people to correct.
//!
//! Owns what is asked of the target and that the result was checked before it is printed. Writes nothing, neither to the target nor to
//! a file.

mod draft;
mod workloads;

use std::collections::BTreeSet;

use self::draft::{Draft, Place};
use super::check::live::Live;
use super::output::{Exit, Failure, Printer};
use super::{Global, ServiceFile, cluster};
use crate::base::problem::Level;
use crate::service;
use crate::target::api::Read;

/// Prints the file.
pub(super) fn run(global: &Global, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(&Global { service: None, ..global.clone() }, &ServiceFile::default())?;
    let text = cluster::within(global.timeout, async {
        let client = cluster::open(&booted).await?;
        let opened = client.opened().clone();
        let [namespace] = opened.namespaces.as_deref().unwrap_or_default() else {
            return Err(Failure::usage("a service file is for one namespace").hint("timonel init -n NAMESPACE"));
        };
        let namespaces = BTreeSet::from([namespace.clone()]);
        let (live, identity) = tokio::join!(Live::objects(&client, &namespaces), client.identity());
        let place = Place {
            context: opened.context.clone(),
            namespace: namespace.clone(),
            cluster_uid: identity.cluster_uid,
            kind: booted.planner(None).environment(&opened, namespace).kind,
        };
        if let Some((kind, why)) = live.lists.iter().find_map(|((kind, _), list)| Some((kind, list.as_ref().err()?))) {
            printer.note(&format!("{} could not be read and are missing: {why}", kind.plural()));
        }
        Ok(Draft::of(&live, place).text())
    })?;
    let wrong: Vec<_> = service::check("the new file", &text, &service::Origin::Operator)
        .into_iter()
        .filter(|p| p.level == Level::Error)
        .collect();
    if let Some(problem) = wrong.first() {
        return Err(Failure::problem(Exit::INTERNAL, problem));
    }
    printer.raw(text.as_bytes())?;
    Ok(Exit::OK)
}
