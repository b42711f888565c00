//! Who asks: token users with different rights.
//!
//! Owns the tokens of one run. They are made at random and never shown by Debug.

use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};

use crate::base::id::hex;

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// User name.
    pub(crate) name: String,
    /// Groups.
    pub(crate) groups: Vec<String>,
}

/// The users of a cluster and their tokens.
#[derive(Debug)]
pub(crate) struct Identities {
    users: Vec<(User, SecretString)>,
}

/// Name and group of each user. What a group may do is said by the bindings in assets/scenarios/systems/cluster.yaml.
const USERS: [(&str, &str); 3] = [("admin", "system:masters"), ("operator", "demo:operators"), ("viewer", "demo:viewers")];

impl Identities {
    /// Makes new tokens.
    pub(crate) fn generate() -> Self {
        let mut rng = fastrand::Rng::new();
        let mut token = || hex(&std::array::from_fn::<u8, 24, _>(|_| rng.u8(..)));
        let users = USERS.iter().map(|(name, group)| {
            let groups = vec![(*group).to_owned(), "system:authenticated".to_owned()];
            (User { name: (*name).to_owned(), groups }, SecretString::from(token()))
        });
        Self { users: users.collect() }
    }

    /// Who sent a request; `None` when nobody known did.
    pub(crate) fn of(&self, headers: &HeaderMap) -> Option<User> {
        let given = headers.get(AUTHORIZATION)?.to_str().ok()?.strip_prefix("Bearer ")?;
        self.users.iter().find(|(_, token)| token.expose_secret() == given).map(|(user, _)| user.clone())
    }

    /// Users and tokens, for the kubeconfig.
    pub(crate) fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.users.iter().map(|(user, token)| (user.name.as_str(), token.expose_secret()))
    }
}
