//! Knowledge bases: documents of a person's own, and the passages of them that fit a question.

pub mod citations;

use crate::app::App;
use crate::error::AssistantResult;
use chassis::clock::Clock;
use chassis::db::Db;
use contract::ids::{DocumentId, KnowledgeBaseId, UserId};
use utoipa_axum::router::OpenApiRouter;

/// A piece of a document that fits a question.
#[derive(Debug, Clone, PartialEq)]
pub struct Passage {
    /// The knowledge base.
    pub base: KnowledgeBaseId,
    /// The document.
    pub document: DocumentId,
    /// The document's title.
    pub title: String,
    /// Which piece of the document, from 0.
    pub position: u32,
    /// What it says.
    pub text: String,
    /// How well it fits; more is better.
    pub score: f64,
}

/// The knowledge bases of everybody.
#[derive(Debug, Clone)]
pub struct Knowledge {
    _db: Db,
    _clock: Clock,
}

impl Knowledge {
    pub(crate) fn new(db: Db, clock: Clock) -> Self {
        Self { _db: db, _clock: clock }
    }

    /// The passages of these bases that fit a question, the best first.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`](crate::error::AssistantError::NotFound) when one of the bases is none of this person's.
    pub async fn passages(
        &self,
        _user: UserId,
        _bases: &[KnowledgeBaseId],
        _query: &str,
        _limit: usize,
    ) -> AssistantResult<Vec<Passage>> {
        Ok(Vec::new())
    }
}

/// The routes of knowledge bases, with their descriptions.
pub(crate) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
}
