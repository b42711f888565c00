//! What a registry says of the image of a step before anything is confirmed: what the plan shows is what is done, by its digest.
//!
//! Owns for which workload it is asked, and what the answers are as checks. Who asks is behind `run::Probes`.

use super::Resolver;
use crate::run::program::Look;
use crate::run::{Check, ImageAsked, NoImage, PlanError, ProbeAnswer, repository};
use crate::service::{ActionStep, FileAction, StepKind, Workload};
use crate::target::model::ObjectRef;

/// What was found.
pub(super) struct Found {
    /// What the step does.
    pub look: Look,
    /// The image for the steps after it: by its digest where that is known, else as the file names it.
    pub image: String,
    pub checks: Vec<Check>,
}

impl Resolver<'_> {
    pub(super) async fn image(&self, action: &FileAction, step: &ActionStep, asked: String) -> Result<Found, PlanError> {
        let workload = self.puller(action, step, &asked).map(|w| self.object(w)).transpose()?;
        let heard = self.probes.image(&ImageAsked { image: asked.clone(), workload: workload.clone() }).await;
        let check = Check::required(format!("image-check:{}", step.id));
        let mut checks = Vec::new();
        let image = match heard {
            Ok(found) => {
                let digest = found.pinned.rsplit_once('@').map_or("", |(_, digest)| digest);
                checks.push(check.ok(format!("{asked} is {digest}: {}", found.words)));
                checks.push(platform(&step.id, found.platform));
                found.pinned
            }
            Err(NoImage::Failed(why)) => {
                checks.push(check.failed(why, "push it, or name another version"));
                asked.clone()
            }
            Err(NoImage::Unknown(why)) => {
                let detail = format!("{why}: which image {asked} is, is not known, and the steps after it have it by that name");
                checks.push(check.unknown(detail, "a registry that answers, and a pull secret that you may read"));
                asked.clone()
            }
        };
        Ok(Found { look: Look::Image { asked, image: image.clone(), workload }, image, checks })
    }

    /// The workload that would pull it: the one that the step names, whose image it is, or that a later step gives it to.
    fn puller(&self, action: &FileAction, step: &ActionStep, asked: &str) -> Option<&Workload> {
        let all = &self.service.workloads;
        if let StepKind::ImageCheck { workload: Some(id), .. } = &step.kind {
            return all.iter().find(|w| w.id == *id);
        }
        let own = |w: &&Workload| w.image.as_deref() == Some(repository(asked)) && self.object(w).is_ok_and(|o| has_pods(&o));
        let given = action.steps.iter().filter(|s| matches!(s.kind, StepKind::SetImage { .. } | StepKind::Job { .. }));
        all.iter().find(own).or_else(|| given.into_iter().find_map(|s| s.kind.workload(all)))
    }
}

/// Whether its pods are made of a template that it has itself.
fn has_pods(object: &ObjectRef) -> bool {
    use crate::target::model::Kind;
    matches!(object.kind, Kind::Deployment | Kind::StatefulSet | Kind::DaemonSet)
}

/// What nodes cannot be asked is said, and blocks nothing: what they are is shown to few (contract.md 4).
fn platform(step: &str, answer: ProbeAnswer) -> Check {
    let id = format!("image-platform:{step}");
    match answer {
        ProbeAnswer::Ok(words) => Check::overridable(id).ok(words),
        ProbeAnswer::Failed(why) => Check::overridable(id).failed(why, "build it for the nodes, or send its pods to others"),
        ProbeAnswer::Unknown(why) => Check::advisory(id).unknown(why, "the right to list nodes"),
    }
}
