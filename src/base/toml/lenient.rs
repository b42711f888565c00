//! Text that is partly no TOML: which lines to leave out so that the rest can be read.
//!
//! toml's own recovery drops everything after a line without `=`; people lose whole files that way. Here only the line goes at
//! which the text stops being TOML, and what follows is read again.

use std::ops::Range;

use toml::de::DeTable;

use crate::base::text::clean;

/// So many lines may be wrong before the rest of the file is given up; each costs a few readings of the file.
const MOST: usize = 50;

/// A line that was left out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where in the text the fault was noticed, in bytes: within the line, or at its start.
    pub(super) at: usize,
    /// What the reader said.
    pub(super) message: String,
}

/// `text` with every line blanked that keeps it from being TOML, each character where it was, and the faults in their order.
pub(super) fn readable(text: &str) -> (String, Vec<Fault>) {
    let mut left = text.to_owned();
    let mut faults = Vec::new();
    while let Err(error) = DeTable::parse(&left) {
        let noticed = error.span().map_or(0, |span| span.start).min(left.len());
        let line = first_bad_line(&left, noticed);
        let at = if line.contains(&noticed) { noticed } else { line.start };
        faults.push(Fault { at, message: clean(error.message()).into_owned() });
        if faults.len() >= MOST || line.is_empty() {
            left.truncate(line.start);
            faults.push(Fault { at: line.start, message: "from here on the file was not read".into() });
            break;
        }
        let blank = " ".repeat(line.len());
        left.replace_range(line, &blank);
    }
    faults.sort_by_key(|fault| fault.at);
    (left, faults)
}

/// The last line at or before `noticed` up to which the text is TOML: where the statement that is none begins.
fn first_bad_line(text: &str, noticed: usize) -> Range<usize> {
    let mut start = line_start(text, noticed);
    while start > 0 && DeTable::parse(&text[..start]).is_err() {
        start = line_start(text, start - 1);
    }
    let end = text[start..].find('\n').map_or(text.len(), |i| start + i);
    start..end
}

fn line_start(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().rposition(|b| *b == b'\n').map_or(0, |i| i + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use toml::de::DeTable;

    use super::readable;

    #[test]
    fn a_line_that_is_no_toml_is_left_out_and_the_others_stay_where_they_were() {
        let text = "a = 1\nthis is not toml\nb = 2\nc = [1,\nd = 4\ne = 'x\nf = 6\ng = '''\nh = 8\n";
        let (left, faults) = readable(text);
        let table: toml::Table = left.parse().expect("readable");
        assert_eq!(table.keys().collect::<Vec<_>>(), ["a", "b", "d", "f", "h"]);
        assert_eq!(left.len(), text.len());
        let lines: Vec<usize> = faults.iter().map(|f| 1 + text[..f.at].matches('\n').count()).collect();
        assert_eq!(lines, [2, 4, 6, 8]);
    }

    #[test]
    fn a_key_given_twice_keeps_its_first_value() {
        let (left, faults) = readable("a = 1\na = 2\n");
        assert_eq!(left.parse::<toml::Table>().expect("readable")["a"].as_integer(), Some(1));
        assert_eq!(faults.len(), 1);
    }

    proptest! {
        #[test]
        fn whatever_a_file_holds_what_is_left_is_toml(text in "(\\PC|[=\\[\\]\"'\n.#{}, a-c1]){0,60}") {
            let (left, faults) = readable(&text);
            prop_assert!(DeTable::parse(&left).is_ok());
            prop_assert_eq!(faults.is_empty(), DeTable::parse(&text).is_ok());
        }
    }
}
