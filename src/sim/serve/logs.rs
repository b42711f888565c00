//! The subresource `log`.
//!
//! Owns its parameters (container, follow, tailLines, sinceSeconds, sinceTime, previous, timestamps, limitBytes) and its refusals.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use http::Response;
use jiff::{SignedDuration, Timestamp};

use super::ask::{Ask, Place};
use super::{Server, answer};
use crate::sim::api::failure::{Cause, Failure};
use crate::sim::api::kinds::known;
use crate::sim::behaviour::{Facets, Traits};
use crate::sim::kubelet::{Slot, State};
use crate::sim::logs::{Stretch, Tape, Written, hash};
use crate::sim::world::World;

/// How often a followed log is written to the client.
const BEAT: Duration = Duration::from_millis(100);

/// How the lines are wanted.
#[derive(Debug, Clone, Default)]
struct Wanted {
    container: String,
    follow: bool,
    previous: bool,
    timestamps: bool,
    tail: Option<usize>,
    since: Option<Timestamp>,
    limit: Option<usize>,
}

/// Answers a log.
pub(super) fn log(server: &Arc<Server>, ask: &Ask, place: &Place) -> Result<Response<Body>, Failure> {
    let now = server.cluster.now();
    check(ask, place)?;
    let mut wanted = Wanted {
        container: ask.param("container").unwrap_or_default().to_owned(),
        follow: ask.flag("follow"),
        previous: ask.flag("previous"),
        timestamps: ask.flag("timestamps"),
        tail: ask.param("tailLines").and_then(|n| n.parse().ok()),
        since: ask.param("sinceTime").and_then(|t| t.parse().ok()),
        limit: ask.param("limitBytes").and_then(|n| n.parse().ok()),
    };
    if let Some(seconds) = ask.param("sinceSeconds").and_then(|n| n.parse().ok()) {
        wanted.since = now.checked_sub(SignedDuration::from_secs(seconds)).ok();
    }
    let Some(tape) = server.cluster.with(|world| tape(world, place, &mut wanted))? else {
        return Ok(answer::nothing());
    };
    let past = past(&tape, &wanted, now);
    let limit = wanted.limit.unwrap_or(usize::MAX);
    let first = text(&past, wanted.timestamps);
    let cut = Bytes::from(first.into_bytes()).slice(..limit.min(past_length(&past, wanted.timestamps)));
    if !wanted.follow || tape.finished.is_some() {
        return Ok(answer::with_body(200, "text/plain", Body::from(cut)));
    }
    let follow = Follow {
        server: server.clone(),
        changes: server.cluster.changes(),
        place: place.clone(),
        wanted,
        tape,
        until: now,
        pending: Some(cut),
        over: false,
    };
    let body =
        stream::unfold(follow, |mut follow| async move { follow.next().await.map(|chunk| (Ok::<_, std::convert::Infallible>(chunk), follow)) });
    Ok(answer::with_body(200, "text/plain", Body::from_stream(body)))
}

/// Refuses parameters that cannot be meant, as ValidatePodLogOptions does.
fn check(ask: &Ask, place: &Place) -> Result<(), Failure> {
    let mut causes = Vec::new();
    for (name, least) in [("tailLines", 0), ("sinceSeconds", 1), ("limitBytes", 1)] {
        let Some(text) = ask.param(name) else { continue };
        let number: i64 = text.parse().map_err(|_| Failure::no_number(text))?;
        if number < least {
            let why = if least == 0 { "must be greater than or equal to 0" } else { "must be greater than 0" };
            causes.push(Cause::invalid(name, number, why));
        }
    }
    if let Some(text) = ask.param("sinceTime").filter(|text| text.parse::<Timestamp>().is_err()) {
        let form = "2006-01-02T15:04:05Z07:00";
        return Err(Failure::bad_request(format!("parsing time \"{text}\" as \"{form}\": cannot parse \"{text}\" as \"2006\"")));
    }
    if ask.param("sinceSeconds").is_some() && ask.param("sinceTime").is_some() {
        causes.push(Cause::forbidden("[]", "at most one of `sinceTime` or `sinceSeconds` may be specified"));
    }
    if ask.param("stream").is_some_and(|stream| stream != "All") {
        causes.push(Cause::forbidden("stream", "may not be specified"));
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid_log_options(&place.name, &causes)) }
}

fn past(tape: &Tape, wanted: &Wanted, now: Timestamp) -> Vec<Written> {
    let mut lines = match (wanted.since, wanted.tail) {
        (Some(since), None) => tape.between(since, now),
        (_, tail) => tape.tail(tail.unwrap_or(usize::MAX), now),
    };
    if let Some(since) = wanted.since {
        lines.retain(|(at, _)| *at >= since);
    }
    lines
}

fn text(lines: &[Written], timestamps: bool) -> String {
    let mut out = String::with_capacity(lines.len() * 140);
    for (at, line) in lines {
        if timestamps {
            out.push_str(&at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ ").to_string());
        }
        out.push_str(line);
        out.push('\n');
    }
    out
}

fn past_length(lines: &[Written], timestamps: bool) -> usize {
    lines.iter().map(|(_, l)| l.len() + 1 + if timestamps { 31 } else { 0 }).sum()
}

/// Finds the container and its tape, or refuses in the server's words. A pod without a node has none.
fn tape(world: &World, place: &Place, wanted: &mut Wanted) -> Result<Option<Tape>, Failure> {
    let pods = known().pods;
    let entry = world
        .store
        .find(pods, &place.namespace, &place.name)
        .ok_or_else(|| Failure::not_found(pods.row(), &place.name))?;
    let pod = entry.value();
    let names = |list: &str| -> Vec<String> {
        pod["spec"][list]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|c| c["name"].as_str())
            .map(str::to_owned)
            .collect()
    };
    let (main, init) = (names("containers"), names("initContainers"));
    if wanted.container.is_empty() {
        if main.len() > 1 || !init.is_empty() && main.len() != 1 {
            let choices = if init.is_empty() {
                format!("[{}]", main.join(" "))
            } else {
                format!("[{}] or one of the init containers: [{}]", main.join(" "), init.join(" "))
            };
            return Err(Failure::bad_request(format!("a container name must be specified for pod {}, choose one of: {choices}", place.name)));
        }
        wanted.container = main.first().cloned().unwrap_or_default();
    }
    let name = &wanted.container;
    if !main.contains(name) && !init.contains(name) {
        return Err(Failure::bad_request(format!("container {name} is not valid for pod {}", place.name)));
    }
    let run = world.kubelet.pod(&entry.uid);
    let slot = run.and_then(|r| r.container(name).map(|s| (r, s)));
    let Some((run, slot)) = slot else {
        if !pod["spec"]["nodeName"].is_string() {
            return Ok(None);
        }
        return Err(Failure::bad_request(waiting(place, name, "ContainerCreating")));
    };
    let facets = Facets { namespace: &run.key.namespace, workload: &run.workload, container: name, image: slot.image(), node: &run.node };
    let (started, finished, traits) = span(place, slot, wanted)?;
    let seed = hash(&(&*entry.uid, name, started.as_second()));
    Ok(Some(Tape { seed, pod: place.name.clone(), started, finished, stretches: stretches(world, facets, started, traits) }))
}

fn waiting(place: &Place, container: &str, why: &str) -> String {
    format!("container \"{container}\" in pod \"{}\" is waiting to start: {why}", place.name)
}

/// When the run that is asked for began and ended, and how it behaved.
fn span(place: &Place, slot: &Slot, wanted: &Wanted) -> Result<(Timestamp, Option<Timestamp>, Traits), Failure> {
    let of = |e: &crate::sim::kubelet::Ended| (e.started, Some(e.finished), (*e.traits).clone());
    if wanted.previous {
        let sentence = format!("previous terminated container \"{}\" in pod \"{}\" not found", slot.name, place.name);
        return slot.last.as_ref().map(of).ok_or_else(|| Failure::bad_request(sentence));
    }
    match &slot.state {
        State::Running(since) => Ok((*since, None, (*slot.traits).clone())),
        State::Ended(ended) => Ok(of(ended)),
        // A container that waits for its next start still has the log of its last run.
        State::Waiting(reason, _) => match &slot.last {
            Some(ended) => Ok(of(ended)),
            None => Err(Failure::bad_request(waiting(place, &slot.name, reason))),
        },
    }
}

fn stretches(world: &World, facets: Facets<'_>, started: Timestamp, first: Traits) -> Vec<Stretch> {
    let stretch = |from, traits: Traits| Stretch { from, format: world.story.format(&traits.log), traits };
    let mut all = vec![stretch(started, first)];
    for change in world.story.changes().into_iter().filter(|c| *c > started) {
        let traits = world.story.traits(facets, change);
        if all.last().is_some_and(|s| s.traits != traits) {
            all.push(stretch(change, traits));
        }
    }
    all
}

struct Follow {
    server: Arc<Server>,
    changes: tokio::sync::watch::Receiver<u64>,
    place: Place,
    wanted: Wanted,
    tape: Tape,
    /// Lines before this were written.
    until: Timestamp,
    pending: Option<Bytes>,
    over: bool,
}

impl Follow {
    async fn next(&mut self) -> Option<Bytes> {
        if let Some(first) = self.pending.take().filter(|b| !b.is_empty()) {
            return Some(first);
        }
        while !self.over {
            let cluster = self.server.cluster.clone();
            tokio::select! {
                () = cluster.stop.cancelled() => return None,
                () = cluster.sleep(BEAT, &mut self.changes) => {}
            }
            let now = cluster.now();
            let fresh = cluster.with(|world| tape(world, &self.place, &mut self.wanted));
            match fresh {
                // The same run, perhaps ended by now, perhaps behaving differently.
                Ok(Some(fresh)) if fresh.seed == self.tape.seed => self.tape = fresh,
                // Another run, or no pod: what was left of this one has been written.
                _ => self.over = true,
            }
            self.over |= self.tape.finished.is_some_and(|f| f < now);
            let lines = self.tape.between(self.until, now);
            self.until = now;
            if !lines.is_empty() {
                return Some(Bytes::from(text(&lines, self.wanted.timestamps)));
            }
        }
        None
    }
}
