//! The typed client of the assistant.

use super::{
    Answered, BudgetState, Conversation, CreateConversation, Message, SendMessage, SetBudget,
    UpdateConversation,
};
use crate::client::{Caller, endpoints};
use crate::ids::{ConversationId, OrganizationId, UserId};

/// Speaks to the assistant. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct AssistantClient {
    caller: Caller,
}

impl AssistantClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// Begins a conversation.
        create(body: &CreateConversation) -> Conversation = POST "/api/v1/assistant/conversations", body;
        /// The caller's conversations, the latest first, a hundred at most.
        conversations() -> Vec<Conversation> = GET "/api/v1/assistant/conversations?limit=100";
        /// One of the caller's conversations.
        conversation(id: ConversationId) -> Conversation = GET format!("/api/v1/assistant/conversations/{id}");
        /// Renames a conversation, or puts it away.
        update(id: ConversationId, body: &UpdateConversation) -> Conversation
            = PATCH format!("/api/v1/assistant/conversations/{id}"), body;
        /// Removes a conversation with all that was said in it.
        delete(id: ConversationId) -> () = DELETE format!("/api/v1/assistant/conversations/{id}");
        /// The latest messages of a conversation, the latest first, a hundred at most.
        messages(id: ConversationId) -> Vec<Message>
            = GET format!("/api/v1/assistant/conversations/{id}/messages?limit=100");
        /// Asks something, and waits for the whole answer.
        send(id: ConversationId, body: &SendMessage) -> Answered
            = POST format!("/api/v1/assistant/conversations/{id}/messages"), body;
        /// The caller's own budget.
        budget() -> BudgetState = GET "/api/v1/assistant/budget";
        /// Sets a person's budget, for an administrator.
        set_user_budget(user: UserId, body: &SetBudget) -> BudgetState
            = PUT format!("/api/v1/assistant/budgets/users/{user}"), body;
        /// Sets an organisation's budget, for an administrator.
        set_organization_budget(organization: OrganizationId, body: &SetBudget) -> BudgetState
            = PUT format!("/api/v1/assistant/budgets/organizations/{organization}"), body;
    }
}
