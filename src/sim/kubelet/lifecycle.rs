//! The life of a pod on its node, step by step.
//!
//! Owns the order in which a kubelet does things and what it says about them in Events.

use std::sync::Arc;
use std::time::Duration;

use jiff::SignedDuration;
use serde_json::Value;

use super::status;
use super::usage;
use super::{Ended, PodStep, Slot, SlotId, State, What, pod_run};
use crate::sim::api::kinds::known;
use crate::sim::behaviour::{Facets, Traits};
use crate::sim::errand::Asked;
use crate::sim::recorder::Saying;
use crate::sim::world::World;

const MS: fn(u64) -> Duration = Duration::from_millis;
/// How often memory is looked at.
const CHECK: Duration = Duration::from_secs(5);
/// A container that ran this long starts its back-off anew.
const STABLE: Duration = Duration::from_mins(10);

/// A pod arrives on its node.
pub(super) fn admit(world: &mut World, uid: &Arc<str>, pod: &Value) {
    let run = pod_run(world, pod);
    world.kubelet.insert(uid.clone(), run);
    write(world, uid);
    let delay = MS(150 + world.rng.u64(..350));
    world.later(delay, uid, None, What::Sandbox);
}

/// A pod is to go: its containers are asked to stop.
pub(super) fn stop(world: &mut World, uid: &Arc<str>) {
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    run.stopping = true;
    let key = run.key.clone();
    let running: Vec<(String, Duration)> = run
        .main
        .iter()
        .filter(|s| matches!(s.state, State::Running(_)))
        .map(|s| (s.name.clone(), s.traits.stop.unsigned_abs()))
        .collect();
    let Some(pod) = world.store.get(known().pods, &key).map(|e| e.value()) else { return };
    for (name, _) in &running {
        say(world, uid, &pod, Some(name), false, "Killing", format!("Stopping container {name}"));
    }
    let grace = Duration::from_secs(pod["metadata"]["deletionGracePeriodSeconds"].as_u64().unwrap_or(30));
    let longest = running.iter().map(|(_, stop)| *stop).max().unwrap_or(MS(50));
    world.later(longest.min(grace), uid, None, What::Stopped);
}

/// Something is due for a pod.
pub(crate) fn step(world: &mut World, step: &PodStep) {
    let uid = &step.uid;
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    let stopping = run.stopping;
    match (step.what, step.slot) {
        (What::Stopped, _) => stopped(world, uid),
        (What::Gone, _) => {
            let key = run.key.clone();
            world.remove(known().pods, &key);
        }
        _ if stopping => {}
        (What::Sandbox, _) if run.sandbox.is_none() => sandbox(world, uid),
        (what, Some((id, number))) if run.slot(id).is_some_and(|s| s.run == number) => {
            slot_step(world, uid, id, what);
        }
        _ => {}
    }
}

fn slot_step(world: &mut World, uid: &Arc<str>, id: SlotId, what: What) {
    match what {
        What::Begin | What::Restart => begin(world, uid, id, what == What::Restart),
        What::Pulled => pulled(world, uid, id),
        What::PullBackOff => pull_back_off(world, uid, id),
        What::Started => started(world, uid, id),
        What::Probe => probe(world, uid, id),
        What::Check => check_memory(world, uid, id),
        What::End => {
            let code = slot(world, uid, id).map_or(0, |s| s.traits.exit);
            if let Some(deed) = slot(world, uid, id).and_then(|s| s.deed.take()) {
                let now = world.now;
                world.errands.done(deed, now);
            }
            end(world, uid, id, code, if code == 0 { "Completed" } else { "Error" });
        }
        What::BackOff => back_off(world, uid, id),
        What::Sandbox | What::Stopped | What::Gone => {}
    }
}

fn slot<'a>(world: &'a mut World, uid: &Arc<str>, id: SlotId) -> Option<&'a mut Slot> {
    world.kubelet.pods.get_mut(uid)?.slot(id)
}

fn pod_value(world: &World, uid: &Arc<str>) -> Option<Value> {
    let key = &world.kubelet.pods.get(uid)?.key;
    world.store.get(known().pods, key).filter(|e| e.uid == *uid).map(|e| e.value())
}

/// Writes the pod's status, when it is another one than before.
fn write(world: &mut World, uid: &Arc<str>) {
    let now = world.now;
    world.kubelet.settle(uid);
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    let ready = run.initialized.is_some() && run.main.iter().all(|s| s.ready);
    if ready && run.ready.is_none() {
        (run.ready, run.unready) = (Some(now), None);
    } else if !ready && run.unready.is_none() {
        (run.ready, run.unready) = (None, Some(now));
    }
    let run = &world.kubelet.pods[uid];
    let Some(entry) = world.store.get(known().pods, &run.key).filter(|e| e.uid == *uid).cloned() else { return };
    let mut pod = entry.value();
    let fresh = status::of(&pod, run);
    if pod["status"] != fresh {
        pod["status"] = fresh;
        world.put(known().pods, pod);
    }
}

fn say(world: &mut World, uid: &Arc<str>, pod: &Value, container: Option<&str>, warning: bool, reason: &'static str, message: String) {
    let Some(run) = world.kubelet.pods.get(uid) else { return };
    let host = run.node.clone();
    let list = if run.init.iter().any(|s| Some(s.name.as_str()) == container) { "initContainers" } else { "containers" };
    let container = container.map(|c| (c, list));
    world.record(&Saying { res: known().pods, object: pod, warning, reason, message, component: "kubelet", host: &host, container });
}

fn say_of(world: &mut World, uid: &Arc<str>, id: SlotId, warning: bool, reason: &'static str, message: String) {
    let Some(pod) = pod_value(world, uid) else { return };
    let Some(name) = slot(world, uid, id).map(|s| s.name.clone()) else { return };
    say(world, uid, &pod, Some(&name), warning, reason, message);
}

fn sandbox(world: &mut World, uid: &Arc<str>) {
    let now = world.now;
    let Some(node) = world.kubelet.pods.get(uid).map(|r| r.node.clone()) else { return };
    let ip = world.kubelet.address(&node);
    if let Some(run) = world.kubelet.pods.get_mut(uid) {
        run.ip = ip;
        run.sandbox = Some(now);
    }
    next(world, uid);
}

/// Goes on with the first init container that is not done, or with all others.
fn next(world: &mut World, uid: &Arc<str>) {
    let now = world.now;
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    if let Some(index) = run.init.iter().position(|s| !s.ready) {
        let number = run.init[index].run;
        write(world, uid);
        world.later(MS(20), uid, Some((SlotId { init: true, index }, number)), What::Begin);
        return;
    }
    run.initialized = Some(now);
    let numbers: Vec<u32> = run.main.iter().map(|s| s.run).collect();
    write(world, uid);
    for (index, number) in numbers.into_iter().enumerate() {
        world.later(MS(20 + 60 * index as u64), uid, Some((SlotId { init: false, index }, number)), What::Begin);
    }
}

/// A container is made: its configuration is there? its image?
fn begin(world: &mut World, uid: &Arc<str>, id: SlotId, again: bool) {
    let Some(pod) = pod_value(world, uid) else { return };
    let traits = traits(world, uid, id);
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    let (node, namespace) = (run.node.clone(), run.key.namespace.clone());
    let Some(slot) = run.slot(id) else { return };
    if again {
        slot.restarts += 1;
    }
    slot.traits = traits.clone();
    let (image, name, number) = (slot.image.clone(), slot.name.clone(), slot.run);
    let here = world.kubelet.images.contains(&(node, image.clone())) && !slot_pulls_always(world, uid, id);
    if let Some(missing) = missing_reference(world, &namespace, &pod, &name) {
        set_waiting(world, uid, id, "CreateContainerConfigError", missing.clone());
        say_of(world, uid, id, true, "Failed", format!("Error: {missing}"));
        world.later(Duration::from_secs(10), uid, Some((id, number)), What::Begin);
    } else if !traits.pull_error.is_empty() {
        pull_failed(world, uid, id, &image, &traits.pull_error);
    } else if here {
        say_of(
            world,
            uid,
            id,
            false,
            "Pulled",
            format!("Container image \"{image}\" already present on machine and can be accessed by the pod"),
        );
        world.later(MS(90), uid, Some((id, number)), What::Started);
    } else {
        say_of(world, uid, id, false, "Pulling", format!("Pulling image \"{image}\""));
        world.later(traits.pull.unsigned_abs(), uid, Some((id, number)), What::Pulled);
    }
}

fn slot_pulls_always(world: &mut World, uid: &Arc<str>, id: SlotId) -> bool {
    slot(world, uid, id).is_some_and(|s| s.always_pull)
}

fn traits(world: &World, uid: &Arc<str>, id: SlotId) -> Arc<Traits> {
    let Some(run) = world.kubelet.pods.get(uid) else { return Arc::default() };
    let Some(slot) = (if id.init { run.init.get(id.index) } else { run.main.get(id.index) }) else { return Arc::default() };
    let facets = Facets {
        namespace: &run.key.namespace,
        workload: &run.workload,
        container: &slot.name,
        image: &slot.image,
        node: &run.node,
    };
    let fresh = world.story.traits(facets, world.now);
    if fresh == *slot.traits { slot.traits.clone() } else { Arc::new(fresh) }
}

/// The first Secret or ConfigMap that the container's environment needs and that is not there.
fn missing_reference(world: &World, namespace: &str, pod: &Value, container: &str) -> Option<String> {
    let spec = &pod["spec"];
    let lists = [&spec["initContainers"], &spec["containers"]];
    let container = lists.iter().filter_map(|l| l.as_array()).flatten().find(|c| c["name"] == container)?;
    let whole = container["envFrom"].as_array().into_iter().flatten();
    let whole = whole.flat_map(|e| [(&e["secretRef"], false), (&e["configMapRef"], true)]);
    let single = container["env"].as_array().into_iter().flatten().map(|e| &e["valueFrom"]);
    let single = single.flat_map(|v| [(&v["secretKeyRef"], false), (&v["configMapKeyRef"], true)]);
    for (reference, map) in whole.chain(single) {
        let Some(name) = reference["name"].as_str().filter(|_| reference["optional"] != true) else { continue };
        let (res, word) = if map { (known().configmaps, "configmap") } else { (known().secrets, "secret") };
        let Some(entry) = world.store.find(res, namespace, name) else { return Some(format!("{word} \"{name}\" not found")) };
        if let Some(key) = reference["key"].as_str() {
            let content = entry.value();
            if content["data"].get(key).is_none() && content["binaryData"].get(key).is_none() {
                let kind = if map { "ConfigMap" } else { "Secret" };
                return Some(format!("couldn't find key {key} in {kind} {namespace}/{name}"));
            }
        }
    }
    None
}

fn set_waiting(world: &mut World, uid: &Arc<str>, id: SlotId, reason: &'static str, message: String) {
    if let Some(slot) = slot(world, uid, id) {
        slot.state = State::Waiting(reason, message);
    }
    write(world, uid);
}

fn pull_failed(world: &mut World, uid: &Arc<str>, id: SlotId, image: &str, why: &str) {
    let sentence = format!("failed to pull and unpack image \"{image}\": {why}");
    say_of(world, uid, id, false, "Pulling", format!("Pulling image \"{image}\""));
    say_of(world, uid, id, true, "Failed", format!("Failed to pull image \"{image}\": {sentence}"));
    say_of(world, uid, id, true, "Failed", "Error: ErrImagePull".to_owned());
    set_waiting(world, uid, id, "ErrImagePull", sentence);
    let number = slot(world, uid, id).map_or(0, |s| s.run);
    world.later(Duration::from_secs(4), uid, Some((id, number)), What::PullBackOff);
}

fn pull_back_off(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let Some(slot) = slot(world, uid, id) else { return };
    slot.crashes += 1;
    let (image, number, wait) = (slot.image.clone(), slot.run, wait_of(slot.crashes));
    let why = match &slot.state {
        State::Waiting(_, why) => why.clone(),
        _ => String::new(),
    };
    say_of(world, uid, id, false, "BackOff", format!("Back-off pulling image \"{image}\""));
    say_of(world, uid, id, true, "Failed", "Error: ImagePullBackOff".to_owned());
    set_waiting(world, uid, id, "ImagePullBackOff", format!("Back-off pulling image \"{image}\": ErrImagePull: {why}"));
    world.later(wait, uid, Some((id, number)), What::Begin);
}

/// 10 s, doubled with every crash, 5 minutes at most.
fn wait_of(crashes: u32) -> Duration {
    Duration::from_secs((10u64 << crashes.saturating_sub(1).min(5)).min(300))
}

fn pulled(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    let node = run.node.clone();
    let Some(slot) = run.slot(id) else { return };
    let (image, number, took) = (slot.image.clone(), slot.run, slot.traits.pull);
    let size = 40_000_000 + image.bytes().fold(7u64, |a, b| a.wrapping_mul(31) + u64::from(b)) % 160_000_000;
    let took = format!("{:.3}s", took.as_secs_f64());
    let sentence = format!("Successfully pulled image \"{image}\" in {took} ({took} including waiting). Image size: {size} bytes.");
    say_of(world, uid, id, false, "Pulled", sentence);
    world.kubelet.images.insert((node, image));
    world.later(MS(90), uid, Some((id, number)), What::Started);
}

fn started(world: &mut World, uid: &Arc<str>, id: SlotId) {
    say_of(world, uid, id, false, "Created", "Container created".to_owned());
    say_of(world, uid, id, false, "Started", "Container started".to_owned());
    take_from_pool(world, uid, id);
    run_errand(world, uid, id);
    let now = world.now;
    let Some(slot) = slot(world, uid, id) else { return };
    slot.state = State::Running(now);
    slot.run += 1;
    let (number, run_for) = (slot.run, slot.traits.run.map(SignedDuration::unsigned_abs));
    let probe = slot.has_probe || !slot.traits.unready.is_empty() || slot.traits.ready.is_some();
    slot.ready = !id.init && !probe;
    let delay = slot.traits.ready.map_or(slot.probe_delay + slot.probe_period / 2, SignedDuration::unsigned_abs);
    if probe && !id.init {
        world.later(delay, uid, Some((id, number)), What::Probe);
    }
    // An init container that no rule describes does its work in a moment.
    let run_for = run_for.or_else(|| id.init.then_some(MS(1_200)));
    if let Some(run_for) = run_for {
        world.later(run_for, uid, Some((id, number)), What::End);
    }
    if let Some(run) = world.kubelet.pods.remove(uid) {
        if let Some(slot) = run.main.get(id.index).filter(|_| !id.init) {
            watch_memory(world, uid, id, slot);
        }
        world.kubelet.pods.insert(uid.clone(), run);
    }
    write(world, uid);
}

/// Lets the memory of a container be looked at, when it can run out of it.
pub(super) fn watch_memory(world: &mut World, uid: &Arc<str>, id: SlotId, slot: &Slot) {
    if slot.limit.is_some() && (slot.traits.memory_growth > 0 || slot.traits.memory_shared > 0) {
        world.later(CHECK, uid, Some((id, slot.run)), What::Check);
    }
}

/// A container that finds the pool empty ends soon after it started.
fn take_from_pool(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let Some(slot) = slot(world, uid, id) else { return };
    let (pool, wanted) = (slot.traits.pool.clone(), slot.traits.connections);
    let taken = world.kubelet.taken(&pool);
    let Some(pool) = world.story.pools.iter().find(|p| p.name == pool).cloned() else { return };
    if taken + wanted > pool.max
        && let Some(slot) = self::slot(world, uid, id)
    {
        let mut traits = (*slot.traits).clone();
        traits.run = Some(SignedDuration::from_secs(3));
        traits.exit = 1;
        traits.last_words = pool.refusal;
        traits.unready = String::from("Get \"/health\": dial tcp: connect: connection refused");
        slot.traits = Arc::new(traits);
    }
}

/// A container that has an errand plays it from here on.
fn run_errand(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let Some(pod) = pod_value(world, uid) else { return };
    let list = if id.init { "initContainers" } else { "containers" };
    let Some(namespace) = world.kubelet.pods.get(uid).map(|r| r.key.namespace.clone()) else { return };
    let container = &pod["spec"][list][id.index];
    let image = world.kubelet.named(container["image"].as_str().unwrap_or_default());
    let asked = Asked::of(&namespace, &pod, container, &image);
    let up = world.errands.server(&asked).is_none_or(|(place, workload)| world.kubelet.serves(place, workload));
    let Some(play) = world.errands.play(&asked, up) else { return };
    let signed = |life| SignedDuration::try_from(life).unwrap_or_default();
    let played = play.lines.into_iter().map(|(after, text)| (signed(world.scaled(after)), text)).collect();
    let Some(slot) = slot(world, uid, id) else { return };
    let mut traits = (*slot.traits).clone();
    (traits.run, traits.exit, traits.message, traits.played) = (Some(signed(play.run)), play.exit, play.message, played);
    (traits.boot, traits.last_words) = (Vec::new(), Vec::new());
    slot.traits = Arc::new(traits);
    slot.deed = play.deed;
}

fn probe(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let Some(slot) = slot(world, uid, id) else { return };
    let (why, number, period) = (slot.traits.unready.clone(), slot.run, slot.probe_period);
    slot.ready = why.is_empty();
    if !why.is_empty() {
        say_of(world, uid, id, true, "Unhealthy", format!("Readiness probe failed: {why}"));
        world.later(period, uid, Some((id, number)), What::Probe);
    }
    write(world, uid);
}

fn check_memory(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let siblings = world.kubelet.siblings();
    let (now, speed) = (world.now, world.speed);
    let Some(run) = world.kubelet.pods.get(uid) else { return };
    let Some(slot) = run.main.get(id.index) else { return };
    let full = usage::of(run, slot, &siblings, now, speed).is_some_and(|(_, used)| slot.limit.is_some_and(|l| used >= l));
    let number = slot.run;
    if full {
        end(world, uid, id, 137, "OOMKilled");
    } else {
        world.later(CHECK, uid, Some((id, number)), What::Check);
    }
}

/// A container has ended by itself, or was killed for its memory.
fn end(world: &mut World, uid: &Arc<str>, id: SlotId, code: i32, reason: &'static str) {
    let Some(pod) = pod_value(world, uid) else { return };
    let (now, stable) = (world.now, world.scaled(STABLE));
    let Some(slot) = slot(world, uid, id) else { return };
    let State::Running(since) = slot.state else { return };
    let ended = Ended { started: since, finished: now, code, reason, traits: slot.traits.clone(), run: slot.run };
    slot.state = State::Ended(ended.clone());
    slot.ready = id.init && code == 0;
    let comes_back = match pod["spec"]["restartPolicy"].as_str() {
        Some("Never") => false,
        Some("OnFailure") => code != 0,
        _ => !(id.init && code == 0),
    };
    if comes_back {
        slot.last = Some(ended);
        if Duration::try_from(now.duration_since(since)).unwrap_or_default() > stable {
            slot.crashes = 0;
        }
        slot.crashes += 1;
        let (first, number) = (slot.crashes == 1, slot.run);
        world.later(MS(800), uid, Some((id, number)), if first { What::Restart } else { What::BackOff });
    }
    write(world, uid);
    if id.init && code == 0 {
        next(world, uid);
    }
}

fn back_off(world: &mut World, uid: &Arc<str>, id: SlotId) {
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    let place = format!("{}_{}({uid})", run.key.name, run.key.namespace);
    let Some(slot) = run.slot(id) else { return };
    let wait = wait_of(slot.crashes - 1);
    let (name, number) = (slot.name.clone(), slot.run);
    say_of(world, uid, id, true, "BackOff", format!("Back-off restarting failed container {name} in pod {place}"));
    let spoken = if wait.as_secs() >= 60 { format!("{}m{}s", wait.as_secs() / 60, wait.as_secs() % 60) } else { format!("{}s", wait.as_secs()) };
    let sentence = format!("back-off {spoken} restarting failed container={name} pod={place}");
    set_waiting(world, uid, id, "CrashLoopBackOff", sentence);
    world.later(wait, uid, Some((id, number)), What::Restart);
}

fn stopped(world: &mut World, uid: &Arc<str>) {
    let now = world.now;
    let Some(run) = world.kubelet.pods.get_mut(uid) else { return };
    for slot in run.init.iter_mut().chain(&mut run.main) {
        if let State::Running(started) = slot.state {
            slot.state = State::Ended(Ended { started, finished: now, code: 0, reason: "Completed", traits: slot.traits.clone(), run: slot.run });
        }
        slot.ready = false;
    }
    write(world, uid);
    world.later(MS(60), uid, None, What::Gone);
}

/// The rules changed: a running container may become ready or cease to be, and its numbers may be others.
pub(super) fn reconsider(world: &mut World, uid: &Arc<str>) {
    let Some(count) = world.kubelet.pods.get(uid).filter(|r| !r.stopping).map(|r| r.main.len()) else { return };
    for index in 0..count {
        let id = SlotId { init: false, index };
        let fresh = traits(world, uid, id);
        let Some(slot) = slot(world, uid, id) else { continue };
        // What an errand does is said when it begins.
        let has_errand = !slot.traits.played.is_empty();
        if has_errand || fresh == slot.traits || !matches!(slot.state, State::Running(_)) {
            continue;
        }
        let (old, number) = (std::mem::replace(&mut slot.traits, fresh.clone()), slot.run);
        if fresh.unready != old.unready {
            world.later(MS(500), uid, Some((id, number)), What::Probe);
        }
        if let (Some(run_for), true) = (fresh.run, fresh.run != old.run) {
            world.later(run_for.unsigned_abs(), uid, Some((id, number)), What::End);
        }
        if old.memory_growth + old.memory_shared == 0 && fresh.memory_growth + fresh.memory_shared > 0 {
            world.later(CHECK, uid, Some((id, number)), What::Check);
        }
    }
}
