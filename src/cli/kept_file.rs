//! The service file that a namespace keeps in a ConfigMap, for all who operate what runs there (contract.md 12).
//!
//! Owns how it is found (label `timonel.io/service`, key `service.toml`) and what it takes to use it: the operator accepted this very
//! text, and again when it changed; what was accepted for one server counts for no other. The accepted copy is what is read, here and
//! whenever a run that was planned with it is gone on with. What such a file may not do is `service`'s to say.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::output::{Exit, Failure};
use super::{Global, cluster};
use crate::base::problem::{Level, Problem};
use crate::base::toml::MAX_BYTES;
use crate::boot::{Booted, Wish, boot, found_by_name};
use crate::config::{Paths, files};
use crate::run::FileRef;
use crate::target::api::{ErrorKind, Read as _};
use crate::target::kubernetes::Client;
use crate::target::model::{Kind, Scope};

/// The label whose value is the service's name.
const LABEL: &str = "timonel.io/service";
const KEY: &str = "service.toml";

/// A console waits no longer for it.
const PATIENCE: Duration = Duration::from_secs(10);

/// The wish with the accepted copy where it names a service that only the namespace has a file of.
pub(super) fn resolved(wish: Wish, global: &Global) -> Result<Wish, Failure> {
    let Some(kept) = sought(&wish, global)? else { return Ok(wish) };
    match kept.answer {
        Answer::Found(found) => {
            let path = accepted(&kept.folder, &kept.name, &found, global.accept.as_deref())?;
            Ok(Wish { service: Some(path), ..wish })
        }
        Answer::No(why) => Err(why),
        Answer::None(why) => {
            let Some(copy) = newest(&kept.folder, &kept.name) else { return Err(why) };
            let text = format!(
                "Whether '{}' is still as it was accepted is unknown: {}. The copy that was accepted last is used.",
                kept.name, why.message
            );
            Ok(Wish { service: Some(copy), problems: vec![Problem::new(Level::Unknown, "service:kept", text)], ..wish })
        }
    }
}

/// The file that a namespace keeps under that name, accepted or not, and the namespace; `None` when it is no such name, or there is a
/// file of the operator's own.
pub(super) fn read(wish: &Wish, global: &Global) -> Result<Option<(Text, String)>, Failure> {
    let Some(kept) = sought(wish, global)? else { return Ok(None) };
    match kept.answer {
        Answer::Found(found) => Ok(Some((found, kept.namespace))),
        Answer::No(why) | Answer::None(why) => Err(why),
    }
}

/// A file as a ConfigMap has it.
pub(super) struct Text {
    /// `ConfigMap shop/of-shop`.
    pub(super) file: String,
    /// What it says.
    pub(super) text: String,
}

/// The names of the service files that a namespace keeps; none where they cannot be listed.
pub(super) async fn all(client: &Client, namespace: &str) -> Vec<String> {
    let found = client.list(Kind::ConfigMap, &Scope::Namespace(namespace.into()), LABEL, "").await.unwrap_or_default();
    let label = |one: &Value| one.pointer("/metadata/labels")?.get(LABEL)?.as_str().filter(|name| is_name(name)).map(ToOwned::to_owned);
    found.iter().filter_map(label).collect()
}

/// The file of that name, as one namespace of one server has it.
struct Kept {
    name: String,
    namespace: String,
    /// Where the copies are that were accepted of what this namespace of this server keeps.
    folder: PathBuf,
    answer: Answer,
}

/// What a namespace said when it was asked for its file.
enum Answer {
    Found(Text),
    /// It answered, and there is none to be had: no copy stands in for that.
    No(Failure),
    /// It did not answer.
    None(Failure),
}

fn sought(wish: &Wish, global: &Global) -> Result<Option<Kept>, Failure> {
    let Some(name) = wish.service.as_deref().and_then(Path::to_str).filter(|name| is_name(name)) else { return Ok(None) };
    let booted = boot(&Wish { service: None, ..wish.clone() }).map_err(|p| cluster::of_problem(&p))?;
    if Path::new(name).exists() || found_by_name(&booted.paths, Path::new(name)).is_some() {
        return Ok(None);
    }
    ask(&booted, name, global.timeout.min(PATIENCE)).map(Some)
}

/// `STATE/accepted/SERVER/NAMESPACE`, where SERVER stands for the server's address: another cluster may have a namespace of that name,
/// and a context can be led to another cluster.
fn folder(paths: &Paths, server: &str, namespace: &str) -> PathBuf {
    let digest = FileRef::digest(server);
    paths.accepted().join(&digest[digest.len() - 16..]).join(namespace)
}

/// What a label of Kubernetes and a file of ours can both be called.
fn is_name(name: &str) -> bool {
    (1..=63).contains(&name.len()) && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') && !name.starts_with('-')
}

/// Asks the one namespace that is looked at. `Err`: there is none to ask.
fn ask(booted: &Booted, name: &str, patience: Duration) -> Result<Kept, Failure> {
    let none = |more: &str| Failure::new(Exit::CONFIG, format!("there is no service file '{name}'{more}"));
    cluster::within(patience + Duration::from_secs(1), async {
        let client = cluster::open(booted).await.map_err(|why| none(&format!(", and no namespace to ask: {}", why.message)))?;
        let Some([namespace]) = client.opened().namespaces.as_deref() else {
            return Err(none("").hint("a path, a name in the folder of service files, or, with -n NAMESPACE, one that the namespace keeps"));
        };
        let scope = Scope::Namespace(namespace.as_str().into());
        let label = format!("{LABEL}={name}");
        let answer = match tokio::time::timeout(patience, client.list(Kind::ConfigMap, &scope, &label, "")).await {
            Ok(Ok(found)) => of(&found, name, namespace).map_or_else(Answer::No, Answer::Found),
            Ok(Err(error)) => {
                let why = none(&format!(", and whether {namespace} keeps one is unknown: {}", error.message.trim_end_matches('.')));
                if is_silence(error.kind) { Answer::None(why) } else { Answer::No(why) }
            }
            Err(_) => Answer::None(none(&format!(", and {namespace} did not answer within {} s", patience.as_secs()))),
        };
        let folder = folder(&booted.paths, &client.opened().server, namespace);
        Ok(Kept { name: name.to_owned(), namespace: namespace.clone(), folder, answer })
    })
}

/// Whether nobody who knows said anything: then what was accepted last serves. An expired credential is among them, since whoever to
/// call must be found at that hour too, and nothing can be written without one.
const fn is_silence(kind: ErrorKind) -> bool {
    match kind {
        ErrorKind::Unreachable
        | ErrorKind::Timeout
        | ErrorKind::Unauthorised
        | ErrorKind::TooManyRequests
        | ErrorKind::Tls
        | ErrorKind::Server
        | ErrorKind::Garbage => true,
        ErrorKind::Forbidden
        | ErrorKind::NotFound
        | ErrorKind::Conflict
        | ErrorKind::Gone
        | ErrorKind::Invalid
        | ErrorKind::Denied
        | ErrorKind::ReadOnly => false,
    }
}

/// The one file among ConfigMaps. `Err`: there is none, or several.
fn of(found: &[Value], name: &str, namespace: &str) -> Result<Text, Failure> {
    let config = |text: String| Failure::new(Exit::CONFIG, text);
    let [one] = found else {
        let text = if found.is_empty() {
            format!("there is no service file '{name}', here or in {namespace}")
        } else {
            format!("{namespace} keeps {} service files '{name}'", found.len())
        };
        return Err(config(text).hint(format!("a namespace keeps one in a ConfigMap with the label {LABEL}={name} and the key {KEY}")));
    };
    let called = one.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
    let Some(text) = one.pointer("/data").and_then(|data| data.get(KEY)).and_then(Value::as_str) else {
        return Err(config(format!("the ConfigMap {namespace}/{called} has no key {KEY}")));
    };
    if text.len() > MAX_BYTES {
        return Err(config(format!("the service file in the ConfigMap {namespace}/{called} is larger than {MAX_BYTES} bytes")));
    }
    Ok(Text { file: format!("ConfigMap {namespace}/{called}"), text: text.to_owned() })
}

/// The path of the accepted copy of that text. `Err`: it was not accepted; where it can be read, and how it is accepted.
fn accepted(folder: &Path, name: &str, found: &Text, accept: Option<&str>) -> Result<PathBuf, Failure> {
    let text = &found.text;
    let digest = FileRef::digest(text);
    let copy = folder.join(format!("{name}-{}.toml", digest.trim_start_matches("sha256:")));
    let same = |path: &Path| files::read(path, "service").ok().flatten().is_some_and(|found| found.text == *text);
    if same(&copy) {
        // The newest copy is the one that was in use last; a disk that is full takes nothing from anybody.
        let _ = keep(&copy, text);
        return Ok(copy);
    }
    let cannot = |error: &io::Error| Failure::new(Exit::CONFIG, format!("the copy of the service file cannot be written: {error}"));
    if accept == Some(digest.as_str()) {
        return keep(&copy, text).map(|()| copy).map_err(|e| cannot(&e));
    }
    let offered = folder.join(format!("{name}.offered"));
    keep(&offered, text).map_err(|e| cannot(&e))?;
    let (what, read) = match newest(folder, name) {
        Some(before) => ("has changed since it was accepted", format!("diff {} {}", before.display(), offered.display())),
        None => ("was not accepted yet", format!("less {}", offered.display())),
    };
    let text = format!("the service file '{name}', {}, {what}: it is not in use, and nothing was done", found.file);
    Err(Failure::new(Exit::CONFIG, text).hint(format!("read it: {read}; if it is right, the same command with --accept {digest}")))
}

/// Written whole or not at all, for nobody else's eyes.
fn keep(path: &Path, text: &str) -> io::Result<()> {
    let folder = path.parent().unwrap_or(path);
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let new = path.with_extension(format!("{}", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&new)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    std::fs::rename(new, path)
}

/// The copy that was in use last.
fn newest(folder: &Path, name: &str) -> Option<PathBuf> {
    let of = |path: &PathBuf| {
        let stem = path.file_stem().and_then(|stem| stem.to_str()).and_then(|stem| stem.strip_prefix(name)?.strip_prefix('-'));
        stem.is_some_and(|digest| digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()))
    };
    let copies = files::list(folder).into_iter().filter(of);
    copies.max_by_key(|path| path.metadata().and_then(|m| m.modified()).ok())
}
