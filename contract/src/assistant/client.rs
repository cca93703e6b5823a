//! The typed client of the assistant.

use super::{
    AddDocument, Answered, BudgetState, Conversation, CreateConversation, CreateKnowledgeBase, Document,
    KnowledgeBase, Message, Proposal, SendMessage, SetBudget, UpdateConversation,
};
use crate::client::{Caller, endpoints};
use crate::ids::{ConversationId, DocumentId, KnowledgeBaseId, OrganizationId, ProposalId, UserId};

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
        /// What the assistant proposes in a conversation, the latest first.
        proposals(id: ConversationId) -> Vec<Proposal>
            = GET format!("/api/v1/assistant/conversations/{id}/proposals");
        /// Says yes to a proposal: it is done.
        confirm(id: ConversationId, proposal: ProposalId) -> Proposal
            = POST format!("/api/v1/assistant/conversations/{id}/proposals/{proposal}/confirm");
        /// Says no to a proposal.
        decline(id: ConversationId, proposal: ProposalId) -> Proposal
            = POST format!("/api/v1/assistant/conversations/{id}/proposals/{proposal}/decline");
        /// Makes a knowledge base.
        create_knowledge(body: &CreateKnowledgeBase) -> KnowledgeBase = POST "/api/v1/assistant/knowledge", body;
        /// The caller's knowledge bases, the newest first, a hundred at most.
        knowledge() -> Vec<KnowledgeBase> = GET "/api/v1/assistant/knowledge?limit=100";
        /// Removes a knowledge base with all documents in it.
        delete_knowledge(id: KnowledgeBaseId) -> () = DELETE format!("/api/v1/assistant/knowledge/{id}");
        /// Adds a document to one of the caller's knowledge bases.
        add_document(id: KnowledgeBaseId, body: &AddDocument) -> Document
            = POST format!("/api/v1/assistant/knowledge/{id}/documents"), body;
        /// The documents in a knowledge base, the newest first, a hundred at most.
        documents(id: KnowledgeBaseId) -> Vec<Document>
            = GET format!("/api/v1/assistant/knowledge/{id}/documents?limit=100");
        /// Removes a document.
        delete_document(id: KnowledgeBaseId, document: DocumentId) -> ()
            = DELETE format!("/api/v1/assistant/knowledge/{id}/documents/{document}");
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
