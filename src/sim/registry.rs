//! Writing objects as the API server lets clients write them.
//!
//! Owns create, update, patch and delete with preconditions and dry run, and the subresources that are writes. Must not know HTTP.

mod delete;
mod scale;

use serde_json::{Map, Value, json};

use super::api::admit;
use super::api::failure::Failure;
use super::api::kinds::{Res, known};
use super::api::patch::{self, Kind};
use super::api::views;
use super::store::Key;
use super::wire::canon::{Canonical, canonical};
use super::wire::schema::SCHEMA;
use super::world::World;

pub(crate) use delete::{DeleteOptions, Outcome, delete, evict, propagation};
pub(crate) use scale::{get as get_scale, put as put_scale};

/// What to do about fields that nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Unknown {
    /// Drop them silently.
    Ignore,
    /// Drop them and warn.
    #[default]
    Warn,
    /// Refuse.
    Strict,
}

/// How a write is meant, and what is to be said about it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Writing {
    /// Nothing is stored.
    pub(crate) dry_run: bool,
    /// What to do about unknown fields.
    pub(crate) unknown: Unknown,
    /// Sentences for `Warning` headers.
    pub(crate) warnings: Vec<String>,
}

/// The objects of one kind, at one place: what a write is about.
#[derive(Debug, Clone)]
pub(crate) struct Place<'a> {
    /// Kind.
    pub(crate) res: Res,
    /// Namespace; empty for kinds without.
    pub(crate) namespace: &'a str,
    /// Name; empty when the body has it.
    pub(crate) name: &'a str,
    /// Subresource; empty for the object itself.
    pub(crate) sub: &'a str,
}

impl Place<'_> {
    fn key(&self) -> Key {
        Key::new(self.namespace, self.name)
    }

    fn stored(&self) -> Res {
        self.res.stored()
    }

    /// The object, or 404.
    pub(crate) fn current(&self, world: &World) -> Result<Value, Failure> {
        let entry = world.store.get(self.stored(), &self.key());
        entry.map(|e| e.value()).ok_or_else(|| Failure::not_found(self.res.row(), self.name))
    }
}

/// Brings a body into the form it is stored in: known fields only, of the right type, for this kind.
pub(crate) fn read(place: &Place<'_>, body: Value, writing: &mut Writing) -> Result<Value, Failure> {
    let row = place.res.row();
    let (version, kind) = (body["apiVersion"].as_str().unwrap_or_default(), body["kind"].as_str().unwrap_or_default());
    if !version.is_empty() && version != row.api_version() {
        return Err(Failure::bad_request(format!(
            "the API version in the data ({version}) does not match the expected API version ({})",
            row.api_version()
        )));
    }
    let cannot = |why: &str| Failure::bad_request(format!("{} in version \"{}\" cannot be handled as a {}: {why}", row.kind, row.version, row.kind));
    if !kind.is_empty() && kind != row.kind {
        return Err(Failure::bad_request(format!(
            "{kind} in version \"{}\" cannot be handled as a {}: converting (v1.{kind}) to ({}.{}): unknown conversion",
            row.version,
            row.kind,
            row.group.split('.').next().filter(|group| !group.is_empty()).unwrap_or("core"),
            row.kind
        )));
    }
    let Canonical { value, unknown } = match row.message {
        Some(message) => canonical(body, message).map_err(|e| cannot(&e))?,
        None => custom(body).map_err(|e| cannot(&e))?,
    };
    if !unknown.is_empty() {
        let sentences: Vec<String> = unknown.iter().map(|f| format!("unknown field \"{f}\"")).collect();
        match writing.unknown {
            Unknown::Strict => return Err(cannot(&format!("strict decoding error: {}", sentences.join(", ")))),
            Unknown::Warn => writing.warnings.extend(sentences),
            Unknown::Ignore => {}
        }
    }
    Ok(if place.res == known().new_events { views::event_from_new(value) } else { value })
}

/// A custom resource: only its metadata has known fields.
fn custom(mut body: Value) -> Result<Canonical, String> {
    let metadata = body["metadata"].take();
    let message = SCHEMA.message("meta/v1.ObjectMeta").ok_or("no metadata")?;
    let Canonical { value: metadata, unknown } = canonical(metadata, message)?;
    let mut out = Map::new();
    out.insert("metadata".into(), metadata);
    for (name, value) in body.as_object_mut().map(std::mem::take).unwrap_or_default() {
        if !matches!(name.as_str(), "metadata" | "kind" | "apiVersion") && !value.is_null() {
            out.insert(name, value);
        }
    }
    Ok(Canonical { value: Value::Object(out), unknown: unknown.iter().map(|f| format!("metadata.{f}")).collect() })
}

/// Makes an object. Answers it without kind and apiVersion.
pub(crate) fn create(world: &mut World, place: &Place<'_>, body: Value, writing: &mut Writing) -> Result<Value, Failure> {
    let (res, row) = (place.stored(), place.res.row());
    let mut object = read(place, body, writing)?;
    if row.namespaced {
        let given = object["metadata"]["namespace"].as_str().unwrap_or_default();
        if !given.is_empty() && given != place.namespace {
            return Err(Failure::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
        }
        object["metadata"]["namespace"] = json!(place.namespace);
        order_metadata(&mut object);
        let namespace = world.store.find(known().namespaces, "", place.namespace);
        let namespace = namespace.ok_or_else(|| Failure::not_found(known().namespaces.row(), place.namespace))?;
        if namespace.deleting {
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let why = format!("unable to create new content in namespace {} because it is being terminated", place.namespace);
            return Err(Failure::forbidden(row, name, &why).terminating(place.namespace));
        }
    }
    if !row.namespaced
        && let Some(metadata) = object["metadata"].as_object_mut()
    {
        metadata.shift_remove("namespace");
    }
    admit::create(world, res, &mut object)?;
    let key = Key::new(place.namespace, object["metadata"]["name"].as_str().unwrap_or_default());
    if world.store.get(res, &key).is_some() {
        return Err(Failure::already_exists(row, &key.name));
    }
    order_metadata(&mut object);
    if writing.dry_run {
        return Ok(object);
    }
    Ok(world.put(res, object).value())
}

/// Replaces an object, or its status.
pub(crate) fn update(world: &mut World, place: &Place<'_>, body: Value, writing: &mut Writing) -> Result<Value, Failure> {
    let (old, name) = (place.current(world), body["metadata"]["name"].as_str().unwrap_or_default().to_owned());
    if name != place.name {
        return Err(Failure::bad_request(format!("the name of the object ({name}) does not match the name on the URL ({})", place.name)));
    }
    let old = old?;
    let new = read(place, body, writing)?;
    replace(world, place, &old, new, writing)
}

/// Patches an object, or its status.
pub(crate) fn patch(world: &mut World, place: &Place<'_>, kind: Kind, patch: &[u8], writing: &mut Writing) -> Result<Value, Failure> {
    let old = place.current(world)?;
    let row = place.res.row();
    let mut full = json!({"kind": row.kind, "apiVersion": row.api_version()});
    let shown = if place.res == known().new_events { views::event_to_new(old.clone()) } else { old.clone() };
    if let (Some(full), Value::Object(shown)) = (full.as_object_mut(), shown) {
        full.extend(shown);
    }
    let patched = patch::apply(kind, &full, patch, row.message)?;
    let new = read(place, patched, writing)?;
    match new["metadata"]["name"].as_str().unwrap_or_default() {
        "" => Err(Failure::bad_request(format!(
            "the name of the object ({} based on URL) was undeterminable: name must be provided",
            place.name
        ))),
        name if name != place.name => {
            Err(Failure::bad_request(format!("the name of the object ({name}) does not match the name on the URL ({})", place.name)))
        }
        _ => replace(world, place, &old, new, writing),
    }
}

fn replace(world: &mut World, place: &Place<'_>, old: &Value, mut new: Value, writing: &Writing) -> Result<Value, Failure> {
    let (res, row) = (place.stored(), place.res.row());
    preconditions(place, old, &new)?;
    if place.sub == "status" {
        // Labels and what else people may say about an object go through every door.
        let (status, metadata) = (new["status"].take(), new["metadata"].take());
        new = old.clone();
        new["status"] = status;
        for field in ["labels", "annotations", "finalizers", "ownerReferences"] {
            if field == "labels" && res == known().deployments {
                continue;
            }
            if !metadata[field].is_null() {
                new["metadata"][field] = metadata[field].clone();
            } else if let Some(map) = new["metadata"].as_object_mut() {
                map.shift_remove(field);
            }
        }
    } else if place.sub.is_empty() {
        if admit::status_has_own_door(res) {
            let kept = old["status"].clone();
            if let Some(map) = new.as_object_mut().filter(|_| kept.is_null()) {
                map.shift_remove("status");
            } else {
                new["status"] = kept;
            }
        }
        admit::update(world, res, old, &mut new)?;
    }
    new["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"].clone();
    if old["metadata"]["namespace"].is_string() {
        new["metadata"]["namespace"] = old["metadata"]["namespace"].clone();
    }
    if let Some(generation) = old["metadata"]["generation"].as_u64() {
        let annotations = res == known().deployments && old["metadata"]["annotations"] != new["metadata"]["annotations"];
        let moved = place.sub.is_empty() && (old["spec"] != new["spec"] || annotations);
        new["metadata"]["generation"] = json!(generation + u64::from(moved));
    }
    order_metadata(&mut new);
    debug_assert!(!row.kind.is_empty());
    if writing.dry_run || new == *old {
        return Ok(new);
    }
    let finalizers = new["metadata"]["finalizers"].as_array().is_some_and(|f| !f.is_empty());
    let ends = new["metadata"]["deletionTimestamp"].is_string() && !finalizers && res != known().pods && res != known().namespaces;
    if ends {
        world.remove(res, &place.key());
        return Ok(new);
    }
    Ok(world.put(res, new).value())
}

/// The conditions that a body carries in its own metadata.
fn preconditions(place: &Place<'_>, old: &Value, new: &Value) -> Result<(), Failure> {
    let row = place.res.row();
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let (given, current) = (text(&new["metadata"]["uid"]), text(&old["metadata"]["uid"]));
    if !given.is_empty() && given != current {
        let key = format!("/registry/{}/{}/{}", row.plural, place.namespace, place.name);
        let why = format!(
            "StorageError: invalid object, Code: 4, Key: {key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: {given}, UID in object meta: {current}"
        );
        return Err(Failure::conflict(row, place.name, &why));
    }
    let (given, current) = (text(&new["metadata"]["resourceVersion"]), text(&old["metadata"]["resourceVersion"]));
    if !given.is_empty() && given.parse::<u64>().is_err() {
        return Err(Failure::unforeseen(&format!("strconv.ParseUint: parsing \"{given}\": invalid syntax")));
    }
    if given.is_empty() && (place.res == known().leases || place.res == known().budgets && place.sub.is_empty()) {
        let cause = super::api::failure::Cause::invalid("metadata.resourceVersion", "0x0", "must be specified for an update");
        return Err(Failure::invalid(row, place.name, &[cause]));
    }
    if !given.is_empty() && given != current {
        return Err(Failure::modified(row, place.name));
    }
    Ok(())
}

/// Puts metadata into the order of the server's JSON, so that equal objects are equal bytes.
fn order_metadata(object: &mut Value) {
    const ORDER: [&str; 13] = [
        "name",
        "generateName",
        "namespace",
        "uid",
        "resourceVersion",
        "generation",
        "creationTimestamp",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "labels",
        "annotations",
        "ownerReferences",
        "finalizers",
    ];
    let Some(old) = object["metadata"].as_object_mut().map(std::mem::take) else { return };
    let mut new = Map::with_capacity(old.len());
    for name in ORDER {
        if let Some(value) = old.get(name).filter(|v| !v.is_null()) {
            new.insert(name.to_owned(), value.clone());
        }
    }
    for (name, value) in old {
        if !ORDER.contains(&name.as_str()) {
            new.insert(name, value);
        }
    }
    object["metadata"] = Value::Object(new);
}
