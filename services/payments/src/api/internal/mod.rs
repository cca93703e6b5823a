//! Routes for services only; not in the document, because from outside there are none. All of them may be sent again: a
//! payment is known by its checkout, a refund by its id.

mod authorize;
mod capture;
mod get;
mod list;
mod refund;
mod void;

use crate::app::App;
use axum::routing::{get, put};
use utoipa_axum::router::OpenApiRouter;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .route("/internal/v1/payments", get(list::list))
        .route("/internal/v1/payments/{checkout}", get(get::get))
        .route("/internal/v1/payments/{checkout}/authorized", put(authorize::authorize))
        .route("/internal/v1/payments/{checkout}/captured", put(capture::capture))
        .route("/internal/v1/payments/{checkout}/voided", put(void::void))
        .route("/internal/v1/payments/{checkout}/refunds/{refund}", put(refund::refund))
}
