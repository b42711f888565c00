//! What an emulated terminal shows at one moment, and what arrived that a plain terminal would not understand.

use std::num::NonZeroU16;

use vt100::{Callbacks, Parser};

/// Size of a terminal.
pub(crate) type Size = (u16, u16);

/// Collects what the emulator did not know and what it was asked to do besides drawing.
#[derive(Debug, Default, Clone)]
pub(crate) struct Surprises {
    /// Escape sequences that the emulator does not implement, as text.
    pub(crate) unknown: Vec<String>,
    /// Contents put on the clipboard by OSC 52, still in base64.
    pub(crate) clipboard: Vec<String>,
    /// Titles that the window was given.
    pub(crate) titles: Vec<String>,
}

impl Callbacks for Surprises {
    fn copy_to_clipboard(&mut self, _: &mut vt100::Screen, _: &[u8], data: &[u8]) {
        self.clipboard.push(String::from_utf8_lossy(data).into_owned());
    }

    fn set_window_title(&mut self, _: &mut vt100::Screen, title: &[u8]) {
        self.titles.push(String::from_utf8_lossy(title).into_owned());
    }

    fn unhandled_escape(&mut self, _: &mut vt100::Screen, first: Option<u8>, _: Option<u8>, last: u8) {
        self.unknown.push(format!("ESC {}{}", first.map(char::from).unwrap_or_default(), char::from(last)));
    }

    fn unhandled_csi(&mut self, _: &mut vt100::Screen, first: Option<u8>, _: Option<u8>, parameters: &[&[u16]], last: char) {
        let numbers: Vec<String> = parameters.iter().flat_map(|group| group.iter()).map(u16::to_string).collect();
        self.unknown.push(format!("CSI {}{}{last}", first.map(char::from).unwrap_or_default(), numbers.join(";")));
    }

    fn unhandled_osc(&mut self, _: &mut vt100::Screen, parameters: &[&[u8]]) {
        let words: Vec<String> = parameters.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        self.unknown.push(format!("OSC {}", words.join(";")));
    }
}

/// An emulator of a terminal of that size (columns, rows).
pub(crate) fn emulator((columns, rows): Size) -> Parser<Surprises> {
    Parser::new_with_callbacks(at_least_one(rows), at_least_one(columns), 0, Surprises::default())
}

/// A terminal's side is never zero.
pub(crate) fn at_least_one(side: u16) -> NonZeroU16 {
    NonZeroU16::new(side).unwrap_or(NonZeroU16::MIN)
}

/// A picture of the screen.
#[derive(Debug, Clone)]
pub(crate) struct Screen {
    /// The rows as text, trailing blanks cut.
    pub(crate) rows: Vec<String>,
    /// Whether the alternate screen is shown.
    pub(crate) alternate: bool,
    /// Whether the cursor is visible.
    pub(crate) cursor: bool,
    /// Whether pastes are bracketed or the mouse is reported.
    pub(crate) modes: bool,
    /// Whether any cell has a colour of its own.
    pub(crate) coloured: bool,
}

impl Screen {
    /// Takes the picture.
    pub(crate) fn of(parser: &Parser<Surprises>) -> Self {
        let screen = parser.screen();
        let (rows, columns) = screen.size();
        let cells = (0..rows.get()).flat_map(|row| (0..columns.get()).map(move |column| (row, column)));
        let coloured = |(row, column)| {
            screen
                .cell(row, column)
                .is_some_and(|cell| cell.fgcolor() != vt100::Color::Default || cell.bgcolor() != vt100::Color::Default)
        };
        Self {
            rows: screen.rows(0, columns.get()).map(|row| row.trim_end().to_owned()).collect(),
            alternate: screen.alternate_screen(),
            cursor: !screen.hide_cursor(),
            modes: screen.bracketed_paste() || screen.mouse_protocol_mode() != vt100::MouseProtocolMode::None,
            coloured: cells.into_iter().any(coloured),
        }
    }

    /// Whether any row contains the text.
    pub(crate) fn has(&self, text: &str) -> bool {
        self.rows.iter().any(|row| row.contains(text))
    }

    /// Whether one row contains every one of the texts.
    pub(crate) fn has_row(&self, texts: &[&str]) -> bool {
        self.row(texts).is_some()
    }

    /// The first row that contains every one of the texts.
    pub(crate) fn row(&self, texts: &[&str]) -> Option<&str> {
        self.rows.iter().find(|row| texts.iter().all(|text| row.contains(text))).map(String::as_str)
    }

    /// The whole screen in a frame, for messages.
    pub(crate) fn dump(&self) -> String {
        let rows: Vec<String> = self.rows.iter().map(|row| format!("  |{row}")).collect();
        rows.join("\n")
    }
}
