//! The journal on screen: the list of its runs, one run in full, and what can be done with one: go on with it, take it back.
//!
//! Owns what is asked of the journal and when. Must not read files, and must not judge a run: whether it can be taken back or gone on
//! with is said by `run`.

use crate::action::Action;
use crate::app::App;
use crate::app::choice::{Choice, Item};
use crate::app::document::{Content, Document, DocumentLine, LineKind};
use crate::app::effect::{Effect, Recall};
use crate::app::overlay::{Overlay, Pick, Picker, Reading, Record, Source};
use crate::app::ticket::{Question, Ticket};
use crate::run::journal::{RunRecord, RunSummary};
use crate::run::{End, Here, PlanLine, Tone, Undo, story};

/// Runs listed at most; `timonel runs` has them all.
const LISTED: usize = 1000;

impl App {
    /// Opens the list; its runs are read from the journal.
    pub(in crate::app) fn open_journal(&mut self) -> Vec<Effect> {
        let ticket = self.tickets.issue(Question::Runs);
        let choice = Choice::new("Journal: reading …", Vec::new());
        self.open_picker(choice, Pick::Run(ticket));
        vec![Effect::Recall { ticket, what: Recall::Runs }]
    }

    /// The runs arrived: into the list that waits for them, or that shows them as they were.
    pub(in crate::app) fn runs_listed(&mut self, ticket: Ticket, result: Result<Vec<RunSummary>, String>) -> Vec<Effect> {
        let list = |o: &Overlay| matches!(o, Overlay::Choice(Picker { purpose: Pick::Run(t), .. }) if *t == ticket);
        let Some(at) = self.overlays.iter().position(list) else { return Vec::new() };
        let runs = match result {
            Ok(runs) if !runs.is_empty() => runs,
            nothing => {
                self.overlays.remove(at);
                return self.refuse(nothing.err().unwrap_or_else(|| "nothing was run from here yet: the journal has no run".to_owned()));
            }
        };
        let items = runs.iter().take(LISTED).map(|run| self.run_item(run)).collect();
        let title = if runs.len() > LISTED { format!("Journal: the newest {LISTED} of {} runs", runs.len()) } else { "Journal".to_owned() };
        if let Some(Overlay::Choice(picker)) = self.overlays.get_mut(at) {
            picker.choice.grow(Choice::new(title.clone(), items));
            picker.choice.title = title;
        }
        Vec::new()
    }

    /// `proven  11-22 14:33  scale 3->5  api in shop`: the name stays in sight on a narrow screen, and all of it can be searched for.
    fn run_item(&self, run: &RunSummary) -> Item {
        let going_on = self.runs.get(&run.id).is_some_and(|r| r.ended.is_none());
        let state = if going_on { "going on" } else { state(run) };
        let at = run.started_at.to_zoned(self.start.zone.clone()).strftime("%m-%d %R");
        let object = run.subject.split_once(' ').map_or(&*run.subject, |(_, object)| object);
        let object = object.split_once('/').map_or_else(|| object.to_owned(), |(namespace, name)| format!("{name} in {namespace}"));
        Item::new(run.id.clone(), format!("{state:<17} {at}  {} {}  {object}", run.action, run.quantity)).detail(run.user.clone())
    }

    /// Opens one run: as it happens when it does, else as the journal has it.
    pub(in crate::app) fn open_run(&mut self, id: String) -> Vec<Effect> {
        if self.runs.get(&id).is_some_and(|r| r.ended.is_none()) {
            self.overlays.push(Overlay::Run(id));
            return Vec::new();
        }
        let ticket = self.tickets.issue(Question::Document);
        let source = Source::Record(Record { ticket, id: id.clone(), run: None });
        let document = Document::loading(format!("run {id}"));
        self.overlays.push(Overlay::Document(Reading { document, source, last: None }));
        vec![Effect::Recall { ticket, what: Recall::Run(id) }]
    }

    /// The lines of a run arrived.
    pub(in crate::app) fn record_read(&mut self, ticket: Ticket, result: Result<Box<RunRecord>, String>) {
        let zone = &self.start.zone;
        for overlay in &mut self.overlays {
            if let Overlay::Document(Reading { document, source: Source::Record(record), .. }) = overlay
                && record.ticket == ticket
            {
                let content = match &result {
                    Ok(read) => Content::Lines(lines(&story(read, zone))),
                    Err(why) => Content::Failed(why.clone()),
                };
                record.run = result.ok().map(|read| Box::new(read.run));
                document.title = record
                    .run
                    .as_ref()
                    .map_or_else(|| format!("run {}", record.id), |run| format!("run {}: {}", run.id, state(run)));
                document.fill(content);
                return;
            }
        }
    }

    /// A run came to its end: what the journal says of it is read again where it is on screen.
    pub(in crate::app) fn journal_moved(&mut self, run: &str) -> Vec<Effect> {
        let (tickets, mut effects) = (&mut self.tickets, Vec::new());
        for overlay in &mut self.overlays {
            match overlay {
                Overlay::Document(Reading { source: Source::Record(record), .. }) if record.id == run => {
                    record.ticket = tickets.issue(Question::Document);
                    effects.push(Effect::Recall { ticket: record.ticket, what: Recall::Run(record.id.clone()) });
                }
                Overlay::Choice(Picker { purpose: Pick::Run(ticket), .. }) => {
                    *ticket = tickets.issue(Question::Runs);
                    effects.push(Effect::Recall { ticket: *ticket, what: Recall::Runs });
                }
                _ => {}
            }
        }
        effects
    }

    /// Goes on with the run on screen.
    pub(in crate::app) fn resume_run(&mut self) -> Vec<Effect> {
        if let Some(why) = self.unavailable(Action::ResumeRun) {
            return self.refuse(why);
        }
        let Some(id) = self.run_on_screen() else { return Vec::new() };
        if !matches!(self.overlays.last(), Some(Overlay::Run(_))) {
            self.overlays.push(Overlay::Run(id.clone()));
        }
        vec![Effect::Resume(id)]
    }

    /// Why the run on screen is not to be resumed; `None` when it is.
    pub(in crate::app) fn not_to_be_resumed(&self) -> Option<String> {
        let over = |end: &str| Some(format!("this run is over: {end}"));
        match self.overlays.last() {
            Some(Overlay::Run(id)) => match self.runs.get(id).and_then(|r| r.ended.as_ref()) {
                None => Some("this run goes on".to_owned()),
                Some((outcome, _)) if outcome.outcome.may_be_resumed() => None,
                Some((outcome, _)) => over(outcome.words()),
            },
            Some(Overlay::Document(Reading { source: Source::Record(record), .. })) => match &record.run {
                None => Some("the run is not read yet".to_owned()),
                Some(run) if run.may_be_resumed() => None,
                Some(run) => over(run.outcome.map_or("", End::word)),
            },
            _ => Some("no run is on screen".to_owned()),
        }
    }

    /// Plans the way back of the run on screen.
    pub(in crate::app) fn undo_run(&mut self) -> Vec<Effect> {
        let Some(id) = self.run_on_screen() else { return Vec::new() };
        if self.runs.get(&id).is_some_and(|r| r.ended.is_none()) {
            return self.refuse("undo is for a run that is over; c cancels this one");
        }
        self.ask_undo(Action::UndoRun, Some(id))
    }

    /// Plans the way back of the newest change that was made from here on this cluster.
    pub(in crate::app) fn undo_last(&mut self) -> Vec<Effect> {
        self.ask_undo(Action::UndoLast, None)
    }

    fn ask_undo(&mut self, action: Action, run: Option<String>) -> Vec<Effect> {
        if let Some(why) = self.unavailable(action) {
            return self.refuse(why);
        }
        let cluster_uid = self.identity.as_ref().and_then(|i| i.cluster_uid.clone());
        let here = Here { context: self.opened.as_ref().map(|o| o.context.clone()).unwrap_or_default(), cluster_uid };
        let ticket = self.tickets.issue(Question::Undo);
        vec![Effect::Recall { ticket, what: Recall::Undo(run, here) }]
    }

    /// What takes the change back: a plan like any other, with a confirmation of its own.
    pub(in crate::app) fn undo_told(&mut self, result: Result<Box<Undo>, String>) -> Vec<Effect> {
        match result {
            Ok(undo) => self.open_plan(undo.request.into()),
            Err(why) => self.refuse(why),
        }
    }

    fn run_on_screen(&self) -> Option<String> {
        match self.overlays.last()? {
            Overlay::Run(id) => Some(id.clone()),
            Overlay::Document(Reading { source: Source::Record(record), .. }) => Some(record.id.clone()),
            _ => None,
        }
    }
}

/// How a run stands, in a word or two.
fn state(run: &RunSummary) -> &'static str {
    match run.outcome {
        Some(End::Failed) if run.undone => "failed, undone",
        Some(end) => end.word(),
        None => "not ended",
    }
}

/// A story as a document: each label a heading of its own.
fn lines(story: &[PlanLine]) -> Vec<DocumentLine> {
    let mut lines = Vec::with_capacity(story.len());
    for line in story {
        if !line.label.is_empty() {
            lines.push(DocumentLine::new(LineKind::Heading, line.label));
        }
        let kind = match line.tone {
            Tone::Plain => LineKind::Plain,
            Tone::Muted => LineKind::Dim,
            Tone::Ok => LineKind::Good,
            Tone::Warning => LineKind::Warning,
            Tone::Danger | Tone::Failed => LineKind::Bad,
            Tone::Unknown => LineKind::Unknown,
        };
        lines.push(DocumentLine::new(kind, format!("  {}", line.text)));
    }
    lines
}
