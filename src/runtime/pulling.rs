//! Asking a registry for an image as a node would that pulls it for a workload.
//!
//! Owns the way there: the pull secrets of the pod template, or else of its service account, read at the moment of use and dropped after
//! it; the nodes that its pods may run on; and what the answers come to. The conversation is the driver's. Keeps nothing.

use std::collections::BTreeMap;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use secrecy::zeroize::{Zeroize as _, Zeroizing};
use serde_json::Value;

use crate::base::secret;
use crate::base::text::clean;
use crate::run::{ImageAsked, ImageFound, NoImage, ProbeAnswer};
use crate::target::api::{ErrorKind, Read, TargetError};
use crate::target::model::{Kind, ObjectRef, Scope};
use crate::target::net::{Net, Route, Trust};
use crate::target::registry::{ImageName, Manifest, NoManifest, Platform, PullLogin};

/// One question to a registry, tokens and redirects among it.
const WITHIN: Duration = Duration::from_secs(15);
/// Pull secrets of one workload that are looked at.
const SECRETS: usize = 10;
/// The type of Secret that holds logins of registries.
const DOCKER: &str = "kubernetes.io/dockerconfigjson";

/// The pull secrets of a workload: logins that are for the image, and what of them could not be had.
#[derive(Default)]
struct Logins {
    /// Each with the name of its Secret.
    fit: Vec<(String, PullLogin)>,
    /// Why one could not be read.
    unread: Vec<String>,
}

/// Asks once. Logins are tried in the order of the pod template; without one it is asked as anybody.
pub(super) async fn image(read: &dyn Read, asked: &ImageAsked) -> Result<ImageFound, NoImage> {
    let shown = clean(&asked.image).into_owned();
    let name = ImageName::parse(&asked.image).ok_or_else(|| NoImage::Failed(format!("'{shown}' is no name of an image")))?;
    let spec = match &asked.workload {
        Some(workload) => {
            let unread = |error: TargetError| NoImage::Unknown(format!("{workload} cannot be read: {}", error.message));
            let raw = read.get(workload, "").await.map_err(unread)?;
            raw.pointer("/spec/template/spec").cloned().unwrap_or_default()
        }
        None => Value::Null,
    };
    let logins = match &asked.workload {
        Some(workload) => logins(read, &workload.namespace, &spec, &name).await,
        None => Logins::default(),
    };
    let net = Net::new(&Trust::System, Route::Environment).map_err(|why| NoImage::Unknown(why.message))?;
    let (manifest, by) = ask(&net, &name, &logins).await?;
    let pinned = name.pinned(&manifest.digest);
    let how = by.map_or_else(|| "read without a login".to_owned(), |secret| format!("pull secret {secret}"));
    let platform = platform(read, &manifest, &spec).await;
    Ok(ImageFound { words: format!("{} has it ({how})", name.host), pinned, platform })
}

/// The manifest, and the pull secret that opened the way to it.
async fn ask<'l>(net: &Net, name: &ImageName, logins: &'l Logins) -> Result<(Manifest, Option<&'l str>), NoImage> {
    let (host, image) = (&name.host, format!("{}:{}", name.repository, name.reference));
    let mut refused = Vec::new();
    for (secret, login) in &logins.fit {
        match net.ask_registry(name, Some(login), WITHIN).await {
            Ok(manifest) => return Ok((manifest, Some(secret))),
            Err(NoManifest::Refused) => refused.push(secret.as_str()),
            Err(other) => return Err(told(other, host, &image)),
        }
    }
    if !refused.is_empty() {
        return Err(NoImage::Failed(format!("{host} refuses the pull secret {}", refused.join(", "))));
    }
    match net.ask_registry(name, None, WITHIN).await {
        Ok(manifest) => Ok((manifest, None)),
        Err(NoManifest::Refused) if !logins.unread.is_empty() => {
            Err(NoImage::Unknown(format!("{host} asks for a login: {}", logins.unread.join("; "))))
        }
        // Nodes may have logins of their own, which nobody here sees.
        Err(NoManifest::Refused) => Err(NoImage::Unknown(format!("{host} asks for a login, and no pull secret of the workload is for it"))),
        Err(other) => Err(told(other, host, &image)),
    }
}

fn told(why: NoManifest, host: &str, image: &str) -> NoImage {
    match why {
        NoManifest::Absent => NoImage::Failed(format!("{host} has no {image}")),
        NoManifest::Refused => NoImage::Unknown(format!("{host} refuses to say")),
        NoManifest::NotHeard(why) => NoImage::Unknown(format!("{host} was not heard: {}", why.message)),
    }
}

/// The logins for an image that pods of a template have. A Secret that is not there is passed over, as by the kubelet.
async fn logins(read: &dyn Read, namespace: &str, spec: &Value, image: &ImageName) -> Logins {
    let mut all = Logins::default();
    let mut names = named(spec);
    if names.is_empty() {
        // A template that names none gets those of its service account.
        let account = spec["serviceAccountName"].as_str().unwrap_or("default");
        match read.raw(&format!("/api/v1/namespaces/{namespace}/serviceaccounts/{account}")).await {
            Ok(raw) => names = named(&raw),
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => all.unread.push(format!("its service account {account} {}", cannot(&error))),
        }
    }
    for name in names.into_iter().take(SECRETS) {
        match read.get(&ObjectRef::new(Kind::Secret, namespace, name.as_str()), "").await {
            Ok(mut raw) => match fitting(&mut raw, image) {
                Ok(found) => all.fit.extend(found.into_iter().map(|login| (name.clone(), login))),
                Err(why) => all.unread.push(format!("its pull secret {name} {why}")),
            },
            Err(error) if error.kind == ErrorKind::NotFound => {}
            Err(error) => all.unread.push(format!("its pull secret {name} {}", cannot(&error))),
        }
    }
    all
}

fn named(of: &Value) -> Vec<String> {
    let all = of["imagePullSecrets"].as_array().into_iter().flatten();
    all.filter_map(|s| Some(clean(s["name"].as_str()?).into_owned())).collect()
}

fn cannot(error: &TargetError) -> &'static str {
    if error.kind == ErrorKind::Forbidden { "may not be read by you" } else { "cannot be read" }
}

/// The logins in a Secret that are for the image, those of the longest path first. What the Secret held is zeroed.
fn fitting(raw: &mut Value, image: &ImageName) -> Result<Vec<PullLogin>, &'static str> {
    if raw["type"] != DOCKER {
        return Err("is of a type that is not read here");
    }
    let encoded = match raw["data"][".dockerconfigjson"].take() {
        Value::String(encoded) => Zeroizing::new(encoded),
        _ => return Err("is empty"),
    };
    let bytes = Zeroizing::new(STANDARD.decode(encoded.as_bytes()).map_err(|_| "is not in its encoding")?);
    let mut config: Value = serde_json::from_slice(&bytes).map_err(|_| "holds no logins")?;
    let mut found: BTreeMap<std::cmp::Reverse<usize>, Vec<PullLogin>> = BTreeMap::new();
    let mut odd = false;
    for (place, entry) in config["auths"].as_object_mut().into_iter().flatten() {
        let login = login(entry);
        wipe(entry);
        if image.is_of(place) {
            match login {
                Some(login) => found.entry(std::cmp::Reverse(place.len())).or_default().push(login),
                None => odd = true,
            }
        }
    }
    let found: Vec<PullLogin> = found.into_values().flatten().collect();
    if found.is_empty() && odd { Err("signs in in a way that is not known here") } else { Ok(found) }
}

/// `auth`, or `username` and `password`.
fn login(entry: &mut Value) -> Option<PullLogin> {
    let pair = match (entry["username"].as_str(), entry["password"].as_str(), entry["auth"].as_str()) {
        (Some(user), Some(password), _) if !password.is_empty() => (user.to_owned(), SecretString::from(password)),
        (_, _, Some(auth)) => {
            let bytes = Zeroizing::new(STANDARD.decode(auth.trim()).ok()?);
            let (user, password) = std::str::from_utf8(&bytes).ok()?.split_once(':')?;
            (user.to_owned(), SecretString::from(password))
        }
        _ => return None,
    };
    secret::know(&pair.1);
    Some(PullLogin { user: pair.0, password: pair.1 })
}

/// Zeroes the texts of a value.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(all) => all.iter_mut().for_each(wipe),
        Value::Object(all) => all.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whether the image is for the nodes that pods of the template may run on, as far as its node selector says.
async fn platform(read: &dyn Read, manifest: &Manifest, spec: &Value) -> ProbeAnswer {
    let of_image = match &manifest.platforms {
        Ok(all) => all,
        Err(why) => return ProbeAnswer::Unknown(why.clone()),
    };
    let nodes = match read.list(Kind::Node, &Scope::Cluster, "", "").await {
        Ok(nodes) => nodes,
        Err(error) if error.kind == ErrorKind::Forbidden => return ProbeAnswer::Unknown("you may not list the nodes it would run on".to_owned()),
        Err(error) => return ProbeAnswer::Unknown(format!("the nodes it would run on cannot be listed: {}", error.message)),
    };
    judged(of_image, &nodes, &spec["nodeSelector"])
}

fn judged(of_image: &[Platform], nodes: &[Value], selector: &Value) -> ProbeAnswer {
    let wanted = |node: &&Value| {
        let all = selector.as_object().into_iter().flatten();
        all.into_iter().all(|(key, value)| node["metadata"]["labels"][key] == *value)
    };
    let mut of_nodes: BTreeMap<Platform, usize> = BTreeMap::new();
    for node in nodes.iter().filter(wanted) {
        let info = &node["status"]["nodeInfo"];
        let Some(platform) = Platform::of(info["operatingSystem"].as_str(), info["architecture"].as_str()) else { continue };
        *of_nodes.entry(platform).or_default() += 1;
    }
    let words = |all: Vec<String>| all.join(", ");
    let own = words(of_image.iter().map(ToString::to_string).collect());
    let here = words(of_nodes.keys().map(ToString::to_string).collect());
    let fits = of_nodes.keys().filter(|p| of_image.contains(p)).count();
    match (of_nodes.len(), fits) {
        (0, _) => ProbeAnswer::Unknown("no node says which platform it is".to_owned()),
        (all, fits) if all == fits => ProbeAnswer::Ok(format!("for {here}, as the nodes are")),
        (_, 0) => ProbeAnswer::Failed(format!("the image is for {own}, and the nodes are {here}")),
        _ => ProbeAnswer::Unknown(format!("the image is for {own}, some nodes are another of {here}, and where its pods go is not known")),
    }
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use secrecy::ExposeSecret as _;
    use serde_json::{Value, json};

    use super::{fitting, judged};
    use crate::run::ProbeAnswer;
    use crate::target::registry::{ImageName, Platform};

    fn secret(auths: &Value) -> Value {
        let config = json!({ "auths": auths }).to_string();
        json!({ "type": "kubernetes.io/dockerconfigjson", "data": { ".dockerconfigjson": STANDARD.encode(config) } })
    }

    #[test]
    fn the_login_of_the_longest_path_comes_first_and_nothing_of_the_secret_is_left() {
        let image = ImageName::parse("ghcr.io/eterna/rules:1").expect("a name");
        let mut raw = secret(&json!({
            "ghcr.io": { "auth": STANDARD.encode("wide:pass-7711") },
            "ghcr.io/eterna": { "username": "narrow", "password": "pass-7712" },
            "docker.io": { "auth": STANDARD.encode("other:pass-7713") },
        }));
        let found = fitting(&mut raw, &image).expect("logins");
        let users: Vec<(&str, &str)> = found.iter().map(|l| (l.user.as_str(), l.password.expose_secret())).collect();
        assert_eq!(users, [("narrow", "pass-7712"), ("wide", "pass-7711")]);
        assert!(!format!("{found:?}").contains("771") && raw["data"][".dockerconfigjson"].is_null());
        let mut odd = secret(&json!({ "ghcr.io": { "identitytoken": "t" } }));
        assert!(fitting(&mut odd, &image).is_err(), "a way to sign in that is not known is not nothing");
        let mut opaque = json!({ "type": "Opaque", "data": {} });
        assert!(fitting(&mut opaque, &image).is_err());
    }

    #[test]
    fn an_image_is_for_the_nodes_of_its_workload_or_not_or_nobody_knows() {
        let node = |os: &str, arch: &str, pool: &str| json!({ "metadata": { "labels": { "pool": pool } }, "status": { "nodeInfo": { "operatingSystem": os, "architecture": arch } } });
        let of = |os: &str, architecture: &str| Platform { os: os.into(), architecture: architecture.into() };
        let nodes = [node("linux", "amd64", "a"), node("linux", "arm64", "b")];
        let amd = [of("linux", "amd64")];
        let judge = |image: &[Platform], nodes: &[Value], selector: Value| judged(image, nodes, &selector);
        assert!(matches!(judge(&amd, &nodes, json!({ "pool": "a" })), ProbeAnswer::Ok(words) if words.contains("linux/amd64")));
        assert!(matches!(judge(&amd, &nodes, json!({ "pool": "b" })), ProbeAnswer::Failed(why) if why.contains("linux/arm64")));
        assert!(matches!(judge(&amd, &nodes, Value::Null), ProbeAnswer::Unknown(why) if why.contains("where its pods go")));
        assert!(matches!(judge(&amd, &[], Value::Null), ProbeAnswer::Unknown(_)));
        assert!(matches!(judge(&[of("linux", "amd64"), of("linux", "arm64")], &nodes, Value::Null), ProbeAnswer::Ok(_)));
    }
}
