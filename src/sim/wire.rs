//! Kubernetes objects on the wire: what fields a message has, JSON in canonical form, protobuf in both directions.
//!
//! Owns the formats. Must not know what an object means.

pub(super) mod canon;
pub(super) mod decode;
pub(super) mod encode;
pub(super) mod frame;
pub(super) mod schema;
