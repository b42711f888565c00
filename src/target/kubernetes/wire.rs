//! What the API server sends, turned into objects of the model: slim protobuf where the server has it, JSON where not.
//!
//! Owns content types, framing and decoding of lists and watches. Every byte from outside may be wrong: whatever it is, the
//! answer is an object or a [`WireError`]. Must not know HTTP, tasks or time.

mod convert;
mod frame;
mod json;
mod list;
mod message;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use prost::Message;

pub(crate) use frame::{Frame, Frames};
pub(crate) use list::{ListEnd, ListItems};

use self::convert::Convert;
use self::message::{apps, core, extra};
use crate::base::text::Interner;
use crate::target::model::{Kind, MetaOnly, Object, ObjectRef};

/// Why bytes could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WireError {
    /// Neither of the two encodings.
    #[error("the answer is of type '{0}', not protobuf or JSON")]
    ContentType(String),
    /// The frame around objects is broken: nothing after it can be trusted.
    #[error("the answer is cut or malformed: {0}")]
    Framing(&'static str),
    /// One object is broken; those after it can still be read.
    #[error("an object cannot be read: {0}")]
    Object(String),
}

/// The two encodings of the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// `application/vnd.kubernetes.protobuf`.
    Protobuf,
    /// `application/json`.
    Json,
}

impl Format {
    /// Tells by an answer's Content-Type, parameters aside.
    pub(crate) fn of(content_type: &str) -> Result<Self, WireError> {
        match content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
            "application/vnd.kubernetes.protobuf" => Ok(Self::Protobuf),
            "application/json" => Ok(Self::Json),
            other => Err(WireError::ContentType(crate::base::text::elide(&crate::base::text::clean(other), 80).into_owned())),
        }
    }
}

/// What to ask a watch for, best first. Of ConfigMaps and Secrets nothing but metadata is ever asked for, so that no value leaves
/// the server; custom resources exist as JSON only.
pub(crate) const fn accept_watch(kind: Kind) -> &'static str {
    match kind {
        Kind::ConfigMap | Kind::Secret => {
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, \
             application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
        }
        Kind::Certificate => "application/json",
        _ => "application/vnd.kubernetes.protobuf, application/json",
    }
}

/// The same for a list. Metadata of many is a kind of its own there: asked for that of one, the server refuses (406, measured on 1.36).
pub(crate) const fn accept_list(kind: Kind) -> &'static str {
    match kind {
        Kind::ConfigMap | Kind::Secret => {
            "application/vnd.kubernetes.protobuf;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, \
             application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
        }
        other => accept_watch(other),
    }
}

/// Whether objects of a kind can be reduced to the model.
pub(crate) const fn is_decodable(kind: Kind) -> bool {
    !matches!(kind, Kind::ResourceQuota)
}

/// Decodes the objects of one stream, sharing the strings that repeat.
#[derive(Debug)]
pub(crate) struct Decoder {
    kind: Kind,
    interner: Interner,
}

impl Decoder {
    /// For objects of `kind`.
    pub(crate) fn new(kind: Kind) -> Self {
        Self { kind, interner: Interner::default() }
    }

    /// Forgets shared strings that no object holds any more.
    pub(crate) fn sweep(&mut self) {
        self.interner.sweep();
    }

    /// One object: a bare message, as lists hold them.
    pub(crate) fn object(&mut self, format: Format, bytes: Bytes) -> Result<Object, WireError> {
        let kind = self.kind;
        let mut to = Convert::new(&mut self.interner);
        Ok(match kind {
            Kind::Pod => Object::Pod(to.pod(read::<core::Pod>(format, bytes)?).into()),
            Kind::Deployment => Object::Workload(to.deployment(read::<apps::Deployment>(format, bytes)?).into()),
            Kind::StatefulSet => Object::Workload(to.stateful_set(read::<apps::StatefulSet>(format, bytes)?).into()),
            Kind::DaemonSet => Object::Workload(to.daemon_set(read::<apps::DaemonSet>(format, bytes)?).into()),
            Kind::ReplicaSet => Object::ReplicaSet(to.replica_set(read::<apps::ReplicaSet>(format, bytes)?).into()),
            Kind::ControllerRevision => Object::ControllerRevision(to.controller_revision(read::<apps::ControllerRevision>(format, bytes)?).into()),
            Kind::Job => Object::Job(to.job(read::<apps::Job>(format, bytes)?).into()),
            Kind::CronJob => Object::CronJob(to.cron_job(read::<apps::CronJob>(format, bytes)?).into()),
            Kind::Service => Object::Service(to.service(read::<core::Service>(format, bytes)?).into()),
            Kind::EndpointSlice => Object::EndpointSlice(to.endpoint_slice(read::<extra::EndpointSlice>(format, bytes)?).into()),
            Kind::HorizontalPodAutoscaler => Object::Hpa(to.hpa(read::<extra::Hpa>(format, bytes)?).into()),
            Kind::PodDisruptionBudget => Object::Pdb(to.pdb(read::<extra::Pdb>(format, bytes)?).into()),
            Kind::Ingress => Object::Ingress(to.ingress(read::<extra::Ingress>(format, bytes)?).into()),
            Kind::Event => Object::Event(to.event(read::<core::Event>(format, bytes)?).into()),
            Kind::Node => Object::Node(to.node(read::<core::Node>(format, bytes)?).into()),
            Kind::Namespace => Object::Namespace(to.namespace(read::<core::Namespace>(format, bytes)?).into()),
            Kind::PersistentVolumeClaim => Object::Pvc(to.pvc(read::<core::Pvc>(format, bytes)?).into()),
            Kind::Lease => Object::Lease(to.lease(read::<extra::Lease>(format, bytes)?).into()),
            Kind::ConfigMap | Kind::Secret => {
                let meta = to.meta(read::<message::MetaOnly>(format, bytes)?.metadata);
                Object::MetaOnly(MetaOnly { meta, kind }.into())
            }
            Kind::Certificate if format == Format::Json => Object::Certificate(to.certificate(json::decode(&bytes)?).into()),
            Kind::Certificate | Kind::ResourceQuota => {
                return Err(WireError::Object(format!("there is no slim form of {}", kind.word())));
            }
        })
    }

    /// One frame of a watch.
    pub(crate) fn frame(&mut self, format: Format, bytes: Bytes) -> Result<Frame, WireError> {
        let (event, object) = match format {
            Format::Protobuf => frame::protobuf_event(bytes)?,
            Format::Json => frame::json_event(&bytes)?,
        };
        // Inside a protobuf event the object is wrapped once more (`k8s\0` and runtime.Unknown).
        let bare = |object: Bytes| match format {
            Format::Protobuf => frame::unwrap(&object),
            Format::Json => Ok(object),
        };
        match event.as_str() {
            "ADDED" | "MODIFIED" => Ok(Frame::Applied(self.object(format, bare(object)?)?)),
            "DELETED" => {
                let meta = read::<message::MetaOnly>(format, bare(object)?)?.metadata;
                let meta = Convert::new(&mut self.interner).meta(meta);
                Ok(Frame::Deleted {
                    version: meta.resource_version,
                    reference: ObjectRef { kind: self.kind, namespace: meta.namespace, name: meta.name },
                })
            }
            "BOOKMARK" => {
                let meta = read::<message::MetaOnly>(format, bare(object)?)?.metadata.unwrap_or_default();
                let ends = |p: &message::Pair| p.key == "k8s.io/initial-events-end" && &p.value[..] == b"true";
                Ok(Frame::Bookmark { initial_end: meta.annotations.iter().any(ends), version: meta.resource_version })
            }
            "ERROR" => Ok(Frame::Error(object)),
            _ => Err(WireError::Framing("a watch event of unknown type")),
        }
    }
}

/// Decodes one slim message.
fn read<T: Message + Default + serde::de::DeserializeOwned>(format: Format, bytes: Bytes) -> Result<T, WireError> {
    match format {
        Format::Protobuf => T::decode(bytes).map_err(|why| WireError::Object(why.to_string())),
        Format::Json => json::decode(&bytes),
    }
}
