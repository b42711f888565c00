//! Taking a dump from its volume to an object store.
//!
//! Owns where it goes, the container that does it after the one that dumps, and what may be wrong with it before. Neither the dump nor
//! the keys pass through the console: the keys are references that the kubelet resolves, and a client in an image signs with them. An
//! address that was signed here would be in the Job for everybody to read.

use serde::{Deserialize, Serialize};

use super::Password;
use super::pod::{self, Script};
use crate::run::check::Check;

/// Carried out by the image's own shell.
const SCRIPT: &str = include_str!("upload.sh");

/// Where a dump is taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Upload {
    /// `s3://BUCKET/PREFIX/`, as the service file writes it.
    pub to: String,
    /// Address of the store with the bucket and the prefix, up to the name of the file.
    pub url: String,
    /// Region that requests are signed for.
    pub region: String,
    /// Image with curl.
    pub image: String,
    /// Key id.
    pub access_key: Option<Password>,
    /// Key.
    pub secret_key: Option<Password>,
}

impl Upload {
    /// What uploads the file of that name.
    pub(super) fn script(&self, file: &str) -> Script<'_> {
        let mut environment: Vec<serde_json::Value> = [("FILE", file), ("URL", &self.url), ("REGION", &self.region)]
            .map(|(name, value)| pod::variable(name, value))
            .into();
        for (variable, key) in [("ACCESS_KEY", &self.access_key), ("SECRET_KEY", &self.secret_key)] {
            if let Some(Password::Key { name, key, .. }) = key {
                environment.push(pod::secret(variable, name, key));
            }
        }
        Script { name: "upload", image: &self.image, text: SCRIPT, environment, only_reads: true }
    }

    /// Whether it can be tried from a Job of that namespace.
    pub(super) fn check(&self, namespace: &str) -> Check {
        let check = Check::required("upload");
        for (what, key) in [("access_key", &self.access_key), ("secret_key", &self.secret_key)] {
            match key {
                Some(Password::Key { namespace: own, .. }) if own == namespace => {}
                Some(Password::Key { namespace: own, .. }) => {
                    return check.failed(
                        format!("the Secret of its {what} is in {own}, and the Job in {namespace} cannot read it"),
                        "a Secret in the namespace of the volume",
                    );
                }
                Some(Password::Elsewhere(how)) => {
                    return check.failed(
                        format!("its {what} is declared as '{how}', which a Job cannot read"),
                        "ref = \"k8s:NAMESPACE/NAME#KEY\" in [secrets]",
                    );
                }
                None => return check.failed(format!("no {what} is declared"), format!("{what} = \"secret:ID\" in [[backup]]")),
            }
        }
        check.ok(format!("to {} by curl of {}", self.to, self.image))
    }
}
