//! `POST /api/v1/orders`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Created, Json, created};
use chassis::idempotency::Once;
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::orders::{Order, PlaceOrder};
use contract::page::Success;
use http::HeaderMap;

/// Places an order and begins its checkout.
///
/// The answer comes when the checkout has ended, or after a few seconds with `processing: true`: then the order is still
/// being settled, and `GET /api/v1/orders/{id}` or its stream of events says how it ends. `Prefer: respond-async` answers
/// at once. An order that was placed and then failed is an order with the status `FAILED`, and may be tried again.
#[utoipa::path(
    post,
    path = "/api/v1/orders",
    tag = "orders",
    security(("bearer" = [])),
    request_body = PlaceOrder,
    params(
        Once,
        ("Prefer" = Option<String>, Header, description = "`respond-async`: answer without waiting for the checkout (RFC 7240)"),
    ),
    responses(
        (status = 201, description = "The order, as it stands", body = Success<Order>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 409, description = "Not everything is for sale, the price has changed, or the cart is empty or changed; or the first request with this Idempotency-Key is still at work: see Retry-After", body = ErrorBody),
        (status = 422, description = "The Idempotency-Key was sent with another request", body = ErrorBody),
        (status = 429, description = "Too many requests; Retry-After says when the next one counts", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn place_order(
    State(app): State<App>,
    who: Principal,
    once: Once,
    headers: HeaderMap,
    Json(request): Json<PlaceOrder>,
) -> ApiResult<Created<Order>> {
    let order = app.place(who.user(), request, once, !prefers_no_wait(&headers)).await?;
    Ok(created(format!("/api/v1/orders/{}", order.id), order))
}

/// Whether the client would rather not wait (RFC 7240, section 4.1).
fn prefers_no_wait(headers: &HeaderMap) -> bool {
    let values = headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok());
    let preferences = values.flat_map(|value| value.split(','));
    preferences
        .filter_map(|one| one.split(';').next())
        .any(|name| name.trim().eq_ignore_ascii_case("respond-async"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_preference_is_found_among_others_and_not_inside_of_them() {
        let of = |value: &'static str| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static("prefer"),
                HeaderValue::from_static(value),
            )]);
            prefers_no_wait(&headers)
        };
        assert!(of("wait=10, Respond-Async; x=1"));
        assert!(!of("respond-asynchronously"));
        assert!(!of("wait=10"));
    }
}
