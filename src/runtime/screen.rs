//! From a drawn buffer to bytes on the terminal: only what changed, and nothing at all when nothing did.
//!
//! Owns the two buffers and the order cells, cursor, flush. ratatui's own `Terminal` writes cursor sequences with every frame;
//! an idle console must send nothing (performance goals), so this does the same work with that one difference.

use std::io::{self, Write};

use crossterm::{
    QueueableCommand,
    clipboard::CopyToClipboard,
    cursor::{Hide, MoveTo, Show},
    style::{Attribute, SetAttribute},
    terminal::{BeginSynchronizedUpdate, Clear, ClearType, EndSynchronizedUpdate},
};
use ratatui::{
    backend::{Backend, CrosstermBackend},
    buffer::Buffer,
    layout::{Position, Rect},
};

/// Bytes that terminals take through OSC 52 (xterm's and tmux' bound is about this).
const COPY_MAX: usize = 74_000;

/// Draws frames onto a writer.
pub struct Screen<W: Write> {
    out: W,
    shown: Buffer,
    cursor: Option<Position>,
    /// The terminal's content is not what `shown` says: everything is sent.
    dirty: bool,
}

impl<W: Write> Screen<W> {
    /// A screen of a size whose terminal content is unknown.
    pub fn new(out: W, width: u16, height: u16) -> Self {
        Self { out, shown: Buffer::empty(Rect::new(0, 0, width, height)), cursor: None, dirty: true }
    }

    /// What the terminal shows of a size; a change of size clears.
    pub fn resize(&mut self, width: u16, height: u16) {
        self.shown = Buffer::empty(Rect::new(0, 0, width, height));
        self.dirty = true;
    }

    /// Sends everything with the next frame, whatever the terminal shows.
    pub fn invalidate(&mut self) {
        self.dirty = true;
    }

    /// The whole area.
    pub fn area(&self) -> Rect {
        self.shown.area
    }

    /// Puts text on the clipboard of the terminal's own machine (OSC 52): works over SSH where the terminal allows it. Answers
    /// what to tell the user. Terminals take about 100,000 bytes; more is refused rather than cut.
    pub fn copy(&mut self, text: &str) -> io::Result<String> {
        if text.len() > COPY_MAX {
            return Ok(format!("{} bytes are too many for a terminal's clipboard: save to a file instead", text.len()));
        }
        let mut bytes = Vec::with_capacity(text.len() * 4 / 3 + 16);
        bytes.queue(CopyToClipboard::to_clipboard_from(text))?;
        self.out.write_all(&bytes)?;
        self.out.flush()?;
        Ok(format!("copied {} characters (OSC 52)", text.chars().count()))
    }

    /// Sends the difference between what is shown and `next`. Returns the number of changed cells.
    pub fn show(&mut self, next: Buffer, cursor: Option<Position>) -> io::Result<usize> {
        if self.dirty || next.area != self.shown.area {
            self.shown = Buffer::empty(next.area);
        }
        let updates = self.shown.diff(&next);
        let changed = updates.len();
        if changed == 0 && cursor == self.cursor && !self.dirty {
            return Ok(0);
        }
        let mut frame = Vec::with_capacity(changed * 8 + 64);
        frame.queue(BeginSynchronizedUpdate)?;
        if self.dirty {
            frame.queue(SetAttribute(Attribute::Reset))?.queue(Clear(ClearType::All))?.queue(Hide)?;
        }
        if self.cursor.is_some() && changed > 0 {
            frame.queue(Hide)?;
        }
        CrosstermBackend::new(&mut frame).draw(updates.into_iter())?;
        if let Some(at) = cursor {
            frame.queue(MoveTo(at.x, at.y))?.queue(Show)?;
        } else if self.cursor.is_some() {
            frame.queue(Hide)?;
        }
        frame.queue(EndSynchronizedUpdate)?;
        self.out.write_all(&frame)?;
        self.out.flush()?;
        self.shown = next;
        self.cursor = cursor;
        self.dirty = false;
        Ok(changed)
    }
}

#[cfg(test)]
mod tests {
    use ratatui::{buffer::Buffer, layout::Rect, style::Style};

    use super::Screen;

    fn frame(text: &str) -> Buffer {
        let mut buffer = Buffer::empty(Rect::new(0, 0, 20, 2));
        buffer.set_string(0, 0, text, Style::new());
        buffer
    }

    #[test]
    fn a_frame_that_shows_the_same_sends_no_byte() {
        let mut bytes = Vec::new();
        let mut screen = Screen::new(&mut bytes, 20, 2);
        screen.show(frame("hello"), None).expect("a vector takes all bytes");
        screen.show(frame("hello"), None).expect("a vector takes all bytes");
        let changed = screen.show(frame("hallo"), None).expect("a vector takes all bytes");
        assert_eq!(changed, 1);
        let mut once = Vec::new();
        let mut screen = Screen::new(&mut once, 20, 2);
        screen.show(frame("hello"), None).expect("a vector takes all bytes");
        screen.show(frame("hallo"), None).expect("a vector takes all bytes");
        assert_eq!(bytes, once, "the repeated frame added nothing");
    }
}
