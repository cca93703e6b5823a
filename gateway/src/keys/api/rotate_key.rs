//! `POST /api/v1/gateway/keys/{id}/rotate`.

use super::no_such_key;
use crate::keys::{Keys, store, text};
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Json, Path, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::gateway::{ApiKeyWithSecret, RotateApiKey};
use contract::ids::ApiKeyId;
use contract::page::Success;
use contract::{ErrorBody, ErrorCode};
use std::time::Duration;

/// Gives a key another secret, which is in this answer and nowhere else. The one that it has stays good for a while; the one
/// before that ends now.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/keys/{id}/rotate",
    tag = "gateway",
    security(("bearer" = [])),
    request_body = RotateApiKey,
    params(("id" = ApiKeyId, Path, description = "The key")),
    responses(
        (status = 200, description = "The key and its new secret", body = Success<ApiKeyWithSecret>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 404, description = "No such key", body = ErrorBody),
        (status = 409, description = "The key was taken back or has ended", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn rotate_key(
    State(keys): State<Keys>,
    who: Can<ManageGateway>,
    Path(id): Path<ApiKeyId>,
    Json(asked): Json<RotateApiKey>,
) -> ApiResult<Reply<ApiKeyWithSecret>> {
    let now = keys.clock.now();
    let (secret, hash) = text::make(id).map_err(ApiError::internal)?;
    let mut t = keys.db.begin().await?;
    let rotated = store::rotate(&mut t, id, &hash, now, now + Duration::from_secs(asked.grace_secs)).await?;
    let Some(row) = rotated else {
        t.rollback().await?;
        store::find(&keys.db, id).await?.ok_or_else(no_such_key)?;
        let message = "The key was taken back or has ended. Make another one.";
        return Err(ApiError::new(ErrorCode::InvalidTransition, message));
    };
    t.commit().await?;
    keys.tell(id);
    tracing::info!(key = %id, by = %who.0.user(), "an API key got another secret");
    Ok(reply(ApiKeyWithSecret { key: row.shown(), secret }))
}
