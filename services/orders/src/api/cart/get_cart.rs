//! `GET /api/v1/cart`.

use super::shopper::Shopping;
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Reply, reply};
use contract::ErrorBody;
use contract::orders::Cart;
use contract::page::Success;

/// The cart of who asks, with the prices of this moment.
///
/// While the catalog gives no answer the last that is known is shown, marked `stale`; a price that is not known is absent.
#[utoipa::path(
    get,
    path = "/api/v1/cart",
    tag = "cart",
    security((), ("bearer" = [])),
    params(Shopping),
    responses(
        (status = 200, description = "The cart", body = Success<Cart>),
        (status = 401, description = "Neither an access token that holds nor a cart's", body = ErrorBody),
        (status = 404, description = "No such cart of a guest", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_cart(State(app): State<App>, Shopping(shopper): Shopping) -> ApiResult<Reply<Cart>> {
    Ok(reply(app.cart(&shopper).await?))
}
