//! What can go wrong, and what a client is told of it.

use crate::domain::bulk::Refusals;
use crate::domain::cursor::BadCursor;
use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use contract::ErrorCode;

/// What the service's own functions return.
pub type TodosResult<T> = Result<T, TodosError>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum TodosError {
    /// No such todo, or another's.
    #[error("no such todo")]
    NoTodo,
    /// No such list, or another's.
    #[error("no such list")]
    NoList,
    /// The one before or after which it should stand: there is none, it is another's, or it is in the bin.
    #[error("no such todo to stand beside")]
    NoNeighbour,
    /// Nothing stands beside itself.
    #[error("beside itself")]
    BesideItself,
    /// What is in the bin is restored first.
    #[error("in the bin")]
    InTheBin,
    /// There are as many as one may have.
    #[error("more than {0} todos")]
    TooMany(u32),
    /// There are as many lists as one may have.
    #[error("more than {0} lists")]
    TooManyLists(u32),
    /// Some of many cannot be changed, so none was.
    #[error("some cannot be changed")]
    Refused(Refusals),
    /// A list is not continued from there.
    #[error(transparent)]
    Cursor(#[from] BadCursor),
    /// `If-Match` names another version.
    #[error(transparent)]
    Precondition(ApiError),
    /// The event could not be published.
    #[error(transparent)]
    Publish(#[from] PublishError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
}

impl From<TodosError> for ApiError {
    #[track_caller]
    fn from(error: TodosError) -> Self {
        match error {
            TodosError::NoTodo => Self::not_found("todo"),
            TodosError::NoList => Self::not_found("list of todos"),
            TodosError::NoNeighbour => Self::not_found("todo to stand beside"),
            TodosError::BesideItself => Self::invalid_field("", "a todo cannot stand before or after itself"),
            TodosError::InTheBin => Self::new(ErrorCode::Conflict, "It is in the bin. Restore it first."),
            TodosError::TooMany(most) => Self::new(
                ErrorCode::LimitReached,
                format!(
                    "There are {most} todos, with those in the bin; more one person cannot have. Empty the bin first."
                ),
            ),
            TodosError::TooManyLists(most) => Self::new(
                ErrorCode::LimitReached,
                format!("There are {most} lists; more one person cannot have."),
            ),
            TodosError::Refused(refusals) => {
                let code = if refusals.is_missing() { ErrorCode::NotFound } else { ErrorCode::Conflict };
                Self::new(code, "Nothing was changed: some of them cannot be; see details.")
                    .details(refusals.details())
            }
            TodosError::Cursor(bad) => Self::invalid_field("cursor", bad.to_string()),
            TodosError::Precondition(error) => error,
            TodosError::Publish(error) => error.into(),
            TodosError::Db(error) => error.into(),
        }
    }
}
