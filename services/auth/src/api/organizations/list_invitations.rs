//! `GET /api/v1/organizations/{id}/invitations`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, PageQuery, Path, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::Invitation;
use contract::ids::OrganizationId;
use contract::page::Success;

/// The open invitations of an organisation, the newest first, for who manages its members.
#[utoipa::path(
    get,
    path = "/api/v1/organizations/{id}/invitations",
    tag = "organizations",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(("id" = OrganizationId, Path, description = "The organisation"), PageQuery),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Invitation>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "Your role in the organisation does not allow this", body = ErrorBody),
        (status = 404, description = "No such organisation that you belong to", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_invitations(
    State(app): State<App>,
    who: Principal,
    Path(id): Path<OrganizationId>,
    Query(query): Query<PageQuery>,
) -> ApiResult<Reply<Vec<Invitation>>> {
    let page = Page::from(&query);
    let (open, total) = app.invitations(&who, id, page).await?;
    Ok(reply(open).page(page.of(total)))
}
