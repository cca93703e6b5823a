//! Who is asking: every way in which a token does not hold, revocation, rotation, and what only services may call.

use crate::house::Things;
use chassis::clock::Clock;
use chassis::identity::{IdentityConfig, ServiceKeys};
use contract::auth::Revoked;
use contract::error::ErrorCode;
use contract::identity::{Claims, Role};
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;
use testkit::{Answer, FakeAuth, Issuer, RawPeer, Setup, TestService, Wire, eventually, eventually_within};

const ME: &str = "/api/v1/things/me";
const KEY: &str = "a-service-key-for-tests-that-is-long-enough";

struct House {
    service: TestService,
    issuer: Issuer,
}

impl House {
    /// `things` and the feed in one process, keys known.
    async fn new() -> Self {
        let issuer = Issuer::new();
        let setup = Setup::of::<Things>().and::<FakeAuth>().issuer(&issuer);
        let service = setup.set("BOWLINE_IDENTITY__SERVICE_KEY", KEY).build().await;
        eventually(async || service.assembled().shared().verifier().check()).await;
        Self { service, issuer }
    }

    fn clock(&self) -> &Clock {
        self.service.clock()
    }

    fn claims(&self) -> Claims {
        self.issuer.claims(self.clock(), &[Role::User])
    }

    async fn me(&self, token: &str) -> Answer {
        self.service.client().bearer(token).get(ME).await
    }

    /// Signs some header and the claims with HMAC.
    fn hmac(&self, secret: &[u8], claims: &Claims) -> String {
        let header = Header { kid: Some(self.issuer.public_key().1), ..Header::new(Algorithm::HS256) };
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(secret)).unwrap()
    }
}

fn part(value: &Value) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(value.to_string())
}

#[tokio::test]
async fn a_token_that_holds_says_who_is_asking() {
    let house = House::new().await;
    let claims = house.claims();
    let token = house.issuer.sign(&claims);
    for _ in 0..2 {
        assert_eq!(house.me(&token).await.expect(200).data::<contract::ids::UserId>(), claims.sub);
    }
    let maybe = house.service.client().bearer(&token).get("/api/v1/things/maybe").await.expect(200);
    assert_eq!(maybe.data::<contract::ids::UserId>(), claims.sub);
}

#[tokio::test]
async fn nobody_is_401_and_told_how_to_log_in() {
    let house = House::new().await;
    let answer = house.service.client().get(ME).await.expect(401);
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    answer.refused(ErrorCode::Unauthenticated);
    house.service.client().get("/api/v1/things/maybe").await.expect(200);
    house.service.client().get("/api/v1/things/short").await.expect(200);
}

#[tokio::test]
async fn a_token_that_was_not_signed_by_us_for_us_is_401() {
    let house = House::new().await;
    let claims = house.claims();
    let good = house.issuer.sign(&claims);
    let (head, rest) = good.split_once('.').unwrap();
    let (body, signature) = rest.split_once('.').unwrap();
    let (public, kid) = house.issuer.public_key();
    let stranger = Issuer::new();
    let renamed = |alg: &str, kid: &str| part(&json!({ "alg": alg, "typ": "JWT", "kid": kid }));
    let mut promoted = serde_json::to_value(&claims).unwrap();
    promoted["roles"] = json!(["admin"]);
    for (what, token) in [
        ("garbage", "garbage".to_owned()),
        ("nothing", String::new()),
        ("no signature", format!("{head}.{body}.")),
        ("alg none", format!("{}.{body}.", renamed("none", &kid))),
        ("alg none with a signature", format!("{}.{body}.{signature}", renamed("none", &kid))),
        ("HMAC by the public key", house.hmac(&public, &claims)),
        ("another algorithm named", format!("{}.{body}.{signature}", renamed("ES256", &kid))),
        ("a stranger's key", stranger.sign(&claims)),
        ("a stranger's key under our id", {
            let theirs = stranger.sign(&claims);
            format!("{head}.{}", theirs.split_once('.').unwrap().1)
        }),
        ("no key id", format!("{}.{body}.{signature}", part(&json!({ "alg": "EdDSA" })))),
        ("an unknown key id", format!("{}.{body}.{signature}", renamed("EdDSA", "other"))),
        ("a changed body", format!("{head}.{}.{signature}", part(&promoted))),
        ("a cut signature", good[..good.len() - 2].to_owned()),
        ("another issuer", house.issuer.sign(&Claims { iss: "else".to_owned(), ..claims.clone() })),
        ("another audience", house.issuer.sign(&Claims { aud: "else".to_owned(), ..claims.clone() })),
        (
            "claims missing",
            house.issuer.sign(&json!({ "iss": "bowline", "aud": "bowline", "exp": claims.exp })),
        ),
    ] {
        let answer = house.me(&token).await;
        assert_eq!(answer.status, 401, "{what}: {}", answer.text());
        answer.refused(ErrorCode::Unauthenticated);
        let public = house.service.client().bearer(&token).get("/api/v1/things/maybe").await;
        assert_eq!(public.status, 401, "{what}: a token that does not hold is not nobody");
    }
    house.me(&good).await.expect(200);
}

#[tokio::test]
async fn only_one_bearer_token_counts() {
    let house = House::new().await;
    let token = house.issuer.token(house.clock(), &[]);
    let client = house.service.client();
    let with = |headers: &[String]| {
        let ask = client.request(Method::GET, ME);
        headers.iter().fold(ask, |ask, value| ask.header("authorization", value)).send()
    };
    with(&[format!("bearer {token}")]).await.expect(200);
    with(&[format!("Basic {token}")]).await.expect(401);
    with(std::slice::from_ref(&token)).await.expect(401);
    with(&[format!("Bearer {token}"), format!("Bearer {token}")]).await.expect(401);
}

#[tokio::test]
async fn a_token_counts_within_its_times_and_the_forgiven_difference() {
    let house = House::new().await;
    let now = house.clock().now().secs();
    let of = |nbf: i64, exp: i64| house.issuer.sign(&Claims { nbf, exp, ..house.claims() });
    house.me(&of(now - 10, now - 5)).await.expect(401).refused(ErrorCode::TokenExpired);
    house.me(&of(now - 10, now - 4)).await.expect(200);
    house.me(&of(now + 6, now + 60)).await.expect(401).refused(ErrorCode::Unauthenticated);
    house.me(&of(now + 5, now + 60)).await.expect(200);
    let remembered = of(now, now + 10);
    house.me(&remembered).await.expect(200);
    house.clock().advance(Duration::from_secs(15));
    house.me(&remembered).await.expect(401).refused(ErrorCode::TokenExpired);
}

#[tokio::test]
async fn a_revoked_session_stops_within_a_second_and_others_go_on() {
    let house = House::new().await;
    let (claims, other) = (house.claims(), house.claims());
    let (token, other) = (house.issuer.sign(&claims), house.issuer.sign(&other));
    house.me(&token).await.expect(200);
    house.issuer.revoke(house.clock(), Revoked::Session { session: claims.sid });
    let ended = async || house.me(&token).await.status == 401;
    eventually_within(Duration::from_secs(1), ended).await;
    house.me(&token).await.refused(ErrorCode::TokenRevoked);
    house.me(&other).await.expect(200);
}

#[tokio::test]
async fn rights_of_an_older_version_are_revoked_and_newer_ones_hold() {
    let house = House::new().await;
    let claims = house.claims();
    let older = house.issuer.sign(&claims);
    let newer = house.issuer.sign(&Claims { ver: 2, ..claims.clone() });
    house.me(&older).await.expect(200);
    house.issuer.revoke(house.clock(), Revoked::User { user: claims.sub, version: 2 });
    eventually_within(Duration::from_secs(1), async || house.me(&older).await.status == 401).await;
    house.me(&older).await.refused(ErrorCode::TokenRevoked);
    house.me(&newer).await.expect(200);
}

#[tokio::test]
async fn keys_are_rotated_without_a_gap_and_a_retired_one_is_worth_nothing() {
    let house = House::new().await;
    let by_old = house.issuer.token(house.clock(), &[]);
    house.me(&by_old).await.expect(200);
    house.issuer.rotate();
    let by_new = house.issuer.token(house.clock(), &[]);
    eventually_within(Duration::from_secs(1), async || house.me(&by_new).await.status == 200).await;
    house.me(&by_old).await.expect(200);
    house.issuer.retire_old_keys();
    // Also where it is remembered as verified.
    eventually_within(Duration::from_secs(1), async || house.me(&by_old).await.status == 401).await;
    house.me(&by_new).await.expect(200);
}

#[tokio::test]
async fn a_key_that_is_not_published_signs_nothing_that_counts() {
    let house = House::new().await;
    house.issuer.rotate_secretly();
    let token = house.issuer.token(house.clock(), &[]);
    house.me(&token).await.expect(401).refused(ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn without_word_from_auth_nobody_is_let_in_and_nobody_is_told_to_log_in() {
    let house = House::new().await;
    let token = house.issuer.token(house.clock(), &[]);
    house.me(&token).await.expect(200);
    let verifier = house.service.assembled().shared().verifier().clone();
    house.issuer.silence(true);
    eventually(async || house.issuer.refusals() > 0).await;
    house.me(&token).await.expect(200);
    house.clock().advance(Duration::from_secs(61));
    assert!(verifier.check().is_err());
    let answer = house.me(&token).await.expect(503);
    assert_eq!(answer.header("retry-after"), Some("1"));
    answer.refused(ErrorCode::Unavailable);
    house.service.client().get("/api/v1/things/short").await.expect(200);
    house.issuer.silence(false);
    eventually_within(Duration::from_secs(2), async || house.me(&token).await.status == 200).await;
}

#[tokio::test]
async fn before_the_first_word_from_auth_tokens_are_503() {
    let issuer = Issuer::new();
    issuer.silence(true);
    let service = Setup::of::<Things>().and::<FakeAuth>().issuer(&issuer).build().await;
    let token = issuer.token(service.clock(), &[]);
    let answer = service.client().bearer(&token).get(ME).await.expect(503);
    answer.refused(ErrorCode::Unavailable);
    assert_eq!(
        service.assembled().shared().verifier().check(),
        Err("no word from the auth service".to_owned())
    );
}

#[tokio::test]
async fn a_permission_comes_from_the_roles_in_the_token_alone() {
    let house = House::new().await;
    let admin = |roles: &[Role]| {
        let token = house.issuer.token(house.clock(), roles);
        let client = house.service.client().bearer(&token);
        async move { client.get("/api/v1/things/admin").await }
    };
    admin(&[Role::Admin]).await.expect(200);
    admin(&[Role::User, Role::Admin]).await.expect(200);
    for roles in [&[][..], &[Role::User], &[Role::Moderator, Role::Vendor]] {
        let error = admin(roles).await.expect(403).refused(ErrorCode::Forbidden);
        assert!(error.error.message.contains("users:manage"), "{error:?}");
    }
    house.service.client().get("/api/v1/things/admin").await.expect(401);
}

#[tokio::test]
async fn internal_routes_are_there_for_services_that_prove_themselves_and_for_nobody_else() {
    let house = House::new().await;
    let client = house.service.client();
    let call = |path: &str, credential: Option<&str>| {
        let ask = client.request(Method::GET, path);
        credential.into_iter().fold(ask, |ask, value| ask.header("x-service-authorization", value)).send()
    };
    let keys = |secret: &str| ServiceKeys::new(&secret.to_owned().into(), &IdentityConfig::default());
    let credential = |secret: &str, to: &'static str| {
        keys(secret).credential("orders", to, house.clock()).unwrap().to_str().unwrap().to_owned()
    };
    let ours = credential(KEY, "things");
    assert_eq!(call("/internal/v1/things/closed", Some(&ours)).await.expect(200).data::<String>(), "orders");
    call("/internal/v1/things/openapi", Some(&ours)).await.expect(200);
    // Also a route whose author forgot to ask who is calling.
    for path in ["/internal/v1/things/closed", "/internal/v1/things/forgotten", "/internal/v1/things/openapi"]
    {
        let user = house.issuer.token(house.clock(), &[Role::Admin]);
        for wrong in [
            None,
            Some("garbage"),
            Some(&*credential("somebody-elses-key-that-is-long-enough", "things")),
            Some(&*credential(KEY, "auth")),
            Some(&*user),
            Some(&*format!("{ours}, {ours}")),
        ] {
            call(path, wrong).await.expect(404).refused(ErrorCode::NotFound);
        }
    }
    house.clock().advance(Duration::from_secs(331));
    call("/internal/v1/things/closed", Some(&ours)).await.expect(404);
}

#[tokio::test]
async fn a_service_that_proves_itself_may_say_for_whom_it_calls() {
    let house = House::new().await;
    let keys = ServiceKeys::new(&KEY.to_owned().into(), &IdentityConfig::default());
    let credential = keys.credential("gateway", "things", house.clock()).unwrap();
    let client = house.service.client();
    let ask = client.request(Method::GET, "/api/v1/things/context").header("x-forwarded-for", "203.0.113.9");
    let stranger = ask.send().await.expect(200);
    assert_eq!(stranger.json()["data"]["clientIp"], "192.0.2.1");
    let ask = client.request(Method::GET, "/api/v1/things/context").header("x-forwarded-for", "203.0.113.9");
    let ask = ask.header("x-service-authorization", credential.to_str().unwrap());
    let data = ask.send().await.expect(200).json()["data"].clone();
    assert_eq!((&data["clientIp"], &data["callingService"]), (&json!("203.0.113.9"), &json!("gateway")));
}

#[tokio::test]
async fn a_verifier_in_another_process_follows_over_http() {
    let issuer = Issuer::new();
    let auth =
        Setup::of::<FakeAuth>().issuer(&issuer).set("BOWLINE_IDENTITY__SERVICE_KEY", KEY).build().await;
    let listening = auth.listen();
    let setup = Setup::of::<Things>().and::<FakeAuth>().targets("things").peer("auth", listening.url());
    let service = setup.set("BOWLINE_IDENTITY__SERVICE_KEY", KEY).build().await;
    let claims = issuer.claims(service.clock(), &[Role::User]);
    let known = service.client().bearer(&issuer.sign(&claims));
    eventually(async || known.get(ME).await.status == 200).await;
    issuer.revoke(service.clock(), Revoked::Session { session: claims.sid });
    eventually_within(Duration::from_secs(1), async || known.get(ME).await.status == 401).await;
    issuer.silence(true);
    issuer.rotate();
    issuer.silence(false);
    let by_new = service.client().bearer(&issuer.token(service.clock(), &[]));
    eventually_within(Duration::from_secs(2), async || by_new.get(ME).await.status == 200).await;
    known.get(ME).await.expect(401).refused(ErrorCode::TokenRevoked);
}

#[tokio::test]
async fn a_feed_that_never_waits_is_not_asked_without_end() {
    let feed =
        json!({ "success": true, "data": { "cursor": 0, "revocations": [], "keysVersion": "" } }).to_string();
    let asked = Arc::new(AtomicUsize::new(0));
    let asks = Arc::clone(&asked);
    let auth = RawPeer::start(move |mut wire: Wire| {
        let (asks, feed) = (Arc::clone(&asks), feed.clone());
        async move {
            loop {
                wire.request().await?;
                asks.fetch_add(1, Ordering::SeqCst);
                wire.write(format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{feed}", feed.len()))
                    .await?;
            }
        }
    })
    .await;
    let setup = Setup::of::<Things>().and::<FakeAuth>().targets("things").peer("auth", auth.url());
    let _service = setup.build().await;
    eventually(async || asked.load(Ordering::SeqCst) >= 3).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let asked = asked.load(Ordering::SeqCst);
    assert!(asked < 50, "{asked} questions in half a second");
}
