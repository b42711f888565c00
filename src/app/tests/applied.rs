//! What is known of the schemas of releases, and how seldom the database is asked for it.

use jiff::SignedDuration;

use super::{open_app, press, start};
use crate::app::App;
use crate::app::effect::{Effect, Fetch};
use crate::app::msg::{Answer, Msg};
use crate::app::ticket::Ticket;
use crate::fleet::testing::now;
use crate::run::migrate::known_above;
use crate::run::migrate::releases::{self, Record};
use crate::service::{Origin, ServiceFile};
use crate::target::request::TargetSpec;

const FILE: &str = "schema = 1\n[service]\nid = \"shop\"\n[[workload]]\nid = \"api\"\nrole = \"api\"\nkind = \"deployment\"\nname = \"api\"\n\
    [[workload]]\nid = \"pg\"\nkind = \"statefulset\"\nname = \"pg\"\n[migrations]\ntool = \"alembic\"\nworkload = \"api\"\n\
    [[database]]\nid = \"main\"\nkind = \"postgres\"\nworkload = \"pg\"\nname = \"shop\"\nuser = \"shop\"\n";

fn console(read_only: bool) -> App {
    of(read_only, &Origin::Operator)
}

fn of(read_only: bool, origin: &Origin) -> App {
    let (file, _) = ServiceFile::read("f.toml", FILE, origin);
    let mut start = start();
    start.service = Some(file.expect("a file").resolve(None).0);
    start.spec = TargetSpec { read_only, ..start.spec };
    open_app(start)
}

/// Time passes, second by second, with keys and answers in between: how often the database was asked.
fn asked(app: &mut App, seconds: i64) -> Vec<(i64, Ticket)> {
    let mut asked = Vec::new();
    for second in 0..seconds {
        let at = now() + SignedDuration::from_secs(second);
        let mut effects = app.update(Msg::Tick, at);
        while let Some(effect) = effects.pop() {
            let Effect::Fetch { ticket, what } = effect else { continue };
            let answer = match what {
                Fetch::Schema(_) => Answer::Schema(Record::Read(releases::read(&known_above(0)))),
                Fetch::Applied { database, sql } => {
                    assert_eq!((&*database, sql), ("main", "select version_num from alembic_version order by 1"));
                    asked.push((second, ticket));
                    Answer::Applied(Err("refused".into()))
                }
                _ => continue,
            };
            effects.extend(app.update(Msg::Answer(ticket, answer), at));
        }
    }
    asked
}

#[test]
fn the_database_is_never_asked_more_than_once_a_minute_in_the_background() {
    let mut app = console(false);
    let times: Vec<i64> = asked(&mut app, 10 * 60).into_iter().map(|(second, _)| second).collect();
    assert_eq!(times.len(), 9, "{times:?}");
    assert!(times.windows(2).all(|two| two[1] - two[0] >= 60), "{times:?}");
    assert_eq!(app.schema.unheard(), Some("refused"));
    // Nor does another target make it anybody's turn earlier.
    app.update(Msg::Target(super::opened("other")), now() + SignedDuration::from_secs(601));
    assert!(asked(&mut app, 1).is_empty());
}

#[test]
fn a_console_that_only_reads_opens_no_connection_to_a_database() {
    let mut app = console(true);
    press(&mut app, "3");
    assert!(asked(&mut app, 300).is_empty());
}

#[test]
fn a_file_that_a_namespace_keeps_asks_no_database_by_itself() {
    let mut app = of(false, &Origin::Cluster { namespace: "shop".into() });
    press(&mut app, "3");
    assert!(asked(&mut app, 300).is_empty());
}
