//! The releases pane: revisions of the selected workload, the current one marked.

use ratatui::layout::Rect;

use crate::app::App;
use crate::base::age;
use crate::release::Revision;
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::pane::Pane;
use crate::ui::widget::table::{Column, Row, Rows, Slot, Table};

const COLUMNS: [Column; 6] = [
    Column::new("REV", 0, 3, 5).right(),
    Column::new("AGE", 1, 3, 5).right(),
    Column::new("VERSION", 0, 8, 24),
    Column::new("DIGEST", 4, 8, 14),
    Column::new("READY", 2, 5, 6),
    Column::new("CHANGE CAUSE, BY", 3, 10, 24).growing(1),
];

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
            cells: cells(revision, self.0.now),
            marked: self.0.releases.marks.contains(&revision.number),
        }
    }
}

fn cells(revision: &Revision, now: jiff::Timestamp) -> Vec<Line<'_>> {
    let at = revision.at.and_then(|s| jiff::Timestamp::from_second(s).ok());
    let digest = revision.images.first().and_then(|i| i.digest.as_deref());
    let ready = match (revision.replicas, revision.ready_once) {
        (n, _) if n > 0 => Line::of(Role::Text, format!("{}/{n}", revision.ready)),
        (_, Some(true)) => Line::of(Role::Ok, "was"),
        (_, Some(false)) => Line::of(Role::Down, "never"),
        (_, None) => Line::of(Role::Unknown, "?"),
    };
    let cause = match (&revision.cause, revision.by.text()) {
        (Some(cause), Some(by)) if *by != **cause => format!("{cause}, {by}"),
        (Some(cause), _) => cause.to_string(),
        (None, Some(by)) => by,
        (None, None) => "by unknown".to_owned(),
    };
    vec![
        Line::of(if revision.current { Role::Strong } else { Role::Text }, revision.number.to_string()),
        at.map_or_else(|| Line::of(Role::Unknown, "?"), |at| Line::of(Role::Dim, age::coarse(at, now))),
        Line::of(Role::Text, revision.version().unwrap_or_default()),
        Line::of(Role::Dim, digest.map(crate::fleet::image::short_digest).unwrap_or_default()),
        ready,
        Line::of(Role::Dim, cause),
    ]
}
