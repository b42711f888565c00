//! The task of one stream: sends what the machine asks for, feeds it what happens, tells what it says.
//!
//! Owns requests, reading and waiting. Decodes here, off the drawing thread. Must not decide anything that the machine can.

use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, header};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use super::{Ask, Input, Machine, Output, PAGE};
use crate::base::clock::{Clock as _, SystemClock};
use crate::base::text::Str;
use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::{ObjectChange, StreamState};
use crate::target::kubernetes::client::{Client, Streaming};
use crate::target::kubernetes::paths;
use crate::target::kubernetes::streams::{Pulse, Signal, Signals, Slot, Turn, trouble};
use crate::target::kubernetes::wire::{self, Decoder, Format, Frame, Frames, ListItems, WireError};
use crate::target::model::{Kind, Object};
use crate::target::request::StreamKey;

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Timing {
    /// Until an answer begins. Generous: a server that takes 5 s for everything is slow, not gone.
    pub(crate) answer: Duration,
    /// Until people are told that an answer is being waited for.
    pub(crate) slow: Duration,
    /// Between two pieces of a list.
    pub(crate) piece: Duration,
    /// Between two pieces of a watch: the server sends a bookmark about once a minute.
    pub(crate) idle: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        Self { answer: seconds(30), slow: Duration::from_millis(1500), piece: seconds(20), idle: seconds(90) }
    }
}

/// Shared strings are looked through for unused ones after so many objects.
const SWEEP: u32 = 5000;

/// A watch is asked to end after this many seconds and up to as many more as `WATCH_SPREAD`, so that load spreads over the
/// servers again.
const WATCH_SECONDS: u64 = 540;
const WATCH_SPREAD: u64 = 120;

/// What the streams of a session share.
#[derive(Debug)]
pub(crate) struct Beside {
    /// Whether the server lives.
    pub(crate) pulse: Pulse,
    /// Who lists first.
    pub(crate) turn: Turn,
    /// Where the uids of pods that change are told.
    pub(crate) changed_pods: mpsc::Sender<Str>,
}

/// One stream.
#[derive(Debug)]
pub(crate) struct Task {
    client: Client,
    key: StreamKey,
    slot: Slot,
    beside: Beside,
    signals: Signals,
    timing: Timing,
    machine: Machine,
    decoder: Decoder,
    outputs: Vec<Output>,
    decoded: u32,
    /// Objects that could not be read since the current list began.
    unreadable: u32,
    /// Which problems were told and not yet taken back.
    told_unreadable: bool,
    trouble: bool,
}

/// What the machine wants next.
enum Next {
    Ask(Ask),
    Sleep(Duration),
}

impl Task {
    /// A stream that tells into `slot`. `streams`: the server is near, so a list that streams beats one that is compressed.
    pub(crate) fn new(client: Client, slot: Slot, beside: Beside, streams: bool, timing: Timing) -> Self {
        let key = slot.key().clone();
        Self {
            signals: beside.pulse.signals(),
            machine: Machine::new(streams, fastrand::u64(..), SystemClock.now()),
            decoder: Decoder::new(key.kind),
            outputs: Vec::new(),
            decoded: 0,
            unreadable: 0,
            told_unreadable: false,
            trouble: false,
            client,
            key,
            slot,
            beside,
            timing,
        }
    }

    /// Runs until it is cancelled.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        cancel.run_until_cancelled(self.live()).await;
    }

    async fn live(&mut self) {
        self.beside.turn.wait(self.key.kind).await;
        let mut next = self.wait_for(Input::Woken);
        loop {
            next = match next {
                Next::Ask(ask) => self.ask(&ask).await,
                Next::Sleep(time) => self.sleep(time).await,
            };
        }
    }

    /// Feeds the machine and does what it says, except what takes time.
    fn step(&mut self, input: Input) -> Option<Next> {
        let mut outputs = std::mem::take(&mut self.outputs);
        self.machine.step(input, SystemClock.now(), &mut outputs);
        let mut next = None;
        for output in outputs.drain(..) {
            match output {
                Output::Ask(ask) => next = Some(Next::Ask(ask)),
                Output::Sleep(time) => next = Some(Next::Sleep(time)),
                Output::Change(change) => self.change(change),
                Output::State(state) => {
                    self.beside.turn.told(self.key.kind);
                    if state == StreamState::Connected && std::mem::take(&mut self.trouble) {
                        self.slot.solved(trouble::id(&self.key));
                    }
                    self.slot.state(state);
                }
                Output::Trouble(error) => {
                    if let Some(problem) = trouble::problem(&self.key, &error) {
                        self.trouble = true;
                        self.slot.problem(problem);
                    }
                }
            }
        }
        self.outputs = outputs;
        next
    }

    /// The same for inputs after which there is always something to wait for.
    fn wait_for(&mut self, input: Input) -> Next {
        self.step(input).unwrap_or(Next::Sleep(self.timing.slow))
    }

    fn failed(&mut self, error: TargetError) -> Next {
        if matches!(error.kind, ErrorKind::Unreachable | ErrorKind::Timeout) {
            self.beside.pulse.suspect();
        }
        self.wait_for(Input::Failed(error))
    }

    fn change(&mut self, change: ObjectChange) {
        match &change {
            ObjectChange::Listing => self.unreadable = 0,
            ObjectChange::Listed => {
                self.tell_unreadable();
                self.decoder.sweep();
            }
            ObjectChange::Applied(Object::Pod(pod)) if self.machine.is_watching() => {
                let _ = self.beside.changed_pods.try_send(pod.meta.uid.clone());
            }
            ObjectChange::Applied(_) | ObjectChange::Deleted(_) => {}
        }
        self.slot.change(change);
    }

    fn tell_unreadable(&mut self) {
        let told = std::mem::replace(&mut self.told_unreadable, self.unreadable > 0);
        match self.unreadable {
            0 if told => self.slot.solved(trouble::unreadable_id(&self.key)),
            0 => {}
            n => self.slot.problem(trouble::unreadable(&self.key, n)),
        }
    }

    async fn sleep(&mut self, time: Duration) -> Next {
        let timer = tokio::time::sleep(time);
        tokio::pin!(timer);
        loop {
            tokio::select! {
                () = &mut timer => return self.wait_for(Input::Woken),
                signal = self.signals.next() => match signal {
                    Signal::Refresh => return self.wait_for(Input::Refresh),
                    Signal::Alive if self.machine.is_waiting() => return self.wait_for(Input::Woken),
                    Signal::Alive | Signal::Cut(_) => {}
                },
            }
        }
    }

    async fn ask(&mut self, ask: &Ask) -> Next {
        let answer = match self.answer(ask).await {
            Ok(Some(answer)) => answer,
            Ok(None) => return self.wait_for(Input::Refresh),
            Err(error) => {
                let error = self.absent(error).await;
                return self.failed(error);
            }
        };
        self.beside.pulse.heard();
        let kind = answer.headers().get(header::CONTENT_TYPE).and_then(|v| v.to_str().ok()).unwrap_or_default();
        let format = match Format::of(kind) {
            Ok(format) => format,
            Err(why) => return self.garbled(&why),
        };
        if let Some(next) = self.step(Input::Answered) {
            return next;
        }
        let body = answer.into_body();
        match ask {
            Ask::List { .. } => self.read_list(format, body).await,
            Ask::Stream { .. } => self.read_watch(format, body, self.timing.piece).await,
            Ask::Watch { .. } => self.read_watch(format, body, self.timing.idle).await,
        }
    }

    /// The answer to a request, or nothing when everything is wanted anew.
    async fn answer(&mut self, ask: &Ask) -> Result<Option<Response<Streaming>>, TargetError> {
        let request = request(&self.key, ask)?;
        let client = self.client.clone();
        let answer = client.send(request, self.timing.answer);
        let slow = tokio::time::sleep(self.timing.slow);
        tokio::pin!(answer, slow);
        let mut told = false;
        loop {
            tokio::select! {
                answer = &mut answer => return answer.map(Some),
                () = &mut slow, if !told => {
                    told = true;
                    self.beside.pulse.suspect();
                    self.step(Input::Slow);
                }
                signal = self.signals.next() => {
                    if signal == Signal::Refresh {
                        return Ok(None);
                    }
                }
            }
        }
    }

    /// Who may not watch certificates may be in a cluster that has none: the rules say no before anybody looks. What groups
    /// there are, everybody may know.
    async fn absent(&self, error: TargetError) -> TargetError {
        if self.key.kind != Kind::Certificate || error.kind != ErrorKind::Forbidden {
            return error;
        }
        let path = format!("/apis/{}", self.key.kind.api_version());
        match self.client.json::<serde::de::IgnoredAny>(&path, self.timing.answer).await {
            Err(absent) if absent.kind == ErrorKind::NotFound => absent,
            _ => error,
        }
    }

    async fn read_list(&mut self, format: Format, mut body: Streaming) -> Next {
        let mut items = ListItems::new(format);
        loop {
            let complete = match self.piece(&mut body, self.timing.piece).await {
                Ok(Some(bytes)) => items.feed(&bytes).map(|()| false),
                Ok(None) => items.finish().map(|()| true),
                Err(next) => return next,
            };
            match complete.and_then(|complete| self.apply_items(format, &mut items).map(|()| complete)) {
                Ok(false) => {}
                Ok(true) => return self.wait_for(Input::Page(items.end())),
                Err(why) => return self.garbled(&why),
            }
        }
    }

    fn apply_items(&mut self, format: Format, items: &mut ListItems) -> Result<(), WireError> {
        while let Some(item) = items.next()? {
            let object = self.decoder.object(format, item);
            if let Some(object) = self.readable(object)? {
                self.step(Input::Applied(object));
            }
        }
        Ok(())
    }

    async fn read_watch(&mut self, format: Format, mut body: Streaming, mut idle: Duration) -> Next {
        let mut frames = Frames::new(format);
        loop {
            match self.piece(&mut body, idle).await {
                Ok(Some(bytes)) => frames.feed(&bytes),
                Ok(None) => return self.wait_for(Input::Ended),
                Err(next) => return next,
            }
            loop {
                match frames.next().and_then(|f| f.map(|f| self.frame(format, f)).transpose()) {
                    Ok(None) => break,
                    Ok(Some(Ok(input))) => {
                        if matches!(input, Some(Input::Bookmark { end: true, .. })) {
                            idle = self.timing.idle;
                        }
                        if let Some(next) = input.and_then(|input| self.step(input)) {
                            return next;
                        }
                    }
                    Ok(Some(Err(refused))) => return self.failed(refused),
                    Err(why) => return self.garbled(&why),
                }
            }
        }
    }

    /// What a frame means; `None` when its object cannot be read, an error when the server ends the watch.
    fn frame(&mut self, format: Format, bytes: Bytes) -> Result<Result<Option<Input>, TargetError>, WireError> {
        let frame = self.decoder.frame(format, bytes);
        Ok(Ok(match self.readable(frame)? {
            None => None,
            Some(Frame::Applied(object)) => Some(Input::Applied(object)),
            Some(Frame::Deleted { reference, version }) => Some(Input::Deleted(reference, version)),
            Some(Frame::Bookmark { version, initial_end }) => Some(Input::Bookmark { version, end: initial_end }),
            Some(Frame::Error(status)) => return Ok(Err(self.client.refused(&status))),
        }))
    }

    /// One object that cannot be read must not cost the others: it is left out and counted.
    fn readable<T>(&mut self, result: Result<T, WireError>) -> Result<Option<T>, WireError> {
        self.decoded += 1;
        if self.decoded >= SWEEP {
            self.decoded = 0;
            self.decoder.sweep();
        }
        match result {
            Ok(object) => Ok(Some(object)),
            Err(WireError::Object(_)) => {
                self.unreadable += 1;
                self.tell_unreadable();
                Ok(None)
            }
            Err(why) => Err(why),
        }
    }

    /// The next piece of a body, unless something ends the reading of it.
    async fn piece(&mut self, body: &mut Streaming, idle: Duration) -> Result<Option<Bytes>, Next> {
        let piece = loop {
            tokio::select! {
                piece = body.chunk(idle) => break piece,
                signal = self.signals.next() => match signal {
                    Signal::Refresh => return Err(self.wait_for(Input::Refresh)),
                    Signal::Cut(reason) => {
                        self.step(Input::Slow);
                        return Err(self.wait_for(Input::Failed(TargetError::new(ErrorKind::Unreachable, reason))));
                    }
                    Signal::Alive => {}
                },
            }
        };
        match piece {
            Ok(piece) => {
                self.beside.pulse.heard();
                Ok(piece)
            }
            Err(error) => Err(self.failed(error)),
        }
    }

    fn garbled(&mut self, why: &WireError) -> Next {
        let message = format!("{} did not answer as an API server does: {why}", self.client.server());
        self.failed(TargetError::new(ErrorKind::Garbage, message))
    }
}

/// The request for something.
fn request(key: &StreamKey, ask: &Ask) -> Result<Request<Vec<u8>>, TargetError> {
    let path = paths::with_query(&paths::collection(key.kind, &key.scope), &[("labelSelector", &key.kind.selector())]);
    let seconds = (WATCH_SECONDS + fastrand::u64(0..WATCH_SPREAD)).to_string();
    let page = PAGE.to_string();
    let uri = match ask {
        Ask::Stream { version } => paths::with_query(
            &path,
            &[
                ("watch", "true"),
                ("sendInitialEvents", "true"),
                ("resourceVersionMatch", "NotOlderThan"),
                ("resourceVersion", version),
                ("allowWatchBookmarks", "true"),
                ("timeoutSeconds", &seconds),
            ],
        ),
        Ask::List { version, next, paged } => {
            let limit = if *paged { page.as_str() } else { "" };
            paths::with_query(&path, &[("limit", limit), ("resourceVersion", version), ("continue", next)])
        }
        Ask::Watch { version } => paths::with_query(
            &path,
            &[("watch", "true"), ("resourceVersion", version), ("allowWatchBookmarks", "true"), ("timeoutSeconds", &seconds)],
        ),
    };
    let accept = if matches!(ask, Ask::List { .. }) { wire::accept_list(key.kind) } else { wire::accept_watch(key.kind) };
    Request::get(uri)
        .header(header::ACCEPT, accept)
        .body(Vec::new())
        .map_err(|why| TargetError::new(ErrorKind::Invalid, format!("{} cannot be asked for: {why}", key.kind.plural())))
}

#[cfg(test)]
mod tests;
