//! Why a request goes where it goes, told to administrators.

use crate::routes::Routed;
use contract::ErrorCode;
use contract::gateway::{ApiKeyWithSecret, Explanation};
use contract::identity::Role;
use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use testkit::Client;

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

/// What a layer says of a request, with its lines.
async fn layers(admin: &Client, layer: &str, path: &str, headers: Value) -> Vec<(String, usize)> {
    let asked = json!({ "method": "GET", "path": path, "headers": headers });
    let explanation: Explanation = admin.post("/api/v1/gateway/explain", asked).await.expect(200).data();
    let said = explanation.layers.into_iter().filter(|said| said.layer == layer);
    said.map(|said| (said.says, said.line.unwrap())).collect()
}

#[tokio::test]
async fn of_a_split_route_the_side_is_told_that_is_chosen_and_access_is_asked_once() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _counts = metrics::set_default_local_recorder(&recorder);
    let routed = Routed::with(
        r#"
[[route]]
name = "split"
path = "/split/{*rest}"
upstream = "stable"
access = { who = "user_or_key" }
cache = { ttl_secs = 60 }
rollout = { to = "canary", percent = 50, header = { name = "x-canary", value = "1" } }

[[route]]
name = "drawn"
path = "/drawn/{*rest}"
upstream = "stable"
rollout = { to = "canary", percent = 50, by = "request" }

[[route]]
name = "compared"
path = "/compared/{*rest}"
upstream = "stable"
variants = [{ name = "a", to = "canary", weight = 1 }, { name = "b", to = "stable", weight = 0 }]

[upstream.stable]
instances = ["http://127.0.0.1:9"]

[upstream.canary]
instances = ["http://127.0.0.1:10"]
"#,
    )
    .await;
    let admin = routed.door.client().bearer(&routed.issuer.token(routed.door.clock(), &[Role::Admin]));
    let made = admin.post("/api/v1/gateway/keys", json!({ "name": "A till" })).await.expect(201);
    let made: ApiKeyWithSecret = made.data();
    let secret = made.secret.expose();
    let asked = || {
        let page = recorder.handle().render();
        let lookups = page.lines().filter(|line| line.starts_with("gateway_api_key_lookups_total{"));
        lookups.map(|line| line.rsplit(' ').next().unwrap().parse::<u32>().unwrap()).sum::<u32>()
    };
    let before = asked();
    let by_header = json!({ "x-api-key": secret, "x-canary": "1", "host": "shop" });
    let told = layers(&admin, "upstream", "/split/7", by_header.clone()).await;
    assert_eq!(asked(), before + 1);
    let [(says, line)] = told.as_slice() else { panic!("{told:?}") };
    assert!(says.starts_with("canary: http://127.0.0.1:10 would be asked"), "{says}");
    assert_eq!(*line, 8);
    let instances = layers(&admin, "instance", "/split/7", by_header.clone()).await;
    assert!(instances.len() == 1 && instances[0].0.starts_with("http://127.0.0.1:10 "), "{instances:?}");
    let kept = layers(&admin, "kept", "//split//7", by_header).await;
    assert!(kept.len() == 1 && kept[0].0.ends_with("/0 shop /split/7)"), "{kept:?}");
    // By who asks it is one of them, by a draw it may be either.
    assert_eq!(layers(&admin, "upstream", "/split/7", json!({ "x-api-key": secret })).await.len(), 1);
    assert_eq!(layers(&admin, "upstream", "/drawn/7", json!({})).await.len(), 2);
    let told = layers(&admin, "upstream", "/compared/7", json!({})).await;
    assert!(told.len() == 1 && told[0].0.starts_with("canary: ") && told[0].1 == 20, "{told:?}");
    // Whoever is not let in is on no side.
    assert_eq!(layers(&admin, "upstream", "/split/7", json!({ "x-api-key": "bwl_none" })).await.len(), 2);
}

#[tokio::test]
async fn the_instance_is_told_that_the_request_goes_to_as_it_is_sent() {
    let routed = Routed::with(
        r#"
[[route]]
name = "hashed"
path = "/hashed/{*rest}"
upstream = "hashed"
rewrite = "/one"

[upstream.hashed]
instances = ["http://127.0.0.1:9", "http://127.0.0.1:10"]
balance = "consistent_hash"
hash_by = "path"
"#,
    )
    .await;
    let admin = routed.door.client().bearer(&routed.issuer.token(routed.door.clock(), &[Role::Admin]));
    let mut told = BTreeSet::new();
    for number in 0..10 {
        told.extend(layers(&admin, "upstream", &format!("/hashed/{number}"), json!({})).await);
    }
    assert_eq!(told.len(), 1, "all are asked for as one path: {told:?}");
}

#[tokio::test]
async fn a_request_that_is_none_is_refused_by_field() {
    let routed = Routed::with(ROUTES).await;
    let admin = routed.door.client().bearer(&routed.issuer.token(routed.door.clock(), &[Role::Admin]));
    for (method, path, headers, field) in [
        ("G T", "/shop/7", json!({}), "method"),
        ("GET", "/shop 7", json!({}), "path"),
        ("GET", "/shop/7", json!({ "a b": "1" }), "headers.a b"),
        ("GET", "/shop/7", json!({ "x-a": "1\n" }), "headers.x-a"),
    ] {
        let asked = json!({ "method": method, "path": path, "headers": headers });
        let refused = admin.post("/api/v1/gateway/explain", asked).await.expect(400);
        assert!(refused.text().contains(&format!("\"{field}\"")), "{field}: {}", refused.text());
    }
}
