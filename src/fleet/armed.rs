//! Changes that are armed with a timer: they are taken back unless somebody keeps them (contract.md 6).
//!
//! Owns how the Lease of a timer is read. Must not judge who may take anything back: that is `run`'s.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::Fleet;
use super::lock::note;
use crate::base::text::Str;
use crate::target::model::{Lease, ObjectRef};

/// How the Leases of timers are named, before kind and name of the object.
pub const PREFIX: &str = "timonel-timer-";

/// What takes a change back, as its Lease has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Back {
    /// The changed object.
    pub object: ObjectRef,
    /// The action.
    pub action: String,
    /// Its parameters.
    pub parameters: Vec<String>,
}

/// A change that is armed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Armed {
    /// What takes it back.
    pub back: Back,
    /// The run that armed it.
    pub run: Str,
    /// `ana@bastion`.
    pub by: Str,
    /// `scale 3->1`.
    pub action: Str,
    /// When it is taken back.
    pub expires: Timestamp,
}

impl Fleet {
    /// The changes that are armed, expired ones too, by namespace and name.
    pub fn armed(&self) -> Vec<Armed> {
        self.objects.leases.iter().filter_map(|lease| of(lease)).collect()
    }
}

fn of(lease: &Lease) -> Option<Armed> {
    let (by, run) = lease.holder.rsplit_once('/').filter(|_| lease.meta.name.starts_with(PREFIX))?;
    let back: Back = serde_json::from_str(lease.meta.annotation(note::INPUTS)?).ok()?;
    // A Lease speaks of its own namespace alone.
    (back.object.namespace == lease.meta.namespace).then_some(())?;
    Some(Armed {
        expires: lease.meta.annotation(note::EXPIRES_AT)?.parse().ok()?,
        back,
        run: run.into(),
        by: by.into(),
        action: lease.meta.annotation(note::ACTION).cloned().unwrap_or_default(),
    })
}
