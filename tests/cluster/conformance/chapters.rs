//! The table of requests, by chapters.
//!
//! Owns which chapters there are. A chapter is played in a namespace of its own, its requests one after the other.

mod access;
mod discovery;
mod life;
mod paging;
mod pods;
mod watches;
mod workloads;
mod writes;

use serde_json::json;

use super::row::Row;

/// What a chapter is made of.
type Chapter = (&'static str, fn() -> Vec<Row>);

const CHAPTERS: &[Chapter] = &[
    ("discovery", discovery::rows),
    ("life", life::rows),
    ("paging", paging::rows),
    ("watches", watches::rows),
    ("writes", writes::rows),
    ("workloads", workloads::rows),
    ("pods", pods::rows),
    ("access", access::rows),
];

/// The names of the chapters.
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    CHAPTERS.iter().map(|(name, _)| *name)
}

/// The requests of a chapter.
pub(super) fn rows(chapter: &str) -> Vec<Row> {
    let found = CHAPTERS.iter().find(|(name, _)| *name == chapter);
    found.unwrap_or_else(|| panic!("no chapter '{chapter}'")).1()
}

/// What comes before every chapter: its namespace, in which pods get an account.
pub(super) fn before() -> Vec<Row> {
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "{ns}"}});
    vec![
        Row::post("its namespace", "/api/v1/namespaces", &namespace),
        Row::get("its account", "/api/v1/namespaces/{ns}/serviceaccounts/default").until(|answer| answer["kind"] == "ServiceAccount"),
        Row::get("its certificate", "/api/v1/namespaces/{ns}/configmaps/kube-root-ca.crt")
            .until(|answer| answer["kind"] == "ConfigMap")
            .silent(),
    ]
}

/// What comes after every chapter: everything is taken away again.
pub(super) fn after() -> Vec<Row> {
    vec![Row::delete("its namespace goes", "/api/v1/namespaces/{ns}", &json!({"propagationPolicy": "Background"})).silent()]
}

/// The table is as long as it is said to be, and a row is found by its name.
pub(super) fn are_many() {
    let mut all = 0;
    for name in names() {
        let rows = rows(name);
        all += rows.len();
        let mut known: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
        known.sort_unstable();
        let twice = known.windows(2).find(|pair| pair[0] == pair[1]);
        assert!(twice.is_none(), "chapter '{name}' has two rows '{}'", twice.unwrap_or_default()[0]);
    }
    assert!(all > 500, "{all} requests");
}
