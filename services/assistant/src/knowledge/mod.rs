//! Knowledge bases: documents of a person's own, and the passages of them that fit a question.
//!
//! What must hold: whose a knowledge base is stands in every statement that reads or changes one, so another's is not there,
//! and nothing is ever retrieved from it; a document that is removed is gone from the index in the same transaction; nobody has more
//! than the settings allow, however many additions go on at once.

pub mod chunk;
pub mod citations;
mod holdings;
pub mod rank;
pub mod words;

pub use contract::assistant::Passage;

use crate::config::AssistantConfig;
use crate::domain::number::whole;
use crate::error::{AssistantError, AssistantResult};
use crate::store::knowledge::document::Kept;
use crate::store::knowledge::{base, document, passage};
use chassis::clock::Clock;
use chassis::db::{Db, Tx};
use chassis::http::Page;
use contract::assistant::{AddDocument, CreateKnowledgeBase, Document, KnowledgeBase};
use contract::ids::{DocumentId, KnowledgeBaseId, UserId};
use rank::Weighed;
use std::cmp::Reverse;
use std::collections::BTreeSet;

/// Passages that are found before the best of them are picked.
const CANDIDATES: u32 = 64;
/// Knowledge bases that are searched when none is named.
const NEWEST: u32 = 50;
const NO_BASE: AssistantError = AssistantError::NotFound("knowledge base");
const NO_DOCUMENT: AssistantError = AssistantError::NotFound("document");

/// The knowledge bases of everybody.
#[derive(Debug, Clone)]
pub struct Knowledge {
    db: Db,
    clock: Clock,
    bounds: Bounds,
}

/// How much there may be.
#[derive(Debug, Clone, Copy)]
struct Bounds {
    bases: u32,
    documents: u32,
    document_bytes: u64,
    bytes: u64,
}

impl Knowledge {
    pub(crate) fn new(db: Db, clock: Clock, config: &AssistantConfig) -> Self {
        let bounds = Bounds {
            bases: config.max_knowledge_bases,
            documents: config.max_documents,
            document_bytes: config.max_document_bytes,
            bytes: config.max_knowledge_bytes,
        };
        Self { db, clock, bounds }
    }

    /// Makes a knowledge base.
    ///
    /// # Errors
    /// [`AssistantError::Bound`] when the person has as many as they may.
    pub async fn create(
        &self,
        user: UserId,
        request: CreateKnowledgeBase,
    ) -> AssistantResult<(Tx, KnowledgeBase)> {
        let CreateKnowledgeBase { name, description } = request;
        let made = KnowledgeBase {
            id: KnowledgeBaseId::new(),
            name: name.trim().to_owned(),
            description,
            documents: 0,
            bytes: 0,
            created_at: self.clock.now().to_datetime(),
        };
        let mut tx = self.db.begin().await?;
        if base::hold_all(&mut tx, user).await?.bases >= u64::from(self.bounds.bases) {
            return Err(bound(format!("You may have {} knowledge bases at most.", self.bounds.bases)));
        }
        base::change_holdings(&mut tx, user, 1, 0).await?;
        base::insert(&mut tx, user, &made).await?;
        Ok((tx, made))
    }

    /// One of a person's knowledge bases.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's.
    pub async fn base(&self, user: UserId, id: KnowledgeBaseId) -> AssistantResult<KnowledgeBase> {
        base::find(&self.db, user, id).await?.ok_or(NO_BASE)
    }

    /// A page of a person's knowledge bases, the newest first, and how many there are.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn bases(&self, user: UserId, page: Page) -> AssistantResult<(Vec<KnowledgeBase>, u64)> {
        Ok(base::list_of_owner(&self.db, user, page).await?)
    }

    /// Removes a knowledge base with all that is in it: document by document, so that no transaction is long, and then itself.
    /// Broken off in between it is there with fewer documents, and can be removed again.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's.
    pub async fn remove(&self, user: UserId, id: KnowledgeBaseId) -> AssistantResult<Tx> {
        self.base(user, id).await?;
        while let Some(next) = document::oldest_of_base(&self.db, user, id).await? {
            match self.remove_document(user, id, next).await {
                Ok(tx) => tx.commit().await?,
                // Somebody else was quicker.
                Err(AssistantError::NotFound(_)) => {}
                Err(error) => return Err(error),
            }
        }
        let mut tx = self.db.begin().await?;
        base::hold_all(&mut tx, user).await?;
        let gone = base::hold(&mut tx, user, id).await?.ok_or(NO_BASE)?;
        base::delete(&mut tx, id).await?;
        base::change_holdings(&mut tx, user, -1, -whole(gone.bytes)).await?;
        Ok(tx)
    }

    /// Adds a document: cuts it into passages, and makes them findable.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], [`AssistantError::TooLarge`], and [`AssistantError::Bound`] when the knowledge base is full or the
    /// person has as much as they may.
    pub async fn add(
        &self,
        user: UserId,
        id: KnowledgeBaseId,
        request: AddDocument,
    ) -> AssistantResult<(Tx, Document)> {
        let AddDocument { title, format, text } = request;
        let bytes = text.len() as u64;
        if bytes > self.bounds.document_bytes {
            return Err(AssistantError::TooLarge(self.bounds.document_bytes));
        }
        let title = title.trim().to_owned();
        let texts = chunk::passages(&text, format);
        let keep = |(position, text): (usize, &'_ str)| (position, words::of_text(&title, text));
        let words: Vec<(usize, String)> = texts.iter().copied().enumerate().map(keep).collect();
        let passages: Vec<Kept<'_>> = words
            .into_iter()
            .zip(&texts)
            .map(|((position, words), text)| Kept { position, text, words })
            .collect();
        let made = Document {
            id: DocumentId::new(),
            base: id,
            title,
            format,
            bytes,
            passages: u32::try_from(passages.len()).unwrap_or(u32::MAX),
            created_at: self.clock.now().to_datetime(),
        };
        let mut tx = self.db.begin().await?;
        let held = base::hold_all(&mut tx, user).await?;
        let into = base::hold(&mut tx, user, id).await?.ok_or(NO_BASE)?;
        if into.documents >= self.bounds.documents {
            return Err(bound(format!("A knowledge base has {} documents at most.", self.bounds.documents)));
        }
        if held.bytes.saturating_add(bytes) > self.bounds.bytes {
            return Err(bound(format!("Your documents have {} bytes at most in all.", self.bounds.bytes)));
        }
        document::insert(&mut tx, &made, &passages).await?;
        base::change(&mut tx, id, 1, whole(bytes)).await?;
        base::change_holdings(&mut tx, user, 0, whole(bytes)).await?;
        Ok((tx, made))
    }

    /// A document in one of a person's knowledge bases.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's.
    pub async fn document(
        &self,
        user: UserId,
        base: KnowledgeBaseId,
        id: DocumentId,
    ) -> AssistantResult<Document> {
        document::find(&self.db, user, base, id).await?.ok_or(NO_DOCUMENT)
    }

    /// A page of the documents in one of a person's knowledge bases, the newest first, and how many there are.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's.
    pub async fn documents(
        &self,
        user: UserId,
        id: KnowledgeBaseId,
        page: Page,
    ) -> AssistantResult<(Vec<Document>, u64)> {
        let base = self.base(user, id).await?;
        Ok((document::list_of_base(&self.db, user, id, page).await?, u64::from(base.documents)))
    }

    /// Removes a document, with its passages and what is kept of them in the index.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`], also for another's.
    pub async fn remove_document(
        &self,
        user: UserId,
        base: KnowledgeBaseId,
        id: DocumentId,
    ) -> AssistantResult<Tx> {
        let mut tx = self.db.begin().await?;
        base::hold_all(&mut tx, user).await?;
        base::hold(&mut tx, user, base).await?.ok_or(NO_BASE)?;
        let bytes = document::delete(&mut tx, base, id).await?.ok_or(NO_DOCUMENT)?;
        base::change(&mut tx, base, -1, -bytes).await?;
        base::change_holdings(&mut tx, user, 0, -bytes).await?;
        Ok(tx)
    }

    /// The passages of these bases that fit a question, the best first, so many at most. Without any, those of the newest
    /// knowledge bases that the person has.
    ///
    /// # Errors
    /// [`AssistantError::NotFound`] when one of the bases is none of this person's.
    pub async fn passages(
        &self,
        user: UserId,
        bases: &[KnowledgeBaseId],
        query: &str,
        limit: usize,
    ) -> AssistantResult<Vec<Passage>> {
        let asked: BTreeSet<KnowledgeBaseId> = bases.iter().copied().collect();
        let bases = if asked.is_empty() {
            base::newest_of_owner(&self.db, user, NEWEST).await?
        } else {
            base::owned(&self.db, user, bases).await?
        };
        if !asked.is_empty() && bases.len() != asked.len() {
            return Err(NO_BASE);
        }
        let terms = words::of_question(query);
        if terms.is_empty() || bases.is_empty() {
            return Ok(Vec::new());
        }
        let (having, all) = passage::having(&self.db, &bases, &terms).await?;
        let found = terms.into_iter().zip(having).filter(|(_, having)| *having > 0);
        let terms: Vec<Weighed> =
            found.map(|(term, having)| Weighed { term, weight: rank::weight(having, all) }).collect();
        if terms.is_empty() {
            return Ok(Vec::new());
        }
        let mut found = passage::found(&self.db, user, &bases, &terms, CANDIDATES).await?;
        for passage in &mut found {
            passage.score = rank::score(&terms, &passage.title, &passage.text);
        }
        found.sort_by_key(|passage| (Reverse(passage.score), passage.document, passage.position));
        found.truncate(limit);
        Ok(found)
    }
}

const fn bound(message: String) -> AssistantError {
    AssistantError::Bound(message)
}
