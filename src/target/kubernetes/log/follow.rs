//! Following one container's log, as a task.
//!
//! Owns the order of things: ask, read, and when the answer ends look at the pod and decide by [`run`](super::run) whether
//! to go on, begin with another run, wait or stop. Every wait is bounded and can be cut short by a nudge.

use std::sync::Arc;
use std::time::Duration;

use http::header;
use jiff::Timestamp;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::Instant;

use super::lines::{Line, Lines};
use super::outbox::Outbox;
use super::resume::{Outcome, Resume};
use super::run::{Next, Pod, Read};
use crate::base::clock::{Clock, SystemClock};
use crate::target::api::{ErrorKind, TargetError};
use crate::target::event::{LogEvent, LogState};
use crate::target::kubernetes::client::{Client, REQUEST, Streaming, get};
use crate::target::kubernetes::paths;
use crate::target::model::{Kind, ObjectRef};
use crate::target::request::{LogOptions, LogSource};

/// Lines per event at most, and how long lines may wait for company.
const BATCH: usize = 512;
const BATCH_WAIT: Duration = Duration::from_millis(40);

/// A source that cannot be followed (no rights) is tried again after this.
const FAILED_WAIT: Duration = Duration::from_mins(1);

/// Who does not follow, but wants what is there, tries so often.
const TRIES: u32 = 4;

/// How fast a follower tries again. Of its own, so that tests need not wait.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pace {
    /// First wait; doubles up to `most`.
    pub(super) first: Duration,
    pub(super) most: Duration,
    /// Until a resume is answered.
    pub(super) answer: Duration,
    /// An answer that has not begun after this is a quiet log: old kubelets begin with the first line.
    pub(super) quiet: Duration,
    /// A log that is silent for longer is asked for anew, since a dead connection looks the same.
    pub(super) silence: Duration,
    /// After a reconnect: silence after which the last line will not come again.
    pub(super) settle: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            first: Duration::from_millis(500),
            most: Duration::from_secs(15),
            answer: REQUEST,
            quiet: Duration::from_secs(2),
            silence: Duration::from_mins(10),
            settle: Duration::from_secs(5),
        }
    }
}

/// Follows one source until its end.
pub(super) struct Follower {
    pub(super) client: Client,
    pub(super) source: LogSource,
    pub(super) options: LogOptions,
    pub(super) outbox: Arc<Outbox>,
    /// Lets only so many ask at once.
    pub(super) door: Arc<Semaphore>,
    /// Cuts a wait short: the pod changed.
    pub(super) nudge: Arc<Notify>,
    /// Counts doubts about the connection: what is read is asked for anew.
    pub(super) doubts: watch::Receiver<u64>,
    pub(super) pace: Pace,
    pub(super) state: Progress,
}

/// How far a follower has come.
#[derive(Debug, Default)]
pub(super) struct Progress {
    resume: Resume,
    read: Read,
    question: Question,
    /// Since when the connection is lost.
    lost: Option<Instant>,
    /// The last answer did not come to a proper end: what does not fit to it may mean a loss.
    suspect: bool,
    tries: u32,
    told: Option<LogState>,
    batch: Vec<Line>,
    /// When the first line of the batch came.
    batch_since: Option<Instant>,
    /// A resume was not answered in time although the server lives: a quiet log whose old kubelet answers with the first
    /// line.
    quiet: bool,
}

/// What is asked for next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Question {
    /// What the options say at first, then what came since the last line.
    #[default]
    On,
    /// Another run from its start.
    NewRun,
    /// The rest of a run that ended while we were cut off, and whose successor is running.
    RestOfPrevious,
}

/// How one answer ended.
enum End {
    /// Properly: the container ended, or the server cut a long answer.
    Closed,
    /// By an error.
    Broken(TargetError),
    /// By ourselves: the connection is in doubt.
    Doubted,
}

/// Whether to go on.
enum Go {
    On,
    Stop,
}

impl Follower {
    /// Runs until nothing more will come.
    pub(super) async fn run(mut self) {
        self.tell(LogState::Waiting { reason: "connecting".into() });
        loop {
            let end = self.read_once().await;
            self.flush();
            let go = match end {
                End::Closed => self.after_end().await,
                End::Broken(error) => self.after_error(error).await,
                End::Doubted => {
                    self.state.suspect = true;
                    Go::On
                }
            };
            if matches!(go, Go::Stop) {
                return;
            }
        }
    }

    /// Asks once and reads the answer to its end.
    async fn read_once(&mut self) -> End {
        self.state.read.to_the_end = false;
        let mut doubts = self.doubts.clone();
        let asked = tokio::select! {
            asked = self.ask() => asked,
            () = changed(&mut doubts) => {
                self.doubts = doubts;
                return End::Doubted;
            }
        };
        let mut body = match asked {
            Ok(body) => body,
            Err(error) => return End::Broken(error),
        };
        if !self.state.resume.is_searching() {
            self.came_back(Outcome::Exact);
            self.tell(LogState::Following);
        }
        let mut lines = Lines::default();
        loop {
            let wait = if self.state.resume.is_searching() {
                self.pace.settle
            } else if self.state.batch.is_empty() {
                self.pace.silence
            } else {
                BATCH_WAIT
            };
            let piece = tokio::select! {
                piece = body.chunk(wait) => piece,
                () = changed(&mut self.doubts) => {
                    self.settle();
                    return End::Doubted;
                }
            };
            match piece {
                Ok(Some(bytes)) => {
                    let mut complete = Vec::new();
                    lines.feed(&bytes, &mut complete);
                    self.take(complete);
                    if self.state.batch_since.is_some_and(|s| s.elapsed() >= BATCH_WAIT) {
                        self.flush();
                    }
                }
                Ok(None) => {
                    self.take(lines.finish().into_iter().collect());
                    self.settle();
                    self.state.read.to_the_end = true;
                    return End::Closed;
                }
                Err(error) if error.kind == ErrorKind::Timeout && wait != self.pace.silence => {
                    self.settle();
                    self.flush();
                }
                Err(error) => {
                    self.settle();
                    return End::Broken(error);
                }
            }
        }
    }

    /// Sends the request. A quiet log need not answer before its first line; a resume asks for lines that were there.
    async fn ask(&mut self) -> Result<Streaming, TargetError> {
        let mut request = get(&self.path())?;
        // Compressed lines would wait for each other.
        request.headers_mut().insert(header::ACCEPT_ENCODING, header::HeaderValue::from_static("identity"));
        let client = self.client.clone();
        let permit = self.door.clone().acquire_owned().await.ok();
        if self.state.resume.is_searching() && !self.state.quiet {
            let answer = client.send(request, self.pace.answer).await;
            self.state.quiet = answer.as_ref().is_err_and(|e| e.kind == ErrorKind::Timeout);
            return answer.map(http::Response::into_body);
        }
        self.state.quiet = false;
        let asking = client.send(request, self.pace.silence);
        tokio::pin!(asking);
        let early = tokio::time::timeout(self.pace.quiet, &mut asking).await;
        drop(permit);
        let answer = if let Ok(answer) = early {
            answer
        } else {
            self.tell(LogState::Following);
            asking.await
        };
        answer.map(http::Response::into_body)
    }

    fn path(&mut self) -> String {
        let new_run = self.state.question == Question::NewRun;
        let previous = self.source.previous || self.state.question == Question::RestOfPrevious;
        let since = if new_run { None } else { self.state.resume.reconnect() };
        let fresh = since.is_none() && !new_run;
        let second = since.or(self.options.since.filter(|_| fresh));
        let since = second.and_then(|s| Timestamp::from_second(s).ok()).map(|t| t.to_string()).unwrap_or_default();
        let tail = self.options.tail.filter(|_| fresh).map(|t| t.to_string()).unwrap_or_default();
        let follow = self.options.follow && !previous;
        let query = [
            ("container", &*self.source.container),
            ("follow", if follow { "true" } else { "" }),
            ("previous", if previous { "true" } else { "" }),
            ("timestamps", "true"),
            ("sinceTime", &since),
            ("tailLines", &tail),
        ];
        paths::with_query(&paths::object(&self.pod(), "log"), &query)
    }

    fn pod(&self) -> ObjectRef {
        ObjectRef { kind: Kind::Pod, namespace: self.source.namespace.clone(), name: self.source.pod.clone() }
    }

    fn take(&mut self, lines: Vec<Line>) {
        for line in lines {
            if let Some(outcome) = self.state.resume.take(line, &mut self.state.batch) {
                self.came_back(outcome);
            }
            if self.state.batch.len() >= BATCH {
                self.flush();
            }
        }
        if !self.state.batch.is_empty() {
            self.state.batch_since.get_or_insert_with(Instant::now);
        }
    }

    /// Nothing more comes for now: stop looking for the last line.
    fn settle(&mut self) {
        let mut held = Vec::new();
        if let Some(outcome) = self.state.resume.give_up(&mut held) {
            self.came_back(outcome);
        }
        self.state.batch.extend(held);
    }

    /// A resume came out: says so when the connection had been lost, or when more may be.
    fn came_back(&mut self, outcome: Outcome) {
        let lost = self.state.lost.take();
        let suspect = std::mem::take(&mut self.state.suspect);
        if lost.is_some() || (suspect && outcome == Outcome::Unknown) {
            let gap_ms = lost.map_or(0, |l| u64::try_from(l.elapsed().as_millis()).unwrap_or(u64::MAX));
            let missed = if outcome == Outcome::Exact { Some(0) } else { None };
            self.tell(LogState::Reconnected { gap_ms, missed });
            self.tell(LogState::Following);
        }
    }

    fn flush(&mut self) {
        if self.state.batch.is_empty() {
            return;
        }
        self.state.tries = 0;
        self.state.batch_since = None;
        self.state.read.last = self.state.resume.last();
        let or = self.state.read.last.unwrap_or_else(|| SystemClock.now());
        let lines = self.state.batch.drain(..).map(|l| l.told(or)).collect();
        self.outbox.push(LogEvent::Lines { source: self.source.clone(), lines });
    }

    fn tell(&mut self, state: LogState) {
        if self.state.told.as_ref() != Some(&state) {
            self.state.told = Some(state.clone());
            self.outbox.push(LogEvent::State { source: self.source.clone(), state });
        }
    }

    fn end(&mut self, reason: String) -> Go {
        self.tell(LogState::Ended { reason });
        Go::Stop
    }

    /// The answer came to its end.
    async fn after_end(&mut self) -> Go {
        self.state.suspect = false;
        if self.state.question == Question::RestOfPrevious {
            return self.begin_run();
        }
        self.state.question = Question::On;
        if self.source.previous {
            let pod = self.look().await.ok();
            let how = pod.and_then(|p| p.previous_end(&self.source)).unwrap_or_else(|| "ended".into());
            return self.end(format!("the previous run: {how}"));
        }
        if !self.options.follow {
            return self.end("all there was".into());
        }
        self.decide().await
    }

    /// The answer did not come, or broke off.
    async fn after_error(&mut self, error: TargetError) -> Go {
        self.state.suspect = true;
        if self.state.question == Question::RestOfPrevious && error.status.is_some() {
            // The previous run is not kept any more.
            self.came_back(Outcome::Unknown);
            return self.begin_run();
        }
        if self.state.read.last.is_some() {
            self.state.question = Question::On;
        }
        match error.kind {
            ErrorKind::Timeout if !self.state.quiet && self.state.lost.is_none() && self.state.told == Some(LogState::Following) => {
                // Only silence: ask anew without a word, and say so only if that fails.
                return Go::On;
            }
            ErrorKind::NotFound if error.status.is_some() => return self.end("the pod is gone".into()),
            ErrorKind::Invalid if error.message.contains("previous terminated container") => {
                return self.end("there is no previous run".into());
            }
            ErrorKind::Invalid if error.message.contains("waiting to start") => {
                let reason = error.message.rsplit(": ").next().unwrap_or_default().to_owned();
                self.tell(LogState::Waiting { reason });
            }
            ErrorKind::Unauthorised | ErrorKind::Forbidden | ErrorKind::Denied | ErrorKind::ReadOnly | ErrorKind::Invalid => {
                self.tell(LogState::Failed { kind: error.kind, reason: error.message });
                if !self.options.follow {
                    return Go::Stop;
                }
                self.wait(FAILED_WAIT).await;
                return Go::On;
            }
            _ if !self.options.follow && self.state.tries >= TRIES => {
                self.tell(LogState::Failed { kind: error.kind, reason: error.message });
                return Go::Stop;
            }
            _ => {
                self.state.lost.get_or_insert_with(Instant::now);
                self.tell(LogState::Waiting { reason: error.message.clone() });
            }
        }
        if let Some(seconds) = error.retry_after {
            self.wait(Duration::from_secs(seconds.min(300))).await;
        }
        self.back_off().await;
        if self.source.previous || !self.options.follow {
            return Go::On;
        }
        self.decide().await
    }

    /// Looks at the pod until there is something to ask for.
    async fn decide(&mut self) -> Go {
        loop {
            let pod = match self.look().await {
                Ok(pod) => pod,
                Err(error) if error.kind == ErrorKind::NotFound && error.status.is_some() => return self.end("the pod is gone".into()),
                // Whoever may read logs but not pods gets what the comparison of lines can do.
                Err(error) if error.kind == ErrorKind::Forbidden => {
                    self.back_off().await;
                    return Go::On;
                }
                Err(error) => {
                    self.state.lost.get_or_insert_with(Instant::now);
                    self.tell(LogState::Waiting { reason: error.message });
                    self.back_off().await;
                    continue;
                }
            };
            match pod.next(&self.source, self.state.read) {
                Next::GoOn => {
                    if self.state.read.to_the_end {
                        self.back_off().await;
                    }
                    return Go::On;
                }
                Next::NewRun => {
                    let cut_off = !self.state.read.to_the_end && self.state.read.last.is_some();
                    self.state.read.run = pod.latest_run(&self.source);
                    if cut_off {
                        self.state.question = Question::RestOfPrevious;
                        return Go::On;
                    }
                    return self.begin_run();
                }
                Next::End(reason) => return self.end(reason),
                Next::Wait(reason) => {
                    self.state.read.run = pod.latest_run(&self.source);
                    self.tell(LogState::Waiting { reason });
                    self.back_off().await;
                }
            }
        }
    }

    /// Asks for another run from its start next.
    fn begin_run(&mut self) -> Go {
        self.state.resume.forget();
        self.state.read.last = None;
        self.state.question = Question::NewRun;
        self.state.tries = 0;
        Go::On
    }

    async fn look(&self) -> Result<Pod, TargetError> {
        self.client.json(&paths::object(&self.pod(), ""), REQUEST).await
    }

    /// Waits a little longer each time, with jitter, so that many followers do not ask in step.
    async fn back_off(&mut self) {
        let wait = self.pace.first.saturating_mul(1 << self.state.tries.min(10)).min(self.pace.most);
        self.state.tries += 1;
        self.wait(wait.mul_f64(0.75 + fastrand::f64() / 2.0)).await;
    }

    async fn wait(&mut self, duration: Duration) {
        tokio::select! {
            () = tokio::time::sleep(duration) => {}
            () = self.nudge.notified() => self.state.tries = 0,
            () = changed(&mut self.doubts) => {}
        }
    }
}

/// A sender that is gone sends nothing any more.
async fn changed(doubts: &mut watch::Receiver<u64>) {
    if doubts.changed().await.is_err() {
        std::future::pending::<()>().await;
    }
}

#[cfg(test)]
mod tests;
