//! `POST /api/v1/payments/webhooks/{provider}`.

use crate::app::App;
use axum::body::Bytes;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, no_content};
use contract::ErrorBody;
use http::{HeaderMap, StatusCode};

/// Takes what a provider of payments tells, proved by its signature over the body as it was sent. One that comes again has no
/// further effect.
#[utoipa::path(
    post,
    path = "/api/v1/payments/webhooks/{provider}",
    tag = "payments",
    params(("provider" = String, Path, description = "The provider that is in use: sandbox or stripe")),
    request_body(content = String, content_type = "application/json", description = "As the provider sends it"),
    responses(
        (status = 204, description = "It was taken, or had been before"),
        (status = 400, description = "The signature does not hold, or the body cannot be read", body = ErrorBody),
        (status = 404, description = "Another provider than the one in use", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn receive_webhook(
    State(app): State<App>,
    Path(provider): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> ApiResult<StatusCode> {
    let signature = headers.get(app.provider.signature_header()).and_then(|value| value.to_str().ok());
    app.take_webhook(&provider, signature, &body).await?;
    Ok(no_content())
}
