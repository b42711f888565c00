//! A change that is armed: waits for its time and takes it back, unless somebody keeps it.
//!
//! Owns the task of the console that does so, for what it armed itself and for what an earlier process of the same journal did. When it is
//! time, and how a timer confirms a plan, is `run`'s.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;

use super::effects::RUN_EVENTS;
use super::planner::{NotBack, Planner, View, reverting};
use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::base::duration;
use crate::base::problem::{Level, Problem};
use crate::run::armed::{self, AGAIN, Own, Patience, Running, Taken, Waited};
use crate::run::journal::Journal;
use crate::run::{Confirmed, Control, Deps, Here, Plan, execute};
use crate::target::api::Read as _;
use crate::target::kubernetes::Client;

/// What takes back the change of an armed run.
pub(super) struct Timed {
    pub run: String,
    pub planner: Arc<Planner>,
    pub client: Client,
    pub deps: Deps,
    pub journal: Arc<Journal>,
    pub messages: mpsc::Sender<Msg>,
}

impl Timed {
    /// Takes back what a run of this console armed.
    pub(super) async fn go(self) {
        if let Own::Armed(plan) = self.own().await {
            Box::pin(self.watch(&plan, false)).await;
        }
    }

    /// Takes up the timer of a run that this console did not carry out, where our own journal holds its confirmation.
    pub(super) async fn take_up(self) {
        let mut own = self.own().await;
        if matches!(own, Own::Open) {
            // Its Lease is seen as soon as it is armed: how the run ends is not known yet.
            armed::let_go(&*self.deps.timer, &*self.deps.journal, &self.run).await;
            own = self.own().await;
        }
        let Own::Armed(plan) = own else { return };
        let here = Here { context: self.client.opened().context.clone(), cluster_uid: self.client.identity().await.cluster_uid };
        if here.is(plan.target()) {
            Box::pin(self.watch(&plan, true)).await;
        }
    }

    async fn own(&self) -> Own {
        let (journal, run) = (self.journal.clone(), self.run.clone());
        match tokio::task::spawn_blocking(move || armed::own(&journal, &run)).await {
            Ok(Ok(found)) => found,
            Ok(Err(why)) => {
                self.say(Tone::Failed, format!("the timer of {} is not taken up: {why}", self.run)).await;
                Own::No
            }
            Err(_) => Own::No,
        }
    }

    async fn say(&self, tone: Tone, text: String) {
        // The loop is gone only when the program ends.
        let _ = self.messages.send(Msg::Notice(tone, text)).await;
    }

    /// Waits for the end of the timer and takes the change back, unless somebody kept it.
    async fn watch(&self, plan: &Plan, again: bool) {
        let subject = format!("{} {}", plan.title(), plan.quantity());
        let deps = &self.deps;
        let (_claim, running) = match armed::take_charge(&self.client, &*deps.clock, &*deps.timer, &*deps.journal, plan).await {
            Taken::Mine(claim, running) => (claim, running),
            Taken::Over(waited) if again && !matches!(waited, Waited::Lost(_)) => return,
            Taken::Over(waited) => return self.tell(&subject, waited).await,
        };
        if again {
            // The loop is gone only when the program ends.
            let _ = self.messages.send(Msg::TakenUp(self.run.clone())).await;
            self.say(Tone::Done, format!("{subject}: {}", taken_up(&running, deps.clock.now()))).await;
        }
        let Some(confirmed) = self.confirmed(plan, &subject, running.earliest()).await else { return };
        let (events, mut told) = mpsc::channel(RUN_EVENTS);
        let deps = Deps { events, control: Arc::new(Control::new(false)), ..deps.clone() };
        let forward = async {
            while let Some(event) = told.recv().await {
                let _ = self.messages.send(Msg::Run(event)).await;
            }
        };
        tokio::join!(execute(confirmed, deps), forward);
    }

    /// Waits for the time, and confirms the plan that takes the change back; what stands in its way may go meanwhile.
    async fn confirmed(&self, plan: &Plan, subject: &str, earliest: Timestamp) -> Option<Confirmed> {
        let deps = &self.deps;
        let mut patience = Patience::with_what_blocks();
        loop {
            let objects = match armed::wait(&self.client, &*deps.clock, &*deps.timer, plan, earliest).await {
                Waited::Expired(objects) => objects,
                waited => {
                    self.tell(subject, waited).await;
                    return None;
                }
            };
            match reverting(&self.planner, View::of(&self.client, &*deps.probes, &*deps.clock), plan, &objects).await {
                Ok(confirmed) => return Some(confirmed),
                Err(NotBack::Yet(why)) if patience.lasts(&*deps.clock) => {
                    self.say(Tone::Refused, format!("{subject}: it is not taken back yet: {why}")).await;
                    deps.timer.sleep(AGAIN).await;
                }
                Err(NotBack::Yet(why) | NotBack::Never(why)) => {
                    let problem = Problem::new(Level::Error, format!("runs:timer:{}", plan.id()), format!("{subject} is not taken back: {why}."));
                    let problem = problem.hint("the list of debts has the plan that does, and `timonel run keep` lets it stay");
                    // The loop is gone only when the program ends.
                    let _ = self.messages.send(Msg::Problems(vec![problem])).await;
                    self.say(Tone::Failed, format!("{subject}: it is not taken back: {why}")).await;
                    return None;
                }
            }
        }
    }

    async fn tell(&self, subject: &str, waited: Waited) {
        let (tone, text) = match waited {
            Waited::Kept => (Tone::Done, "kept: nothing is taken back".to_owned()),
            Waited::Settled => (Tone::Done, "it was taken back or changed by somebody else".to_owned()),
            Waited::Lost(why) => (Tone::Failed, format!("it is not taken back, whether it was kept cannot be read: {why}")),
            Waited::Expired(_) => return,
        };
        self.say(tone, format!("{subject}: {text}")).await;
    }
}

fn taken_up(running: &Running, now: Timestamp) -> String {
    let left = Duration::try_from(running.at.duration_since(now)).unwrap_or_default();
    let left = duration::show(Duration::from_secs(left.as_secs().max(1)));
    if running.late {
        return format!("its time came while no console was there: it is taken back in {left}, unless it is kept");
    }
    format!("armed before: this console takes it back in {left}, unless it is kept")
}
