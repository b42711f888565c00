//! Exec and attach over WebSocket.
//!
//! Owns the protocol (v5 and v4.channel.k8s.io): channels 0 in, 1 out, 2 err, 3 status, 4 size, 255 close.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::FromRequestParts;
use axum::extract::ws::{CloseFrame, Message, Utf8Bytes, WebSocket, WebSocketUpgrade, close_code};
use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use super::Server;
use super::ask::{Ask, Place};
use crate::sim::api::failure::Failure;
use crate::sim::api::kinds::known;
use crate::sim::behaviour::Facets;
use crate::sim::exec::{self, Answer, Inside};
use crate::sim::kubelet::State;
use crate::sim::world::World;

const OUT: u8 = 1;
const ERR: u8 = 2;
const STATUS: u8 = 3;
const CLOSE: u8 = 255;

/// Answers an exec or attach.
pub(super) async fn exec(server: &Arc<Server>, ask: &Ask, place: &Place, request: Request<Body>) -> Result<Response<Body>, Failure> {
    let (mut parts, _) = request.into_parts();
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &()).await;
    let container = ask.param("container").unwrap_or_default();
    let inside = server.cluster.with(|world| inside(world, place, container))?;
    let command: Vec<String> = ask.params("command").map(str::to_owned).collect();
    let upgrade = upgrade.map_err(|_| Failure::bad_request("Upgrade request required"))?;
    if command.is_empty() && place.sub == "exec" {
        return Err(Failure::bad_request("you must specify at least 1 command for the container"));
    }
    let upgrade = upgrade.protocols(["v5.channel.k8s.io", "v4.channel.k8s.io"]);
    let (input, terminal) = (ask.flag("stdin"), ask.flag("tty"));
    let stop = server.cluster.stop.clone();
    Ok(upgrade.on_upgrade(move |socket| async move {
        let session = Session { socket, inside, terminal };
        tokio::select! {
            () = stop.cancelled() => {}
            () = session.run(&command, input) => {}
        }
    }))
}

/// Looks into a container, or refuses in the server's words.
fn inside(world: &World, place: &Place, container: &str) -> Result<Inside, Failure> {
    let pods = known().pods;
    let entry = world
        .store
        .find(pods, &place.namespace, &place.name)
        .ok_or_else(|| Failure::not_found(pods.row(), &place.name))?;
    let pod = entry.value();
    if matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
        return Err(Failure::bad_request(format!(
            "cannot exec into a container in a completed pod; current phase is {}",
            pod["status"]["phase"].as_str().unwrap_or_default()
        )));
    }
    let containers = pod["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let first = containers.first().and_then(|c| c["name"].as_str()).unwrap_or_default();
    let name = if container.is_empty() { first } else { container };
    let spec = containers.iter().find(|c| c["name"] == name);
    let spec = spec.ok_or_else(|| Failure::bad_request(format!("container {name} is not valid for pod {}", place.name)))?;
    let run = world.kubelet.pod(&entry.uid).and_then(|r| r.container(name).map(|s| (r, s)));
    let Some((run, slot)) = run.filter(|(_, s)| matches!(s.state, State::Running(_))) else {
        return Err(Failure::internal(&format!("unable to upgrade connection: container not found (\"{name}\")")));
    };
    let facets = Facets { namespace: &run.key.namespace, workload: &run.workload, container: name, image: slot.image(), node: &run.node };
    let scripts = world.story.scripts.iter().filter(|s| s.is_for(facets)).cloned().collect();
    Ok(Inside { pod: place.name.clone(), environment: environment(world, place, spec), scripts })
}

/// The environment of a container. Values of Secrets are not known to anybody.
fn environment(world: &World, place: &Place, container: &Value) -> Vec<(String, String)> {
    let mut all = vec![("HOSTNAME".to_owned(), place.name.clone()), ("KUBERNETES_SERVICE_HOST".to_owned(), "10.96.0.1".to_owned())];
    for from in container["envFrom"].as_array().into_iter().flatten() {
        let (res, name) = match (from["configMapRef"]["name"].as_str(), from["secretRef"]["name"].as_str()) {
            (Some(name), _) => (known().configmaps, name),
            (_, Some(name)) => (known().secrets, name),
            _ => continue,
        };
        let data = world.store.find(res, &place.namespace, name).map(|e| e.value()["data"].clone()).unwrap_or_default();
        for (key, value) in data.as_object().into_iter().flatten() {
            let value = if res == known().secrets { "********" } else { value.as_str().unwrap_or_default() };
            all.push((key.clone(), value.to_owned()));
        }
    }
    for variable in container["env"].as_array().into_iter().flatten() {
        let value = variable["value"].as_str().unwrap_or("********");
        all.push((variable["name"].as_str().unwrap_or_default().to_owned(), value.to_owned()));
    }
    all
}

struct Session {
    socket: WebSocket,
    inside: Inside,
    terminal: bool,
}

impl Session {
    async fn run(mut self, command: &[String], input: bool) {
        let answer = if exec::is_shell(command) && input { self.shell().await } else { exec::run(&self.inside, command) };
        let code = answer.exit;
        if self.write(&answer).await.is_some() {
            self.status(code).await;
        }
        // A client that is gone by now needs no farewell.
        self.socket
            .send(Message::Close(Some(CloseFrame { code: close_code::NORMAL, reason: Utf8Bytes::default() })))
            .await
            .ok();
    }

    /// A shell that reads lines until `exit` or the end of its input.
    async fn shell(&mut self) -> Answer {
        let prompt = if self.terminal { "/app $ " } else { "" };
        let mut line = String::new();
        if self.send(OUT, prompt.as_bytes()).await.is_none() {
            return Answer::default();
        }
        while let Some(Ok(message)) = self.socket.recv().await {
            let Message::Binary(frame) = message else { continue };
            let typed = match frame.split_first() {
                Some((0, typed)) => typed.to_vec(),
                Some((&CLOSE, _)) => break,
                _ => continue,
            };
            for byte in typed {
                match byte {
                    b'\r' | b'\n' => {
                        self.echo(b"\r\n").await;
                        let words = line.split_whitespace().next();
                        if words == Some("exit") {
                            return exec::lines(&self.inside, &line);
                        }
                        let answer = exec::lines(&self.inside, &std::mem::take(&mut line));
                        if self.write(&answer).await.is_none() || self.send(OUT, prompt.as_bytes()).await.is_none() {
                            return Answer::default();
                        }
                    }
                    0x04 if line.is_empty() => return Answer::default(),
                    0x03 => {
                        line.clear();
                        self.echo(b"^C\r\n/app $ ").await;
                    }
                    0x7f | 0x08 if line.pop().is_some() => self.echo(b"\x08 \x08").await,
                    byte if byte >= b' ' => {
                        line.push(char::from(byte));
                        self.echo(&[byte]).await;
                    }
                    _ => {}
                }
            }
        }
        exec::lines(&self.inside, &line)
    }

    async fn echo(&mut self, bytes: &[u8]) {
        if self.terminal {
            self.send(OUT, bytes).await;
        }
    }

    async fn write(&mut self, answer: &Answer) -> Option<()> {
        // A terminal has one stream, and its lines end with a carriage return.
        let shape = |text: &str| if self.terminal { text.replace('\n', "\r\n") } else { text.to_owned() };
        let (output, error) = (shape(&answer.output), shape(&answer.error));
        let channel = if self.terminal { OUT } else { ERR };
        self.send(OUT, output.as_bytes()).await?;
        self.send(channel, error.as_bytes()).await
    }

    async fn send(&mut self, channel: u8, content: &[u8]) -> Option<()> {
        for part in content.chunks(32 << 10) {
            let frame = [&[channel], part].concat();
            self.socket.send(Message::Binary(Bytes::from(frame))).await.ok()?;
        }
        Some(())
    }

    async fn status(&mut self, code: i32) {
        let status = if code == 0 {
            json!({"metadata": {}, "status": "Success"})
        } else {
            json!({"metadata": {}, "status": "Failure", "message": format!("command terminated with non-zero exit code: exit status {code}"), "reason": "NonZeroExitCode",
                "details": {"causes": [{"reason": "ExitCode", "message": code.to_string()}]}})
        };
        self.send(STATUS, status.to_string().as_bytes()).await;
    }
}
