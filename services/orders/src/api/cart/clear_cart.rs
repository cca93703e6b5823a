//! `DELETE /api/v1/cart`.

use super::shopper::{Shopping, Version};
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::etag::IfMatch;
use chassis::http::{Reply, reply};
use contract::ErrorBody;
use contract::orders::Cart;
use contract::page::Success;

/// Takes everything out of the cart.
#[utoipa::path(
    delete,
    path = "/api/v1/cart",
    tag = "cart",
    security((), ("bearer" = [])),
    params(Shopping, Version),
    responses(
        (status = 200, description = "The cart, which is empty", body = Success<Cart>),
        (status = 401, description = "Neither an access token that holds nor a cart's", body = ErrorBody),
        (status = 404, description = "No such cart of a guest", body = ErrorBody),
        (status = 412, description = "The cart is of another version by now", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn clear_cart(
    State(app): State<App>,
    Shopping(shopper): Shopping,
    seen: IfMatch,
) -> ApiResult<Reply<Cart>> {
    Ok(reply(app.clear_cart(&shopper, &seen).await?))
}
