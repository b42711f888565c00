//! How containers behave: how long they take to start, what they use, what they write, how they end.
//!
//! Owns the rules (data of systems and scenarios) and how several of them become the traits of one container: a later rule wins in
//! what it says, and leaves the rest. Must not know pods.

use jiff::SignedDuration;
use serde::Deserialize;

use crate::base::quantity;

/// One rule: whom it is about, and what it says. Fields that are left out say nothing.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Rule {
    /// Namespace.
    pub(crate) namespace: Option<String>,
    /// Name of the workload (Deployment, StatefulSet, CronJob, ...).
    pub(crate) workload: Option<String>,
    /// Name of the container.
    pub(crate) container: Option<String>,
    /// Image; `*` stands for anything.
    pub(crate) image: Option<String>,
    /// Node.
    pub(crate) node: Option<String>,

    /// How long the image takes to pull.
    pub(crate) pull: Option<SignedDuration>,
    /// Why the image cannot be pulled; empty = it can.
    pub(crate) pull_error: Option<String>,
    /// From started to ready.
    pub(crate) ready: Option<SignedDuration>,
    /// What the readiness probe says while it fails; empty = it does not fail.
    pub(crate) unready: Option<String>,
    /// How long it runs before it ends by itself; zero = for ever.
    pub(crate) run: Option<SignedDuration>,
    /// Its exit code then.
    pub(crate) exit: Option<i32>,
    /// How long it takes to stop when asked to.
    pub(crate) stop: Option<SignedDuration>,

    /// CPU at noon.
    pub(crate) cpu: Option<String>,
    /// Memory, as soon as it is warm.
    pub(crate) memory: Option<String>,
    /// Memory for work that all replicas share: divided by how many run.
    pub(crate) memory_shared: Option<String>,
    /// CPU for work that all replicas share.
    pub(crate) cpu_shared: Option<String>,
    /// Memory that is added each minute.
    pub(crate) memory_growth: Option<String>,
    /// How much its use follows the hour: 0 = not at all, 1 = nothing at night.
    pub(crate) follows_hour: Option<f64>,

    /// The pool of connections it takes from at start: see [`Pool`].
    pub(crate) pool: Option<String>,
    /// How many connections it takes.
    pub(crate) connections: Option<u32>,

    /// Log format.
    pub(crate) log: Option<String>,
    /// Lines a second at noon.
    pub(crate) lines: Option<f64>,
    /// Lines at start.
    pub(crate) boot: Option<Vec<String>>,
    /// Lines before it ends by itself.
    pub(crate) last_words: Option<Vec<String>>,
    /// Lines mixed into the rest.
    pub(crate) trouble: Option<Vec<String>>,
    /// How many of a hundred lines are such.
    pub(crate) trouble_percent: Option<u32>,
}

/// Something limited that containers take a part of when they start, like the connections of a database.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Pool {
    /// Its name.
    pub(crate) name: String,
    /// How much there is.
    pub(crate) max: u32,
    /// What a container writes that gets nothing.
    pub(crate) refusal: Vec<String>,
}

/// The container a rule may be about.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facets<'a> {
    /// Namespace.
    pub(crate) namespace: &'a str,
    /// Name of the workload.
    pub(crate) workload: &'a str,
    /// Name of the container.
    pub(crate) container: &'a str,
    /// Image.
    pub(crate) image: &'a str,
    /// Node.
    pub(crate) node: &'a str,
}

impl Rule {
    fn is_about(&self, facets: Facets<'_>) -> bool {
        let fits = |want: &Option<String>, is: &str| want.as_deref().is_none_or(|w| glob(w, is));
        fits(&self.namespace, facets.namespace)
            && fits(&self.workload, facets.workload)
            && fits(&self.container, facets.container)
            && fits(&self.image, facets.image)
            && fits(&self.node, facets.node)
    }
}

/// How one container behaves.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "as in Rule")]
pub(crate) struct Traits {
    pub(crate) pull: SignedDuration,
    pub(crate) pull_error: String,
    pub(crate) ready: Option<SignedDuration>,
    pub(crate) unready: String,
    pub(crate) run: Option<SignedDuration>,
    pub(crate) exit: i32,
    pub(crate) stop: SignedDuration,
    pub(crate) cpu: i64,
    pub(crate) cpu_shared: i64,
    pub(crate) memory: i64,
    pub(crate) memory_shared: i64,
    pub(crate) memory_growth: i64,
    pub(crate) follows_hour: f64,
    pub(crate) pool: String,
    pub(crate) connections: u32,
    pub(crate) log: String,
    pub(crate) lines: f64,
    pub(crate) boot: Vec<String>,
    pub(crate) last_words: Vec<String>,
    pub(crate) trouble: Vec<String>,
    pub(crate) trouble_percent: u32,
    /// What it prints and how long after its start, where it has an errand; then it prints nothing else.
    pub(crate) played: Vec<(SignedDuration, String)>,
    /// What it says at its end.
    pub(crate) message: String,
}

impl Default for Traits {
    fn default() -> Self {
        Self {
            pull: SignedDuration::from_millis(1_300),
            pull_error: String::new(),
            ready: None,
            unready: String::new(),
            run: None,
            exit: 0,
            stop: SignedDuration::from_millis(900),
            cpu: 20,
            cpu_shared: 0,
            memory: 48 << 20,
            memory_shared: 0,
            memory_growth: 0,
            follows_hour: 0.5,
            pool: String::new(),
            connections: 0,
            log: "plain".to_owned(),
            lines: 0.2,
            boot: Vec::new(),
            last_words: Vec::new(),
            trouble: Vec::new(),
            trouble_percent: 0,
            played: Vec::new(),
            message: String::new(),
        }
    }
}

impl Traits {
    /// What all rules together say about a container.
    pub(crate) fn of<'a>(rules: impl IntoIterator<Item = &'a Rule>, facets: Facets<'_>) -> Self {
        let mut traits = Self::default();
        for rule in rules.into_iter().filter(|r| r.is_about(facets)) {
            traits.overlay(rule);
        }
        traits
    }

    fn overlay(&mut self, rule: &Rule) {
        fn set<T: Clone>(mine: &mut T, said: Option<&T>) {
            if let Some(said) = said {
                *mine = said.clone();
            }
        }
        let milli = |q: &Option<String>, mine: &mut i64| *mine = q.as_deref().and_then(quantity::milli).unwrap_or(*mine);
        let whole = |q: &Option<String>, mine: &mut i64| *mine = q.as_deref().and_then(quantity::whole).unwrap_or(*mine);
        set(&mut self.pull, rule.pull.as_ref());
        set(&mut self.pull_error, rule.pull_error.as_ref());
        set(&mut self.unready, rule.unready.as_ref());
        set(&mut self.exit, rule.exit.as_ref());
        set(&mut self.stop, rule.stop.as_ref());
        set(&mut self.follows_hour, rule.follows_hour.as_ref());
        set(&mut self.pool, rule.pool.as_ref());
        set(&mut self.connections, rule.connections.as_ref());
        set(&mut self.log, rule.log.as_ref());
        set(&mut self.lines, rule.lines.as_ref());
        set(&mut self.boot, rule.boot.as_ref());
        set(&mut self.last_words, rule.last_words.as_ref());
        set(&mut self.trouble, rule.trouble.as_ref());
        set(&mut self.trouble_percent, rule.trouble_percent.as_ref());
        milli(&rule.cpu, &mut self.cpu);
        milli(&rule.cpu_shared, &mut self.cpu_shared);
        whole(&rule.memory, &mut self.memory);
        whole(&rule.memory_shared, &mut self.memory_shared);
        whole(&rule.memory_growth, &mut self.memory_growth);
        self.ready = rule.ready.or(self.ready);
        self.run = rule.run.or(self.run).filter(|r| !r.is_zero());
    }
}

/// Whether `text` is what `pattern` describes; `*` stands for anything.
pub(crate) fn glob(pattern: &str, text: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == text,
        Some((head, rest)) => text
            .strip_prefix(head)
            .is_some_and(|tail| rest.is_empty() || tail.char_indices().map(|(i, _)| i).chain([tail.len()]).any(|i| glob(rest, &tail[i..]))),
    }
}

#[cfg(test)]
mod tests {
    use super::{Facets, Rule, Traits, glob};

    #[test]
    fn a_star_stands_for_anything() {
        assert!(glob("*:v1.*", "ghcr.io/a/b:v1.2"));
        assert!(glob("*", ""));
        assert!(!glob("*:v1.*", "a:v2.1"));
        assert!(glob("a*b*c", "a--b--b-c"));
        assert!(!glob("abc", "abcd"));
    }

    #[test]
    fn a_later_rule_wins_in_what_it_says_and_leaves_the_rest() {
        let rules = [
            Rule { workload: Some("api".into()), cpu: Some("200m".into()), memory: Some("1Gi".into()), ..Rule::default() },
            Rule { image: Some("*:bad".into()), exit: Some(1), memory: Some("2Gi".into()), ..Rule::default() },
            Rule { workload: Some("other".into()), cpu: Some("1".into()), ..Rule::default() },
        ];
        let traits = Traits::of(&rules, Facets { namespace: "n", workload: "api", container: "c", image: "x:bad", node: "a" });
        assert_eq!((traits.cpu, traits.memory, traits.exit), (200, 2 << 30, 1));
    }
}
