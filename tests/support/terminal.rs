//! The program in a real terminal: a pty with an emulator behind it.
//!
//! Tests press keys and wait for what the emulated screen must show. They wait for predicates with a deadline, never for a time,
//! and a wait that fails prints the screen.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};
use rustix::process::{Pid, Signal, kill_process};
use vt100::Parser;

use super::sandbox::{Sandbox, program};
use super::screen::{Screen, Size, Surprises, at_least_one, emulator};

/// How long a test waits for something before it calls it broken. Generous: machines are busy, and only failures wait this long.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// What a program writes behind each frame that a terminal shall show at once.
const END_OF_FRAME: &str = "CSI ?2026l";

/// What the reading thread and the test share.
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    parser: Parser<Surprises>,
    /// Bytes that the program has written so far.
    bytes: usize,
    /// When the first of them came.
    first: Option<Instant>,
    /// When the last of them came.
    last: Instant,
    /// Whether the other end was closed.
    closed: bool,
    /// What happened and when, where it is recorded.
    tape: Option<Vec<(Duration, Piece)>>,
}

/// A piece of a recording.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Piece {
    /// The program wrote this.
    Output(Vec<u8>),
    /// Somebody put a mark here.
    Mark(String),
}

/// A running program and its terminal.
pub(crate) struct Terminal {
    shared: Arc<Shared>,
    master: Box<dyn MasterPty + Send>,
    writer: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    started: Instant,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum End {
    /// With an exit code.
    Code(u32),
    /// By a signal, in the system's own words.
    Signal(String),
}

impl Terminal {
    /// The program under test in a terminal of `size` (columns, rows).
    pub(crate) fn start(sandbox: &Sandbox, size: Size, arguments: &[&str]) -> Self {
        Self::start_other(&program(), sandbox, size, arguments)
    }

    /// The same, with everything that is drawn kept for [`Self::tape`].
    pub(crate) fn start_recorded(sandbox: &Sandbox, size: Size, arguments: &[&str]) -> Self {
        Self::start_with(&program(), sandbox, size, arguments, Some(Vec::new()))
    }

    /// Any program: a shell around the one under test, for instance.
    pub(crate) fn start_other(program: &Path, sandbox: &Sandbox, size: Size, arguments: &[&str]) -> Self {
        Self::start_with(program, sandbox, size, arguments, None)
    }

    fn start_with(program: &Path, sandbox: &Sandbox, size: Size, arguments: &[&str], tape: Option<Vec<(Duration, Piece)>>) -> Self {
        let pair = native_pty_system().openpty(pty_size(size)).expect("a pty");
        let mut command = CommandBuilder::new(program);
        command.args(arguments);
        command.env_clear();
        for (name, value) in sandbox.variables() {
            command.env(name, value);
        }
        command.cwd(sandbox.path(""));
        let started = Instant::now();
        let child = pair.slave.spawn_command(command).unwrap_or_else(|error| panic!("{}: {error}", program.display()));
        drop(pair.slave);
        let state = State { parser: emulator(size), bytes: 0, first: None, last: started, closed: false, tape };
        let shared = Arc::new(Shared { state: Mutex::new(state), changed: Condvar::new() });
        let reader = pair.master.try_clone_reader().expect("the pty's reading end");
        thread::spawn({
            let shared = Arc::clone(&shared);
            move || shared.read(reader, started)
        });
        let writer = pair.master.take_writer().expect("the pty's writing end");
        Self { shared, master: pair.master, writer, child, started }
    }

    /// Presses keys, separated by blanks: `a s 5 enter`, `ctrl-c`, `esc`, `space`, `up`.
    ///
    /// A terminal cannot tell Escape from the beginning of Alt and a key but by what comes right behind it, so after Escape this
    /// waits for the program's answer, for half a second at most, as a hand does.
    pub(crate) fn press(&mut self, keys: &str) {
        let mut keys = keys.split(' ').peekable();
        while let Some(key) = keys.next() {
            let before = self.shared.lock().bytes;
            self.send(&key_bytes(key));
            if key == "esc" && keys.peek().is_some() {
                self.wait_answer(before, Duration::from_millis(500));
            }
        }
    }

    fn wait_answer(&self, before: usize, patience: Duration) {
        let until = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.bytes == before && !state.closed && Instant::now() < until {
            let left = until.saturating_duration_since(Instant::now());
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Types a text as it is.
    pub(crate) fn type_text(&mut self, text: &str) {
        self.send(text.as_bytes());
    }

    /// Pastes a text, as a terminal does that was asked to say so.
    pub(crate) fn paste(&mut self, text: &str) {
        self.send(format!("\x1b[200~{text}\x1b[201~").as_bytes());
    }

    fn send(&mut self, bytes: &[u8]) {
        let sent = self.writer.write_all(bytes).and_then(|()| self.writer.flush());
        sent.unwrap_or_else(|error| panic!("the terminal takes no keys any more: {error}\n{}", self.screen().dump()));
    }

    /// What is on the screen now.
    pub(crate) fn screen(&self) -> Screen {
        Screen::of(&self.shared.lock().parser)
    }

    /// The same as [`Self::wait_at_most`] for screens that are whole: the program says where each frame ends. A recording gets a mark
    /// of that name there.
    pub(crate) fn wait_whole(&self, patience: Duration, what: &str, holds: impl Fn(&Screen) -> bool) -> Result<Screen, String> {
        let until = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            let whole = state.parser.callbacks().unknown.last().is_some_and(|last| last == END_OF_FRAME);
            let screen = Screen::of(&state.parser);
            if whole && holds(&screen) {
                if let Some(tape) = &mut state.tape {
                    tape.push((self.started.elapsed(), Piece::Mark(what.to_owned())));
                }
                return Ok(screen);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                return Err(format!("there is no whole frame of it that {what}. The screen:\n{}", screen.dump()));
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// The recording so far: pieces with their time since the start.
    pub(crate) fn tape(&self) -> Vec<(Duration, Piece)> {
        self.shared.lock().tape.clone().unwrap_or_default()
    }

    /// What arrived that a plain terminal would not understand.
    pub(crate) fn surprises(&self) -> Surprises {
        self.shared.lock().parser.callbacks().clone()
    }

    /// Waits until the screen shows what it must; fails with the screen as it was last.
    pub(crate) fn wait(&self, what: &str, holds: impl Fn(&Screen) -> bool) -> Screen {
        self.wait_at_most(PATIENCE, what, holds).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until a text is on the screen.
    pub(crate) fn wait_for(&self, text: &str) -> Screen {
        self.wait(&format!("'{text}' is on the screen"), |screen| screen.has(text))
    }

    /// Waits until a text is no longer on the screen.
    pub(crate) fn wait_gone(&self, text: &str) -> Screen {
        self.wait(&format!("'{text}' is gone from the screen"), |screen| !screen.has(text))
    }

    /// The same as [`Self::wait`] with a deadline of one's own, and the failure as a value.
    pub(crate) fn wait_at_most(&self, patience: Duration, what: &str, holds: impl Fn(&Screen) -> bool) -> Result<Screen, String> {
        let until = Instant::now() + patience;
        let mut state = self.shared.lock();
        loop {
            let screen = Screen::of(&state.parser);
            if holds(&screen) {
                return Ok(screen);
            }
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() || state.closed {
                let why = if state.closed {
                    "the program ended before".to_owned()
                } else {
                    format!("after {} s it is still not so that", patience.as_secs())
                };
                return Err(format!("{why} {what}. The screen:\n{}", screen.dump()));
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Waits until the program has written nothing for `silence`, and says how many bytes it has written so far.
    pub(crate) fn wait_silent(&self, silence: Duration) -> usize {
        let until = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        loop {
            let quiet = state.last.elapsed();
            if quiet >= silence || state.closed {
                return state.bytes;
            }
            assert!(Instant::now() < until, "the program never stops writing:\n{}", Screen::of(&state.parser).dump());
            state = self
                .shared
                .changed
                .wait_timeout(state, silence.saturating_sub(quiet))
                .unwrap_or_else(PoisonError::into_inner)
                .0;
        }
    }

    /// Watches for that long and says how many bytes the program wrote meanwhile.
    pub(crate) fn bytes_written_during(&self, span: Duration) -> usize {
        let until = Instant::now() + span;
        let mut state = self.shared.lock();
        let before = state.bytes;
        while let Some(left) = until.checked_duration_since(Instant::now()).filter(|left| !left.is_zero()) {
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.bytes - before
    }

    /// How long ago the program was started.
    pub(crate) fn since_start(&self) -> Duration {
        self.started.elapsed()
    }

    /// When its first byte came, counted from the start.
    pub(crate) fn first_byte(&self) -> Duration {
        self.shared.lock().first.map_or(Duration::MAX, |first| first.duration_since(self.started))
    }

    /// Presses one key and says how long the first byte of the answer took; the whole [`PATIENCE`] when none came.
    pub(crate) fn time_key(&mut self, key: &str) -> Duration {
        let before = self.wait_silent(Duration::from_millis(30));
        let pressed = Instant::now();
        self.press(key);
        let mut state = self.shared.lock();
        while state.bytes == before && !state.closed && pressed.elapsed() < PATIENCE {
            state = self.shared.changed.wait_timeout(state, PATIENCE).unwrap_or_else(PoisonError::into_inner).0;
        }
        state.last.saturating_duration_since(pressed)
    }

    /// Changes the terminal's size, as a window manager does.
    pub(crate) fn resize(&self, size: Size) {
        self.shared.lock().parser.set_size(at_least_one(size.1), at_least_one(size.0));
        self.master.resize(pty_size(size)).expect("the pty takes a size");
    }

    /// The program's process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.process_id().expect("a process id")
    }

    /// Sends a signal to the program.
    pub(crate) fn signal(&self, signal: Signal) {
        let pid = Pid::from_raw(i32::try_from(self.id()).expect("a process id")).expect("a process id");
        kill_process(pid, signal).expect("the program is there to be signalled");
    }

    /// Whether the terminal echoes and edits lines: what a shell finds when the program is gone.
    pub(crate) fn is_cooked(&self) -> bool {
        self.master.get_termios().is_some_and(|settings| {
            // Compared as text: the type belongs to a crate that is none of ours.
            let flags = format!("{:?}", settings.local_flags);
            flags.contains("ICANON") && flags.contains("ECHO")
        })
    }

    /// Waits for the end of the program.
    pub(crate) fn wait_end(&mut self) -> End {
        let until = Instant::now() + PATIENCE;
        let mut state = self.shared.lock();
        while !state.closed {
            let left = until.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "the program has not ended:\n{}", Screen::of(&state.parser).dump());
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        drop(state);
        let status = self.child.wait().expect("the program ended");
        status.signal().map_or_else(|| End::Code(status.exit_code()), |signal| End::Signal(signal.to_owned()))
    }

    /// Waits for the end and fails unless the terminal is as it was before the program took it.
    pub(crate) fn wait_restored(&mut self) -> End {
        let end = self.wait_end();
        let screen = self.screen();
        assert!(!screen.alternate, "the alternate screen was not left:\n{}", screen.dump());
        assert!(screen.cursor, "the cursor stayed hidden:\n{}", screen.dump());
        assert!(!screen.modes, "paste or mouse reporting stayed on:\n{}", screen.dump());
        assert!(self.is_cooked(), "the terminal stayed raw");
        end
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // A test that fails leaves its program running otherwise. An error means that it has ended.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Feeds the emulator until the other end is closed.
    fn read(&self, mut reader: Box<dyn Read + Send>, started: Instant) {
        let mut buffer = vec![0u8; 65_536];
        loop {
            let read = reader.read(&mut buffer).unwrap_or(0);
            let now = Instant::now();
            let mut state = self.lock();
            state.parser.process(&buffer[..read]);
            if let Some(tape) = &mut state.tape {
                tape.push((now.duration_since(started), Piece::Output(buffer[..read].to_vec())));
            }
            state.bytes += read;
            state.last = now;
            if read > 0 {
                state.first.get_or_insert(now);
            }
            state.closed |= read == 0;
            self.changed.notify_all();
            if read == 0 {
                return;
            }
        }
    }
}

fn pty_size((columns, rows): Size) -> PtySize {
    PtySize { rows, cols: columns, pixel_width: 0, pixel_height: 0 }
}

/// The bytes that a terminal sends for a key.
fn key_bytes(key: &str) -> Vec<u8> {
    let named: &[u8] = match key {
        "enter" => b"\r",
        "esc" => b"\x1b",
        "tab" => b"\t",
        "space" => b" ",
        "backspace" => b"\x7f",
        "up" => b"\x1b[A",
        "down" => b"\x1b[B",
        "right" => b"\x1b[C",
        "left" => b"\x1b[D",
        "home" => b"\x1b[H",
        "end" => b"\x1b[F",
        "page-up" => b"\x1b[5~",
        "page-down" => b"\x1b[6~",
        "shift-tab" => b"\x1b[Z",
        "f2" => b"\x1bOQ",
        _ => b"",
    };
    if !named.is_empty() {
        return named.to_vec();
    }
    match key.strip_prefix("ctrl-").and_then(|letter| letter.bytes().next()) {
        Some(letter) => vec![letter & 0x1f],
        None => key.as_bytes().to_vec(),
    }
}
