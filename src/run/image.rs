//! Names of images: what counts as one, and whether it says which image it is.
//!
//! Owns these judgements. Whether there is such an image, a registry says.

use super::context::PlanError;
use crate::base::text::clean;

/// The longest name that is taken.
const LONGEST: usize = 255;

/// A name that may be one; it goes into objects and onto screens.
pub(in crate::run) fn name(text: &str) -> Result<String, PlanError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._/:@".contains(c);
    if text.is_empty() || text.len() > LONGEST || !text.chars().all(plain) {
        return Err(PlanError::Usage(format!("'{}' is no name of an image", clean(text))));
    }
    Ok(text.to_owned())
}

/// The digest in a name, where it has one: a tag may mean another image tomorrow.
pub(in crate::run) fn digest(name: &str) -> Option<&str> {
    let digest = name.rsplit_once('@')?.1;
    let hex = digest.strip_prefix("sha256:")?;
    (hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_hexdigit())).then_some(digest)
}

/// A name without what says which image of its repository is meant.
pub fn repository(name: &str) -> &str {
    let name = name.split('@').next().unwrap_or_default();
    // A colon before the last slash is that of a port.
    match name.rsplit_once(':') {
        Some((repository, tag)) if !tag.contains('/') => repository,
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::{digest, name, repository};

    #[test]
    fn a_name_is_plain_and_says_by_its_digest_alone_which_image_it_is() {
        assert!(name("ghcr.io/eterna/rules:1.2").is_ok());
        for wrong in ["", "shop:1; rm -rf", "shop 1", &"x".repeat(256)] {
            assert!(name(wrong).is_err(), "{wrong}");
        }
        let pinned = format!("ghcr.io/eterna/rules@sha256:{}", "a".repeat(64));
        assert_eq!(digest(&pinned), Some(&pinned[21..]));
        assert_eq!(
            (repository(&pinned), repository("localhost:5000/shop:1"), repository("localhost:5000/shop")),
            ("ghcr.io/eterna/rules", "localhost:5000/shop", "localhost:5000/shop")
        );
        assert_eq!((digest("shop:1"), digest("shop@sha256:abc")), (None, None));
    }
}
