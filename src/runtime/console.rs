//! The event loop: drain, update, carry out, draw.
//!
//! Owns the order of things and the frame clock. Input never waits for the network: everything slow is a task that answers with
//! a message.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use ratatui::buffer::Buffer;
use ratatui::layout::Position;
use tokio::sync::mpsc;
use tokio::time::Instant;

use super::effects::Executor;
use super::input::{Input, InputStream};
use super::looks::Looks;
use super::screen::Screen;
use super::signals::{Caught, Signals};
use super::terminal;
use crate::app::msg::Msg;
use crate::app::notice::Tone;
use crate::app::{App, effect::Effect};
use crate::base::clock::Clock;
use crate::target::event::TargetEvent;
use crate::target::kubernetes::{Client, Terminal};
use crate::target::request::TargetSpec;
use crate::ui;

/// Messages from tasks that wait for the loop. A task that finds it full waits: nothing is lost, and the network slows down
/// instead of the keys.
const QUEUE: usize = 256;
/// Batches of what drivers tell. Full: objects coalesce in the driver, log lines drop the oldest and are counted.
const EVENTS: usize = 64;
/// Messages taken in between two frames at most, so that a flood cannot starve the keys.
const DRAIN: usize = 32;
/// Ages and the clock step no finer than this.
const TICK: Duration = Duration::from_secs(1);

/// How the console ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// The user quit.
    Quit,
    /// SIGTERM: exit 143.
    Terminated,
    /// SIGINT from outside: exit 130.
    Interrupted,
    /// The terminal is gone.
    HungUp,
}

/// The console with everything it needs.
pub struct Console<W: Write> {
    app: App,
    looks: Looks,
    screen: Screen<W>,
    executor: Executor,
    messages: mpsc::Receiver<Msg>,
    events: mpsc::Receiver<TargetEvent>,
    input: InputStream,
    signals: Signals,
    clock: Arc<dyn Clock>,
    /// Time between two frames at least.
    frame: Duration,
    last_frame: Option<Instant>,
    dirty: bool,
    ended: Option<Ended>,
    /// A sign-in that is to have the terminal.
    signing_in: Option<TargetSpec>,
}

/// The loop's ends of the queues.
pub struct Queues {
    messages: mpsc::Receiver<Msg>,
    events: mpsc::Receiver<TargetEvent>,
}

impl Queues {
    /// What comes next, for a loop that shows no screen.
    pub async fn next(&mut self) -> Msg {
        tokio::select! {
            Some(msg) = self.messages.recv() => msg,
            Some(event) = self.events.recv() => Msg::Target(event),
            // Not while the executor holds the other ends.
            else => std::future::pending().await,
        }
    }
}

/// Both ends of the queues: answers of tasks, and what drivers tell.
pub fn queues() -> (mpsc::Sender<Msg>, mpsc::Sender<TargetEvent>, Queues) {
    let (answer, messages) = mpsc::channel(QUEUE);
    let (tell, events) = mpsc::channel(EVENTS);
    (answer, tell, Queues { messages, events })
}

impl<W: Write> Console<W> {
    /// A console on a terminal that was taken; `frames` per second at most.
    pub fn new(app: App, looks: Looks, out: W, executor: Executor, queues: Queues, clock: Arc<dyn Clock>, frames: u16) -> io::Result<Self> {
        let (width, height) = crossterm::terminal::size()?;
        Ok(Self {
            app,
            looks,
            screen: Screen::new(out, width, height),
            executor,
            messages: queues.messages,
            events: queues.events,
            input: InputStream::open(),
            signals: Signals::listen()?,
            clock,
            frame: Duration::from_secs(1) / u32::from(frames.clamp(1, 60)),
            last_frame: None,
            dirty: true,
            ended: None,
            signing_in: None,
        })
    }

    /// Runs until the user quits or the process is told to end; gives back the problems that deserve a word afterwards.
    pub async fn run(mut self, first: Vec<Effect>) -> io::Result<(Ended, App)> {
        self.carry_out(first)?;
        // The first frame does not wait for anything.
        self.draw()?;
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        while self.ended.is_none() {
            if let Some(spec) = self.signing_in.take() {
                self.sign_in(spec).await?;
            }
            let frame_at = self.frame_at();
            let wake_at = self.wake_at();
            tokio::select! {
                biased;
                caught = self.signals.next() => self.caught(caught)?,
                input = self.input.next() => self.input(input)?,
                () = tokio::time::sleep_until(frame_at), if self.dirty => self.draw()?,
                Some(msg) = self.messages.recv() => self.update(msg)?,
                Some(event) = self.events.recv() => self.drain(event)?,
                () = tokio::time::sleep_until(wake_at.unwrap_or_else(Instant::now)), if wake_at.is_some() => self.update(Msg::Tick)?,
                _ = tick.tick() => {
                    self.executor.see(&self.app);
                    self.update(Msg::Tick)?;
                }
            }
        }
        let ended = self.ended.unwrap_or(Ended::Quit);
        self.executor.finish(ended).await;
        Ok((ended, self.app))
    }

    fn input(&mut self, input: Input) -> io::Result<()> {
        match input {
            Input::Key(key) => self.update(Msg::Key(key)),
            Input::Paste(text) => self.update(Msg::Paste(text)),
            Input::Wheel(rows) => self.update(Msg::Wheel(rows)),
            Input::Click(column, row) => match ui::pane_at(&self.app, self.screen.area(), Position::new(column, row)) {
                Some((pane, row)) => self.update(Msg::Click(pane, row)),
                None => Ok(()),
            },
            Input::Resize(width, height) => self.resize(width, height),
            Input::Closed => {
                terminal::abandon();
                self.ended = Some(Ended::HungUp);
                Ok(())
            }
        }
    }

    fn caught(&mut self, caught: Caught) -> io::Result<()> {
        match caught {
            Caught::Interrupt => self.ended = Some(Ended::Interrupted),
            Caught::Terminate => self.ended = Some(Ended::Terminated),
            Caught::HangUp => {
                terminal::abandon();
                self.ended = Some(Ended::HungUp);
            }
            Caught::Stop => return self.suspend(),
            Caught::Resize | Caught::Continue => {
                if let Ok((width, height)) = crossterm::terminal::size() {
                    return self.resize(width, height);
                }
            }
        }
        Ok(())
    }

    fn resize(&mut self, width: u16, height: u16) -> io::Result<()> {
        let area = self.screen.area();
        if (area.width, area.height) != (width, height) {
            self.screen.resize(width, height);
            self.dirty = true;
            return self.draw();
        }
        Ok(())
    }

    /// Takes in an event and whatever else waits, up to the bound.
    fn drain(&mut self, first: TargetEvent) -> io::Result<()> {
        self.update(Msg::Target(first))?;
        for _ in 0..DRAIN {
            match self.events.try_recv() {
                Ok(event) => self.update(Msg::Target(event))?,
                Err(_) => break,
            }
        }
        Ok(())
    }

    fn update(&mut self, msg: Msg) -> io::Result<()> {
        let effects = self.app.update(msg, self.clock.now());
        self.dirty = true;
        self.carry_out(effects)
    }

    fn carry_out(&mut self, effects: Vec<Effect>) -> io::Result<()> {
        for effect in effects {
            match effect {
                Effect::Quit => self.ended = Some(Ended::Quit),
                Effect::Suspend => self.suspend()?,
                Effect::SignIn(spec) => self.signing_in = Some(spec),
                Effect::Redraw => {
                    self.screen.invalidate();
                    self.dirty = true;
                }
                Effect::NextTheme => {
                    let name = self.looks.take_next().to_owned();
                    self.screen.invalidate();
                    self.update(Msg::Notice(Tone::Done, format!("theme {name}")))?;
                }
                Effect::Copy(text) => {
                    let copied = self.screen.copy(&text)?;
                    self.update(Msg::Notice(Tone::Done, copied))?;
                }
                other => self.executor.carry_out(other),
            }
        }
        Ok(())
    }

    /// Leaves the terminal to a credential plugin, which may ask its questions, and comes back when it has ended. Ctrl-C reaches the
    /// plugin as well as us, and means the plugin.
    async fn sign_in(&mut self, spec: TargetSpec) -> io::Result<()> {
        self.input.release();
        terminal::leave();
        terminal::say("timonel: signing in; the terminal belongs to the credential plugin until it ends (Ctrl-C gives up)");
        let mut opening = Box::pin(Client::open(&spec, Terminal::HandedOver));
        let opened = loop {
            tokio::select! {
                opened = &mut opening => break Some(opened),
                caught = self.signals.next() => if matches!(caught, Caught::Terminate | Caught::HangUp) {
                    self.caught(caught)?;
                    break None;
                },
            }
        };
        if self.ended.is_some() {
            return Ok(());
        }
        self.come_back()?;
        match opened {
            Some(Ok(client)) => self.executor.adopt(client),
            Some(Err(error)) => self.update(Msg::Target(TargetEvent::OpenFailed(*error.problem)))?,
            None => {}
        }
        Ok(())
    }

    /// Leaves the terminal to the shell and comes back when continued.
    fn suspend(&mut self) -> io::Result<()> {
        self.input.release();
        terminal::leave();
        terminal::stop_self();
        self.come_back()
    }

    fn come_back(&mut self) -> io::Result<()> {
        terminal::re_enter()?;
        self.input.resume();
        self.screen.invalidate();
        self.dirty = true;
        let (width, height) = crossterm::terminal::size()?;
        self.resize(width, height)
    }

    fn draw(&mut self) -> io::Result<()> {
        let now = self.clock.now();
        self.app.refresh(now);
        let mut next = Buffer::empty(self.screen.area());
        let drawn = ui::draw(&self.app, self.looks.skin(), &mut next);
        self.screen.show(next, drawn.cursor)?;
        self.dirty = false;
        self.last_frame = Some(Instant::now());
        let effects = self.app.update(Msg::Drawn(drawn.measures), now);
        self.carry_out(effects)
    }

    fn frame_at(&self) -> Instant {
        self.last_frame.map_or_else(Instant::now, |last| last + self.frame)
    }

    fn wake_at(&self) -> Option<Instant> {
        let until: SignedDuration = self.app.wakes_at()?.duration_since(self.clock.now());
        Some(Instant::now() + Duration::try_from(until).unwrap_or_default())
    }
}
