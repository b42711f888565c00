//! `timonel migrations`: where the database stands against each image that was inspected.
//!
//! Owns how it is printed. What an inspection means is the room `migrate`'s; that it is as old as it is, is said.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use super::output::{Exit, Failure, Printer};
use super::{Global, Output, ServiceFile, cluster};
use crate::base::age;
use crate::migrate::inspection::Script;
use crate::migrate::{MigrationState, Position};
use crate::run::migrate::Seen;
use crate::run::migrate::releases::{self, Record};
use crate::target::api::Read as _;

/// `timonel.migrations/1`.
#[derive(Serialize, JsonSchema)]
pub(super) struct Answer {
    schema: &'static str,
    taken_at: Timestamp,
    /// The service whose they are.
    service: String,
    /// The image that runs.
    running: String,
    /// `known` when the running image was inspected, else `unknown`.
    state: &'static str,
    /// In words; `not inspected` when it was not.
    words: String,
    /// What is known of each image, the newest inspection first.
    images: Vec<Image>,
}

/// One image.
#[derive(Serialize, JsonSchema)]
struct Image {
    /// The names that it was asked under.
    names: Vec<String>,
    /// Its digest; empty = not known.
    digest: String,
    /// When it was asked.
    at: Timestamp,
    /// The run that asked.
    run: String,
    /// Whose run that was: `user@host`.
    by: String,
    /// Where the database stood; null = it could not be told.
    position: Option<Position>,
    /// In words.
    words: String,
    /// What was pending, and what it would do.
    pending: Vec<Script>,
}

impl Image {
    fn of(seen: &Seen) -> Self {
        let (position, words) = match MigrationState::of(&seen.inspection) {
            MigrationState::Known(position) => (Some(position.clone()), position.words()),
            MigrationState::Unknown(why) => (None, format!("unknown: {why}")),
        };
        let pending = position.as_ref().map(|p| seen.inspection.pending(p)).unwrap_or_default();
        let (names, digest) = (seen.images.clone(), seen.digest.clone());
        Self { names, digest, at: seen.at, run: seen.run.clone(), by: seen.by.clone(), position, words, pending }
    }
}

/// `timonel migrations`.
pub(super) fn run(global: &Global, file: &ServiceFile, printer: &mut Printer) -> Result<Exit, Failure> {
    let booted = cluster::booted(global, file)?;
    let planner = booted.planner(None);
    let (service, running, known) = cluster::within(global.timeout, async {
        let client = cluster::open(&booted).await?;
        let namespace = match client.opened().namespaces.as_deref() {
            Some([one]) => one.clone(),
            _ => return Err(Failure::usage("migrations are in one namespace").hint("name it with -n NAMESPACE")),
        };
        let migration = planner.migration(&namespace).map_err(|e| Failure::usage(e.to_string()))?;
        let workload = planner.migrates(&namespace).map_err(|e| Failure::usage(e.to_string()))?;
        let unknown = |error: &crate::target::api::TargetError| Failure::new(Exit::UNKNOWN, format!("it cannot be read: {}", error.message));
        let running = client.get(&workload, "").await.map_err(|e| unknown(&e))?;
        match Record::of(&client, &releases::of(&migration.service, &namespace)).await {
            Record::Unread(why) => Err(Failure::new(Exit::UNKNOWN, format!("it cannot be read: {why}"))),
            Record::Read(known) => Ok((migration.service.clone(), migration.image(&running), known)),
        }
    })?;
    let now = booted.clock.now();
    let own = releases::find(&known, &running).map(Image::of);
    let words = own.as_ref().map_or_else(|| "unknown: not inspected".to_owned(), |image| image.words.clone());
    let exit = match own.as_ref().and_then(|image| image.position.as_ref()) {
        Some(position) if position.is_at_head() => Exit::OK,
        Some(_) => Exit(1),
        None => Exit::UNKNOWN,
    };
    let images: Vec<Image> = known.iter().map(Image::of).collect();
    if printer.output() != Output::Table {
        let state = if own.is_some_and(|image| image.position.is_some()) { "known" } else { "unknown" };
        printer.value(&Answer { schema: "timonel.migrations/1", taken_at: now, service, running, state, words, images })?;
        return Ok(exit);
    }
    printer.line(&format!("{running} (running): {words}"))?;
    let rows: Vec<Vec<String>> = images
        .iter()
        .map(|image| {
            let harm = image.pending.iter().map(Script::harm).max().map_or("-", crate::migrate::Harm::word);
            let text = [image.names.join(" "), age::coarse(image.at, now), image.words.clone(), harm.to_owned(), image.by.clone()];
            text.into_iter().collect()
        })
        .collect();
    printer.table(&["IMAGE", "INSPECTED", "DATABASE", "HARM", "BY"], &rows)?;
    Ok(exit)
}
