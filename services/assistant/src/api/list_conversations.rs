//! `GET /api/v1/assistant/conversations`.

use super::place;
use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::assistant::{Conversation, ListConversations};
use contract::page::{Pagination, Success};

/// The conversations of who asks, the latest first.
///
/// `pagination.cursor` of an answer is the `cursor` of the next page; there is none on the last one. A conversation in which
/// something is said meanwhile moves to the front.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/conversations",
    tag = "assistant",
    security(("bearer" = [])),
    params(ListConversations),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Conversation>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_conversations(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<ListConversations>,
) -> ApiResult<Reply<Vec<Conversation>>> {
    let after = place(query.cursor.as_deref())?;
    let (found, next) = app.conversations(&who, &query, after).await?;
    let place = Pagination::by_cursor(query.limit, after.is_some(), next.map(|next| next.text()));
    Ok(reply(found.iter().map(|one| one.whole()).collect()).page(place))
}
