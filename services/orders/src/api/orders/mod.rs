//! Orders: placing one, seeing it, and what may be done to it.

mod cancel_order;
mod deliver_order;
mod get_history;
mod get_order;
mod place_order;
mod process_order;
mod refund_order;
mod retry_order;
mod ship_order;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Routes that buy, or change their mind about it.
pub(super) fn counted() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(place_order::place_order))
        .routes(routes!(retry_order::retry_order))
        .routes(routes!(cancel_order::cancel_order))
}

/// All others.
pub(super) fn open() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_order::get_order))
        .routes(routes!(get_history::get_history))
        .routes(routes!(process_order::process_order))
        .routes(routes!(ship_order::ship_order))
        .routes(routes!(deliver_order::deliver_order))
        .routes(routes!(refund_order::refund_order))
}
