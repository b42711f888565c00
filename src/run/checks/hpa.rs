//! Whether an autoscaler would undo a scale, and the ways to keep it from doing so.
//!
//! Owns the arithmetic of bounds and the writes that move them. An HPA does nothing while its target is at zero.

use std::time::Duration;

use serde_json::Value;

use crate::base::duration;
use crate::run::check::{Check, Choice};
use crate::run::facts::{entry, int, items, text, unreadable};
use crate::run::step::{FieldChange, FieldWrite, Form};
use crate::target::api::TargetError;
use crate::target::model::{Kind, ObjectRef};

/// What to do with an autoscaler in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HpaChoice {
    /// Move its lower bound up to the wanted count (and the upper one, if it is lower still).
    Raise,
    /// Move its upper bound down to the wanted count (and the lower one, if it is higher still).
    Lower,
    /// Forbid it to scale in either direction; a debt, meant for this long.
    Pause(Duration),
}

impl HpaChoice {
    /// Reads `raise`, `lower`, `pause:30m`.
    pub fn parse(text: &str) -> Option<Self> {
        match text.split_once(':') {
            None if text == "raise" => Some(Self::Raise),
            None if text == "lower" => Some(Self::Lower),
            Some(("pause", time)) => {
                let time = duration::parse(time).ok()?;
                (Duration::from_mins(1)..=Duration::from_hours(24)).contains(&time).then_some(Self::Pause(time))
            }
            _ => None,
        }
    }

    /// The normal form.
    pub fn word(self) -> String {
        match self {
            Self::Raise => "raise".into(),
            Self::Lower => "lower".into(),
            Self::Pause(time) => format!("pause:{}", duration::show(time)),
        }
    }
}

/// A horizontal pod autoscaler as the server has it.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::run) struct HpaFacts {
    pub object: ObjectRef,
    pub uid: String,
    pub resource_version: String,
    pub generation: Option<i64>,
    pub min: i64,
    pub max: i64,
    /// The count that it decided on; `None` = it has not looked yet. The API says 0 then, which it can only mean with a lower bound of 0.
    desired: Option<i64>,
    up: String,
    down: String,
    scaled_object: Option<String>,
    target: (String, String),
}

pub(in crate::run) const UP: &str = "/spec/behavior/scaleUp/selectPolicy";
pub(in crate::run) const DOWN: &str = "/spec/behavior/scaleDown/selectPolicy";
const MIN: &str = "/spec/minReplicas";
const MAX: &str = "/spec/maxReplicas";

impl HpaFacts {
    pub(in crate::run) fn of(raw: &Value) -> Self {
        let policy = |pointer: &str| Some(text(raw, pointer)).filter(|p| !p.is_empty()).unwrap_or_else(|| "Max".to_owned());
        let keda_owner = items(raw, "/metadata/ownerReferences").find(|o| o["kind"] == "ScaledObject").map(|o| text(o, "/name"));
        let min = int(raw, MIN).unwrap_or(1);
        Self {
            object: ObjectRef::new(Kind::HorizontalPodAutoscaler, text(raw, "/metadata/namespace"), text(raw, "/metadata/name")),
            uid: text(raw, "/metadata/uid"),
            resource_version: text(raw, "/metadata/resourceVersion"),
            generation: int(raw, "/metadata/generation"),
            min,
            max: int(raw, MAX).unwrap_or(1),
            desired: int(raw, "/status/desiredReplicas").filter(|count| *count > 0 || min == 0),
            up: policy(UP),
            down: policy(DOWN),
            scaled_object: keda_owner.or_else(|| entry(raw, "/metadata/labels", "scaledobject.keda.sh/name")),
            target: (text(raw, "/spec/scaleTargetRef/kind"), text(raw, "/spec/scaleTargetRef/name")),
        }
    }

    pub(in crate::run) fn targets(&self, object: &ObjectRef) -> bool {
        self.object.namespace == object.namespace && self.target.0 == object.kind.word() && self.target.1 == *object.name
    }

    /// `Deployment api`.
    pub(in crate::run) fn target_words(&self) -> String {
        format!("{} {}", self.target.0, self.target.1)
    }

    pub(in crate::run) fn scaled_object(&self) -> Option<&str> {
        self.scaled_object.as_deref()
    }

    /// How it would undo a count, in words; `None` when it would not.
    fn undoes(&self, count: i64) -> Option<String> {
        let name = format!("HPA {} ({}..{})", self.object.name, self.min, self.max);
        if count == 0 {
            None
        } else if count < self.min {
            Some(format!("{name} will raise it to {} within 15 s", self.min))
        } else if count > self.max {
            Some(format!("{name} will lower it to {} within 15 s", self.max))
        } else {
            let desired = self.desired?;
            if count < self.max && count < desired && self.up != "Disabled" {
                Some(format!("{name} wants {desired} now and will raise it again within 15 s"))
            } else if count > self.min && count > desired && self.down != "Disabled" {
                Some(format!("{name} wants {desired} now and will lower it again after its stabilisation window (5 min by default)"))
            } else {
                None
            }
        }
    }

    /// It may lower a count above its lower bound once it has looked at its metrics, which it has not yet.
    fn undecided(&self, count: i64) -> bool {
        self.desired.is_none() && count > self.min && self.down != "Disabled"
    }

    fn with(&self, choice: Option<HpaChoice>, count: i64) -> Self {
        let mut after = self.clone();
        match choice {
            None => {}
            Some(HpaChoice::Raise) => (after.min, after.max) = (count.max(self.min), count.max(self.max)),
            Some(HpaChoice::Lower) => (after.min, after.max) = (count.min(self.min), count.min(self.max)),
            Some(HpaChoice::Pause(_)) => (after.up, after.down) = ("Disabled".into(), "Disabled".into()),
        }
        after
    }

    /// The write that a choice asks for; `None` when nothing would change.
    pub(in crate::run) fn write(&self, choice: HpaChoice, count: i64) -> Option<FieldWrite> {
        let after = self.with(Some(choice), count);
        let numbers = [(MIN, self.min, after.min), (MAX, self.max, after.max)];
        let policies = [(UP, &self.up, &after.up), (DOWN, &self.down, &after.down)];
        let mut changes: Vec<FieldChange> = numbers
            .into_iter()
            .filter(|(_, b, a)| b != a)
            .map(|(pointer, b, a)| FieldChange::new(pointer, b, a))
            .collect();
        changes.extend(
            policies
                .into_iter()
                .filter(|(_, b, a)| b != a)
                .map(|(pointer, b, a)| FieldChange::new(pointer, b.as_str(), a.as_str()).absent("Max")),
        );
        let write = FieldWrite { object: self.object.clone(), uid: self.uid.clone(), subresource: "", changes, form: Form::Merge };
        (!write.changes.is_empty()).then_some(write)
    }

    fn choices(&self, count: i64) -> Vec<Choice> {
        let mut choices = Vec::new();
        if count >= self.min && self.desired.is_none_or(|desired| count > desired) {
            let more = if count > self.max { format!(" and maxReplicas to {count}") } else { String::new() };
            choices.push(Choice { key: 'r', parameter: "hpa=raise".into(), title: format!("raise minReplicas to {count}{more}") });
        } else {
            let more = if count < self.min { format!(" and minReplicas to {count}") } else { String::new() };
            choices.push(Choice { key: 'l', parameter: "hpa=lower".into(), title: format!("lower maxReplicas to {count}{more}") });
        }
        if (self.min..=self.max).contains(&count) {
            choices.push(Choice { key: 'p', parameter: "hpa=pause:30m".into(), title: "pause the HPA; a debt until it is resumed".into() });
        }
        choices
    }
}

/// What a run signs an autoscaler with that it paused: for how long it is meant, and the policies before, which are kept nowhere else.
pub(in crate::run) fn pause_words(pause: &str, write: &FieldWrite) -> String {
    let policy = |name: &str, pointer: &str| {
        let before = write.changes.iter().find(|c| c.pointer == pointer)?.before.as_str()?;
        Some(format!(",{name}:{before}"))
    };
    [policy("up", UP), policy("down", DOWN)]
        .into_iter()
        .flatten()
        .fold(pause.to_owned(), |words, policy| words + &policy)
}

/// For how long a pause was meant that was signed so; `None` = it is no pause.
pub(in crate::run) fn paused_for(words: &str) -> Option<String> {
    HpaChoice::parse(words.split(',').next()?).and_then(|choice| match choice {
        HpaChoice::Pause(time) => Some(duration::show(time)),
        _ => None,
    })
}

/// The policies before a pause that was signed so; what it does not say was the API's default.
pub(in crate::run) fn paused_before(words: &str) -> [String; 2] {
    let policy = |name: &str| {
        let found = words.split(',').filter_map(|part| part.split_once(':')).find(|(n, _)| *n == name);
        // Only what the API knows: an annotation is anybody's to write.
        found.map(|(_, policy)| policy).filter(|p| ["Max", "Min"].contains(p)).unwrap_or("Max").to_owned()
    };
    [policy("up"), policy("down")]
}

/// Whether an autoscaler would undo `count`.
pub(in crate::run) fn check(hpas: &Result<Vec<HpaFacts>, TargetError>, namespace: &str, count: i64, choice: Option<HpaChoice>) -> Check {
    let check = Check::overridable("hpa");
    let hpas = match hpas {
        Ok(hpas) => hpas,
        Err(error) => {
            let (detail, fix) = unreadable("list", &format!("horizontalpodautoscalers in {namespace}"), error);
            return check.unknown(detail, fix);
        }
    };
    let Some(undone) = hpas.iter().find_map(|h| Some((h, h.with(choice, count).undoes(count)?))) else {
        if let Some(hpa) = hpas.iter().find(|h| h.with(choice, count).undecided(count)) {
            let why = format!("HPA {} ({}..{}) has not decided on a count yet", hpa.object.name, hpa.min, hpa.max);
            return check
                .unknown(why, "wait until it has read its metrics, or choose hpa=raise or hpa=pause:30m")
                .choices(hpa.choices(count));
        }
        return check.ok(match hpas.first() {
            None => "no autoscaler".to_owned(),
            Some(hpa) if count == 0 => format!("HPA {} rests while there are no pods", hpa.object.name),
            Some(hpa) => format!("HPA {} leaves {count} alone", hpa.object.name),
        });
    };
    let (hpa, why) = undone;
    if hpas.len() > 1 || hpa.scaled_object.is_some() {
        return check.failed(why, "change what drives this autoscaler instead");
    }
    let choices = hpa.choices(count);
    let ways: Vec<String> = choices.iter().map(|c| format!("{} ({})", c.parameter, c.title)).collect();
    check.failed(why, format!("choose {}", ways.join(" or "))).choices(choices)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use serde_json::json;

    use super::{HpaChoice, HpaFacts, check, pause_words, paused_before, paused_for};
    use crate::run::check::Answer;
    use crate::target::api::Change;

    fn hpa(min: i64, max: i64, desired: i64) -> HpaFacts {
        HpaFacts::of(&json!({
            "metadata": { "namespace": "shop", "name": "api", "uid": "h1", "resourceVersion": "3" },
            "spec": { "minReplicas": min, "maxReplicas": max, "scaleTargetRef": { "kind": "Deployment", "name": "api" } },
            "status": { "desiredReplicas": desired },
        }))
    }

    #[test]
    fn an_autoscaler_undoes_what_its_bounds_or_its_own_count_forbid_unless_it_is_told_otherwise() {
        const PAUSE: Option<HpaChoice> = Some(HpaChoice::Pause(Duration::from_mins(30)));
        for (bounds, count, choice, expected) in [
            ((3, 10, 3), 5, None, Answer::Failed),
            ((3, 10, 3), 5, Some(HpaChoice::Raise), Answer::Ok),
            ((3, 10, 3), 5, PAUSE, Answer::Ok),
            ((3, 10, 3), 12, None, Answer::Failed),
            ((3, 10, 3), 12, PAUSE, Answer::Failed),
            ((3, 10, 3), 12, Some(HpaChoice::Raise), Answer::Ok),
            ((3, 10, 5), 2, None, Answer::Failed),
            ((3, 10, 5), 2, PAUSE, Answer::Failed),
            ((3, 10, 5), 2, Some(HpaChoice::Lower), Answer::Ok),
            ((3, 10, 5), 4, None, Answer::Failed),
            ((3, 10, 5), 4, Some(HpaChoice::Raise), Answer::Failed),
            ((3, 10, 5), 4, Some(HpaChoice::Lower), Answer::Ok),
            ((3, 10, 5), 4, PAUSE, Answer::Ok),
            ((3, 10, 5), 5, None, Answer::Ok),
            ((3, 10, 3), 3, None, Answer::Ok),
            ((3, 10, 3), 0, None, Answer::Ok),
            // One that was made a moment ago says 0, which is no wish.
            ((1, 3, 0), 2, None, Answer::Unknown),
            ((1, 3, 0), 2, PAUSE, Answer::Ok),
            ((1, 3, 0), 2, Some(HpaChoice::Raise), Answer::Ok),
            ((1, 3, 0), 1, None, Answer::Ok),
            ((0, 3, 0), 2, None, Answer::Failed),
        ] {
            let (min, max, desired) = bounds;
            let found = check(&Ok(vec![hpa(min, max, desired)]), "shop", count, choice);
            assert_eq!(found.result, expected, "{bounds:?} {count} {choice:?}: {}", found.detail);
            if choice.is_none() && found.result == Answer::Failed {
                let ways: Vec<HpaChoice> = found.choices.iter().filter_map(|c| HpaChoice::parse(c.parameter.strip_prefix("hpa=")?)).collect();
                assert!(!ways.is_empty());
                for way in ways {
                    let then = check(&Ok(vec![hpa(min, max, desired)]), "shop", count, Some(way));
                    assert_eq!(then.result, Answer::Ok, "an offered way works: {bounds:?} {count} {way:?}");
                }
            }
        }
        assert_eq!(check(&Ok(vec![]), "shop", 5, None).result, Answer::Ok);
    }

    #[test]
    fn a_bound_is_moved_by_a_write_that_names_the_old_one() {
        let write = hpa(3, 10, 3).write(HpaChoice::Raise, 12).expect("a change");
        assert_eq!(write.words(), "minReplicas 3 -> 12, maxReplicas 10 -> 12");
        let Change::MergePatch(body) = write.request("3").change else { unreachable!("a merge patch") };
        assert_eq!(body, json!({ "metadata": { "uid": "h1", "resourceVersion": "3" }, "spec": { "minReplicas": 12, "maxReplicas": 12 } }));
        let pause = hpa(3, 10, 3).write(HpaChoice::Pause(Duration::from_mins(1)), 5).expect("a change");
        let Change::MergePatch(body) = pause.reversed().request("4").change else { unreachable!("a merge patch") };
        assert_eq!(body["spec"], json!({ "behavior": { "scaleUp": { "selectPolicy": "Max" }, "scaleDown": { "selectPolicy": "Max" } } }));
    }

    #[test]
    fn a_pause_is_signed_with_what_it_takes_to_go_back() {
        let mut facts = hpa(3, 10, 3);
        facts.down = "Min".into();
        let write = facts.write(HpaChoice::Pause(Duration::from_mins(30)), 5).expect("a change");
        let words = pause_words("pause:30m", &write);
        assert_eq!((words.as_str(), paused_for(&words).as_deref()), ("pause:30m,up:Max,down:Min", Some("30m")));
        assert_eq!(paused_before(&words), ["Max", "Min"]);
        assert_eq!(paused_before("pause:30m,up:Evil"), ["Max", "Max"]);
        assert_eq!((paused_for("3->5"), paused_for("raise")), (None, None));
    }

    #[test]
    fn choices_are_read_as_the_command_line_has_them() {
        assert_eq!(HpaChoice::parse("raise"), Some(HpaChoice::Raise));
        assert_eq!(HpaChoice::parse("pause:30m"), Some(HpaChoice::Pause(Duration::from_mins(30))));
        assert_eq!(HpaChoice::parse("pause:2h").map(HpaChoice::word), Some("pause:2h".into()));
        for bad in ["", "pause", "pause:", "pause:0m", "pause:30", "pause:é", "pause:10s", "pause:99h", "abort"] {
            assert_eq!(HpaChoice::parse(bad), None, "{bad}");
        }
    }
}
