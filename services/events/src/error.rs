//! What can go wrong, and what a client is told of it.

use crate::domain::content::BadContent;
use crate::domain::lifecycle::NotFromHere;
use crate::domain::viewer::Refusal;
use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use contract::ErrorCode;
use contract::client::CallError;
use std::time::Duration;

/// When to ask again while auth is away.
const AWAY: Duration = Duration::from_secs(2);

/// What the service's own functions return.
pub type EventsResult<T> = Result<T, EventsError>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum EventsError {
    /// No such thing, or none that the caller may know of.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// The event cannot say this.
    #[error(transparent)]
    Content(#[from] BadContent),
    /// A field of the query cannot be what it is.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// Who asks may not do it.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The rules of an organisation are set by who manages it.
    #[error("for who manages the organisation")]
    ForManagers,
    /// The event stands elsewhere.
    #[error(transparent)]
    State(#[from] NotFromHere),
    /// Somebody else has changed it in the same moment.
    #[error("it was changed by somebody else in the same moment")]
    Changed,
    /// `If-Match` names another version.
    #[error(transparent)]
    Precondition(ApiError),
    /// Auth gives no usable answer.
    #[error("auth gives no answer: {0}")]
    Auth(#[source] CallError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// A defect of ours.
    #[error("a defect")]
    Defect(#[from] anyhow::Error),
}

impl From<PublishError> for EventsError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<EventsError> for ApiError {
    #[track_caller]
    fn from(error: EventsError) -> Self {
        match error {
            EventsError::NotFound(what) => Self::not_found(what),
            EventsError::Refused(Refusal::Unseen) => Self::not_found("event"),
            EventsError::Content(bad) => Self::invalid_field(bad.field(), bad.to_string()),
            EventsError::Field(field, message) => Self::invalid_field(field, message),
            EventsError::Refused(Refusal::NotYours(why)) => Self::new(ErrorCode::Forbidden, why),
            EventsError::Refused(own @ Refusal::Own) => Self::new(ErrorCode::Forbidden, own.to_string()),
            EventsError::Refused(approved @ Refusal::Approved) => {
                Self::new(ErrorCode::InvalidTransition, approved.to_string())
            }
            EventsError::ForManagers => {
                Self::new(ErrorCode::Forbidden, "Only an admin or owner of the organisation sets its rules.")
            }
            EventsError::State(not_from_here) => {
                Self::new(ErrorCode::InvalidTransition, not_from_here.to_string())
            }
            EventsError::Changed => {
                Self::new(ErrorCode::Conflict, "It was changed at the same time. Read it again.")
            }
            EventsError::Precondition(error) => error,
            EventsError::Auth(error) => Self::unavailable(error, AWAY),
            EventsError::Db(error) => error.into(),
            EventsError::Defect(error) => Self::internal(error),
        }
    }
}
