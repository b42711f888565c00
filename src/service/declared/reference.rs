//! References within texts: `probe:ID`, `kpi:ID`, `secret:ID`, `action:ID`, `backup:ID` in symptoms and escalations.
//!
//! Owns whether they lead anywhere in the file. What is not of this form is words, and none of its business.

use crate::base::toml::{At, Table};
use crate::service::around::known;

/// Ids of the file, whatever environment they are for.
struct Ids {
    lists: Vec<(&'static str, Vec<String>)>,
}

impl Ids {
    fn of(root: &Table<'_>) -> Self {
        let list = |key: &'static str| (key, root.tables(key).iter().filter_map(|t| t.text("id")).map(|id| id.value).collect());
        let secrets = root.table("secrets").map(|t| t.entries().into_iter().map(|(id, _)| id.value).collect()).unwrap_or_default();
        Self { lists: vec![list("probe"), list("kpi"), list("action"), list("backup"), ("secret", secrets)] }
    }

    fn check(&self, table: &Table<'_>, text: At<String>) {
        let Some((noun, rest)) = text.value.split_once(':') else { return };
        let Some((noun, ids)) = self.lists.iter().find(|(known, _)| *known == noun) else { return };
        let id = rest.split_whitespace().next().unwrap_or_default().to_owned();
        known(table, &At { value: id, spot: text.spot }, noun, ids.iter());
    }
}

/// Records every reference that leads nowhere.
pub(super) fn check(root: &Table<'_>) {
    let ids = Ids::of(root);
    for table in root.tables("symptom") {
        table.texts("look").into_iter().chain(table.text("detect")).for_each(|text| ids.check(&table, text));
        for action in table.texts("offer") {
            let actions = ids.lists.iter().filter(|(noun, _)| *noun == "action").flat_map(|(_, ids)| ids);
            known(&table, &action, "action", actions);
        }
    }
    for table in root.tables("escalation") {
        table.texts("suggest_if").into_iter().for_each(|text| ids.check(&table, text));
    }
}
