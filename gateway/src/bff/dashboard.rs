//! `GET /api/v1/bff/dashboard`.

use super::part::{Gathering, ask};
use super::{Bff, NEWEST, SHOWN};
use axum::extract::State;
use chassis::http::{Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::bff::{Dashboard, Part};
use contract::catalog::{CatalogClient, ProductCard};
use contract::client::CallError;
use contract::ids::UserId;
use contract::orders::OrdersClient;
use contract::page::Success;

/// Purchases that recommendations are made from, the latest ones.
const LATEST_PURCHASES: u32 = 20;

/// What somebody wants to know who is logged in: their orders, the messages to them, and what may please them.
#[utoipa::path(
    get,
    path = "/api/v1/bff/dashboard",
    tag = "pages",
    security(("bearer" = [])),
    responses(
        (status = 200, description = "The page, with whatever was there in time; `missing` and `stale` say what was not",
            body = Success<Dashboard>),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
    )
)]
pub(super) async fn dashboard(State(bff): State<Bff>, who: Principal) -> Reply<Dashboard> {
    let user = who.user();
    let both = bff.orders.clone().zip(bff.catalog.clone());
    let (orders, notifications, recommendations) = tokio::join!(
        ask(bff.orders.as_ref(), bff.patience, |orders| async move { orders.recent(user, NEWEST).await }),
        ask(bff.notifications.as_ref(), bff.patience, |sent| async move { sent.newest(NEWEST).await }),
        ask(both.as_ref(), bff.patience, |(orders, catalog)| recommend(orders, catalog, user)),
    );
    let mut page = Gathering::default();
    reply(Dashboard {
        orders: page.take(Part::Orders, orders),
        notifications: page.take(Part::Notifications, notifications),
        recommendations: page.take(Part::Recommendations, recommendations),
        completeness: page.completeness(),
    })
}

/// What else is sold in the categories of what somebody has bought.
async fn recommend(
    orders: OrdersClient,
    catalog: CatalogClient,
    user: UserId,
) -> Result<Vec<ProductCard>, CallError> {
    let bought = orders.purchases(user, LATEST_PURCHASES).await?.products;
    if bought.is_empty() {
        return Ok(Vec::new());
    }
    Ok(catalog.related(&bought, SHOWN).await?.products)
}
