//! Two revisions side by side: what differs, and for a way back what would not go back.
//!
//! Owns the order: differences by section, then what stays as it is now. Facts come from `release`.

use serde_json::Value;

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::app::effect::Fetch;
use crate::app::overlay::{Overlay, Source};
use crate::app::ticket::Ticket;
use crate::fleet::WorkloadKey;
use crate::release::{self, Difference, Judged, Section, Stays};

impl App {
    /// The lines of a comparison that was asked for under `ticket`.
    pub(super) fn comparison(&self, ticket: Ticket, from: &Value, to: &Value) -> Vec<DocumentLine> {
        let mut lines = vec![heading("What is different")];
        let differences = release::compare(from, to);
        if differences.is_empty() {
            lines.push(DocumentLine::plain("  Nothing: the templates are the same."));
        }
        let mut section = None;
        for difference in &differences {
            if section != Some(difference.section) {
                section = Some(difference.section);
                lines.push(DocumentLine::new(LineKind::Field, format!("{}:", title(difference.section))));
            }
            lines.extend(difference_lines(difference));
        }
        lines.extend(self.staying(ticket, to));
        lines
    }

    /// What would stay as it is now if the workload returned to the older of the two.
    fn staying(&self, ticket: Ticket, to: &Value) -> Vec<DocumentLine> {
        let asked = self.overlays.iter().find_map(|o| match o {
            Overlay::Document(reading) => match &reading.source {
                Source::Fetched(t, Fetch::Templates { workload, from, to }) if *t == ticket && to < from => Some((workload, *to)),
                _ => None,
            },
            _ => None,
        });
        let Some((workload, number)) = asked else { return Vec::new() };
        let Some(key) = WorkloadKey::of(workload) else { return Vec::new() };
        let at = self.releases.revisions.iter().find(|r| r.number == number).and_then(|r| r.at);
        let mut lines = vec![DocumentLine::plain(""), heading("What going back would NOT change")];
        let judged = self.releases.verdict(number).map(Judged::words);
        lines.extend(release::stays(&self.fleet, &key, to, at, judged, self.now).iter().map(stays_line));
        lines
    }
}

fn stays_line(stays: &Stays) -> DocumentLine {
    let kind = if stays.missing { LineKind::Bad } else { LineKind::Warning };
    DocumentLine::new(kind, format!("  {}: {}", stays.what, stays.says))
}

fn difference_lines(difference: &Difference) -> Vec<DocumentLine> {
    let name = match &difference.container {
        Some(container) => format!("{container} {}", difference.name),
        None => difference.name.clone(),
    };
    let line = |kind, sign: char, value: &release::Shown| value.text().map(|text| DocumentLine::new(kind, format!("  {sign} {name}: {text}")));
    [line(LineKind::Removed, '-', &difference.before), line(LineKind::Added, '+', &difference.after)]
        .into_iter()
        .flatten()
        .collect()
}

fn heading(text: &str) -> DocumentLine {
    DocumentLine::new(LineKind::Heading, text)
}

const fn title(section: Section) -> &'static str {
    match section {
        Section::Image => "images",
        Section::Container => "containers",
        Section::Env => "environment",
        Section::EnvReference => "environment from references",
        Section::Config => "ConfigMaps and Secrets",
        Section::Resources => "resources",
        Section::Probe => "probes",
        Section::Port => "ports",
        Section::Volume => "volumes",
        Section::Other => "everything else",
    }
}
