//! What can go wrong, and what a client is told of it.

use chassis::cache::LoadFailed;
use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use contract::ErrorCode;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum CatalogError {
    /// No such thing, or none that who asks may know of.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Another one has this name already.
    #[error("the {0} is in use")]
    Taken(&'static str),
    /// Who asks may not do this.
    #[error("not allowed: {0}")]
    Forbidden(&'static str),
    /// A field has a value that cannot be.
    #[error("{0}: {1}")]
    Field(&'static str, &'static str),
    /// The state of things does not allow it.
    #[error("{0}")]
    Conflict(&'static str),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
    /// What is read often could not be read.
    #[error(transparent)]
    NotLoaded(#[from] LoadFailed),
    /// The client has seen another version.
    #[error(transparent)]
    Precondition(ApiError),
    /// A defect of ours.
    #[error("a defect")]
    Defect(#[from] anyhow::Error),
}

/// What the service's own functions return.
pub type CatalogResult<T> = Result<T, CatalogError>;

impl From<PublishError> for CatalogError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<CatalogError> for ApiError {
    #[track_caller]
    fn from(error: CatalogError) -> Self {
        match error {
            CatalogError::NotFound(what) => Self::not_found(what),
            CatalogError::Taken(what) => {
                Self::new(ErrorCode::AlreadyExists, format!("The {what} is in use."))
            }
            CatalogError::Forbidden(why) => Self::new(ErrorCode::Forbidden, why),
            CatalogError::Field(field, why) => Self::invalid_field(field, why),
            CatalogError::Conflict(why) => Self::new(ErrorCode::Conflict, why),
            CatalogError::Db(error) => error.into(),
            CatalogError::NotLoaded(error) => error.into(),
            CatalogError::Precondition(error) => error,
            CatalogError::Defect(error) => Self::internal(error),
        }
    }
}
