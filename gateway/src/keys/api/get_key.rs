//! `GET /api/v1/gateway/keys/{id}`.

use super::no_such_key;
use crate::keys::{Keys, store};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::ErrorBody;
use contract::gateway::ApiKey;
use contract::ids::ApiKeyId;
use contract::page::Success;

/// One API key, without its secret.
#[utoipa::path(
    get,
    path = "/api/v1/gateway/keys/{id}",
    tag = "gateway",
    security(("bearer" = [])),
    params(("id" = ApiKeyId, Path, description = "The key")),
    responses(
        (status = 200, description = "The key", body = Success<ApiKey>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No such key", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_key(
    State(keys): State<Keys>,
    _: Can<ManageGateway>,
    Path(id): Path<ApiKeyId>,
) -> ApiResult<Reply<ApiKey>> {
    let row = store::find(&keys.db, id).await?.ok_or_else(no_such_key)?;
    Ok(reply(row.shown()))
}
