//! `GET /api/v1/products`.

use crate::app::App;
use crate::store::product_list::SortBy;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Caching, Query, Reply, SortKey as _, reply};
use chassis::identity::MaybePrincipal;
use contract::ErrorBody;
use contract::catalog::{ListProducts, Product, Sold};
use contract::page::{Pagination, Success};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

/// Products: searched, filtered and sorted.
///
/// A list may be read by `page`, or each time with the `pagination.cursor` of the answer before, which moves no row from one
/// page to another when products are made or removed meanwhile, and costs the same on every page.
#[utoipa::path(
    get,
    path = "/api/v1/products",
    tag = "products",
    security((), ("bearer" = [])),
    params(ListProducts),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Product>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "An access token was sent that does not hold", body = ErrorBody),
        (status = 403, description = "Products that are not sold need the permission products:sell", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_products(
    State(app): State<App>,
    who: MaybePrincipal,
    Query(query): Query<ListProducts>,
) -> ApiResult<Reply<Vec<Product>>> {
    let order = query.sort.as_deref().map(SortBy::parse).transpose()?;
    let (products, place) = app.products(&query, order, who.0.as_ref()).await?;
    let tag = version(&products, &place);
    let caching = match query.active {
        Sold::Yes => Caching::public(Duration::ZERO, Duration::ZERO, Duration::ZERO),
        Sold::No | Sold::Any => Caching::private(),
    };
    Ok(reply(products).page(place).version(tag).cached(caching))
}

/// The version of a page: of what stands on it, and of where it stands.
fn version(products: &[Product], place: &Pagination) -> String {
    let mut hasher = DefaultHasher::new();
    products.iter().for_each(|product| (product.id, product.version).hash(&mut hasher));
    (place.total, place.has_next, &place.cursor).hash(&mut hasher);
    format!("{:016x}", hasher.finish())
}
