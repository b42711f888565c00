//! One release in words: whether it can be gone back to, why, and what a rollback would do.
//!
//! Owns the order of that. The verdict and what it rests on come from `run`.

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::release::BackVerdict;

impl App {
    /// The lines about a revision of the workload whose releases are looked at.
    pub(super) fn release_lines(&self, number: i64) -> Vec<DocumentLine> {
        let Some(revision) = self.releases.revisions.iter().find(|r| r.number == number) else {
            return vec![DocumentLine::new(LineKind::Unknown, "it is not seen any more")];
        };
        let mut lines = vec![DocumentLine::new(LineKind::Heading, "Can we go back to it")];
        let line = |kind, text: String| DocumentLine::new(kind, format!("  {text}"));
        match self.releases.verdict(number) {
            None => lines.push(line(LineKind::Unknown, "unknown: no service file names the migrations".to_owned())),
            Some(judged) => {
                let kind = match judged.verdict {
                    BackVerdict::Safe => LineKind::Good,
                    BackVerdict::NeedsDowngrade | BackVerdict::LosesData => LineKind::Warning,
                    BackVerdict::Impossible => LineKind::Bad,
                    BackVerdict::Unknown => LineKind::Unknown,
                };
                lines.push(line(kind, judged.verdict.text().to_owned()));
                lines.extend(judged.reasons.iter().map(|why| line(LineKind::Plain, why.clone())));
                if judged.verdict == BackVerdict::Safe && !judged.evidence.is_empty() {
                    lines.push(line(LineKind::Plain, format!("the schema is the one that it knows, {}", judged.evidence)));
                }
                if let Some(why) = self.schema.unheard() {
                    lines.push(line(LineKind::Unknown, format!("the database itself did not say where it is: {why}")));
                }
                lines.extend([DocumentLine::plain(""), DocumentLine::new(LineKind::Heading, "What a rollback to it does")]);
                lines.extend(rollback(judged.verdict).iter().map(|text| line(LineKind::Plain, (*text).to_owned())));
            }
        }
        lines.extend([DocumentLine::plain(""), DocumentLine::new(LineKind::Heading, "What it is")]);
        lines.push(line(LineKind::Field, format!("revision: {}", revision.text())));
        let ready = match revision.ready_once {
            Some(true) => "it was seen fully ready",
            Some(false) => "it was never fully ready",
            None => "whether it was ever fully ready is not known",
        };
        lines.push(line(LineKind::Field, ready.to_owned()));
        lines
    }
}

const fn rollback(verdict: BackVerdict) -> &'static [&'static str] {
    match verdict {
        BackVerdict::Safe => &["the image goes back; the schema and its data stay as they are"],
        BackVerdict::NeedsDowngrade | BackVerdict::LosesData => &[
            "1. what writes to the database is stopped",
            "2. the schema is taken back by the image that is left, and the database is read",
            "3. the image goes back",
            "4. what was stopped is started again",
            "what would be lost blocks it until that is overridden with a reason",
        ],
        BackVerdict::Impossible => &["it is refused; overridden with a reason, the image goes back and the schema does not"],
        BackVerdict::Unknown => &["the image goes back; whether it can run on the schema is not known: inspect it first"],
    }
}
