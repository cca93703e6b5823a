//! Messages: what was asked, and what the assistant answered, whole or as a stream of events.

use crate::error::ErrorCode;
use crate::ids::{ConversationId, DocumentId, KnowledgeBaseId, MessageId, ProposalId};
use crate::page::usual_limit;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// Who said something.
    MessageRole {
        /// The person whose conversation it is.
        User = "USER",
        /// The assistant.
        Assistant = "ASSISTANT",
    }
}

texts! {
    /// What became of a message.
    MessageStatus {
        /// The assistant is at it.
        Pending = "PENDING",
        /// It is whole.
        Complete = "COMPLETE",
        /// Who asked went away before it was whole; it is as far as it came.
        Cancelled = "CANCELLED",
        /// It could not be made whole; it is as far as it came.
        Failed = "FAILED",
    }
}

texts! {
    /// What became of something that the assistant wanted to do or to look up.
    ToolState {
        /// It was looked up.
        Done = "DONE",
        /// It waits for the person to confirm it; nothing has been done yet.
        Proposed = "PROPOSED",
        /// It could not be done; the assistant was told why.
        Failed = "FAILED",
    }
}

/// `POST /api/v1/assistant/conversations/{id}/messages`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SendMessage {
    /// An identifier of the client's own making (UUIDv4 or v7). Sent again with the same one, the message is asked once, and
    /// its answer is given again.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<MessageId>,
    /// What is asked.
    #[garde(length(chars, max = 8_000), custom(prose))]
    #[schema(example = "What do my notes say about the move?")]
    pub text: String,
    /// Knowledge bases of the caller's own that the answer may rest on, 10 at most.
    #[garde(length(max = 10))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub knowledge: Vec<KnowledgeBaseId>,
}

/// A place in a document on which an answer rests.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Citation {
    /// The number by which the text of the answer names it: `[1]`.
    pub number: u32,
    /// The knowledge base.
    pub base: KnowledgeBaseId,
    /// The document.
    pub document: DocumentId,
    /// The document's title.
    pub title: String,
    /// Where in the document it stands: the passage's number, from 0.
    pub position: u32,
}

/// What an answer has cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct MessageUsage {
    /// Tokens that were sent to models.
    pub prompt_tokens: u64,
    /// Tokens that models have written.
    pub completion_tokens: u64,
    /// What that cost, in millionths of the currency of the settings.
    pub cost_micros: u64,
    /// Whether a part of it is an estimate, because the model did not come to tell.
    pub estimated: bool,
}

/// A message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Message {
    /// Its identifier.
    pub id: MessageId,
    /// The conversation that it is in.
    pub conversation: ConversationId,
    /// Who said it.
    pub role: MessageRole,
    /// What became of it.
    pub status: MessageStatus,
    /// What it says.
    pub text: String,
    /// On what it rests; only on an answer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub citations: Vec<Citation>,
    /// The model that wrote the last of it; only on an answer. `extractive` is no model: sentences of the knowledge itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// What it has cost; only on an answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub usage: Option<MessageUsage>,
    /// When it was said.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A question and its answer: `data` of the JSON answer, and of the event `done`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Answered {
    /// What was asked.
    pub question: Message,
    /// What the assistant answered.
    pub answer: Message,
}

/// `data` of the event `delta`: the next piece of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StreamDelta {
    /// To be put behind what is there.
    pub text: String,
}

/// `data` of the event `citation`: the answer names this passage, for the first time.
pub type StreamCitation = Citation;

/// `data` of the event `tool`: the assistant wanted to look something up, or to do something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamTool {
    /// What: `list_todos`.
    pub name: String,
    /// What became of it.
    pub state: ToolState,
    /// What is confirmed by `POST /conversations/{id}/proposals/{proposal}/confirm`; only on what is proposed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proposal: Option<ProposalId>,
    /// One line for the person: what would be done.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
}

/// `data` of the event `error`, with which a stream ends that comes to no whole answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StreamError {
    /// The code to branch on, as in every other error.
    pub code: ErrorCode,
    /// One sentence for a person.
    pub message: String,
    /// Finds the request in the log.
    pub request_id: String,
}

/// The query of `GET /api/v1/assistant/conversations/{id}/messages`, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListMessages {
    /// The cursor of the page before; absent for the first page.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// Text of some length: not blank, and of control characters only line breaks and tabs.
fn prose(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(garde::Error::new("must not contain control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(text: &str) -> SendMessage {
        SendMessage { id: None, text: text.to_owned(), knowledge: Vec::new() }
    }

    #[test]
    fn a_question_says_something_and_moves_no_cursor() {
        assert!(asks("What now?\n\tAnd then?").validate().is_ok());
        for bad in ["", " \n ", "bell \u{7}", "escape \u{1b}[2J"] {
            assert!(asks(bad).validate().is_err(), "{bad:?}");
        }
        assert!(asks(&"ä".repeat(8_000)).validate().is_ok(), "characters are counted, not bytes");
        assert!(asks(&"ä".repeat(8_001)).validate().is_err());
    }
}
