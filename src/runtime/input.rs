//! Keys, pastes and sizes from the terminal as the core's own words.
//!
//! Owns crossterm's event stream, and lets go of it entirely while a child has the terminal (two readers of one terminal
//! steal keys from each other).

use crossterm::event::{Event, EventStream, KeyCode, KeyEvent, KeyEventKind, KeyModifiers, MouseEventKind};
use futures_util::StreamExt;

use crate::keymap::{Code, Key};

/// Something that came from the terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    /// A key.
    Key(Key),
    /// Pasted text.
    Paste(String),
    /// The terminal's new size in columns and rows.
    Resize(u16, u16),
    /// The wheel, in rows; negative is up.
    Wheel(i16),
    /// A click at a column and row.
    Click(u16, u16),
    /// The terminal is gone.
    Closed,
}

/// The terminal's events, while they are ours.
pub struct InputStream {
    stream: Option<EventStream>,
}

impl InputStream {
    /// Begins to read.
    pub fn open() -> Self {
        Self { stream: Some(EventStream::new()) }
    }

    /// Lets go of the terminal, so that a child gets every key.
    pub fn release(&mut self) {
        self.stream = None;
    }

    /// Reads again.
    pub fn resume(&mut self) {
        self.stream = Some(EventStream::new());
    }

    /// The next event that means something; waits for ever while released.
    pub async fn next(&mut self) -> Input {
        let Some(stream) = &mut self.stream else { return std::future::pending().await };
        loop {
            if let Some(Ok(event)) = stream.next().await {
                if let Some(input) = translate(event) {
                    return input;
                }
            } else {
                self.stream = None;
                return Input::Closed;
            }
        }
    }
}

/// The core's word for a terminal event; `None` for what means nothing here.
pub fn translate(event: Event) -> Option<Input> {
    match event {
        Event::Key(key) if key.kind != KeyEventKind::Release => self::key(key).map(Input::Key),
        Event::Paste(text) => Some(Input::Paste(text)),
        Event::Resize(width, height) => Some(Input::Resize(width, height)),
        Event::Mouse(mouse) => match mouse.kind {
            MouseEventKind::ScrollDown => Some(Input::Wheel(3)),
            MouseEventKind::ScrollUp => Some(Input::Wheel(-3)),
            MouseEventKind::Down(_) => Some(Input::Click(mouse.column, mouse.row)),
            _ => None,
        },
        _ => None,
    }
}

fn key(event: KeyEvent) -> Option<Key> {
    let mut key = Key {
        code: Code::Esc,
        ctrl: event.modifiers.contains(KeyModifiers::CONTROL),
        alt: event.modifiers.contains(KeyModifiers::ALT),
        shift: event.modifiers.contains(KeyModifiers::SHIFT),
    };
    key.code = match event.code {
        KeyCode::Char(c) => {
            // A character's case says shift; with Control terminals disagree about the case, so it is folded.
            key.shift = false;
            Code::Char(if key.ctrl { c.to_ascii_lowercase() } else { c })
        }
        KeyCode::Enter => Code::Enter,
        KeyCode::Esc => Code::Esc,
        KeyCode::Tab => Code::Tab,
        KeyCode::BackTab => {
            key.shift = true;
            Code::Tab
        }
        KeyCode::Backspace => Code::Backspace,
        KeyCode::Delete => Code::Delete,
        KeyCode::Insert => Code::Insert,
        KeyCode::Left => Code::Left,
        KeyCode::Right => Code::Right,
        KeyCode::Up => Code::Up,
        KeyCode::Down => Code::Down,
        KeyCode::Home => Code::Home,
        KeyCode::End => Code::End,
        KeyCode::PageUp => Code::PageUp,
        KeyCode::PageDown => Code::PageDown,
        KeyCode::F(n) => Code::F(n),
        _ => return None,
    };
    Some(key)
}

#[cfg(test)]
mod tests {
    use crossterm::event::{Event, KeyCode, KeyEvent, KeyModifiers};

    use super::{Input, translate};

    #[test]
    fn keys_arrive_as_keymaps_write_them() {
        for (code, modifiers, text) in [
            (KeyCode::Char('G'), KeyModifiers::SHIFT, "G"),
            (KeyCode::Char('D'), KeyModifiers::CONTROL, "ctrl-d"),
            (KeyCode::BackTab, KeyModifiers::SHIFT, "shift-tab"),
            (KeyCode::Char(' '), KeyModifiers::NONE, "space"),
            (KeyCode::F(5), KeyModifiers::NONE, "f5"),
            (KeyCode::Char('x'), KeyModifiers::ALT, "alt-x"),
        ] {
            let input = translate(Event::Key(KeyEvent::new(code, modifiers)));
            assert_eq!(input, text.parse().ok().map(Input::Key), "{text}");
        }
    }
}
