//! `timonel --plain`: the console without a screen, for screen readers, dumb terminals and pipes.
//!
//! Owns the loop: what is heard goes through the same core as on screen, and what is new is printed, twice a second at most. Takes
//! no keys: what changes something is `timonel run`.

use std::time::Duration;

use super::console::Bridge;
use super::output::{Exit, Failure, Printer};
use super::paper::{Ends, Paper};
use crate::app::App;
use crate::app::effect::Effect;
use crate::app::msg::Msg;
use crate::app::telling::{Telling, Told};
use crate::runtime::console::Ended;

/// How often it is looked for news.
const LOOK: Duration = Duration::from_millis(500);

/// Prints until it is told to end, or nobody reads any more.
pub(super) async fn run(bridge: Bridge, printer: &mut Printer) -> Result<Exit, Failure> {
    let mut ends = Ends::listen()?;
    let mut paper = Paper::start();
    let Bridge { mut app, first, mut executor, mut queues, clock, .. } = bridge;
    let mut telling = Telling::default();
    let mut look = tokio::time::interval(LOOK);
    look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    let mut effects = first;
    let (ended, exit) = loop {
        // Nobody reads logs here.
        for effect in effects.drain(..).filter(|e| !matches!(e, Effect::Follow { .. })) {
            executor.carry_out(effect);
        }
        tokio::select! {
            biased;
            exit = ends.next() => break (Ended::Interrupted, Ok(exit)),
            end = paper.ended() => break (Ended::HungUp, end.map(|()| Exit::OK)),
            _ = look.tick() => {
                executor.see(&app);
                effects = app.update(Msg::Tick, clock.now());
                app.refresh(clock.now());
                let text: String = telling.tell(&app).iter().map(|told| line(&app, told, printer)).collect();
                tokio::select! {
                    biased;
                    exit = ends.next() => break (Ended::Interrupted, Ok(exit)),
                    () = paper.put(text) => {}
                }
            }
            msg = queues.next() => effects = app.update(msg, clock.now()),
        }
    };
    executor.finish(ended).await;
    exit
}

/// `20:55:54 UP degraded: backend: 2 of 3 ready`.
fn line(app: &App, told: &Told, printer: &Printer) -> String {
    let at = app.now.to_zoned(app.start.zone.clone()).strftime("%H:%M:%S");
    let health = told.health.map(|health| format!("{}: ", printer.health(health))).unwrap_or_default();
    format!("{at} {} {health}{}\n", told.word, crate::base::text::clean(&told.text))
}
