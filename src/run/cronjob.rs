//! A CronJob: one of its Jobs now, its suspension, and the end of it.
//!
//! Owns what suspending and resuming check, write and prove; a Job now is in `trigger`. A suspended CronJob starts nothing until
//! somebody resumes it: a suspension is a debt.

mod trigger;

pub(super) use trigger::{part as trigger, values};

use serde_json::Value;

use super::check::Check;
use super::checks;
use super::context::PlanContext;
use super::facts::{flag, int, text};
use super::ground::{self, Ground, Part};
use super::level::Nature;
use super::outcome::Debt;
use super::plan::{Frozen, FrozenField};
use super::step::{Fact, FieldChange, FieldWrite, Form};

const SUSPEND: &str = "/spec/suspend";

/// `suspend` when `suspended`, else `resume`.
pub(super) fn part(context: &PlanContext, ground: &Ground, suspended: bool) -> Part {
    let cron = &ground.object;
    let is = flag(&cron.raw, SUSPEND);
    let write = FieldWrite {
        object: cron.reference.clone(),
        uid: cron.uid(),
        subresource: "",
        changes: vec![FieldChange::new(SUSPEND, is, suspended).absent(false)],
        form: Form::Merge,
    };
    let kubectl = ground::kubectl(&context.context, &cron.reference.namespace);
    let command = |value: bool| format!("{kubectl} patch cronjob/{} -p '{{\"spec\":{{\"suspend\":{value}}}}}'", cron.reference.name);
    let prove = |id, value: bool| {
        let (title, proof) = if value {
            ("prove suspended", "it says that it is suspended, and starts no new Job for 5 s")
        } else {
            ("prove not suspended", "it says that it is not suspended")
        };
        let fact = if value { Fact::Suspended } else { Fact::Field { pointer: SUSPEND, value: value.into(), absent: false.into() } };
        ground.prove(context, id, title.to_owned(), proof.to_owned(), fact)
    };
    let id = if suspended { "prove-suspended" } else { "prove-resumed" };
    let mut all = vec![state(is, suspended)];
    all.extend(checks::owners(cron, &[], "suspend"));
    Part {
        action: if suspended { "suspend" } else { "resume" },
        quantity: text(&cron.raw, "/spec/schedule"),
        nature: if suspended { Nature::Change } else { Nature::Mitigation },
        inputs: ground::inputs(&cron.reference, []),
        leaves: suspended
            .then(|| Debt {
                id: "write".to_owned(),
                object: cron.reference.to_string(),
                what: "it is suspended: its schedule starts no Job".to_owned(),
                pay: command(false),
            })
            .into_iter()
            .collect(),
        title: format!("write suspend {suspended}"),
        proofs: std::iter::once(prove(id, suspended)).chain(ground.probes(context, 1)).collect(),
        back: Some(vec![prove("prove-again", is)]),
        undo: if suspended { "resume it" } else { "suspend it" }.to_owned(),
        pay: command(!suspended),
        checks: all,
        risks: risks(ground, suspended),
        same_as: if is == suspended { Vec::new() } else { vec![command(suspended)] },
        raises: Vec::new(),
        frozen: vec![Frozen {
            object: cron.reference.clone(),
            uid: cron.uid(),
            fields: vec![FrozenField { pointer: SUSPEND, value: cron.raw.pointer(SUSPEND).cloned().unwrap_or(Value::Null) }],
        }],
        write: (is != suspended).then_some(write),
    }
}

fn state(is: bool, wanted: bool) -> Check {
    let check = Check::required("suspended");
    match (is, wanted) {
        (true, true) => check.failed("it is suspended already: there is nothing to do", "look who suspended it, and when it is resumed"),
        (false, false) => check.failed("it is not suspended: there is nothing to resume", "nothing is to be done"),
        (true, false) => check.ok("it is suspended"),
        (false, true) => check.ok("it is not suspended yet"),
    }
}

fn risks(ground: &Ground, suspended: bool) -> Vec<String> {
    let cron = &ground.object;
    if suspended {
        let mut risks = vec!["what it does by schedule is not done until it is resumed".to_owned()];
        let live = cron.raw.pointer("/status/active").and_then(Value::as_array).map_or(0, Vec::len);
        if live > 0 {
            risks.push(format!("{live} of its Jobs runs now and goes on: a suspension stops no Job"));
        }
        return risks;
    }
    vec![match int(&cron.raw, "/spec/startingDeadlineSeconds") {
        Some(seconds) => format!("a start that was missed in the last {seconds} s is made up at once"),
        None => "a start that was missed is made up at once: it has no startingDeadlineSeconds".to_owned(),
    }]
}
