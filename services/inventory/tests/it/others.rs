//! The catalog and the orders as the inventory knows them: what they publish.

use axum::body::Bytes;
use axum::extract::State;
use axum::routing::post;
use chassis::config::{Mode, Problems, Validate, settings};
use chassis::db::Db;
use chassis::error::{ApiError, ApiResult};
use chassis::events::Outbox;
use chassis::http::no_content;
use chassis::openapi::document;
use chassis::service::{Context, Parts, Service, Spec};
use contract::catalog::{ProductCreated, ProductRemoved};
use contract::event::{Event, EventSpec};
use contract::orders::{OrderCancelled, OrderConfirmed, OrderCreated, OrderCreatedV1, OrderFailed};
use http::StatusCode;
use inventory::Inventory;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Publishes what a test tells it to.
pub(crate) struct Others;

/// An order as version 1 told of it.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
pub(crate) struct Old(pub(crate) OrderCreatedV1);

impl Event for Old {
    const TYPE: &'static str = OrderCreated::TYPE;
    const VERSION: u32 = 1;
    const ABOUT: &'static str = "An order was placed.";

    fn key(&self) -> String {
        self.0.order.to_string()
    }
}

settings! {
    /// None.
    pub(crate) struct Nothing {}
}

impl Validate for Nothing {
    fn validate(&self, _: Mode, _: &mut Problems) {}
}

#[derive(Clone)]
struct App {
    db: Db,
    outbox: Outbox,
}

/// Where a test sends an event.
pub(crate) fn path<E: Event>() -> String {
    format!("/api/v1/others/{}/{}", E::TYPE, E::VERSION)
}

async fn publish<E: Event>(State(app): State<App>, body: Bytes) -> ApiResult<StatusCode> {
    let event: E = serde_json::from_slice(&body).map_err(ApiError::internal)?;
    let mut t = app.db.begin().await?;
    app.outbox.publish(&mut t, &event).await?;
    t.commit().await?;
    Ok(no_content())
}

impl Service for Others {
    const SPEC: Spec = Spec {
        name: "others",
        about: "Publishes what a test tells it to",
        owns: &["others"],
        well_known: &[],
        door: false,
        needs: &[],
        // Some tables; it uses none of them.
        database: Inventory::SPEC.database,
        events: &[
            EventSpec::of::<ProductCreated>(),
            EventSpec::of::<ProductRemoved>(),
            EventSpec::of::<OrderCreated>(),
            EventSpec::of::<Old>(),
            EventSpec::of::<OrderConfirmed>(),
            EventSpec::of::<OrderFailed>(),
            EventSpec::of::<OrderCancelled>(),
        ],
        openapi: || document("Others", "Publishes what a test tells it to."),
    };

    type Config = Nothing;

    async fn build(_: Nothing, context: Context) -> anyhow::Result<Parts> {
        let app = App { db: context.db()?, outbox: context.outbox()? };
        let router = axum::Router::new()
            .route(&path::<ProductCreated>(), post(publish::<ProductCreated>))
            .route(&path::<ProductRemoved>(), post(publish::<ProductRemoved>))
            .route(&path::<OrderCreated>(), post(publish::<OrderCreated>))
            .route(&path::<Old>(), post(publish::<Old>))
            .route(&path::<OrderConfirmed>(), post(publish::<OrderConfirmed>))
            .route(&path::<OrderFailed>(), post(publish::<OrderFailed>))
            .route(&path::<OrderCancelled>(), post(publish::<OrderCancelled>));
        Ok(Parts::new(router.with_state(app)))
    }
}
