//! Who may use routes of a file, with the file and the keys as they are live.

use crate::routes::Routed;
use contract::ErrorCode;
use contract::gateway::ApiKeyWithSecret;
use contract::identity::Role;
use http::Method;
use serde_json::json;
use testkit::{Client, eventually};

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
"#;

impl Routed {
    fn person(&self, roles: &[Role]) -> Client {
        self.door.client().bearer(&self.issuer.sign(&self.issuer.claims(self.door.clock(), roles)))
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
    let asked = json!({"name": "A feed", "scopes": ["things:read"]});
    let made: ApiKeyWithSecret = admin.post("/api/v1/gateway/keys", asked).await.expect(201).data();
    let secret = made.secret.expose();
    let answer = routed.get("/feed", &[("x-api-key", secret)]).await.expect(200);
    assert!(!answer.text().contains(secret));
    admin.delete(&format!("/api/v1/gateway/keys/{}", made.key.id)).await.expect(204);
    routed.get("/feed", &[("x-api-key", secret)]).await.expect(401).refused(ErrorCode::Unauthenticated);
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
