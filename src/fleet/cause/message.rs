//! What Kubernetes' long messages boil down to.
//!
//! Owns the shortening for a row; the full message stays in the reason chain.

/// What remains of an image pull error: the last thing that was said, which is the registry's or the resolver's answer.
///
/// `… failed to resolve reference "docker.io/x:1": docker.io/x:1: not found` -> `not found`;
/// `… unexpected status from HEAD request to https://…: 401 Unauthorized` -> `401 Unauthorized`.
pub(crate) fn pull(message: &str) -> Option<&str> {
    if message.ends_with("is not present with pull policy of Never") {
        return Some("not on the node, and never pulled");
    }
    let last = message.rsplit(": ").next()?.trim().trim_end_matches('.');
    // "Back-off pulling image …" says only that it failed before.
    (!last.is_empty() && !last.starts_with("Back-off pulling image") && !last.starts_with('"')).then_some(last)
}

/// The scheduler's message without its thoughts on claims and preemption: `0/3 nodes are available: 3 Insufficient cpu`.
pub(crate) fn scheduling(message: &str) -> &str {
    let sentence = message.find("available: ").map_or(0, |at| at + "available: ".len());
    let end = message[sentence..].find(". ").map(|at| sentence + at).or_else(|| message.find("preemption:"));
    message[..end.unwrap_or(message.len())].trim_end_matches(['.', ',', ' '])
}

/// A container that could not be made or started: what the runtime said last, from the command on where it names it.
pub(crate) fn runtime(message: &str) -> &str {
    let message = message.strip_suffix(": unknown").unwrap_or(message);
    match message.find("exec: ") {
        Some(at) => &message[at..],
        None => message.rsplit(": ").next().filter(|last| last.len() > 8).unwrap_or(message),
    }
}

/// Whether the scheduler waits for a volume.
pub(crate) fn waits_for_volume(message: &str) -> bool {
    let message = message.to_lowercase();
    message.contains("persistentvolumeclaim") || message.contains("persistent volume") || message.contains("volume node affinity")
}

/// A probe's failure: which probe, and what it got. `Readiness probe failed: HTTP probe failed with statuscode: 503` ->
/// (`readiness`, `HTTP 503`).
pub(crate) fn probe(message: &str) -> Option<(&'static str, String)> {
    let (word, rest) = [("readiness", "Readiness probe "), ("liveness", "Liveness probe "), ("startup", "Startup probe ")]
        .iter()
        .find_map(|(word, prefix)| Some((*word, message.strip_prefix(prefix)?)))?;
    let got = rest.strip_prefix("failed: ").or_else(|| rest.strip_prefix("errored: ")).unwrap_or(rest);
    let got = match got.strip_prefix("HTTP probe failed with statuscode: ") {
        Some(status) => format!("HTTP {}", status.trim()),
        None if got.contains("connection refused") => "connection refused".into(),
        None if got.contains("context deadline exceeded") || got.contains("Client.Timeout") || got.contains("timed out") => "timeout".into(),
        None => first_words(got, 60),
    };
    Some((word, got))
}

/// A quota or admission refusal without the object's generated name:
/// `pods "web-7d9-x" is forbidden: exceeded quota: q, requested: …` -> `exceeded quota: q, requested: …`.
pub(crate) fn refusal(message: &str) -> &str {
    message.split_once(" is forbidden: ").map_or(message, |(_, rest)| rest)
}

/// A mount failure: the last thing that was said: `secret "tls" not found`.
pub(crate) fn mount(message: &str) -> &str {
    message.rsplit(" : ").next().unwrap_or(message).trim()
}

/// At most `max` characters, cut at a word where there is one.
pub(crate) fn first_words(text: &str, max: usize) -> String {
    let text = text.trim();
    if text.chars().count() <= max {
        return text.to_owned();
    }
    let cut: String = text.chars().take(max - 1).collect();
    let end = cut.rfind(' ').filter(|at| *at > max / 2).unwrap_or(cut.len());
    format!("{}…", &cut[..end])
}

#[cfg(test)]
mod tests {
    use super::{first_words, mount, probe, pull, refusal, runtime, scheduling, waits_for_volume};

    #[test]
    fn pull_errors_end_in_the_registrys_answer() {
        for (message, expected) in [
            (
                "failed to pull and unpack image \"docker.io/library/nope:1\": failed to resolve reference \"docker.io/library/nope:1\": docker.io/library/nope:1: not found",
                Some("not found"),
            ),
            (
                "failed to authorize: failed to fetch anonymous token: unexpected status from GET request to https://x/token: 401 Unauthorized",
                Some("401 Unauthorized"),
            ),
            ("dial tcp: lookup registry.internal on 10.96.0.10:53: no such host", Some("no such host")),
            ("Back-off pulling image \"docker.io/library/nope:1\"", None),
            ("Back-off pulling image \"x:1\": ErrImagePull: x:1: not found", Some("not found")),
            (
                "Container image \"docker.io/lab/app:nope\" is not present with pull policy of Never",
                Some("not on the node, and never pulled"),
            ),
            ("", None),
        ] {
            assert_eq!(pull(message), expected, "{message}");
        }
    }

    #[test]
    fn the_scheduler_is_quoted_without_its_thoughts_on_preemption() {
        let message = "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu. preemption: 0/3 nodes are available: 3 No preemption victims found for incoming pod.";
        assert_eq!(scheduling(message), "0/3 nodes are available: 1 node(s) had untolerated taint {a: b}, 2 Insufficient cpu");
        let claims = "0/1 nodes are available: 1 Insufficient cpu. no new claims to deallocate, preemption: 0/1 nodes are available: 1 Preemption is not helpful for scheduling.";
        assert_eq!(scheduling(claims), "0/1 nodes are available: 1 Insufficient cpu");
        let volume = "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found";
        assert_eq!(scheduling(volume), "0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims");
        assert_eq!(scheduling("no nodes"), "no nodes");
        assert!(waits_for_volume("0/1 nodes are available: pod has unbound immediate PersistentVolumeClaims."));
        assert!(waits_for_volume("persistentvolumeclaim \"data\" not found"));
        assert!(!waits_for_volume(message));
    }

    #[test]
    fn probes_say_which_and_what() {
        for (message, expected) in [
            ("Readiness probe failed: HTTP probe failed with statuscode: 503", Some(("readiness", "HTTP 503".to_owned()))),
            (
                "Liveness probe failed: Get \"http://10.0.0.1:80/\": dial tcp 10.0.0.1:80: connect: connection refused",
                Some(("liveness", "connection refused".into())),
            ),
            ("Startup probe failed: Get \"http://x/\": context deadline exceeded", Some(("startup", "timeout".into()))),
            ("Readiness probe failed: cat: /tmp/ready: No such file", Some(("readiness", "cat: /tmp/ready: No such file".into()))),
            ("Readiness probe errored: no container", Some(("readiness", "no container".into()))),
            ("Container failed liveness probe, will be restarted", None),
        ] {
            assert_eq!(probe(message), expected, "{message}");
        }
    }

    #[test]
    fn refusals_and_mounts_say_what_is_missing() {
        let quota = "pods \"web-7d9-x\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2";
        assert_eq!(refusal(quota), "exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2");
        assert_eq!(mount("MountVolume.SetUp failed for volume \"tls\" : secret \"tls\" not found"), "secret \"tls\" not found");
        let start = "failed to create containerd task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"/nope\": stat /nope: no such file or directory: unknown";
        assert_eq!(runtime(start), "exec: \"/nope\": stat /nope: no such file or directory");
        assert_eq!(runtime("secret \"db\" not found"), "secret \"db\" not found");
        assert_eq!(first_words("one two three four", 14), "one two three…");
        assert_eq!(first_words("short", 14), "short");
    }
}
