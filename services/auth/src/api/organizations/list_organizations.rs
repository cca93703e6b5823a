//! `GET /api/v1/organizations`.

use crate::app::App;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, PageQuery, Query, Reply, reply};
use chassis::identity::Principal;
use contract::ErrorBody;
use contract::auth::Organization;
use contract::page::Success;

/// The organisations of who asks, the oldest first.
#[utoipa::path(
    get,
    path = "/api/v1/organizations",
    tag = "organizations",
    extensions(("x-priority" = json!("low"))),
    security(("bearer" = [])),
    params(PageQuery),
    responses(
        (status = 200, description = "A page of them", body = Success<Vec<Organization>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn list_organizations(
    State(app): State<App>,
    who: Principal,
    Query(query): Query<PageQuery>,
) -> ApiResult<Reply<Vec<Organization>>> {
    let page = Page::from(&query);
    let (own, total) = app.organizations(&who, page).await?;
    Ok(reply(own).page(page.of(total)))
}
