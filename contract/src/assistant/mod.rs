//! The assistant's part of the language: conversations, their messages, budgets, and what was used.

mod budget;
mod client;
mod conversation;
mod knowledge;
mod message;
mod proposal;
mod usage;

pub use budget::{BudgetLimits, BudgetScope, BudgetState, PeriodState, SetBudget};
pub use client::AssistantClient;
pub use conversation::{Conversation, CreateConversation, ListConversations, UpdateConversation};
pub use knowledge::{
    AddDocument, CreateKnowledgeBase, Document, DocumentFormat, DocumentTitle, KnowledgeBase, Passage,
    SearchKnowledge, is_text,
};
pub use message::{
    Answered, Citation, ListMessages, Message, MessageRole, MessageStatus, MessageUsage, SendMessage,
    StreamCitation, StreamDelta, StreamError, StreamTool, ToolState,
};
pub use proposal::{Proposal, ProposalStatus};
pub use usage::{Costs, CostsOf, GroupBy, ReportQuery, Usage, UsageOf};
