//! Where the schema of the service's database stands, in full: what each inspected image says, and what the database said of itself.
//!
//! Owns the form of this view. It tells what was read, and how old that is.

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::app::schema::ROW;
use crate::base::{age, quantity};
use crate::fleet::HealthItem;
use crate::fleet::image::short_digest;
use crate::migrate::inspection::{Database, Script};
use crate::migrate::{Harm, MigrationState};
use crate::run::migrate::Seen;

/// Tables and sessions that are told.
const FEW: usize = 8;

impl App {
    pub(super) fn schema_lines(&self, item: &HealthItem) -> Vec<DocumentLine> {
        let mut lines = self.item_lines(item);
        debug_assert_eq!(item.id, ROW);
        if let Some(image) = self.schema.running(&self.fleet) {
            lines.push(DocumentLine::new(LineKind::Field, format!("runs: {image}")));
        }
        if self.schema.seen().is_empty() {
            let text = "Nobody inspected an image yet: an inspection asks one, and changes nothing.";
            lines.push(DocumentLine::new(LineKind::Dim, text));
        }
        for seen in self.schema.seen() {
            lines.push(DocumentLine::plain(""));
            lines.extend(self.image_lines(seen));
        }
        lines
    }

    fn image_lines(&self, seen: &Seen) -> Vec<DocumentLine> {
        let digest = if seen.digest.is_empty() { "digest not known".to_owned() } else { short_digest(&seen.digest) };
        let asked = format!("inspected {} ago by {} (run {})", age::coarse(seen.at, self.now), seen.by, seen.run);
        let mut lines =
            vec![DocumentLine::new(LineKind::Heading, seen.images.join(", ")), DocumentLine::new(LineKind::Dim, format!("{digest}, {asked}"))];
        match MigrationState::of(&seen.inspection) {
            MigrationState::Unknown(why) => lines.push(DocumentLine::new(LineKind::Unknown, format!("not known: {why}"))),
            MigrationState::Known(position) => {
                let kind = if position.is_at_head() { LineKind::Good } else { LineKind::Warning };
                lines.push(DocumentLine::new(kind, format!("the database was {}", position.words())));
                for refusal in position.refusals(&seen.inspection.tool) {
                    lines.push(DocumentLine::new(LineKind::Bad, format!("{}: {}", refusal.reason, refusal.way_out)));
                }
                lines.extend(seen.inspection.pending(&position).iter().flat_map(script_lines));
            }
        }
        lines.extend(database_lines(&seen.inspection.database));
        lines
    }
}

fn script_lines(script: &Script) -> Vec<DocumentLine> {
    let of = |harm| match harm {
        Harm::Additive => LineKind::Plain,
        Harm::Locking | Harm::Rewriting => LineKind::Warning,
        Harm::Destructive => LineKind::Bad,
        Harm::Unknown => LineKind::Unknown,
    };
    let mut lines = vec![DocumentLine::new(of(script.harm()), format!("  {} pending: {}", script.id, script.harm().word()))];
    let told = script
        .statements
        .iter()
        .filter(|s| !s.is_bookkeeping())
        .map(|s| DocumentLine::new(of(s.harm), format!("    {}: {} ({})", s.harm.word(), s.text, s.why)));
    lines.extend(told);
    if script.more > 0 {
        lines.push(DocumentLine::new(LineKind::Dim, format!("    and {} more, none worse than these", script.more)));
    }
    lines
}

fn database_lines(database: &Database) -> Vec<DocumentLine> {
    let mut lines =
        vec![DocumentLine::new(LineKind::Field, format!("database: PostgreSQL {}, {}", database.server, quantity::bytes(database.bytes)))];
    let mut sizes: Vec<_> = database.sizes.iter().collect();
    sizes.sort_by_key(|(name, size)| (std::cmp::Reverse(size.bytes), name.as_str()));
    let largest = sizes.into_iter().take(FEW);
    lines.extend(
        largest.map(|(name, size)| DocumentLine::new(LineKind::Dim, format!("  {name}: about {} rows, {}", size.rows, quantity::bytes(size.bytes)))),
    );
    lines.extend(database.sessions.iter().take(FEW).map(|s| {
        let text = format!("  session {} of {}, {} for {} s, holds {}", s.pid, s.program, s.state, s.seconds, s.tables.join(", "));
        DocumentLine::new(LineKind::Warning, text)
    }));
    let invalid = database.invalid.iter().map(|index| DocumentLine::new(LineKind::Bad, format!("  index {index} is not valid")));
    lines.extend(invalid);
    lines
}
