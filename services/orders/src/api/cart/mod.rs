//! `/api/v1/cart`.

mod add_item;
mod clear_cart;
mod get_cart;
mod make_cart;
mod merge_cart;
mod remove_item;
mod set_item;
mod shopper;

use crate::app::App;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(get_cart::get_cart, make_cart::make_cart, clear_cart::clear_cart))
        .routes(routes!(add_item::add_item))
        .routes(routes!(set_item::set_item, remove_item::remove_item))
        .routes(routes!(merge_cart::merge_cart))
}
