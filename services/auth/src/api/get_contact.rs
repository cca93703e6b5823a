//! `GET /internal/v1/auth/contacts/{user}`, for services only.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Path, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::auth::Contact;
use contract::ids::UserId;

/// How a person is reached, for services that write to them.
pub(super) async fn get_contact(
    State(app): State<App>,
    _: ServiceCaller,
    Path(user): Path<UserId>,
) -> ApiResult<Reply<Contact>> {
    Ok(reply(app.contact(user).await?))
}
