//! Reading views: describe, explain, YAML, events, diff, problems, help.

use ratatui::layout::Rect;

use crate::app::document::{Content, Document, DocumentLine, LineKind};
use crate::app::overlay::{Reading, Source};
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::document::Document as View;
use crate::ui::widget::pane::{self, Pane};

/// Draws it over the whole area; answers how many lines are seen.
pub(super) fn draw(reading: &Reading, canvas: &mut Canvas<'_>, area: Rect) -> u16 {
    let document = &reading.document;
    canvas.clear(area, Role::Screen);
    let inner = pane::inner(area);
    let text = Rect { x: inner.x + 1, width: inner.width.saturating_sub(2), ..inner };
    let (seen, fits) = body(reading, canvas, text);
    let pane = Pane {
        number: None,
        title: Line::of(Role::TitleFocus, &*document.title),
        info: position(document, seen),
        foot: search(document),
        focused: true,
    };
    pane.draw(canvas, area);
    fits as u16
}

/// Draws the text. Answers how many lines are seen, and how many are when it is scrolled to its end.
fn body(reading: &Reading, canvas: &mut Canvas<'_>, text: Rect) -> (usize, usize) {
    let document = &reading.document;
    match &document.content {
        Content::Loading => {
            canvas.text(text.x, text.y, text.width, Role::Dim, "fetching …");
        }
        Content::Failed(why) => {
            let lines = Line::of(Role::Danger, format!("{} ", glyph::FAILED))
                .with(Role::Text, &**why)
                .wrap(usize::from(text.width), 8);
            for (line, y) in lines.iter().zip(text.y..text.bottom()) {
                canvas.line(text.x, y, text.width, line);
            }
        }
        Content::Lines(lines) => {
            let line = |index: usize| look(&lines[index]);
            let current = document.hits.iter().copied().rfind(|hit| *hit <= document.offset);
            let (offset, column, search) = (document.offset, document.column, &*document.search);
            // What is told in sentences is broken; YAML and comparisons keep their columns and scroll sideways.
            let wrap = column == 0 && matches!(reading.source, Source::Live(_) | Source::Record(_));
            let view = View { len: lines.len(), line: &line, offset, column, search, current, wrap };
            return (view.draw(canvas, text), view.fits(text));
        }
    }
    (0, usize::from(text.height))
}

fn position(document: &Document, seen: usize) -> Line<'static> {
    let len = document.body().len();
    if seen >= len {
        return Line::new();
    }
    Line::of(Role::Dim, format!("{}–{} of {len}", document.offset + 1, document.offset + seen))
}

fn search(document: &Document) -> Line<'_> {
    if document.search.is_empty() {
        return Line::new();
    }
    let found = match document.hit_position() {
        Some((at, of)) => format!(" {at} of {of}"),
        None => " not found".to_owned(),
    };
    Line::of(Role::Key, "/").with(Role::Key, &*document.search).with(Role::Text, found)
}

fn look(line: &DocumentLine) -> Line<'_> {
    let text = line.text.as_str();
    match line.kind {
        LineKind::Plain => Line::of(Role::Text, text),
        LineKind::Heading => Line::of(Role::DocHeading, text),
        LineKind::Field => field(text),
        LineKind::Good => Line::of(Role::Ok, text),
        LineKind::Warning => Line::of(Role::NoticeWarn, text),
        LineKind::Bad => Line::of(Role::Danger, text),
        LineKind::Unknown => Line::of(Role::Unknown, text),
        LineKind::Added => Line::of(Role::DiffAdded, text),
        LineKind::Removed => Line::of(Role::DiffRemoved, text),
        LineKind::Dim => Line::of(Role::Dim, text),
    }
}

/// `key: value`, the key in its colour; a line without a colon is all value.
fn field(text: &str) -> Line<'_> {
    let end = text.find(": ").map(|at| at + 1).or_else(|| text.ends_with(':').then_some(text.len()));
    match end {
        Some(end) => Line::of(Role::DocKey, &text[..end]).with(Role::DocValue, &text[end..]),
        None => Line::of(Role::DocValue, text),
    }
}
