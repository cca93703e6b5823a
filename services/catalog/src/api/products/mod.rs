//! Products.

mod create_product;
mod delete_product;
mod get_product;
mod get_product_by_slug;
mod list_prices;
mod list_products;
mod update_product;

use crate::app::App;
use chassis::cache::Cached;
use chassis::http::{Caching, Reply, reply};
use contract::catalog::Product;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// The routes.
pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list_products::list_products, create_product::create_product))
        .routes(routes!(
            get_product::get_product,
            update_product::update_product,
            delete_product::delete_product
        ))
        .routes(routes!(get_product_by_slug::get_product_by_slug))
        .routes(routes!(list_prices::list_prices))
}

/// A product as an answer. One that is not sold is nobody's to keep but who may see it.
fn shown(product: Cached<Product>) -> Reply<Product> {
    let (version, caching) = (product.version, product.caching());
    let caching = if product.active { caching } else { Caching::private() };
    reply(product.into_inner()).version(version).cached(caching)
}
