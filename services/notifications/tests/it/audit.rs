//! The audit sees a second mail, and a message that nobody sends.

use crate::bench::{Bench, captured, confirmed};
use chassis::db::q;
use contract::audit::Finding;
use contract::identity::Role;
use contract::ids::OrderId;
use testkit::{Engine, on_both_engines};
use uuid::Uuid;

async fn finding(bench: &Bench, name: &str) -> Finding {
    let findings = bench.service.assembled().books().audit().await;
    findings.into_iter().find(|one| one.invariant == name).unwrap()
}

async fn a_mail_that_belongs_to_no_message_is_found(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_mailed(&ada.email, 1).await;
    bench.holds().await;
    let copy = "INSERT INTO mail_outbox (id, kind, recipient, subject, body_text, status, due_at, created_at) \
        SELECT $1, kind, recipient, subject, body_text, status, due_at, created_at FROM mail_outbox";
    let (db, id) = (bench.service.db("notifications"), Uuid::now_v7());
    q!(db.write, execute, copy, id).unwrap();
    let found = finding(&bench, "each-mail-is-sent-once").await;
    assert_eq!(found.violations.len(), 1, "{found:?}");
    assert_eq!(found.violations[0].subject, format!("mail {id}"));
}

async fn a_message_that_nobody_sends_is_found(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let ada = bench.person("ada", &[Role::User]);
    bench.issuer.silence(true);
    bench.publish(&confirmed(ada.id)).await;
    bench.until_counted("SELECT COUNT(*) FROM job WHERE last_outcome = 'retry'", 1).await;
    bench.holds().await;
    let db = bench.service.db("notifications");
    q!(db.write, execute, "DELETE FROM job WHERE name = 'send-notification'").unwrap();
    let found = finding(&bench, "messages-that-wait-have-a-job").await;
    assert_eq!(found.violations.len(), 1, "{found:?}");
}

async fn a_receipt_that_waits_for_a_known_order_is_found(engine: Engine) {
    let Some(bench) = Bench::start(engine).await else { return };
    let (ada, order) = (bench.person("ada", &[Role::User]), OrderId::new());
    bench.publish(&captured(order)).await;
    bench.until_counted("SELECT COUNT(*) FROM parked_receipt", 1).await;
    bench.holds().await;
    let db = bench.service.db("notifications");
    q!(db.write, execute, "UPDATE known_order SET user_id = $1", ada.id.uuid()).unwrap();
    let found = finding(&bench, "receipts-wait-for-unknown-orders-only").await;
    assert_eq!((found.checked, found.violations.len()), (1, 1), "{found:?}");
}

on_both_engines!(
    a_mail_that_belongs_to_no_message_is_found,
    a_message_that_nobody_sends_is_found,
    a_receipt_that_waits_for_a_known_order_is_found,
);
