//! Pages that are put together: what is there, what is missing, what is old, and who sees what.

mod peers;

use contract::ErrorCode;
use contract::bff::{Dashboard, Home, Missing, Part, ProductPage, WhyMissing};
use contract::identity::Role;
use contract::ids::{CategoryId, NotificationId, OrderId, ProductId, UserId};
use contract::notifications::{NotificationKind, NotificationState};
use peers::{ALL, Answer, Stage};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Barrier;

const HOME: &str = "/api/v1/bff/home";
const DASHBOARD: &str = "/api/v1/bff/dashboard";
const PRODUCTS: &str = "/api/v1/products?";
const CATEGORIES: &str = "/api/v1/categories";
const NOW: &str = "2026-11-21T10:00:00Z";

fn product(id: ProductId, price: i64) -> Value {
    json!({
        "id": id, "slug": "lamp", "sku": "LAMP-1", "name": "Desk lamp", "description": "", "price": {"amount": price, "currency": "EUR"},
        "priceVersion": 1, "active": true, "featured": true, "vendor": UserId::new(), "category": null, "brand": null,
        "images": [], "attributes": [], "version": 1, "createdAt": NOW, "updatedAt": NOW,
    })
}

fn card(id: ProductId) -> Value {
    json!({
        "id": id, "name": "Desk lamp", "slug": "lamp", "price": {"amount": 1999, "currency": "EUR"}, "image": null,
        "featured": false, "active": true, "vendor": UserId::new(),
    })
}

fn order(user: UserId) -> Value {
    json!({
        "id": OrderId::new(), "number": "B7K3-9QMX-2", "user": user, "status": "CONFIRMED", "processing": false,
        "total": {"amount": 2498, "currency": "EUR"}, "quantity": 1, "title": "Desk lamp", "version": 3,
        "placedAt": NOW, "changedAt": NOW,
    })
}

fn path_of(id: ProductId) -> String {
    format!("/api/v1/bff/products/{id}")
}

/// Everybody answers about this product.
fn everybody_answers(stage: &Stage, id: ProductId) {
    let peers = &stage.peers;
    peers.data(PRODUCTS, json!([product(id, 1999)]));
    peers.data(
        CATEGORIES,
        json!([{"id": CategoryId::new(), "slug": "light", "name": "Light", "children": []}]),
    );
    peers.data(&format!("/api/v1/products/{id}"), product(id, 1999));
    peers.data("/internal/v1/catalog/related", json!({"products": [card(ProductId::new())], "stale": false}));
    let availability = json!([{"product": id, "inStock": true, "fewLeft": false}]);
    peers.data("/internal/v1/inventory/availability", availability);
    let stars = json!({"one": 0, "two": 0, "three": 0, "four": 0, "five": 2});
    peers.data(
        "/api/v1/reviews/ratings/",
        json!({"product": id, "count": 2, "average": "5.00", "stars": stars}),
    );
    peers.data("/api/v1/reviews?", json!([]));
}

fn missing(part: Part, why: WhyMissing) -> Missing {
    Missing { part, why }
}

#[tokio::test]
async fn the_first_page_has_all_its_parts_with_and_without_a_version() {
    let stage = Stage::set(&[]).await;
    let id = ProductId::new();
    everybody_answers(&stage, id);
    for path in [HOME, "/api/bff/home"] {
        let home: Home = stage.door.client().get(path).await.expect(200).data();
        assert_eq!(home.featured.unwrap()[0].id, id);
        assert_eq!(home.newest.unwrap()[0].price.amount, 1999);
        assert_eq!(home.categories.unwrap()[0].name, "Light");
        assert!(home.completeness.missing.is_empty() && home.completeness.stale.is_empty());
    }
    let asked = stage.peers.heard(PRODUCTS);
    assert!(asked.iter().any(|(target, _)| target.contains("featured=true")), "{asked:?}");
    assert!(asked.iter().any(|(target, _)| target.contains("sort=-createdAt")), "{asked:?}");
}

/// Each answer is held back until all of them have been asked for.
#[tokio::test]
async fn all_parts_are_asked_for_at_the_same_time() {
    let stage = Stage::set(&[]).await;
    let id = ProductId::new();
    everybody_answers(&stage, id);
    let together = Arc::new(Barrier::new(5));
    let hold = |path: &str, data: Value| stage.peers.say(path, Answer::Together(together.clone(), data));
    hold(&format!("/api/v1/products/{id}"), product(id, 1999));
    hold("/internal/v1/catalog/related", json!({"products": [], "stale": false}));
    hold("/internal/v1/inventory/availability", json!([]));
    hold(
        "/api/v1/reviews/ratings/",
        json!({"product": id, "count": 0, "stars": {"one": 0, "two": 0, "three": 0, "four": 0, "five": 0}}),
    );
    hold("/api/v1/reviews?", json!([]));
    let page: ProductPage = stage.door.client().get(&path_of(id)).await.expect(200).data();
    assert!(page.completeness.missing.is_empty(), "{:?}", page.completeness);
    assert!(!page.availability.unwrap().in_stock, "what was never counted cannot be had");
}

#[tokio::test]
async fn a_part_that_is_too_slow_is_missing_and_the_page_comes() {
    let stage = Stage::set(&[("BOWLINE_GATEWAY__BFF_PART_MS", "300")]).await;
    let id = ProductId::new();
    everybody_answers(&stage, id);
    stage.peers.say("/api/v1/reviews?", Answer::Silence);
    stage.peers.say("/internal/v1/catalog/related", Answer::Silence);
    let began = Instant::now();
    let page: ProductPage = stage.door.client().get(&path_of(id)).await.expect(200).data();
    assert!(began.elapsed() < Duration::from_secs(10), "the part's own time, not that of the request");
    let slow = [missing(Part::Reviews, WhyMissing::TooSlow), missing(Part::Related, WhyMissing::TooSlow)];
    assert_eq!(page.completeness.missing, slow);
    assert_eq!((page.reviews, page.related), (None, None));
    assert_eq!(page.rating.unwrap().average.as_deref(), Some("5.00"));
    assert!(page.availability.unwrap().in_stock);
}

#[tokio::test]
async fn a_product_has_its_page_without_reviews_and_the_page_says_so() {
    let id = ProductId::new();
    for (installed, away, why) in [
        (&ALL[..], &["reviews"][..], WhyMissing::Unavailable),
        (&["catalog", "inventory"], &[], WhyMissing::NotInstalled),
    ] {
        let stage = Stage::with(installed, away, &[]).await;
        everybody_answers(&stage, id);
        let answer = stage.door.client().get(&path_of(id)).await.expect(200);
        let page: ProductPage = answer.data();
        assert_eq!(page.completeness.missing, [missing(Part::Rating, why), missing(Part::Reviews, why)]);
        assert_eq!(answer.json()["data"].get("rating"), None, "absent, not empty");
        assert_eq!(page.product.id, id);
    }
}

#[tokio::test]
async fn a_service_that_fails_is_told_apart_from_one_that_is_away() {
    let stage = Stage::set(&[]).await;
    let id = ProductId::new();
    everybody_answers(&stage, id);
    stage.peers.say("/api/v1/reviews/ratings/", Answer::Error(ErrorCode::Forbidden));
    stage.peers.say("/internal/v1/inventory/availability", Answer::Error(ErrorCode::Unavailable));
    let page: ProductPage = stage.door.client().get(&path_of(id)).await.expect(200).data();
    let expected =
        [missing(Part::Availability, WhyMissing::Unavailable), missing(Part::Rating, WhyMissing::Failed)];
    assert_eq!(page.completeness.missing, expected);
}

#[tokio::test]
async fn while_the_catalog_is_away_a_product_is_shown_as_it_was_and_marked() {
    let stage = Stage::set(&[("BOWLINE_GATEWAY__BFF_STALE_SECS", "60")]).await;
    let (id, never_seen) = (ProductId::new(), ProductId::new());
    everybody_answers(&stage, id);
    let client = stage.door.client();
    client.get(&path_of(id)).await.expect(200);
    client.get(HOME).await.expect(200);
    for path in
        ["/api/v1/products", CATEGORIES, "/internal/v1/catalog", &format!("/api/v1/products/{id}"), PRODUCTS]
    {
        stage.peers.say(path, Answer::Error(ErrorCode::Unavailable));
    }
    stage.peers.say("/internal/v1/catalog/related", Answer::Error(ErrorCode::Unavailable));

    stage.door.clock().advance(Duration::from_secs(2));
    let page: ProductPage = client.get(&path_of(id)).await.expect(200).data();
    assert_eq!(page.product.price.amount, 1999, "the last price that is known, never another one");
    assert_eq!(page.completeness.stale, [Part::Product, Part::Related]);
    assert!(page.completeness.missing.is_empty() && page.availability.is_some());
    let home: Home = client.get(HOME).await.expect(200).data();
    assert_eq!(home.completeness.stale, [Part::Featured, Part::Newest, Part::Categories]);

    let refused = client.get(&path_of(never_seen)).await.expect(503);
    assert_eq!(refused.header("retry-after"), Some("1"));
    stage.door.clock().advance(Duration::from_secs(61));
    client.get(&path_of(id)).await.expect(503).refused(ErrorCode::Unavailable);
    let home: Home = client.get(HOME).await.expect(200).data();
    assert_eq!((home.featured, home.completeness.missing.len()), (None, 3));
}

#[tokio::test]
async fn a_product_that_is_gone_is_404_however_well_it_is_remembered() {
    let stage = Stage::set(&[]).await;
    let id = ProductId::new();
    everybody_answers(&stage, id);
    let client = stage.door.client();
    client.get(&path_of(id)).await.expect(200);
    stage.peers.say(&format!("/api/v1/products/{id}"), Answer::Error(ErrorCode::NotFound));
    stage.door.clock().advance(Duration::from_secs(2));
    client.get(&path_of(id)).await.refused(ErrorCode::NotFound);
    client.get("/api/v1/bff/products/lamp").await.refused(ErrorCode::Validation);
}

#[tokio::test]
async fn a_dashboard_is_its_owners_and_nobody_elses() {
    let stage = Stage::set(&[]).await;
    stage.door.client().get(DASHBOARD).await.refused(ErrorCode::Unauthenticated);
    assert!(stage.peers.heard("/").is_empty(), "nothing is asked for nobody");

    let liked = ProductId::new();
    stage.peers.data("/internal/v1/catalog/related", json!({"products": [card(liked)], "stale": false}));
    for _ in 0..2 {
        let claims = stage.issuer.claims(stage.door.clock(), &[Role::User]);
        let (user, token, bought) = (claims.sub, stage.issuer.sign(&claims), ProductId::new());
        stage.peers.data(&format!("/internal/v1/orders/recent?user={user}"), json!([order(user)]));
        stage
            .peers
            .data(&format!("/internal/v1/orders/purchases?user={user}"), json!({"products": [bought]}));
        stage.peers.data("/api/v1/notifications?", json!([notification()]));
        let page: Dashboard = stage.door.client().bearer(&token).get(DASHBOARD).await.expect(200).data();
        assert_eq!(page.notifications.unwrap().len(), 1);
        // The messages are asked for in the person's own name.
        let asked = stage.peers.heard("/api/v1/notifications?").pop().unwrap();
        assert_eq!(asked.1, Some(format!("Bearer {token}")));
        assert_eq!(page.orders.unwrap()[0].user, user);
        assert_eq!(page.recommendations.unwrap()[0].id, liked);
        assert!(page.completeness.missing.is_empty(), "{:?}", page.completeness);
        let asked = stage.peers.heard("/internal/v1/catalog/related").pop().unwrap();
        assert!(asked.0.contains(&bought.to_string()), "{asked:?}");
    }
}

fn notification() -> Value {
    json!({"id": NotificationId::new(), "kind": NotificationKind::ALL[0], "state": NotificationState::ALL[0], "createdAt": NOW})
}

#[tokio::test]
async fn who_has_bought_nothing_gets_no_recommendations_and_nothing_is_missing() {
    let stage = Stage::set(&[]).await;
    let token = stage.issuer.token(stage.door.clock(), &[Role::User]);
    stage.peers.data("/internal/v1/orders/recent", json!([]));
    stage.peers.data("/internal/v1/orders/purchases", json!({"products": []}));
    stage.peers.say("/api/v1/notifications?", Answer::Error(ErrorCode::Internal));
    let page: Dashboard = stage.door.client().bearer(&token).get(DASHBOARD).await.expect(200).data();
    assert_eq!(page.recommendations.unwrap(), []);
    assert_eq!(page.orders.unwrap(), []);
    assert_eq!(page.completeness.missing, [missing(Part::Notifications, WhyMissing::Unavailable)]);
    assert!(stage.peers.heard("/internal/v1/catalog/related").is_empty());
}

/// What is kept for everybody was asked for by nobody.
#[tokio::test]
async fn what_everybody_sees_is_asked_for_without_anybodys_token() {
    let stage = Stage::set(&[]).await;
    let id = ProductId::new();
    everybody_answers(&stage, id);
    let token = stage.issuer.token(stage.door.clock(), &[Role::Admin]);
    let admin = stage.door.client().bearer(&token);
    admin.get(HOME).await.expect(200);
    admin.get(&path_of(id)).await.expect(200);
    for path in ["/api/v1/products", CATEGORIES, "/internal/v1/catalog"] {
        let asked = stage.peers.heard(path);
        assert!(!asked.is_empty() && asked.iter().all(|(_, token)| token.is_none()), "{asked:?}");
    }
}

/// Within a moment the catalog is asked once for all who look.
#[tokio::test]
async fn many_who_look_at_once_are_one_question() {
    let stage = Stage::set(&[]).await;
    everybody_answers(&stage, ProductId::new());
    let client = stage.door.client();
    futures_util::future::join_all((0..50).map(|_| client.get(HOME))).await;
    assert_eq!(stage.peers.heard(CATEGORIES).len(), 1);
}

#[tokio::test]
async fn the_pages_are_described() {
    let stage = Stage::set(&[]).await;
    let document = stage.door.client().get("/openapi.json").await.expect(200).json();
    for path in [HOME, "/api/v1/bff/products/{id}", DASHBOARD] {
        assert!(document["paths"][path]["get"].is_object(), "{path}");
    }
    assert!(document["paths"][DASHBOARD]["get"]["security"][0]["bearer"].is_array());
}
