//! Actions of the service file: found by palette, key and help, asked for one variable after the other.

use super::{app, open_app, press, start};
use crate::app::App;
use crate::app::effect::{Effect, PlanRequest};
use crate::app::msg::Msg;
use crate::app::overlay::Overlay;
use crate::base::problem::Problem;
use crate::run::{End, Happening, Offer, Outcome, Question, RunEvent, Way};
use crate::service::{Origin, ServiceFile};

const FILE: &str = r#"schema = 1
[service]
id = "shop"
name = "Shop"
[vars.replicas]
type = "int"
prompt = "how many"
min = 1
max = 9
default = 2
[vars.mode]
type = "enum"
values = ["calm", "busy"]
[[workload]]
id = "web"
kind = "deployment"
name = "web"
[[action]]
id = "hours"
key = "h"
title = "Opening hours"
vars = ["replicas", "mode"]
reason = true
[[action.step]]
id = "up"
type = "scale"
workload = "web"
replicas = "${var.replicas}"
[[action]]
id = "again"
key = "s"
title = "Once more"
[[action.step]]
id = "fresh"
type = "restart"
workload = "web"
[[action]]
id = "later"
key = "y"
title = "Later"
[[action.step]]
id = "image"
type = "helm-upgrade"
"#;

fn shop() -> App {
    let (file, problems) = ServiceFile::read("shop.toml", FILE, &Origin::Operator);
    let errors: Vec<&Problem> = problems.iter().filter(|p| p.level == crate::base::problem::Level::Error).collect();
    assert!(errors.is_empty(), "{errors:?}");
    let mut start = start();
    start.service = Some(file.expect("a file").resolve(None).0);
    open_app(start)
}

fn typed(app: &mut App, text: &str) -> Vec<Effect> {
    press(app, "ctrl-u");
    let keys: Vec<String> = text.chars().map(|c| if c == ' ' { "space".to_owned() } else { c.to_string() }).collect();
    press(app, &format!("{} enter", keys.join(" ")))
}

fn planned(effects: &[Effect]) -> Option<&PlanRequest> {
    effects.iter().find_map(|e| if let Effect::Plan { request, .. } = e { Some(request) } else { None })
}

fn question(app: &App) -> String {
    match app.overlays.last() {
        Some(Overlay::Prompt(prompt)) => {
            format!("{}|{}|{}", prompt.purpose.label(), prompt.field.text(), prompt.error.as_deref().unwrap_or_default())
        }
        other => panic!("no prompt: {other:?}"),
    }
}

#[test]
fn its_key_asks_for_each_variable_and_the_reason_and_then_for_the_plan() {
    let mut app = shop();
    press(&mut app, "a h");
    assert_eq!(question(&app), "Opening hours: how many|2|");
    typed(&mut app, "12");
    assert!(question(&app).contains("more than 9"), "{}", question(&app));
    assert_eq!(planned(&typed(&mut app, "4")), None);
    assert_eq!(question(&app), "Opening hours: mode||");
    typed(&mut app, "busy");
    assert_eq!(question(&app), "Opening hours: why||");
    press(&mut app, "enter");
    assert!(question(&app).contains("a reason"), "{}", question(&app));
    let effects = typed(&mut app, "a sale");
    let request = planned(&effects).expect("a plan is asked for");
    assert_eq!((&*request.action, &*request.subject.name), ("own:hours", "ns"));
    assert_eq!((request.parameters.join(" "), request.reason.as_deref()), ("replicas=4 mode=busy".to_owned(), Some("a sale")));
}

#[test]
fn a_key_of_a_built_in_action_stays_its_own_and_the_palette_has_both() {
    let mut app = shop();
    press(&mut app, "a s");
    assert_eq!(app.notice.as_ref().map(|n| n.text.as_str()), Some("select a workload first"), "that is the built-in scale");
    press(&mut app, ":");
    let effects = press(&mut app, "o n c e enter");
    assert_eq!(planned(&effects).map(|r| &*r.action), Some("own:again"), "{effects:?}");
    assert_eq!(app.file_keys().iter().map(|k| k.key).collect::<String>(), "hy");
}

#[test]
fn what_this_version_cannot_do_says_why_and_begins_nothing() {
    let mut app = shop();
    assert_eq!(planned(&press(&mut app, "a y")), None);
    let said = app.notice.as_ref().map(|n| n.text.clone()).unwrap_or_default();
    assert!(said.contains("helm-upgrade, which this version does not have yet"), "{said}");
    let works: Vec<bool> = app.file_keys().iter().map(|k| k.works).collect();
    assert_eq!(works, [true, false]);
    app.start.spec.read_only = true;
    press(&mut app, "a h");
    assert!(app.notice.as_ref().is_some_and(|n| n.text.contains("read only")) && app.overlays.is_empty());
}

#[test]
fn the_help_page_lists_them_with_their_keys() {
    let mut app = shop();
    press(&mut app, "?");
    let Some(Overlay::Document(reading)) = app.overlays.last() else { panic!("no help") };
    let lines: Vec<&str> = reading.document.body().iter().map(|l| l.text.as_str()).collect();
    let at = lines.iter().position(|l| *l == "actions of Shop").expect("a heading");
    assert!(lines[at + 1].contains("a h") && lines[at + 1].contains("Opening hours"), "{}", lines[at + 1]);
    assert!(lines[at + 2].contains(": again"), "{}", lines[at + 2]);
    assert!(lines[at + 3].contains("does not have yet"), "{}", lines[at + 3]);
}

#[test]
fn a_step_that_asks_for_a_text_is_answered_by_typing_it() {
    let mut app = app();
    let asked = Question { reason: "sure?".into(), ways: vec![Way::Leave, Way::GoOn], typed: Some("keep 3".into()) };
    app.update(Msg::Run(RunEvent::new("r1", app.now, Happening::Asked { question: asked })), app.now);
    app.overlays.push(Overlay::Run("r1".into()));
    assert!(press(&mut app, "2").is_empty(), "choosing is not typing");
    typed(&mut app, "keep 4");
    assert!(question(&app).contains("not what the step asks for"));
    let effects = typed(&mut app, "keep 3");
    assert!(matches!(&effects[..], [Effect::TypeRun { run, text }] if run == "r1" && text == "keep 3"), "{effects:?}");
}

#[test]
fn what_a_failed_run_offers_is_planned_by_itself_below_what_somebody_is_at_and_never_confirmed() {
    let mut app = shop();
    let fails = |offers: &str| Outcome { offers: Some(Box::new(Offer(offers.to_owned()))), ..Outcome::new(End::Failed, "no room") };
    let ended = |app: &mut App, run: &str, offers| app.update(Msg::Run(RunEvent::ended(run, app.now, fails(offers))), app.now);
    // Whoever looks at the run has the panel before them.
    app.overlays.push(Overlay::Run("r1".into()));
    let effects = ended(&mut app, "r1", "again");
    assert_eq!(planned(&effects).map(|r| &*r.action), Some("own:again"));
    assert!(matches!(&app.overlays[..], [Overlay::Run(_), Overlay::Plan(_)]), "{:?}", app.overlays);
    assert!(!effects.iter().any(|e| matches!(e, Effect::Run { .. })));
    // Whoever types something goes on typing.
    app.overlays.clear();
    press(&mut app, "a h");
    let effects = ended(&mut app, "r2", "again");
    assert_eq!(planned(&effects).map(|r| &*r.action), Some("own:again"));
    assert!(matches!(&app.overlays[..], [Overlay::Plan(_), Overlay::Prompt(_)]), "{:?}", app.overlays);
    // What it needs is asked for first; what cannot be launched says why.
    app.overlays.clear();
    assert_eq!(planned(&ended(&mut app, "r3", "hours")), None);
    assert_eq!(question(&app), "Opening hours: how many|2|");
    app.overlays.clear();
    assert_eq!(planned(&ended(&mut app, "r4", "later")), None);
    assert!(app.overlays.is_empty());
}
