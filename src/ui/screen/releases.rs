//! The releases pane: revisions of the selected workload, the current one marked.

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::releases::Revision;
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::pane::Pane;
use crate::ui::widget::table::{Column, Row, Rows, Slot, Table};

const COLUMNS: [Column; 1] = [Column::new("REVISION", 0, 10, 20).growing(1)];

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, focused: bool) -> Rect {
    let mut title = Line::of(if focused { Role::TitleFocus } else { Role::Title }, "Releases");
    if let Some(key) = &app.releases.workload {
        title = title.with(Role::Text, "  ").with(Role::Text, &*key.name);
    }
    let pane = Pane { number: Some(3), title, info: Line::new(), foot: foot(app), focused };
    let inner = pane.draw(canvas, area);
    let revisions = &app.releases.revisions;
    let table = Table {
        columns: &COLUMNS,
        rows: &Revisions(app),
        selected: (!revisions.is_empty()).then_some(app.releases.list.selected),
        offset: app.releases.list.offset,
        focused,
        head: false,
        empty: Line::of(Role::Dim, "No revisions are known."),
    };
    table.draw(canvas, inner);
    inner
}

/// `revision 12 of 3`.
pub(super) fn summary(app: &App) -> Line<'static> {
    let current = app.releases.revisions.iter().find(|r| r.current);
    match current {
        Some(revision) => Line::of(Role::Text, format!("revision {}", revision.number)),
        None => Line::of(Role::Dim, "none known"),
    }
}

fn foot(app: &App) -> Line<'static> {
    match app.releases.marks.len() {
        0 => Line::new(),
        marks => Line::of(Role::Mark, format!("{marks} marked")),
    }
}

struct Revisions<'a>(&'a App);

impl Rows for Revisions<'_> {
    fn len(&self) -> usize {
        self.0.releases.revisions.len()
    }

    fn row(&self, index: usize, _: &[Slot]) -> Row<'_> {
        let revision: &Revision = &self.0.releases.revisions[index];
        let mark = if revision.current { glyph::CURRENT } else { " " };
        Row {
            lead: Line::of(Role::Ok, mark).with(Role::Text, " "),
            cells: vec![Line::of(Role::Text, format!("revision {}", revision.number))],
            marked: self.0.releases.marks.contains(&revision.number),
        }
    }
}
