//! `DELETE /api/v1/gateway/keys/{id}`.

use super::no_such_key;
use crate::keys::{Keys, store};
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, no_content};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::ErrorBody;
use contract::ids::ApiKeyId;
use http::StatusCode;

/// Takes a key back, for good: it ends at every gateway within about a second. It stays in the list.
#[utoipa::path(
    delete,
    path = "/api/v1/gateway/keys/{id}",
    tag = "gateway",
    security(("bearer" = [])),
    params(("id" = ApiKeyId, Path, description = "The key")),
    responses(
        (status = 204, description = "It is taken back, now or before"),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No such key", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn revoke_key(
    State(keys): State<Keys>,
    who: Can<ManageGateway>,
    Path(id): Path<ApiKeyId>,
) -> ApiResult<StatusCode> {
    let by = who.0.user();
    let mut t = keys.db.begin().await?;
    if !store::revoke(&mut t, id, by, keys.clock.now()).await? {
        t.rollback().await?;
        return Err(no_such_key());
    }
    t.commit().await?;
    keys.tell(id);
    tracing::info!(key = %id, %by, "an API key was taken back");
    Ok(no_content())
}
