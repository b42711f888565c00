//! The rules of the Kubernetes API, apart from HTTP: kinds, errors, selectors, patches, defaults, validation, printing.
//!
//! Owns what the API server does with a body and an object. Must not know sockets or controllers.

pub(super) mod admit;
pub(super) mod failure;
pub(super) mod kinds;
pub(super) mod patch;
pub(super) mod selector;
pub(super) mod table;
pub(super) mod views;
