//! Versions of API servers.
//!
//! Owns which are old enough to be a problem (cli.md). Must not decide what is done about it: an old server works as far
//! as it does.

use crate::base::problem::{Level, Problem};

/// The oldest version that this program is tried against.
const OLDEST: (u32, u32) = (1, 29);

/// Id of the problem of an old server.
pub const PROBLEM: &str = "target:version";

/// A problem when a server (`v1.36.3`, `v1.28.4-eks-1a2b`) is older than supported. Versions that cannot be read are none.
pub fn too_old(server_version: &str) -> Option<Problem> {
    let found = parse(server_version)?;
    (found < OLDEST).then(|| {
        let message = format!("The API server is {server_version}, older than {}.{}: some things may not work.", OLDEST.0, OLDEST.1);
        Problem::new(Level::Warning, PROBLEM, message).hint("Update the cluster; its own support has ended, too.")
    })
}

/// Major and minor.
fn parse(version: &str) -> Option<(u32, u32)> {
    let mut parts = version.strip_prefix('v').unwrap_or(version).split('.');
    let number = |text: &str| text.chars().take_while(char::is_ascii_digit).collect::<String>().parse().ok();
    Some((number(parts.next()?)?, number(parts.next()?)?))
}

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn a_server_older_than_supported_is_a_problem_and_an_unreadable_version_is_not() {
        for (version, old) in [
            ("v1.28.15", true),
            ("v1.9.0", true),
            ("v1.28+", true),
            ("v1.29.0", false),
            ("v1.36.3", false),
            ("v1.30.4-eks-1a2b", false),
            ("v2.0.0", false),
            ("", false),
            ("master", false),
        ] {
            assert_eq!(too_old(version).is_some(), old, "{version}");
        }
    }
}
