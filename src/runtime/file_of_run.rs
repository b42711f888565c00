//! The service file that a run was planned with, read again when the run is gone on with.
//!
//! Owns whether it is still the same. The same file is used; another one is not, and why is what its probes answer: what proved a run
//! when it was confirmed is not taken from a text that nobody looked at then.

use std::path::Path;

use crate::config::files;
use crate::run::FileRef;
use crate::service::{Origin, Service, ServiceFile};

/// What a run keeps of the file that it is planned with: it is found again from wherever the run is gone on with.
pub fn named(path: &Path, text: &str, environment: Option<String>, origin: &Origin) -> FileRef {
    let path = std::path::absolute(path).unwrap_or_else(|_| path.to_owned()).display().to_string();
    let namespace = match origin {
        Origin::Operator => None,
        Origin::Cluster { namespace } => Some(namespace.clone()),
    };
    FileRef { path, digest: FileRef::digest(text), environment, namespace }
}

/// The service as the file describes it, where the file is still as it was; else why not, in words.
pub fn read_again(file: &FileRef) -> Result<Service, String> {
    let found = files::read_named(Path::new(&file.path), "service").map_err(|problem| {
        let why = problem.message.trim_end_matches('.').to_owned();
        format!("the service file of the run, {}, cannot be read: {why}", file.path)
    })?;
    if FileRef::digest(&found.text) != file.digest {
        return Err(format!("the service file of the run, {}, was changed since it was planned", file.path));
    }
    let origin = file.namespace.clone().map_or(Origin::Operator, |namespace| Origin::Cluster { namespace });
    let (read, _) = ServiceFile::read(&found.file, &found.text, &origin);
    let read = read.ok_or_else(|| format!("the service file of the run, {}, cannot be used by this version", file.path))?;
    Ok(read.resolve(file.environment.as_deref()).0)
}

#[cfg(test)]
mod tests {
    use super::{named, read_again};
    use crate::service::Origin;

    const TEXT: &str = "schema = 1\n[service]\nid = \"shop\"\n[[probe]]\nid = \"page\"\nkind = \"http\"\nurl = \"https://shop.example/\"\n";

    #[test]
    fn a_file_is_used_again_while_it_is_the_same_and_why_not_is_said() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("shop.toml");
        std::fs::write(&path, TEXT).expect("written");
        let file = named(&path, TEXT, None, &Origin::Operator);
        let service = read_again(&file).expect("the same");
        assert_eq!(service.probes.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["page"]);
        std::fs::write(&path, format!("{TEXT}# another\n")).expect("written");
        assert!(read_again(&file).expect_err("another").ends_with("was changed since it was planned"));
        std::fs::remove_file(&path).expect("removed");
        assert!(read_again(&file).expect_err("gone").contains("cannot be read"));
    }
}
