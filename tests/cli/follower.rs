//! A command that goes on until it is told to end.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::support::sandbox::{Sandbox, program};

const LONG: Duration = Duration::from_mins(1);

/// The command while it goes on, and who reads it.
pub(crate) struct Follower {
    child: Child,
    /// `None` once the reader went away.
    lines: Option<BufReader<ChildStdout>>,
    /// Dropped with it: until then the guard waits.
    _guard: Sender<()>,
}

impl Follower {
    /// The program with these arguments, in a home.
    pub(crate) fn start(home: &Sandbox, arguments: &[&str]) -> Self {
        let mut command = Command::new(program());
        command.args(arguments).env_clear().envs(home.variables().iter().cloned());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let lines = child.stdout.take().map(BufReader::new);
        let (guard, over) = channel();
        let process = Pid::from_child(&child);
        // Who waits for a line that never comes is not kept waiting.
        thread::spawn(move || {
            if over.recv_timeout(LONG) == Err(RecvTimeoutError::Timeout) {
                let _ = kill_process(process, Signal::KILL);
            }
        });
        Self { child, lines, _guard: guard }
    }

    /// The next line; the end of the answer is a failure of the test.
    pub(crate) fn line(&mut self) -> String {
        self.line_or("a line", &[])
    }

    fn line_or(&mut self, what: &str, before: &[String]) -> String {
        let mut line = String::new();
        let read = self.lines.as_mut().expect("a reader").read_line(&mut line).expect("text");
        let last = &before[before.len().saturating_sub(5)..];
        assert!(read > 0, "never came: {what}; the last of {}: {last:#?}; {}", before.len(), self.errors());
        line.trim_end().to_owned()
    }

    /// Lines until one is what is waited for.
    pub(crate) fn until(&mut self, what: &str, is: impl Fn(&str) -> bool) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        loop {
            all.push(self.line_or(what, &all));
            if all.last().is_some_and(|line| is(line)) {
                return all;
            }
        }
    }

    /// Nobody reads any more: how it ends then, and what it said about it.
    pub(crate) fn left_alone(mut self) -> (Option<i32>, String) {
        self.lines = None;
        let begun = Instant::now();
        while self.child.try_wait().expect("a child").is_none() {
            assert!(begun.elapsed() < LONG, "it goes on");
            std::thread::yield_now();
        }
        self.ended()
    }

    /// Sends a signal and answers how it ended, and what it said beside its answer.
    pub(crate) fn end(mut self, signal: Signal) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), signal).expect("it is there");
        self.ended()
    }

    fn ended(&mut self) -> (Option<i32>, String) {
        let errors = self.errors();
        (self.child.wait().expect("it ends").code(), errors)
    }

    fn errors(&mut self) -> String {
        let mut text = String::new();
        let _ = self.child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut text));
        text
    }
}

impl Drop for Follower {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
