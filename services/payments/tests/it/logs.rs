//! What the logs never hold, whatever their level: what pays, and what proves who we are.

use crate::stripe_double::KEY;
use crate::support::{Bench, Card, Kind, WEBHOOK_SECRET, impatient, on_every_provider};
use chassis::telemetry::{self, TelemetryConfig};
use contract::ids::{CheckoutId, RefundId};
use contract::payments::{Authorize, MethodToken, PaymentState, RefundPayment};
use serde_json::json;
use std::sync::{Arc, LazyLock, Mutex};
use testkit::Engine;

/// All that may be asked for: libraries that print headers cannot be set this low.
const ALL: &str = "trace,async_nats=trace,opentelemetry=trace,redis=trace,reqwest=trace,rustls=trace,sqlx=trace,tokio=trace,\
     tower=trace";
/// A token that no provider knows.
const UNKNOWN: &str = "pm_from_a_stolen_purse";
/// What every token begins with.
const TOKEN: &str = "pm_";

/// All that is logged in this process, on whichever thread.
static WRITTEN: LazyLock<Arc<Mutex<Vec<u8>>>> = LazyLock::new(|| {
    let written = Arc::new(Mutex::new(Vec::new()));
    let into = Arc::clone(&written);
    let sink: telemetry::Sink = Arc::new(move |line| into.lock().unwrap().extend_from_slice(line));
    let config = TelemetryConfig { log_level: ALL.to_owned(), ..TelemetryConfig::default() };
    let (dispatch, _) = telemetry::scoped(&config, "0.0.0", sink).unwrap();
    tracing::dispatcher::set_global_default(dispatch).unwrap();
    written
});

fn written() -> String {
    String::from_utf8(WRITTEN.lock().unwrap().clone()).unwrap()
}

async fn no_log_holds_a_token_or_a_secret(engine: Engine, kind: Kind) {
    LazyLock::force(&WRITTEN);
    let Some(bench) = Bench::start_with(impatient(), engine, kind).await else { return };
    let peer = bench.peer();
    for card in [Card::Good, Card::Declined, Card::Poor, Card::Careful, Card::Broken, Card::Silent] {
        let begun = bench.begun(card).await;
        if begun.state == PaymentState::Pending {
            bench.comes_to(begun.id, PaymentState::Authorized).await;
        }
    }
    let unknown = Authorize { method: MethodToken(UNKNOWN.to_owned()), ..bench.asks(Card::Good) };
    let failed = peer.authorize(CheckoutId::new(), &unknown).await.unwrap();
    assert_eq!(failed.state, PaymentState::Failed);
    // Another amount under the same checkout, and a token that cannot be one.
    let (id, asked) = (CheckoutId::new(), bench.asks(Card::Good));
    peer.authorize(id, &asked).await.unwrap();
    peer.authorize(id, &Authorize { amount: crate::support::eur(1), ..asked.clone() }).await.unwrap_err();
    let no_token = Authorize { method: MethodToken("pm_4242 4242 4242 4242".to_owned()), ..asked };
    peer.authorize(CheckoutId::new(), &no_token).await.unwrap_err();
    let taken = bench.captured().await;
    let some = RefundPayment { amount: crate::support::eur(100), reason: "scratched".to_owned() };
    peer.refund(taken.id, RefundId::new(), &some).await.unwrap();

    let slow = bench.begun(Card::Slow).await;
    bench.ripens(slow.id).await;
    bench.comes_to(slow.id, PaymentState::Authorized).await;
    let body =
        json!({"id": "evt_1", "type": "x", "data": {"object": {"payment_method": UNKNOWN}}}).to_string();
    let now = bench.service.clock().now();
    let signatures = [bench.signature(&body, now), bench.signature("another", now)];
    for signature in &signatures {
        bench.webhook_signed(&body, signature).await;
    }

    let log = written();
    for what in ["a webhook was refused", "\"level\":\"TRACE\"", "\"target\":\"sqlx", "/webhooks/"] {
        assert!(log.contains(what), "the log has no {what}");
    }
    let proofs = signatures.iter().filter_map(|one| one.split("v1=").nth(1));
    for secret in [TOKEN, WEBHOOK_SECRET, KEY].into_iter().chain(proofs) {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret} is in the log");
    }
}

on_every_provider!(no_log_holds_a_token_or_a_secret);
