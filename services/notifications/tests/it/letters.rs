//! Which event is told to whom, and in which words.

use crate::bench::{Bench, captured, confirmed, created, eur};
use chassis::db::q;
use contract::auth::UserRegistered;
use contract::event::Event;
use contract::identity::Role;
use contract::ids::{CheckoutId, OrderId, ProductId, RefundId, UserId};
use contract::inventory::ReserveLine;
use contract::orders::{
    CheckoutFlow, OrderCancelled, OrderCreatedV1, OrderFailed, OrderRefunded, OrderShipped,
};
use serde::{Deserialize, Serialize};
use testkit::{Engine, on_both_engines};

const NUMBER: &str = "B7K3-9QMX-2";

async fn every_event_is_told_in_its_own_words(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    let (user, order, number) = (ada.id, OrderId::new(), NUMBER.to_owned());
    let (flow, checkout, refund) = (CheckoutFlow::Choreography, CheckoutId::new(), RefundId::new());
    let reason = "there is no lamp left".to_owned();
    bench.publish(&UserRegistered { user }).await;
    bench.publish(&confirmed(user)).await;
    bench
        .publish(&OrderFailed { order, user, number: number.clone(), checkout, flow, reason: reason.clone() })
        .await;
    let (carrier, tracking_number) = ("Post".to_owned(), "XY 12".to_owned());
    bench.publish(&OrderShipped { order, user, number: number.clone(), carrier, tracking_number }).await;
    let (amount, refunded) = (eur(500), eur(700));
    bench
        .publish(&OrderRefunded {
            order,
            user,
            number: number.clone(),
            refund,
            amount,
            refunded,
            whole: false,
        })
        .await;
    let (checkout, lines, total) = (None, Vec::new(), eur(4500));
    let cancelled = OrderCancelled { order, user, number, checkout, refund, flow, lines, total, reason };
    bench.publish(&cancelled).await;
    let mail = bench.until_mailed(&ada.email, 6).await;
    let of = |kind: &str| {
        let sent = mail.iter().find(|mail| mail.kind == kind).unwrap_or_else(|| panic!("{kind}: {mail:?}"));
        assert!(sent.body_text.starts_with("Hello ada,\n"), "{sent:?}");
        (sent.subject.clone(), sent.body_text.clone())
    };
    assert_eq!(of("welcome").0, "Welcome to Bowline");
    let (subject, text) = of("order_confirmed");
    assert_eq!(subject, format!("Your order {NUMBER} is confirmed"));
    assert!(text.contains("  2 x Lamp: 39.98 EUR\n") && text.contains("45.00 EUR"), "{text}");
    assert!(of("order_failed").1.contains("there is no lamp left"));
    assert!(of("order_shipped").1.contains("Post brings it under the number XY 12"));
    let (_, text) = of("order_refunded");
    assert!(text.contains("5.00 EUR") && text.contains("7.00 EUR in all"), "{text}");
    assert!(of("order_cancelled").1.contains("45.00 EUR"));
    bench.holds().await;
}

async fn a_receipt_is_sent_whichever_is_heard_first(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, bob) = (bench.person("ada", &[Role::User]), bench.person("bob", &[Role::User]));
    // The order first.
    let order = OrderId::new();
    bench.publish(&created(order, ada.id)).await;
    bench.until_counted("SELECT COUNT(*) FROM known_order", 1).await;
    bench.publish(&captured(order)).await;
    // The payment first: it waits, and nobody is told until it is known whom.
    let order = OrderId::new();
    bench.publish(&captured(order)).await;
    bench.until_counted("SELECT COUNT(*) FROM parked_receipt", 1).await;
    bench.publish(&created(order, bob.id)).await;
    for person in [&ada, &bob] {
        let mail = bench.until_mailed(&person.email, 1).await;
        assert_eq!(mail[0].subject, format!("Receipt for your order {NUMBER}"));
        assert!(mail[0].body_text.contains("45.00 EUR"), "{mail:?}");
    }
    bench.until_quiet(4).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM parked_receipt").await, 0);
    assert_eq!(bench.count("SELECT COUNT(*) FROM notification").await, 2);
}

/// `order.created.v1`, as a release published it that is no longer there.
#[derive(Serialize, Deserialize, utoipa::ToSchema)]
#[serde(transparent)]
struct Old(OrderCreatedV1);

impl Event for Old {
    const TYPE: &'static str = "order.created";
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "An order was placed.";

    fn key(&self) -> String {
        self.0.order.to_string()
    }
}

async fn an_order_of_the_first_version_has_its_receipt_too(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    let order = OrderId::new();
    let items = vec![ReserveLine { product: ProductId::new(), quantity: 2 }];
    bench.publish(&Old(OrderCreatedV1 { order, user: ada.id, items, total_cents: 4500 })).await;
    bench.publish(&captured(order)).await;
    let mail = bench.until_mailed(&ada.email, 1).await;
    // Nobody knew a readable number then.
    assert_eq!(mail[0].subject, format!("Receipt for your order {order}"));
    bench.until_quiet(2).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM mail_outbox").await, 1);
}

async fn a_disabled_account_is_told_only_what_belongs_to_a_purchase(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let user = UserId::new();
    bench.introduce(user, "eve", false);
    bench.publish(&UserRegistered { user }).await;
    bench.publish(&confirmed(user)).await;
    // Whom auth does not know is told nothing.
    bench.publish(&confirmed(UserId::new())).await;
    bench.until_quiet(3).await;
    let mail = bench.until_mailed("eve@example.org", 1).await;
    assert_eq!(mail[0].kind, "order_confirmed");
    let db = bench.service.db("notifications");
    let sql = "SELECT why FROM notification WHERE state = 'SKIPPED' ORDER BY why";
    let skipped: Vec<(String,)> = q!(db.read, fetch_all, sql).unwrap();
    let skipped: Vec<&str> = skipped.iter().map(|(why,)| why.as_str()).collect();
    assert_eq!(skipped, ["the account is disabled", "there is no such account"]);
    bench.holds().await;
}

async fn orders_and_payments_that_race_leave_no_receipt_behind(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    for place in 0..15 {
        let order = OrderId::new();
        let (order_first, paid) = (created(order, ada.id), captured(order));
        if place % 2 == 0 {
            tokio::join!(bench.publish(&order_first), bench.publish(&paid));
        } else {
            tokio::join!(bench.publish(&paid), bench.publish(&order_first));
        }
    }
    bench.until_mailed(&ada.email, 15).await;
    bench.until_quiet(30).await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM parked_receipt").await, 0);
    assert_eq!(bench.mail_to(&ada.email).await.len(), 15);
    bench.holds().await;
}

on_both_engines!(
    orders_and_payments_that_race_leave_no_receipt_behind,
    every_event_is_told_in_its_own_words,
    a_receipt_is_sent_whichever_is_heard_first,
    an_order_of_the_first_version_has_its_receipt_too,
    a_disabled_account_is_told_only_what_belongs_to_a_purchase,
);
