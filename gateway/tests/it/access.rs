//! Who may use routes of a file, with the file and the keys as they are live.

use crate::routes::{Routed, elsewhere, to_upstream};
use contract::ErrorCode;
use contract::gateway::ApiKeyWithSecret;
use contract::identity::Role;
use http::Method;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::ws::{Dial, Heard};
use testkit::{Client, Issuer, eventually};

const ROUTES: &str = r#"
[[route]]
name = "said-little"
path = "/mine"
service = "things"
rewrite = "/api/v1/things"
access = {}

[[route]]
name = "of-programs"
path = "/feed"
service = "things"
rewrite = "/api/v1/things"
access = { who = "key", scopes = ["things:read"] }
limits = ["3 per 1h by ip"]

[[route]]
name = "of-the-office"
path = "/office"
service = "things"
rewrite = "/api/v1/things"
access = { who = "public", deny = ["192.0.2.0/24"] }

[[route]]
name = "of-everybody-known"
path = "/known"
service = "things"
rewrite = "/api/v1/things"
access = { who = "user_or_key", scopes = ["things:read"] }
limits = ["2 per 1h by user", "5 per 1h by ip"]
"#;

const OF_PROGRAMS: &str = r#"
[[route]]
name = "of-programs"
path = "/of-programs/ws"
service = "things"
rewrite = "/api/v1/things/ws"
access = { who = "key" }
"#;

impl Routed {
    fn person(&self, roles: &[Role]) -> Client {
        self.door.client().bearer(&self.issuer.sign(&self.issuer.claims(self.door.clock(), roles)))
    }

    async fn key(&self, scopes: &[&str]) -> ApiKeyWithSecret {
        self.key_as(json!({"name": "A program", "scopes": scopes})).await
    }

    async fn key_as(&self, asked: Value) -> ApiKeyWithSecret {
        let admin = self.person(&[Role::User, Role::Admin]);
        admin.post("/api/v1/gateway/keys", asked).await.expect(201).data()
    }
}

#[tokio::test]
async fn a_rule_that_says_no_more_wants_somebody_logged_in() {
    let routed = Routed::with(ROUTES).await;
    routed.get("/mine", &[]).await.expect(401).refused(ErrorCode::Unauthenticated);
    let answer = routed.person(&[Role::User]).get("/mine").await.expect(200).json();
    assert!(answer["data"]["user"].is_string(), "the service verifies the token itself: {answer}");
    routed.get("/office", &[]).await.expect(403).refused(ErrorCode::Forbidden);
    let near = routed.door.client().from_address("198.51.100.7".parse().unwrap());
    near.get("/office").await.expect(200);
}

#[tokio::test]
async fn a_key_opens_a_route_until_it_is_taken_back_and_the_service_does_not_see_it() {
    let routed = Routed::with(ROUTES).await;
    let admin = routed.person(&[Role::User, Role::Admin]);
    let made = routed.key(&["things:read"]).await;
    let secret = made.secret.expose();
    let answer = routed.get("/feed", &[("x-api-key", secret)]).await.expect(200);
    assert!(!answer.text().contains(secret));
    admin.delete(&format!("/api/v1/gateway/keys/{}", made.key.id)).await.expect(204);
    routed.get("/feed", &[("x-api-key", secret)]).await.expect(401).refused(ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn a_websocket_ends_with_the_key_that_opened_it() {
    let (_server, upstream) = elsewhere(&Issuer::new()).await;
    let routes = to_upstream(&upstream, "access = { who = \"key\" }") + OF_PROGRAMS;
    let routed = Routed::with(&routes).await;
    let admin = routed.person(&[Role::User, Role::Admin]);
    let listening = routed.door.listen();
    let (mut open, mut ends) = (Vec::new(), Vec::new());
    let keys = [routed.key(&[]).await, routed.key(&[]).await, routed.key(&[]).await];
    for path in ["/of-programs/ws", "/other/ws"] {
        for key in &keys {
            let dial = Dial::new(listening.address(), path).header("x-api-key", key.secret.expose());
            let mut socket = dial.open().await.unwrap_or_else(|refused| panic!("{refused}"));
            assert_eq!(socket.hear().await, Heard::Text("nobody".to_owned()), "{path}");
            if key.key.id == keys[2].key.id { &mut open } else { &mut ends }.push(socket);
        }
    }
    let key = |at: usize| format!("/api/v1/gateway/keys/{}", keys[at].key.id);
    admin.delete(&key(0)).await.expect(204);
    admin.post(&format!("{}/rotate", key(1)), json!({"graceSecs": 0})).await.expect(200);
    for mut socket in ends {
        let end = Heard::Closed(4401, "the API key was taken back".to_owned());
        assert_eq!(socket.hear_the_end().await, end);
    }
    for mut socket in open {
        socket.say("still here").await;
        assert_eq!(socket.hear().await, Heard::Text("still here".to_owned()));
    }
}

#[tokio::test]
async fn a_websocket_ends_when_the_time_of_its_key_is_over() {
    let routed = Routed::with(OF_PROGRAMS).await;
    let ends = (routed.door.clock().now() + Duration::from_secs(300)).to_string();
    let key = routed.key_as(json!({"name": "A program", "scopes": [], "expiresAt": ends})).await;
    let listening = routed.door.listen();
    let dial = Dial::new(listening.address(), "/of-programs/ws").header("x-api-key", key.secret.expose());
    let mut socket = dial.open().await.unwrap_or_else(|refused| panic!("{refused}"));
    assert_eq!(socket.hear().await, Heard::Text("nobody".to_owned()));
    routed.door.clock().advance(Duration::from_secs(290));
    socket.say("not yet").await;
    assert_eq!(socket.hear().await, Heard::Text("not yet".to_owned()));
    routed.door.clock().advance(Duration::from_secs(20));
    assert_eq!(socket.hear_the_end().await, Heard::Closed(4401, "the API key has ended".to_owned()));
}

#[tokio::test]
async fn who_tries_keys_is_counted_like_everybody() {
    let routed = Routed::with(ROUTES).await;
    for _ in 0..3 {
        routed.get("/feed", &[("x-api-key", "bwl_guess")]).await.expect(401);
    }
    routed.get("/feed", &[("x-api-key", "bwl_guess")]).await.expect(429).refused(ErrorCode::RateLimited);
}

#[tokio::test]
async fn a_limit_by_user_counts_each_key_and_each_user_wherever_they_ask_from() {
    let routed = Routed::with(ROUTES).await;
    let (one, other) = (routed.key(&["things:read"]).await, routed.key(&["things:read"]).await);
    let (user, narrow) = (routed.person(&[Role::User]), routed.key(&[]).await);
    let from = |number: u8| routed.door.client().from_address([198, 51, 100, number].into());
    let with = async |client: Client, key: &ApiKeyWithSecret| {
        client.request(Method::GET, "/known").header("x-api-key", key.secret.expose()).send().await
    };
    with(from(1), &one).await.expect(200);
    let answer = with(from(2), &one).await.expect(200);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("0"));
    let refused = with(from(3), &one).await.expect(429);
    assert!(refused.header("ratelimit").unwrap().contains("\"of-everybody-known-1\";r=0"), "{refused:?}");
    refused.refused(ErrorCode::RateLimited);
    // Nor does a token beside it make the key somebody else.
    let beside = user.request(Method::GET, "/known").header("x-api-key", one.secret.expose());
    beside.send().await.expect(429);
    with(from(4), &other).await.expect(200);
    user.get("/known").await.expect(200);
    user.get("/known").await.expect(200);
    user.get("/known").await.expect(429);
    // Whoever is known and may not is counted as well.
    for _ in 0..2 {
        with(from(5), &narrow).await.expect(403);
    }
    with(from(6), &narrow).await.expect(429);
    // Whoever is not known is counted by address, before a key is looked up.
    for status in [401, 401, 401, 401, 401, 429] {
        from(7).request(Method::GET, "/known").header("x-api-key", "bwl_guess").send().await.expect(status);
    }
}

#[tokio::test]
async fn another_rule_holds_as_soon_as_the_file_says_so_and_a_wrong_one_never() {
    let routed = Routed::with(ROUTES).await;
    routed.get("/mine", &[]).await.expect(401);
    routed.rewrite(&ROUTES.replace("access = {}", "access = { who = 'public' }"));
    eventually(async || match routed.get("/mine", &[]).await.status.as_u16() {
        200 => Ok(()),
        other => Err(other),
    })
    .await;
    routed.rewrite(&ROUTES.replace(r#"who = "key""#, r#"who = "everybody""#));
    let client = routed.door.client();
    client.request(Method::GET, "/mine").send().await.expect(200);
}
