//! Fetching the values of declared secrets at the moment of use.
//!
//! Owns the way to each place: a variable, a file, what a program prints, a key of a Secret; its deadline, its bound, and the words of
//! what went wrong, which never repeat a value. Keeps nothing: whoever asked drops the value, and it is zeroed then.

use std::process::Stdio;
use std::time::Duration;

use futures_util::future::BoxFuture;
use secrecy::SecretString;
use secrecy::zeroize::Zeroizing;
use tokio::io::{AsyncRead, AsyncReadExt as _};

use crate::probe::Secrets;
use crate::service::{Secret, SecretRef, Service};
use crate::target::api::{ErrorKind, Read as _};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, ObjectRef};

/// However it is fetched, it may take this long.
const DEADLINE: Duration = Duration::from_secs(10);
/// Longer than any secret; more is refused and not cut.
const LARGEST: u64 = 64 << 10;

/// The secrets that a service file declares.
pub struct Vault {
    secrets: Vec<Secret>,
    /// The target that is open at the moment.
    client: Box<dyn Fn() -> Option<Client> + Send + Sync>,
}

impl Vault {
    /// Those of a service; keys of Secrets are read on the target that `client` gives.
    pub fn new(service: Option<&Service>, client: impl Fn() -> Option<Client> + Send + Sync + 'static) -> Self {
        Self { secrets: service.map(|s| s.declared.secrets.clone()).unwrap_or_default(), client: Box::new(client) }
    }

    async fn value(&self, id: &str) -> Result<SecretString, String> {
        let secret = self.secrets.iter().find(|s| s.id == id).ok_or_else(|| format!("there is no secret '{id}'"))?;
        let said = |why: String| format!("the secret '{id}' ({}): {why}", secret.reference.shown());
        let fetched = tokio::time::timeout(DEADLINE, self.fetched(&secret.reference));
        let bytes = fetched
            .await
            .unwrap_or_else(|_| Err(format!("it did not come within {} s", DEADLINE.as_secs())))
            .map_err(said)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| said("it is no text".to_owned()))?;
        // What editors and programs put behind it is no part of it.
        let text = text.trim_end_matches(['\r', '\n']);
        if text.is_empty() { Err(said("it is empty".to_owned())) } else { Ok(SecretString::from(text)) }
    }

    async fn fetched(&self, reference: &SecretRef) -> Result<Zeroizing<Vec<u8>>, String> {
        match reference {
            SecretRef::Env(name) => {
                let value = std::env::var_os(name).ok_or("the variable is not set")?;
                Ok(Zeroizing::new(value.into_encoded_bytes()))
            }
            SecretRef::File(path) => {
                let file = tokio::fs::File::open(path).await.map_err(|error| format!("it cannot be opened: {}", error.kind()))?;
                whole(file).await
            }
            SecretRef::Command(argv) => printed(argv).await,
            SecretRef::Kubernetes { namespace, name, key } => self.key(namespace.as_deref(), name, key).await,
            SecretRef::Later(_) => Err("this version cannot follow it".to_owned()),
        }
    }

    /// One key of a Secret; the others go no further than here.
    async fn key(&self, namespace: Option<&str>, name: &str, key: &str) -> Result<Zeroizing<Vec<u8>>, String> {
        use base64::Engine as _;
        let client = (self.client)().ok_or("no target is open")?;
        let here = client.opened().namespaces.as_deref().and_then(<[String]>::first).cloned();
        let namespace = namespace.map(str::to_owned).or(here).ok_or("its namespace is not said")?;
        let object = client.get(&ObjectRef::new(Kind::Secret, namespace, name), "").await.map_err(|error| match error.kind {
            ErrorKind::NotFound => "there is no such Secret".to_owned(),
            ErrorKind::Forbidden => "you may not read it".to_owned(),
            _ => "it cannot be read".to_owned(),
        })?;
        let data = object["data"][key].as_str().ok_or("it has no such key")?;
        base64::engine::general_purpose::STANDARD
            .decode(data)
            .map(Zeroizing::new)
            .map_err(|_| "it is not in its encoding".to_owned())
    }
}

/// What a program prints; no shell reads its arguments, and what it complains of is not repeated.
async fn printed(argv: &[String]) -> Result<Zeroizing<Vec<u8>>, String> {
    let (program, arguments) = argv.split_first().ok_or("no program is named")?;
    let mut command = tokio::process::Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| format!("it cannot be started: {}", error.kind()))?;
    let out = child.stdout.take().ok_or("it has no output")?;
    let bytes = whole(out).await?;
    let status = child.wait().await.map_err(|error| format!("it was lost: {}", error.kind()))?;
    if status.success() { Ok(bytes) } else { Err(format!("it ended with {status}")) }
}

async fn whole(from: impl AsyncRead + Unpin) -> Result<Zeroizing<Vec<u8>>, String> {
    let mut bytes = Zeroizing::new(Vec::new());
    let read = from
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)
        .await
        .map_err(|error| format!("it cannot be read: {}", error.kind()))?;
    if read as u64 > LARGEST { Err(format!("it is longer than {LARGEST} bytes")) } else { Ok(bytes) }
}

impl Secrets for Vault {
    fn fetch<'a>(&'a self, id: &'a str) -> BoxFuture<'a, Result<SecretString, String>> {
        Box::pin(self.value(id))
    }
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret as _;

    use super::Vault;
    use crate::service::{Origin, ServiceFile};

    fn vault(references: &[(&str, &str)]) -> Vault {
        let secrets: Vec<String> = references.iter().map(|(id, reference)| format!("[secrets.{id}]\nref = \"{reference}\"\n")).collect();
        let secrets = secrets.concat();
        let (file, problems) = ServiceFile::read("f.toml", &format!("schema = 1\n[service]\nid = \"shop\"\n{secrets}"), &Origin::Operator);
        assert!(problems.is_empty(), "{problems:?}");
        Vault::new(Some(&file.expect("a file").resolve(None).0), || None)
    }

    #[tokio::test]
    async fn a_secret_is_fetched_where_it_is_and_what_goes_wrong_is_said_without_it() {
        let folder = std::env::temp_dir().join(format!("timonel-secrets-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("key");
        std::fs::write(&path, "from-a-file-5521\n").expect("written");
        let vault = vault(&[
            ("file", &format!("file:{}", path.display())),
            ("cmd", "cmd:printf from-a-program-5522"),
            ("fails", "cmd:false"),
            ("none", "env:TIMONEL_NO_SUCH_VARIABLE"),
            ("key", "k8s:ns/name#key"),
        ]);
        let value = async |id: &str| vault.value(id).await.map(|v| v.expose_secret().to_owned());
        assert_eq!(value("file").await.as_deref(), Ok("from-a-file-5521"));
        assert_eq!(value("cmd").await.as_deref(), Ok("from-a-program-5522"));
        for (id, why) in [("fails", "ended with"), ("none", "not set"), ("key", "no target is open"), ("other", "there is no secret")] {
            let said = value(id).await.expect_err(id);
            assert!(said.contains(why), "{id}: {said}");
        }
        assert!(!format!("{:?}", vault.value("file").await).contains("5521"));
        std::fs::remove_dir_all(&folder).expect("removed");
    }
}
