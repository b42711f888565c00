//! What runs on the simulated nodes: pods that start, become ready, crash, are killed, and stop.
//!
//! Owns the state of every container between the writes of its pod's status, and the timers that move it on. What a container does
//! is said by its traits. Must not know controllers; the pod's status is the only thing it tells them.

mod lifecycle;
mod status;
pub(crate) mod usage;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use super::api::kinds::known;
use super::behaviour::{Facets, Traits};
use super::errand::Deed;
use super::network;
use super::store::{Change, Happened, Key};
use super::world::{Task, World};
use crate::base::quantity;

pub(crate) use lifecycle::step;

/// All pods that were bound to a node.
#[derive(Debug, Default)]
pub(crate) struct Kubelet {
    pods: HashMap<Arc<str>, PodRun>,
    /// Sums of requests, and numbers of pods, by node.
    loads: HashMap<Arc<str>, (i64, i64, usize)>,
    images: HashSet<(Arc<str>, String)>,
    addresses: HashMap<Arc<str>, usize>,
}

/// One pod on its node.
#[derive(Debug)]
pub(crate) struct PodRun {
    /// Where the pod is in the store.
    pub(crate) key: Key,
    /// On which node.
    pub(crate) node: Arc<str>,
    /// Name of the workload it belongs to.
    pub(crate) workload: Arc<str>,
    /// Its containers that run first, one after the other.
    pub(crate) init: Vec<Slot>,
    /// Its containers.
    pub(crate) main: Vec<Slot>,
    /// CPU in thousandths and memory in bytes that it asked for.
    pub(crate) requests: (i64, i64),
    ip: String,
    scheduled: Timestamp,
    sandbox: Option<Timestamp>,
    initialized: Option<Timestamp>,
    ready: Option<Timestamp>,
    unready: Option<Timestamp>,
    stopping: bool,
    counted: bool,
}

/// One container.
#[derive(Debug)]
pub(crate) struct Slot {
    /// Name.
    pub(crate) name: String,
    /// How it behaves in this run.
    pub(crate) traits: Arc<Traits>,
    /// What it is doing.
    pub(crate) state: State,
    /// Passed its readiness probe.
    pub(crate) ready: bool,
    /// How often it was started again.
    pub(crate) restarts: u32,
    /// How its previous run ended.
    pub(crate) last: Option<Ended>,
    image: String,
    always_pull: bool,
    has_probe: bool,
    probe_delay: Duration,
    probe_period: Duration,
    limit: Option<i64>,
    /// What is different when it has ended by itself.
    deed: Option<Deed>,
    crashes: u32,
    /// Counts runs, so that a timer of an earlier run is known as such.
    run: u32,
}

/// What a container is doing.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum State {
    /// Not running: reason and sentence.
    Waiting(&'static str, String),
    /// Running since.
    Running(Timestamp),
    /// Ended.
    Ended(Ended),
}

/// How a run of a container ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ended {
    /// When it was started.
    pub(crate) started: Timestamp,
    /// When it ended.
    pub(crate) finished: Timestamp,
    /// Exit code.
    pub(crate) code: i32,
    /// `Error`, `OOMKilled`, `Completed`.
    pub(crate) reason: &'static str,
    /// How it behaved.
    pub(crate) traits: Arc<Traits>,
    run: u32,
}

/// Which container of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct SlotId {
    init: bool,
    index: usize,
}

/// Something that happens to a pod at a time.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PodStep {
    uid: Arc<str>,
    slot: Option<(SlotId, u32)>,
    what: What,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum What {
    /// The pod has its network.
    Sandbox,
    /// A container is to be made.
    Begin,
    /// The image is there.
    Pulled,
    /// The image is asked for again.
    PullBackOff,
    /// The process runs.
    Started,
    /// The readiness probe is asked.
    Probe,
    /// Its memory is looked at.
    Check,
    /// It ends by itself.
    End,
    /// It has crashed before and has to wait.
    BackOff,
    /// It is started again.
    Restart,
    /// All containers have stopped as they were asked to.
    Stopped,
    /// The pod goes.
    Gone,
}

impl PodRun {
    fn slot(&mut self, id: SlotId) -> Option<&mut Slot> {
        if id.init { self.init.get_mut(id.index) } else { self.main.get_mut(id.index) }
    }

    /// The container of that name.
    pub(crate) fn container(&self, name: &str) -> Option<&Slot> {
        self.init.iter().chain(&self.main).find(|s| s.name == name)
    }

    /// Whether all its containers have ended and none will be started again.
    fn is_over(&self) -> bool {
        self.main.iter().all(|s| matches!(s.state, State::Ended(_)) && s.last.is_none())
    }

    /// The pod's address; empty before it has one.
    pub(crate) fn ip(&self) -> &str {
        &self.ip
    }
}

impl Slot {
    /// Its image.
    pub(crate) fn image(&self) -> &str {
        &self.image
    }
}

impl Kubelet {
    /// The pod with that identity.
    pub(crate) fn pod(&self, uid: &str) -> Option<&PodRun> {
        self.pods.get(uid)
    }

    /// All pods, in no order.
    pub(crate) fn pods(&self) -> impl Iterator<Item = &PodRun> {
        self.pods.values()
    }

    /// Whether a ready pod of that workload runs.
    pub(crate) fn serves(&self, namespace: &str, workload: &str) -> bool {
        let own = self.pods.values().filter(|p| *p.key.namespace == *namespace && *p.workload == *workload);
        own.into_iter().any(|p| !p.stopping && p.main.iter().all(|s| s.ready))
    }

    /// The tag by which an image is known that is named by its digest: one of those that were pulled.
    pub(crate) fn named(&self, image: &str) -> String {
        let mut pulled = self.images.iter().map(|(_, name)| name).filter(|name| !name.contains('@'));
        let known = if image.contains('@') { pulled.find(|name| status::image_id(name) == image) } else { None };
        known.map_or(image, String::as_str).to_owned()
    }

    /// Sums of requests, and the number of pods, on a node. Pods that have ended do not count.
    pub(crate) fn load(&self, node: &str) -> (i64, i64, usize) {
        self.loads.get(node).copied().unwrap_or_default()
    }

    fn insert(&mut self, uid: Arc<str>, mut run: PodRun) {
        run.counted = !run.is_over();
        if run.counted {
            self.count(&run.node.clone(), run.requests, 1);
        }
        self.pods.insert(uid, run);
    }

    fn remove(&mut self, uid: &str) {
        if let Some(run) = self.pods.remove(uid).filter(|r| r.counted) {
            self.count(&run.node, run.requests, -1);
        }
    }

    /// A pod that has ended leaves its room to others.
    fn settle(&mut self, uid: &str) {
        if let Some(run) = self.pods.get_mut(uid).filter(|r| r.counted && r.is_over()) {
            run.counted = false;
            let (node, requests) = (run.node.clone(), run.requests);
            self.count(&node, requests, -1);
        }
    }

    fn count(&mut self, node: &Arc<str>, (cpu, memory): (i64, i64), sign: i64) {
        let load = self.loads.entry(node.clone()).or_default();
        *load = (load.0 + sign * cpu, load.1 + sign * memory, load.2.saturating_add_signed(sign as isize));
    }

    fn address(&mut self, node: &Arc<str>) -> String {
        let nodes = self.addresses.len();
        let index = self.addresses.keys().position(|n| n == node).unwrap_or(nodes);
        let number: usize = node.rsplit('-').next().and_then(|n| n.parse().ok()).unwrap_or(index);
        let next = self.addresses.entry(node.clone()).or_default();
        *next += 1;
        network::pod(number, *next)
    }
}

/// Looks at a change of a pod: a new one on a node is started, one that is to go is stopped.
pub(crate) fn react(world: &mut World, change: &Change) {
    let pods = known().pods;
    if change.now.res != pods {
        return;
    }
    let uid = change.now.uid.clone();
    if change.happened == Happened::Deleted {
        world.kubelet.remove(&uid);
        return;
    }
    match world.kubelet.pods.get(&uid).map(|p| p.stopping) {
        None if !change.now.deleting => {
            let pod = change.now.value();
            if pod["spec"]["nodeName"].is_string() && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed")) {
                lifecycle::admit(world, &uid, &pod);
            }
        }
        Some(false) if change.now.deleting => lifecycle::stop(world, &uid),
        _ => {}
    }
}

/// Puts a pod on its node as if it had been running since `since`; answers its status. For clusters that are there from the start.
pub(crate) fn settled(world: &mut World, pod: &Value, since: Timestamp) -> Value {
    let uid: Arc<str> = pod["metadata"]["uid"].as_str().unwrap_or_default().into();
    let mut run = pod_run(world, pod);
    run.ip = world.kubelet.address(&run.node.clone());
    (run.scheduled, run.sandbox, run.initialized, run.ready) = (since, Some(since), Some(since), Some(since));
    for slot in &mut run.init {
        let ended = Ended { started: since, finished: since, code: 0, reason: "Completed", traits: slot.traits.clone(), run: 0 };
        slot.state = State::Ended(ended);
        slot.ready = true;
    }
    for slot in &mut run.main {
        slot.state = State::Running(since);
        slot.ready = true;
        world.kubelet.images.insert((run.node.clone(), slot.image.clone()));
    }
    let status = status::of(pod, &run);
    for index in 0..run.main.len() {
        lifecycle::watch_memory(world, &uid, SlotId { init: false, index }, &run.main[index]);
    }
    world.kubelet.insert(uid, run);
    status
}

/// The status of a pod that ran and succeeded in the past.
pub(crate) fn completed(world: &mut World, pod: &Value, started: Timestamp, finished: Timestamp) -> Value {
    let mut run = pod_run(world, pod);
    run.ip = world.kubelet.address(&run.node.clone());
    (run.scheduled, run.sandbox, run.initialized, run.unready) = (started, Some(started), Some(started), Some(finished));
    for slot in run.init.iter_mut().chain(&mut run.main) {
        slot.run = 1;
        slot.state = State::Ended(Ended { started, finished, code: 0, reason: "Completed", traits: slot.traits.clone(), run: 1 });
    }
    let status = status::of(pod, &run);
    world.kubelet.insert(pod["metadata"]["uid"].as_str().unwrap_or_default().into(), run);
    status
}

/// Looks again at what the rules say about running containers, after they changed.
pub(crate) fn rules_changed(world: &mut World) {
    let mut uids: Vec<Arc<str>> = world.kubelet.pods.keys().cloned().collect();
    uids.sort();
    for uid in uids {
        lifecycle::reconsider(world, &uid);
    }
}

/// The workload a pod belongs to, by its owner's name.
pub(crate) fn workload_of(pod: &Value) -> String {
    let name = pod["metadata"]["name"].as_str().unwrap_or_default();
    let Some(owner) = pod["metadata"]["ownerReferences"].as_array().and_then(|o| o.first()) else { return name.to_owned() };
    let owner_name = owner["name"].as_str().unwrap_or_default();
    match owner["kind"].as_str() {
        Some("ReplicaSet") => owner_name.rsplit_once('-').map_or(owner_name, |(n, _)| n).to_owned(),
        // A Job of a CronJob is named after it and the minute of its schedule.
        Some("Job") => match owner_name.rsplit_once('-') {
            Some((n, minute)) if minute.len() >= 8 && minute.bytes().all(|b| b.is_ascii_digit()) => n.to_owned(),
            _ => owner_name.to_owned(),
        },
        _ => owner_name.to_owned(),
    }
}

fn pod_run(world: &World, pod: &Value) -> PodRun {
    let metadata = &pod["metadata"];
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let key = Key::new(&text(&metadata["namespace"]), &text(&metadata["name"]));
    let (workload, node) = (workload_of(pod), text(&pod["spec"]["nodeName"]));
    let slots = |list: &str| -> Vec<Slot> {
        let containers = pod["spec"][list].as_array().into_iter().flatten();
        containers.map(|c| slot(world, c, &key.namespace, &workload, &node)).collect()
    };
    let (init, main) = (slots("initContainers"), slots("containers"));
    PodRun {
        requests: requests(&pod["spec"]),
        workload: workload.into(),
        node: node.into(),
        init,
        main,
        key,
        ip: String::new(),
        scheduled: world.now,
        sandbox: None,
        initialized: None,
        ready: None,
        unready: None,
        stopping: false,
        counted: false,
    }
}

fn slot(world: &World, container: &Value, namespace: &str, workload: &str, node: &str) -> Slot {
    let text = |v: &Value| v.as_str().unwrap_or_default().to_owned();
    let (name, image) = (text(&container["name"]), text(&container["image"]));
    let facets = Facets { namespace, workload, container: &name, image: &image, node };
    let traits = Arc::new(world.story.traits(facets, world.now));
    let probe = &container["readinessProbe"];
    let whole_seconds = |v: &Value, otherwise| Duration::from_secs(v.as_u64().unwrap_or(otherwise));
    Slot {
        traits,
        state: State::Waiting("ContainerCreating", String::new()),
        ready: false,
        restarts: 0,
        last: None,
        always_pull: container["imagePullPolicy"] == "Always",
        has_probe: probe.is_object(),
        probe_delay: whole_seconds(&probe["initialDelaySeconds"], 0),
        probe_period: whole_seconds(&probe["periodSeconds"], 10),
        limit: container["resources"]["limits"]["memory"].as_str().and_then(quantity::whole),
        deed: None,
        crashes: 0,
        run: 0,
        name,
        image,
    }
}

/// CPU in thousandths and memory in bytes that a pod asks for.
pub(crate) fn requests(spec: &Value) -> (i64, i64) {
    let sum = |resource: &str, read: fn(&str) -> Option<i64>| -> i64 {
        let of = |c: &Value| c["resources"]["requests"][resource].as_str().and_then(read).unwrap_or(0);
        let main: i64 = spec["containers"].as_array().into_iter().flatten().map(of).sum();
        let init = spec["initContainers"].as_array().into_iter().flatten().map(of).max().unwrap_or(0);
        main.max(init)
    };
    (sum("cpu", quantity::milli), sum("memory", quantity::whole))
}

impl World {
    fn later(&mut self, life: Duration, uid: &Arc<str>, slot: Option<(SlotId, u32)>, what: What) {
        self.after(life, Task::Pod(PodStep { uid: uid.clone(), slot, what }));
    }
}
