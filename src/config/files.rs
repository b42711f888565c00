//! Reading the user's files: bounded, and with words for what went wrong.
//!
//! Owns the only calls of this room that touch the disk.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

use crate::base::problem::{Level, Problem};
use crate::base::toml::MAX_BYTES;

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// The path as problems shall name it.
    pub file: String,
    /// Its text. One byte more than the largest file that is accepted, at most: whoever reads it then says so.
    pub text: String,
}

/// Reads a text file. `Ok(None)`: there is none. A folder, a file that may not be read or that is not UTF-8 is a problem.
pub fn read(path: &Path, topic: &str) -> Result<Option<Found>, Box<Problem>> {
    let shown = path.display().to_string();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(None),
        Err(why) => return Err(unreadable(topic, &shown, &words(&why))),
    };
    let mut bytes = Vec::new();
    let most = u64::try_from(MAX_BYTES).unwrap_or(u64::MAX) + 1;
    file.take(most).read_to_end(&mut bytes).map_err(|why| unreadable(topic, &shown, &words(&why)))?;
    if bytes.len() > MAX_BYTES {
        // A cut may fall into a character; the text is refused by its size anyway.
        return Ok(Some(Found { file: shown, text: String::from_utf8_lossy(&bytes).into_owned() }));
    }
    match String::from_utf8(bytes) {
        Ok(text) => Ok(Some(Found { file: shown, text: text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text) })),
        Err(why) => {
            let readable = String::from_utf8_lossy(&why.as_bytes()[..why.utf8_error().valid_up_to()]);
            let line = readable.matches('\n').count() + 1;
            let problem = Problem::new(Level::Error, format!("{topic}:file"), "The file is not UTF-8 text.").hint("Save it as UTF-8.");
            Err(Box::new(problem.at(shown, Some(line), None)))
        }
    }
}

/// The same for a file that was asked for by name: that there is none is a problem too.
pub fn read_named(path: &Path, topic: &str) -> Result<Found, Box<Problem>> {
    read(path, topic)?.ok_or_else(|| unreadable(topic, &path.display().to_string(), "there is no such file"))
}

/// The files of a folder whose names end in `.toml`, in the order of their names; none when there is no such folder.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.filter_map(Result::ok).map(|entry| entry.path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "toml"));
    files.sort();
    files
}

fn unreadable(topic: &str, file: &str, why: &str) -> Box<Problem> {
    Box::new(Problem::new(Level::Error, format!("{topic}:file"), format!("The file cannot be read: {why}.")).at(file, None, None))
}

fn words(why: &std::io::Error) -> String {
    match why.kind() {
        ErrorKind::PermissionDenied => "no permission".into(),
        ErrorKind::IsADirectory => "it is a folder".into(),
        _ => why.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::{list, read, read_named};
    use crate::base::toml::MAX_BYTES;

    #[test]
    fn files_are_read_whole_or_say_why_not() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        std::fs::write(path("good.toml"), "\u{feff}theme = \"dark\"\n").expect("written");
        std::fs::write(path("bytes.toml"), b"a = 1\nb = \"\xff\"\n").expect("written");
        std::fs::write(path("huge.toml"), "#".repeat(MAX_BYTES + 100)).expect("written");
        std::fs::create_dir(path("folder.toml")).expect("made");
        assert_eq!(read(&path("none.toml"), "config"), Ok(None));
        assert_eq!(read(&path("good.toml"), "config").expect("read").expect("there").text, "theme = \"dark\"\n");
        assert_eq!(read(&path("huge.toml"), "config").expect("read").expect("there").text.len(), MAX_BYTES + 1);
        for (name, part) in [("bytes.toml", "not UTF-8"), ("folder.toml", "it is a folder"), ("none.toml", "no such file")] {
            let problem = read_named(&path(name), "config").expect_err(name);
            assert!(problem.message.contains(part), "{problem:?}");
            assert!(problem.place.expect("a place").to_string().contains(name));
        }
        let names: Vec<_> = list(folder.path()).iter().filter_map(|p| p.file_name()?.to_str().map(str::to_owned)).collect();
        assert_eq!(names, ["bytes.toml", "folder.toml", "good.toml", "huge.toml"]);
        assert!(list(&path("nowhere")).is_empty());
    }
}
