//! What moderators decide, and who sees what they have not decided yet.

use crate::bench::{Bench, REVIEWS, at};
use contract::ErrorCode;
use contract::identity::Role;
use contract::ids::ProductId;
use contract::reviews::{Review, ReviewStatus};
use serde_json::json;
use testkit::{Engine, on_both_engines};

async fn a_review_waits_for_a_moderator_where_they_look_first(engine: Engine) {
    let Some(bench) = Bench::start_with(engine, true).await else { return };
    let product = ProductId::new();
    let (ada, moderator) = (bench.buyer(&[product]).await, bench.moderator());
    let review = ada.review(product, 5).await;
    assert_eq!(review.status, ReviewStatus::Pending);
    let stranger = bench.person(&[Role::User]);
    stranger.client.get(&at(&review)).await.expect(404).refused(ErrorCode::NotFound);
    let shown = format!("{REVIEWS}?product={product}");
    assert!(stranger.client.get(&shown).await.expect(200).data::<Vec<Review>>().is_empty());
    ada.client.get(&at(&review)).await.expect(200);
    let queue: Vec<Review> =
        moderator.client.get(&format!("{REVIEWS}?status=PENDING")).await.expect(200).data();
    assert_eq!(queue.iter().map(|review| review.id).collect::<Vec<_>>(), [review.id]);
    assert_eq!(queue[0].user, Some(ada.id));
    moderator.client.post(&format!("{}/approve", at(&review)), json!({})).await.expect(200);
    let seen: Vec<Review> = stranger.client.get(&shown).await.expect(200).data();
    assert_eq!(seen.len(), 1);
    bench.until_rated(product, 1, Some("5.00")).await;
    // A change is looked at again.
    let changed: Review =
        ada.client.patch(&at(&review), json!({"text": "Other words."})).await.expect(200).data();
    assert_eq!(changed.status, ReviewStatus::Pending);
    bench.until_rated(product, 0, None).await;
}

async fn a_rejected_review_is_seen_by_its_author_with_the_reason(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let (ada, moderator) = (bench.buyer(&[product]).await, bench.moderator());
    let review = ada.review(product, 1).await;
    bench.until_rated(product, 1, Some("1.00")).await;
    let reject = format!("{}/reject", at(&review));
    moderator.client.post(&reject, json!({})).await.expect(400).refused(ErrorCode::Validation);
    moderator.client.post(&reject, json!({"reason": "It names a person."})).await.expect(200);
    // The second time changes nothing.
    let again: Review = moderator.client.post(&reject, json!({"reason": "Other"})).await.expect(200).data();
    assert_eq!(again.reason.as_deref(), Some("It names a person."));
    bench.until_rated(product, 0, None).await;
    bench.service.client().get(&at(&review)).await.expect(404);
    let own: Vec<Review> = ada.client.get(&format!("{REVIEWS}/mine")).await.expect(200).data();
    assert_eq!(
        (own[0].status, own[0].reason.as_deref()),
        (ReviewStatus::Rejected, Some("It names a person."))
    );
    // Its author cannot show it by changing it.
    let changed: Review = ada.client.patch(&at(&review), json!({"rating": 2})).await.expect(200).data();
    assert_eq!((changed.status, changed.reason), (ReviewStatus::Pending, None));
    moderator.client.post(&format!("{}/approve", at(&review)), json!({})).await.expect(200);
    bench.until_rated(product, 1, Some("2.00")).await;
}

async fn only_moderators_decide_and_never_on_their_own(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let product = ProductId::new();
    let moderator = bench.moderator();
    bench.deliver(moderator.id, &[product]).await;
    testkit::eventually(|| async { bench.purchases(moderator.id, product).await == 1 }).await;
    let review = moderator.review(product, 5).await;
    let why = json!({"reason": "It is mine."});
    let reject = format!("{}/reject", at(&review));
    moderator.client.post(&reject, why.clone()).await.expect(403).refused(ErrorCode::Forbidden);
    for roles in [&[Role::User][..], &[Role::User, Role::Vendor]] {
        let other = bench.person(roles);
        other.client.post(&reject, why.clone()).await.expect(403).refused(ErrorCode::Forbidden);
        for status in ["PENDING", "REJECTED"] {
            let queue = format!("{REVIEWS}?status={status}");
            other.client.get(&queue).await.expect(403).refused(ErrorCode::Forbidden);
            bench.service.client().get(&queue).await.expect(401).refused(ErrorCode::Unauthenticated);
        }
    }
    bench.service.client().post(&reject, why.clone()).await.expect(401).refused(ErrorCode::Unauthenticated);
    let nothing = format!("{REVIEWS}/{}/approve", ProductId::new());
    moderator.client.post(&nothing, json!({})).await.expect(404).refused(ErrorCode::NotFound);
    bench.moderator().client.post(&reject, why).await.expect(200);
}

async fn a_moderator_decides_on_what_they_have_read(engine: Engine) {
    let Some(bench) = Bench::start_with(engine, true).await else { return };
    let product = ProductId::new();
    let (ada, moderator) = (bench.buyer(&[product]).await, bench.moderator());
    let review = ada.review(product, 5).await;
    let read = moderator.client.get(&at(&review)).await.expect(200).header("etag").unwrap().to_owned();
    ada.client.patch(&at(&review), json!({"text": "Something else entirely."})).await.expect(200);
    let approve = format!("{}/approve", at(&review));
    let late = moderator.client.request(http::Method::POST, &approve).header("if-match", &read);
    late.json(json!({})).send().await.expect(412).refused(ErrorCode::PreconditionFailed);
    let still: Review = moderator.client.get(&at(&review)).await.expect(200).data();
    assert_eq!(still.status, ReviewStatus::Pending);
}

on_both_engines!(
    a_review_waits_for_a_moderator_where_they_look_first,
    a_rejected_review_is_seen_by_its_author_with_the_reason,
    only_moderators_decide_and_never_on_their_own,
    a_moderator_decides_on_what_they_have_read,
);
