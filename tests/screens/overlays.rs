//! What lies over the bridge.

use timonel::app::App;
use timonel::app::effect::Effect;
use timonel::app::msg::Msg;
use timonel::theme::Charset;

use super::scene::{armed, frame_with, night, owing, press};
use super::shot::{Paint, picture, skin};

fn shot(app: &mut App, width: u16, height: u16) -> String {
    picture(&frame_with(app, width, height, &skin(Paint::Roles, Charset::Unicode)).0)
}

#[test]
fn reading_views() {
    for (name, keys) in [("explain", "x"), ("describe", "d"), ("events", "e"), ("help", "?"), ("problems", "!")] {
        let mut app = night();
        press(&mut app, keys);
        insta::assert_snapshot!(name, shot(&mut app, 100, 30));
    }
}

#[test]
fn palette_prompts_and_the_leaders_menu() {
    for (name, keys) in [
        ("palette", ": l o g s"),
        ("palette_nothing", ": q q q z"),
        ("filter", "/ r e s t a r t s > = 5"),
        ("filter_wrong", "/ r e s t a r t s > = x enter"),
        ("leader", "a"),
        ("scale_prompt", "a s"),
        ("unbound", "ctrl-y"),
    ] {
        let mut app = night();
        press(&mut app, keys);
        insta::assert_snapshot!(name, shot(&mut app, 100, 30));
    }
}

#[test]
fn what_is_owed_is_red_in_every_console_and_listed_with_the_plan_that_pays_it() {
    for (width, height) in [(80, 24), (120, 36)] {
        let mut app = owing();
        insta::assert_snapshot!(format!("owing_{width}x{height}"), shot(&mut app, width, height));
        press(&mut app, "$");
        insta::assert_snapshot!(format!("debts_{width}x{height}"), shot(&mut app, width, height));
    }
    let mut app = owing();
    shot(&mut app, 100, 30);
    press(&mut app, "$ p o d s");
    let effects = app.update(Msg::Key("enter".parse().unwrap()), app.now);
    let request = effects
        .iter()
        .find_map(|e| if let Effect::Plan { request, .. } = e { Some(request.clone()) } else { None })
        .expect("a plan is asked for");
    assert_eq!((&*request.action, request.parameters), ("scale", vec!["replicas=3".to_owned()]));
    let mut nothing = night();
    shot(&mut nothing, 100, 30);
    press(&mut nothing, "$");
    let page = shot(&mut nothing, 100, 30);
    assert!(page.contains("nothing is owed") && page.contains("Debts"), "{page}");
}

#[test]
fn a_console_that_took_a_timer_up_warns_when_it_is_left_as_the_one_that_armed_it() {
    let quits = |app: &mut App| {
        let at = app.now;
        app.update(Msg::Key("q".parse().unwrap()), at).contains(&Effect::Quit)
    };
    assert!(quits(&mut armed()), "somebody else's timer is theirs");
    let mut app = armed();
    let at = app.now;
    app.update(Msg::TakenUp("20261122-143030-scale-7f3a".into()), at);
    assert!(!quits(&mut app));
    let (buffer, _) = frame_with(&mut app, 120, 36, &skin(Paint::Roles, Charset::Unicode));
    assert!(picture(&buffer).contains("is armed: nobody takes it back until a console of yours is here again"));
    // Once its time is over there is nothing to wait for.
    app.now = at + jiff::SignedDuration::from_mins(20);
    assert!(quits(&mut app));
}

#[test]
fn what_is_armed_is_counted_down_in_every_console_and_kept_from_there() {
    let mut app = armed();
    insta::assert_snapshot!("armed_80x24", shot(&mut app, 80, 24));
    press(&mut app, "$");
    insta::assert_snapshot!("armed_list", shot(&mut app, 120, 36));
    let effects = app.update(Msg::Key("enter".parse().unwrap()), app.now);
    let request = effects
        .iter()
        .find_map(|e| if let Effect::Plan { request, .. } = e { Some(request.clone()) } else { None })
        .expect("a plan is asked for");
    assert_eq!((&*request.action, &*request.subject.name), ("keep", "eterna-rules-frontend"));
}

#[test]
fn a_key_in_the_panel_arms_the_plan_and_goes_through_the_times() {
    let mut app = night();
    press(&mut app, "a s 5");
    let mut effects = app.update(Msg::Key("enter".parse().unwrap()), app.now);
    let mut seen = Vec::new();
    for _ in 0..5 {
        let request = effects
            .iter()
            .find_map(|e| if let Effect::Plan { request, .. } = e { Some(request.clone()) } else { None })
            .expect("a plan is asked for");
        seen.push(request.parameters.get(1).cloned().unwrap_or_default());
        effects = app.update(Msg::Key("ctrl-t".parse().unwrap()), app.now);
    }
    assert_eq!(seen, ["", "revert-after=10m", "revert-after=30m", "revert-after=2h", ""]);
}
