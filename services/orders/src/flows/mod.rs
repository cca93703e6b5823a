//! The sagas: how a checkout, a cancellation and a refund go through the inventory and the payments.

pub mod cancellation;
pub mod checkout;
pub mod refund;
#[cfg(test)]
mod trial;

use chassis::saga::StepError;
use contract::client::CallError;
use contract::error::ErrorKind;

/// How a peer answered to a change that it knows again by its id.
pub(crate) enum Answered<T> {
    /// It is as asked.
    Yes(T),
    /// No, and it will be no; the text is for a person.
    No(String),
}

/// Tells a no from no answer: the latter is to be asked again.
pub(crate) fn answered<T>(answer: Result<T, CallError>) -> Result<Answered<T>, StepError> {
    match answer {
        Ok(yes) => Ok(Answered::Yes(yes)),
        Err(CallError::Refused(no)) if is_no(no.code.kind()) => Ok(Answered::No(no.message)),
        Err(error) => Err(StepError::retry(error)),
    }
}

const fn is_no(kind: ErrorKind) -> bool {
    matches!(kind, ErrorKind::Invalid | ErrorKind::NotFound | ErrorKind::Conflict | ErrorKind::Unprocessable)
}
