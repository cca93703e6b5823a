//! How a caller is told that they may not, and what they would have to bring (RFC 9110, section 11.6.1; RFC 6750).

use super::Who;
use crate::oidc::TokenFault;
use chassis::error::ApiError;
use chassis::identity::TokenError;
use contract::ErrorCode;
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use std::time::Duration;

const BEARER: HeaderValue = HeaderValue::from_static("Bearer");
const API_KEY: HeaderValue = HeaderValue::from_static("ApiKey");
const EITHER: HeaderValue = HeaderValue::from_static("Bearer, ApiKey");
const INVALID_TOKEN: HeaderValue = HeaderValue::from_static("Bearer error=\"invalid_token\"");

/// What a route asks for.
pub(super) const fn challenge(who: Who) -> HeaderValue {
    match who {
        Who::Key => API_KEY,
        Who::UserOrKey => EITHER,
        Who::Public | Who::User | Who::Service => BEARER,
    }
}

/// Nobody, or nobody that can be proved, is asking.
#[track_caller]
pub(super) fn unknown(message: &'static str, challenge: &HeaderValue) -> ApiError {
    ApiError::new(ErrorCode::Unauthenticated, message).header(WWW_AUTHENTICATE, challenge.clone())
}

/// A token came, and does not count.
#[track_caller]
pub(super) fn bearer(error: TokenError) -> ApiError {
    let refused = ApiError::from(error);
    match error {
        TokenError::Stale => refused,
        _ => refused.header(WWW_AUTHENTICATE, INVALID_TOKEN),
    }
}

/// A token of a provider came, and does not count.
#[track_caller]
pub(super) fn token(fault: TokenFault) -> ApiError {
    let refused = match fault {
        TokenFault::Away(cause) => return ApiError::unavailable(cause, Duration::from_secs(2)),
        TokenFault::Expired => {
            ApiError::new(ErrorCode::TokenExpired, "The access token has expired. Get another one.")
        }
        TokenFault::Invalid => ApiError::new(ErrorCode::Unauthenticated, "The access token does not verify."),
    };
    refused.header(WWW_AUTHENTICATE, INVALID_TOKEN)
}

/// Somebody is known, and may not.
#[track_caller]
pub(super) fn forbidden(message: impl Into<std::borrow::Cow<'static, str>>) -> ApiError {
    ApiError::new(ErrorCode::Forbidden, message)
}

/// Somebody is known by a credential that was not made for this.
#[track_caller]
pub(super) fn insufficient(scopes: &[Box<str>]) -> ApiError {
    let wanted = scopes.join(" ");
    let refused = forbidden(format!("This needs the scopes {wanted}."));
    match HeaderValue::try_from(format!("Bearer error=\"insufficient_scope\", scope=\"{wanted}\"")) {
        Ok(challenge) => refused.header(WWW_AUTHENTICATE, challenge),
        Err(_) => refused,
    }
}
