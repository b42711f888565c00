use serde_json::{Value, json};

use super::{FingerprintKey, yaml};
use crate::target::kubernetes::testing::{Server, answer};
use crate::target::model::{Kind, ObjectRef};

const KEY: FingerprintKey = FingerprintKey::new([7; 32]);

fn secret() -> Value {
    json!({
        "kind": "Secret", "apiVersion": "v1", "type": "Opaque",
        "metadata": {
            "name": "db", "managedFields": [{ "manager": "kubectl" }, { "manager": "helm" }, { "manager": "kubectl" }],
            "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{\"data\":{\"password\":\"aHVudGVyMg==\"}}", "owner": "team" }
        },
        "data": { "password": "aHVudGVyMg==", "again": "aHVudGVyMg==", "other": "aHVudGVyMw==", "none": "", "broken": "hunter2!" }
    })
}

#[test]
fn values_of_secrets_are_never_shown_and_can_still_be_compared() {
    let text = yaml(secret(), &KEY);
    for clear in ["aHVudGVy", "hunter"] {
        assert!(!text.contains(clear), "{text}");
    }
    let line = |key: &str| {
        text.lines()
            .find_map(|l| l.trim().strip_prefix(&format!("{key}: ")))
            .unwrap()
            .trim_matches(['"', '\''])
            .to_owned()
    };
    assert!(line("password").starts_with("<hidden: 7 bytes, fingerprint "), "{text}");
    assert_eq!(line("password"), line("again"));
    assert_ne!(line("password"), line("other"));
    assert_eq!(line("none"), "<empty>");
    assert_eq!(line("owner"), "team");
    assert_ne!(yaml(secret(), &FingerprintKey::new([8; 32])), text, "another installation sees other fingerprints");
    assert!(!format!("{KEY:?}").contains('7'));
}

#[test]
fn an_object_reads_as_kubectl_prints_it_with_managed_fields_folded() {
    let object = json!({
        "kind": "ConfigMap", "apiVersion": "v1",
        "metadata": { "name": "web", "managedFields": [{ "manager": "kubectl" }, { "manager": "helm" }] },
        "data": { "script": "#!/bin/sh\necho hi\n", "flag": "true", "number": "012", "long": "word ".repeat(40) }
    });
    let long = "word ".repeat(40);
    let text = yaml(object, &KEY);
    assert_eq!(
        text,
        format!(
            "apiVersion: v1\ndata:\n  flag: \"true\"\n  long: \"{long}\"\n  number: \"012\"\n  script: |\n    #!/bin/sh\n    echo hi\n\
             kind: ConfigMap\nmetadata:\n  managedFields: \"<folded: helm, kubectl>\"\n  name: web\n"
        )
    );
}

#[test]
fn nothing_in_a_document_drives_a_terminal() {
    let text = yaml(json!({ "data": { "\u{1b}[31mkey": "a\u{1b}]0;title\u{7}b\nc\u{9b}2Jd\te" } }), &KEY);
    assert!(!text.chars().any(|c| c.is_control() && c != '\n'), "{text:?}");
    assert!(text.contains("ab\n") && text.contains("cd e"), "{text}");
}

#[tokio::test]
async fn a_document_is_fetched_when_it_is_asked_for() {
    let server = Server::start(vec![vec![answer("200 OK", &secret().to_string())]]).await;
    let text = server.client().await.document(&ObjectRef::new(Kind::Secret, "shop", "db"), &KEY).await.unwrap();
    assert!(text.contains("name: db"));
    assert_eq!(server.requests(), ["GET /api/v1/namespaces/shop/secrets/db"]);
}

#[test]
fn a_certificate_in_a_secret_says_for_whom_and_until_when_and_its_key_stays_hidden() {
    use base64::Engine as _;
    let names: Vec<String> = ["a", "b", "c", "d", "e"].iter().map(|n| format!("{n}.example")).collect();
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    let encode = |text: String| base64::engine::general_purpose::STANDARD.encode(text);
    let secret = json!({ "kind": "Secret", "type": "kubernetes.io/tls",
        "data": { "tls.crt": encode(made.cert.pem()), "tls.key": encode(made.signing_key.serialize_pem()) } });
    let text = yaml(secret, &KEY);
    assert!(
        text.contains("certificate of a.example, b.example, c.example and 2 more, by rcgen self signed cert, until 4096-01-01"),
        "{text}"
    );
    assert!(
        text.contains("tls.key: '<hidden: ") || text.contains("tls.key: <hidden: ") || text.contains("tls.key: \"<hidden: "),
        "{text}"
    );
    assert!(!text.contains("PRIVATE KEY"), "{text}");
}
