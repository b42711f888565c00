//! The themes that come with the program, loaded by the same code as a user's own.

/// The theme that is used when nothing else is asked for, and where a missing one falls back to.
pub const DEFAULT: &str = "dark";

const ALL: [(&str, &str); 4] = [
    ("dark", include_str!("../../themes/dark.toml")),
    ("light", include_str!("../../themes/light.toml")),
    ("high-contrast", include_str!("../../themes/high-contrast.toml")),
    ("mono", include_str!("../../themes/mono.toml")),
];

/// Names of the shipped themes.
pub fn names() -> impl Iterator<Item = &'static str> {
    ALL.into_iter().map(|(name, _)| name)
}

/// The file of a shipped theme.
pub(super) fn text(name: &str) -> Option<&'static str> {
    ALL.into_iter().find(|(n, _)| *n == name).map(|(_, text)| text)
}
