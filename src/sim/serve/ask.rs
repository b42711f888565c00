//! What a request asks for.
//!
//! Owns the reading of paths and queries: verb, resource, namespace, name, subresource.

use axum::body::Body;
use axum::extract::Query;
use http::{HeaderMap, Method, Request};

use super::identity::User;
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::{KINDS, Res};
use crate::sim::rbac::Attributes;
use crate::sim::registry;

/// A request, read.
#[derive(Debug)]
pub(super) struct Ask {
    /// Who.
    pub(super) user: User,
    /// `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`, `deletecollection`.
    pub(super) verb: &'static str,
    /// What.
    pub(super) target: Target,
    /// Parameters, decoded.
    pub(super) query: Vec<(String, String)>,
    /// Header fields.
    pub(super) headers: HeaderMap,
    /// The path as it was sent.
    pub(super) path: String,
}

/// What a path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Target {
    /// Something of a resource.
    Resource(Place),
    /// Something outside the resources: discovery, version, health.
    Path(String),
    /// Nothing.
    Nowhere,
}

/// A place in a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// Resource.
    pub(super) res: Res,
    /// Namespace; empty = all, or none.
    pub(super) namespace: String,
    /// Name, of a pod proxy with port; empty = all.
    pub(super) name: String,
    /// Subresource; empty = the object itself.
    pub(super) sub: String,
    /// What follows the subresource.
    pub(super) rest: String,
}

impl Place {
    /// The place as the registry knows it.
    pub(super) fn of(&self) -> registry::Place<'_> {
        registry::Place { res: self.res, namespace: &self.namespace, name: &self.name, sub: &self.sub }
    }
}

impl Ask {
    /// Reads a request.
    pub(super) fn read(request: &Request<Body>, user: User) -> Result<Self, Failure> {
        let path = request.uri().path().to_owned();
        let query = Query::<Vec<(String, String)>>::try_from_uri(request.uri()).map_or_else(|_| Vec::new(), |q| q.0);
        let target = target(&path)?;
        let mut ask = Self { user, verb: "get", target, query, headers: request.headers().clone(), path };
        ask.verb = ask.verb_of(request.method())?;
        Ok(ask)
    }

    fn verb_of(&self, method: &Method) -> Result<&'static str, Failure> {
        let Target::Resource(place) = &self.target else {
            return Ok(match *method {
                Method::GET | Method::HEAD => "get",
                Method::POST => "post",
                Method::PUT => "put",
                Method::PATCH => "patch",
                _ => "delete",
            });
        };
        let verb = match *method {
            Method::GET if self.flag("watch") && place.name.is_empty() => "watch",
            Method::GET if place.name.is_empty() => "list",
            Method::GET => "get",
            Method::POST => "create",
            Method::PUT => "update",
            Method::PATCH => "patch",
            Method::DELETE if place.name.is_empty() => "deletecollection",
            Method::DELETE => "delete",
            _ => return Err(Failure::method_not_allowed()),
        };
        if place.name.is_empty() && matches!(verb, "update" | "patch") {
            return Err(Failure::method_not_allowed());
        }
        let row = place.res.row();
        let verbs = if place.sub.is_empty() { Some(&row.verbs) } else { row.sub(&place.sub).map(|s| &s.verbs) };
        let allowed = verbs.ok_or_else(Failure::no_resource)?;
        if !place.name.is_empty() && allowed.as_slice() == ["create"] && place.sub.is_empty() {
            // What is asked and never stored has no names.
            return Err(Failure::no_resource());
        }
        if allowed.contains(&verb) || (verb == "watch" && allowed.contains(&"list") && row.group == "metrics.k8s.io") {
            Ok(verb)
        } else {
            Err(Failure::method_not_allowed())
        }
    }

    /// A parameter; the first one wins.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        self.query.iter().find(|(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// All values of a parameter.
    pub(super) fn params<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.query.iter().filter(move |(n, _)| n == name).map(|(_, v)| v.as_str())
    }

    /// A parameter that is there and not false.
    pub(super) fn flag(&self, name: &str) -> bool {
        self.param(name).is_some_and(|v| matches!(v, "" | "1" | "true" | "True" | "TRUE" | "t" | "T"))
    }

    /// What rights are needed.
    pub(super) fn attributes(&self) -> Attributes<'_> {
        match &self.target {
            Target::Resource(place) => Attributes {
                verb: self.verb,
                group: place.res.row().group,
                resource: place.res.row().plural,
                sub: &place.sub,
                namespace: if place.res.row().namespaced { &place.namespace } else { "" },
                name: place.name.split(':').next().unwrap_or_default(),
                path: "",
            },
            _ => Attributes { verb: self.verb, group: "", resource: "", sub: "", namespace: "", name: "", path: &self.path },
        }
    }
}

fn target(path: &str) -> Result<Target, Failure> {
    let parts: Vec<&str> = path.split('/').filter(|p| !p.is_empty()).collect();
    let (group, version, rest) = match parts.as_slice() {
        ["api", version, rest @ ..] if !rest.is_empty() => ("", *version, rest),
        ["apis", group, version, rest @ ..] if !rest.is_empty() => (*group, *version, rest),
        _ => return Ok(Target::Path(path.to_owned())),
    };
    if !KINDS.all().any(|(_, r)| r.group == group && r.version == version) {
        // The server answers for its own groups, nobody for the others; those of metrics are another server's.
        return if group != "metrics.k8s.io" && KINDS.all().any(|(_, r)| r.group == group) {
            Err(Failure::no_resource())
        } else {
            Ok(Target::Nowhere)
        };
    }
    let deep = rest.iter().position(|part| *part == "proxy").is_none_or(|at| at > 4);
    if path.contains("//") && deep {
        return Err(Failure::no_resource());
    }
    let find = |plural: &str| KINDS.at(group, version, plural).ok_or_else(Failure::no_resource);
    let text = |s: &str| s.to_owned();
    let place = |res, namespace: &str, rest: &[&str]| {
        let (name, sub) = (rest.first().copied().unwrap_or_default(), rest.get(1).copied().unwrap_or_default());
        Target::Resource(Place {
            res,
            namespace: text(namespace),
            name: text(name),
            sub: text(sub),
            rest: rest.get(2..).unwrap_or_default().join("/"),
        })
    };
    let found = match rest {
        // A namespace itself, not something in it.
        ["namespaces", _] | ["namespaces", _, "status" | "finalize"] if group.is_empty() => place(find("namespaces")?, "", &rest[1..]),
        ["namespaces", namespace, plural, rest @ ..] => {
            let res = find(plural)?;
            if !res.row().namespaced {
                return Err(Failure::no_resource());
            }
            place(res, namespace, rest)
        }
        [plural, rest @ ..] => {
            let res = find(plural)?;
            if res.row().namespaced && !rest.is_empty() {
                return Err(Failure::no_resource());
            }
            place(res, "", rest)
        }
        [] => Target::Nowhere,
    };
    match found {
        // Only a proxy goes on behind the subresource.
        Target::Resource(place) if !place.rest.is_empty() && place.sub != "proxy" => Err(Failure::no_resource()),
        found => Ok(found),
    }
}

#[cfg(test)]
mod tests {
    use super::{Place, Target, target};
    use crate::sim::api::kinds::known;

    #[test]
    fn a_path_names_a_place() {
        let k = known();
        let cases = [
            ("/api/v1/pods", k.pods, "", "", "", ""),
            ("/api/v1/namespaces/a/pods/b/log", k.pods, "a", "b", "log", ""),
            ("/api/v1/namespaces/a", k.namespaces, "", "a", "", ""),
            ("/api/v1/namespaces/a/status", k.namespaces, "", "a", "status", ""),
            ("/apis/apps/v1/namespaces/a/deployments/b/scale", k.deployments, "a", "b", "scale", ""),
            ("/api/v1/namespaces/a/pods/b:8000/proxy/health/deep", k.pods, "a", "b:8000", "proxy", "health/deep"),
        ];
        for (path, res, namespace, name, sub, rest) in cases {
            let [namespace, name, sub, rest] = [namespace, name, sub, rest].map(str::to_owned);
            assert_eq!(target(path).expect(path), Target::Resource(Place { res, namespace, name, sub, rest }), "{path}");
        }
        assert!(target("/api/v1/namespaces/a/nosuch").is_err());
        assert_eq!(target("/apis/nosuch/v1/things").expect("a path"), Target::Nowhere);
        assert_eq!(target("/version").expect("a path"), Target::Path("/version".to_owned()));
    }
}
