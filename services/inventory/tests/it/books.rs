//! The rules over everything see what breaks them, and the schema keeps the worst from being written at all.

use crate::support::{Bench, refused_with};
use chassis::db::{ViolationKind, q, violated};
use contract::ErrorCode;
use contract::ids::{CheckoutId, OrderId, RefundId};
use contract::inventory::{ReserveLine, Restock};
use testkit::{Engine, on_both_engines};

/// The rules that are broken.
async fn broken(bench: &Bench) -> Vec<String> {
    let findings = bench.service.assembled().books().audit().await;
    findings.into_iter().filter(|finding| !finding.holds()).map(|finding| finding.invariant).collect()
}

async fn a_forged_row_is_found_by_the_rule_that_it_breaks(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(10).await;
    let [checkout, sold] = [CheckoutId::new(), CheckoutId::new()];
    let order = OrderId::new();
    bench.reserve(checkout, OrderId::new(), &[(item, 2)]).await.unwrap();
    bench.reserve(sold, order, &[(item, 1)]).await.unwrap();
    bench.inventory.commit(sold).await.unwrap();
    let lines = vec![ReserveLine { product: item.id, quantity: 1 }];
    let refund = RefundId::new();
    bench.inventory.restock(&Restock { refund, order, lines }).await.unwrap();
    bench.books_hold().await;
    let db = bench.db();
    for (forge, undo, rule) in [
        (
            "UPDATE reservation SET state = 'RELEASED' WHERE state = 'ACTIVE'",
            "UPDATE reservation SET state = 'ACTIVE' WHERE state = 'RELEASED'",
            "reserved-is-the-sum-of-reservations",
        ),
        (
            "UPDATE stock SET on_hand = on_hand + 1",
            "UPDATE stock SET on_hand = on_hand - 1",
            "the-ledger-comes-to-the-stock",
        ),
        ("UPDATE stock SET seq = seq + 1", "UPDATE stock SET seq = seq - 1", "the-ledger-comes-to-the-stock"),
        (
            "UPDATE restock_line SET quantity = 2",
            "UPDATE restock_line SET quantity = 1",
            "no-more-comes-back-than-was-sold",
        ),
    ] {
        q!(db.write, execute, forge).unwrap();
        assert_eq!(broken(&bench).await, [rule]);
        q!(db.write, execute, undo).unwrap();
        bench.books_hold().await;
    }
    // Nobody sweeps in this test.
    bench.pass(900 + 200);
    assert_eq!(broken(&bench).await, ["no-reservation-outlives-its-time"]);
}

async fn the_schema_refuses_what_the_code_must_not_write(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(3).await;
    bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 2)]).await.unwrap();
    let db = bench.db();
    for (statement, rule) in [
        ("UPDATE stock SET reserved = reserved - 3", "stock_reserved_not_negative"),
        ("UPDATE stock SET on_hand = 1", "stock_not_oversold"),
        ("UPDATE stock SET on_hand = 1000000001", "stock_countable"),
        ("UPDATE reservation_line SET quantity = 0", "reservation_line_quantity_positive"),
        ("UPDATE reservation SET state = 'SOLD'", "reservation_state_check"),
        ("UPDATE reservation SET order_id = NULL", "reservation_has_an_order"),
        ("UPDATE movement SET kind = 'THEFT'", "movement_kind_check"),
    ] {
        let violation = violated(&q!(db.write, execute, statement).unwrap_err()).unwrap();
        assert_eq!((violation.kind, violation.name.as_str()), (ViolationKind::Check, rule));
    }
    let twice = "UPDATE movement SET seq = 1";
    assert!(
        violated(&q!(db.write, execute, twice).unwrap_err())
            .unwrap()
            .is_unique("movement_product_id_seq_key")
    );
    bench.books_hold().await;
}

/// Two answers of one database must agree: the path that reads and the path that changes.
async fn what_is_not_enough_to_read_is_not_enough_to_reserve(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let item = bench.item(1).await;
    assert!(bench.inventory.availability(&[item.id]).await.unwrap()[0].in_stock);
    bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 1)]).await.unwrap();
    assert!(!bench.inventory.availability(&[item.id]).await.unwrap()[0].in_stock);
    let answer = bench.reserve(CheckoutId::new(), OrderId::new(), &[(item, 1)]).await;
    refused_with(answer, ErrorCode::InsufficientStock);
}

on_both_engines!(
    a_forged_row_is_found_by_the_rule_that_it_breaks,
    the_schema_refuses_what_the_code_must_not_write,
    what_is_not_enough_to_read_is_not_enough_to_reserve,
);
