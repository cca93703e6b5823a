//! `GET /internal/v1/inventory/availability`.

use crate::app::App;
use axum::extract::State;
use chassis::error::{ApiError, ApiResult};
use chassis::http::{Query, Reply, reply};
use chassis::identity::ServiceCaller;
use contract::ids::ProductId;
use contract::inventory::Availability;
use garde::Validate;
use serde::Deserialize;

/// Products in one question at most.
const MOST: usize = 200;

/// Which products.
#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Asked {
    /// Their ids, with commas between.
    #[garde(length(max = 8_000))]
    products: String,
}

/// Whether products are in stock; one that is not known is left out.
pub(super) async fn list_availability(
    State(app): State<App>,
    _: ServiceCaller,
    Query(asked): Query<Asked>,
) -> ApiResult<Reply<Vec<Availability>>> {
    let ids = asked.products.split(',').filter(|id| !id.is_empty()).map(str::parse::<ProductId>);
    let products: Vec<ProductId> = ids
        .collect::<Result<_, _>>()
        .map_err(|_| ApiError::invalid_field("products", "not ids with commas between"))?;
    if products.len() > MOST {
        return Err(ApiError::invalid_field("products", format!("at most {MOST}")));
    }
    Ok(reply(app.availability(&products).await?))
}
