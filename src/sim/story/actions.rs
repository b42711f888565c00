//! What the steps of a story do.
//!
//! Owns how somebody outside the simulation changes the cluster: as a client would, so that controllers notice in the usual way.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::scenario::{Patch, Release, Step, Warning, When};
use super::{Beat, Timed};
use crate::sim::api::kinds::{KINDS, known};
use crate::sim::kubelet;
use crate::sim::recorder::Saying;
use crate::sim::store::Key;
use crate::sim::wire::canon::seconds;
use crate::sim::world::{Task, World};

/// How far the gusts of a storm are apart.
const GUST: Duration = Duration::from_millis(100);

/// Whether a condition holds now.
pub(super) fn holds(world: &World, when: &When) -> bool {
    let Some(entry) = world.store.find(known().deployments, &when.namespace, &when.deployment) else { return false };
    let value = entry.value();
    let (wanted, ready) = (value["spec"]["replicas"].as_i64().unwrap_or(0), value["status"]["readyReplicas"].as_i64().unwrap_or(0));
    when.ready_at_least.is_none_or(|n| ready >= n)
        && when.wanted_at_least.is_none_or(|n| wanted >= n)
        && when.wanted_at_most.is_none_or(|n| wanted <= n)
}

/// Lets a step happen.
pub(super) fn perform(world: &mut World, step: &Step) {
    let now = world.now;
    for timed in &mut world.story.rules {
        if timed.step.as_ref().is_some_and(|id| step.undo.contains(id)) && timed.until > now {
            timed.until = now;
        }
    }
    let fresh = step
        .rule
        .iter()
        .map(|rule| Timed { from: now, until: Timestamp::MAX, step: Some(step.id.clone()), rule: rule.clone() });
    world.story.rules.extend(fresh);
    if !step.rule.is_empty() || !step.undo.is_empty() {
        kubelet::rules_changed(world);
    }
    if let Some(release) = &step.release {
        self::release(world, release);
    }
    if let Some(scale) = &step.scale {
        let key = Key::new(&scale.namespace, &scale.deployment);
        world.edit(known().deployments, &key, |d| d["spec"]["replicas"] = json!(scale.replicas));
    }
    if let Some(patch) = &step.patch {
        self::patch(world, patch);
    }
    if let Some(warning) = &step.warning {
        warn(world, warning);
    }
}

fn release(world: &mut World, release: &Release) {
    let key = Key::new(&release.namespace, &release.deployment);
    world.edit(known().deployments, &key, |d| {
        d["metadata"]["annotations"]["kubernetes.io/change-cause"] = json!(release.cause);
        for container in d["spec"]["template"]["spec"]["containers"].as_array_mut().into_iter().flatten() {
            if container["name"] == release.container.as_str() {
                container["image"] = json!(release.image);
            }
        }
    });
}

fn patch(world: &mut World, patch: &Patch) {
    let Some(res) = KINDS.of(&patch.api_version, &patch.kind) else { return };
    let Ok(body) = serde_json::from_str::<Value>(&with_times(&patch.merge, world.now)) else { return };
    world.edit(res, &Key::new(&patch.namespace, &patch.name), |object| json_patch::merge(object, &body));
}

/// Replaces `{+20d}` and `{-3h}` by times that far from `now`.
pub(crate) fn with_times(text: &str, now: Timestamp) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = [rest.find("{+"), rest.find("{-")].into_iter().flatten().min() {
        let Some(end) = rest[start..].find('}').map(|n| n + start) else { break };
        out.push_str(&rest[..start]);
        let span = days(&rest[start + 2..end]).unwrap_or_default();
        let at = if rest[start..].starts_with("{+") { now.checked_add(span) } else { now.checked_sub(span) };
        out.push_str(&seconds(at.unwrap_or(now)));
        rest = &rest[end + 1..];
    }
    out.push_str(rest);
    out
}

/// `20d`, or any duration that jiff reads.
pub(crate) fn days(text: &str) -> Option<SignedDuration> {
    match text.strip_suffix('d') {
        Some(n) => n.parse().ok().map(|n: i64| SignedDuration::from_hours(24 * n)),
        None => text.parse().ok(),
    }
}

fn warn(world: &mut World, warning: &Warning) {
    let Some(res) = KINDS.of(&warning.api_version, &warning.kind) else { return };
    let Some(object) = world.store.find(res, &warning.namespace, &warning.name).map(|e| e.value()) else { return };
    let message = with_times(&warning.message, world.now);
    world.record(&Saying {
        res,
        object: &object,
        warning: true,
        reason: &warning.reason,
        message,
        component: &warning.component,
        host: "",
        container: None,
    });
}

/// One gust of a storm: as many changes to pods of the filled namespaces as the time since the last one asks for. What a machine
/// cannot do in time is left out and not put off: the debt would only grow.
pub(super) fn gust(world: &mut World) {
    let Some(storm) = world.story.storm else { return };
    let keys: Vec<Key> = world
        .store
        .list(known().pods, None)
        .filter(|e| e.key.namespace.starts_with("load-"))
        .map(|e| e.key.clone())
        .collect();
    let until = world.until;
    let last = world.story.gusted.replace(until).unwrap_or(until);
    let since = Duration::try_from(until.duration_since(last)).unwrap_or_default().min(2 * GUST);
    let changes = if keys.is_empty() { 0 } else { (f64::from(storm.changes) * since.as_secs_f64()).round() as usize };
    for _ in 0..changes {
        let key = keys[world.rng.usize(..keys.len())].clone();
        let now = seconds(world.now);
        world.edit(known().pods, &key, |pod| {
            let status = &mut pod["status"]["containerStatuses"][0];
            let restarts = status["restartCount"].as_u64().unwrap_or(0);
            status["restartCount"] = json!(restarts + 1);
            status["state"] = json!({"running": {"startedAt": now}});
        });
    }
    world.at(until.checked_add(GUST).unwrap_or(until), Task::Story(Beat::Gust));
}

#[cfg(test)]
mod tests {
    use super::with_times;

    #[test]
    fn times_are_written_as_distances_from_now() {
        let now = "2026-11-22T14:33:12Z".parse().expect("a time");
        assert_eq!(with_times("a {+1d} b {-1h} {x}", now), "a 2026-11-23T14:33:12Z b 2026-11-22T13:33:12Z {x}");
    }
}
