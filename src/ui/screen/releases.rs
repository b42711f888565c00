//! The releases pane: revisions of the selected workload, the current one marked.

use ratatui::layout::Rect;

use crate::app::App;
use crate::base::age;
use crate::release::{BackVerdict, Revision};
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::pane::Pane;
use crate::ui::widget::table::{Column, Row, Rows, Slot, Table};

const COLUMNS: [Column; 6] = [
    Column::new("REV", 0, 4, 6),
    Column::new("VERSION", 0, 8, 12),
    Column::new("AGE", 1, 4, 4).right(),
    Column::new("READY", 2, 5, 5),
    Column::new("DIGEST", 5, 12, 12),
    Column::new("CHANGE CAUSE, BY", 3, 16, 24).growing(1),
];

/// Where the migrations of the workload are declared, the verdict on each revision is told instead of its digest.
const JUDGED: [Column; 6] = [
    Column::new("REV", 0, 4, 6),
    Column::new("VERSION", 0, 8, 12),
    Column::new("AGE", 1, 4, 4).right(),
    Column::new("READY", 2, 5, 5),
    Column::new("BACK", 1, 10, 15),
    Column::new("CHANGE CAUSE, BY", 3, 16, 24).growing(1),
];

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, focused: bool) -> Rect {
    let mut title = Line::of(if focused { Role::TitleFocus } else { Role::Title }, "Releases");
    if let Some(key) = &app.releases.workload {
        title = title.with(Role::Text, "  ").with(Role::Text, &*key.name);
    }
    let pane = Pane { number: Some(3), title, info: Line::new(), foot: foot(app), focused };
    let inner = pane.draw(canvas, area);
    let revisions = &app.releases.revisions;
    let judged = app.releases.workload.as_ref().is_some_and(|key| app.schema.is_about(key));
    let table = Table {
        columns: if judged { &JUDGED } else { &COLUMNS },
        rows: &Revisions(app),
        selected: (!revisions.is_empty()).then_some(app.releases.list.selected),
        offset: app.releases.list.offset,
        focused,
        head: true,
        empty: Line::of(Role::Dim, "No revisions are known."),
    };
    table.draw(canvas, inner);
    inner
}

/// `eterna-rules-backend v1.8.3, revision 12`.
pub(super) fn summary(app: &App) -> Line<'static> {
    let name = app.releases.workload.as_ref().map(|key| format!("{} ", key.name)).unwrap_or_default();
    let Some(current) = app.releases.revisions.iter().find(|r| r.current) else { return Line::of(Role::Dim, "none known") };
    let version = current.version().map(|v| format!("{v}, ")).unwrap_or_default();
    Line::of(Role::Text, format!("{name}{version}revision {}", current.number))
}

/// How a verdict looks.
pub(super) const fn verdict_role(verdict: BackVerdict) -> Role {
    match verdict {
        BackVerdict::Safe => Role::Ok,
        BackVerdict::NeedsDowngrade | BackVerdict::LosesData => Role::Near,
        BackVerdict::Impossible => Role::Down,
        BackVerdict::Unknown => Role::Unknown,
    }
}

/// What is marked; else the way back of this workload, with what is not known about it.
fn foot(app: &App) -> Line<'static> {
    let marks = app.releases.marks.len();
    if marks > 0 {
        return Line::of(Role::Mark, format!("{marks} marked"));
    }
    let back = app.answers.back.as_ref().filter(|back| app.releases.workload.as_deref() == Some(&back.workload));
    back.map(|back| Line::of(Role::Label, "back ").with(Role::Dim, back.text())).unwrap_or_default()
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
            cells: cells(self.0, revision),
            marked: self.0.releases.marks.contains(&revision.number),
        }
    }
}

fn cells<'a>(app: &'a App, revision: &'a Revision) -> Vec<Line<'a>> {
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
    let digest = digest.and_then(|d| d.rsplit(':').next()).map(|hex| hex.get(..12).unwrap_or(hex)).unwrap_or_default();
    let role = if revision.current { Role::Strong } else { Role::Text };
    let judged = app.releases.workload.as_ref().is_some_and(|key| app.schema.is_about(key));
    let fifth = match app.releases.verdict(revision.number) {
        Some(judged) => Line::of(verdict_role(judged.verdict), judged.verdict.text()),
        None if judged => Line::of(Role::Dim, "runs"),
        None => Line::of(Role::Dim, digest),
    };
    vec![
        Line::of(role, revision.number.to_string()),
        Line::of(role, revision.version().unwrap_or_default()),
        at.map_or_else(|| Line::of(Role::Unknown, "?"), |at| Line::of(Role::Dim, age::coarse(at, app.now))),
        ready,
        fifth,
        Line::of(Role::Dim, cause),
    ]
}
