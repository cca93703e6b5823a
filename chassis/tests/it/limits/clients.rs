//! Who a client is: addresses, proxies, services, keys. In the process, as it is the same on every engine.

use super::{Guarded, ONE, OPEN, OTHER, Passing, Place, let_through, somebody};
use crate::house::Lines;
use http::Method;
use std::net::IpAddr;
use testkit::{Client, Setup, TestService};

const THREE: [(&str, &str); 1] = [("public", "3 per 1h by ip")];

fn from(service: &TestService, address: &str) -> Client {
    service.client().from_address(address.parse::<IpAddr>().unwrap())
}

async fn forwarded(client: &Client, addresses: &str) -> u16 {
    let request = client.request(Method::GET, OPEN).header("x-forwarded-for", addresses);
    request.send().await.status.as_u16()
}

/// Two predecessors believed whatever address a client made up.
#[tokio::test]
async fn a_stranger_who_makes_up_addresses_is_one_client() {
    let service = Place::process().start(&THREE).await;
    let stranger = from(&service, "203.0.113.9");
    let mut statuses = Vec::new();
    for n in 0..5 {
        statuses.push(forwarded(&stranger, &format!("198.51.100.{n}")).await);
    }
    assert_eq!(statuses, [200, 200, 200, 429, 429]);
}

/// Two others believed no proxy, so that everybody behind one was one client.
#[tokio::test]
async fn behind_a_proxy_that_is_trusted_everybody_is_counted_alone() {
    let setup = Place::process().setup(&THREE).set("BOWLINE_HTTP__TRUSTED_PROXIES", "10.0.0.0/8");
    let service = setup.build().await;
    let proxy = from(&service, "10.0.0.1");
    for client in ["203.0.113.1", "203.0.113.2"] {
        for _ in 0..3 {
            assert_eq!(forwarded(&proxy, client).await, 200);
        }
    }
    assert_eq!(forwarded(&proxy, "203.0.113.1").await, 429);
    // What a client wrote before the proxy's own entry changes nothing.
    assert_eq!(forwarded(&proxy, "203.0.113.3, 203.0.113.1").await, 429);
    assert_eq!(forwarded(&proxy, "203.0.113.3").await, 200);
}

#[tokio::test]
async fn a_household_of_ipv6_is_one_client() {
    let service = Place::process().start(&THREE).await;
    for address in ["2001:db8:1:2::1", "2001:db8:1:2::2", "2001:db8:1:2:ffff::3"] {
        from(&service, address).get(OPEN).await.expect(200);
    }
    from(&service, "2001:db8:1:2:1234::4").get(OPEN).await.expect(429);
    from(&service, "2001:db8:1:3::1").get(OPEN).await.expect(200);
}

#[tokio::test]
async fn a_call_of_a_service_is_not_counted_again() {
    let setup = Setup::of::<Passing>().and::<Guarded>();
    let service = Place::process().of(setup, &THREE).build().await;
    let client = somebody(&service);
    // Each passes two edges.
    let answer = client.get(OPEN).await.expect(200);
    assert_eq!(answer.header("ratelimit"), Some(r#""public";r=2;t=1200"#));
    assert_eq!(let_through(&client, OPEN, 5).await, 2);
}

#[tokio::test]
async fn the_policy_of_a_route_counts_the_client_and_not_the_service_that_calls() {
    let setup = Setup::of::<Passing>().and::<Guarded>();
    let service = Place::process().of(setup, &[("auth", "2 per 1h by ip")]).build().await;
    let (one, other) = (somebody(&service), somebody(&service));
    assert_eq!(let_through(&one, ONE, 4).await, 2);
    assert_eq!(let_through(&other, OTHER, 4).await, 2);
    let answer = one.post(OTHER, ()).await.expect(429);
    assert!(answer.header("ratelimit").unwrap().contains(r#""auth";r=0"#));
    assert!(answer.header("ratelimit-policy").unwrap().starts_with(r#""public";"#), "both edges tell");
}

/// The same when the services are processes, and the peer tells the address.
#[tokio::test]
async fn it_does_so_over_http_too() {
    let limits = [("auth", "2 per 1h by ip")];
    let guarded = Place::process().setup(&limits).set("BOWLINE_IDENTITY__SERVICE_KEY", KEY).build().await;
    let listening = guarded.listen();
    let setup = Setup::of::<Passing>().and::<Guarded>().targets("passing");
    let setup = setup.peer("guarded", listening.url()).set("BOWLINE_IDENTITY__SERVICE_KEY", KEY);
    let door = setup.build().await;
    for client in [somebody(&door), somebody(&door)] {
        assert_eq!(let_through(&client, ONE, 4).await, 2);
    }
    // Past the door, whoever says that they bring somebody else is a stranger.
    let stranger = Client::http(listening.url());
    let mut statuses = Vec::new();
    for n in 0..4 {
        let request = stranger.request(Method::POST, ONE).header("x-forwarded-for", &format!("10.1.1.{n}"));
        statuses.push(request.send().await.status.as_u16());
    }
    assert_eq!(statuses, [204, 204, 429, 429]);
}

const KEY: &str = "a-service-key-for-tests-that-is-long-enough";

#[tokio::test]
async fn a_key_divides_the_count_of_an_address_and_never_replaces_it() {
    let lines = Lines::capture("trace");
    let limits = [("public", "6 per 1h by ip"), ("more", "keyed: 2 per 1h by key at /api/v1/guarded")];
    let service = Place::process().start(&limits).await;
    let (client, elsewhere) = (somebody(&service), somebody(&service));
    let with = async |client: &Client, key: &str| {
        let request = client.request(Method::GET, OPEN).header("x-api-key", key);
        request.send().await.status.as_u16()
    };
    let mut statuses = Vec::new();
    for key in ["hunter2-hunter2", "hunter2-hunter2", "hunter2-hunter2", "another", "a-third"] {
        statuses.push(with(&client, key).await);
    }
    assert_eq!(statuses, [200, 200, 429, 200, 200]);
    // Keys that are made up one after another end where the address does.
    assert_eq!((with(&client, "a-fourth").await, with(&client, "a-fifth").await), (200, 200));
    assert_eq!(with(&client, "a-sixth").await, 429);
    // Somebody else with the same key is somebody else: who knows a key cannot lock its owner out.
    assert_eq!(with(&elsewhere, "hunter2-hunter2").await, 200);
    assert!(!lines.text().contains("hunter2"), "{}", lines.text());
}

#[tokio::test]
async fn the_preflight_of_a_browser_is_not_counted_and_a_page_may_read_where_it_stands() {
    let setup = Place::process().setup(&THREE).set("ALLOWED_ORIGINS", "https://shop.example");
    let service = setup.build().await;
    let client = somebody(&service);
    for _ in 0..9 {
        let preflight = client.request(Method::OPTIONS, OPEN).header("origin", "https://shop.example");
        preflight.header("access-control-request-method", "GET").send().await.expect(204);
    }
    let request = client.request(Method::GET, OPEN).header("origin", "https://shop.example");
    let answer = request.send().await.expect(200);
    assert_eq!(answer.header("x-ratelimit-remaining"), Some("2"));
    let exposed = answer.header("access-control-expose-headers").unwrap();
    for name in answer.headers.keys().map(http::HeaderName::as_str).filter(|name| name.contains("ratelimit"))
    {
        assert!(exposed.split(", ").any(|exposed| exposed == name), "{name} is not among {exposed}");
    }
}
