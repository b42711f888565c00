//! The dumps of a declared backup, as the catalogue has them.
//!
//! Owns the form of this view. It tells what was written when each was made, and what reading it again found.

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::base::{age, quantity};
use crate::fleet::HealthItem;
use crate::run::backup::catalogue::Entry;

impl App {
    pub(super) fn dump_lines(&self, item: &HealthItem, backup: &str) -> Vec<DocumentLine> {
        let mut lines = self.item_lines(item);
        let all: Vec<&Entry> = self.backups.entries().iter().filter(|entry| entry.backup == backup).collect();
        for entry in &all {
            lines.push(DocumentLine::plain(""));
            lines.extend(self.entry_lines(entry));
        }
        if all.is_empty() {
            lines.push(DocumentLine::new(LineKind::Dim, "The catalogue has no dump of it."));
        }
        lines
    }

    fn entry_lines(&self, entry: &Entry) -> Vec<DocumentLine> {
        let report = &entry.report;
        let ago = |at| age::coarse(at, self.now);
        let field = |name: &str, value: String| DocumentLine::new(LineKind::Field, format!("{name}: {value}"));
        let mut lines = vec![DocumentLine::new(LineKind::Heading, report.file.clone())];
        lines.push(field("made", format!("{} ({} ago) by {}, run {}", entry.at, ago(entry.at), entry.by, entry.run)));
        lines.push(match &entry.damaged {
            Some(damage) => DocumentLine::new(LineKind::Bad, format!("damaged: {} ({} ago, run {})", damage.why, ago(damage.at), damage.run)),
            None => DocumentLine::new(LineKind::Good, format!("verified: {}, {} ago", entry.verified, ago(entry.whole_at()))),
        });
        lines.push(field("size", format!("{}, of a database of {}", quantity::bytes(report.bytes), quantity::bytes(report.database_bytes))));
        let restored = if report.client == 0 { String::new() } else { format!(", restored by pg_restore {} or later", report.client) };
        lines.push(field("format", format!("{}, PostgreSQL {}, {} tables{restored}", entry.format, report.server, report.tables)));
        let revision = if report.revision.is_empty() { "not known".to_owned() } else { report.revision.clone() };
        lines.push(field("schema revision", revision));
        lines.push(field("sha256", report.sha256.clone()));
        let gone = entry.gone.map(|at| format!(", from which it was deleted {} ago", ago(at))).unwrap_or_default();
        lines.push(field("volume", format!("{}{gone}", entry.claim)));
        if let Some(copy) = &entry.copy {
            let kind = if copy.is_there() { LineKind::Field } else { LineKind::Bad };
            lines.push(DocumentLine::new(kind, format!("copy: {}", copy.words())));
        }
        let mut rows: Vec<_> = report.rows.iter().collect();
        rows.sort_by_key(|(table, rows)| (std::cmp::Reverse(**rows), table.as_str()));
        lines.extend(rows.into_iter().map(|(table, rows)| {
            let rows = rows.map_or("rows not known".to_owned(), |rows| format!("about {rows} rows"));
            DocumentLine::new(LineKind::Dim, format!("  {table}: {rows}"))
        }));
        lines
    }
}
