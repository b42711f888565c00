//! What a container said before it ended: fetched once when somebody asks why.
//!
//! Owns whose lines they are and how they stand in a description.

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::app::effect::{Effect, Fetch};
use crate::app::overlay::{LastLines, Live, Overlay, Source};
use crate::app::ticket::{Question, Ticket};
use crate::fleet::{PodEntry, WorkloadKey};
use crate::target::model::{Container, ContainerState, Kind, ObjectRef};
use crate::target::request::LogSource;

impl App {
    /// Asks for the last lines of the container that the view on top explains, when one ended badly.
    pub(super) fn ask_last_lines(&mut self) -> Vec<Effect> {
        let Some(source) = self.explained().and_then(|object| self.ended_badly(&object)) else { return Vec::new() };
        let ticket = self.tickets.issue(Question::LastLines);
        if let Some(Overlay::Document(reading)) = self.overlays.last_mut() {
            reading.last = Some(LastLines { ticket, source: source.clone(), lines: None });
        }
        vec![Effect::Fetch { ticket, what: Fetch::LastLines(source) }]
    }

    /// The lines arrived.
    pub(in crate::app) fn last_lines_told(&mut self, ticket: Ticket, lines: Result<Vec<String>, String>) {
        let asked = self.overlays.iter_mut().find_map(|overlay| match overlay {
            Overlay::Document(reading) => reading.last.as_mut().filter(|last| last.ticket == ticket),
            _ => None,
        });
        if let Some(last) = asked {
            last.lines = Some(lines);
        }
    }

    fn explained(&self) -> Option<ObjectRef> {
        match self.overlays.last()? {
            Overlay::Document(reading) => match &reading.source {
                Source::Live(Live::Explain(object) | Live::Describe(object)) => Some(object.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    /// The container of an object, the first of its pods that has one, that ended with a failure and is not well since.
    fn ended_badly(&self, object: &ObjectRef) -> Option<LogSource> {
        let pods: Vec<&PodEntry> = match WorkloadKey::of(object) {
            Some(key) if object.kind != Kind::Pod => self.fleet.pods_of(&key).collect(),
            _ => self.fleet.pod(&object.namespace, &object.name).into_iter().collect(),
        };
        pods.into_iter().find_map(|entry| {
            let container = entry.pod.containers.iter().find(|c| failed(c))?;
            Some(LogSource {
                namespace: entry.pod.meta.namespace.clone(),
                pod: entry.pod.meta.name.clone(),
                pod_uid: entry.pod.meta.uid.clone(),
                container: container.name.clone(),
                // While it runs again its own log is the new run's.
                previous: matches!(container.state, ContainerState::Running { .. }),
            })
        })
    }
}

fn failed(container: &Container) -> bool {
    match &container.state {
        ContainerState::Terminated(end) => end.exit_code != 0,
        _ => !container.ready && container.last.as_ref().is_some_and(|end| end.exit_code != 0),
    }
}

/// The part of a description, after the reason chain.
pub(super) fn lines(last: Option<&LastLines>) -> Vec<DocumentLine> {
    let Some(last) = last else { return Vec::new() };
    let LogSource { pod, container, .. } = &last.source;
    let mut lines = vec![DocumentLine::plain(""), DocumentLine::new(LineKind::Heading, format!("Last lines of container {container} of pod {pod}"))];
    match &last.lines {
        None => lines.push(DocumentLine::new(LineKind::Dim, "  being read …")),
        Some(Ok(said)) if said.is_empty() => lines.push(DocumentLine::new(LineKind::Dim, "  It said nothing.")),
        Some(Ok(said)) => lines.extend(said.iter().map(|line| DocumentLine::plain(format!("  {line}")))),
        Some(Err(why)) => lines.push(DocumentLine::new(LineKind::Unknown, format!("  They cannot be read: {why}"))),
    }
    lines
}
