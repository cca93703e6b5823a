//! `POST /api/v1/alerts/webhook`.

use crate::app::App;
use axum::extract::{FromRequest as _, Request, State};
use chassis::error::ApiResult;
use chassis::http::{Json, Reply, reply};
use contract::ErrorBody;
use contract::page::Success;
use contract::status::{Webhook, WebhookTaken};
use http::header::AUTHORIZATION;

/// Takes what Alertmanager tells (webhook, version 4), with `status.alertmanager_token` as the bearer token. An alert that is
/// sent again, late or out of order has no further effect.
#[utoipa::path(
    post,
    path = "/api/v1/alerts/webhook",
    tag = "status",
    extensions(("x-priority" = json!("critical"))),
    request_body = Webhook,
    responses(
        (status = 200, description = "They were taken", body = Success<WebhookTaken>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "The bearer token is not the secret", body = ErrorBody),
        (status = 404, description = "No secret is set, so no alerts are taken", body = ErrorBody),
        (status = 413, description = "The notification is too large", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn receive_alerts(
    State(app): State<App>,
    request: Request,
) -> ApiResult<Reply<WebhookTaken>> {
    let mut sent = request.headers().get_all(AUTHORIZATION).iter();
    let authorization = match (sent.next(), sent.next()) {
        (Some(one), None) => Some(one.as_bytes()),
        _ => None,
    };
    // Before a byte of the body is read.
    app.is_alertmanager(authorization)?;
    let Json(webhook) = Json::<Webhook>::from_request(request, &app).await?;
    Ok(reply(app.take(webhook).await?))
}
