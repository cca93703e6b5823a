//! `POST /api/v1/cart/items`.

use super::shopper::{Shopping, Version};
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Json, Reply, reply};
use contract::ErrorBody;
use contract::orders::{AddToCart, Cart};
use contract::page::Success;

/// Puts so many more of a product into the cart.
#[utoipa::path(
    post,
    path = "/api/v1/cart/items",
    tag = "cart",
    security((), ("bearer" = [])),
    params(Shopping, Version),
    request_body = AddToCart,
    responses(
        (status = 200, description = "The cart", body = Success<Cart>),
        (status = 400, description = "The request is not valid, or more than a cart takes", body = ErrorBody),
        (status = 401, description = "Neither an access token that holds nor a cart's", body = ErrorBody),
        (status = 404, description = "No such product, or no such cart of a guest", body = ErrorBody),
        (status = 409, description = "The product is not sold, or the cart is full", body = ErrorBody),
        (status = 412, description = "The cart is of another version by now", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn add_item(
    State(app): State<App>,
    Shopping(shopper): Shopping,
    seen: IfMatch,
    Json(request): Json<AddToCart>,
) -> ApiResult<Reply<Cart>> {
    Ok(reply(app.add_to_cart(&shopper, request, &seen).await?))
}
