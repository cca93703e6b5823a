//! Who goes where.

use super::{name, route, said_to, upstreams};
use crate::house::Things;
use crate::routes::Routed;
use chassis::service::Service;
use http::Method;
use metrics_exporter_prometheus::PrometheusBuilder;
use testkit::{Client, Fault, FaultyPeer, eventually};

async fn two() -> (FaultyPeer, FaultyPeer) {
    (FaultyPeer::start("stable", Fault::None).await, FaultyPeer::start("canary", Fault::None).await)
}

fn file(stable: &FaultyPeer, canary: &FaultyPeer, rollout: &str) -> String {
    let rollout = route(&format!("rollout = {{ to = \"canary\", {rollout} }}"));
    format!("{}{rollout}", upstreams(&[("stable", stable), ("canary", canary)]))
}

#[tokio::test]
async fn a_user_stays_on_a_side_while_the_share_grows_by_the_file() {
    let (stable, canary) = two().await;
    let routed = Routed::with(&file(&stable, &canary, "percent = 20")).await;
    let people: Vec<Client> = (0..60).map(|_| routed.somebody()).collect();
    let mut early = Vec::new();
    for person in &people {
        early.push(said_to(person).await);
        assert_eq!(said_to(person).await, *early.last().unwrap());
    }
    let on_canary = |sides: &[String]| sides.iter().filter(|side| *side == "canary").count();
    // Five standard deviations around twelve of sixty.
    assert!((1..=27).contains(&on_canary(&early)), "{early:?}");
    routed.rewrite(&file(&stable, &canary, "percent = 60"));
    let grown = eventually(async || {
        let mut sides = Vec::new();
        for person in &people {
            sides.push(said_to(person).await);
        }
        if on_canary(&sides) > on_canary(&early) { Ok(sides) } else { Err(on_canary(&sides)) }
    })
    .await;
    for (before, after) in early.iter().zip(&grown) {
        assert!(before == after || before == "stable", "{before} {after}");
    }
}

#[tokio::test]
async fn header_and_cookie_choose_and_a_browser_keeps_what_it_was_given() {
    let (stable, canary) = two().await;
    let by_name = "percent = 0, header = { name = \"x-canary\", value = \"1\" }, cookie = \"side\"";
    let routed = Routed::with(&file(&stable, &canary, by_name)).await;
    assert_eq!(routed.said(&[]).await, "stable");
    assert_eq!(routed.said(&[("x-canary", "1")]).await, "canary");
    assert_eq!(routed.said(&[("x-canary", "0")]).await, "stable");
    assert_eq!(routed.said(&[("cookie", "side=canary")]).await, "canary");
    let by_cookie = "percent = 50, by = \"cookie\", cookie = \"side\"";
    let routed = Routed::with(&file(&stable, &canary, by_cookie)).await;
    assert_eq!(routed.said(&[("cookie", "side=stable")]).await, "stable");
    for _ in 0..10 {
        let answer = routed.get("/shop/x", &[]).await.expect(200);
        let given = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        for _ in 0..3 {
            let again = routed.get("/shop/x", &[("cookie", &given)]).await.expect(200);
            assert_eq!((name(&again), again.header("set-cookie")), (name(&answer), None));
        }
    }
}

#[tokio::test]
async fn what_one_side_said_is_kept_for_nobody_on_the_other() {
    let (stable, canary) = two().await;
    let kept = |rollout: &str| {
        let peers = upstreams(&[("stable", &stable), ("canary", &canary)]);
        let cache = "cache = { ttl_secs = 60, ignore_cookies = true }";
        format!("{peers}{}", route(&format!("rollout = {{ to = \"canary\", {rollout} }}\n{cache}")))
    };
    let by_name = "percent = 0, header = { name = \"x-canary\", value = \"1\" }, cookie = \"side\"";
    let routed = Routed::with(&kept(by_name)).await;
    for _ in 0..3 {
        assert_eq!(routed.said(&[]).await, "stable");
        assert_eq!(routed.said(&[("x-canary", "1")]).await, "canary");
        assert_eq!(routed.said(&[("cookie", "side=canary")]).await, "canary");
    }
    assert_eq!((stable.requests(), canary.requests()), (1, 1));
    // Whoever is assigned a side is told so beside an answer that is kept, too.
    let routed = Routed::with(&kept("percent = 50, by = \"cookie\", cookie = \"side\"")).await;
    for _ in 0..10 {
        let answer = routed.get("/shop/x", &[]).await.expect(200);
        let given = answer.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
        let again = routed.get("/shop/x", &[("cookie", &given)]).await.expect(200);
        assert_eq!((name(&again), again.header("set-cookie")), (name(&answer), None));
    }
    assert!(stable.requests() <= 2 && canary.requests() <= 2);
}

#[tokio::test]
async fn by_request_each_row_of_a_hundred_is_shared_out_evenly() {
    let (stable, canary) = two().await;
    let routed = Routed::with(&file(&stable, &canary, "percent = 25, by = \"request\"")).await;
    for _ in 0..100 {
        routed.said(&[]).await;
    }
    assert!((23..=27).contains(&canary.requests()), "{}", canary.requests());
    assert_eq!(stable.requests() + canary.requests(), 100);
}

#[tokio::test]
async fn a_service_of_the_platform_can_be_the_other_side_and_sees_who_asks() {
    let stable = FaultyPeer::start("stable", Fault::None).await;
    let text = format!(
        "{}[[route]]\nname = \"shop\"\npath = \"/shop\"\nupstream = \"stable\"\nrewrite = \"/api/v1/things\"\nrollout \
         = {{ to = \"things\", percent = 100 }}\n",
        upstreams(&[("stable", &stable)])
    );
    let routed = Routed::with(&text).await;
    let answer = routed.somebody().get("/shop").await.expect(200);
    assert!(answer.json()["data"]["user"].is_string());
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // Where an upstream may answer, somebody has to be logged in unless the file says otherwise.
    routed.get("/shop", &[]).await.expect(401);
}

#[tokio::test]
async fn a_name_that_becomes_an_upstreams_leads_there_although_the_route_says_the_same() {
    let (stable, canary) = two().await;
    let text = format!(
        "{}[[route]]\nname = \"shop\"\npath = \"/shop\"\nupstream = \"stable\"\nrewrite = \"/api/v1/things\"\n\
         access = {{ who = \"public\" }}\nrollout = {{ to = \"things\", percent = 100 }}\n",
        upstreams(&[("stable", &stable)])
    );
    let routed = Routed::with(&text).await;
    let by_service = async || routed.get("/shop", &[]).await.expect(200).json()["data"]["target"].is_string();
    assert!(by_service().await);
    routed.rewrite(&format!("{text}{}", upstreams(&[("things", &canary)])));
    eventually(async || !by_service().await).await;
    assert_eq!(name(&routed.get("/shop", &[]).await.expect(200)), "canary");
    routed.rewrite(&text);
    eventually(by_service).await;
}

#[tokio::test]
async fn variants_are_shared_out_stay_with_a_person_and_are_counted_by_name() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (red, blue) =
        (FaultyPeer::start("red", Fault::None).await, FaultyPeer::start("blue", Fault::None).await);
    let stable = FaultyPeer::start("stable", Fault::None).await;
    let variants = "variants = [{ name = \"a\", to = \"red\", weight = 50 }, { name = \"b\", to = \"blue\", weight = \
                    50 }]";
    let peers = upstreams(&[("red", &red), ("blue", &blue), ("stable", &stable)]);
    let routed = Routed::with(&format!("{peers}{}", route(variants))).await;
    for _ in 0..30 {
        let person = routed.somebody();
        assert_eq!(said_to(&person).await, said_to(&person).await);
    }
    assert_eq!((red.requests() + blue.requests(), stable.requests()), (60, 0));
    assert!(red.requests() > 6 && blue.requests() > 6, "{} {}", red.requests(), blue.requests());
    blue.turn(Fault::Says(500, "")).await;
    red.turn(Fault::Says(500, "")).await;
    routed.door.client().get_unchecked("/shop/x").await.expect(500);
    let page = recorder.handle().render();
    let counted = |variant: &str, requests| {
        let line =
            format!("gateway_variant_requests_total{{route=\"shop\",variant=\"{variant}\"}} {requests}");
        page.contains(&line)
    };
    assert!(
        counted("a", red.requests()) && counted("b", blue.requests()),
        "{} {} {page}",
        red.requests(),
        blue.requests()
    );
    assert!(page.contains("gateway_variant_errors_total{route=\"shop\",variant="), "{page}");
}

#[tokio::test]
async fn requests_of_each_side_are_counted_those_that_chose_it_too() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let _recording = metrics::set_default_local_recorder(&recorder);
    let (stable, canary) = two().await;
    let routed = Routed::with(&file(&stable, &canary, "percent = 0, header = { name = \"x-canary\" }")).await;
    routed.said(&[]).await;
    routed.said(&[]).await;
    canary.turn(Fault::Says(500, "")).await;
    let client = routed.door.client();
    client.request(Method::GET, "/shop/x").header("x-canary", "1").attempt().await.unwrap().expect(500);
    let page = recorder.handle().render();
    for (name, side, count) in [
        ("requests_total", "stable", 2),
        ("requests_total", "canary", 1),
        ("errors_total", "stable", 0),
        ("errors_total", "canary", 1),
        ("request_duration_seconds_count", "stable", 2),
        ("request_duration_seconds_count", "canary", 1),
    ] {
        let line = format!("gateway_rollout_{name}{{route=\"shop\",side=\"{side}\"}} {count}\n");
        assert!(page.contains(&line), "{line} in {page}");
    }
}

#[tokio::test]
async fn a_file_that_makes_no_sense_is_refused_with_its_reasons() {
    let (stable, canary) = two().await;
    let routed = Routed::with(&file(&stable, &canary, "percent = 0")).await;
    let services = [];
    for (bad, reason) in [
        ("rollout = { to = \"nowhere\", percent = 5 }", "rollout.to"),
        ("rollout = { to = \"stable\", percent = 5 }", "rollout.to"),
        ("rollout = { to = \"canary\", percent = 500 }", "rollout.percent"),
        ("mirror = { to = \"things\" }", "mirror.to"),
        ("variants = [{ name = \"a\", to = \"canary\" }]", "variants"),
    ] {
        let peers = upstreams(&[("stable", &stable), ("canary", &canary)]);
        let text = format!(
            "{peers}{}[[route]]\nname = \"other\"\npath = \"/other\"\nupstream = \"canary\"\n",
            route(bad)
        );
        let told = gateway::explain::list(Some(&text), &services).unwrap_err();
        assert!(told.starts_with("line 10, route shop: ") && told.contains(reason), "{bad}: {told}");
    }
    // An upstream of the name of the route's own service is somewhere else.
    let text = format!(
        "{}[[route]]\nname = \"shop\"\npath = \"/shop\"\nservice = \"things\"\nrollout = {{ to = \"things\", percent = 5 }}\n",
        upstreams(&[("things", &canary)])
    );
    gateway::explain::list(Some(&text), &[&Things::SPEC]).unwrap();
    assert_eq!(routed.said(&[]).await, "stable");
}
