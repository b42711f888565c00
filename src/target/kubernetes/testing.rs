//! Servers for the tests of this driver: answers by script, byte for byte, so that they can break where real ones do.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use super::client::Client;
use crate::target::event::Opened;

/// A request as it came over the wire.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    /// `GET /api/v1/pods?limit=1`.
    pub(super) line: String,
    /// All header lines, lower case.
    pub(super) headers: String,
    pub(super) body: String,
}

/// What a server does with one connection's next request.
#[derive(Debug, Clone)]
pub(super) enum Step {
    /// Sends these bytes.
    Send(Vec<u8>),
    /// Waits until the test says so.
    Wait,
    /// Resets the connection (RST, not FIN).
    Reset,
    /// Closes it.
    Close,
    /// Keeps it open and silent for ever.
    Silence,
}

/// A scripted server: the n-th request gets the n-th script; after the last, the last again.
pub(super) struct Server {
    pub(super) url: String,
    pub(super) seen: Arc<Mutex<Vec<Seen>>>,
    go: mpsc::Sender<()>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    pub(super) async fn start(scripts: Vec<Vec<Step>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (go, wait) = mpsc::channel(64);
        let wait = Arc::new(tokio::sync::Mutex::new(wait));
        let scripts = Arc::new(scripts);
        let record = seen.clone();
        let connections: Arc<AtomicUsize> = Arc::default();
        let count = connections.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(stream, scripts.clone(), record.clone(), wait.clone()));
            }
        });
        Self { url, seen, go, connections }
    }

    /// Lets one `Step::Wait` go on.
    pub(super) async fn go(&self) {
        self.go.send(()).await.unwrap();
    }

    pub(super) async fn client(&self) -> Client {
        self.client_that(false).await
    }

    pub(super) async fn client_that(&self, read_only: bool) -> Client {
        let opened = Opened { server: self.url.clone(), ..opened() };
        Client::at(self.url.parse().unwrap(), None, opened, read_only).await.unwrap()
    }

    /// How many connections were made so far.
    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    pub(super) fn requests(&self) -> Vec<String> {
        self.seen.lock().unwrap().iter().map(|s| s.line.clone()).collect()
    }
}

pub(super) fn opened() -> Opened {
    Opened {
        context: "test".into(),
        cluster: "test".into(),
        user: "tester".into(),
        server: String::new(),
        namespaces: None,
        contexts: Vec::new(),
    }
}

async fn serve(
    mut stream: TcpStream,
    scripts: Arc<Vec<Vec<Step>>>,
    record: Arc<Mutex<Vec<Seen>>>,
    wait: Arc<tokio::sync::Mutex<mpsc::Receiver<()>>>,
) {
    while let Some(seen) = read(&mut stream).await {
        let turn = {
            let mut record = record.lock().unwrap();
            record.push(seen);
            record.len() - 1
        };
        for step in &scripts[turn.min(scripts.len() - 1)] {
            match step {
                Step::Send(bytes) => {
                    if stream.write_all(bytes).await.is_err() || stream.flush().await.is_err() {
                        return;
                    }
                }
                Step::Wait => {
                    wait.lock().await.recv().await;
                }
                Step::Reset => {
                    stream.set_zero_linger().unwrap();
                    return;
                }
                Step::Close => return,
                Step::Silence => std::future::pending::<()>().await,
            }
        }
    }
}

async fn read(stream: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break end;
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => bytes.extend_from_slice(&piece[..n]),
            _ => return None,
        }
    };
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let (line, headers) = head.split_once("\r\n").unwrap_or((&head, ""));
    let headers = headers.to_lowercase();
    let length = headers.lines().find_map(|l| l.strip_prefix("content-length: ")).and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = bytes[end + 4..].to_vec();
    while body.len() < length {
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(n) if n > 0 => body.extend_from_slice(&piece[..n]),
            _ => break,
        }
    }
    let line = line.trim_end_matches(" HTTP/1.1").to_owned();
    Some(Seen { line, headers, body: String::from_utf8_lossy(&body).into_owned() })
}

/// A whole answer with a length.
pub(super) fn answer(status: &str, body: &str) -> Step {
    Step::Send(format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes())
}

/// The start of an answer that goes on in chunks.
pub(super) fn chunked() -> Step {
    Step::Send(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ntransfer-encoding: chunked\r\n\r\n".to_vec())
}

/// One chunk.
pub(super) fn chunk(text: &[u8]) -> Step {
    let mut bytes = format!("{:x}\r\n", text.len()).into_bytes();
    bytes.extend_from_slice(text);
    bytes.extend_from_slice(b"\r\n");
    Step::Send(bytes)
}

/// The end of an answer in chunks.
pub(super) fn end() -> Step {
    Step::Send(b"0\r\n\r\n".to_vec())
}

/// A meta.v1 Status as the API server writes it.
pub(super) fn status(code: u16, reason: &str, message: &str) -> String {
    serde_json::json!({ "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason, "code": code })
        .to_string()
}
