//! Who writes, changes and removes which review, and who sees it.

use crate::bench::{Bench, REVIEWS, at};
use chassis::db::q;
use contract::ErrorCode;
use contract::identity::Role;
use contract::ids::ProductId;
use contract::reviews::{Review, ReviewStatus};
use futures_util::future::join_all;
use serde_json::json;
use testkit::{Engine, eventually, on_both_engines};

async fn only_who_was_brought_a_product_reviews_it(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (bought, other) = (ProductId::new(), ProductId::new());
    let buyer = bench.buyer(&[bought]).await;
    let passer_by = bench.person(&[Role::User, Role::Vendor, Role::Admin]);
    passer_by.try_review(bought, 5).await.expect(403).refused(ErrorCode::NotABuyer);
    buyer.try_review(other, 1).await.expect(403).refused(ErrorCode::NotABuyer);
    let body = json!({"product": bought, "rating": 5, "title": "x", "text": "y"});
    bench.service.client().post(REVIEWS, body).await.expect(401).refused(ErrorCode::Unauthenticated);
    let answer = buyer.try_review(bought, 4).await.expect(201);
    let made: Review = answer.data();
    assert_eq!(answer.location(), Some(at(&made).as_str()));
    assert_eq!((made.rating, made.status, made.user), (4, ReviewStatus::Approved, Some(buyer.id)));
}

async fn of_many_at_once_one_review_is_written(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let buyer = bench.buyer(&[product]).await;
    let answers = join_all((0..20).map(|_| buyer.try_review(product, 3))).await;
    let made = answers.iter().filter(|answer| answer.status == 201).count();
    assert_eq!(made, 1);
    for answer in answers.into_iter().filter(|answer| answer.status != 201) {
        answer.expect(409).refused(ErrorCode::AlreadyExists);
    }
    bench.until_rated(product, 1, Some("3.00")).await;
}

async fn a_delivery_that_is_told_twice_makes_one_buyer(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let products = [ProductId::new(), ProductId::new()];
    let buyer = bench.buyer(&products).await;
    bench.deliver(buyer.id, &products).await;
    let db = bench.service.db("reviews");
    let done = "SELECT COUNT(*) FROM inbox WHERE status = 'done'";
    eventually(|| async {
        let handled: i64 = q!(db.read, scalar, done).unwrap();
        if handled == 2 { Ok(()) } else { Err(handled) }
    })
    .await;
    assert_eq!(bench.purchases(buyer.id, products[0]).await, 1);
}

async fn nobody_changes_or_removes_anothers_review(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let (ada, eve) = (bench.buyer(&[product]).await, bench.buyer(&[product]).await);
    let review = ada.review(product, 5).await;
    for stranger in [&eve, &bench.moderator()] {
        stranger
            .client
            .patch(&at(&review), json!({"rating": 1}))
            .await
            .expect(404)
            .refused(ErrorCode::NotFound);
        stranger.client.delete(&at(&review)).await.expect(404).refused(ErrorCode::NotFound);
    }
    bench.service.client().delete(&at(&review)).await.expect(401).refused(ErrorCode::Unauthenticated);
    let still: Review = ada.client.get(&at(&review)).await.expect(200).data();
    assert_eq!(still, review);
    // What others see of it does not say whose it is.
    for stranger in [eve.client.clone(), bench.service.client()] {
        let seen: Review = stranger.get(&at(&review)).await.expect(200).data();
        assert_eq!((seen.user, seen.rating), (None, 5));
    }
    assert!(eve.client.get(&format!("{REVIEWS}/mine")).await.expect(200).data::<Vec<Review>>().is_empty());
}

async fn a_change_is_seen_and_one_on_an_old_version_is_refused(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let ada = bench.buyer(&[product]).await;
    let review = ada.review(product, 2).await;
    let seen = ada.client.get(&at(&review)).await.expect(200).header("etag").unwrap().to_owned();
    bench.pass(5);
    let changed: Review = ada
        .client
        .patch(&at(&review), json!({"rating": 4, "title": " Better now "}))
        .await
        .expect(200)
        .data();
    assert_eq!((changed.rating, changed.title.as_str(), &changed.text), (4, "Better now", &review.text));
    assert!(changed.updated_at > changed.created_at);
    for method in [http::Method::PATCH, http::Method::DELETE] {
        let late = ada.client.request(method.clone(), &at(&review)).header("if-match", &seen);
        let late = if method == http::Method::PATCH { late.json(json!({"rating": 1})) } else { late };
        late.send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    }
    for wrong in
        [json!({"rating": 6}), json!({"rating": 0}), json!({"title": ""}), json!({"status": "APPROVED"})]
    {
        ada.client.patch(&at(&review), wrong).await.expect(400).refused(ErrorCode::Validation);
    }
}

async fn who_takes_a_review_back_may_write_another(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let ada = bench.buyer(&[product]).await;
    let review = ada.review(product, 1).await;
    ada.client.delete(&at(&review)).await.expect(204);
    ada.client.get(&at(&review)).await.expect(404);
    ada.client.delete(&at(&review)).await.expect(404);
    let second = ada.review(product, 5).await;
    assert_ne!(second.id, review.id);
    bench.until_rated(product, 1, Some("5.00")).await;
}

async fn reviews_are_listed_sorted_and_by_the_page(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (product, other) = (ProductId::new(), ProductId::new());
    for rating in [3, 5, 1, 5] {
        bench.buyer(&[product]).await.review(product, rating).await;
        bench.pass(1);
    }
    bench.buyer(&[other]).await.review(other, 2).await;
    let client = bench.service.client();
    let list = |query: &str| {
        let path = format!("{REVIEWS}?product={product}&{query}");
        let client = client.clone();
        async move { client.get(&path).await.expect(200) }
    };
    let stars = |reviews: Vec<Review>| reviews.iter().map(|review| review.rating).collect::<Vec<_>>();
    assert_eq!(stars(list("").await.data()), [5, 1, 5, 3]);
    assert_eq!(stars(list("sort=rating").await.data()), [1, 3, 5, 5]);
    assert_eq!(stars(list("rating=5").await.data()), [5, 5]);
    let second = list("sort=-createdAt&limit=3&page=2").await;
    assert_eq!(stars(second.data()), [3]);
    assert_eq!(second.json()["pagination"]["total"], 4);
    for wrong in ["sort=text", "rating=9", "limit=101", "owner=me"] {
        let path = format!("{REVIEWS}?{wrong}");
        client.get(&path).await.expect(400).refused(ErrorCode::Validation);
    }
    let newest = bench.as_service().newest(product, 2).await.unwrap();
    assert_eq!(stars(newest), [5, 1]);
}

on_both_engines!(
    only_who_was_brought_a_product_reviews_it,
    of_many_at_once_one_review_is_written,
    a_delivery_that_is_told_twice_makes_one_buyer,
    nobody_changes_or_removes_anothers_review,
    a_change_is_seen_and_one_on_an_old_version_is_refused,
    who_takes_a_review_back_may_write_another,
    reviews_are_listed_sorted_and_by_the_page,
);
