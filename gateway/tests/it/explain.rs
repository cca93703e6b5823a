//! Why a request goes where it goes, told to administrators.

use crate::routes::Routed;
use contract::ErrorCode;
use contract::gateway::Explanation;
use contract::identity::Role;
use http::Method;
use serde_json::json;

const ROUTES: &str = r#"
[[route]]
name = "shop"
path = "/shop/{*rest}"
service = "things"
rewrite = "/api/v1/things"
limits = ["5 per 1h by ip"]
access = { who = "user", roles = ["admin"] }

[[route]]
name = "shop-writes"
path = "/shop/{id}"
methods = ["POST"]
upstream = "other"

[upstream.other]
instances = ["http://127.0.0.1:9"]
"#;

fn token(routed: &Routed, roles: &[Role]) -> String {
    let claims = routed.issuer.claims(routed.door.clock(), roles);
    format!("Bearer {}", routed.issuer.sign(&claims))
}

#[tokio::test]
async fn an_administrator_is_told_with_the_answer_and_nobody_else_is() {
    let routed = Routed::with(ROUTES).await;
    let admin = token(&routed, &[Role::Admin]);
    let answer =
        routed.get("/shop/7", &[("bowline-explain", "1"), ("authorization", &admin)]).await.expect(200);
    let seen = answer.json()["data"]["headers"].clone();
    assert!(seen["bowline-explain"].is_null(), "what is behind the door does not see that it was asked");
    let explanation: Explanation = serde_json::from_str(answer.header("bowline-explain").unwrap()).unwrap();
    let route = explanation.route.as_ref().unwrap();
    assert_eq!((route.name.as_str(), route.line), ("shop", Some(2)));
    let [over] = explanation.passed_over.as_slice() else { panic!("{explanation}") };
    assert_eq!(
        (over.route.as_str(), over.line, over.because.as_str()),
        ("shop-writes", 10, "another method")
    );
    let says = |layer: &str, text: &str, line| {
        let mut all = explanation.layers.iter();
        assert!(
            all.any(|said| said.layer == layer && said.says.contains(text) && said.line == Some(line)),
            "{layer}: {text} (line {line}) in {explanation}"
        );
    };
    says("access", "who lets through", 8);
    says("limits", "5 per 1h by ip: 5 left", 7);
    says("rewrite", "/api/v1/things", 6);
    says("target", "the service things", 5);

    let user = token(&routed, &[Role::User]);
    for headers in [&[("bowline-explain", "1")][..], &[("bowline-explain", "1"), ("authorization", &user)]] {
        let answer = routed.get("/api/v1/things", headers).await.expect(200);
        assert_eq!(answer.header("bowline-explain"), None);
        assert_eq!(routed.get("/shop/7", headers).await.header("bowline-explain"), None);
    }
    let built_in = [("bowline-explain", "1"), ("authorization", admin.as_str())];
    let answer = routed.get("/api/v1/things", &built_in).await.expect(200);
    assert!(answer.header("bowline-explain").unwrap().contains("the service things"));
}

#[tokio::test]
async fn a_request_that_is_not_made_is_explained_and_not_counted() {
    let routed = Routed::with(ROUTES).await;
    let admin = token(&routed, &[Role::Admin]);
    let asked = json!({ "method": "POST", "path": "/shop/7?x=1", "headers": { "host": "shop.example" } });
    let ask = async |token: &str| {
        let client = routed.door.client();
        let request = client.request(Method::POST, "/api/v1/gateway/explain").header("authorization", token);
        request.body("application/json", asked.to_string()).send().await
    };
    for _ in 0..9 {
        ask(&admin).await.expect(200);
    }
    let answer = ask(&admin).await.expect(200).json()["data"].clone();
    let explanation: Explanation = serde_json::from_value(answer).unwrap();
    assert_eq!(explanation.route.as_ref().unwrap().name, "shop-writes");
    let text = explanation.to_string();
    for expected in
        ["POST /shop/7?x=1 at shop.example", "http://127.0.0.1:9 would be asked", "the upstream other"]
    {
        assert!(text.contains(expected), "{expected} in {text}");
    }
    ask(&token(&routed, &[Role::User])).await.expect(403).refused(ErrorCode::Forbidden);
    // Its own limit still has all of it.
    let again = routed.get("/shop/7", &[("authorization", &admin)]).await.expect(200);
    assert_eq!(again.header("x-ratelimit-remaining"), Some("4"));
}
