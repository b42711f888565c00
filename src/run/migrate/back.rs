//! What a rollback must know of the schema: whether the release that it goes back to can run on the database as it is now.
//!
//! Owns that check of a rollback. It reads what inspections said before, and what the database itself said when the plan was begun, where
//! it could be asked: the same that the header knows.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::judge::{Judge, Judgement, Known, gone_by};
use super::releases::{self, Record};
use crate::base::text::clean;
use crate::migrate::verdict::Verdict;
use crate::run::check::Check;
use crate::run::context::PlanContext;
use crate::run::ground::Ground;
use crate::target::api::Read;
use crate::target::model::{Kind, Scope};

/// What is known of an image that is gone back to.
pub(in crate::run) struct Ahead {
    /// The image.
    pub image: String,
    /// The verdict on it.
    pub judgement: Judgement,
    /// Why it is not to be had any more.
    pub gone: Option<String>,
}

impl Ahead {
    /// Of that pod template; `None` where no migrations of this workload are declared.
    pub(in crate::run) async fn read(read: &dyn Read, context: &PlanContext, ground: &Ground, template: &Value, now: Timestamp) -> Option<Self> {
        let workload = &ground.object.reference;
        let migration = context.migration.as_ref()?;
        if (migration.workload.kind, migration.workload.name.as_str()) != (workload.kind, &*workload.name) {
            return None;
        }
        let image = migration.image(&json!({ "spec": { "template": template } }));
        let (record, scope) = (releases::of(&migration.service, &workload.namespace), Scope::Namespace(workload.namespace.clone()));
        // Where pods may not be listed, none proves that an image is gone.
        let (record, pods) = futures_util::join!(Record::of(read, &record), read.list(Kind::Pod, &scope, "", ""));
        let known = Known { record, applied: context.applied.clone() };
        let judgement = Judge { migration, known: &known, now }.of(&image, None);
        let gone = gone_by(&pods.unwrap_or_default(), &image).map(|why| clean(&why).into_owned());
        Some(Self { image, judgement, gone })
    }

    /// The check of going back to it as it is.
    pub(in crate::run) fn check(&self) -> Check {
        let check = Check::overridable("schema");
        let Judgement { verdict, asked, from } = &self.judgement;
        let image = &self.image;
        if let Some(gone) = &self.gone {
            return check.failed(format!("impossible: {gone}"), "put the image back into its registry, or go back to another release");
        }
        let from = from.as_ref().and_then(|seen| seen.images.first()).map_or("the image that has them", String::as_str);
        match verdict {
            Verdict::Safe => check.ok(format!("the schema is the one that {image} knows, {asked}")),
            Verdict::NeedsDowngrade(way) => check.failed(
                format!("needs a downgrade first: the database has {} above {image}, {asked}", way.words()),
                format!("stop what writes, downgrade from {from}, then go back: {image} cannot take back what it does not know"),
            ),
            Verdict::LosesData(way, lost) => check.failed(
                format!("loses data: the database has {} above {image}, and {}, {asked}", way.words(), lost.join("; ")),
                "a backup from before, restored to another database; going back alone does not bring it back",
            ),
            Verdict::Impossible(above, why) => check.failed(
                format!("impossible: the database has {} above {image}, and {why}, {asked}", crate::migrate::state::some(above)),
                "a newer release that puts right what is wrong, or a backup from before, restored to another database",
            ),
            // What is above the image stands in the way, however little is known of it: production asks for a word in writing.
            Verdict::Above(why) => check.unknown(format!("{why}, {asked}"), format!("inspect {from}: timonel run inspect image=IMAGE")),
            Verdict::Unknown(why) => {
                let asked = if asked.is_empty() { String::new() } else { format!(", {asked}") };
                Check::advisory("schema").unknown(format!("{why}{asked}"), format!("timonel run inspect image={image}"))
            }
        }
    }
}
