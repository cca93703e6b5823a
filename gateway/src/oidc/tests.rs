//! People of a provider: their tokens, their logins, and what somebody tries who is none of them.

use super::fake::{Fake, Signing};
use crate::access::probe::Bench;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use contract::ErrorCode;
use contract::identity::Role;
use http::Method;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::time::Duration;
use testkit::{Answer, Engine, FakeAuth, Folder, Issuer, Setup, eventually};

const PROBE: &str = "/api/v1/probe";
const LOGIN: &str = "/api/v1/gateway/login/fake";
const RULE: &str = "provider = 'fake'\nroles = ['admin']\nscopes = ['things:read']";

struct House {
    bench: Bench,
    fake: Fake,
    key: Signing,
}

impl House {
    async fn start() -> Self {
        Self::with(Signing::ed("one")).await
    }

    async fn with(key: Signing) -> Self {
        let fake = Fake::start(&[&key]).await;
        let toml = fake.toml();
        let set = |setup: testkit::Setup| {
            setup.set("BOWLINE_PROBE__PROVIDER", toml).set("BOWLINE_IDENTITY__MAX_STALE_SECS", "3600")
        };
        let bench = Bench::start(Engine::Sqlite, RULE, set).await.unwrap();
        Self { bench, fake, key }
    }

    fn claims(&self, change: Value) -> Value {
        let mut claims = self.fake.claims(self.bench.service.clock());
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        claims
    }

    async fn with_token(&self, token: &str) -> Answer {
        self.bench.service.client().bearer(token).get(PROBE).await
    }

    async fn get(&self, path: &str, cookie: &str) -> Answer {
        self.bench.service.client().request(Method::GET, path).header("cookie", cookie).send().await
    }

    /// Begins a login: the cookie, and what the provider is asked.
    async fn begin(&self, query: &str) -> (String, HashMap<String, String>) {
        let answer = self.bench.service.client().get(&format!("{LOGIN}{query}")).await.expect(303);
        let place: http::Uri = answer.location().unwrap().parse().unwrap();
        assert!(answer.location().unwrap().starts_with(&self.fake.issuer));
        let asked = form_urlencoded::parse(place.query().unwrap().as_bytes()).into_owned().collect();
        (cookie(&answer, "login"), asked)
    }

    /// A code of the provider for what it was asked.
    fn code(&self, asked: &HashMap<String, String>, change: Value) -> String {
        let mut claims = self.claims(json!({"nonce": asked["nonce"]}));
        for (name, value) in change.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let answer = json!({"id_token": self.key.sign(&claims), "token_type": "Bearer", "scope": "openid things:read"});
        self.fake.code(&asked["code_challenge"], answer)
    }

    async fn back(&self, cookie: &str, code: &str, state: &str) -> Answer {
        self.get(&format!("{LOGIN}/callback?code={code}&state={state}"), cookie).await
    }

    /// Somebody who has logged in: their cookie.
    async fn session(&self) -> String {
        let (login, asked) = self.begin("?returnTo=/orders").await;
        let code = self.code(&asked, json!({}));
        let answer = self.back(&login, &code, &asked["state"]).await.expect(303);
        assert_eq!(answer.location(), Some("/orders"));
        cookie(&answer, "session")
    }
}

/// The cookie of this kind that an answer sets, as a browser sends it.
fn cookie(answer: &Answer, kind: &str) -> String {
    let set = answer.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
    let set = set.filter(|text| !text.contains("Max-Age=0")).find(|text| text.contains(kind)).unwrap();
    assert!(set.contains("; HttpOnly; SameSite=Lax") && set.contains("; Path=/; Max-Age="), "{set}");
    set.split(';').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_token_of_the_provider_opens_the_routes_that_name_it() {
    for key in [Signing::ed("one"), Signing::ec("one"), Signing::rsa("one")] {
        let house = House::with(key).await;
        let answer =
            house.with_token(&house.key.sign(&house.claims(json!({})))).await.expect(200).json()["data"]
                .clone();
        assert_eq!(answer["who"], "somebody of fake");
        let headers = &answer["headers"];
        assert_eq!(
            (&headers["x-auth-provider"], &headers["x-auth-subject"]),
            (&json!("fake"), &json!("somebody"))
        );
        assert_eq!(
            (&headers["x-user-roles"], &headers["x-auth-scopes"]),
            (&json!("admin"), &json!("things:read things:write"))
        );
        assert!(headers.get("authorization").is_none() && headers.get("x-user-id").is_none(), "{headers}");
        let without = |claims| house.key.sign(&house.claims(claims));
        house.with_token(&without(json!({"groups": ["users"]}))).await.expect(403);
        let refused = house.with_token(&without(json!({"scope": "things:write"}))).await.expect(403);
        assert!(refused.header("www-authenticate").unwrap().contains("insufficient_scope"));
    }
}

#[tokio::test]
async fn what_was_not_signed_by_the_provider_for_this_door_and_now_opens_nothing() {
    let house = House::with(Signing::rsa("one")).await;
    let good = house.key.sign(&house.claims(json!({})));
    house.with_token(&good).await.expect(200);
    let now = house.bench.service.clock().now().secs();
    let signed = |claims| house.key.sign(&house.claims(claims));
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let claims = house.claims(json!({}));
    let none = format!("{}.{}.", part(&json!({"alg": "none", "kid": "one"})), part(&claims));
    // The public key as the secret of a code that both sides know.
    let header = Header { kid: Some("one".to_owned()), ..Header::new(Algorithm::HS256) };
    let public = URL_SAFE_NO_PAD.decode(house.key.jwk["n"].as_str().unwrap()).unwrap();
    let hmac =
        |secret: &[u8]| jsonwebtoken::encode(&header, &claims, &EncodingKey::from_secret(secret)).unwrap();
    let stranger = Signing::rsa("one");
    let (head, tail) = good.rsplit_once('.').unwrap();
    let stripped = format!("{head}.");
    let other_claims =
        format!("{}.{}.{tail}", head.split('.').next().unwrap(), part(&house.claims(json!({"sub": "boss"}))));
    let user =
        house.bench.issuer.sign(&house.bench.issuer.claims(house.bench.service.clock(), &[Role::Admin]));
    for (what, token) in [
        ("alg none", none),
        ("HS256 with the public key", hmac(&public)),
        ("HS256 with its text", hmac(house.key.jwk["n"].as_str().unwrap().as_bytes())),
        ("another key by the same name", stranger.sign(&claims)),
        ("no signature", stripped),
        ("other claims", other_claims),
        ("another audience", signed(json!({"aud": "another-door"}))),
        ("another issuer", signed(json!({"iss": "https://evil.example"}))),
        ("not yet", signed(json!({"nbf": now + 60}))),
        ("nobody", signed(json!({"sub": ""}))),
        ("a time that is none", signed(json!({"exp": 1e300}))),
        ("no end", signed(json!({"exp": null}))),
        ("a user of the platform", user),
        ("nothing", String::new()),
    ] {
        let refused = house.with_token(&token).await;
        assert_eq!(refused.status, 401, "{what}");
        assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""), "{what}");
        refused.refused(ErrorCode::Unauthenticated);
    }
    let expired = house.with_token(&signed(json!({"exp": now - 31}))).await.expect(401);
    expired.refused(ErrorCode::TokenExpired);
    // One that was good, and is remembered, ends as well.
    house.bench.service.clock().advance(Duration::from_secs(3_631));
    house.with_token(&good).await.expect(401).refused(ErrorCode::TokenExpired);
}

#[tokio::test]
async fn unknown_keys_by_the_hundred_have_the_provider_asked_once() {
    let house = House::start().await;
    house.with_token(&house.key.sign(&house.claims(json!({})))).await.expect(200);
    assert_eq!(house.fake.asked(), 1);
    for number in 0..200 {
        let stranger = Signing::ed(&format!("unknown-{number}"));
        house.with_token(&stranger.sign(&house.claims(json!({})))).await.expect(401);
    }
    assert_eq!(house.fake.asked(), 1, "it was asked a moment ago");
    house.bench.service.clock().advance(Duration::from_secs(30));
    for number in 0..50 {
        let stranger = Signing::ed(&format!("unknown-{number}"));
        house.with_token(&stranger.sign(&house.claims(json!({})))).await.expect(401);
    }
    assert_eq!(house.fake.asked(), 2);
}

#[tokio::test]
async fn a_key_that_is_rotated_in_is_found_and_one_that_is_gone_opens_nothing_more() {
    let house = House::start().await;
    let old = house.key.sign(&house.claims(json!({})));
    house.with_token(&old).await.expect(200);
    let next = Signing::ec("two");
    house.fake.has(&[&next]);
    let new = next.sign(&house.claims(json!({})));
    house.with_token(&new).await.expect(401);
    house.bench.service.clock().advance(Duration::from_secs(30));
    house.with_token(&new).await.expect(200);
    house.with_token(&old).await.expect(401);
}

#[tokio::test]
async fn a_token_that_is_remembered_ends_with_its_key_also_when_nobody_brings_another() {
    let house = House::start().await;
    let in_a_day = house.bench.service.clock().now().secs() + 86_400;
    let token = house.key.sign(&house.claims(json!({"exp": in_a_day})));
    house.with_token(&token).await.expect(200);
    house.fake.has(&[&Signing::ec("two")]);
    house.with_token(&token).await.expect(200);
    house.bench.service.clock().advance(Duration::from_secs(3_600));
    eventually(async || match house.with_token(&token).await.status.as_u16() {
        401 => Ok(()),
        other => Err(other),
    })
    .await;
}

#[tokio::test]
async fn a_token_that_is_remembered_ends_with_its_key_also_when_another_has_the_name() {
    let house = House::start().await;
    let token = house.key.sign(&house.claims(json!({})));
    house.with_token(&token).await.expect(200);
    house.fake.has(&[&Signing::ed("one")]);
    house.bench.service.clock().advance(Duration::from_secs(30));
    house.with_token(&Signing::ed("unknown").sign(&house.claims(json!({})))).await.expect(401);
    assert_eq!(house.fake.asked(), 2);
    house.with_token(&token).await.expect(401);
}

#[tokio::test]
async fn while_the_provider_is_away_its_known_keys_go_on_and_of_others_nobody_can_tell() {
    let house = House::start().await;
    house.with_token(&house.key.sign(&house.claims(json!({})))).await.expect(200);
    house.fake.is_away(true);
    house.bench.service.clock().advance(Duration::from_secs(3_590));
    house.with_token(&house.key.sign(&house.claims(json!({"sub": "another"})))).await.expect(200);
    house.bench.service.clock().advance(Duration::from_secs(20));
    house.with_token(&house.key.sign(&house.claims(json!({"sub": "a third"})))).await.expect(200);
    assert_eq!(house.fake.asked(), 1, "it did not even say where its keys are");

    let house = House::start().await;
    house.fake.is_away(true);
    let token = house.key.sign(&house.claims(json!({})));
    let refused = house.with_token(&token).await.expect(503);
    assert!(refused.header("retry-after").is_some());
    house.bench.service.client().get(LOGIN).await.expect(503);
    house.fake.is_away(false);
    house.bench.service.clock().advance(Duration::from_secs(2));
    house.with_token(&token).await.expect(200);
}

#[tokio::test]
async fn who_waited_for_a_provider_that_did_not_answer_does_not_wait_for_another_try() {
    let house = House::start().await;
    let token = house.key.sign(&house.claims(json!({})));
    let silence = house.fake.silence().await;
    let long_after = async {
        eventually(async || house.fake.described() == 1).await;
        house.bench.service.clock().advance(Duration::from_secs(5));
        house.fake.is_away(true);
        drop(silence);
    };
    let (first, ()) = tokio::join!(house.with_token(&token), long_after);
    first.expect(503);
    house.with_token(&token).await.expect(503);
    assert_eq!(house.fake.described(), 1);
    house.fake.is_away(false);
    house.bench.service.clock().advance(Duration::from_secs(2));
    house.with_token(&token).await.expect(200);
}

#[tokio::test]
async fn an_answer_of_the_provider_is_not_lost_when_who_asked_for_it_goes_away() {
    let house = House::start().await;
    let token = house.key.sign(&house.claims(json!({})));
    let silence = house.fake.silence().await;
    tokio::select! {
        answer = house.with_token(&token) => panic!("{answer:?}"),
        () = eventually(async || house.fake.described() == 1) => {}
    }
    drop(silence);
    house.with_token(&token).await.expect(200);
    assert_eq!(house.fake.described(), 1);
}

#[tokio::test]
async fn a_browser_logs_in_uses_its_session_and_logs_out() {
    let house = House::start().await;
    let (_, asked) = house.begin("").await;
    assert_eq!((&*asked["response_type"], &*asked["code_challenge_method"]), ("code", "S256"));
    assert!(asked["redirect_uri"].ends_with("/api/v1/gateway/login/fake/callback"));
    assert_eq!(asked["scope"], "openid things:read");
    let session = house.session().await;
    let answer = house.get(PROBE, &format!("theme=dark; {session}")).await.expect(200).json()["data"].clone();
    assert_eq!(answer["who"], "somebody of fake");
    assert_eq!(answer["headers"]["cookie"], "theme=dark", "the door's own cookie stays at the door");
    house.bench.service.client().get(PROBE).await.expect(401);
    let logout = house.bench.service.client();
    let logout =
        logout.request(Method::POST, "/api/v1/gateway/logout").header("sec-fetch-site", "same-origin");
    let ended = logout.send().await.expect(204);
    let set = ended.header("set-cookie").unwrap();
    assert!(set.contains("session=;") && set.contains("Max-Age=0"), "{set}");
    house.bench.service.clock().advance(Duration::from_secs(28_800));
    house.get(PROBE, &session).await.expect(401);
}

#[tokio::test]
async fn a_page_of_another_site_changes_nothing_with_a_session() {
    let house = House::start().await;
    let session = house.session().await;
    let post = async |headers: &[(&str, &str)]| {
        let client = house.bench.service.client();
        let ask =
            client.request(Method::POST, PROBE).header("cookie", &session).header("host", "shop.example");
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
    };
    for headers in [&[][..], &[("origin", "https://evil.example")], &[("sec-fetch-site", "cross-site")]] {
        post(headers).await.expect(403).refused(ErrorCode::Forbidden);
    }
    post(&[("sec-fetch-site", "same-origin")]).await.expect(200);
    post(&[("origin", "https://shop.example")]).await.expect(200);
    // Who has a token in hand is no page that borrows a session.
    let person = house.bench.service.client().bearer(&house.key.sign(&house.claims(json!({}))));
    person.request(Method::POST, PROBE).header("origin", "https://evil.example").send().await.expect(200);
    // Nor does it log anybody out, also when the browser keeps the session back.
    let client = house.bench.service.client();
    for (cookie, status) in [(&*session, 403), ("theme=dark", 204)] {
        let logout = client.request(Method::POST, "/api/v1/gateway/logout").header("cookie", cookie);
        let answer = logout.header("sec-fetch-site", "cross-site").send().await.expect(status);
        assert_eq!(answer.header("set-cookie"), None);
    }
}

#[tokio::test]
async fn a_cookie_that_was_not_sealed_here_is_nobodys() {
    let house = House::start().await;
    let session = house.session().await;
    let (name, value) = session.split_once('=').unwrap();
    let (login, _) = house.begin("").await;
    let other = House::start().await.session().await;
    for forged in [
        format!(
            "{name}={}",
            URL_SAFE_NO_PAD.encode(json!({"provider": "fake", "subject": "boss"}).to_string())
        ),
        format!("{name}={}A", &value[..value.len() - 1]),
        format!("{name}={}", login.split_once('=').unwrap().1),
        format!("{name}={}", other.split_once('=').unwrap().1),
        format!("{session}; {session}"),
        format!("{name}="),
    ] {
        if forged != session {
            house.get(PROBE, &forged).await.expect(401);
        }
    }
    house.get(PROBE, &session).await.expect(200);
}

#[tokio::test]
async fn a_login_comes_back_once_to_the_browser_that_began_it() {
    let house = House::start().await;
    let (login, asked) = house.begin("").await;
    let code = house.code(&asked, json!({}));
    let refused = |answer: Answer| answer.expect(400).refused(ErrorCode::InvalidLink);
    // Another browser, and one that was led here by somebody else's link.
    refused(house.back("", &code, &asked["state"]).await);
    let (victim, _) = house.begin("").await;
    refused(house.back(&victim, &code, &asked["state"]).await);
    refused(house.back(&login, &code, "").await);
    refused(
        house
            .get(
                &format!("{LOGIN}/callback?code={code}&state={}&iss=https://evil.example", asked["state"]),
                &login,
            )
            .await,
    );
    house.back(&login, &code, &asked["state"]).await.expect(303);
    // The same again, also with a new code.
    refused(house.back(&login, &code, &asked["state"]).await);
    let code = house.code(&asked, json!({}));
    refused(house.back(&login, &code, &asked["state"]).await);
    let (late, asked) = house.begin("").await;
    let code = house.code(&asked, json!({}));
    house.bench.service.clock().advance(Duration::from_secs(600));
    refused(house.back(&late, &code, &asked["state"]).await);
}

#[tokio::test]
async fn what_the_provider_says_is_for_this_client_and_this_login() {
    let house = House::start().await;
    for change in [
        json!({"nonce": "of another login"}),
        json!({"nonce": null}),
        json!({"aud": "another-client"}),
        json!({"azp": "another-client"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": 1}),
    ] {
        let (login, asked) = house.begin("").await;
        let code = house.code(&asked, change.clone());
        let answer = house.back(&login, &code, &asked["state"]).await;
        assert_eq!(answer.status, 401, "{change}");
        assert_eq!(answer.header("set-cookie"), None, "{change}");
    }
    // A code of another login: its challenge is not this one's.
    let (login, asked) = house.begin("").await;
    let (_, other) = house.begin("").await;
    let code = house.code(&other, json!({"nonce": asked["nonce"]}));
    house.back(&login, &code, &asked["state"]).await.expect(401);
    let (login, asked) = house.begin("").await;
    let code = house.code(&asked, json!({}));
    house.fake.is_away(true);
    let answer = house.back(&login, &code, &asked["state"]).await.expect(503);
    assert!(answer.header("retry-after").is_some());
    house.fake.is_away(false);
    let (login, asked) = house.begin("").await;
    let denied = format!("{LOGIN}/callback?error=access_denied&state={}", asked["state"]);
    house.get(&denied, &login).await.expect(401);
}

#[tokio::test]
async fn a_limit_of_a_route_by_user_counts_each_person_of_the_provider() {
    let key = Signing::ed("one");
    let fake = Fake::start(&[&key]).await;
    let route = "[[route]]\nname = 'people'\npath = '/people'\nredirect = { to = '/there' }\n\
                 access = { provider = 'fake' }\nlimits = ['2 per 1h by user']\n";
    let folder = Folder::new("routes").unwrap();
    let file = folder.path().join("routes.toml");
    std::fs::write(&file, format!("[provider.fake]\n{}{route}", fake.toml())).unwrap();
    let setup = Setup::of::<crate::Gateway>().and::<FakeAuth>().issuer(&Issuer::new());
    let door = setup.set("BOWLINE_GATEWAY__ROUTES_FILE", file.display().to_string()).build().await;
    let ask = async |subject: &str, address: u8| {
        let mut claims = fake.claims(door.clock());
        claims["sub"] = subject.into();
        let client = door.client().from_address([198, 51, 100, address].into());
        client.bearer(&key.sign(&claims)).get("/people").await
    };
    ask("somebody", 1).await.expect(307);
    let answer = ask("somebody", 2).await.expect(307);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
    ask("somebody", 3).await.expect(429).refused(ErrorCode::RateLimited);
    ask("another", 3).await.expect(307);
}

#[tokio::test]
async fn a_login_leads_nowhere_but_to_this_host() {
    let house = House::start().await;
    for away in [
        "//evil.example",
        "https://evil.example",
        "/%5Cevil.example",
        "/%09/evil.example",
        "evil",
        "%2F%2Fevil.example",
    ] {
        let answer = house.bench.service.client().get(&format!("{LOGIN}?returnTo={away}")).await.expect(400);
        assert_eq!(answer.refused(ErrorCode::Validation).error.details[0].field, "returnTo", "{away}");
    }
    house.bench.service.client().get("/api/v1/gateway/login/nobody").await.expect(404);
    house.bench.service.client().get("/api/v1/gateway/login/nobody/callback").await.expect(404);
}
