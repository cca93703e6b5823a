//! `DELETE /api/v1/cart/items/{productId}`.

use super::shopper::{Shopping, Version};
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Path, Reply, reply};
use contract::ErrorBody;
use contract::ids::ProductId;
use contract::orders::Cart;
use contract::page::Success;

/// Takes a product out of the cart, if it is in it.
#[utoipa::path(
    delete,
    path = "/api/v1/cart/items/{productId}",
    tag = "cart",
    security((), ("bearer" = [])),
    params(("productId" = ProductId, Path, description = "The product"), Shopping, Version),
    responses(
        (status = 200, description = "The cart", body = Success<Cart>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "Neither an access token that holds nor a cart's", body = ErrorBody),
        (status = 404, description = "No such cart of a guest", body = ErrorBody),
        (status = 412, description = "The cart is of another version by now", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn remove_item(
    State(app): State<App>,
    Shopping(shopper): Shopping,
    seen: IfMatch,
    Path(product): Path<ProductId>,
) -> ApiResult<Reply<Cart>> {
    Ok(reply(app.set_in_cart(&shopper, product, 0, &seen).await?))
}
