//! What can go wrong, and what a client is told of it.

use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::event_store::AppendError;
use contract::ErrorCode;

/// What the service's own functions return.
pub type ReviewsResult<T> = Result<T, ReviewsError>;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum ReviewsError {
    /// No such review, or none that who asks may see.
    #[error("no such review")]
    NotFound,
    /// Who asks has not bought the product, or does not have it yet.
    #[error("not a buyer")]
    NotABuyer,
    /// There is one of this person and product already.
    #[error("reviewed already")]
    AlreadyReviewed,
    /// A moderator decides on others' reviews only.
    #[error("one's own review")]
    OwnReview,
    /// Nobody is known to ask, and it is not for everybody.
    #[error("nobody known")]
    Unknown,
    /// Reviews that are not shown are for moderators.
    #[error("for moderators")]
    ForModerators,
    /// `If-Match` names another version.
    #[error(transparent)]
    Precondition(ApiError),
    /// The event store failed, or the stream was elsewhere.
    #[error(transparent)]
    Append(#[from] AppendError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
}

impl From<ReviewsError> for ApiError {
    #[track_caller]
    fn from(error: ReviewsError) -> Self {
        match error {
            ReviewsError::NotFound => Self::not_found("review"),
            ReviewsError::NotABuyer => {
                Self::new(ErrorCode::NotABuyer, "Only who has bought the product and has it may review it.")
            }
            ReviewsError::AlreadyReviewed => {
                Self::new(ErrorCode::AlreadyExists, "You have reviewed this product. Change that review.")
            }
            ReviewsError::OwnReview => {
                Self::new(ErrorCode::Forbidden, "Somebody else decides on your own review.")
            }
            ReviewsError::Unknown => {
                Self::new(ErrorCode::Unauthenticated, "Log in first: only moderators see these reviews.")
            }
            ReviewsError::ForModerators => {
                Self::new(ErrorCode::Forbidden, "This needs the permission reviews:moderate.")
            }
            ReviewsError::Precondition(error) => error,
            ReviewsError::Append(AppendError::Database(error)) | ReviewsError::Db(error) => error.into(),
            ReviewsError::Append(AppendError::Conflict { .. }) => {
                Self::new(ErrorCode::Conflict, "It was changed at the same time. Read it again.")
            }
            ReviewsError::Append(error @ (AppendError::Nothing | AppendError::Unwritable(_))) => {
                Self::internal(error)
            }
        }
    }
}
