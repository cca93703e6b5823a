//! Who may count stock, in a handler's signature.

use crate::app::scope_of;
use crate::store::stock::Scope;
use axum::extract::FromRequestParts;
use chassis::error::{ApiError, ApiResult};
use chassis::identity::Principal;
use http::request::Parts;

/// Somebody proved who may see and count stock: their own or everybody's. Stands before [`chassis::idempotency::Once`], so
/// that an answer is given again only to who may still ask.
pub(super) struct Counter {
    pub(super) who: Principal,
    pub(super) scope: Scope,
}

impl<S: Send + Sync> FromRequestParts<S> for Counter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> ApiResult<Self> {
        let who = Principal::from_request_parts(parts, state).await?;
        let scope = scope_of(&who)?;
        Ok(Self { who, scope })
    }
}
