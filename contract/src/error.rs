//! Errors as callers see them: a closed list of codes, each with its kind, and the body that carries them.
//!
//! A kind decides the HTTP status and whether the same request may be tried again. Both live in one exhaustive match,
//! so a new kind does not compile until somebody has decided them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What went wrong, in the terms that decide a client's next step.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// The request itself is wrong; sending it again cannot help.
    Invalid,
    /// Nobody, or nobody provable, is asking.
    Unauthenticated,
    /// Somebody known is asking for what they may not have.
    Forbidden,
    /// No such thing, or none that this caller may know of.
    NotFound,
    /// The path exists, the method does not.
    MethodNotAllowed,
    /// The client was slower to send its request than the server waits.
    SlowClient,
    /// The state of the resource forbids it.
    Conflict,
    /// The same request is at work already.
    InProgress,
    /// A condition that the client sent (`If-Match`) does not hold.
    Precondition,
    /// The body is larger than the route takes.
    TooLarge,
    /// The body is of a type that the route does not read.
    UnsupportedMedia,
    /// Well-formed, understood, and still not to be processed (a reused idempotency key with another body).
    Unprocessable,
    /// Too many requests.
    RateLimited,
    /// A defect on our side.
    Internal,
    /// A dependency answered with nonsense.
    BadUpstream,
    /// Not now: a dependency or this process is not able to serve.
    Unavailable,
    /// The deadline passed before an answer was there.
    Timeout,
}

impl ErrorKind {
    /// The HTTP status, and whether the same request may be sent again after a pause.
    #[must_use]
    pub const fn semantics(self) -> (u16, bool) {
        match self {
            Self::Invalid => (400, false),
            Self::Unauthenticated => (401, false),
            Self::Forbidden => (403, false),
            Self::NotFound => (404, false),
            Self::MethodNotAllowed => (405, false),
            Self::SlowClient => (408, true),
            Self::Conflict => (409, false),
            Self::InProgress => (409, true),
            Self::Precondition => (412, false),
            Self::TooLarge => (413, false),
            Self::UnsupportedMedia => (415, false),
            Self::Unprocessable => (422, false),
            Self::RateLimited => (429, true),
            Self::Internal => (500, false),
            Self::BadUpstream => (502, true),
            Self::Unavailable => (503, true),
            Self::Timeout => (504, true),
        }
    }

    /// The HTTP status of this kind.
    #[must_use]
    pub const fn status(self) -> u16 {
        self.semantics().0
    }

    /// Whether the same request may be sent again after a pause. A caller still needs it to be safe to repeat.
    #[must_use]
    pub const fn retryable(self) -> bool {
        self.semantics().1
    }
}

macro_rules! codes {
    ($($(#[doc = $doc:literal])+ $variant:ident = $wire:literal, $kind:ident;)+) => {
        /// The closed list of codes on the wire. A client may branch on them; they never change their meaning.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
        pub enum ErrorCode {
            $($(#[doc = $doc])+ #[serde(rename = $wire)] $variant,)+
        }

        impl ErrorCode {
            /// Every code, in the order of their declaration.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// The text on the wire.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $wire,)+ }
            }

            /// The kind, and with it the status.
            #[must_use]
            pub const fn kind(self) -> ErrorKind {
                match self { $(Self::$variant => ErrorKind::$kind,)+ }
            }

            /// One line for the documentation.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim(),)+ }
            }
        }
    };
}

codes! {
    /// A field, a parameter or the shape of the body is wrong; `details` names each one.
    Validation = "VALIDATION_ERROR", Invalid;
    /// The body is not well-formed JSON.
    MalformedJson = "MALFORMED_JSON", Invalid;
    /// The API version asked for does not exist, or path and header name different ones.
    UnsupportedVersion = "UNSUPPORTED_API_VERSION", Invalid;
    /// The one-time token of a mailed link is unknown, used or expired.
    InvalidLink = "INVALID_OR_EXPIRED_LINK", Invalid;
    /// The password is too easy to guess.
    WeakPassword = "WEAK_PASSWORD", Invalid;
    /// No access token was sent, or it does not verify.
    Unauthenticated = "UNAUTHENTICATED", Unauthenticated;
    /// The access token has expired; refresh it.
    TokenExpired = "TOKEN_EXPIRED", Unauthenticated;
    /// The access token or its session was revoked; log in again.
    TokenRevoked = "TOKEN_REVOKED", Unauthenticated;
    /// E-mail address and password do not match an account.
    InvalidCredentials = "INVALID_CREDENTIALS", Unauthenticated;
    /// The refresh token is unknown, expired, or was used before.
    InvalidRefreshToken = "INVALID_REFRESH_TOKEN", Unauthenticated;
    /// The caller is known and lacks the permission.
    Forbidden = "FORBIDDEN", Forbidden;
    /// Accounts cannot be made at the moment.
    RegistrationClosed = "REGISTRATION_CLOSED", Forbidden;
    /// The account was disabled by an administrator.
    AccountDisabled = "ACCOUNT_DISABLED", Forbidden;
    /// No such route or resource, or none that this caller may see.
    NotFound = "NOT_FOUND", NotFound;
    /// The route does not know this method; `Allow` lists those it does.
    MethodNotAllowed = "METHOD_NOT_ALLOWED", MethodNotAllowed;
    /// The client took too long to send its request.
    RequestTimeout = "REQUEST_TIMEOUT", SlowClient;
    /// The state of the resource does not allow it.
    Conflict = "CONFLICT", Conflict;
    /// The e-mail address already has an account.
    EmailTaken = "EMAIL_TAKEN", Conflict;
    /// The name or slug is already in use.
    AlreadyExists = "ALREADY_EXISTS", Conflict;
    /// There are as many as one person may have; remove some first.
    LimitReached = "LIMIT_REACHED", Conflict;
    /// An organisation keeps at least one owner.
    LastOwner = "LAST_OWNER", Conflict;
    /// There is not as much in stock as is wanted; `details` names the lines.
    InsufficientStock = "INSUFFICIENT_STOCK", Conflict;
    /// A price has changed since it was shown; look at the new one and decide again.
    PriceChanged = "PRICE_CHANGED", Conflict;
    /// A product is not sold at the moment; `details` names the lines.
    NotForSale = "NOT_FOR_SALE", Conflict;
    /// The cart has no lines.
    CartEmpty = "CART_EMPTY", Conflict;
    /// The order, payment or event is in a state that does not allow it, or who asks may not do it in this state.
    InvalidTransition = "INVALID_TRANSITION", Conflict;
    /// More would be given back than was paid.
    RefundTooLarge = "REFUND_TOO_LARGE", Conflict;
    /// Only who has bought a product and has it may review it.
    NotABuyer = "NOT_A_BUYER", Forbidden;
    /// The provider of payments said no; the message tells why.
    PaymentDeclined = "PAYMENT_DECLINED", Conflict;
    /// The signature of a webhook does not hold, or it is too old.
    InvalidSignature = "INVALID_SIGNATURE", Invalid;
    /// The first request with this `Idempotency-Key` is still at work; `Retry-After` says when to send it again.
    RequestInProgress = "REQUEST_IN_PROGRESS", InProgress;
    /// The `Idempotency-Key` was sent before with another request.
    IdempotencyKeyReused = "IDEMPOTENCY_KEY_REUSED", Unprocessable;
    /// `If-Match` names a version that is no longer the current one.
    PreconditionFailed = "PRECONDITION_FAILED", Precondition;
    /// The body is larger than the route takes.
    PayloadTooLarge = "PAYLOAD_TOO_LARGE", TooLarge;
    /// The route reads another type of body: `application/json`, or what its description says.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", UnsupportedMedia;
    /// Too many attempts; `Retry-After` says when the next one counts.
    RateLimited = "RATE_LIMITED", RateLimited;
    /// Too many failed logins; `Retry-After` says when the next one counts.
    LoginLocked = "LOGIN_LOCKED", RateLimited;
    /// The budget of tokens or cost is used up, one's own or the organisation's; `Retry-After` says when the next one begins.
    BudgetExceeded = "BUDGET_EXCEEDED", RateLimited;
    /// A defect on our side; the request id finds it in the log.
    Internal = "INTERNAL_ERROR", Internal;
    /// A service answered with something that is not HTTP, or broke off.
    BadGateway = "BAD_GATEWAY", BadUpstream;
    /// A dependency or this process cannot serve now; `Retry-After` says when to ask again.
    Unavailable = "SERVICE_UNAVAILABLE", Unavailable;
    /// The process is saturated and refused the request before it began; `Retry-After` says when to ask again.
    Overloaded = "OVERLOADED", Unavailable;
    /// No answer before the deadline; whether a change took effect is not known.
    DeadlineExceeded = "DEADLINE_EXCEEDED", Timeout;
}

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct FieldError {
    /// The field as the client wrote it, for example `items[1].quantity`; empty for the body as a whole.
    pub field: String,
    /// What is wrong, never with the value that was sent.
    pub message: String,
}

impl FieldError {
    /// A field and what is wrong with it.
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: field.into(), message: message.into() }
    }
}

/// What stands under `error` in a failed answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ErrorDetail {
    /// The code to branch on.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub message: String,
    /// The HTTP status, as in the status line.
    pub status: u16,
    /// What is wrong, field by field.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<FieldError>,
    /// Finds this request in the log.
    pub request_id: String,
    /// Finds everything that belongs to the same user action.
    pub correlation_id: String,
    /// When the answer was made, RFC 3339 in UTC.
    pub timestamp: String,
}

/// The body of every failed answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ErrorBody {
    /// Always false.
    pub success: bool,
    /// What went wrong.
    pub error: ErrorDetail,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_is_its_own_text_on_the_wire() {
        for code in ErrorCode::ALL {
            let wire = serde_json::to_value(code).ok();
            assert_eq!(wire, Some(serde_json::Value::from(code.as_str())));
        }
    }

    #[test]
    fn only_what_may_pass_by_itself_is_retryable() {
        for code in ErrorCode::ALL {
            let kind = code.kind();
            let passing = matches!(kind.status(), 408 | 429 | 502 | 503 | 504);
            let may_pass = passing || kind == ErrorKind::InProgress;
            assert_eq!(kind.retryable(), may_pass, "{code:?}");
        }
    }
}
