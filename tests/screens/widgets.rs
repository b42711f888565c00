//! The widgets alone: the hard cases that whole screens meet rarely.

use ratatui::layout::Rect;
use timonel::base::health::Health;
use timonel::theme::{Charset, Role, glyph};
use timonel::ui::canvas::Canvas;
use timonel::ui::line::Line;
use timonel::ui::widget::document::{Document, find_all};
use timonel::ui::widget::field::Field;
use timonel::ui::widget::header::{self, Segment};
use timonel::ui::widget::keys::{self, Hint};
use timonel::ui::widget::logs::{Entry, LogLine, LogView};
use timonel::ui::widget::pane::Pane;
use timonel::ui::widget::panel::{Panel, centered};
use timonel::ui::widget::pick::{self, Pick};
use timonel::ui::widget::table::{Column, Row, Rows, Slot, Table};

use super::shot::{Paint, draw, picture, skin, text_row};

fn roles(width: u16, height: u16, paint: impl FnOnce(&mut Canvas<'_>)) -> String {
    picture(&draw(width, height, &skin(Paint::Roles, Charset::Unicode), paint))
}

struct Pods;

const PODS: [(&str, Health, &str, &str, &str); 5] = [
    ("eterna-rules-backend", Health::Degraded, "2/3", "", "41 %"),
    ("eterna-rules-backend-7d9f4b5c6-abcde", Health::Ok, "1/1", "Running", "38 %"),
    ("eterna-rules-backend-7d9f4b5c6-ghijk", Health::Down, "0/1", "CrashLoopBackOff: exit 137 (OOMKilled), 7 restarts", ""),
    ("日本語のとても長い名前のポッド-xyz", Health::Unknown, "0/1", "Pending", ""),
    ("e\u{301}te\u{301}-cafe\u{301}", Health::Off, "0/0", "", ""),
];

impl Rows for Pods {
    fn len(&self) -> usize {
        PODS.len()
    }

    fn row(&self, index: usize, _: &[Slot]) -> Row<'_> {
        let (name, health, ready, status, cpu) = PODS[index];
        let indent = if index == 0 || index > 2 { "" } else { "  " };
        let lead = Line::of(Role::Text, indent).with(glyph::health_role(health), glyph::health(health)).with(Role::Text, " ");
        let status = Line::of(if health == Health::Down { Role::Down } else { Role::Text }, status);
        Row {
            lead,
            cells: vec![Line::of(Role::Text, name), Line::of(Role::Text, ready), status, Line::of(Role::Text, cpu)],
            marked: index == 1,
        }
    }
}

fn columns() -> Vec<Column> {
    let mut cpu = Column::new("CPU", 3, 5, 6).right();
    cpu.sorted = Some(true);
    vec![Column::new("NAME", 0, 12, 24).growing(1).cut_start(), Column::new("READY", 1, 5, 5), Column::new("STATUS", 2, 10, 20), cpu]
}

fn table(canvas: &mut Canvas<'_>, focused: bool, selected: usize) {
    let area = canvas.area();
    let (columns, rows) = (columns(), Pods);
    let table = Table { columns: &columns, rows: &rows, selected: Some(selected), offset: 0, focused, head: true, empty: Line::new() };
    table.draw(canvas, area);
}

#[test]
fn a_table_gives_way_column_by_column_and_a_reason_runs_on_into_empty_cells() {
    for width in [20, 40, 62, 90] {
        insta::assert_snapshot!(format!("table_{width}"), roles(width, 7, |c| table(c, true, 2)));
    }
}

#[test]
fn without_colours_the_selected_row_is_still_seen_with_and_without_the_focus() {
    for focused in [true, false] {
        let buffer = draw(50, 4, &skin(Paint::Mono, Charset::Ascii), |c| table(c, focused, 1));
        insta::assert_snapshot!(format!("table_mono_focus_{focused}"), picture(&buffer));
    }
}

#[test]
fn only_visible_rows_are_asked_for() {
    struct Many(std::cell::RefCell<Vec<usize>>);
    impl Rows for Many {
        fn len(&self) -> usize {
            1_000_000
        }

        fn row(&self, index: usize, _: &[Slot]) -> Row<'_> {
            self.0.borrow_mut().push(index);
            Row { cells: vec![Line::of(Role::Text, index.to_string())], ..Row::default() }
        }
    }
    let rows = Many(std::cell::RefCell::default());
    let columns = [Column::new("N", 0, 4, 8)];
    let buffer = draw(12, 4, &skin(Paint::Roles, Charset::Unicode), |c| {
        let area = c.area();
        let table = Table { columns: &columns, rows: &rows, selected: None, offset: 999_998, focused: true, head: true, empty: Line::new() };
        table.draw(c, area);
    });
    assert_eq!(rows.0.into_inner(), [999_998, 999_999]);
    assert_eq!(text_row(&buffer, 2).trim(), "999999");
}

#[test]
fn a_pane_shortens_its_title_before_it_loses_its_frame() {
    let pane = |focused| Pane {
        number: Some(4),
        title: Line::of(Role::Title, "Logs  ").with(Role::Text, "eterna-rules-backend"),
        info: Line::of(Role::Dim, "3/3 streams  612 lines/s"),
        foot: Line::of(Role::NoticeWarn, "paused, 1 204 lines wait"),
        focused,
    };
    let all = roles(62, 13, |c| {
        for (at, (width, focused)) in [(62, true), (40, false), (14, false), (4, true)].into_iter().enumerate() {
            pane(focused).draw(c, Rect::new(0, at as u16 * 3, width, 3));
        }
        pane(true).draw(c, Rect::new(10, 12, 1, 1));
    });
    insta::assert_snapshot!(all);
}

#[test]
fn header_lines_shorten_in_their_order() {
    let lines = |c: &mut Canvas<'_>| {
        let area = c.area();
        let first = [
            Segment::whole(Line::of(Role::EnvProduction, " PRODUCTION "), 0),
            Segment::elastic(Line::of(Role::Strong, "eterna-rules"), 2, 8, 20),
            Segment::elastic(Line::of(Role::Text, "eterna-prod / eterna-rules"), 1, 12, 40).lead(" · "),
            Segment::whole(Line::of(Role::Dim, "ana (operator)"), 4).lead(" · "),
            Segment::whole(Line::of(Role::Live, "● live"), 0).right(),
            Segment::whole(Line::of(Role::Dim, "14:32 UTC"), 3).right(),
        ];
        header::draw(c, Rect { height: 1, ..area }, &first);
        let answer = |word: &'static str, text: &'static str, rank, min, good| {
            Segment::elastic(Line::of(Role::Label, word).with(Role::Text, " ").with(Role::Text, text), rank, min, good)
        };
        let second = [
            answer("UP", "degraded: backend 2 of 3 ready, OOMKilled", 0, 14, 30),
            answer("CHANGED", "v1.8.3 12 min ago by ci", 1, 16, 31),
            answer("BACK", "v1.8.2 safe, ~40 s", 0, 12, 23),
            answer("CALL", "DevOps Lead, 24/7", 2, 12, 22),
        ];
        header::draw(c, Rect { y: 1, height: 1, ..area }, &second);
    };
    for width in [20, 60, 80, 120] {
        insta::assert_snapshot!(format!("header_{width}"), roles(width, 2, lines));
    }
}

#[test]
fn the_key_line_drops_hints_from_the_right_and_dims_what_does_not_work() {
    let hints = || {
        let mut off = Hint::new("a", "act");
        off.works = false;
        let mut help = Hint::new("?", "help");
        help.pinned = true;
        vec![off, Hint::new("l", "logs"), Hint::new("y", "yaml"), Hint::new("/", "filter"), help]
    };
    let all = roles(60, 3, |c| {
        for (y, width) in [(0, 60), (1, 36), (2, 14)] {
            keys::draw(c, Rect::new(0, y, width, 1), &hints(), &Line::of(Role::NoticeWarn, "1 debt").with(Role::Dim, " · no run"));
        }
    });
    insta::assert_snapshot!(all);
}

fn logs(canvas: &mut Canvas<'_>, wrap: bool, column: usize) {
    let line = |time: &str, source: &'static str, color, text| Entry::Line(LogLine { time: time.into(), source, color, text });
    let entries = vec![
        line(
            "14:32:06",
            "abc",
            0,
            Line::of(Role::LevelInfo, "INFO ")
                .with(Role::Text, "evaluation_completed")
                .with(Role::LogKey, " ms=")
                .with(Role::Text, "81"),
        ),
        line("14:32:06", "ghi/backend", 2, Line::of(Role::LevelError, "redis timeout after 5000 ms, giving up on redis-0.redis")),
        Entry::Marker("ghi reconnected after 2.1 s, nothing missed".into()),
        line("14:32:07", "日本", 1, Line::of(Role::Text, "評価が完了しました 79 ms")),
    ];
    let area = canvas.area();
    let view = LogView {
        upwards: &mut entries.into_iter().rev(),
        source_width: 7,
        wrap,
        column,
        find: &|text| find_all(text, "redis"),
        at_hit: false,
        empty: Line::new(),
    };
    view.draw(canvas, area);
}

#[test]
fn log_lines_are_cut_wrapped_and_scrolled() {
    for (name, width, height, wrap, column) in
        [("cut", 60, 5, false, 0), ("wrapped", 50, 6, true, 0), ("scrolled", 60, 5, false, 16), ("tiny", 12, 2, true, 0)]
    {
        insta::assert_snapshot!(format!("logs_{name}"), roles(width, height, |c| logs(c, wrap, column)));
    }
}

#[test]
fn a_document_lights_what_a_search_found() {
    let lines = ["reason: OOMKilled", "message: the container was killed (oomkilled) by the kernel", "exitCode: 137"];
    let all = roles(40, 4, |c| {
        let area = c.area();
        let line = |i: usize| Line::of(Role::DocValue, lines[i]);
        Document { len: 3, line: &line, offset: 0, column: 0, search: "oomkilled", current: Some(1), wrap: true }.draw(c, area);
    });
    insta::assert_snapshot!(all);
}

#[test]
fn a_text_field_keeps_its_cursor_in_sight() {
    let text = "status!=Running restarts>=5 node=node-3 app=backend";
    let mut cursors = Vec::new();
    let all = roles(30, 4, |c| {
        for (y, (text, cursor)) in [("", 0), (text, 3), (text, text.len()), ("日本語", 3)].into_iter().enumerate() {
            let field = Field { label: Line::of(Role::Label, "filter "), text, cursor, hint: "text  status!=Running" };
            cursors.push(field.draw(c, Rect::new(0, y as u16, 30, 1)).map(|p| p.x));
        }
    });
    insta::assert_snapshot!(all);
    assert_eq!(cursors, [Some(7), Some(10), Some(29), Some(9)]);
}

#[test]
fn a_panel_that_does_not_fit_says_so_and_keeps_what_is_asked_in_sight() {
    let panel = Panel {
        title: Line::of(Role::PanelTitle, "Scale eterna-rules-backend"),
        info: Line::of(Role::EnvProduction, " PRODUCTION "),
        body: (1..=9).map(|n| Line::of(Role::Text, format!("row {n}"))).collect(),
        pinned: vec![Line::of(Role::Text, "Type ").with(Role::Typed, "production").with(Role::Text, " to go on")],
        foot: Line::of(Role::Key, "Esc").with(Role::KeyLabel, " cancel"),
        offset: 2,
    };
    let all = roles(60, 10, |c| {
        for y in 0..10 {
            c.text(0, y, 60, Role::Text, &"背".repeat(30));
        }
        let area = centered(c.area(), 51, 7);
        panel.draw(c, area);
    });
    insta::assert_snapshot!(all);
}

#[test]
fn a_list_to_pick_from_lights_what_matched_and_dims_what_cannot_be_picked() {
    let all = roles(50, 9, |c| {
        let area = c.area();
        let entry = |i: usize| match i {
            0 => pick::Entry { label: "logs of the selection, zoomed", matched: &[0, 1, 2, 3], detail: "L", disabled: false, marked: true },
            _ => pick::Entry { label: "scale", matched: &[], detail: "read only", disabled: true, marked: false },
        };
        let field = Field { label: Line::of(Role::Label, ": "), text: "logs", cursor: 4, hint: "" };
        Pick {
            title: "Commands",
            field,
            len: 2,
            entry: &entry,
            selected: 1,
            offset: 0,
            note: Line::of(Role::Dim, "read only: started with --read-only"),
        }
        .draw(c, area);
    });
    insta::assert_snapshot!(all);
}

#[test]
fn nothing_panics_on_any_size_down_to_nothing() {
    for width in 0..24 {
        for height in 0..8 {
            let skin = skin(Paint::Mono, Charset::Ascii);
            draw(width, height, &skin, |c| table(c, true, 2));
            draw(width, height, &skin, |c| logs(c, true, 3));
            draw(width, height, &skin, |c| {
                let area = c.area();
                let pane = Pane { number: Some(1), title: Line::of(Role::Title, "Workloads"), focused: true, ..Pane::default() };
                pane.draw(c, area);
                let panel = Panel {
                    title: Line::of(Role::PanelTitle, "x"),
                    body: vec![Line::new(); 9],
                    pinned: vec![Line::new(); 3],
                    ..Panel::default()
                };
                let size = panel.size();
                panel.draw(c, centered(area, size.0, size.1));
                let field = Field { label: Line::of(Role::Label, "filter "), text: "日本語", cursor: 9, hint: "" };
                field.draw(c, area);
                keys::draw(c, area, &[Hint::new("?", "help")], &Line::of(Role::Dim, "no run"));
                let entry = |_| pick::Entry { label: "logs", ..pick::Entry::default() };
                Pick { title: "t", field: Field::default(), len: 3, entry: &entry, selected: 0, offset: 0, note: Line::new() }.draw(c, area);
            });
        }
    }
}
