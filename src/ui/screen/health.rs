//! The health pane: what the probes say, with history, and what the cluster says about health by itself.

use jiff::Timestamp;
use ratatui::layout::Rect;

use crate::app::App;
use crate::base::age;
use crate::base::health::Health;
use crate::fleet::{HealthItem, Topic};
use crate::target::probe::{ProbeReport, ProbeResult, ProbeSample};
use crate::theme::{Role, glyph};
use crate::ui::canvas::Canvas;
use crate::ui::line::Line;
use crate::ui::widget::bar::{Sample, spark};
use crate::ui::widget::pane::Pane;
use crate::ui::widget::table::{Column, Row, Rows, Slot, Table};

const DETAIL: usize = 1;
const LATENCY: usize = 2;
const HISTORY: usize = 3;
const AGE: usize = 4;

const COLUMNS: [Column; 5] = [
    Column::new("NAME", 0, 14, 24),
    Column::new("", 1, 12, 26),
    Column::new("", 3, 7, 8).right(),
    Column::new("", 4, 8, 16).growing(1),
    Column::new("", 2, 7, 8).right(),
];

/// The same while nothing is probed: what has no history needs no room for one.
const UNPROBED: [Column; 5] = [
    Column::new("NAME", 0, 14, 18).growing(1),
    Column::new("", 1, 12, 26).growing(1),
    Column::new("", 3, 0, 0),
    Column::new("", 4, 0, 0),
    Column::new("", 2, 7, 8).right(),
];

pub(super) fn draw(app: &App, canvas: &mut Canvas<'_>, area: Rect, focused: bool) -> Rect {
    let pane = Pane {
        number: Some(2),
        title: Line::of(if focused { Role::TitleFocus } else { Role::Title }, "Health"),
        info: summary(app),
        foot: Line::new(),
        focused,
    };
    let inner = pane.draw(canvas, area);
    let items = Items { probes: app.probes.values().collect(), seen: &app.answers.items, now: app.now };
    let table = Table {
        columns: if app.probes.is_empty() { &UNPROBED } else { &COLUMNS },
        rows: &items,
        selected: (!items.is_empty()).then_some(app.health.selected),
        offset: app.health.offset,
        focused,
        head: false,
        empty: Line::of(Role::Dim, "Nothing is seen yet. --probe URL, or a service file, adds probes."),
    };
    table.draw(canvas, inner);
    inner
}

/// `4 ok, 1 near, 1 unknown`.
pub(super) fn summary(app: &App) -> Line<'static> {
    let mut line = Line::new();
    for health in [Health::Down, Health::Degraded, Health::Unknown, Health::Ok, Health::Off] {
        let probes = app.probes.values().map(|p| p.health);
        let count = probes.chain(app.answers.items.iter().map(|i| i.health)).filter(|h| *h == health).count();
        if count > 0 {
            line.push(Role::Dim, if line.is_empty() { "" } else { ", " });
            line.push(glyph::health_role(health), format!("{count} {}", health.word()));
        }
    }
    line
}

struct Items<'a> {
    probes: Vec<&'a ProbeReport>,
    seen: &'a [HealthItem],
    now: Timestamp,
}

impl Rows for Items<'_> {
    fn len(&self) -> usize {
        self.probes.len() + self.seen.len()
    }

    fn row(&self, index: usize, shown: &[Slot]) -> Row<'_> {
        let Some(probe) = self.probes.get(index) else { return self.item(&self.seen[index - self.probes.len()]) };
        let role = glyph::health_role(probe.health);
        let mut cells = vec![Line::new(); COLUMNS.len()];
        cells[0] = Line::of(Role::Strong, &*probe.title);
        cells[DETAIL] = detail(probe);
        if let Some(latency) = probe.latency {
            cells[LATENCY] = Line::of(Role::Text, format!("{} ms", latency.as_millis()));
        }
        if let Some(slot) = shown.iter().find(|slot| slot.column == HISTORY && !probe.history.is_empty()) {
            cells[HISTORY] = spark(&probe.history.iter().map(sample).collect::<Vec<_>>(), usize::from(slot.width));
        }
        cells[AGE] = match probe.at {
            Some(at) => Line::of(Role::Dim, format!("{} ago", age::coarse(at, self.now))),
            None => Line::of(Role::Dim, "not yet"),
        };
        Row { lead: Line::of(role, glyph::health(probe.health)).with(Role::Text, " "), cells, marked: false }
    }
}

impl Items<'_> {
    /// A row of what the cluster says by itself.
    fn item<'a>(&self, item: &'a HealthItem) -> Row<'a> {
        let role = glyph::health_role(item.health);
        let mut cells = vec![Line::new(); COLUMNS.len()];
        cells[0] = Line::of(Role::Strong, &*item.title);
        cells[DETAIL] = Line::of(if item.health == Health::Ok { Role::Text } else { role }, &*item.detail);
        let at = item.at.filter(|_| item.topic != Topic::Certificate).and_then(|s| Timestamp::from_second(s).ok());
        if let Some(at) = at {
            cells[AGE] = Line::of(Role::Dim, format!("{} ago", age::coarse(at, self.now)));
        }
        Row { lead: Line::of(role, glyph::health(item.health)).with(Role::Text, " "), cells, marked: false }
    }
}

/// What the last answer said; a result that is none is named, so that it cannot be taken for good news.
fn detail(probe: &ProbeReport) -> Line<'_> {
    let role = glyph::health_role(probe.health);
    match probe.result {
        ProbeResult::Ok => Line::of(Role::Text, &*probe.detail),
        ProbeResult::Failed => Line::of(role, &*probe.detail),
        ProbeResult::Unknown | ProbeResult::Unauthorised | ProbeResult::NotImplemented => {
            let mut line = Line::of(role, probe.result.word());
            if !probe.detail.is_empty() {
                line = line.with(Role::Dim, ": ").with(Role::Text, &*probe.detail);
            }
            line
        }
    }
}

fn sample(sample: &ProbeSample) -> Sample {
    match (sample.result, sample.latency) {
        (ProbeResult::Failed, _) => Sample::Failed,
        (ProbeResult::Ok, Some(latency)) => Sample::Value(latency.as_secs_f64()),
        _ => Sample::Unknown,
    }
}
