//! The stations of a recording as one picture that moves from one to the next.
//!
//! Owns the drawing of cells: colours, weights, and places that do not depend on the width of a font.

use std::fmt::Write;

use vt100::{Cell, Color, Parser};

use super::cast::Cast;
use crate::support::screen::Surprises;

/// Width and height of a cell.
const CELL: (f64, f64) = (8.4, 17.0);
/// Around the screen.
const EDGE: f64 = 12.0;
/// Seconds that a station is shown.
const SHOWN: usize = 4;
const PAPER: &str = "#14161b";
const INK: &str = "#d7dae0";
/// The first sixteen colours.
const COLOURS: [u32; 16] = [
    0x14_161b, 0xe0_6c75, 0x98_c379, 0xe5_c07b, 0x61_afef, 0xc6_78dd, 0x56_b6c2, 0xd7_dae0, 0x7f_848e, 0xff_7b85, 0xb5_e890, 0xff_d68a, 0x82_c4ff,
    0xdd_9af0, 0x7f_d7e0, 0xff_ffff,
];

/// All stations, one after the other.
pub(super) fn stations(cast: &Cast) -> String {
    let mut frames: Vec<String> = Vec::new();
    cast.stations(|name, parser| frames.push(format!("<title>{}</title>\n{}", escaped(name), frame(parser))));
    let size = |cells: u16, cell: f64| f64::from(cells) * cell + 2.0 * EDGE;
    let (width, height) = (size(cast.size.0, CELL.0), size(cast.size.1, CELL.1));
    let total = frames.len() * SHOWN;
    let share = 100.0 / frames.len().max(1) as f64;
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width:.0} {height:.0}\" font-family=\"ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace\" font-size=\"14\">\n\
         <style>text{{white-space:pre}}.b{{font-weight:bold}}.i{{font-style:italic}}.u{{text-decoration:underline}}.d{{opacity:.65}}\
         .f{{visibility:hidden;animation:f {total}s step-end infinite}}@keyframes f{{0%{{visibility:visible}}{share:.2}%{{visibility:hidden}}}}\
         @media(prefers-reduced-motion){{.f{{animation:none}}.f:nth-of-type(2){{visibility:visible}}}}</style>\n\
         <rect width=\"100%\" height=\"100%\" rx=\"8\" fill=\"{PAPER}\"/>\n"
    );
    for (index, frame) in frames.iter().enumerate() {
        writeln!(out, "<g class=\"f\" style=\"animation-delay:{}s\">{frame}</g>", index * SHOWN).expect("text");
    }
    out + "</svg>\n"
}

/// How a cell is drawn.
#[derive(PartialEq, Clone)]
struct Style {
    ink: String,
    paper: Option<String>,
    class: String,
}

fn frame(parser: &Parser<Surprises>) -> String {
    let screen = parser.screen();
    let (rows, columns) = screen.size();
    let mut out = String::new();
    for row in 0..rows.get() {
        let mut runs: Vec<(u16, u16, Style, String)> = Vec::new();
        for column in 0..columns.get() {
            let Some(cell) = screen.cell(row, column).filter(|cell| !cell.is_wide_continuation()) else { continue };
            let style = style(cell);
            let text = if cell.has_contents() { cell.contents() } else { " " };
            let cells = if cell.is_wide() { 2 } else { 1 };
            match runs.last_mut() {
                Some((_, length, same, all)) if *same == style => {
                    *length += cells;
                    all.push_str(text);
                }
                _ => runs.push((column, cells, style, text.to_owned())),
            }
        }
        for (column, cells, style, text) in runs {
            let (x, y) = (EDGE + f64::from(column) * CELL.0, EDGE + f64::from(row) * CELL.1);
            let width = f64::from(cells) * CELL.0;
            if let Some(paper) = &style.paper {
                writeln!(out, "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{}\" fill=\"{paper}\"/>", CELL.1).expect("text");
            }
            let shown = text.trim();
            if !shown.is_empty() {
                // Blanks are places and not text: a viewer may do with them what it likes.
                let blanks = (text.len() - text.trim_start().len(), text.len() - text.trim_end().len());
                let x = x + blanks.0 as f64 * CELL.0;
                let width = width - (blanks.0 + blanks.1) as f64 * CELL.0;
                let class = if style.class.is_empty() { String::new() } else { format!(" class=\"{}\"", style.class) };
                let baseline = y + 13.0;
                writeln!(
                    out,
                    "<text x=\"{x:.1}\" y=\"{baseline:.1}\" textLength=\"{width:.1}\" lengthAdjust=\"spacingAndGlyphs\" fill=\"{}\"{class}>{}</text>",
                    style.ink,
                    escaped(shown)
                )
                .expect("text");
            }
        }
    }
    out
}

fn style(cell: &Cell) -> Style {
    let (mut ink, mut paper) = (colour(cell.fgcolor()), colour(cell.bgcolor()));
    if cell.inverse() {
        (ink, paper) = (paper.or_else(|| Some(PAPER.to_owned())), ink.or_else(|| Some(INK.to_owned())));
    }
    let classes = [("b", cell.bold()), ("i", cell.italic()), ("u", cell.underline()), ("d", cell.dim())];
    let class = classes.iter().filter(|(_, is)| *is).map(|(name, _)| *name).collect::<Vec<_>>().join(" ");
    Style { ink: ink.unwrap_or_else(|| INK.to_owned()), paper, class }
}

/// A colour of the terminal; `None` = its own.
fn colour(colour: Color) -> Option<String> {
    let number = match colour {
        Color::Default => return None,
        Color::Rgb(red, green, blue) => u32::from_be_bytes([0, red, green, blue]),
        Color::Idx(index @ 0..=15) => COLOURS[usize::from(index)],
        Color::Idx(index @ 16..=231) => {
            let level = |step: u8| if step == 0 { 0 } else { 55 + 40 * u32::from(step) };
            let cube = index - 16;
            (level(cube / 36) << 16) | (level(cube / 6 % 6) << 8) | level(cube % 6)
        }
        Color::Idx(index) => (8 + 10 * (u32::from(index) - 232)) * 0x01_0101,
    };
    Some(format!("#{number:06x}"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
