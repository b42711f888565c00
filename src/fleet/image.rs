//! Image references taken apart.
//!
//! Owns the grammar `[registry/]repository[:tag][@digest]`, and what of `status.imageID` is a digest that can be pulled.

use crate::target::model::Container;

/// An image reference in its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Image<'a> {
    /// Registry and path, as written.
    pub repository: &'a str,
    /// Tag; `None` when not given.
    pub tag: Option<&'a str>,
    /// `sha256:…`; `None` when not given.
    pub digest: Option<&'a str>,
}

impl<'a> Image<'a> {
    /// Takes a reference apart. The colon of a registry's port is not a tag's.
    pub fn parse(text: &'a str) -> Self {
        let (rest, digest) = text.split_once('@').map_or((text, None), |(r, d)| (r, Some(d)));
        let name_start = rest.rfind('/').map_or(0, |i| i + 1);
        let (repository, tag) = match rest[name_start..].find(':') {
            Some(colon) => (&rest[..name_start + colon], Some(&rest[name_start + colon + 1..])),
            None => (rest, None),
        };
        Self { repository, tag: tag.filter(|t| !t.is_empty()), digest: digest.filter(|d| !d.is_empty()) }
    }

    /// What a release column shows: the tag, else the digest cut to 12 digits, else `latest` (which is what would be pulled).
    pub fn version(&self) -> String {
        match (self.tag, self.digest) {
            (Some(tag), _) => tag.to_owned(),
            (None, Some(digest)) => short_digest(digest),
            (None, None) => "latest".to_owned(),
        }
    }
}

/// `sha256:9f2c…` cut to 12 digits after the colon.
pub fn short_digest(digest: &str) -> String {
    match digest.split_once(':') {
        Some((algorithm, hex)) => format!("{algorithm}:{}", hex.get(..12).unwrap_or(hex)),
        None => digest.to_owned(),
    }
}

/// The digest of what a container runs or ran: of `status.imageID`, else of the reference itself.
///
/// An image id without `@` is the digest of the local configuration, which no registry knows: unknown.
pub fn running_digest(container: &Container) -> Option<&str> {
    container.image_id.rsplit_once('@').map(|(_, d)| d).or_else(|| Image::parse(&container.image).digest)
}

#[cfg(test)]
mod tests {
    use super::{Image, running_digest, short_digest};
    use crate::fleet::testing::container;
    use crate::target::model::Container;

    #[test]
    fn references_are_taken_apart_as_container_runtimes_do() {
        for (text, repository, tag, digest, version) in [
            ("nginx", "nginx", None, None, "latest"),
            ("nginx:1.27", "nginx", Some("1.27"), None, "1.27"),
            ("registry:5000/team/app", "registry:5000/team/app", None, None, "latest"),
            ("registry:5000/team/app:v1", "registry:5000/team/app", Some("v1"), None, "v1"),
            ("ghcr.io/a/b@sha256:0123456789abcdef", "ghcr.io/a/b", None, Some("sha256:0123456789abcdef"), "sha256:0123456789ab"),
            ("ghcr.io/a/b:v2@sha256:01", "ghcr.io/a/b", Some("v2"), Some("sha256:01"), "v2"),
        ] {
            let image = Image::parse(text);
            assert_eq!((image.repository, image.tag, image.digest, &*image.version()), (repository, tag, digest, version), "{text}");
        }
        assert_eq!(short_digest("sha256:ab"), "sha256:ab");
    }

    #[test]
    fn a_digest_is_known_only_when_a_registry_would_know_it() {
        let with = |image: &str, id: &str| Container { image: image.into(), image_id: id.into(), ..container("c") };
        for (container, digest) in [
            (with("a:1", "docker.io/library/a@sha256:11"), Some("sha256:11")),
            (with("a:1", "docker-pullable://a@sha256:22"), Some("sha256:22")),
            (with("a:1", "sha256:33"), None),
            (with("a@sha256:44", ""), Some("sha256:44")),
            (with("a:1", ""), None),
        ] {
            assert_eq!(running_digest(&container), digest);
        }
    }
}
