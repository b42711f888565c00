//! Known troubles of a service: how they show, where to look, what is behind them, what to offer.
//!
//! Owns `[[symptom]]`. Whether one is there is judged elsewhere.

use crate::base::toml::Table;
use crate::service::around::Around;

/// One known trouble.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Symptom {
    /// What people call it.
    pub title: String,
    /// How it shows.
    pub detect: Option<String>,
    /// Where to look.
    pub look: Vec<String>,
    /// What may be behind it, in words.
    pub causes: Vec<String>,
    /// Ids of actions that may help.
    pub offer: Vec<String>,
}

pub(super) fn decode(root: &Table<'_>, around: &Around<'_>) -> Vec<Symptom> {
    root.tables("symptom").iter().filter_map(|table| one(table, around)).collect()
}

fn one(table: &Table<'_>, around: &Around<'_>) -> Option<Symptom> {
    let applies = around.applies(table);
    let title = table.need_text("title");
    let list = |key: &str| table.texts(key).into_iter().map(|t| t.value).collect();
    let (look, causes, offer) = (list("look"), list("causes"), list("offer"));
    let detect = table.text("detect").map(|d| d.value);
    table.finish();
    applies.then_some(Symptom { title: title?.value, detect, look, causes, offer })
}
