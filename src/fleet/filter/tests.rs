//! Filters as an operator types them.

use super::Filter;
use crate::fleet::Fleet;
use crate::fleet::testing::{NOW, broken, container, fleet, labels, now, pod_of, replica_set, waiting, workload};
use crate::target::event::TargetEvent;
use crate::target::model::{Container, Kind, Meta, Pod, PodMetrics, Resources, Usage};

/// Pods `web-abc-1` (fine, new, busy) and `web-abc-2` (image missing, on another node), Deployment `web` at release 1.0.
fn two_pods() -> Fleet {
    let limits = Resources { cpu_milli: Some(1000), memory: Some(1 << 30) };
    let fine = pod_of("web", "abc", "web-abc-1", vec![Container { limits, restarts: 6, ..container("app") }]);
    let fine = Pod { meta: Meta { created: NOW - 600, ..fine.meta }, ..fine };
    let bad = pod_of(
        "web",
        "abc",
        "web-abc-2",
        vec![Container { image: "ghcr.io/x/api:1.2.3".into(), ..broken("app", waiting("ImagePullBackOff"), 0) }],
    );
    let bad = Pod { node: "worker-2".into(), phase: "Pending".into(), ..bad };
    let mut deployment = workload(Kind::Deployment, "web", 2);
    deployment.ready = 1;
    deployment.meta.labels = labels(&[("app.kubernetes.io/part-of", "shop")]);
    let mut fleet = fleet(&[fine.into(), bad.into(), replica_set("web", "abc", 1, 2).into(), deployment.into()]);
    let usage = PodMetrics {
        namespace: "ns".into(),
        name: "web-abc-1".into(),
        containers: [("app".into(), Usage { cpu_milli: 850, memory: 512 << 20 })].into(),
    };
    fleet.apply(&TargetEvent::PodMetrics { at: now(), pods: vec![usage] }, now());
    fleet.settle(now());
    fleet
}

/// Names of the pods that pass.
fn pods(text: &str) -> Vec<String> {
    let fleet = two_pods();
    let filter = Filter::parse(text).unwrap();
    fleet.pods().filter(|e| filter.pod(&fleet, e, now())).map(|e| e.pod.meta.name.to_string()).collect()
}

#[test]
fn terms_pick_the_pods_they_speak_of() {
    let (one, two) = ("web-abc-1", "web-abc-2");
    for (text, expected) in [
        ("", vec![one, two]),
        ("web", vec![one, two]),
        ("abc-2", vec![two]),
        ("!abc-2", vec![one]),
        ("WORKER", vec![two]),
        ("imagepull", vec![two]),
        ("\"web-abc-1\"", vec![one]),
        ("status!=Running", vec![two]),
        ("status=running", vec![one]),
        ("status=Running,ImagePullBackOff", vec![one, two]),
        ("restarts>=5", vec![one]),
        ("restarts<5", vec![two]),
        ("restarts=6", vec![one]),
        ("node=worker-2", vec![two]),
        ("node!=worker-2", vec![one]),
        ("app=web", vec![one, two]),
        ("app!=web", vec![]),
        ("tier!=backend", vec![one, two]),
        ("ns=ns", vec![one, two]),
        ("ns~prod", vec![]),
        ("age<1h", vec![one]),
        ("age>=10m", vec![one, two]),
        ("cpu>80%", vec![one]),
        ("cpu>90%", vec![]),
        ("cpu<=850m", vec![one]),
        ("mem>=512Mi", vec![one]),
        ("memory>50%", vec![]),
        ("image~1.2", vec![two]),
        ("release=1.2.3", vec![two]),
        ("kind=deployment", vec![one, two]),
        ("health=degraded", vec![two]),
        ("reason~api:1.2.3", vec![two]),
        ("web status!=Running node=worker-2", vec![two]),
        ("web status!=Running node=node-1", vec![]),
    ] {
        assert_eq!(pods(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_known_matches_neither_way() {
    assert_eq!(pods("cpu<1000000"), ["web-abc-1"], "the usage of the other is not known");
    assert_eq!(pods("cpu!=850m"), Vec::<String>::new());
}

#[test]
fn a_workload_is_shown_for_itself_or_for_a_pod_of_it() {
    let fleet = two_pods();
    let row = fleet.rows().next().unwrap();
    for (text, itself, with_pods) in [
        ("kind=deployment", true, true),
        ("ready<2", true, true),
        ("health=degraded", true, true),
        ("app.kubernetes.io/part-of=shop", true, true),
        ("app=web", true, true),
        ("status!=Running", false, true),
        ("node=worker-2", false, true),
        ("node=nowhere", false, false),
        ("release=1.0", true, true),
    ] {
        let filter = Filter::parse(text).unwrap();
        assert_eq!((filter.workload(&fleet, row, now()), filter.any(&fleet, row, now())), (itself, with_pods), "{text}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place_and_what_to_write_instead() {
    for (text, at, message) in [
        ("restarts>=many", 10, "'many' is not what this field holds. Write a whole number, for example '5'."),
        ("web age<soon", 8, "'soon' is not what this field holds. Write an age, for example '90s', '1h30m' or '2d'."),
        ("restrats>5", 0, "There is no field 'restrats' to compare. Did you mean 'restarts'?"),
        ("status>5", 6, "'status' is a text, '>' compares numbers. Write 'status=…' or 'status~…'."),
        ("restarts~5", 8, "'~' looks for text, this field is a number. Use = != < <= > >=."),
        ("cpu>x%", 4, "'x%' is no percentage. For example '80%'."),
        ("status=", 7, "'status=' needs a value. For example 'status=Running'."),
        ("=5", 0, "'=' needs a field before it. For example 'status=Running'."),
        ("a \"b", 2, "The quote is not closed. Add '\"' at the end."),
        ("!", 0, "'!' needs a word after it. Write '!web' for rows without 'web'."),
    ] {
        let error = Filter::parse(text).unwrap_err();
        assert_eq!((error.at, error.to_string().as_str()), (at, message), "{text}");
    }
}

#[test]
fn quotes_make_text_of_anything_and_values_of_several_words() {
    assert_eq!(pods("\"a=b\""), Vec::<String>::new());
    assert_eq!(pods("reason~\"container app: image\""), ["web-abc-2"]);
}
