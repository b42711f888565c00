//! Who works on what: the locks of other consoles and the plans that wait, live until their end.
//!
//! Owns the form of this view. What a lock says was written by others; it is told as theirs, and never taken for a proof of our own.

use jiff::Timestamp;

use crate::app::App;
use crate::app::document::{DocumentLine, LineKind};
use crate::base::age;
use crate::fleet::{Lock, LockState, Trust};
use crate::target::model::{Event, Kind, LOCKS_OF_CLUSTER, Seconds};

impl App {
    /// The locks that are not of this console's own runs.
    pub fn locks_of_others(&self) -> Vec<Lock> {
        self.fleet.locks(self.now).into_iter().filter(|l| self.runs.get(&l.run).is_none()).collect()
    }

    pub(super) fn lock_lines(&self) -> Vec<DocumentLine> {
        let mut lines = Vec::new();
        for lock in self.locks_of_others() {
            lines.extend(self.lock(&lock));
        }
        for lock in self.fleet.past_locks().filter(|l| self.runs.get(&l.run).is_none()) {
            lines.extend(self.lock(lock));
        }
        let unknown = self.unknown_locks();
        if lines.is_empty() && unknown.is_empty() {
            lines.push(DocumentLine::new(LineKind::Good, "Nobody else works here: no lock is held, and no plan waits."));
        }
        lines.extend(unknown.into_iter().map(|why| DocumentLine::new(LineKind::Unknown, format!("Not known: {why}"))));
        lines
    }

    /// Whether the locks of what is looked at cannot be read, so that others may be at work unseen.
    pub fn locks_lost(&self) -> bool {
        let looked_at = self.opened.as_ref().and_then(|o| o.namespaces.clone()).unwrap_or_else(|| vec![String::new()]);
        looked_at
            .iter()
            .any(|place| matches!(self.fleet.trust(Kind::Lease, &place.as_str().into(), self.now), Trust::Lost(_)))
    }

    /// Where locks cannot be seen: nobody may take their absence for a fact.
    fn unknown_locks(&self) -> Vec<String> {
        let looked_at = self.opened.as_ref().and_then(|o| o.namespaces.clone()).unwrap_or_default();
        let mut places: Vec<String> = if looked_at.is_empty() { vec![String::new()] } else { looked_at };
        if !places.iter().any(|p| p.is_empty() || p == LOCKS_OF_CLUSTER) {
            places.push(LOCKS_OF_CLUSTER.to_owned());
        }
        let why = |place: &String| match self.fleet.trust(Kind::Lease, &place.as_str().into(), self.now) {
            Trust::Live => None,
            Trust::Pending => Some(format!("locks in {} are not read yet", named(place))),
            Trust::Lost(why) => Some(format!("{why} (in {})", named(place))),
        };
        places.iter().filter_map(why).collect()
    }

    fn lock(&self, lock: &Lock) -> Vec<DocumentLine> {
        let action = if lock.action.is_empty() { "something" } else { &*lock.action };
        let user = if lock.user.is_empty() || lock.user == lock.by { String::new() } else { format!(" ({} in the cluster)", lock.user) };
        let since = lock.since.map(|at| format!(", since {} ({})", self.clock(at), age::coarse(at, self.now))).unwrap_or_default();
        let mut lines =
            vec![DocumentLine::new(LineKind::Heading, lock.what()), DocumentLine::plain(format!("    {action} by {}{user}{since}", lock.by))];
        let mut say = |kind, text: String| lines.push(DocumentLine::new(kind, format!("    {text}")));
        if !lock.run.is_empty() {
            say(LineKind::Dim, format!("run {}", lock.run));
        }
        if let Some(reason) = &lock.reason {
            say(LineKind::Plain, format!("why: {reason}"));
        }
        match lock.state {
            LockState::Held => say(LineKind::Good, format!("now at {}", step(lock))),
            LockState::Silent { since } => say(
                LineKind::Bad,
                format!(
                    "silent for {}: its holder does not renew it, and the next run may take it over; last at {}",
                    self.ago(since),
                    step(lock)
                ),
            ),
            LockState::Waits { until } => {
                let until = until.map(|at| format!(" until {}", self.clock(at))).unwrap_or_default();
                match &lock.approved_by {
                    Some(by) => say(LineKind::Good, format!("approved by {by}: its requester confirms once more{until}")),
                    None => say(LineKind::Warning, format!("the plan waits for a second person{until}: `timonel approve {}`", lock.run)),
                }
            }
            LockState::Over { at } => {
                say(LineKind::Dim, format!("let go {} ago", self.ago(at)));
                let (kind, text) = outcome(self.fleet.told_of_run(&lock.run));
                say(kind, text);
            }
        }
        if let Some(by) = &lock.preempt_by {
            say(LineKind::Warning, format!("asked to let go by {by}"));
        }
        lines.push(DocumentLine::plain(""));
        lines
    }

    fn clock(&self, at: Timestamp) -> String {
        at.to_zoned(self.start.zone.clone()).strftime("%H:%M:%S").to_string()
    }

    fn ago(&self, at: Seconds) -> String {
        Timestamp::from_second(at).map(|at| age::coarse(at, self.now)).unwrap_or_default()
    }
}

fn named(place: &str) -> &str {
    if place.is_empty() { "all namespaces" } else { place }
}

fn step(lock: &Lock) -> &str {
    if lock.step.is_empty() { "a step that it does not tell" } else { &lock.step }
}

/// How a run ended, as its event tells it.
fn outcome(event: Option<&Event>) -> (LineKind, String) {
    let Some(event) = event else { return (LineKind::Unknown, "how it ended is not known: no event of it is seen".to_owned()) };
    // `run ID: scale 5->3 by ana@host: proven: every proof held`
    let end = event.message.splitn(3, ": ").nth(2);
    match (&*event.reason, end) {
        ("TimonelProven", Some(end)) => (LineKind::Good, end.to_owned()),
        ("TimonelStarted", _) | (_, None) => (LineKind::Unknown, "how it ended is not known: no event of its end is seen".to_owned()),
        (_, Some(end)) => (LineKind::Bad, end.to_owned()),
    }
}
