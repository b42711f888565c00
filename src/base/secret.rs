//! Values of secrets that this process has in its hands, and the one place that takes them out of text.
//!
//! Owns that a value which was fetched is known here for as long as the process lives, so that whatever comes back from outside or goes
//! to the screen, the log or the journal is without it. Keeps at most 64 values; what is too short to be told from other text is
//! not kept. Never shows one.

use std::borrow::Cow;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

use secrecy::{ExposeSecret as _, SecretString};

/// What stands in for a hidden value.
pub const HIDDEN: &str = "<hidden>";
/// Values that are kept; of more, the first ones go.
const MOST: usize = 64;
/// Shorter ones would blot out plain words.
const SHORTEST: usize = 6;

static ANY: AtomicBool = AtomicBool::new(false);
static KNOWN: RwLock<Vec<SecretString>> = RwLock::new(Vec::new());

/// Takes a value in: from now on no text has it.
pub fn know(value: &SecretString) {
    // A text is cleaned line by line.
    for line in value.expose_secret().lines().map(str::trim).filter(|line| line.len() >= SHORTEST) {
        let Ok(mut known) = KNOWN.write() else { return };
        if known.iter().any(|k| k.expose_secret() == line) {
            continue;
        }
        if known.len() == MOST {
            known.remove(0);
        }
        known.push(SecretString::from(line));
        ANY.store(true, Ordering::Release);
    }
}

/// The text without any value that is known; borrowed when there was none in it.
pub fn hide(text: Cow<'_, str>) -> Cow<'_, str> {
    if !ANY.load(Ordering::Acquire) {
        return text;
    }
    let Ok(known) = KNOWN.read() else { return Cow::Borrowed(HIDDEN) };
    let mut text = text;
    for value in known.iter() {
        if text.contains(value.expose_secret()) {
            text = Cow::Owned(text.replace(value.expose_secret(), HIDDEN));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use secrecy::SecretString;

    use super::{hide, know};

    #[test]
    fn a_value_that_is_known_is_in_no_text_and_a_short_one_hides_nothing() {
        know(&SecretString::from("first-line-of-8841\nab"));
        let told = |text: &'static str| hide(Cow::Borrowed(text)).into_owned();
        assert_eq!(told("it said first-line-of-8841 twice: first-line-of-8841"), "it said <hidden> twice: <hidden>");
        assert_eq!(told("about"), "about");
        assert!(!format!("{:?}", SecretString::from("first-line-of-8841")).contains("8841"));
    }
}
