//! What a rollback must know of the schema: whether the release that it goes back to can run on the database as it is now.
//!
//! Owns that check of a rollback. It reads what inspections said before; nothing is asked of the database here, so that a rollback never
//! waits for one.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::releases;
use crate::base::age;
use crate::migrate::state::some;
use crate::migrate::verdict::Verdict;
use crate::run::check::Check;
use crate::run::context::PlanContext;
use crate::run::ground::Ground;
use crate::target::api::{ErrorKind, Read};

/// The check of going back to that pod template; `None` where no migrations of this workload are declared.
pub(in crate::run) async fn check(read: &dyn Read, context: &PlanContext, ground: &Ground, template: &Value, now: Timestamp) -> Option<Check> {
    let workload = &ground.object.reference;
    let migration = context.migration.as_ref()?;
    if (migration.workload.kind, migration.workload.name.as_str()) != (workload.kind, &*workload.name) {
        return None;
    }
    let image = migration.image(&json!({ "spec": { "template": template } }));
    let unknown = |why: String| Check::advisory("schema").unknown(why, format!("timonel run inspect image={image}"));
    let known = match read.get(&releases::of(&migration.service, &workload.namespace), "").await {
        Ok(raw) => releases::read(&raw),
        Err(error) if error.kind == ErrorKind::NotFound => Vec::new(),
        Err(error) => return Some(unknown(format!("what is known of releases cannot be read: {}", error.message))),
    };
    let Some((newest, own)) = known.first().zip(releases::find(&known, &image)) else {
        return Some(unknown(format!("{image} was not inspected: whether it can run on the database as it is now is not known")));
    };
    let asked = format!("as the database was {} ago", age::coarse(newest.at, now));
    let check = Check::overridable("schema");
    let from = newest.images.first().map_or("the image that has them", String::as_str);
    Some(match Verdict::of(&own.inspection, &newest.inspection) {
        Verdict::Safe => check.ok(format!("the schema is the one that {image} knows, {asked}")),
        Verdict::NeedsDowngrade(above) => check.failed(
            format!("needs a downgrade first: the database has {} above {image}, {asked}", some(&above)),
            format!("stop what writes, downgrade from {from}, then go back: {image} cannot take back what it does not know"),
        ),
        Verdict::LosesData(above, what) => check.failed(
            format!("loses data: the database has {} above {image}, and {what}, {asked}", some(&above)),
            "a backup from before, restored to another database; going back alone does not bring it back",
        ),
        Verdict::Unknown(why) => unknown(format!("{why}, {asked}")),
    })
}
