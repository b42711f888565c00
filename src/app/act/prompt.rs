//! Prompts while they are typed and when they are answered.
//!
//! Owns the hand-over of an answer to whoever asked.

use crate::app::App;
use crate::app::effect::{Effect, PlanRequest};
use crate::app::overlay::Overlay;
use crate::app::prompt::{Prompt, Purpose};
use crate::app::text_field::remember;
use crate::fleet::WorkloadKey;

/// More replicas than any real workload has: a slip of the finger, refused before anybody is asked (usage, exit 64).
const REPLICAS_MAX: i32 = 10_000;

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
            Purpose::Replicas { workload, .. } => {
                let replicas = replicas(text)?;
                let request = PlanRequest {
                    action: "scale",
                    subject: workload.clone(),
                    parameters: vec![format!("replicas={replicas}")],
                    overrides: Vec::new(),
                    reason: None,
                    second: None,
                };
                Ok(self.open_plan(request))
            }
            Purpose::Reason { check } => self.override_with(check, text),
            logs => self.answer_logs(logs, text),
        }
    }

    /// Asks how many replicas the selected workload shall have.
    pub(super) fn ask_scale(&mut self) -> Vec<Effect> {
        if let Some(why) = self.unavailable(crate::action::Action::Scale) {
            return self.refuse(why);
        }
        let Some(key) = self.workloads.subject().cloned() else { return self.refuse("select a workload first") };
        match self.scalable(&key) {
            Ok((workload, current)) => {
                let remembered = if current == 0 { self.before_zero(&workload) } else { String::new() };
                self.ask(Purpose::Replicas { workload, current }, remembered)
            }
            Err(why) => self.refuse(why),
        }
    }

    /// The count that a workload at zero had before, as a run noted it; empty when none did.
    fn before_zero(&self, workload: &crate::target::model::ObjectRef) -> String {
        let object = self.fleet.workload(workload.kind, &workload.namespace, &workload.name);
        let noted = object.and_then(|w| w.meta.annotation("timonel.io/replicas-before-zero"));
        noted.filter(|n| replicas(n).is_ok()).map(ToString::to_string).unwrap_or_default()
    }

    fn scalable(&self, key: &WorkloadKey) -> Result<(crate::target::model::ObjectRef, i32), String> {
        use crate::target::model::Kind;
        let object = key.object().ok_or_else(|| format!("{key} cannot be scaled from here: its kind is not known"))?;
        let replicas = match object.kind {
            Kind::Deployment | Kind::StatefulSet => self.fleet.workload(object.kind, &object.namespace, &object.name).map(|w| w.desired),
            Kind::ReplicaSet => self.fleet.replica_set(&object.namespace, &object.name).map(|r| r.desired),
            Kind::DaemonSet => return Err("a DaemonSet has one pod per node: it cannot be scaled".to_owned()),
            kind => return Err(format!("a {} cannot be scaled", kind.word())),
        };
        replicas.map(|n| (object, n)).ok_or_else(|| format!("{key} is not there any more"))
    }
}

fn replicas(text: &str) -> Result<i32, String> {
    let text = text.trim();
    let number: i64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    match i32::try_from(number) {
        Ok(n) if (0..=REPLICAS_MAX).contains(&n) => Ok(n),
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
