//! `POST /api/v1/cart/merge`.

use crate::app::App;
use axum::extract::State;
use axum::response::Response;
use chassis::error::ApiResult;
use chassis::http::{Json, reply};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::orders::{Cart, MergeCart};
use contract::page::Success;

/// Takes a guest's cart into one's own, which is what a shop does when somebody logs in.
///
/// Only who has the guest's secret can. Of what is in both there is then the sum, though never more than a cart takes; the
/// guest's cart is gone.
#[utoipa::path(
    post,
    path = "/api/v1/cart/merge",
    tag = "cart",
    security(("bearer" = [])),
    params(Once),
    request_body = MergeCart,
    responses(
        (status = 200, description = "One's own cart", body = Success<Cart>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 404, description = "No such cart of a guest", body = ErrorBody),
        (status = 409, description = "Together there are more products than a cart takes; or the first request with this \
            Idempotency-Key is still at work", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn merge_cart(
    State(app): State<App>,
    who: Principal,
    once: Once,
    Json(request): Json<MergeCart>,
) -> ApiResult<Response> {
    let (tx, cart) = app.merge_cart(who.user(), &request.cart_token).await?;
    once.commit(tx, reply::<Cart>(cart)).await
}
