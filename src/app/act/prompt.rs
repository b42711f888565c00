//! Prompts while they are typed and when they are answered.
//!
//! Owns the hand-over of an answer to whoever asked.

use crate::action::Action;
use crate::app::App;
use crate::app::effect::Effect;
use crate::app::overlay::Overlay;
use crate::app::prompt::{Prompt, Purpose};
use crate::app::text_field::remember;
use crate::run::ActionRequest;
use crate::target::model::{Kind, ObjectRef};

/// More replicas than any real workload has: a slip of the finger, refused before anybody is asked (usage, exit 64).
const REPLICAS_MAX: u32 = 10_000;

impl App {
    /// What happens while text is typed: the row filter narrows at once, documents search at once.
    pub(crate) fn prompt_changed(&mut self) -> Vec<Effect> {
        let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut() else { return Vec::new() };
        let text = prompt.field.text().to_owned();
        if prompt.purpose == Purpose::Filter {
            prompt.error = self.workloads.set_filter(&text).err();
        } else if prompt.purpose == Purpose::SearchDocument {
            let below = self.overlays.len().checked_sub(2).and_then(|i| self.overlays.get_mut(i));
            if let Some(Overlay::Document(reading)) = below {
                reading.document.search(&text);
            }
        }
        Vec::new()
    }

    /// A prompt was left without an answer: what it showed at once is taken back.
    pub(crate) fn prompt_left(&mut self, prompt: &Prompt) {
        match prompt.purpose {
            Purpose::Filter => self.workloads.clear_filter(),
            Purpose::SearchDocument => {
                if let Some(Overlay::Document(reading)) = self.overlays.last_mut() {
                    reading.document.search("");
                }
            }
            _ => {}
        }
    }

    /// Takes the answer; a bad one stays on screen with what is wrong.
    pub(super) fn submit(&mut self) -> Vec<Effect> {
        let Some(Overlay::Prompt(prompt)) = self.overlays.last() else { return Vec::new() };
        let (purpose, text) = (prompt.purpose.clone(), prompt.field.text().to_owned());
        match self.take_answer(&purpose, &text) {
            Ok(effects) => {
                remember(self.histories.entry(purpose.history()).or_default(), &text);
                if let Some(index) = self.overlays.iter().rposition(|o| matches!(o, Overlay::Prompt(p) if p.purpose == purpose)) {
                    self.overlays.remove(index);
                }
                effects
            }
            Err(error) => {
                if let Some(Overlay::Prompt(prompt)) = self.overlays.last_mut() {
                    prompt.error = Some(error);
                }
                Vec::new()
            }
        }
    }

    fn take_answer(&mut self, purpose: &Purpose, text: &str) -> Result<Vec<Effect>, String> {
        match purpose {
            Purpose::Filter => self.workloads.set_filter(text).map(|()| Vec::new()),
            Purpose::SearchDocument => Ok(Vec::new()),
            Purpose::Replicas { workload, told, rest, .. } => {
                let mut told = told.clone();
                told.push((workload.clone(), replicas(text)?));
                match rest.split_first() {
                    Some((next, rest)) => self.ask_count(next, told, rest.to_vec()),
                    None => Ok(self.plan_scale(&told)),
                }
            }
            Purpose::Reason { check } => self.override_with(check, text),
            Purpose::Image(action) => match text.trim() {
                "" => Err("name an image".to_owned()),
                image => Ok(self.plan_image(*action, image)),
            },
            Purpose::Variable(asking) => self.file_answered(asking, text),
            Purpose::GoOn { run, wanted } => self.typed_to_go_on(run, wanted, text),
            Purpose::Alone => self.break_glass(text),
            logs => self.answer_logs(logs, text),
        }
    }

    /// Asks how many replicas the selected workload shall have.
    pub(super) fn ask_scale(&mut self) -> Vec<Effect> {
        if let Some(why) = self.unavailable(Action::Scale) {
            return self.refuse(why);
        }
        if self.workloads.marked().next().is_none() && self.workloads.subject().is_none() {
            return self.refuse("select a workload first");
        }
        match self.to_scale().and_then(|objects| {
            let (first, rest) = objects.split_first().ok_or("select a workload first")?;
            self.ask_count(first, Vec::new(), rest.to_vec())
        }) {
            Ok(effects) => effects,
            Err(why) => self.refuse(why),
        }
    }

    /// What is marked, else what the cursor is on; all of it can be scaled.
    fn to_scale(&self) -> Result<Vec<ObjectRef>, String> {
        let mut objects = self.marked()?;
        if objects.is_empty()
            && let Some(key) = self.workloads.subject()
        {
            objects.push(key.object().ok_or_else(|| format!("{key} cannot be scaled from here: its kind is not known"))?);
        }
        for object in &objects {
            self.current_count(object)?;
        }
        Ok(objects)
    }

    /// Asks for the count of one workload: each is asked for its own.
    fn ask_count(&mut self, workload: &ObjectRef, told: Vec<(ObjectRef, u32)>, rest: Vec<ObjectRef>) -> Result<Vec<Effect>, String> {
        let current = self.current_count(workload)?;
        let remembered = if current == 0 { self.before_zero(workload) } else { String::new() };
        Ok(self.ask(Purpose::Replicas { workload: workload.clone(), current, told, rest }, remembered))
    }

    fn plan_scale(&mut self, counts: &[(ObjectRef, u32)]) -> Vec<Effect> {
        let counts: Vec<(ObjectRef, Option<u32>)> = counts.iter().map(|(object, count)| (object.clone(), Some(*count))).collect();
        let Some(request) = ActionRequest::about("scale", &counts, Vec::new()) else { return Vec::new() };
        self.plan_for(Action::Scale, "scale", request.object, request.parameters)
    }

    /// The count that a workload at zero had before, as a run noted it; empty when none did.
    fn before_zero(&self, workload: &ObjectRef) -> String {
        let object = self.fleet.workload(workload.kind, &workload.namespace, &workload.name);
        let noted = object.and_then(|w| w.meta.annotation("timonel.io/replicas-before-zero"));
        noted.filter(|n| replicas(n).is_ok()).map(ToString::to_string).unwrap_or_default()
    }

    fn current_count(&self, object: &ObjectRef) -> Result<i32, String> {
        let replicas = match object.kind {
            Kind::Deployment | Kind::StatefulSet => self.fleet.workload(object.kind, &object.namespace, &object.name).map(|w| w.desired),
            Kind::ReplicaSet => self.fleet.replica_set(&object.namespace, &object.name).map(|r| r.desired),
            Kind::DaemonSet => return Err(format!("{}: a DaemonSet has one pod per node: it cannot be scaled", object.name)),
            kind => return Err(format!("{}: a {} cannot be scaled", object.name, kind.word())),
        };
        replicas.ok_or_else(|| format!("{object} is not there any more"))
    }
}

fn replicas(text: &str) -> Result<u32, String> {
    let text = text.trim();
    let number: i64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    match u32::try_from(number) {
        Ok(n) if n <= REPLICAS_MAX => Ok(n),
        _ if number < 0 => Err("replicas cannot be negative".to_owned()),
        _ => Err(format!("'{text}' is more than {REPLICAS_MAX}: that cannot be meant")),
    }
}

#[cfg(test)]
mod tests {
    use super::replicas;

    #[test]
    fn replicas_are_a_number_that_can_be_meant() {
        assert_eq!(replicas(" 5 "), Ok(5));
        assert_eq!(replicas("0"), Ok(0));
        for text in ["", "-1", "five", "1.5", "99999999999", "10001"] {
            assert!(replicas(text).is_err(), "{text}");
        }
    }
}
