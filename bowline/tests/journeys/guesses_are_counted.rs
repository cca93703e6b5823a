//! Rate limits as they are when nobody sets them, on real processes.

use crate::support::{PASSWORD, Sandbox, Shape};
use contract::ErrorCode;
use http::Method;
use serde_json::json;
use testkit::{Answer, Client};

/// What the documents promise.
const DEFAULTS: [(&str, &str); 3] = [
    ("BOWLINE_LIMITS__PUBLIC", "300 per 1m by ip"),
    ("BOWLINE_LIMITS__API", "100 per 1m by user"),
    ("BOWLINE_LIMITS__AUTH", "5 per 15m by ip"),
];

/// Five guesses of any kind, each with an address that the client makes up.
async fn guess(client: &Client, n: usize) -> Answer {
    let wrong = json!({"email": format!("nobody{n}@example.org"), "password": "wrong"});
    let (path, body) = match n % 3 {
        0 => ("/api/v1/auth/login", wrong),
        1 => ("/api/v1/auth/password/forgot", json!({"email": format!("nobody{n}@example.org")})),
        _ => ("/api/v1/auth/password/reset", json!({"token": "made-up", "password": PASSWORD})),
    };
    let request = client.request(Method::POST, path).json(body);
    request.header("x-forwarded-for", &format!("203.0.113.{n}")).send().await
}

async fn five_guesses_of_whatever_kind_and_no_more(shape: Shape) {
    let sandbox = Sandbox::start_with(shape, &DEFAULTS);
    let client = sandbox.client();
    for n in 0..5 {
        let answer = guess(&client, n).await;
        assert_ne!(answer.status, 429, "{}", answer.text());
        let policies = answer.header("ratelimit-policy").unwrap();
        assert_eq!(policies, r#""public";q=300;w=60, "auth";q=5;w=900"#);
        assert_eq!(answer.header("x-ratelimit-remaining"), Some((4 - n).to_string().as_str()));
    }
    for n in 5..9 {
        let refused = guess(&client, n).await;
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        assert!((120..=180).contains(&wait), "{wait}");
        refused.refused(ErrorCode::RateLimited);
    }
    // Everything else goes on.
    client.get("/").await.expect(200);
    client.get("/api/v1/users/me").await.refused(ErrorCode::Unauthenticated);
}

#[tokio::test]
async fn five_guesses_in_one_process() {
    five_guesses_of_whatever_kind_and_no_more(Shape::All).await;
}

/// The door passes on whose guess it is, and counts nobody's twice.
#[tokio::test]
async fn five_guesses_with_the_door_in_another_process() {
    five_guesses_of_whatever_kind_and_no_more(Shape::Split).await;
}

/// Of a predecessor, probes were limited: monitoring made an instance look ill.
#[tokio::test]
async fn probes_are_never_limited() {
    let limits = [("BOWLINE_LIMITS__PUBLIC", "2 per 1h by ip")];
    let sandbox = Sandbox::start_with(Shape::All, &limits);
    let client = sandbox.client();
    client.get("/").await.expect(200);
    client.get("/").await.expect(200);
    client.get("/").await.refused(ErrorCode::RateLimited);
    let operations = Client::http(sandbox.door.ops_url());
    for path in ["/health", "/ready", "/info", "/metrics"] {
        for _ in 0..50 {
            let answer = operations.get_unchecked(path).await.expect(200);
            assert_eq!(answer.header("ratelimit"), None);
        }
    }
    client.get("/").await.refused(ErrorCode::RateLimited);
}
