//! The service file at the start: which one is meant, whose word it is, and whether anything may rest on it.
//!
//! Owns that order. What a namespace keeps was found before and is a path by now.

use std::path::{Path, PathBuf};

use super::Wish;
use crate::base::problem::{Level, Problem};
use crate::config::{self, Paths};
use crate::run::FileRef;
use crate::runtime::file_of_run;
use crate::service::{self, Origin, Service, ServiceFile};

/// The file of that name in the user's folder; `None` when it is a path, or there is none.
pub fn found_by_name(paths: &Paths, named: &Path) -> Option<PathBuf> {
    let by_name = paths.services().join(named).with_extension("toml");
    (named.components().count() == 1 && !named.exists() && by_name.exists()).then_some(by_name)
}

/// Whose word a service file is: a copy of one that a namespace keeps may do what such a file may, wherever it is opened from.
fn origin(paths: &Paths, file: &Path) -> Origin {
    let below = std::path::absolute(file)
        .ok()
        .and_then(|file| file.strip_prefix(paths.accepted()).map(Path::to_path_buf).ok());
    // SERVER/NAMESPACE/FILE.
    let namespace = below
        .as_deref()
        .and_then(Path::parent)
        .map(|parent| parent.file_name().unwrap_or_default().to_string_lossy().into_owned());
    namespace.map_or(Origin::Operator, |namespace| Origin::Cluster { namespace })
}

pub(super) fn service(wish: &Wish, paths: &Paths, problems: &mut Vec<Problem>) -> Result<Option<(Service, FileRef)>, Box<Problem>> {
    let Some(path) = &wish.service else { return Ok(None) };
    let named = &found_by_name(paths, path).unwrap_or_else(|| path.clone());
    let found = config::files::read_named(named, "service")?;
    let origin = origin(paths, named);
    let (file, told) = ServiceFile::read(&found.file, &found.text, &origin);
    // A file that is half understood may have lost its pin, its floor or its freeze: nothing rests on such a file.
    let errors = told.iter().filter(|p| p.level == Level::Error).count();
    let Some(file) = file.filter(|_| errors == 0) else {
        let first = told.into_iter().find(|p| p.level == Level::Error);
        let first =
            first.unwrap_or_else(|| Problem::new(Level::Error, "service:file", "The service file cannot be used.").at(found.file, None, None));
        let all = format!("`timonel check {}` lists all {errors} errors", named.display());
        return Err(Box::new(if errors > 1 { first.hint(all) } else { first }));
    };
    problems.extend(told);
    let environment = file
        .choose(service::Choice { wanted: wish.env.as_deref(), context: wish.context.as_deref() })?
        .map(|e| e.id.clone());
    let (service, _) = file.resolve(environment.as_deref());
    let file = file_of_run::named(named, &found.text, environment, &origin);
    Ok(Some((service, file)))
}
