//! What can go wrong, and what a client is told of it.

use chassis::db::DbError;
use chassis::error::ApiError;
use contract::ErrorCode;

/// What the service's own functions return.
pub type NotificationsResult<T> = Result<T, NotificationsError>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum NotificationsError {
    /// No such message, or another's.
    #[error("no such message")]
    NotFound,
    /// Others' messages are for who may read them.
    #[error("others' messages")]
    Others,
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
}

impl From<NotificationsError> for ApiError {
    #[track_caller]
    fn from(error: NotificationsError) -> Self {
        match error {
            NotificationsError::NotFound => Self::not_found("message"),
            NotificationsError::Others => {
                Self::new(ErrorCode::Forbidden, "This needs the permission notifications:read.")
            }
            NotificationsError::Db(error) => error.into(),
        }
    }
}
