//! Who may do what, by the roles and bindings in the store.
//!
//! Owns role-based access control as the API server has it, and the sentence of a refusal.

use serde_json::{Value, json};

use super::api::failure::Failure;
use super::api::kinds::{KINDS, Resource, known};
use super::serve::User;
use super::world::World;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Attributes<'a> {
    /// Verb.
    pub(crate) verb: &'a str,
    /// API group.
    pub(crate) group: &'a str,
    /// Resource; empty for paths outside the resources.
    pub(crate) resource: &'a str,
    /// Subresource.
    pub(crate) sub: &'a str,
    /// Namespace; empty = all, or none.
    pub(crate) namespace: &'a str,
    /// Name; empty = any.
    pub(crate) name: &'a str,
    /// Path outside the resources.
    pub(crate) path: &'a str,
}

/// Refuses what no rule allows.
pub(crate) fn authorize(world: &World, user: &User, what: &Attributes<'_>) -> Result<(), Failure> {
    if allowed(world, user, what).is_some() {
        return Ok(());
    }
    if what.resource.is_empty() {
        return Err(Failure::forbidden_path(&user.name, what.verb, what.path));
    }
    let why = refusal(user, what);
    let row: Option<&Resource> = KINDS.all().map(|(_, r)| r).find(|r| r.group == what.group && r.plural == what.resource);
    Err(row.map_or_else(|| Failure::bad_request(why.clone()), |row| Failure::forbidden(row, what.name, &why)))
}

fn refusal(user: &User, what: &Attributes<'_>) -> String {
    let resource = if what.sub.is_empty() { what.resource.to_owned() } else { format!("{}/{}", what.resource, what.sub) };
    let place = if what.namespace.is_empty() { "at the cluster scope".to_owned() } else { format!("in the namespace \"{}\"", what.namespace) };
    format!("User \"{}\" cannot {} resource \"{resource}\" in API group \"{}\" {place}", user.name, what.verb, what.group)
}

/// Why something is allowed; `None` when it is not.
pub(crate) fn allowed(world: &World, user: &User, what: &Attributes<'_>) -> Option<String> {
    if user.groups.iter().any(|g| g == "system:masters") {
        return Some(String::new());
    }
    let bindings = bindings(world, user, what.namespace);
    bindings.into_iter().find(|b| b.rules.iter().any(|rule| permits(rule, what))).map(|b| b.reason)
}

struct Binding {
    rules: Vec<Value>,
    reason: String,
}

/// The bindings that concern a user: those of the whole cluster, and those of a namespace.
fn bindings(world: &World, user: &User, namespace: &str) -> Vec<Binding> {
    let k = known();
    let mut all: Vec<Value> = world.store.list(k.cluster_role_bindings, None).map(|e| e.value()).collect();
    let cluster = all.len();
    if !namespace.is_empty() {
        all.extend(world.store.list(k.role_bindings, Some(namespace)).map(|e| e.value()));
    }
    let mine = all
        .iter()
        .enumerate()
        .filter(|(_, b)| b["subjects"].as_array().into_iter().flatten().any(|s| is_subject(s, user)));
    mine.map(|(i, binding)| {
        let (role, name) = (&binding["roleRef"], &binding["metadata"]["name"]);
        let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
        let (kind, role_name) = (text(&role["kind"]), text(&role["name"]));
        let found = if kind == "Role" { world.store.find(k.roles, namespace, &role_name) } else { world.store.find(k.cluster_roles, "", &role_name) };
        let rules = found.map(|r| r.value()["rules"].as_array().cloned().unwrap_or_default()).unwrap_or_default();
        let binding_kind = if i < cluster { "ClusterRoleBinding" } else { "RoleBinding" };
        let shown = if i < cluster { text(name) } else { format!("{}/{namespace}", text(name)) };
        let subject = binding["subjects"].as_array().into_iter().flatten().find(|s| is_subject(s, user));
        let subject = subject.map(|s| format!("{} \"{}\"", text(&s["kind"]), text(&s["name"]))).unwrap_or_default();
        Binding { rules, reason: format!("RBAC: allowed by {binding_kind} \"{shown}\" of {kind} \"{role_name}\" to {subject}") }
    })
    .collect()
}

fn is_subject(subject: &Value, user: &User) -> bool {
    let name = subject["name"].as_str().unwrap_or_default();
    match subject["kind"].as_str() {
        Some("User") => name == user.name,
        Some("Group") => user.groups.iter().any(|g| g == name),
        _ => false,
    }
}

fn names(rule: &Value, field: &str, wanted: &str) -> bool {
    rule[field].as_array().into_iter().flatten().any(|v| v == "*" || v == wanted)
}

fn permits(rule: &Value, what: &Attributes<'_>) -> bool {
    if !names(rule, "verbs", what.verb) {
        return false;
    }
    if what.resource.is_empty() {
        let fits = |p: &str| p == what.path || p.strip_suffix('*').is_some_and(|head| what.path.starts_with(head));
        return rule["nonResourceURLs"].as_array().into_iter().flatten().filter_map(Value::as_str).any(fits);
    }
    let resource = if what.sub.is_empty() { what.resource.to_owned() } else { format!("{}/{}", what.resource, what.sub) };
    let resource_fits = names(rule, "resources", &resource) || names(rule, "resources", &format!("*/{}", what.sub));
    let named = rule["resourceNames"].as_array().filter(|n| !n.is_empty());
    let name_fits = named.is_none_or(|n| n.iter().any(|v| v == what.name));
    names(rule, "apiGroups", what.group) && resource_fits && name_fits
}

/// All rules of a user in a namespace, as SelfSubjectRulesReview answers them.
pub(crate) fn rules(world: &World, user: &User, namespace: &str) -> Value {
    let all: Vec<Value> = if user.groups.iter().any(|g| g == "system:masters") {
        vec![json!({"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]}), json!({"verbs": ["*"], "nonResourceURLs": ["*"]})]
    } else {
        bindings(world, user, namespace).into_iter().flat_map(|b| b.rules).collect()
    };
    let (paths, resources): (Vec<Value>, Vec<Value>) = all.into_iter().partition(|r| r["nonResourceURLs"].is_array());
    json!({"resourceRules": resources, "nonResourceRules": paths, "incomplete": false})
}
