//! What can go wrong, and what a client is told of it.

use chassis::clock::Ts;
use chassis::db::DbError;
use chassis::error::ApiError;
use contract::ErrorCode;
use contract::assistant::{BudgetScope, ProposalStatus};
use contract::client::CallError;
use std::time::Duration;

/// What the service's own functions return.
pub type AssistantResult<T> = Result<T, AssistantError>;

/// Why a request was not done, or an answer is not whole.
#[derive(Debug, thiserror::Error)]
pub enum AssistantError {
    /// No such thing, or another's.
    #[error("no such {0}")]
    NotFound(&'static str),
    /// Who asks does not belong to the conversation's organisation any more.
    #[error("not a member any more")]
    NotAMember,
    /// The conversation's last question is being answered.
    #[error("the conversation is busy")]
    Busy {
        /// How long it may take at most.
        wait: Duration,
    },
    /// The client's identifier of a message is taken.
    #[error("the message's id is taken")]
    IdTaken,
    /// What the call may use does not fit into a budget.
    #[error("a budget is used up")]
    BudgetExceeded {
        /// Whose.
        scope: BudgetScope,
        /// How long until the next one begins.
        wait: Duration,
    },
    /// As many answers are being made as may.
    #[error("as many answers are being made as may")]
    Full,
    /// No provider gave an answer, or what it gave broke off.
    #[error("no provider gave an answer")]
    NoProvider {
        /// When it may be worth asking again.
        wait: Duration,
    },
    /// The provider broke off in the middle of its answer.
    #[error("the answer broke off")]
    BrokeOff,
    /// The answer was not whole in time.
    #[error("the answer took too long")]
    TooLate,
    /// The process stops.
    #[error("the process stops")]
    Stopping,
    /// A field has a value that cannot be.
    #[error("{0}: {1}")]
    Field(&'static str, String),
    /// A bound of the settings is reached.
    #[error("{0}")]
    Bound(String),
    /// A document is larger than so many bytes.
    #[error("larger than {0} bytes")]
    TooLarge(u64),
    /// A document is of a type that is not read.
    #[error("not a text")]
    NotAText,
    /// A proposal stands where nothing of the kind may be done to it any more.
    #[error("the proposal is {0}")]
    Decided(ProposalStatus),
    /// A confirmed proposal is being carried out.
    #[error("the proposal is being carried out")]
    UnderWay {
        /// How long it may take at most.
        wait: Duration,
    },
    /// A confirmed proposal was sent to its service, and nobody knows what became of it.
    #[error("the proposal is not settled: {0}")]
    Unsettled(CallError),
    /// `If-Match` names another version.
    #[error(transparent)]
    Precondition(ApiError),
    /// The database failed.
    #[error("the database failed")]
    Db(#[from] DbError),
}

impl AssistantError {
    /// A budget that is used up until `ends`.
    #[must_use]
    pub fn exceeded(scope: BudgetScope, now: Ts, ends: Ts) -> Self {
        Self::BudgetExceeded { scope, wait: ends.since(now) }
    }
}

impl From<AssistantError> for ApiError {
    #[track_caller]
    fn from(error: AssistantError) -> Self {
        match error {
            AssistantError::NotFound(what) => Self::not_found(what),
            AssistantError::NotAMember => Self::new(
                ErrorCode::Forbidden,
                "You do not belong to the organisation of this conversation any more. Begin another one.",
            ),
            AssistantError::Busy { wait } => {
                let message = "The last question of this conversation is still being answered.";
                Self::new(ErrorCode::RequestInProgress, message).retry_after(wait)
            }
            AssistantError::IdTaken => {
                Self::new(ErrorCode::AlreadyExists, "There is another message with this id. Make a new one.")
            }
            AssistantError::BudgetExceeded { scope, wait } => {
                let message = match scope {
                    BudgetScope::User => {
                        "Your budget is used up, or what is left is too little for this question."
                    }
                    BudgetScope::Organization => {
                        "The organisation's budget is used up, or what is left is too little for this question."
                    }
                };
                Self::new(ErrorCode::BudgetExceeded, message).retry_after(wait)
            }
            AssistantError::Full => {
                let cause = anyhow::anyhow!("as many answers are being made as may");
                Self::unavailable(cause, Duration::from_secs(2))
            }
            AssistantError::NoProvider { wait } => {
                Self::new(ErrorCode::Unavailable, "No model can answer now. Try again shortly.")
                    .retry_after(wait)
            }
            AssistantError::BrokeOff => {
                Self::new(ErrorCode::BadGateway, "The model broke off in the middle of its answer.")
            }
            AssistantError::TooLate => Self::new(
                ErrorCode::DeadlineExceeded,
                "The model did not come to the end of its answer in time.",
            ),
            AssistantError::Stopping => {
                Self::new(ErrorCode::Unavailable, "The service is being restarted. Ask again in a moment.")
            }
            AssistantError::Field(field, why) => Self::invalid_field(field, why),
            AssistantError::Bound(message) => Self::new(ErrorCode::LimitReached, message),
            AssistantError::TooLarge(most) => {
                Self::new(ErrorCode::PayloadTooLarge, format!("A document has {most} bytes at most."))
            }
            AssistantError::NotAText => Self::new(
                ErrorCode::UnsupportedMediaType,
                "Send a document as text/plain, text/markdown or application/json.",
            ),
            AssistantError::Decided(status) => Self::new(ErrorCode::InvalidTransition, decided(status)),
            AssistantError::UnderWay { wait } => {
                Self::new(ErrorCode::RequestInProgress, "The proposal is being carried out.")
                    .retry_after(wait)
            }
            AssistantError::Unsettled(cause) => Self::unavailable(cause, Duration::from_secs(2)),
            AssistantError::Precondition(error) => error,
            AssistantError::Db(error) => error.into(),
        }
    }
}

const fn decided(status: ProposalStatus) -> &'static str {
    match status {
        ProposalStatus::Proposed => "The proposal waits to be confirmed.",
        ProposalStatus::Confirmed | ProposalStatus::Done => "The proposal was confirmed already.",
        ProposalStatus::Failed => "The proposal was confirmed, and could not be done.",
        ProposalStatus::Declined => "The proposal was declined.",
        ProposalStatus::Expired => "The proposal has expired. Ask for it again.",
    }
}
