//! What reviews come to: a read model that is the reviews, also after a rebuild, and an audit that sees when it is not.

use crate::bench::{Bench, at};
use chassis::db::q;
use contract::ids::ProductId;
use contract::reviews::{Rating, Stars};
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Engine, eventually, on_both_engines};

async fn audit(bench: &Bench) -> contract::audit::Finding {
    let findings = bench.service.assembled().books().audit().await;
    findings.into_iter().find(|one| one.invariant == "ratings-are-those-of-the-reviews").unwrap()
}

async fn the_average_follows_what_is_written_changed_and_taken_back(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    bench.until_rated(product, 0, None).await;
    let mut people = Vec::new();
    for rating in [5, 4, 2] {
        let buyer = bench.buyer(&[product]).await;
        let review = buyer.review(product, rating).await;
        people.push((buyer, review));
    }
    bench.until_rated(product, 3, Some("3.67")).await;
    let (last, review) = &people[2];
    last.client.patch(&at(review), json!({"rating": 5})).await.expect(200);
    bench.until_rated(product, 3, Some("4.67")).await;
    last.client.delete(&at(review)).await.expect(204);
    bench.until_rated(product, 2, Some("4.50")).await;
    let other = ProductId::new();
    let ratings = bench.as_service().ratings(&[other, product]).await.unwrap();
    let expected = [
        Rating::of(other, Stars::default()),
        Rating::of(product, Stars { four: 1, five: 1, ..Stars::default() }),
    ];
    assert_eq!(ratings, expected);
    assert!(bench.as_service().ratings(&[]).await.unwrap().is_empty());
    let finding = audit(&bench).await;
    assert!(finding.holds(), "{finding:?}");
    assert_eq!(finding.checked, 1);
}

async fn the_internal_route_is_for_services_only(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let path = format!("/internal/v1/reviews/ratings?products={}", ProductId::new());
    bench.moderator().client.get(&path).await.expect(404);
    bench.service.client().get(&path).await.expect(404);
}

async fn many_at_once_are_counted_once_each_and_the_audit_holds_meanwhile(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let products = [product];
    let buyers = join_all((0..12).map(|_| bench.buyer(&products))).await;
    let work = join_all(buyers.iter().enumerate().map(async |(place, buyer)| {
        let review = buyer.review(product, 1).await;
        buyer.client.patch(&at(&review), json!({"rating": 5})).await.expect(200);
        if place % 3 == 0 {
            buyer.client.delete(&at(&review)).await.expect(204);
        }
    }));
    let audits = async {
        for _ in 0..5 {
            let finding = audit(&bench).await;
            assert!(finding.holds(), "{finding:?}");
        }
    };
    tokio::join!(work, audits);
    bench.until_rated(product, 8, Some("5.00")).await;
    assert!(audit(&bench).await.holds());
}

async fn a_spoilt_read_model_is_found_and_a_rebuild_puts_it_right(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    bench.buyer(&[product]).await.review(product, 4).await;
    bench.until_rated(product, 1, Some("4.00")).await;
    let db = bench.service.db("reviews");
    q!(db.write, execute, "UPDATE review_rating SET two = two + 1, four = four - 1").unwrap();
    let finding = audit(&bench).await;
    assert_eq!(finding.violations.len(), 1, "{finding:?}");
    assert!(finding.violations[0].subject.contains(&product.to_string()));
    assert!(finding.violations[0].found.ends_with("0, -1, 0, 1, 0"), "{finding:?}");
    let shared = bench.service.assembled().shared().clone();
    let store =
        chassis::event_store::EventStore::new(db.clone(), shared.wake("event-store"), shared.clock().clone());
    let mut t = db.begin().await.unwrap();
    assert!(store.rebuild(&mut t, "review-ratings").await.unwrap());
    t.commit().await.unwrap();
    bench.until_rated(product, 1, Some("4.00")).await;
    eventually(|| async {
        let finding = audit(&bench).await;
        if finding.holds() { Ok(()) } else { Err(finding) }
    })
    .await;
}

on_both_engines!(
    the_average_follows_what_is_written_changed_and_taken_back,
    the_internal_route_is_for_services_only,
    many_at_once_are_counted_once_each_and_the_audit_holds_meanwhile,
    a_spoilt_read_model_is_found_and_a_rebuild_puts_it_right,
);
