//! The workloads pane: a tree of workloads, pods and containers, with the reason on the row of whatever is not ok.
//!
//! Owns its columns and how each kind of row fills them.

mod cells;

use ratatui::layout::Rect;

use crate::app::App;
use crate::app::workloads::{RowId, SortBy};
use crate::base::health::Health;
use crate::fleet::Paint;
use crate::target::model::Kind;
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::pane::Pane;
use crate::ui::widget::table::{Column, Row, Rows, Slot, Table};

/// Places of the columns.
const READY: usize = 1;
const STATUS: usize = 2;
const RESTARTS: usize = 3;
const AGE: usize = 4;
const RELEASE: usize = 5;
const CPU: usize = 6;
const MEMORY: usize = 7;
const NODE: usize = 8;
const ENDPOINTS: usize = 9;
const SCALING: usize = 10;
const DIGEST: usize = 11;
const COLUMNS: usize = 12;

fn columns(app: &App) -> [Column; COLUMNS] {
    let mut columns = [
        Column::new("NAME", 0, 24, 34).growing(1).cut_start(),
        Column::new("READY", 1, 5, 5),
        Column::new("STATUS", 2, 18, 30).growing(3),
        Column::new("RST", 4, 4, 4).right(),
        Column::new("AGE", 3, 4, 4).right(),
        Column::new("RELEASE", 5, 8, 16),
        Column::new("CPU", 6, 5, 5).right(),
        Column::new("MEM", 7, 5, 5).right(),
        Column::new("NODE", 8, 8, 14).cut_start(),
        Column::new("ENDP", 9, 5, 5),
        Column::new("HPA", 10, 6, 9),
        Column::new("DIGEST", 11, 12, 12),
    ];
    let sorted = match app.workloads.sort {
        SortBy::Health => STATUS,
        SortBy::Name => 0,
        SortBy::Ready => READY,
        SortBy::Restarts => RESTARTS,
        SortBy::Cpu => CPU,
        SortBy::Memory => MEMORY,
        SortBy::Release => RELEASE,
        SortBy::Age => AGE,
    };
    // The arrow is about what is on top: most restarts, most CPU, worst health and youngest come first by themselves.
    let descending = matches!(app.workloads.sort, SortBy::Health | SortBy::Restarts | SortBy::Cpu | SortBy::Memory);
    columns[sorted].sorted = Some(descending != app.workloads.reversed);
    columns
}

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, focused: bool) -> Rect {
    let pane = Pane {
        number: Some(1),
        title: Line::of(if focused { Role::TitleFocus } else { Role::Title }, "Workloads"),
        info: info(app),
        foot: foot(app),
        focused,
    };
    let inner = pane.draw(canvas, area);
    let rows = &app.workloads;
    if rows.rows.is_empty()
        && !rows.has_filter()
        && let Some(paint) = first_paint(app)
    {
        draw_paint(paint, canvas, inner);
        return inner;
    }
    let columns = columns(app);
    let table = Table {
        columns: &columns,
        rows: &Tree(app),
        selected: (!rows.rows.is_empty()).then_some(rows.list.selected),
        offset: rows.list.offset,
        focused,
        head: true,
        empty: empty(app),
    };
    table.draw(canvas, inner);
    Rect { height: inner.height.saturating_sub(1), ..inner }
}

/// One line for narrow screens: `12 ok, 1 degraded, 1 down`.
pub(super) fn summary(app: &App) -> Line<'static> {
    counts(app)
}

/// How many workloads there are of each health, the worst first; good ones are told only when there are no others.
fn counts(app: &App) -> Line<'static> {
    let mut line = Line::new();
    for health in [Health::Down, Health::Degraded, Health::Unknown, Health::Ok, Health::Off] {
        let count = app.fleet.rows().filter(|row| row.health == health).count();
        if count > 0 {
            line.push(Role::Dim, if line.is_empty() { "" } else { ", " });
            line.push(glyph::health_role(health), format!("{count} {}", health.word()));
        }
    }
    line
}

fn info(app: &App) -> Line<'static> {
    let line = counts(app);
    if app.workloads.has_filter() {
        let shown = app.workloads.rows.iter().filter(|row| row.depth == 0).count();
        return line.with(Role::Dim, "  ").with(Role::NoticeWarn, format!("{shown} of {} shown", app.workloads.total));
    }
    line
}

fn foot(app: &App) -> Line<'_> {
    let mut line = Line::new();
    if app.workloads.has_filter() {
        line = line.with(Role::Key, "/").with(Role::Text, app.workloads.filter_text());
    }
    let marks = app.workloads.marks.len();
    if marks > 0 {
        line.push(Role::Dim, if line.is_empty() { "" } else { " · " });
        line.push(Role::Mark, format!("{marks} marked"));
    }
    line
}

fn empty(app: &App) -> Line<'static> {
    if app.workloads.has_filter() {
        return Line::of(Role::Text, "No row passes the filter. ").with(Role::Key, "esc").with(Role::Dim, " shows all");
    }
    if let Some(problem) = &app.failure {
        let hint = problem.hint.as_ref().map(|h| format!(" {h}")).unwrap_or_default();
        return Line::of(Role::Danger, problem.message.clone()).with(Role::Text, hint);
    }
    let streams = app.fleet.streams();
    let (all, complete) = streams.fold((0, 0), |(all, complete), (_, stream)| (all + 1, complete + usize::from(stream.complete)));
    if all == 0 || complete < all {
        return Line::of(Role::Dim, if app.opened.is_some() { "reading …" } else { "connecting …" });
    }
    Line::of(Role::Text, "There are no workloads here. ")
        .with(Role::Key, ":ns")
        .with(Role::Dim, " looks elsewhere")
}

struct Tree<'a>(&'a App);

impl Rows for Tree<'_> {
    fn len(&self) -> usize {
        self.0.workloads.rows.len()
    }

    fn row(&self, index: usize, shown: &[Slot]) -> Row<'_> {
        let row = &self.0.workloads.rows[index];
        let fold = match (row.expandable, row.expanded) {
            (false, _) => " ",
            (true, true) => glyph::OPEN,
            (true, false) => glyph::CLOSED,
        };
        let lead = Line::of(Role::Text, "  ".repeat(usize::from(row.depth)))
            .with(Role::Dim, fold)
            .with(Role::Text, " ")
            .with(glyph::health_role(row.health), glyph::health(row.health))
            .with(Role::Text, " ");
        let (mut cells, reasons) = match &row.id {
            RowId::Workload(key) => cells::workload(self.0, key, row.health),
            RowId::Job(_, job) => (cells::job(self.0, job), Vec::new()),
            RowId::Pod(_, pod) => cells::pod(self.0, pod, row.health),
            RowId::Container(_, pod, name) => (cells::container(self.0, pod, name), Vec::new()),
        };
        put_reason(&mut cells, reasons, shown);
        Row { lead, cells: cells.into(), marked: self.0.workloads.marks.contains(&row.id) }
    }
}

/// Puts the fullest form of a reason that fits into the row, over as many of the cells behind STATUS as it needs: on a row that
/// is not ok nothing matters more.
fn put_reason<'a>(cells: &mut [Line<'a>; COLUMNS], reasons: Vec<Line<'a>>, shown: &[Slot]) {
    let Some(at) = shown.iter().position(|slot| slot.column == STATUS) else { return };
    let (slot, end) = (shown[at], shown.last().map_or(0, |last| last.x + last.width));
    let room = usize::from(end - slot.x);
    let shortest = reasons.len().saturating_sub(1);
    let Some(reason) = reasons.into_iter().enumerate().find_map(|(i, form)| (form.width() <= room || i == shortest).then_some(form)) else { return };
    let reach = usize::from(slot.x) + reason.width();
    for covered in shown[at + 1..].iter().take_while(|next| usize::from(next.x) <= reach) {
        cells[covered.column] = Line::new();
    }
    cells[STATUS] = reason;
}

fn first_paint(app: &App) -> Option<&Paint> {
    app.fleet.paint(Kind::Pod).map(|(_, paint)| paint).find(|paint| !paint.rows.is_empty())
}

/// kubectl's own columns, before the objects are there.
fn draw_paint(paint: &Paint, canvas: &mut Canvas<'_>, area: Rect) {
    struct Printed<'a>(&'a Paint);
    impl Rows for Printed<'_> {
        fn len(&self) -> usize {
            self.0.rows.len()
        }

        fn row(&self, index: usize, _: &[Slot]) -> Row<'_> {
            let cells = self.0.rows[index].iter().take(5).map(|cell| Line::of(Role::Text, &**cell)).collect();
            Row { cells, ..Row::default() }
        }
    }
    let columns = [
        Column::new("NAME", 0, 24, 40).growing(1).cut_start(),
        Column::new("READY", 1, 5, 5),
        Column::new("STATUS", 2, 10, 20),
        Column::new("RESTARTS", 4, 8, 14),
        Column::new("AGE", 3, 4, 6),
    ];
    let table = Table {
        columns: &columns,
        rows: &Printed(paint),
        selected: None,
        offset: 0,
        focused: false,
        head: true,
        empty: Line::new(),
    };
    table.draw(canvas, area);
}
