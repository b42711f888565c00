//! Drafts of mails: files that a mail program opens to be looked at and sent by hand.
//!
//! Owns their form and where they are put. Must not send anything.

use std::fs::{DirBuilder, OpenOptions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use jiff::Timestamp;
use jiff::fmt::rfc2822;

use crate::base::text::clean;
use crate::service::{Channel, Service};

/// Characters of a subject.
const SUBJECT: usize = 120;
/// Drafts of one second and channel.
const MOST: u32 = 100;

/// Writes one, for its owner alone; says where it is.
pub(super) fn write(folder: &Path, service: &Service, channel: &Channel, text: &str, at: Timestamp) -> Result<String, String> {
    let to = channel.to.as_deref().ok_or("it does not say whom it is for")?;
    let why = |error: &std::io::Error| format!("the draft cannot be written to {}: {error}", folder.display());
    DirBuilder::new().recursive(true).mode(0o700).create(folder).map_err(|e| why(&e))?;
    let mail = mail(service, to, text, at);
    for number in 0..MOST {
        let further = if number == 0 { String::new() } else { format!("-{number}") };
        let path = folder.join(format!("{}-{}{further}.eml", at.strftime("%Y%m%d-%H%M%S"), channel.id));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Ok(mut file) => {
                file.write_all(mail.as_bytes()).and_then(|()| file.sync_all()).map_err(|e| why(&e))?;
                return Ok(format!("a draft to {} is in {}: nobody has it until you send it", clean(to), path.display()));
            }
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(why(&error)),
        }
    }
    Err(format!("there are {MOST} drafts of this second in {}", folder.display()))
}

/// The mail as RFC 5322 has it. A line of its head holds one line of text, whatever was in it.
fn mail(service: &Service, to: &str, text: &str, at: Timestamp) -> String {
    let environment = service.environment.as_ref().map_or("", |e| e.id.as_str());
    let one_line = |text: &str| clean(text).split_whitespace().collect::<Vec<_>>().join(" ");
    let subject: String = one_line(&format!("[{} {environment}] {text}", service.id)).chars().take(SUBJECT).collect();
    let body: Vec<&str> = text.lines().collect();
    // A timestamp of this calendar has this form always.
    let date = rfc2822::to_string(&at.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
    format!(
        "X-Unsent: 1\r\nDate: {date}\r\nTo: {}\r\nSubject: {}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\
         Content-Transfer-Encoding: 8bit\r\n\r\n{}\r\n",
        one_line(to),
        encoded(&subject),
        body.join("\r\n")
    )
}

/// A subject beyond ASCII as encoded words (RFC 2047), each short enough for its line.
fn encoded(text: &str) -> String {
    if text.is_ascii() {
        return text.to_owned();
    }
    let (mut words, mut word) = (Vec::new(), String::new());
    for c in text.chars() {
        let mut bytes = [0; 4];
        let one: String = match c {
            ' ' => "_".to_owned(),
            c if c.is_ascii_alphanumeric() => c.to_string(),
            c => c.encode_utf8(&mut bytes).bytes().fold(String::new(), |all, byte| format!("{all}={byte:02X}")),
        };
        if word.len() + one.len() > 60 {
            words.push(std::mem::take(&mut word));
        }
        word.push_str(&one);
    }
    words.push(word);
    words.iter().map(|w| format!("=?utf-8?Q?{w}?=")).collect::<Vec<_>>().join("\r\n ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::write;
    use crate::service::{Origin, ServiceFile};

    #[test]
    fn a_draft_is_a_mail_for_its_owner_s_eyes_and_no_text_adds_to_its_head() {
        let file = "schema = 1\n[service]\nid = \"shop\"\n[env.production]\nkind = \"production\"\n[notify.mail]\nkind = \"mail-draft\"\nto = \"team@example.com\"\n";
        let (file, problems) = ServiceFile::read("f.toml", file, &Origin::Operator);
        assert!(problems.is_empty(), "{problems:?}");
        let service = file.expect("a file").resolve(Some("production")).0;
        let folder = tempfile::tempdir().expect("a folder");
        let at = "2026-11-22T14:33:12Z".parse().expect("a time");
        let text = "Größe reicht nicht\nBcc: everybody@example.com";
        let drafts = folder.path().join("drafts");
        for name in ["20261122-143312-mail.eml", "20261122-143312-mail-1.eml"] {
            let said = write(&drafts, &service, &service.declared.channels[0], text, at).expect("written");
            let path = drafts.join(name);
            assert!(said.contains(name) && said.contains("team@example.com"), "{said}");
            assert_eq!(std::fs::metadata(&path).expect("it is there").permissions().mode() & 0o777, 0o600);
            let mail = std::fs::read_to_string(&path).expect("a text");
            let (head, body) = mail.split_once("\r\n\r\n").expect("head and body");
            assert!(head.contains("To: team@example.com\r\n") && head.contains("Date: Sun, 22 Nov 2026 14:33:12"), "{head}");
            assert!(head.contains("Subject: =?utf-8?Q?=5Bshop_production=5D_Gr=C3=B6=C3=9Fe") && head.is_ascii(), "{head}");
            assert!(!head.lines().any(|line| line.starts_with("Bcc")), "{head}");
            assert_eq!(body, "Größe reicht nicht\r\nBcc: everybody@example.com\r\n");
        }
    }
}
