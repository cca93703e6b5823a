//! `GET /api/v1/audit`.

use crate::app::App;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Cursor, Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ReadAudit;
use contract::ErrorBody;
use contract::auth::{AuditEntry, ListAudit};
use contract::page::{Pagination, Success};

/// The audit log, the newest line first.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one.
#[utoipa::path(
    get,
    path = "/api/v1/audit",
    tag = "audit",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(ListAudit),
    responses(
        (status = 200, description = "A page of it", body = Success<Vec<AuditEntry>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission audit:read", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_audit(
    State(app): State<App>,
    _: Can<ReadAudit>,
    Query(query): Query<ListAudit>,
) -> ApiResult<Reply<Vec<AuditEntry>>> {
    let after = query.cursor.as_deref().map(Cursor::parse).transpose();
    let after = after.map_err(|error| ApiError::invalid_field("cursor", error.to_string()))?;
    let (entries, next) = app.audit_log(&query, after).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(|next| next.text()));
    Ok(reply(entries).page(place))
}
