//! Dumps: made, read again, taken elsewhere, deleted when they are too old.
//!
//! Owns what such containers print and say. What they work on is in the errands.

use std::time::Duration;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Asked, Deed, Errands, File, Play};
use crate::base::id::hex;

/// Of a database, this part is in its dump: it is compressed, and indexes are left out.
const PACKED: u64 = 4;
/// What the name of a dump has after that of its backup.
const TIME: &str = "20261130T030000-00ff";
const SECOND: Duration = Duration::from_secs(1);
/// Seconds that reading it again takes.
const READING: u32 = 2;

/// It dumps a database into a file of its volume.
pub(super) fn dump(errands: &mut Errands, asked: &Asked<'_>, up: bool) -> Play {
    let Some(database) = errands.database(asked).filter(|_| up).map(|at| errands.databases[at].clone()) else {
        let refused = format!("could not translate or reach host \"{}\": Connection refused", asked.get("PGHOST"));
        return failed(&format!("the database does not answer: psql: error: {refused}"));
    };
    let fault = errands.fault(asked, "dump");
    let bytes = database.bytes / PACKED;
    let of = database.table.len() as u64;
    let line = |phase: &str, bytes: u64, tables: u64| format!("{{\"phase\":\"{phase}\",\"bytes\":{bytes},\"tables\":{tables},\"of\":{of}}}");
    let mut lines = vec![(Duration::ZERO, line("dumping", 0, 0))];
    let mut at = Duration::ZERO;
    for n in 1..=of {
        at += SECOND;
        lines.push((at, line("dumping", bytes * n / of, n)));
    }
    at += SECOND / 4;
    lines.push((at, line("reading", bytes, of)));
    at += SECOND * READING;
    if let Some(fault) = fault {
        let why = format!("the dump cannot be read to its end: {}", fault.error);
        lines.push((at, why.clone()));
        return Play { lines, run: at + SECOND / 4, exit: 1, message: json!({ "failed": why }).to_string(), deed: None };
    }
    let file = format!("{}.dump", asked.get("DUMP"));
    let sha256 = hex(&Sha256::digest(format!("{file} {bytes} {}", database.applied.join(" "))));
    let mut rows: Vec<_> = database.table.iter().collect();
    rows.sort_by_key(|t| std::cmp::Reverse(t.bytes));
    let rows: serde_json::Map<String, Value> = rows.iter().take(5).map(|t| (t.name.clone(), t.rows.into())).collect();
    let revision = if asked.has(&["REVISION"]) { newest(&database.applied, &database.tool) } else { String::new() };
    let report = json!({ "file": file, "bytes": bytes, "sha256": sha256, "tables": of, "server": database.server, "client": database.server,
        "database_bytes": database.bytes, "revision": revision, "rows": rows })
    .to_string();
    lines.push((at, report.clone()));
    let deed = Deed::Keep { place: asked.place(&file), file: (bytes, sha256) };
    Play { lines, run: at + SECOND / 4, exit: 0, message: report, deed: Some(deed) }
}

/// As the tool's own table tells it: of Django the newest of each app, of Prisma the newest.
fn newest(applied: &[String], tool: &str) -> String {
    let line = |id: &str| if tool == "prisma" { String::new() } else { id.split('.').next().unwrap_or_default().to_owned() };
    let last = |(at, id): &(usize, &String)| !applied[at + 1..].iter().any(|later| line(later) == line(id));
    applied.iter().enumerate().filter(last).map(|(_, id)| id.clone()).collect::<Vec<_>>().join(" ")
}

/// It reads a dump again.
pub(super) fn verify(errands: &mut Errands, asked: &Asked<'_>) -> Play {
    let name = asked.get("FILE");
    let line = format!("{{\"phase\":\"reading\",\"bytes\":{},\"tables\":0,\"of\":0}}", asked.get("BYTES"));
    let damage = match errands.files.get(&asked.place(name)) {
        None => Some(format!("there is no file {name} on the volume")),
        Some(file) if file.bytes.to_string() != asked.get("BYTES") => Some(format!("it has {} bytes, and had {}", file.bytes, asked.get("BYTES"))),
        Some(file) if file.sha256 != asked.get("SHA256") => Some(format!("its sha256 is {}, and was {}", file.sha256, asked.get("SHA256"))),
        Some(_) => errands.fault(asked, "verify").map(|fault| format!("it cannot be read to its end: {}", fault.error)),
    };
    let (word, text) = damage.map_or(("whole", name.to_owned()), |why| ("damaged", why));
    let lines = vec![(Duration::ZERO, line), (SECOND * READING, text.clone())];
    let exit = i32::from(word != "whole");
    Play { lines, run: SECOND * READING + SECOND / 4, exit, message: json!({ word: text }).to_string(), deed: None }
}

/// It takes a dump to an object store, which has it then: nothing leaves the simulation.
pub(super) fn upload(errands: &Errands, asked: &Asked<'_>) -> Play {
    let Some(file) = errands.files.get(&asked.place(asked.get("FILE"))) else {
        return failed("there is no dump to upload");
    };
    let lines = vec![
        (Duration::ZERO, format!("{{\"phase\":\"uploading\",\"bytes\":{}}}", file.bytes)),
        (SECOND * READING, format!("uploaded {} bytes, checked by sha256", file.bytes)),
    ];
    let message = json!({ "uploaded": file.bytes, "checked": "sha256" }).to_string();
    Play { lines, run: SECOND * READING + SECOND / 4, exit: 0, message, deed: None }
}

/// It deletes what is older than it is kept, and says of each what its name has after that of the backup.
pub(super) fn prune(errands: &Errands, asked: &Asked<'_>) -> Play {
    let (new, prefix) = (asked.place(&format!("{}.dump", asked.get("DUMP"))), format!("{}-", asked.get("PREFIX")));
    let keep = asked.get("KEEP_MINUTES").parse().map_or(Duration::MAX, |minutes: u64| Duration::from_secs(60 * minutes));
    let written = errands.files.get(&new).map(|file| file.written);
    let time = |name: &str| name.strip_prefix(&prefix)?.strip_suffix(".dump").filter(|time| time.len() == TIME.len()).map(str::to_owned);
    let old = |file: &File| written.is_some_and(|now| Duration::try_from(now.duration_since(file.written)).is_ok_and(|age| age > keep));
    let own = errands
        .files
        .iter()
        .filter(|((namespace, claim, _), file)| *namespace == new.0 && *claim == new.1 && old(file));
    let (pruned, gone): (Vec<String>, Vec<_>) = own.filter_map(|(place, _)| Some((time(&place.2)?, place.clone()))).unzip();
    let message = json!({ "pruned": pruned, "kept": "" }).to_string();
    Play {
        lines: vec![(Duration::ZERO, message.clone())],
        run: SECOND / 4,
        exit: 0,
        message,
        deed: Some(Deed::Delete(gone)),
    }
}

fn failed(why: &str) -> Play {
    let lines = vec![(SECOND / 2, why.to_owned())];
    Play { lines, run: SECOND, exit: 1, message: json!({ "failed": why }).to_string(), deed: None }
}
