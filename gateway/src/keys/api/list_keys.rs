//! `GET /api/v1/gateway/keys`.

use crate::keys::{Keys, store};
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cursor, Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::ErrorBody;
use contract::gateway::{ApiKey, ListApiKeys};
use contract::page::{Pagination, Success};

/// The API keys, the last made first, without their secrets.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/keys",
    tag = "gateway",
    security(("bearer" = [])),
    params(ListApiKeys),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<ApiKey>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_keys(
    State(keys): State<Keys>,
    _: Can<ManageGateway>,
    Query(query): Query<ListApiKeys>,
) -> ApiResult<Reply<Vec<ApiKey>>> {
    let after = query.cursor.as_deref().map(Cursor::parse).transpose();
    let after = after.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let (rows, next) = store::list(&keys.db, &query, after, keys.clock.now()).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(|next| next.text()));
    Ok(reply(rows.into_iter().map(store::Row::shown).collect()).page(place))
}
