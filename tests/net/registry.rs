//! The driver against a registry of the test: who is let in, what it has, and every way in which it can behave badly.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use secrecy::SecretString;
use timonel::target::api::ErrorKind;
use timonel::target::net::{Net, Route, Trust};
use timonel::target::registry::{ImageName, Manifest, NoManifest, Platform, PullLogin};

use crate::support::registry::{Door, Registry, TOKEN, digest};

const PLENTY: Duration = Duration::from_secs(20);

fn login(password: &str) -> PullLogin {
    PullLogin { user: "puller".into(), password: SecretString::from(password) }
}

fn pair(password: &str) -> String {
    STANDARD.encode(format!("puller:{password}"))
}

async fn ask(registry: &Registry, name: &str, login: Option<&PullLogin>) -> Result<Manifest, NoManifest> {
    ask_within(registry, name, login, PLENTY).await
}

async fn ask_within(registry: &Registry, name: &str, login: Option<&PullLogin>, within: Duration) -> Result<Manifest, NoManifest> {
    let net = Net::new(&Trust::System, Route::Direct).expect("a driver");
    let image = ImageName::parse(&format!("{}/{name}", registry.host())).expect("a name");
    net.ask_registry(&image, login, within).await
}

fn why(answer: Result<Manifest, NoManifest>) -> (ErrorKind, String) {
    match answer {
        Err(NoManifest::NotHeard(why)) => (why.kind, why.message),
        other => panic!("{other:?}"),
    }
}

fn of(os: &str, architecture: &str) -> Platform {
    Platform { os: os.into(), architecture: architecture.into() }
}

#[tokio::test]
async fn an_image_of_one_platform_and_one_of_several_say_their_digest_and_platforms() {
    let registry = Registry::start(Door::Open);
    let one = registry.image("shop/api:1.0", "linux", "amd64");
    let many = registry.index("shop/api:2.0", &[("linux", "amd64"), ("linux", "arm64"), ("unknown", "unknown")]);
    assert_eq!(
        ask(&registry, "shop/api:1.0", None).await,
        Ok(Manifest { digest: one.clone(), platforms: Ok(vec![of("linux", "amd64")]) })
    );
    assert_eq!(ask(&registry, &format!("shop/api@{one}"), None).await.map(|m| m.digest), Ok(one));
    let both = vec![of("linux", "amd64"), of("linux", "arm64")];
    assert_eq!(ask(&registry, "shop/api:2.0", None).await, Ok(Manifest { digest: many, platforms: Ok(both) }));
    assert_eq!(ask(&registry, "shop/api:9.9", None).await, Err(NoManifest::Absent));
    assert_eq!(ask(&registry, &format!("shop/api@{}", digest(b"none")), None).await, Err(NoManifest::Absent));
}

#[tokio::test]
async fn a_login_opens_the_door_for_a_token_or_itself_and_a_wrong_one_is_refused() {
    let by_token = Registry::start(Door::Token(pair("right-8812")));
    let wanted = by_token.image("shop/api:1.0", "linux", "amd64");
    assert_eq!(ask(&by_token, "shop/api:1.0", Some(&login("right-8812"))).await.map(|m| m.digest), Ok(wanted));
    assert_eq!(ask(&by_token, "shop/api:9.9", Some(&login("right-8812"))).await, Err(NoManifest::Absent));
    for wrong in [Some(login("wrong-8813")), None] {
        assert_eq!(ask(&by_token, "shop/api:1.0", wrong.as_ref()).await, Err(NoManifest::Refused));
    }
    let heard = by_token.heard();
    let token = heard.iter().find(|h| h.line.starts_with("GET /token")).expect("a token was asked for");
    assert!(token.line.contains("service=fake") && token.line.contains("scope=repository%3Ashop%2Fapi%3Apull"), "{token:?}");
    assert!(heard[0].authorization.is_empty(), "the login is not shown before it is asked for: {heard:?}");
    let by_login = Registry::start(Door::Basic(pair("right-8812")));
    let wanted = by_login.image("shop/api:1.0", "linux", "amd64");
    assert_eq!(ask(&by_login, "shop/api:1.0", Some(&login("right-8812"))).await.map(|m| m.digest), Ok(wanted));
    assert_eq!(ask(&by_login, "shop/api:1.0", Some(&login("wrong-8813"))).await, Err(NoManifest::Refused));
}

#[tokio::test]
async fn a_redirect_to_another_host_goes_without_the_login() {
    let (registry, store) = (Registry::start(Door::Token(pair("right-8812"))), Registry::start(Door::Open));
    registry.image("shop/api:1.0", "linux", "arm64");
    store.image("shop/api:1.0", "linux", "arm64");
    registry.redirect("/v2/shop/api/blobs/", &format!("http://{}/v2/elsewhere/blobs/", store.host()));
    let found = ask(&registry, "shop/api:1.0", Some(&login("right-8812"))).await.expect("a manifest");
    assert_eq!(found.platforms, Ok(vec![of("linux", "arm64")]));
    let there = store.heard();
    assert_eq!((there.len(), there[0].authorization.as_str()), (1, ""), "{there:?}");
    assert!(registry.heard().iter().any(|h| h.authorization.contains(TOKEN)));
    let open = Registry::start(Door::Open);
    open.redirect("/v2/shop/", "http://registry.example/v2/shop/");
    assert!(why(ask(&open, "shop/api:1.0", None).await).1.contains("open line"));
    let round = Registry::start(Door::Open);
    round.redirect("/v2/shop/", "/v2/shop/");
    assert!(why(ask(&round, "shop/api:1.0", None).await).1.contains("without end"));
}

#[tokio::test]
async fn what_was_not_heard_or_is_no_manifest_is_neither_there_nor_absent() {
    let registry = Registry::start(Door::Open);
    registry.deafen("/v2/slow/");
    registry.break_with("/v2/broken/", 503);
    registry.break_with("/v2/busy/", 429);
    registry.put("shop/page:1", "text/html", &serde_json::json!({ "hello": "world" }));
    let other = registry.blob("application/json", b"{}".to_vec());
    registry.name("shop/half:1", &other);
    assert_eq!(why(ask_within(&registry, "slow/api:1", None, Duration::from_millis(300)).await).0, ErrorKind::Timeout);
    assert_eq!(why(ask(&registry, "broken/api:1", None).await), (ErrorKind::Server, "the registry answered with 503".into()));
    assert_eq!(why(ask(&registry, "busy/api:1", None).await).0, ErrorKind::TooManyRequests);
    for name in ["shop/page:1", "shop/half:1"] {
        assert!(why(ask(&registry, name, None).await).1.contains("no manifest"), "{name}");
    }
    let net = Net::new(&Trust::System, Route::Direct).expect("a driver");
    let gone = ImageName::parse("127.0.0.1:1/shop/api:1").expect("a name");
    assert_eq!(why(net.ask_registry(&gone, None, PLENTY).await).0, ErrorKind::Unreachable);
    // Its configuration cannot be had: which image it is, is known all the same.
    let blind = Registry::start(Door::Open);
    let known = blind.image("shop/api:1.0", "linux", "amd64");
    blind.break_with("/v2/shop/api/blobs/", 404);
    let found = ask(&blind, "shop/api:1.0", None).await.expect("a manifest");
    assert!(found.digest == known && found.platforms.is_err_and(|why| why.contains("404")));
}
