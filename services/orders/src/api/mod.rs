//! The routes, a file each. A handler reads the request, calls [`crate::app`] and words the answer.

mod cart;
mod follow_order;
mod follow_orders;
mod list_orders;
mod of_buyer;
mod orders;
mod sse;

use crate::app::App;
use axum::routing::get;
use chassis::openapi::document;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<App> {
    open().merge(counted())
}

/// Routes that buy: the policy `orders` counts them.
pub(crate) fn counted() -> OpenApiRouter<App> {
    orders::counted()
}

/// All others.
pub(crate) fn open() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(document("Orders", "Carts, checkout, orders and their history."))
        .merge(cart::routes())
        .merge(orders::open())
        .routes(routes!(list_orders::list_orders))
        .routes(routes!(follow_order::follow_order))
        .routes(routes!(follow_orders::follow_orders))
        // Not in the document: from outside there are no such routes.
        .route("/internal/v1/orders/purchases", get(of_buyer::purchases))
        .route("/internal/v1/orders/recent", get(of_buyer::recent))
}
