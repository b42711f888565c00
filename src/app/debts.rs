//! What is owed here: worked out once per change, listed, and paid by a plan.
//!
//! Owns when it is worked out again, when the record of debts is read, and the list. What a debt is, is `run`'s.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};

use super::App;
use super::armed::{ArmedRun, left};
use super::choice::{Choice, Item};
use super::effect::{Effect, Fetch, PlanRequest};
use super::overlay::{Overlay, Pick, Picker};
use super::ticket::Question;
use crate::action::Action;
use crate::base::text::Str;
use crate::fleet::Fleet;
use crate::fleet::columns::age_since;
use crate::run::debts::{self, Debts, Owed, book};
use crate::run::{Outcome, Plan};
use crate::target::model::{Kind, ObjectRef};

/// A flood of events works it out no more often than this.
const REST: SignedDuration = SignedDuration::from_millis(200);
/// Without any event it is worked out so often: what cannot be read any more is told with the time.
const AGAIN: SignedDuration = SignedDuration::from_secs(60);

/// What is owed, and what it rests on besides the fleet.
#[derive(Debug, Default)]
pub struct Owing {
    /// What is owed.
    pub all: Debts,
    book: Vec<Owed>,
    /// What our own journal says.
    own: Vec<Owed>,
    /// Why the record of debts could not be read.
    unread: Option<String>,
    /// Namespaces with a record, and the version of each, as asked for last.
    asked: Vec<(Str, u64)>,
    changes: u64,
    seen: Option<(u64, Timestamp)>,
    /// Armed runs whose timers were taken up, or are not ours to take up.
    pub(super) taken_up: BTreeSet<Str>,
    /// Those of them that this console takes back.
    pub(super) watched: BTreeSet<Str>,
}

impl Owing {
    /// Works it out again when something changed.
    pub(super) fn refresh(&mut self, fleet: &Fleet, now: Timestamp) {
        let revision = fleet.revision() + self.changes;
        if let Some((seen, at)) = self.seen {
            let age = now.duration_since(at);
            if (seen == revision && age < AGAIN) || (age < REST && age >= SignedDuration::ZERO) {
                return;
            }
        }
        self.seen = Some((revision, now));
        self.all = Debts::of(fleet, &self.book, &self.own, now);
        self.all.unseen.extend(self.unread.clone());
    }

    /// What our own journal says, read at the start.
    pub(super) fn learn(&mut self, own: Vec<Owed>) {
        self.own = own;
        self.changes += 1;
    }

    /// A run of this console is over.
    pub(super) fn account(&mut self, plan: &Plan, outcome: &Outcome, at: Timestamp) {
        debts::account(&mut self.own, plan, outcome, at);
        self.changes += 1;
    }

    /// The record of debts was read, or why not.
    pub(super) fn recorded(&mut self, book: Result<Vec<Owed>, String>) {
        self.changes += 1;
        (self.book, self.unread) = match book {
            Ok(book) => (book, None),
            Err(why) => (std::mem::take(&mut self.book), Some(format!("the record of debts cannot be read: {why}"))),
        };
    }

    /// What was seen of another target says nothing.
    pub(super) fn forget(&mut self) {
        *self = Self { own: std::mem::take(&mut self.own), watched: std::mem::take(&mut self.watched), ..Self::default() };
    }
}

impl App {
    /// Reads the record of debts when there is one, and whenever it changed.
    pub(super) fn ask_debts(&mut self) -> Option<Effect> {
        let records = self.fleet.configs(Kind::ConfigMap).filter(|m| &*m.meta.name == book::NAME);
        let there: Vec<(Str, u64)> = records.map(|m| (m.meta.namespace.clone(), m.meta.resource_version)).collect();
        if there == self.owing.asked {
            return None;
        }
        let what = Fetch::Debts(there.iter().map(|(ns, _)| ObjectRef::new(Kind::ConfigMap, ns.clone(), book::NAME)).collect());
        self.owing.asked = there;
        Some(Effect::Fetch { ticket: self.tickets.issue(Question::Debts), what })
    }

    /// Lists what is owed; choosing opens the plan that pays it.
    pub(super) fn open_debts(&mut self) -> Vec<Effect> {
        self.overlays.push(Overlay::Choice(Picker { choice: self.debt_choice(), purpose: Pick::Debt }));
        Vec::new()
    }

    /// The list on top is that of now.
    pub(super) fn refresh_debts(&mut self) {
        let now = self.now;
        self.owing.refresh(&self.fleet, now);
        let fresh = self.debt_choice();
        if let Some(Overlay::Choice(Picker { choice, purpose: Pick::Debt })) = self.overlays.last_mut() {
            choice.grow(fresh);
        }
    }

    fn debt_choice(&self) -> Choice {
        let all = &self.owing.all;
        let mut items: Vec<Item> = self.armed().iter().map(|armed| self.armed_item(armed)).collect();
        items.extend(all.owed.iter().map(|debt| self.debt_item(debt)));
        let reading = all.reading.then(|| "not everything was read yet".to_owned());
        let more = all.unseen.iter().cloned().chain(reading);
        items.extend(more.map(|why| {
            Item::new("", format!("? {why}"))
                .detail("unknown")
                .disabled(Some("there may be debts that are not seen".to_owned()))
        }));
        if items.is_empty() {
            let nothing =
                Item::new("", "nothing is owed: no run left anything that is not paid").disabled(Some("there is nothing to pay".to_owned()));
            return Choice::new("Debts", vec![nothing]);
        }
        Choice::new("Debts: Enter opens the plan that pays it", items)
    }

    fn armed_item(&self, armed: &ArmedRun) -> Item {
        let names: Vec<String> = armed.objects.iter().map(|o| format!("{} {}", o.kind.word(), o.name)).collect();
        let label = format!("back in {}, Enter keeps it: {} {}", left(armed, self.now), armed.words(), names.join(", "));
        Item::new(armed.run.to_string(), label).detail(armed.by.to_string()).disabled(self.unavailable(Action::Scale))
    }

    fn debt_item(&self, debt: &Owed) -> Item {
        let by = if debt.by.is_empty() { "by whom is not known" } else { &debt.by };
        let since = debt.since.map(|at| format!("{} ", age_since(at.as_second(), self.now))).unwrap_or_default();
        let why = match debt.payment() {
            Some(_) => self.unavailable(Action::Scale),
            None => Some(format!("no action pays it: {}", debt.by_hand)),
        };
        let (kind, object) = (debt.object.kind, &debt.object);
        let kind = if kind == Kind::HorizontalPodAutoscaler { "HPA" } else { kind.word() };
        // Where one namespace is looked at its name says nothing.
        let one = self.opened.as_ref().and_then(|o| o.namespaces.as_deref()).is_some_and(|names| names.len() == 1);
        let place = if one || object.namespace.is_empty() { String::new() } else { format!("{}/", object.namespace) };
        Item::new(id(debt), format!("{kind} {place}{}: {}", object.name, debt.what))
            .detail(format!("{since}{by}"))
            .disabled(why)
    }

    /// Opens the plan that pays a debt, or says what settles it.
    pub(super) fn pay(&mut self, chosen: &str) -> Vec<Effect> {
        if let Some(keep) = self.armed().iter().find(|a| *a.run == *chosen).and_then(ArmedRun::keep) {
            return self.open_plan(keep);
        }
        let Some(debt) = self.owing.all.owed.iter().find(|d| id(d) == chosen) else {
            return self.refuse("it is paid, or not seen any more");
        };
        let Some(payment) = debt.payment() else {
            let text = format!("no action pays it: {}", debt.by_hand);
            return self.refuse(text);
        };
        if let Some(why) = self.unavailable(Action::Scale) {
            return self.refuse(why);
        }
        self.open_plan(PlanRequest {
            action: payment.action,
            subject: payment.object,
            parameters: payment.parameters,
            overrides: Vec::new(),
            reason: payment.reason,
            second: None,
        })
    }
}

fn id(debt: &Owed) -> String {
    format!("{} {} {}", debt.object, debt.run, debt.what)
}
