//! A change that is armed: waits for its time and takes it back, unless somebody keeps it.
//!
//! Owns the task of the console that does so. When it is time, and how a timer confirms a plan, is `run`'s.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::effects::RUN_EVENTS;
use super::planner::{Planner, reverting};
use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::run::armed::{self, Waited};
use crate::run::{Control, Deps, Plan, execute};
use crate::target::kubernetes::Client;

/// A change that is armed, and what takes it back.
pub(super) struct Timed {
    pub plan: Arc<Plan>,
    pub planner: Arc<Planner>,
    pub client: Client,
    pub deps: Deps,
    pub messages: mpsc::Sender<Msg>,
}

impl Timed {
    /// Waits for the end of the timer and takes the change back, unless somebody kept it.
    pub(super) async fn go(self) {
        let Self { plan, planner, client, deps, messages } = self;
        let subject = format!("{} {}", plan.title(), plan.quantity());
        let say = |tone, text: String| messages.send(Msg::Notice(tone, format!("{subject}: {text}")));
        match armed::wait(&client, &*deps.clock, &*deps.timer, &plan).await {
            Waited::Kept => return drop(say(Tone::Done, "kept: nothing is taken back".to_owned()).await),
            Waited::Lost(why) => return drop(say(Tone::Failed, format!("it is not taken back, whether it was kept cannot be read: {why}")).await),
            Waited::Expired => {}
        }
        let confirmed = match reverting(&planner, &client, &*deps.clock, &plan).await {
            Ok(confirmed) => confirmed,
            Err(why) => return drop(say(Tone::Failed, format!("it is not taken back: {why}")).await),
        };
        let (events, mut told) = mpsc::channel(RUN_EVENTS);
        let deps = Deps { events, control: Arc::new(Control::new(false)), ..deps };
        let forward = async {
            while let Some(event) = told.recv().await {
                let _ = messages.send(Msg::Run(event)).await;
            }
        };
        tokio::join!(execute(confirmed, deps), forward);
    }
}
