//! What can go wrong, and what a client is told of it.

use crate::domain::organization::MemberRule;
use crate::domain::password::Weak;
use crate::domain::picture::{BadPicture, MOST_PIXELS};
use crate::domain::rights::RightsRule;
use crate::hasher::HasherError;
use crate::studio::StudioError;
use chassis::cache::LoadFailed;
use chassis::db::DbError;
use chassis::error::ApiError;
use chassis::events::PublishError;
use chassis::jobs::EnqueueError;
use contract::ErrorCode;
use http::HeaderValue;
use http::header::WWW_AUTHENTICATE;
use std::time::Duration;

/// Why a request was not done.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    /// The address has an account.
    #[error("the e-mail address has an account")]
    EmailTaken,
    /// Nobody may make an account for themselves.
    #[error("registration is closed")]
    RegistrationClosed,
    /// The text is not an address.
    #[error("not an e-mail address")]
    NotAnEmail,
    /// The password in this field is not accepted.
    #[error("the password is not accepted: {1}")]
    WeakPassword(&'static str, Weak),
    /// The new password is the old one.
    #[error("the new password is the old one")]
    SamePassword,
    /// Address and password do not match an account.
    #[error("address and password do not match an account")]
    InvalidCredentials,
    /// Too many failures: the next attempt counts after this.
    #[error("too many failed attempts")]
    Locked(Duration),
    /// The account was disabled.
    #[error("the account is disabled")]
    Disabled,
    /// The refresh token is unknown, expired or was used before.
    #[error("the refresh token does not hold")]
    InvalidRefreshToken,
    /// The token of a mailed link is unknown, used or expired.
    #[error("the link does not hold")]
    InvalidLink,
    /// No such thing, or none that the caller may know of.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// A name that is in use.
    #[error("the {0} is in use")]
    Taken(&'static str),
    /// A rule of an organisation.
    #[error(transparent)]
    Member(#[from] MemberRule),
    /// A rule of who may change rights on the platform.
    #[error(transparent)]
    Rights(#[from] RightsRule),
    /// The invitation is for another address.
    #[error("the invitation is for another address")]
    NotTheInvited,
    /// Mail may go to the address again after this.
    #[error("the address was mailed just now")]
    TooSoon(Duration),
    /// The state of the thing does not allow it.
    #[error("{0}")]
    Conflict(&'static str),
    /// No password can be hashed now.
    #[error("too many passwords are being checked")]
    Busy,
    /// The body was not sent as a picture.
    #[error("not sent as a picture")]
    NotSentAsPicture,
    /// No picture was made of what was sent.
    #[error(transparent)]
    Picture(#[from] StudioError),
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
pub type AuthResult<T> = Result<T, AuthError>;

impl AuthError {
    /// What hashing the password of `field` came to.
    pub(crate) fn of_hasher(field: &'static str) -> impl FnOnce(HasherError) -> Self {
        move |error| match error {
            HasherError::Busy => Self::Busy,
            HasherError::Weak(weak) => Self::WeakPassword(field, weak),
            HasherError::Failed(_) | HasherError::Ended => Self::Defect(error.into()),
        }
    }
}

impl From<PublishError> for AuthError {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Db(error) => Self::Db(error),
            other => Self::Defect(other.into()),
        }
    }
}

impl From<EnqueueError> for AuthError {
    fn from(error: EnqueueError) -> Self {
        match error {
            EnqueueError::Db(error) => Self::Db(error),
            other @ EnqueueError::Task(_) => Self::Defect(other.into()),
        }
    }
}

impl From<AuthError> for ApiError {
    #[track_caller]
    fn from(error: AuthError) -> Self {
        match error {
            AuthError::EmailTaken => Self::new(
                ErrorCode::EmailTaken,
                "This e-mail address has an account. Log in, or reset the password.",
            ),
            AuthError::RegistrationClosed => {
                Self::new(ErrorCode::RegistrationClosed, "Accounts cannot be made at the moment.")
            }
            AuthError::NotAnEmail => Self::invalid_field("email", "not an e-mail address"),
            AuthError::WeakPassword(field, weak) => {
                let details = vec![contract::FieldError::new(field, weak.to_string())];
                Self::new(ErrorCode::WeakPassword, "Choose another password.").details(details)
            }
            AuthError::SamePassword => Self::invalid_field("newPassword", "is the password until now"),
            AuthError::InvalidCredentials => {
                let message = "E-mail address and password do not match an account.";
                challenge(Self::new(ErrorCode::InvalidCredentials, message))
            }
            AuthError::Locked(wait) => {
                Self::new(ErrorCode::LoginLocked, "Too many failed attempts. Wait before the next one.")
                    .retry_after(wait)
            }
            AuthError::Disabled => Self::new(ErrorCode::AccountDisabled, "This account was disabled."),
            AuthError::InvalidRefreshToken => {
                challenge(Self::new(ErrorCode::InvalidRefreshToken, "The session has ended. Log in again."))
            }
            AuthError::InvalidLink => {
                Self::new(ErrorCode::InvalidLink, "The link was used, has expired or is not one of ours.")
            }
            AuthError::NotFound(what) => Self::not_found(what),
            AuthError::Taken(what) => Self::new(ErrorCode::AlreadyExists, format!("The {what} is in use.")),
            AuthError::Member(MemberRule::NotAllowed) => {
                Self::new(ErrorCode::Forbidden, "Your role in the organisation does not allow this.")
            }
            AuthError::Member(MemberRule::LastOwner) => {
                Self::new(ErrorCode::LastOwner, "An organisation keeps at least one owner.")
            }
            AuthError::Rights(RightsRule::NotAllowed) => {
                Self::new(ErrorCode::Forbidden, "You do not manage accounts any more.")
            }
            AuthError::Rights(RightsRule::OwnRights) => Self::new(
                ErrorCode::Conflict,
                "Administrators cannot give up their own rights; another one can take them.",
            ),
            AuthError::NotTheInvited => Self::new(
                ErrorCode::Forbidden,
                "The invitation is for another address. Log in with the account that was invited.",
            ),
            AuthError::TooSoon(wait) => {
                Self::new(ErrorCode::RateLimited, "The address was mailed just now.").retry_after(wait)
            }
            AuthError::Conflict(why) => Self::new(ErrorCode::Conflict, why),
            AuthError::Busy => {
                let cause = anyhow::anyhow!("the queue of the password hasher is full");
                Self::unavailable(cause, Duration::from_secs(1))
            }
            AuthError::NotSentAsPicture => Self::new(
                ErrorCode::UnsupportedMediaType,
                "Send the picture as it is, with its own Content-Type.",
            ),
            AuthError::Picture(StudioError::Busy) => {
                let cause = anyhow::anyhow!("the queue of pictures is full");
                Self::unavailable(cause, Duration::from_secs(2))
            }
            AuthError::Picture(StudioError::Bad(BadPicture::Unknown)) => Self::new(
                ErrorCode::UnsupportedMediaType,
                "By its content it is neither PNG, JPEG, WebP nor GIF.",
            ),
            AuthError::Picture(StudioError::Bad(BadPicture::TooLarge)) => Self::new(
                ErrorCode::PayloadTooLarge,
                format!("The picture has more than {MOST_PIXELS} pixels, or takes too much memory."),
            ),
            AuthError::Picture(StudioError::Bad(BadPicture::Broken)) => {
                Self::invalid_field("", "is a broken picture")
            }
            AuthError::Picture(error @ StudioError::Failed) => Self::internal(error),
            AuthError::Db(error) => error.into(),
            AuthError::NotLoaded(error) => error.into(),
            AuthError::Precondition(error) => error,
            AuthError::Defect(error) => Self::internal(error),
        }
    }
}

/// A wrong password is not a matter of the `Authorization` header: a client must not try to refresh its way out.
fn challenge(error: ApiError) -> ApiError {
    error.header(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer error=\"invalid_grant\""))
}
