//! A stand-in for the orders service: it publishes what a test says, and hears what the payments publish.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::{Db, Tx};
use chassis::error::ApiResult;
use chassis::events::{Handled, Handler, Outbox, Received};
use chassis::http::{Json, no_content};
use chassis::openapi::document;
use chassis::service::{Context, Parts, Service, Spec};
use contract::event::{Event, EventSpec};
use contract::ids::CheckoutId;
use contract::orders::{OrderCancelled, OrderConfirmed, OrderCreated, OrderFailed};
use contract::payments::{
    PaymentActionRequired, PaymentAuthorized, PaymentCaptured, PaymentFailed, PaymentRefunded, PaymentVoided,
};
use http::StatusCode;
use payments::Payments;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Mutex;

pub(crate) struct FakeOrders;

/// What a test has it publish.
#[derive(Serialize, Deserialize, garde::Validate)]
pub(crate) struct Publish {
    #[garde(skip)]
    pub(crate) kind: String,
    #[garde(skip)]
    pub(crate) data: Value,
}

/// The checkout and the type of each event of the payments, in all tests of this process.
static HEARD: Mutex<Vec<(String, &str, Value)>> = Mutex::new(Vec::new());

/// What was heard of a payment, in order.
pub(crate) fn heard(id: CheckoutId) -> Vec<&'static str> {
    let all = HEARD.lock().unwrap();
    all.iter().filter(|(of, ..)| *of == id.to_string()).map(|(_, kind, _)| *kind).collect()
}

/// The data of what was heard of a payment.
pub(crate) fn heard_data(id: CheckoutId, kind: &str) -> Vec<Value> {
    let all = HEARD.lock().unwrap();
    let of = |one: &&(String, &str, Value)| one.0 == id.to_string() && one.1 == kind;
    all.iter().filter(of).map(|(_, _, data)| data.clone()).collect()
}

struct Hear;

impl<E: Event> Handler<E> for Hear {
    async fn handle(&self, _: &mut Tx, event: Received<E>) -> Handled {
        let mut data = serde_json::to_value(&event.data)?;
        let checkout = data["checkout"].as_str().unwrap_or_default().to_owned();
        data["correlation"] = event.correlation_id.into();
        HEARD.lock().unwrap().push((checkout, E::TYPE, data));
        Ok(())
    }
}

settings! {
    /// None.
    pub(crate) struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

async fn publish(
    State((db, outbox)): State<(Db, Outbox)>,
    Json(asked): Json<Publish>,
) -> ApiResult<StatusCode> {
    let mut t = db.begin().await?;
    let data = asked.data;
    match asked.kind.as_str() {
        OrderCreated::TYPE => outbox.publish(&mut t, &read::<OrderCreated>(data)).await?,
        OrderConfirmed::TYPE => outbox.publish(&mut t, &read::<OrderConfirmed>(data)).await?,
        OrderFailed::TYPE => outbox.publish(&mut t, &read::<OrderFailed>(data)).await?,
        OrderCancelled::TYPE => outbox.publish(&mut t, &read::<OrderCancelled>(data)).await?,
        other => panic!("{other}"),
    };
    t.commit().await?;
    Ok(no_content())
}

fn read<T: for<'de> Deserialize<'de>>(data: Value) -> T {
    serde_json::from_value(data).unwrap()
}

impl Service for FakeOrders {
    const SPEC: Spec = Spec {
        name: "orders",
        about: "A stand-in for the orders",
        owns: &["orders"],
        well_known: &[],
        door: false,
        needs: &[],
        // Some tables; it uses none of them.
        database: Payments::SPEC.database,
        events: &[
            EventSpec::of::<OrderCreated>(),
            EventSpec::of::<OrderConfirmed>(),
            EventSpec::of::<OrderFailed>(),
            EventSpec::of::<OrderCancelled>(),
        ],
        openapi: || document("A stand-in", "Publishes what a test says."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, context: Context) -> anyhow::Result<Parts> {
        let state = (context.db()?, context.outbox()?);
        Ok(Parts::new(Router::new().route("/api/v1/orders/publish", post(publish)).with_state(state))
            .on::<PaymentAuthorized>("authorized", Hear)
            .on::<PaymentActionRequired>("action-required", Hear)
            .on::<PaymentFailed>("failed", Hear)
            .on::<PaymentCaptured>("captured", Hear)
            .on::<PaymentVoided>("voided", Hear)
            .on::<PaymentRefunded>("refunded", Hear))
    }
}
