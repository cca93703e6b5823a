//! `GET /api/v1/assistant/costs`.

use crate::app::App;
use crate::store::report::Sum;
use axum::extract::State;
use chassis::error::ApiResult;
use chassis::http::{Page, Query, Reply, reply};
use chassis::identity::Can;
use chassis::identity::permits::ManageAssistant;
use contract::ErrorBody;
use contract::assistant::{Costs, ReportQuery};
use contract::page::Success;

/// What models cost, added up. Calls that are under way are not in it.
#[utoipa::path(
    get,
    path = "/api/v1/assistant/costs",
    tag = "assistant",
    security(("bearer" = [])),
    params(ReportQuery),
    responses(
        (status = 200, description = "A page of the report", body = Success<Vec<Costs>>),
        (status = 400, description = "The request is not valid", body = ErrorBody),
        (status = 401, description = "No access token that holds", body = ErrorBody),
        (status = 403, description = "This needs the permission assistant:manage", body = ErrorBody),
        (status = 503, description = "Cannot be done now; Retry-After says when to ask again", body = ErrorBody),
    )
)]
pub(super) async fn get_costs(
    State(app): State<App>,
    _: Can<ManageAssistant>,
    Query(query): Query<ReportQuery>,
) -> ApiResult<Reply<Vec<Costs>>> {
    let page = Page::new(query.page, query.limit);
    let (sums, total) = app.report(&query, page).await?;
    let currency = &app.config.currency;
    let row = |sum: Sum| Costs {
        of: sum.of,
        calls: sum.calls,
        cost_micros: sum.cost_micros,
        currency: currency.clone(),
    };
    Ok(reply(sums.into_iter().map(row).collect()).page(page.of(total)))
}
