//! The keymaps that come with the program: plain files, embedded, loaded by the same code as a user's own.

use super::{Keymap, Layer, load};

/// The keymap that is used when nothing else is asked for.
pub const DEFAULT: &str = "default";

/// Name and file of every shipped keymap.
pub const SHIPPED: [(&str, Layer<'static>); 2] = [
    (DEFAULT, Layer { file: "keymaps/default.toml", text: include_str!("../../keymaps/default.toml") }),
    ("k9s", Layer { file: "keymaps/k9s.toml", text: include_str!("../../keymaps/k9s.toml") }),
];

/// The shipped keymap of that name, loaded; a test holds that none of them has a problem.
pub fn shipped(name: &str) -> Option<Keymap> {
    SHIPPED.iter().find(|(n, _)| *n == name).map(|(_, layer)| load(&[*layer]).0)
}
