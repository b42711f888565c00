//! `timonel backups`: the catalogue of a service's backups, and whether each that is declared is fresh.
//!
//! Owns how it is printed. What an entry means, and when one is fresh, is `run`'s.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Exit, Failure, Printer};
use super::{ActionArgs, Global, Output, RunArgs, ServiceFile, VerifyArgs, cluster};
use crate::base::{age, quantity};
use crate::run::backup::Known;
use crate::run::backup::catalogue::{self, Copy, Entry, Freshness};

/// `timonel.backups/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: Timestamp,
    /// The service whose they are.
    service: String,
    /// What the service file declares.
    declared: Vec<Declared>,
    /// Every dump of the catalogue, the newest first.
    backups: Vec<Entry>,
}

/// A backup that is declared.
#[derive(Serialize, JsonSchema)]
pub(super) struct Declared {
    pub(super) id: String,
    /// `fresh`, `stale`, `shrunk`, `not-uploaded`, `damaged`, `none`, `unknown`.
    state: &'static str,
    /// In words.
    pub(super) words: String,
}

impl Declared {
    pub(super) fn of(id: &str, freshness: &Freshness, now: Timestamp) -> Self {
        Self { id: id.to_owned(), state: freshness.word(), words: freshness.words(now) }
    }
}

/// `timonel backups verify`.
pub(super) fn verify(global: &Global, args: VerifyArgs, printer: &mut Printer) -> Result<Exit, Failure> {
    let action = ActionArgs { action: "verify".to_owned(), parameters: vec![args.id], file: args.file, ..ActionArgs::default() };
    super::action::run(global, &RunArgs { action, confirmation: args.confirmation }, printer)
}

/// `timonel backups`.
pub(super) fn run(global: &Global, file: &ServiceFile, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, file)?;
    let planner = booted.planner(None);
    let service = planner
        .service_id()
        .ok_or_else(|| Failure::usage("which service is not said").hint("name its file with -f FILE"))?;
    let (dumps, known) = cluster::within(global.timeout, async {
        let client = cluster::open(&booted).await?;
        let namespace = match client.opened().namespaces.as_deref() {
            Some([one]) => one.clone(),
            _ => return Err(Failure::usage("a catalogue is in one namespace").hint("name it with -n NAMESPACE")),
        };
        match Known::of(&client, &catalogue::of(&service, &namespace)).await {
            Known::Unread(why) => Err(Failure::new(Exit::UNKNOWN, why)),
            known @ Known::Read(_) => Ok((planner.dumps(&namespace), known)),
        }
    })?;
    let now = booted.clock.now();
    let judged: Vec<(String, Freshness)> = dumps.iter().map(|d| (d.id.clone(), known.freshness(&d.id, d.max_age, now))).collect();
    let backups = known.entries().to_vec();
    let exit = if judged.iter().all(|(_, f)| f.is_good()) { Exit::OK } else { Exit(1) };
    if printer.output() != Output::Table {
        let declared = judged.iter().map(|(id, f)| Declared::of(id, f, now)).collect();
        printer.value(&Answer { schema: "timonel.backups/1", taken_at: now, service, declared, backups })?;
        return Ok(exit);
    }
    for (id, freshness) in &judged {
        printer.line(&format!("{id}: {}", freshness.words(now)))?;
    }
    let rows: Vec<Vec<String>> = backups
        .iter()
        .map(|e| {
            let label = e.label.as_deref().unwrap_or_default();
            let text = [&*e.backup, label, &age::coarse(e.at, now), &quantity::bytes(e.report.bytes)].map(str::to_owned);
            let verified = match (&e.damaged, e.read_again) {
                (Some(damage), _) => format!("DAMAGED: {}", damage.why),
                (None, Some(again)) => format!("{}, again {} ago", e.verified, age::coarse(again, now)),
                (None, None) => e.verified.clone(),
            };
            let copy = e.copy.as_ref().map(Copy::words).unwrap_or_default();
            let gone = e.gone.map(|at| format!(" (deleted {} ago)", age::coarse(at, now))).unwrap_or_default();
            let file = format!("{}{gone}", e.report.file);
            let more = [&*e.report.server.to_string(), &e.report.revision, &verified, &copy, &e.by, &file].map(ToString::to_string);
            text.into_iter().chain(more).collect()
        })
        .collect();
    printer.table(&["BACKUP", "LABEL", "AGE", "SIZE", "SERVER", "REVISION", "VERIFIED", "COPY", "BY", "FILE"], &rows)?;
    Ok(exit)
}
