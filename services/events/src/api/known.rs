//! Who asks about an event: looked at before the `Idempotency-Key`, so that who has left an organisation, or no longer decides in
//! it, is not given an answer of before.

use crate::app::App;
use axum::extract::FromRequestParts;
use chassis::error::{ApiError, ApiResult};
use chassis::http::Path;
use chassis::identity::Principal;
use contract::ids::EventId;
use http::request::Parts;

/// An event of the path, and somebody who belongs to its organisation. Also an event that was removed.
pub(super) struct Known {
    /// Who asks.
    pub(super) who: Principal,
    /// The event.
    pub(super) id: EventId,
}

impl FromRequestParts<App> for Known {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let (who, id) = asked(parts, app).await?;
        app.belongs(&who, id).await?;
        Ok(Self { who, id })
    }
}

/// An event of the path, and somebody who decides in its organisation.
pub(super) struct Decider {
    /// Who asks.
    pub(super) who: Principal,
    /// The event.
    pub(super) id: EventId,
}

impl FromRequestParts<App> for Decider {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> ApiResult<Self> {
        let (who, id) = asked(parts, app).await?;
        app.decides(&who, id).await?;
        Ok(Self { who, id })
    }
}

async fn asked(parts: &mut Parts, app: &App) -> ApiResult<(Principal, EventId)> {
    let who = Principal::from_request_parts(parts, app).await?;
    let Path(id) = Path::<EventId>::from_request_parts(parts, app).await?;
    Ok((who, id))
}
