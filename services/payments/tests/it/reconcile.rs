//! The provider's books against ours.

use crate::support::{Bench, Card, Kind, eur};
use chassis::clock::Ts;
use chassis::db::q;
use contract::ErrorCode;
use contract::identity::Role;
use contract::ids::{CheckoutId, RefundId};
use contract::payments::{FindingKind, PaymentState, ReconciliationFinding, RefundPayment};
use testkit::{Engine, eventually, on_both_engines};

const FINDINGS: &str = "/api/v1/payments/reconciliation";

/// The open findings of a comparison that begins after this call.
async fn compared(bench: &Bench) -> Vec<ReconciliationFinding> {
    let (db, asked) = (bench.service.db("payments"), bench.service.clock().now());
    // By then the next one is due, and what was done has come to rest.
    bench.pass(120);
    eventually(|| async {
        let sql = "SELECT started_at FROM job WHERE name = 'reconcile' AND status = 'waiting' AND last_outcome = 'done'";
        let run: Option<(Ts,)> = q!(db.read, fetch_optional, sql).unwrap();
        match run {
            Some((run,)) if run > asked => Ok(()),
            other => Err(other),
        }
    })
    .await;
    let staff = bench.person(Role::Admin);
    staff.client.get(&format!("{FINDINGS}?limit=100")).await.expect(200).data()
}

fn kinds(findings: &[ReconciliationFinding]) -> Vec<(FindingKind, Option<CheckoutId>)> {
    let mut kinds: Vec<_> = findings.iter().map(|finding| (finding.kind, finding.payment)).collect();
    kinds.sort();
    kinds
}

async fn books_that_agree_have_no_findings(engine: Engine) {
    for kind in [Kind::Sandbox, Kind::Stripe] {
        let Some(bench) = Bench::start(engine, kind).await else { return };
        let taken = bench.captured().await;
        let part = RefundPayment { amount: eur(999), reason: String::new() };
        bench.peer().refund(taken.id, RefundId::new(), &part).await.unwrap();
        bench.peer().void(bench.authorized().await.id).await.unwrap();
        bench.begun(Card::Declined).await;
        bench.authorized().await;
        assert_eq!(compared(&bench).await, []);
    }
}

async fn every_difference_is_found_and_closed_when_it_is_gone(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Stripe).await else { return };
    let [unknown, second, returned, missing] =
        [CheckoutId::new(), bench.captured().await.id, bench.captured().await.id, bench.captured().await.id];
    bench.stripe.plant(&unknown.to_string(), 4_999, "requires_capture");
    bench.stripe.plant(&second.to_string(), 4_999, "requires_capture");
    bench.stripe.give_back(&returned.to_string(), 100);
    bench.stripe.lose(&missing.to_string());
    let found = compared(&bench).await;
    let mut expected = vec![
        (FindingKind::UnknownCharge, Some(unknown)),
        (FindingKind::MissingCharge, Some(missing)),
        (FindingKind::SecondCharge, Some(second)),
        (FindingKind::Refunded, Some(returned)),
    ];
    expected.sort();
    assert_eq!(kinds(&found), expected);
    let second = bench.stripe.charges(&second.to_string());
    assert_eq!(second[1].1, "canceled", "a further charge keeps no money");
    bench.stripe.lose(&unknown.to_string());
    bench.stripe.give_back(&returned.to_string(), -100);
    assert_eq!(kinds(&compared(&bench).await), [(FindingKind::MissingCharge, Some(missing))]);
    let staff = bench.person(Role::Admin);
    let all: Vec<ReconciliationFinding> =
        staff.client.get(&format!("{FINDINGS}?closed=true")).await.expect(200).data();
    assert_eq!(all.len(), 4);
    assert_eq!(all.iter().filter(|finding| finding.closed_at.is_some()).count(), 3);
}

async fn what_a_lost_webhook_would_have_told_is_taken_over(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Stripe).await else { return };
    let [taken, gone] = [bench.authorized().await.id, bench.authorized().await.id];
    bench.stripe.turn(&taken.to_string(), "succeeded");
    bench.stripe.turn(&gone.to_string(), "canceled");
    assert_eq!(compared(&bench).await, []);
    assert_eq!(bench.peer().payment(taken).await.unwrap().state, PaymentState::Captured);
    assert_eq!(bench.peer().payment(gone).await.unwrap().state, PaymentState::Voided);
    let by_books = "SELECT COUNT(*) FROM payment_history WHERE cause = 'reconciliation'";
    assert_eq!(bench.count(by_books).await, 2);
}

async fn findings_are_for_who_looks_after_payments(engine: Engine) {
    let Some(bench) = Bench::start(engine, Kind::Sandbox).await else { return };
    for role in [Role::User, Role::Vendor, Role::Moderator] {
        bench.person(role).client.get(FINDINGS).await.expect(403).refused(ErrorCode::Forbidden);
    }
    bench.service.client().get(FINDINGS).await.expect(401);
}

on_both_engines!(
    books_that_agree_have_no_findings,
    every_difference_is_found_and_closed_when_it_is_gone,
    what_a_lost_webhook_would_have_told_is_taken_over,
    findings_are_for_who_looks_after_payments,
);
