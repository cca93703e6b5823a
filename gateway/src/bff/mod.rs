//! Pages put together from what several services say, so that a browser or a phone asks once.
//!
//! What must hold: the parts are asked for at the same time, each with a deadline of its own; a part that does not come is
//! named with its reason, and the page comes without it. What everybody sees the same of the catalog is kept for a moment, and
//! while the catalog does not answer, given out as it was last and marked; a price is never made up. What one person sees is
//! asked for under their own identity and never kept.

mod dashboard;
mod home;
mod part;
mod product;

use crate::config::GatewayConfig;
use chassis::cache::{Cache, Policy};
use chassis::openapi::document;
use chassis::service::Context;
use contract::catalog::{CatalogClient, CategoryNode, Product, ProductCard};
use contract::client::Caller;
use contract::inventory::InventoryClient;
use contract::notifications::NotificationsClient;
use contract::orders::OrdersClient;
use contract::reviews::ReviewsClient;
use std::time::Duration;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

/// Products of each kind on the first page, and beside a product.
const SHOWN: u32 = 12;
/// Reviews, orders and messages on a page that leads to all of them.
const NEWEST: u32 = 5;

/// What the pages are made from.
#[derive(Clone)]
pub(crate) struct Bff {
    /// How long one part may take.
    patience: Duration,
    catalog: Option<CatalogClient>,
    inventory: Option<InventoryClient>,
    orders: Option<OrdersClient>,
    reviews: Option<ReviewsClient>,
    notifications: Option<NotificationsClient>,
    products: Cache<Product>,
    cards: Cache<Vec<ProductCard>>,
    categories: Cache<Vec<CategoryNode>>,
}

impl Bff {
    pub(crate) fn new(context: &Context, config: &GatewayConfig) -> anyhow::Result<Self> {
        // A read that somebody waits for may go to a second instance.
        let caller = |name| -> Option<Caller> { Some(context.peer(name)?.caller().hedged()) };
        let patience = Duration::from_millis(config.bff_part_ms);
        let policy = Policy::of(Duration::from_millis(config.bff_fresh_ms))
            .stale_if_error(Duration::from_secs(config.bff_stale_secs))
            .load_within(patience)
            .in_process();
        Ok(Self {
            patience,
            catalog: caller("catalog").map(CatalogClient::new),
            inventory: caller("inventory").map(InventoryClient::new),
            orders: caller("orders").map(OrdersClient::new),
            reviews: caller("reviews").map(ReviewsClient::new),
            notifications: caller("notifications").map(NotificationsClient::new),
            products: context.cache("products", policy)?,
            cards: context.cache("cards", policy)?,
            categories: context.cache("categories", policy.max_entries(1))?,
        })
    }
}

/// Every route with its description.
pub(crate) fn routes() -> OpenApiRouter<Bff> {
    OpenApiRouter::with_openapi(document("Bowline", "One API of all services."))
        .routes(routes!(home::home))
        .routes(routes!(product::product_page))
        .routes(routes!(dashboard::dashboard))
}
