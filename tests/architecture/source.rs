//! Reads the project's own Rust sources for the guards, and blanks what is not code.
//!
//! Must not judge: the rules are in the parent module.

use std::fs;
use std::path::{Path, PathBuf};

/// One Rust file, with what the guards ask about it.
pub(crate) struct Source {
    /// Path from the repository's root, with `/`.
    pub(crate) path: String,
    /// As it is on disk.
    pub(crate) text: String,
    /// The same lines with comments and the insides of strings blanked.
    pub(crate) code: String,
}

impl Source {
    fn read(root: &Path, path: &Path) -> Self {
        let text = fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let path = path.strip_prefix(root).expect("found below the root").to_string_lossy().replace('\\', "/");
        Self { path, code: blank(&text), text }
    }

    /// A source that is not on disk: for the tests of the guards themselves.
    pub(crate) fn made(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), code: blank(text), text: text.to_owned() }
    }

    /// Whether the whole file is tests, or helps them: `tests.rs`, `open_tests.rs`, `testing.rs` and what lies below.
    pub(crate) fn is_test(&self) -> bool {
        let words = ["tests", "testing"];
        let mut parts = self.path.trim_end_matches(".rs").split('/');
        parts.any(|part| words.iter().any(|word| part == *word || part.ends_with(&format!("_{word}"))))
    }

    /// Module path from the crate's root: `src/base/text.rs` is `["base", "text"]`, `src/lib.rs` is empty.
    pub(crate) fn module(&self) -> Vec<&str> {
        let inner = self.path.strip_prefix("src/").unwrap_or(&self.path).trim_end_matches(".rs");
        if inner == "lib" { Vec::new() } else { inner.split('/').collect() }
    }

    /// Lines outside `#[cfg(test)] mod …` blocks, with their line number from 1.
    pub(crate) fn product_lines(&self) -> Vec<(usize, &str)> {
        let mut lines = Vec::new();
        let mut depth = 0usize;
        let mut armed = false;
        let mut until: Option<usize> = None;
        for (index, line) in self.code.lines().enumerate() {
            let trimmed = line.trim();
            armed |= trimmed.starts_with("#[cfg(test)]");
            let starts = until.is_none() && armed && (trimmed.starts_with("mod ") || trimmed.contains(" mod ")) && trimmed.contains('{');
            if starts {
                until = Some(depth);
            }
            if until.is_none() {
                lines.push((index + 1, line));
            }
            if armed && !trimmed.is_empty() && !trimmed.starts_with("#[") {
                armed = false;
            }
            depth = (depth + line.matches('{').count()).saturating_sub(line.matches('}').count());
            if until == Some(depth) {
                until = None;
            }
        }
        lines
    }
}

/// Every Rust file below `folder`, in order of path.
pub(crate) fn below(folder: &str) -> Vec<Source> {
    let root = root();
    let mut paths = Vec::new();
    walk(&root.join(folder), &mut paths);
    paths.sort();
    paths.iter().map(|path| Source::read(&root, path)).collect()
}

/// The repository's root.
pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    let entries = fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            walk(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The text with comments, and the insides of string and character literals, replaced by spaces. Lines stay where they are.
fn blank(text: &str) -> String {
    let chars: Vec<char> = text.chars().collect();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    while at < chars.len() {
        let end = literal_end(&chars, at);
        if end == at {
            out.push(chars[at]);
            at += 1;
        } else {
            out.extend(chars[at..end].iter().map(|&c| if c == '\n' { '\n' } else { ' ' }));
            at = end;
        }
    }
    out
}

/// Where the comment or literal that starts at `at` ends; `at` itself when none starts there.
fn literal_end(chars: &[char], at: usize) -> usize {
    let next = |offset: usize| chars.get(at + offset).copied();
    match chars[at] {
        '/' if next(1) == Some('/') => until(chars, at, |c, _| c == '\n'),
        '/' if next(1) == Some('*') => block_comment_end(chars, at),
        '"' => string_end(chars, at + 1),
        'r' if !continues_word(chars, at) => raw_string_end(chars, at).unwrap_or(at),
        '\'' if next(1) == Some('\\') => until(chars, at + 3, |c, _| c == '\'') + 1,
        '\'' if next(2) == Some('\'') => at + 3,
        _ => at,
    }
    .min(chars.len())
}

fn until(chars: &[char], from: usize, stop: impl Fn(char, usize) -> bool) -> usize {
    (from..chars.len()).find(|&index| stop(chars[index], index)).unwrap_or(chars.len())
}

fn block_comment_end(chars: &[char], at: usize) -> usize {
    let mut depth = 0usize;
    let mut index = at;
    while index + 1 < chars.len() {
        match (chars[index], chars[index + 1]) {
            ('/', '*') => (depth, index) = (depth + 1, index + 2),
            ('*', '/') if depth == 1 => return index + 2,
            ('*', '/') => (depth, index) = (depth - 1, index + 2),
            _ => index += 1,
        }
    }
    chars.len()
}

fn string_end(chars: &[char], from: usize) -> usize {
    let mut index = from;
    while index < chars.len() {
        match chars[index] {
            '\\' => index += 2,
            '"' => return index + 1,
            _ => index += 1,
        }
    }
    chars.len()
}

fn continues_word(chars: &[char], at: usize) -> bool {
    // `br"…"` is a raw string too; any other letter before the r makes it part of a word.
    at.checked_sub(1)
        .is_some_and(|before| chars[before] != 'b' && (chars[before].is_alphanumeric() || chars[before] == '_'))
}

fn raw_string_end(chars: &[char], at: usize) -> Option<usize> {
    let hashes = chars[at + 1..].iter().take_while(|&&c| c == '#').count();
    let open = at + 1 + hashes;
    if chars.get(open) != Some(&'"') {
        return None;
    }
    let closes = |index: usize| chars[index] == '"' && chars[index + 1..].iter().take(hashes).filter(|&&c| c == '#').count() == hashes;
    Some((open + 1..chars.len()).find(|&index| closes(index)).map_or(chars.len(), |index| index + 1 + hashes))
}

#[cfg(test)]
mod tests {
    use super::Source;

    #[test]
    fn comments_and_strings_are_no_code() {
        let source = Source::made(
            "src/x.rs",
            "use a; // use b\n/* use c /* d */ */ let s = \"use \\\" e\"; let r = r#\"use \" f\"#;\nlet c = '\"'; use g;\n",
        );
        for gone in ["use b", "use c", "use \\\"", " f", " d "] {
            assert!(!source.code.contains(gone), "{gone} is still in {:?}", source.code);
        }
        assert!(source.code.contains("use a;") && source.code.contains("use g;"));
        assert_eq!(source.code.lines().count(), 3);
    }

    #[test]
    fn lines_of_inline_tests_are_not_product_lines() {
        let source = Source::made("src/x.rs", "fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n");
        let kept: Vec<usize> = source.product_lines().iter().map(|line| line.0).collect();
        assert_eq!(kept, [1, 2, 6]);
    }
}
