//! Webhooks: proved, taken once, and never older than what is known.

use crate::fake_orders::heard;
use crate::support::{Bench, Card, Kind, impatient, on_every_provider};
use contract::ErrorCode;
use contract::payments::PaymentState;
use serde_json::{Value, json};
use std::time::Duration;
use testkit::{Engine, eventually};

/// A webhook that says that a charge stands here.
async fn says(bench: &Bench, id: contract::ids::CheckoutId, event: &str, state: &str) -> Value {
    if bench.kind == Kind::Stripe {
        let (reference, ..) = bench.stripe.charges(&id.to_string())[0].clone();
        let names = [("authorized", "requires_capture"), ("captured", "succeeded"), ("canceled", "canceled")];
        let status = names.iter().find(|(own, _)| *own == state).unwrap().1;
        let received = if state == "captured" { 4_999 } else { 0 };
        let intent = json!({"id": reference, "object": "payment_intent", "amount": 4_999, "amount_received": received,
            "currency": "eur", "status": status, "created": bench.service.clock().now().secs(),
            "metadata": {"checkout": id}, "latest_charge": "ch_1"});
        return json!({"id": event, "object": "event", "type": "payment_intent.x", "data": {"object": intent}});
    }
    let db = bench.service.db("payments");
    let sql = "SELECT reference FROM sandbox_charge WHERE checkout = $1";
    let reference: String = chassis::db::q!(db.read, scalar, sql, id.uuid()).unwrap();
    let captured = if state == "captured" { 4_999 } else { 0 };
    json!({"id": event, "charge": {"reference": reference, "checkout": id, "state": state,
        "amount": {"amount": 4_999, "currency": "EUR"}, "captured": captured, "refunded": 0,
        "refusal": null, "action": null, "createdAt": bench.service.clock().now()}})
}

async fn a_webhook_is_believed_with_its_signature_only(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.authorized().await;
    let forged = says(&bench, kept.id, "evt_forged", "captured").await.to_string();
    let now = bench.service.clock().now();
    let old = bench.signature(&forged, now - Duration::from_secs(301));
    let other = bench.signature("another body", now);
    for signature in [old.as_str(), other.as_str(), "", "t=1,v1=00", "nonsense"] {
        let answer = bench.webhook_signed(&forged, signature).await.expect(400);
        answer.refused(ErrorCode::InvalidSignature);
    }
    assert_eq!(bench.peer().payment(kept.id).await.unwrap().state, PaymentState::Authorized);
    let client = bench.service.client();
    client.post("/api/v1/payments/webhooks/another", json!({})).await.expect(404);
    bench.webhook("not JSON").await.expect(400).refused(ErrorCode::Validation);
}

async fn a_webhook_that_is_late_or_comes_again_turns_nothing_back(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let taken = bench.captured().await;
    for (event, state) in [("evt_1", "authorized"), ("evt_2", "canceled"), ("evt_3", "captured")] {
        let body = says(&bench, taken.id, event, state).await.to_string();
        for _ in 0..3 {
            bench.webhook(&body).await.expect(204);
        }
    }
    assert_eq!(bench.peer().payment(taken.id).await.unwrap(), taken);
    eventually(|| async {
        let came = heard(taken.id);
        if came.len() == 2 { Ok(()) } else { Err(came) }
    })
    .await;
}

async fn what_a_webhook_brings_first_is_the_same_as_what_an_answer_brings(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.authorized().await;
    let body = says(&bench, kept.id, "evt_1", "captured").await.to_string();
    for _ in 0..2 {
        bench.webhook(&body).await.expect(204);
    }
    let now = bench.peer().capture(kept.id).await.unwrap();
    assert_eq!(now.state, PaymentState::Captured);
    eventually(|| async {
        let came = heard(kept.id);
        if came.len() == 2 { Ok(()) } else { Err(came) }
    })
    .await;
    assert_eq!(bench.count("SELECT COUNT(*) FROM webhook_event").await, 1);
}

async fn money_that_is_kept_for_a_payment_that_is_over_is_let_go(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.authorized().await;
    // Behind our back it becomes one that was let go, as if the request had landed late.
    let db = bench.service.db("payments");
    let sql = "UPDATE payment SET state = 'VOIDED', version = version + 1 WHERE id = $1";
    chassis::db::q!(db.write, execute, sql, kept.id.uuid()).unwrap();
    let body = says(&bench, kept.id, "evt_1", "authorized").await.to_string();
    bench.webhook(&body).await.expect(204);
    eventually(|| async {
        bench.pass(1);
        let charges = bench.charges(kept.id).await;
        if charges[0].0 == "canceled" { Ok(()) } else { Err(charges) }
    })
    .await;
}

async fn a_charge_of_another_amount_is_not_taken_for_this_one(engine: Engine, kind: Kind) {
    let Some(bench) = Bench::start(engine, kind).await else { return };
    let kept = bench.authorized().await;
    let body = says(&bench, kept.id, "evt_1", "captured")
        .await
        .to_string()
        .replace("\"amount\":4999", "\"amount\":1");
    bench.webhook(&body).await.expect(204);
    assert_eq!(bench.peer().payment(kept.id).await.unwrap().state, PaymentState::Authorized);
}

on_every_provider!(
    a_webhook_is_believed_with_its_signature_only,
    a_webhook_that_is_late_or_comes_again_turns_nothing_back,
    what_a_webhook_brings_first_is_the_same_as_what_an_answer_brings,
    money_that_is_kept_for_a_payment_that_is_over_is_let_go,
    a_charge_of_another_amount_is_not_taken_for_this_one,
);

mod of_the_sandbox {
    use super::*;
    use testkit::on_both_engines;

    async fn webhooks_that_come_late_and_twice_change_nothing(engine: Engine) {
        let setup = impatient()
            .set("BOWLINE_PAYMENTS__SANDBOX_WEBHOOK_COPIES", "2")
            .set("BOWLINE_PAYMENTS__SANDBOX_WEBHOOK_DELAY_MS", "5000");
        let Some(bench) = Bench::start_with(setup, engine, Kind::Sandbox).await else { return };
        let (taken, lost) = (bench.captured().await, bench.begun(Card::Silent).await);
        assert_eq!(bench.count("SELECT COUNT(*) FROM sandbox_webhook").await, 3);
        bench.comes_to(lost.id, PaymentState::Authorized).await;
        eventually(|| async {
            bench.pass(5);
            let left = bench.count("SELECT COUNT(*) FROM sandbox_webhook").await;
            if left == 0 { Ok(()) } else { Err(left) }
        })
        .await;
        assert_eq!(bench.count("SELECT COUNT(*) FROM webhook_event").await, 3);
        assert_eq!(bench.peer().payment(taken.id).await.unwrap(), taken);
        bench.audit().await;
    }

    on_both_engines!(webhooks_that_come_late_and_twice_change_nothing);
}
