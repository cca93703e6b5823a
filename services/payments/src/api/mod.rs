//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod confirm_payment;
mod get_payment;
mod internal;
mod list_findings;
mod list_payments;
mod list_refunds;
mod receive_webhook;

use crate::app::App;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    open().merge(guarded())
}

/// What a buyer does to a payment: the policy `payments` counts it.
pub(crate) fn guarded() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(confirm_payment::confirm_payment))
}

/// All others.
pub(crate) fn open() -> OpenApiRouter<App> {
    let about = "Authorising, capturing and giving back money through a provider.";
    OpenApiRouter::with_openapi(document("Payments", about))
        .routes(routes!(list_payments::list_payments))
        .routes(routes!(list_findings::list_findings))
        .routes(routes!(get_payment::get_payment))
        .routes(routes!(list_refunds::list_refunds))
        .routes(routes!(receive_webhook::receive_webhook))
        .merge(internal::routes())
}
