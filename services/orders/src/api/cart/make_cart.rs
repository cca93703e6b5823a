//! `POST /api/v1/cart`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Created, created};
use contract::ErrorBody;
use contract::orders::GuestCart;
use contract::page::Success;

/// Makes a cart for somebody who is not logged in.
///
/// The answer has its secret, which is the only key to it. Who is logged in needs none: they have a cart always.
#[utoipa::path(
    post,
    path = "/api/v1/cart",
    tag = "cart",
    responses(
        (status = 201, description = "The cart and its secret", body = Success<GuestCart>),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn make_cart(State(app): State<App>) -> ApiResult<Created<GuestCart>> {
    Ok(created("/api/v1/cart", app.make_guest_cart().await?))
}
