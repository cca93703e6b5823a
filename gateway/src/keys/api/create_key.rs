//! `POST /api/v1/gateway/keys`.

use crate::keys::store::{self, Row};
use crate::keys::{Keys, text};
use axum::extract::State;
use chassis::clock::Ts;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Created, Json, created};
use chassis::identity::Can;
use chassis::identity::permits::ManageGateway;
use contract::ErrorBody;
use contract::gateway::{ApiKeyWithSecret, CreateApiKey};
use contract::ids::{ApiKeyId, UserId};
use contract::page::Success;
use sqlx::types::Json as Stored;

/// Makes a key. The secret is in this answer and nowhere else; sent again, the request makes another key.
#[utoipa::path(
    post,
    path = "/api/v1/gateway/keys",
    tag = "gateway",
    security(("bearer" = [])),
    request_body = CreateApiKey,
    responses(
        (status = 201, description = "The key and its secret", body = Success<ApiKeyWithSecret>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission gateway:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn create_key(
    State(keys): State<Keys>,
    who: Can<ManageGateway>,
    Json(asked): Json<CreateApiKey>,
) -> ApiResult<Created<ApiKeyWithSecret>> {
    let now = keys.clock.now();
    let expires_at = asked.expires_at.map(Ts::from_datetime);
    if expires_at.is_some_and(|at| at <= now) {
        return Err(ApiError::invalid_field("expiresAt", "must be in the future"));
    }
    let id = ApiKeyId::new();
    let (secret, hash) = text::make(id).map_err(ApiError::internal)?;
    let by = who.0.user();
    let row = Row {
        id: id.uuid(),
        name: asked.name,
        owner_id: asked.owner.map_or(by.uuid(), UserId::uuid),
        scopes: Stored(asked.scopes),
        secret_hash: hash.bytes().to_vec(),
        previous_hash: None,
        previous_until: None,
        created_at: now,
        created_by: by.uuid(),
        expires_at,
        rotated_at: None,
        revoked_at: None,
        revoked_by: None,
        last_used_at: None,
    };
    let mut t = keys.db.begin().await?;
    store::insert(&mut t, &row).await?;
    t.commit().await?;
    keys.tell(id);
    tracing::info!(key = %id, %by, "an API key was made");
    Ok(created(format!("/api/v1/gateway/keys/{id}"), ApiKeyWithSecret { key: row.shown(), secret }))
}
