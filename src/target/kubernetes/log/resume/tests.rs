use proptest::prelude::*;

use super::{Outcome, Resume};
use crate::target::kubernetes::log::lines::{Line, Lines};

/// A log file: what the server answers to questions. Times in milliseconds.
#[derive(Debug, Clone, Default)]
struct File(Vec<(i64, String)>);

impl File {
    fn of(lines: &[(i64, &str)]) -> Self {
        Self(lines.iter().map(|(at, text)| (*at, (*text).to_owned())).collect())
    }

    /// Lines since a second, as the kubelet filters them, and at most the last `tail`.
    fn since(&self, second: Option<i64>, tail: Option<usize>) -> Vec<Line> {
        let mut out = Vec::new();
        let mut lines = Lines::default();
        let wanted: Vec<_> = self.0.iter().filter(|(at, _)| second.is_none_or(|s| *at >= s * 1000)).collect();
        for (at, text) in &wanted[wanted.len().saturating_sub(tail.unwrap_or(usize::MAX))..] {
            let stamp = jiff::Timestamp::from_millisecond(*at).unwrap();
            lines.feed(format!("{stamp} {text}\n").as_bytes(), &mut out);
        }
        out
    }
}

fn take(resume: &mut Resume, lines: Vec<Line>) -> (Vec<String>, Vec<Outcome>) {
    let (mut out, mut outcomes) = (Vec::new(), Vec::new());
    for line in lines {
        outcomes.extend(resume.take(line, &mut out));
    }
    (out.into_iter().map(|l| l.text.into()).collect(), outcomes)
}

/// Reads `first`, loses the connection, and reads what the server has since then.
fn resumed(first: &File, tail: Option<usize>, second: &File) -> (Vec<String>, Vec<Outcome>) {
    let mut resume = Resume::default();
    take(&mut resume, first.since(None, tail));
    let since = resume.reconnect();
    let (mut told, mut outcomes) = take(&mut resume, second.since(since, None));
    let mut rest = Vec::new();
    outcomes.extend(resume.give_up(&mut rest));
    told.extend(rest.into_iter().map(|l| String::from(l.text)));
    (told, outcomes)
}

#[test]
fn lines_that_come_again_are_not_told_again_and_new_ones_are() {
    let first = File::of(&[(1100, "a"), (1200, "b"), (1900, "c")]);
    let mut second = first.clone();
    second.0.extend(File::of(&[(1950, "d"), (2100, "e")]).0);
    assert_eq!(resumed(&first, None, &second), (vec!["d".into(), "e".into()], vec![Outcome::Exact]));
    assert_eq!(resumed(&first, None, &first), (vec![], vec![Outcome::Exact]));
}

#[test]
fn equal_lines_of_one_instant_are_counted_and_not_confused() {
    let first = File::of(&[(1100, "tick"), (1100, "tock"), (1100, "tick")]);
    let mut second = first.clone();
    second.0.extend(File::of(&[(1100, "tick"), (1100, "tock")]).0);
    assert_eq!(resumed(&first, None, &second), (vec!["tick".into(), "tock".into()], vec![Outcome::Exact]));
}

#[test]
fn lines_before_the_first_that_was_told_stay_untold() {
    // Only the last line was asked for; the reconnect brings the whole second, with lines from before.
    let first = File::of(&[(1100, "old"), (1200, "older"), (1300, "told")]);
    let mut second = first.clone();
    second.0.push((1400, "new".into()));
    assert_eq!(resumed(&first, Some(1), &second), (vec!["new".into()], vec![Outcome::Exact]));
}

#[test]
fn lines_out_of_the_order_of_their_times_are_not_lost() {
    let first = File::of(&[(1100, "a"), (2010, "b")]);
    let mut second = first.clone();
    second.0.extend(File::of(&[(1980, "late"), (2500, "c")]).0);
    assert_eq!(resumed(&first, None, &second), (vec!["late".into(), "c".into()], vec![Outcome::Exact]));
}

#[test]
fn a_rotated_log_is_told_as_new_and_as_unknown() {
    let first = File::of(&[(1100, "a"), (1900, "b")]);
    for rotated in [File::of(&[(1950, "c"), (2600, "d")]), File::of(&[(9000, "c"), (9100, "d")])] {
        assert_eq!(resumed(&first, None, &rotated), (vec!["c".into(), "d".into()], vec![Outcome::Unknown]));
    }
    assert_eq!(resumed(&first, None, &File::default()), (vec![], vec![Outcome::Unknown]));
}

#[test]
fn another_run_starts_from_nothing() {
    let mut resume = Resume::default();
    take(&mut resume, File::of(&[(1100, "a")]).since(None, None));
    resume.forget();
    assert_eq!(resume.reconnect(), None);
    assert_eq!(take(&mut resume, File::of(&[(1100, "a")]).since(None, None)).0, ["a"]);
}

#[test]
fn a_log_without_a_line_is_asked_for_as_at_first() {
    assert_eq!(Resume::default().reconnect(), None);
}

#[test]
fn what_is_held_is_bounded() {
    let mut resume = Resume::default();
    take(&mut resume, File::of(&[(1100, "a")]).since(None, None));
    resume.reconnect();
    let flood = File((0..60_000).map(|n| (if n < 100 { 1050 } else { 1200 }, format!("line {n}"))).collect());
    let (told, outcomes) = take(&mut resume, flood.since(None, None));
    assert_eq!(outcomes, [Outcome::Unknown]);
    assert_eq!((told.len(), told[0].as_str()), (59_900, "line 100"), "what is certainly old is not told");
}

proptest! {
    /// Any log, cut anywhere, with any lines since: told once each, in order.
    #[test]
    fn no_line_is_told_twice_or_lost(steps in prop::collection::vec((0i64..900, 0u8..3), 1..60), cut in 0usize..60, tail in 1usize..60) {
        let mut at = 1_000_000;
        let mut all = Vec::new();
        for (step, text) in steps {
            // Mostly forward, now and then a little back.
            at += if step < 50 { -step } else { step - 50 };
            all.push((at, format!("text {text}")));
        }
        let cut = cut.min(all.len());
        let first = File(all[..cut].to_vec());
        let mut resume = Resume::default();
        let (before, _) = take(&mut resume, first.since(None, Some(tail)));
        let Some(second) = resume.reconnect() else { return Ok(()) };
        let (after, outcomes) = take(&mut resume, File(all.clone()).since(Some(second), None));
        let expected: Vec<String> = all[cut - before.len()..].iter().map(|(_, t)| t.clone()).collect();
        let told: Vec<String> = before.into_iter().chain(after).collect();
        // With only a tail told, an equal line of the same instant before it cannot be told apart from it.
        let (instant, text) = &all[cut - 1];
        let equals = all[..cut].iter().filter(|(a, t)| a == instant && t == text).count();
        prop_assume!(equals == 1);
        prop_assert_eq!(told, expected);
        prop_assert_eq!(outcomes, vec![Outcome::Exact]);
    }
}
