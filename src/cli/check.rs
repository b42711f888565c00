//! `timonel check FILE`: a service file's syntax, references and rules, offline; with `--live` against the target.
//!
//! Owns how findings are printed and which exit code they have. Offline rules are `service`'s. Writes nothing.

mod found;
pub(super) mod live;
pub(super) mod resolve;
mod rules;
mod tries;

use std::path::{Path, PathBuf};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use self::found::{Answer as Answered, Findings, Found};
use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, cluster, kept_file, status, wish};
use crate::base::problem::{Level, Problem};
use crate::boot::{Booted, found_by_name};
use crate::keymap::Keymap;
use crate::runtime::asking::DatabaseAsker;
use crate::runtime::measuring;
use crate::runtime::outside::Outside;
use crate::runtime::secrets::Vault;
use crate::service::Origin;
use crate::target::probe::{KpiResult, ProbeResult};
use crate::{config, service};

/// `timonel.check/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: jiff::Timestamp,
    file: String,
    check: Vec<Problem>,
    /// What the target has of it, with `--live`; null without.
    live: Option<Vec<Found>>,
}

/// 0 = clean, 1 = warnings only, 2 = errors, 3 = could not find out.
pub(super) fn run(global: &Global, path: Option<&PathBuf>, live: bool, printer: &mut Printer) -> Result<Exit, Failure> {
    let Some(path) = path.or(global.service.as_ref()) else {
        return Err(Failure::usage("there is no file to check").hint("timonel check FILE"));
    };
    let booted = cluster::booted(&Global { service: None, ..global.clone() }, &ServiceFile::default())?;
    let named = found_by_name(&booted.paths, path).unwrap_or_else(|| path.clone());
    let check = match kept_file::read(&wish(global, &ServiceFile { service_short: Some(path.clone()) }), global) {
        Err(why) => vec![Problem { hint: why.hint, ..Problem::new(Level::Error, "service:file", format!("{}.", why.message)) }],
        Ok(Some((found, namespace))) => findings(&found.file, &found.text, &Origin::Cluster { namespace }, &booted.keymap),
        Ok(None) => match config::files::read_named(&named, "service") {
            Ok(found) => findings(&found.file, &found.text, &Origin::Operator, &booted.keymap),
            Err(problem) => vec![*problem],
        },
    };
    // A file with errors cannot be held against anything.
    let broken = check.iter().any(|p| p.level == Level::Error);
    let live = if live && !broken { Some(on_target(global, path)?) } else { None };
    let worst = check.iter().map(|p| p.level).chain(live.iter().flatten().filter_map(level)).max();
    if printer.output() == Output::Table {
        told(&check, path, printer)?;
        if let Some(live) = &live {
            seen(live, printer)?;
        }
    } else {
        printer.value(&Answer { schema: "timonel.check/1", taken_at: booted.clock.now(), file: path.display().to_string(), check, live })?;
    }
    Ok(match worst {
        None => Exit::OK,
        Some(Level::Warning) => Exit(1),
        Some(Level::Unknown) => Exit::UNKNOWN,
        Some(Level::Error) => Exit(2),
    })
}

fn findings(file: &str, text: &str, origin: &Origin, keymap: &Keymap) -> Vec<Problem> {
    let mut check = service::check(file, text, origin);
    check.extend(taken_keys(file, text, origin, keymap));
    check
}

/// One warning for each action whose key under the leader is that of a built-in one: it is launched from the palette alone.
fn taken_keys(file: &str, text: &str, origin: &Origin, keymap: &Keymap) -> Vec<Problem> {
    let (Some(read), _) = service::ServiceFile::read(file, text, origin) else { return Vec::new() };
    let built_in = keymap.under_leader();
    let mut problems: Vec<Problem> = Vec::new();
    for action in read.all_actions() {
        let taken = |key: char| built_in.iter().find(|(chord, _)| chord.keys().get(1).and_then(|k| k.text()) == Some(key));
        let Some((key, (chord, by))) = action.key.and_then(|key| Some((key, taken(key)?))) else { continue };
        let message = format!("The key '{key}' of the action '{}' is taken: '{chord}' is {}.", action.id, by.short());
        if !problems.iter().any(|p| p.message == message) {
            let problem = Problem::new(Level::Warning, format!("service:key:{}", action.id), message).at(file, None, None);
            problems.push(problem.hint(format!("Another key, or none: the palette has it as ': {}'.", action.id)));
        }
    }
    problems
}

/// How bad an answer is: what a rule finds is a warning, a name that leads nowhere an error.
fn level(found: &Found) -> Option<Level> {
    match found.answer {
        Answered::Proven => None,
        Answered::Unknown => Some(Level::Unknown),
        Answered::Failed if found.rule.is_some() => Some(Level::Warning),
        Answered::Failed => Some(Level::Error),
    }
}

fn told(check: &[Problem], path: &Path, printer: &mut Printer) -> Result<(), Failure> {
    for problem in check {
        let word = match problem.level {
            Level::Error => printer.colored("31;1", "error"),
            Level::Warning => printer.colored("33", "warning"),
            Level::Unknown => printer.colored("35", "unknown"),
        };
        let place = problem.place.as_ref().map(|p| format!("{p}: ")).unwrap_or_default();
        printer.line(&format!("{place}{word}: {}", problem.message))?;
        if let Some(hint) = &problem.hint {
            printer.line(&format!("  hint: {hint}"))?;
        }
    }
    let findings = if check.is_empty() { "no problem".to_owned() } else { format!("{} findings", check.len()) };
    printer.line(&format!("{}: {findings}", path.display()))
}

fn seen(live: &[Found], printer: &mut Printer) -> Result<(), Failure> {
    let zone = jiff::tz::TimeZone::system();
    for found in live {
        let word = match found.answer {
            Answered::Proven => printer.colored("32", "proven "),
            Answered::Failed if found.rule.is_some() => printer.colored("33", "warning"),
            Answered::Failed => printer.colored("31;1", "failed "),
            Answered::Unknown => printer.colored("35", "unknown"),
        };
        let rule = found.rule.as_ref().map(|rule| format!(" ({rule})")).unwrap_or_default();
        let subject = if found.rule.is_some() { found.id.rsplit('.').next().unwrap_or_default() } else { &found.id };
        printer.line(&format!("{word} {subject}: {}{rule}", crate::base::text::clean(&found.text)))?;
        if let Some(hint) = &found.hint {
            printer.line(&format!("        hint: {}", crate::base::text::clean(hint)))?;
        }
    }
    let count = |answer: Answered, rule: bool| live.iter().filter(|f| f.answer == answer && f.rule.is_some() == rule).count();
    let at = live.first().map(|f| f.at.to_zoned(zone).strftime(" at %H:%M:%S").to_string()).unwrap_or_default();
    printer.line(&format!(
        "target{at}: {} proven, {} failed, {} unknown, {} by rules",
        count(Answered::Proven, false),
        count(Answered::Failed, false),
        count(Answered::Unknown, false),
        count(Answered::Failed, true)
    ))
}

/// Holds the file's environment against its target.
fn on_target(global: &Global, path: &Path) -> Result<Vec<Found>, Failure> {
    let booted = cluster::booted(&Global { service: Some(path.to_owned()), ..global.clone() }, &ServiceFile::default())?;
    cluster::within(global.timeout + Duration::from_secs(1), asked(&booted))
}

async fn asked(booted: &Booted) -> Result<Vec<Found>, Failure> {
    let Some(service) = &booted.service else { return Ok(Vec::new()) };
    if let Some(service::Target::Other(kind)) = service.environment.as_ref().map(|e| &e.target) {
        return Err(Failure::new(Exit::UNKNOWN, format!("this version cannot ask a target of type {kind}")));
    }
    let client = cluster::open(booted).await?;
    let namespaces = client.opened().namespaces.clone().unwrap_or_default();
    let namespace = namespaces.first().map(String::as_str).or_else(|| live::namespace_of(service)).unwrap_or("default").to_owned();
    let own = client.clone();
    let databases = DatabaseAsker::new(Some(service), move || Some(own.clone()));
    let own = client.clone();
    let (vault, outside) = (Vault::new(Some(service), move || Some(own.clone())), Outside::default());
    let (live, look, alerts) = tokio::join!(
        live::Live::read(&client, &databases, service, &namespace),
        status::look(&client, booted),
        measuring::alerts(service, &vault, &outside)
    );
    let (live, look) = (live::Live { alerts, ..live }, look?);
    let mut found = Findings::new(booted.clock.now());
    resolve::resolve(service, &live, &look.identity, &namespace, &mut found);
    for probe in &look.probes {
        let id = format!("probe.{}", probe.id);
        match probe.result {
            ProbeResult::Ok => found.proven(id, &*probe.detail),
            ProbeResult::Failed => found.failed(id, &*probe.detail, None),
            _ => found.unknown(id, &*probe.detail),
        }
    }
    for (kpi, reading) in service.declared.kpis.iter().zip(&look.kpis) {
        let id = format!("kpi.{}", kpi.id);
        match reading.result {
            KpiResult::Ok => found.proven(id, &*reading.detail),
            KpiResult::Warn | KpiResult::Crit => found.failed(id, &*reading.detail, None),
            KpiResult::NoData => found.unknown(id, &*reading.detail),
        }
    }
    rules::hold(service, &live, &namespace, &mut found);
    Ok(found.all)
}

#[cfg(test)]
mod tests;
