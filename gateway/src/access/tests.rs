//! What rules let in, through an edge, with real tokens.

use super::probe::{Bench, KEY};
use chassis::identity::{IdentityConfig, ServiceKeys};
use contract::ErrorCode;
use contract::auth::Revoked;
use contract::identity::Role;
use http::Method;
use std::time::Duration;
use testkit::{Answer, Client};

const PROBE: &str = "/api/v1/probe";

impl Bench {
    fn person(&self, roles: &[Role]) -> Client {
        self.service.client().bearer(&self.issuer.sign(&self.issuer.claims(self.service.clock(), roles)))
    }

    async fn ask(&self, headers: &[(&str, &str)]) -> Answer {
        let client = self.service.client();
        let ask = client.request(Method::GET, PROBE);
        headers.iter().fold(ask, |ask, (name, value)| ask.header(name, value)).send().await
    }
}

#[tokio::test]
async fn a_route_that_says_nothing_lets_in_who_is_logged_in_and_nobody_else() {
    let bench = Bench::with("").await;
    let refused = bench.ask(&[]).await.expect(401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer"));
    refused.refused(ErrorCode::Unauthenticated);
    bench.person(&[Role::User]).get(PROBE).await.expect(200);
    let refused = bench.service.client().bearer("not.a.token").get(PROBE).await.expect(401);
    assert_eq!(refused.header("www-authenticate"), Some("Bearer error=\"invalid_token\""));
    bench.ask(&[("authorization", "Basic dXNlcjpwYXNz")]).await.expect(401);
}

#[tokio::test]
async fn a_token_that_ended_says_so_and_one_that_nobody_can_judge_is_503() {
    let bench = Bench::with("").await;
    let claims = bench.issuer.claims(bench.service.clock(), &[Role::User]);
    let person = bench.service.client().bearer(&bench.issuer.sign(&claims));
    person.get(PROBE).await.expect(200);
    bench.issuer.revoke(bench.service.clock(), Revoked::Session { session: claims.sid });
    testkit::eventually(async || {
        let answer = person.get(PROBE).await;
        if answer.status == 401 { Ok(answer.refused(ErrorCode::TokenRevoked)) } else { Err(answer.status) }
    })
    .await;
    bench.issuer.silence(true);
    bench.service.clock().advance(Duration::from_secs(61));
    let answer = person.get(PROBE).await.expect(503);
    assert_eq!(answer.header("www-authenticate"), None);
}

#[tokio::test]
async fn a_role_is_wanted_where_it_is_named() {
    let bench = Bench::with("roles = ['admin', 'moderator']").await;
    bench.person(&[Role::User, Role::Moderator]).get(PROBE).await.expect(200);
    let refused = bench.person(&[Role::User, Role::Vendor]).get(PROBE).await.expect(403);
    let told = refused.refused(ErrorCode::Forbidden).error.message;
    assert_eq!(told, "This needs the role admin or moderator.");
    bench.ask(&[]).await.expect(401);
}

#[tokio::test]
async fn an_address_that_is_denied_is_denied_to_everybody() {
    let bench =
        Bench::with("who = 'public'\nallow = ['10.0.0.0/8', '2001:db8::/32']\ndeny = ['10.1.0.0/16']").await;
    let from = async |address: &str| {
        let client = bench.service.client().from_address(address.parse().unwrap());
        client.get(PROBE).await.status.as_u16()
    };
    for (address, status) in [
        ("10.0.0.1", 200),
        ("::ffff:10.0.0.1", 200),
        ("10.1.0.1", 403),
        ("::ffff:10.1.0.1", 403),
        ("192.0.2.1", 403),
        ("2001:db8::7", 200),
        ("2001:db9::7", 403),
    ] {
        assert_eq!(from(address).await, status, "{address}");
    }
    // What a stranger says of their address is nobody's.
    bench.ask(&[("x-forwarded-for", "10.0.0.1")]).await.expect(403).refused(ErrorCode::Forbidden);
}

#[tokio::test]
async fn a_service_may_where_it_is_named() {
    let keys = ServiceKeys::new(&KEY.to_owned().into(), &IdentityConfig::default());
    let of = |bench: &Bench, name: &'static str| {
        let value = keys.credential(name, "probe", bench.service.clock()).unwrap();
        value.to_str().unwrap().to_owned()
    };
    let bench = Bench::with("who = 'service'\nservices = ['orders']").await;
    let answer = bench.ask(&[("x-service-authorization", &of(&bench, "orders"))]).await.expect(200);
    assert_eq!(answer.json()["data"]["headers"]["x-auth-service"], "orders");
    bench.ask(&[("x-service-authorization", &of(&bench, "reviews"))]).await.expect(403);
    bench.person(&[Role::Admin]).get(PROBE).await.expect(403).refused(ErrorCode::Forbidden);
    let bench = Bench::with("services = ['orders']").await;
    bench.ask(&[("x-service-authorization", &of(&bench, "orders"))]).await.expect(200);
    bench.person(&[Role::User]).get(PROBE).await.expect(200);
    bench.ask(&[("x-service-authorization", &of(&bench, "reviews"))]).await.expect(401);
}

#[tokio::test]
async fn an_upstream_is_told_who_asks_by_the_door_only_and_gets_no_token() {
    let bench = Bench::with("").await;
    let claims = bench.issuer.claims(bench.service.clock(), &[Role::User, Role::Admin]);
    let person = bench.service.client().bearer(&bench.issuer.sign(&claims));
    let ask = person.request(Method::GET, PROBE).header("x-user-id", "somebody-else");
    let ask = ask.header("x-auth-scopes", "all").header("x-user-roles", "king").header("x-mine", "kept");
    let answer = ask.send().await.expect(200).json()["data"].clone();
    assert_eq!(answer["who"], format!("the user {}", claims.sub));
    assert_eq!(answer["headers"]["x-user-id"], claims.sub.to_string());
    assert_eq!(answer["headers"]["x-user-roles"], "user admin");
    assert_eq!(answer["headers"]["x-mine"], "kept");
    for absent in ["authorization", "x-auth-scopes"] {
        assert!(answer["headers"].get(absent).is_none(), "{answer}");
    }
    let bench = Bench::with("who = 'public'").await;
    let answer =
        bench.ask(&[("authorization", "Basic abc"), ("x-user-id", "me")]).await.expect(200).json()["data"]
            .clone();
    assert_eq!(answer["who"], "not asked who it is");
    assert!(answer["headers"].get("authorization").is_none() && answer["headers"].get("x-user-id").is_none());
    let bench = Bench::with("who = 'public'\npass_authorization = true").await;
    let answer = bench.ask(&[("authorization", "Basic abc")]).await.expect(200).json()["data"].clone();
    assert_eq!(answer["headers"]["authorization"], "Basic abc");
}
