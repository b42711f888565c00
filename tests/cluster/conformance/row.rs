//! One request of the table.
//!
//! Owns how a request is written down. Must not know who answers it.

use serde_json::Value;

/// A request, with what is kept of its answer for later ones. `{ns}` and everything kept is filled in when it is sent.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    /// What it is about, unique in its chapter.
    pub(crate) name: String,
    /// `GET`.
    pub(crate) method: &'static str,
    /// Path and query.
    pub(crate) path: String,
    /// Header fields beside the usual ones.
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Body; empty = none.
    pub(crate) body: String,
    /// Names under which strings of the answer are kept, and where they are in it.
    pub(crate) keeps: Vec<(&'static str, &'static str)>,
    /// Asked again until this holds: what controllers do takes its time.
    pub(crate) until: Option<fn(&Value) -> bool>,
    /// Asked again for a while when the answers differ: both servers are still busy with it.
    pub(crate) settles: bool,
    /// Asked for its effect: the answers are not compared.
    pub(crate) silent: bool,
}

/// What a client asks for when it wants a table.
pub(crate) const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";
/// What a client asks for when it wants a list's metadata only.
pub(crate) const PARTIAL_LIST: &str = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
/// What a client asks for when it wants an object's metadata only.
pub(crate) const PARTIAL: &str = "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io";
/// A merge patch.
pub(crate) const MERGE: &str = "application/merge-patch+json";
/// A JSON patch.
pub(crate) const JSON: &str = "application/json-patch+json";
/// A strategic merge patch.
pub(crate) const STRATEGIC: &str = "application/strategic-merge-patch+json";

impl Row {
    fn new(method: &'static str, name: impl Into<String>, path: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            method,
            path: path.into(),
            headers: Vec::new(),
            body: String::new(),
            keeps: Vec::new(),
            until: None,
            settles: false,
            silent: false,
        }
    }

    /// Reads.
    pub(crate) fn get(name: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new("GET", name, path)
    }

    /// Makes something.
    pub(crate) fn post(name: impl Into<String>, path: impl Into<String>, body: &Value) -> Self {
        Self::new("POST", name, path).json(&body.to_string())
    }

    /// Replaces something.
    pub(crate) fn put(name: impl Into<String>, path: impl Into<String>, body: &Value) -> Self {
        Self::new("PUT", name, path).json(&body.to_string())
    }

    /// Changes something, by one of the kinds of patches.
    pub(crate) fn patch(name: impl Into<String>, path: impl Into<String>, kind: &str, body: &Value) -> Self {
        Self::new("PATCH", name, path).raw(kind, &body.to_string())
    }

    /// Deletes something; a null body is none.
    pub(crate) fn delete(name: impl Into<String>, path: impl Into<String>, options: &Value) -> Self {
        let row = Self::new("DELETE", name, path);
        if options.is_null() { row } else { row.json(&options.to_string()) }
    }

    /// Any other method.
    pub(crate) fn method(method: &'static str, name: impl Into<String>, path: impl Into<String>) -> Self {
        Self::new(method, name, path)
    }

    /// With a body of that type, as it stands.
    pub(crate) fn raw(mut self, kind: &str, body: &str) -> Self {
        body.clone_into(&mut self.body);
        self.header("content-type", kind)
    }

    fn json(self, body: &str) -> Self {
        self.raw("application/json", body)
    }

    /// With a header field.
    pub(crate) fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// In that form.
    pub(crate) fn accept(self, form: &str) -> Self {
        self.header("accept", form)
    }

    /// Keeps a string of the answer.
    pub(crate) fn keep(mut self, name: &'static str, pointer: &'static str) -> Self {
        self.keeps.push((name, pointer));
        self
    }

    /// Asked again until it holds.
    pub(crate) fn until(mut self, holds: fn(&Value) -> bool) -> Self {
        self.until = Some(holds);
        self
    }

    /// Asked again for a while when the answers differ.
    pub(crate) fn settles(mut self) -> Self {
        self.settles = true;
        self
    }

    /// Asked for its effect only.
    pub(crate) fn silent(mut self) -> Self {
        self.silent = true;
        self
    }
}
