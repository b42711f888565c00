//! Issue text "Confirmation": production by name, levels in proportion, the exact text or nothing.

use crate::cluster::{Cluster, Namespace};
use crate::manifest::Web;
use crate::operator::Operator;

fn place<'a>(cluster: &'a Cluster, name: &str, replicas: u32) -> (Namespace<'a>, Operator) {
    let space = cluster.namespace(name).unwrap();
    space.apply(&Web::new("web", replicas).yaml());
    space.wait_ready("web", u64::from(replicas));
    let operator = Operator::new(cluster, "operator", &space);
    (space, operator)
}

pub(crate) fn production_is_known_by_its_name_and_asks_for_its_word(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-prod", 2);
    let plan = operator.plan(&["web=3"]);
    assert_eq!((plan.text("/confirmation/level"), plan.text("/confirmation/type")), ("env", "production"));
    for wrong in ["y", "", "Production", "prod", space.name()] {
        operator.run_confirmed(wrong, &["web=3"]).expect("refused", 4);
    }
    let silent = operator.call(&["run", "scale", "web=3"]);
    assert_eq!(silent.code, Some(4), "without a terminal and without --confirm: {silent:#?}");
    assert_eq!(space.replicas("web"), 2);
    operator.run_confirmed("production", &["web=3"]).expect("proven", 0);
    assert_eq!(space.replicas("web"), 3);
}

pub(crate) fn a_place_that_no_name_describes_counts_as_production_and_asks_for_the_namespace(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop", 1);
    let plan = operator.plan(&["web=2"]);
    assert_eq!((plan.text("/confirmation/level"), plan.text("/confirmation/type")), ("env", space.name()));
}

pub(crate) fn a_test_place_asks_for_one_key(cluster: &Cluster) {
    let (_space, operator) = place(cluster, "shop-test", 1);
    let plan = operator.plan(&["web=2"]);
    assert_eq!((plan.text("/confirmation/level"), plan.text("/confirmation/type")), ("key", "y"));
}

pub(crate) fn losing_half_or_everything_raises_the_level_to_a_phrase(cluster: &Cluster) {
    let (space, operator) = place(cluster, "shop-test", 4);
    for (words, level) in [("web=3", "key"), ("web=2", "phrase"), ("web=0", "phrase")] {
        let plan = operator.plan(&[words]);
        assert_eq!(plan.text("/confirmation/level"), level, "{words}");
        if level == "phrase" {
            let phrase = plan.text("/confirmation/type");
            assert!(phrase.contains("web") && phrase.contains('4'), "the phrase names target and quantity: {phrase}");
        }
    }
    operator.run_confirmed("y", &["web=0"]).expect("refused", 4);
    assert_eq!(space.replicas("web"), 4);
    operator.run(&["web=0"]).expect("proven", 0);
    space.wait_ready("web", 0);
}
