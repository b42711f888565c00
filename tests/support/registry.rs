//! A registry of images in this process (distribution API, version 2, over HTTP on loopback): what it has, who it lets in, and how it
//! behaves badly is said by the test. It is no registry of anybody's: it keeps what it is given in memory, and takes nothing.

use std::collections::HashMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use timonel::base::id::hex;

/// Who is let in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Door {
    /// Everybody.
    Open,
    /// Whoever shows a token, which its own server gives out to this `user:password`, base64.
    Token(String),
    /// Whoever shows this `user:password`, base64.
    Basic(String),
}

/// The token that is given out.
pub(crate) const TOKEN: &str = "heron-token-4471";

/// One request as it was heard: method and path, and what opened the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Heard {
    /// `GET /v2/shop/api/manifests/1.0`.
    pub(crate) line: String,
    /// The header `authorization`; empty without one.
    pub(crate) authorization: String,
}

#[derive(Default)]
struct Shelf {
    /// `shop/api:1.0` to a digest.
    names: HashMap<String, String>,
    /// Digest to media type and content.
    content: HashMap<String, (String, Vec<u8>)>,
    /// Beginnings of paths that are answered by a redirect.
    redirects: Vec<(String, String)>,
    /// Beginnings of paths that are never answered.
    deaf: Vec<String>,
    /// Beginnings of paths that are answered with a status alone.
    broken: Vec<(String, u16)>,
    heard: Vec<Heard>,
}

/// The registry.
pub(crate) struct Registry {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    shelf: Arc<Mutex<Shelf>>,
}

/// `sha256:…` of bytes.
pub(crate) fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const INDEX: &str = "application/vnd.oci.image.index.v1+json";

impl Registry {
    /// One that answers until the test ends.
    pub(crate) fn start(door: Door) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let (port, shelf) = (listener.local_addr().expect("an address").port(), Arc::new(Mutex::new(Shelf::default())));
        let kept = Arc::clone(&shelf);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (shelf, door) = (Arc::clone(&kept), door.clone());
                std::thread::spawn(move || answer(stream, port, &shelf, &door));
            }
        });
        Self { port, shelf }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    fn shelf(&self) -> std::sync::MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps a blob; its digest.
    pub(crate) fn blob(&self, media: &str, bytes: Vec<u8>) -> String {
        let digest = digest(&bytes);
        self.shelf().content.insert(digest.clone(), (media.to_owned(), bytes));
        digest
    }

    /// Gives what is kept under a digest a name: `shop/api:1.0`.
    pub(crate) fn name(&self, name: &str, digest: &str) {
        self.shelf().names.insert(name.to_owned(), digest.to_owned());
    }

    /// An image of one platform without layers; its digest.
    pub(crate) fn image(&self, name: &str, os: &str, architecture: &str) -> String {
        let config = self.blob("application/json", json!({ "os": os, "architecture": architecture, "name": name }).to_string().into_bytes());
        let manifest = json!({ "schemaVersion": 2, "mediaType": MANIFEST, "config": { "digest": config }, "layers": [] });
        self.put(name, MANIFEST, &manifest)
    }

    /// An image of several platforms; its digest.
    pub(crate) fn index(&self, name: &str, platforms: &[(&str, &str)]) -> String {
        let entry = |(os, architecture): &(&str, &str)| json!({ "digest": digest(b"x"), "platform": { "os": os, "architecture": architecture } });
        let entries: Vec<Value> = platforms.iter().map(entry).collect();
        self.put(name, INDEX, &json!({ "schemaVersion": 2, "mediaType": INDEX, "manifests": entries }))
    }

    /// Keeps a manifest under a name; its digest.
    pub(crate) fn put(&self, name: &str, media: &str, manifest: &Value) -> String {
        let digest = self.blob(media, manifest.to_string().into_bytes());
        self.name(name, &digest);
        digest
    }

    /// Paths that begin so are answered by a redirect to `to` and the rest.
    pub(crate) fn redirect(&self, path: &str, to: &str) {
        self.shelf().redirects.push((path.to_owned(), to.to_owned()));
    }

    /// Paths that begin so are never answered.
    pub(crate) fn deafen(&self, path: &str) {
        self.shelf().deaf.push(path.to_owned());
    }

    /// Paths that begin so are answered with that status alone.
    pub(crate) fn break_with(&self, path: &str, status: u16) {
        self.shelf().broken.push((path.to_owned(), status));
    }

    /// What was heard.
    pub(crate) fn heard(&self) -> Vec<Heard> {
        self.shelf().heard.clone()
    }
}

fn request(stream: &TcpStream) -> Option<Heard> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let (mut authorization, mut length) = (String::new(), 0_u64);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).ok()? == 0 || header.trim().is_empty() {
            break;
        }
        match header.split_once(':').map(|(name, value)| (name.to_ascii_lowercase(), value.trim())) {
            Some((name, value)) if name == "authorization" => value.clone_into(&mut authorization),
            Some((name, value)) if name == "content-length" => length = value.parse().unwrap_or(0),
            _ => {}
        }
    }
    // What is posted is of no interest; a line that is closed with it unread would lose the answer.
    let _ = std::io::copy(&mut reader.take(length), &mut std::io::sink());
    let mut words = line.split_whitespace();
    Some(Heard { line: format!("{} {}", words.next()?, words.next()?), authorization })
}

fn answer(mut stream: TcpStream, port: u16, shelf: &Mutex<Shelf>, door: &Door) {
    let Some(heard) = request(&stream) else { return };
    let (method, path) = heard.line.split_once(' ').map(|(m, p)| (m.to_owned(), p.to_owned())).unwrap_or_default();
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.heard.push(heard.clone());
    if shelf.deaf.iter().any(|deaf| path.starts_with(deaf.as_str())) {
        drop(shelf);
        // Until the other side gives up.
        let _ = std::io::copy(&mut stream, &mut std::io::sink());
        return;
    }
    let (status, headers, body) = respond(&shelf, port, door, &path, &heard.authorization);
    drop(shelf);
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {}\r\nconnection: close\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes());
    if method != "HEAD" {
        let _ = stream.write_all(&body);
    }
}

fn respond(shelf: &Shelf, port: u16, door: &Door, path: &str, authorization: &str) -> (u16, String, Vec<u8>) {
    let empty = |status: u16, headers: String| (status, headers, Vec::new());
    if let Some((_, status)) = shelf.broken.iter().find(|(broken, _)| path.starts_with(broken.as_str())) {
        return empty(*status, String::new());
    }
    if path.starts_with("/token") {
        let good = matches!(door, Door::Token(login) if authorization == format!("Basic {login}"));
        return if good { (200, String::new(), json!({ "token": TOKEN }).to_string().into_bytes()) } else { empty(401, String::new()) };
    }
    let (good, asks) = match door {
        Door::Open => (true, String::new()),
        Door::Token(_) => (
            authorization == format!("Bearer {TOKEN}"),
            format!("www-authenticate: Bearer realm=\"http://127.0.0.1:{port}/token\",service=\"fake\"\r\n"),
        ),
        Door::Basic(login) => (authorization == format!("Basic {login}"), "www-authenticate: Basic realm=\"fake\"\r\n".to_owned()),
    };
    if !good {
        return empty(401, asks);
    }
    if let Some((from, to)) = shelf.redirects.iter().find(|(from, _)| path.starts_with(from.as_str())) {
        return empty(307, format!("location: {to}{}\r\n", &path[from.len()..]));
    }
    let named = path.trim_start_matches("/v2/");
    if named.is_empty() {
        return empty(200, String::new());
    }
    let found = match (named.split_once("/manifests/"), named.split_once("/blobs/")) {
        (Some((_, reference)), _) if reference.starts_with("sha256:") => Some(reference.to_owned()),
        (Some((repository, tag)), _) => shelf.names.get(&format!("{repository}:{tag}")).cloned(),
        (None, Some((_, digest))) => Some(digest.to_owned()),
        (None, None) => None,
    };
    let content = found.and_then(|digest| Some((digest.clone(), shelf.content.get(&digest)?)));
    content.map_or_else(
        || empty(404, String::new()),
        |(digest, (media, bytes))| (200, format!("content-type: {media}\r\ndocker-content-digest: {digest}\r\n"), bytes.clone()),
    )
}
