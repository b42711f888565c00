//! Where the API has things: paths and queries of requests.
//!
//! Owns escaping. Must not send anything.

use crate::target::model::{Kind, ObjectRef, Scope};

/// `/api/v1/namespaces/NS/pods`, `/apis/apps/v1/deployments`.
pub fn collection(kind: Kind, scope: &Scope) -> String {
    let root = if kind.group().is_empty() { format!("/api/{}", kind.version()) } else { format!("/apis/{}/{}", kind.group(), kind.version()) };
    match scope.namespace().filter(|_| kind.namespaced()) {
        Some(namespace) => format!("{root}/namespaces/{}/{}", escape(namespace), kind.plural()),
        None => format!("{root}/{}", kind.plural()),
    }
}

/// Where an object of this text is made: its `apiVersion` decides, since a kind may be in two groups (Events are read from the
/// core group and written as events.k8s.io).
pub fn creation(kind: Kind, scope: &Scope, body: &serde_json::Value) -> String {
    let version = body["apiVersion"].as_str().unwrap_or_default();
    if version.is_empty() || version == kind.api_version() {
        return collection(kind, scope);
    }
    let root = if version.contains('/') { format!("/apis/{version}") } else { format!("/api/{version}") };
    match scope.namespace().filter(|_| kind.namespaced()) {
        Some(namespace) => format!("{root}/namespaces/{}/{}", escape(namespace), kind.plural()),
        None => format!("{root}/{}", kind.plural()),
    }
}

/// The path of one object, or of a subresource of it (empty = the object itself).
pub fn object(object: &ObjectRef, subresource: &str) -> String {
    let scope = if object.namespace.is_empty() { Scope::Cluster } else { Scope::Namespace(object.namespace.clone()) };
    let path = format!("{}/{}", collection(object.kind, &scope), escape(&object.name));
    if subresource.is_empty() { path } else { format!("{path}/{subresource}") }
}

/// A path with its query; pairs with an empty value are left out.
pub fn with_query(path: &str, pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> = pairs.iter().filter(|(_, v)| !v.is_empty()).map(|(k, v)| format!("{k}={}", escape(v))).collect();
    match (pairs.is_empty(), path.contains('?')) {
        (true, _) => path.to_owned(),
        (false, true) => format!("{path}&{}", pairs.join("&")),
        (false, false) => format!("{path}?{}", pairs.join("&")),
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
pub fn escape(text: &str) -> String {
    const HEX: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'A', 'B', 'C', 'D', 'E', 'F'];
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.extend(['%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{collection, object, with_query};
    use crate::target::model::{Kind, ObjectRef, Scope};

    #[test]
    fn paths_are_where_the_api_has_things() {
        let ns = Scope::Namespace("shop".into());
        assert_eq!(collection(Kind::Pod, &ns), "/api/v1/namespaces/shop/pods");
        assert_eq!(collection(Kind::Deployment, &Scope::Cluster), "/apis/apps/v1/deployments");
        assert_eq!(collection(Kind::Node, &ns), "/api/v1/nodes");
        let hpa = ObjectRef::new(Kind::HorizontalPodAutoscaler, "shop", "web");
        assert_eq!(object(&hpa, "status"), "/apis/autoscaling/v2/namespaces/shop/horizontalpodautoscalers/web/status");
        assert_eq!(object(&ObjectRef::new(Kind::Namespace, "", "kube-system"), ""), "/api/v1/namespaces/kube-system");
    }

    #[test]
    fn an_object_is_made_in_the_group_that_its_text_names() {
        let ns = Scope::Namespace("shop".into());
        let body = serde_json::json!({ "apiVersion": "events.k8s.io/v1" });
        assert_eq!(super::creation(Kind::Event, &ns, &body), "/apis/events.k8s.io/v1/namespaces/shop/events");
        assert_eq!(super::creation(Kind::Lease, &ns, &serde_json::json!({})), "/apis/coordination.k8s.io/v1/namespaces/shop/leases");
    }

    #[test]
    fn what_people_typed_cannot_leave_its_place_in_the_path() {
        let sly = ObjectRef::new(Kind::Pod, "shop", "../../secrets?x=");
        assert_eq!(object(&sly, ""), "/api/v1/namespaces/shop/pods/..%2F..%2Fsecrets%3Fx%3D");
        assert_eq!(with_query("/p", &[("labelSelector", "a in (b,c)"), ("limit", "")]), "/p?labelSelector=a%20in%20%28b%2Cc%29");
        assert_eq!(with_query("/p?watch=1", &[("limit", "5")]), "/p?watch=1&limit=5");
    }
}
