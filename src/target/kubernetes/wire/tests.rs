//! Both encodings give the same objects; hostile bytes give errors.
//!
//! `tests/wire` holds k8s.io/api's own golden files (`testdata/HEAD` of v0.36.3, Apache-2.0), written by Go with every field
//! filled: they prove field numbers and names against the source of truth.

use bytes::Bytes;
use proptest::prelude::*;
use prost::Message as _;

use super::{Decoder, Format, Frame, Frames, ListItems, WireError, frame};
use crate::target::model::{ContainerRole, ContainerState, Kind, Object};

const GOLDEN: [(Kind, &str); 20] = [
    (Kind::Pod, "core.v1.Pod"),
    (Kind::Deployment, "apps.v1.Deployment"),
    (Kind::StatefulSet, "apps.v1.StatefulSet"),
    (Kind::DaemonSet, "apps.v1.DaemonSet"),
    (Kind::ReplicaSet, "apps.v1.ReplicaSet"),
    (Kind::ControllerRevision, "apps.v1.ControllerRevision"),
    (Kind::Job, "batch.v1.Job"),
    (Kind::CronJob, "batch.v1.CronJob"),
    (Kind::Service, "core.v1.Service"),
    (Kind::EndpointSlice, "discovery.k8s.io.v1.EndpointSlice"),
    (Kind::HorizontalPodAutoscaler, "autoscaling.v2.HorizontalPodAutoscaler"),
    (Kind::PodDisruptionBudget, "policy.v1.PodDisruptionBudget"),
    (Kind::Ingress, "networking.k8s.io.v1.Ingress"),
    (Kind::Event, "core.v1.Event"),
    (Kind::Node, "core.v1.Node"),
    (Kind::Namespace, "core.v1.Namespace"),
    (Kind::PersistentVolumeClaim, "core.v1.PersistentVolumeClaim"),
    (Kind::Lease, "coordination.k8s.io.v1.Lease"),
    (Kind::ConfigMap, "core.v1.ConfigMap"),
    (Kind::Secret, "core.v1.Secret"),
];

fn golden(name: &str, ending: &str) -> Bytes {
    let path = format!("{}/tests/wire/{name}.{ending}", env!("CARGO_MANIFEST_DIR"));
    Bytes::from(std::fs::read(path).expect("a golden file"))
}

fn from_protobuf(kind: Kind, enveloped: &Bytes) -> Object {
    Decoder::new(kind)
        .object(Format::Protobuf, frame::unwrap(enveloped).expect("an envelope"))
        .expect("an object")
}

fn from_json(kind: Kind, text: impl Into<Bytes>) -> Object {
    Decoder::new(kind).object(Format::Json, text.into()).expect("an object")
}

#[test]
fn protobuf_and_json_give_the_same_object_of_every_kind() {
    for (kind, name) in GOLDEN {
        let (a, b) = (from_protobuf(kind, &golden(name, "pb")), from_json(kind, golden(name, "json")));
        assert_eq!(a, b, "{name}");
        assert_eq!(a.kind(), kind);
    }
}

#[test]
fn every_field_of_the_model_comes_from_the_field_it_names() {
    let all: Vec<Object> = GOLDEN.iter().map(|(kind, name)| from_protobuf(*kind, &golden(name, "pb"))).collect();
    insta::assert_debug_snapshot!(all);
}

#[test]
fn an_object_without_anything_in_it_decodes_to_defaults() {
    for (kind, name) in GOLDEN {
        let (a, b) = (Decoder::new(kind).object(Format::Protobuf, Bytes::new()), from_json(kind, "{}"));
        assert_eq!(a.expect("an empty message"), b, "{name}");
        let nulls = r#"{"metadata":{"labels":null,"creationTimestamp":null},"spec":null,"status":{"conditions":null}}"#;
        assert_eq!(from_json(kind, nulls), b, "{name}");
    }
    let Object::Workload(w) = from_json(Kind::Deployment, "{}") else { panic!("a workload") };
    assert_eq!((w.desired, w.ready), (1, 0), "an absent spec.replicas means one");
    let Object::Certificate(c) = from_json(Kind::Certificate, "{}") else { panic!("a certificate") };
    assert_eq!(c.not_after, None);
}

const POD: &str = r#"{
  "metadata": {"name": "api-1\u001b[31m", "namespace": "shop", "uid": "u1", "resourceVersion": "42", "creationTimestamp": "2026-11-22T10:00:00Z",
    "labels": {"b": "2", "a": "1"},
    "annotations": {"kubectl.kubernetes.io/last-applied-configuration": "{}", "timonel.io/last-run": "r\n1"},
    "ownerReferences": [{"kind": "Node", "name": "n"}, {"kind": "ReplicaSet", "name": "api", "uid": "r1", "controller": true}]},
  "spec": {"restartPolicy": "Always", "nodeName": "n1", "readinessGates": [{"conditionType": "x"}],
    "initContainers": [{"name": "migrate", "image": "m"}, {"name": "mesh", "image": "e", "restartPolicy": "Always"}],
    "containers": [{"name": "api", "image": "api:1", "resources": {"requests": {"cpu": "250m", "memory": 1024}, "limits": {"memory": "1Gi"}}}],
    "ephemeralContainers": [{"name": "debug", "image": "busybox", "targetContainerName": "api"}]},
  "status": {"phase": "Running", "podIP": "10.1.2.3", "startTime": "2026-11-22T10:00:01Z",
    "initContainerStatuses": [{"name": "mesh", "started": true, "ready": true, "state": {"running": {}}},
      {"name": "migrate", "state": {"terminated": {"exitCode": 0, "reason": "Completed"}}}],
    "containerStatuses": [{"name": "api", "restartCount": 3, "imageID": "api@sha256:1", "state": {"waiting": {"reason": "CrashLoopBackOff", "message": "back-off"}},
      "lastState": {"terminated": {"exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-11-22T10:05:00Z"}}}],
    "conditions": [{"type": "Ready", "status": "False", "reason": "ContainersNotReady", "message": "not ready"},
      {"type": "PodScheduled", "status": "True", "message": "fine"}]}}"#;

#[test]
fn a_pod_is_its_spec_and_its_status_merged_in_the_order_of_the_spec() {
    let Object::Pod(pod) = from_json(Kind::Pod, POD) else { panic!("a pod") };
    assert_eq!(&*pod.meta.name, "api-1", "control sequences are gone");
    let names: Vec<_> = pod.containers.iter().map(|c| (&*c.name, c.role)).collect();
    assert_eq!(
        names,
        [("migrate", ContainerRole::Init), ("mesh", ContainerRole::Sidecar), ("api", ContainerRole::Main), ("debug", ContainerRole::Ephemeral)]
    );
    let api = &pod.containers[2];
    assert!(matches!(&api.state, ContainerState::Waiting { reason, .. } if &**reason == "CrashLoopBackOff"));
    assert_eq!(api.last.as_ref().map(|t| (t.exit_code, &*t.reason)), Some((137, "OOMKilled")));
    assert_eq!((api.requests.cpu_milli, api.requests.memory, api.limits.cpu_milli), (Some(250), Some(1024), None));
    assert!(pod.containers[1].started && pod.containers[3].state == ContainerState::Absent);
    let messages: Vec<_> = pod.conditions.iter().map(|c| (&*c.kind, c.status, &*c.message)).collect();
    assert_eq!(messages, [("Ready", Some(false), "not ready"), ("PodScheduled", Some(true), "")]);
    let keys: Vec<_> = pod.meta.labels.iter().map(|(k, _)| &**k).collect();
    assert_eq!(keys, ["a", "b"], "labels are sorted");
    let annotations: Vec<_> = pod.meta.annotations.iter().map(|(k, v)| (&**k, &**v)).collect();
    assert_eq!(annotations, [("timonel.io/last-run", "r 1")], "only what the program reads is kept");
    assert_eq!(pod.meta.owner.as_ref().map(|o| &*o.name), Some("api"), "the owner is the controller");
    assert_eq!((pod.meta.resource_version, pod.meta.created), (42, 1_795_341_600));
}

#[test]
fn what_absent_means_is_what_the_api_says() {
    let slice = r#"{"endpoints": [{"targetRef": {"kind": "Pod", "name": "a"}},
      {"targetRef": {"kind": "Pod", "name": "b"}, "conditions": {"ready": false, "serving": true, "terminating": true}},
      {"targetRef": {"kind": "VM", "name": "c"}, "conditions": {"ready": false}}]}"#;
    let Object::EndpointSlice(slice) = from_json(Kind::EndpointSlice, slice) else { panic!("a slice") };
    let flat: Vec<_> = slice.endpoints.iter().map(|e| (&*e.pod, e.ready, e.serving, e.terminating)).collect();
    assert_eq!(flat, [("a", true, true, false), ("b", false, true, true), ("", false, false, false)]);

    let service = r#"{"spec": {"selector": {"app": "x"}, "ports": [{"port": 80}, {"port": 81, "targetPort": "web", "nodePort": 30081}]}}"#;
    let Object::Service(service) = from_json(Kind::Service, service) else { panic!("a service") };
    let ports: Vec<_> = service.ports.iter().map(|p| (&*p.target, &*p.protocol, p.node_port)).collect();
    assert_eq!(ports, [("80", "TCP", None), ("web", "TCP", Some(30081))]);
    assert_eq!(service.selector.to_query(), "app=x");

    let Object::Hpa(hpa) =
        from_json(Kind::HorizontalPodAutoscaler, r#"{"spec": {"maxReplicas": 5, "behavior": {"scaleUp": {"selectPolicy": "Disabled"}}}}"#)
    else {
        panic!("an HPA")
    };
    assert_eq!((hpa.min, hpa.max, hpa.up_disabled, hpa.down_disabled), (1, 5, true, false));

    let event = r#"{"metadata": {"creationTimestamp": "1970-01-01T00:00:05Z"}, "eventTime": "1970-01-01T00:00:07.5Z",
      "series": {"count": 4, "lastObservedTime": "1970-01-01T00:00:09.123456Z"}, "lastTimestamp": null, "reportingComponent": "kubelet"}"#;
    let Object::Event(event) = from_json(Kind::Event, event) else { panic!("an event") };
    assert_eq!((event.first, event.last, event.count, &*event.source), (7, 9, 4, "kubelet"));
}

#[test]
fn selectors_read_from_match_labels_and_expressions() {
    let pdb = r#"{"spec": {"minAvailable": "50%", "selector": {"matchLabels": {"b": "2", "a": "1"},
      "matchExpressions": [{"key": "tier", "operator": "NotIn", "values": ["x", "y"]}, {"key": "old", "operator": "DoesNotExist"}]}}}"#;
    let Object::Pdb(pdb) = from_json(Kind::PodDisruptionBudget, pdb) else { panic!("a budget") };
    assert_eq!(pdb.selector.to_query(), "a=1,b=2,tier notin (x,y),!old");
    assert_eq!((&*pdb.min_available, &*pdb.max_unavailable), ("50%", ""));
}

#[test]
fn a_revision_shows_the_images_of_its_data_and_survives_without() {
    let with =
        r#"{"revision": 3, "data": {"spec": {"template": {"$patch": "replace", "spec": {"containers": [{"name": "db", "image": "pg:15"}]}}}}}"#;
    let Object::ControllerRevision(revision) = from_json(Kind::ControllerRevision, with) else { panic!("a revision") };
    assert_eq!((revision.revision, &*revision.template[0].image), (3, "pg:15"));
    let Object::ControllerRevision(revision) = from_json(Kind::ControllerRevision, r#"{"revision": 3, "data": {"spec": 7}}"#) else {
        panic!("a revision")
    };
    assert!(revision.template.is_empty());
}

#[test]
fn a_certificate_of_cert_manager_is_read_from_json() {
    let text = r#"{"metadata": {"name": "tls"}, "spec": {"secretName": "tls", "commonName": "a.example"},
      "status": {"notAfter": "2027-01-01T00:00:00Z", "conditions": [{"type": "Ready", "status": "False", "message": "pending"}]}}"#;
    let Object::Certificate(c) = from_json(Kind::Certificate, text) else { panic!("a certificate") };
    assert_eq!((c.not_after, &*c.dns_names[0], &*c.conditions[0].message), (Some(1_798_761_600), "a.example", "pending"));
    let refused = Decoder::new(Kind::Certificate).object(Format::Protobuf, Bytes::new());
    assert!(matches!(refused, Err(WireError::Object(_))));
}

#[test]
fn a_stray_byte_in_a_message_costs_a_letter_and_not_the_object() {
    let mut event = super::message::core::Event { message: Bytes::from_static(b"probe said \xff\xfe"), ..Default::default() };
    event.reason = "Unhealthy".into();
    let object = Decoder::new(Kind::Event).object(Format::Protobuf, event.encode_to_vec().into()).expect("an event");
    let Object::Event(event) = object else { panic!("an event") };
    assert_eq!((&*event.message, &*event.reason), ("probe said \u{fffd}\u{fffd}", "Unhealthy"));
}

/// A protobuf watch event around an enveloped object.
fn event(kind: &str, object: &Bytes) -> Vec<u8> {
    let mut event = Vec::new();
    prost::encoding::string::encode(1, &kind.to_owned(), &mut event);
    let mut raw = Vec::new();
    prost::encoding::bytes::encode(1, object, &mut raw);
    prost::encoding::bytes::encode(2, &raw, &mut event);
    event
}

fn delimited(frame: &[u8]) -> Vec<u8> {
    [&u32::try_from(frame.len()).expect("small").to_be_bytes(), frame].concat()
}

#[test]
fn frames_of_a_watch_are_read_however_the_network_cuts_them() {
    let pod = golden("core.v1.Pod", "pb");
    let protobuf = [delimited(&event("ADDED", &pod)), delimited(&event("DELETED", &pod)), delimited(&event("ERROR", &pod))].concat();
    let text = String::from_utf8(golden("core.v1.Pod", "json").to_vec()).expect("text");
    let json = ["ADDED", "DELETED", "ERROR"]
        .map(|t| format!("{{\"type\":\"{t}\",\"object\":{text}}}\r\n"))
        .concat()
        .into_bytes();
    for (format, body) in [(Format::Protobuf, protobuf), (Format::Json, json)] {
        for size in [1, 3, 1000, body.len()] {
            let (mut frames, mut decoder, mut seen) = (Frames::new(format), Decoder::new(Kind::Pod), Vec::new());
            for chunk in body.chunks(size) {
                frames.feed(chunk);
                while let Some(frame) = frames.next().expect("a frame") {
                    seen.push(decoder.frame(format, frame).expect("an event"));
                }
            }
            assert!(
                matches!(&seen[..], [Frame::Applied(Object::Pod(a)), Frame::Deleted { reference, .. }, Frame::Error(_)] if a.meta.name == reference.name),
                "{format:?} in pieces of {size}: {seen:?}"
            );
        }
    }
}

#[test]
fn a_bookmark_tells_its_version_and_the_end_of_the_initial_events() {
    let text = r#"{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"77","annotations":{"k8s.io/initial-events-end":"true"}}}}"#;
    let frame = Decoder::new(Kind::Pod).frame(Format::Json, Bytes::from_static(text.as_bytes())).expect("a bookmark");
    assert!(matches!(&frame, Frame::Bookmark { version, initial_end: true } if version == "77"));
    let meta = super::message::ObjectMeta { resource_version: "78".into(), ..Default::default() };
    let bookmark = event("BOOKMARK", &enveloped(&super::message::MetaOnly { metadata: Some(meta) }.encode_to_vec()));
    let frame = Decoder::new(Kind::Pod).frame(Format::Protobuf, bookmark.into()).expect("a bookmark");
    assert!(matches!(&frame, Frame::Bookmark { version, initial_end: false } if version == "78"));
}

/// `k8s\0` and runtime.Unknown with a type, content and a trailing field, as Go writes it.
fn enveloped(raw: &[u8]) -> Bytes {
    let mut out = b"k8s\0".to_vec();
    prost::encoding::bytes::encode(1, &b"\x0a\x02v1\x12\x07PodList".to_vec(), &mut out);
    prost::encoding::bytes::encode(2, &raw.to_vec(), &mut out);
    prost::encoding::string::encode(3, &String::new(), &mut out);
    prost::encoding::string::encode(4, &String::new(), &mut out);
    out.into()
}

fn list(items: &[Vec<u8>], next: &str) -> Bytes {
    let mut raw = Vec::new();
    let end = super::ListEnd { resource_version: "99".into(), next: next.into() };
    prost::encoding::message::encode(1, &end, &mut raw);
    for item in items {
        prost::encoding::bytes::encode(2, item, &mut raw);
    }
    // A field that a later version might add.
    prost::encoding::bytes::encode(9, &vec![7; 500], &mut raw);
    enveloped(&raw)
}

fn take(format: Format, body: &[u8], size: usize) -> Result<(Vec<Bytes>, super::ListEnd), WireError> {
    let (mut list, mut items) = (ListItems::new(format), Vec::new());
    for chunk in body.chunks(size.max(1)) {
        list.feed(chunk)?;
        while let Some(item) = list.next()? {
            items.push(item);
        }
    }
    list.finish()?;
    while let Some(item) = list.next()? {
        items.push(item);
    }
    Ok((items, list.end()))
}

#[test]
fn a_list_is_taken_apart_while_it_arrives() {
    let items = [vec![1; 10], vec![], vec![3; 3000]];
    let body = list(&items, "more");
    for size in [1, 7, 1000, body.len()] {
        let (seen, end) = take(Format::Protobuf, &body, size).expect("a list");
        assert_eq!(seen, items.each_ref().map(|i| Bytes::from(i.clone())), "pieces of {size}");
        assert_eq!((&*end.resource_version, &*end.next), ("99", "more"));
    }
    let json = br#"{"kind":"PodList","metadata":{"resourceVersion":"99","continue":"more"},"items":[{"a":1},{"b":2}]}"#;
    let (seen, end) = take(Format::Json, json, 5).expect("a list");
    assert_eq!(seen, [r#"{"a":1}"#, r#"{"b":2}"#]);
    assert_eq!((&*end.resource_version, &*end.next), ("99", "more"));
    let (none, _) = take(Format::Json, br#"{"metadata":{},"items":null}"#, 5).expect("an empty list");
    assert!(none.is_empty());
}

#[test]
fn a_list_that_is_cut_is_an_error_wherever_it_is_cut() {
    let protobuf = list(&[vec![1; 10], vec![2; 10]], "");
    // Everything but the two empty strings after the list, which say nothing.
    for cut in 0..protobuf.len() - 4 {
        assert!(take(Format::Protobuf, &protobuf[..cut], 64).is_err(), "cut at {cut}");
    }
    let json = br#"{"metadata":{"resourceVersion":"9"},"items":[{}]}"#;
    for cut in 0..json.len() {
        assert!(take(Format::Json, &json[..cut], 64).is_err(), "cut at {cut}");
    }
}

#[test]
fn content_types_tell_the_encoding() {
    assert_eq!(Format::of("application/vnd.kubernetes.protobuf;stream=watch"), Ok(Format::Protobuf));
    assert_eq!(Format::of("Application/JSON; charset=utf-8"), Ok(Format::Json));
    assert_eq!(Format::of("text/html"), Err(WireError::ContentType("text/html".into())));
    for kind in [Kind::Secret, Kind::ConfigMap] {
        let asked = [(super::accept_watch(kind), "as=PartialObjectMetadata;"), (super::accept_list(kind), "as=PartialObjectMetadataList;")];
        assert!(asked.iter().all(|(line, form)| line.split(',').all(|a| a.contains(form))), "values are never asked for");
    }
}

#[test]
fn a_frame_that_claims_gigabytes_is_refused_and_not_waited_for() {
    let mut frames = Frames::new(Format::Protobuf);
    frames.feed(&[0xff, 0xff, 0xff, 0xff, 0]);
    assert!(matches!(frames.next(), Err(WireError::Framing(_))));
    let mut claims = b"k8s\0\x12\xff\xff\xff\xff\x0f\x12\xff\xff\xff\x7f".to_vec();
    claims.extend([0; 64]);
    assert!(take(Format::Protobuf, &claims, 16).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_bytes_are_an_error_or_an_object_and_never_a_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300), size in 1usize..40) {
        for (kind, _) in GOLDEN {
            for format in [Format::Protobuf, Format::Json] {
                let _ = Decoder::new(kind).object(format, bytes.clone().into());
                let _ = Decoder::new(kind).frame(format, bytes.clone().into());
            }
        }
        for format in [Format::Protobuf, Format::Json] {
            let _ = take(format, &bytes, size);
            let _ = take(format, &[b"k8s\0", &bytes[..]].concat(), size);
            let mut frames = Frames::new(format);
            for chunk in bytes.chunks(size) {
                frames.feed(chunk);
                while let Ok(Some(_)) = frames.next() {}
            }
        }
    }

    #[test]
    fn a_damaged_object_is_an_error_or_an_object_and_never_a_panic(at in 0usize..13_000, byte: u8, cut in 0usize..13_000) {
        for (kind, name) in [(Kind::Pod, "core.v1.Pod"), (Kind::Ingress, "networking.k8s.io.v1.Ingress"), (Kind::Event, "core.v1.Event")] {
            let mut bytes = golden(name, "pb").to_vec();
            let at = at % bytes.len();
            bytes[at] = byte;
            bytes.truncate(bytes.len() - cut % bytes.len());
            let _ = frame::unwrap(&bytes.into()).and_then(|raw| Decoder::new(kind).object(Format::Protobuf, raw));
        }
    }
}
