//! What can go wrong, and what a client is told of it.

use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use contract::ErrorCode;

/// What the service's own functions return.
pub type StatusResult<T> = Result<T, StatusError>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum StatusError {
    /// No alerts are taken: there is no secret.
    #[error("no secret is set")]
    NoReceiver,
    /// Who sends alerts does not know the secret.
    #[error("not the secret")]
    NotTheSecret,
    /// No such alert or incident.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A text is no cursor of this list.
    #[error("not a cursor of this list")]
    Cursor,
    /// There is no service of this name.
    #[error("no such service")]
    NoSuchService(usize),
    /// What is over does not begin again.
    #[error("the incident is over")]
    IsOver,
    /// `If-Match` names another version.
    #[error(transparent)]
    Precondition(ApiError),
    /// An event was not published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
}

impl From<StatusError> for ApiError {
    #[track_caller]
    fn from(error: StatusError) -> Self {
        match error {
            StatusError::NoReceiver => Self::new(ErrorCode::NotFound, "No alerts are taken here."),
            StatusError::NotTheSecret => Self::new(ErrorCode::Unauthenticated, "This is not the secret."),
            StatusError::NotFound(what) => Self::not_found(what),
            StatusError::Cursor => Self::invalid_field("cursor", "not a cursor of this list"),
            StatusError::NoSuchService(at) => {
                Self::invalid_field(format!("services[{at}]"), "must be the name of a service")
            }
            StatusError::IsOver => {
                Self::new(ErrorCode::InvalidTransition, "The incident is over. Open another one.")
            }
            StatusError::Precondition(error) => error,
            StatusError::Publish(error) => error.into(),
            StatusError::Db(error) => error.into(),
        }
    }
}
