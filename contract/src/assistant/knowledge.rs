//! Knowledge bases: documents of a person that the assistant answers from.

use crate::auth::valid;
use crate::ids::{DocumentId, KnowledgeBaseId};
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// `POST /api/v1/assistant/knowledge`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateKnowledgeBase {
    /// What it is called.
    #[garde(length(chars, max = 100), custom(valid::line))]
    #[schema(example = "House rules")]
    pub name: String,
    /// What is in it.
    #[garde(inner(length(chars, max = 500)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A knowledge base. Only its owner knows of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct KnowledgeBase {
    /// Its identifier.
    pub id: KnowledgeBaseId,
    /// What it is called.
    pub name: String,
    /// What is in it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Documents in it.
    pub documents: u32,
    /// Bytes of their texts.
    pub bytes: u64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

texts! {
    /// How the text of a document is written.
    DocumentFormat {
        /// Plain text.
        Text = "TEXT",
        /// Markdown: a heading begins a new passage.
        Markdown = "MARKDOWN",
    }
}

/// `POST /api/v1/assistant/knowledge/{id}/documents` with `application/json`. The same route takes the text itself as
/// `text/plain` or `text/markdown`, with the title in the query.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct AddDocument {
    /// What it is called; a citation shows it.
    #[garde(length(chars, max = 200), custom(valid::line))]
    #[schema(example = "Returns and refunds")]
    pub title: String,
    /// How the text is written.
    #[garde(skip)]
    pub format: DocumentFormat,
    /// The text.
    #[garde(custom(some_text))]
    #[schema(example = "Goods may be sent back within 30 days.")]
    pub text: String,
}

/// What the text of a document must be, besides not too long.
///
/// # Errors
/// What is wrong with it, for the person who sent it.
pub fn is_text(text: &str) -> Result<(), &'static str> {
    if text.trim().is_empty() {
        return Err("must not be blank");
    }
    if text.contains('\0') {
        return Err("must not contain NUL characters");
    }
    Ok(())
}

fn some_text(value: &str, _: &()) -> garde::Result {
    is_text(value).map_err(garde::Error::new)
}

/// The query of `POST /api/v1/assistant/knowledge/{id}/documents` when the body is the text itself.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DocumentTitle {
    /// What the document is called, when the body is its text. With `application/json` it stands in the body.
    #[garde(inner(length(chars, max = 200), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

/// A document as it is listed. Its text is kept as passages, which a search shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Document {
    /// Its identifier.
    pub id: DocumentId,
    /// In which knowledge base it is.
    pub base: KnowledgeBaseId,
    /// What it is called.
    pub title: String,
    /// How its text was written.
    pub format: DocumentFormat,
    /// Bytes of its text.
    pub bytes: u64,
    /// Into how many passages it was cut.
    pub passages: u32,
    /// When it was added.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// The query of `GET /api/v1/assistant/knowledge/{id}/search`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SearchKnowledge {
    /// What is looked for: some words, or a question.
    #[garde(length(chars, min = 1, max = 500))]
    pub q: String,
    /// How many passages at most.
    #[garde(range(min = 1, max = 20))]
    #[serde(default = "some")]
    #[param(minimum = 1, maximum = 20, default = 5)]
    pub limit: u32,
}

const fn some() -> u32 {
    5
}

/// A part of a document, as it is found, given to a model and cited.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Passage {
    /// In which knowledge base it is.
    pub base: KnowledgeBaseId,
    /// In which document.
    pub document: DocumentId,
    /// What the document is called.
    pub title: String,
    /// Which of the document's passages it is, from 0.
    pub position: u32,
    /// The text of the passage.
    pub text: String,
    /// How well it fits: more is better. Comparable within one answer only.
    pub score: i64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_document_has_a_title_and_a_text() {
        let add = |title: &str, text: &str| AddDocument {
            title: title.to_owned(),
            format: DocumentFormat::Text,
            text: text.to_owned(),
        };
        assert!(add("Rules", "No shoes.\n").validate().is_ok());
        for (title, text) in [("", "x"), ("a\nb", "x"), ("a", " \n"), ("a", "x\0y")] {
            assert!(add(title, text).validate().is_err(), "{title:?} {text:?}");
        }
        assert!(add(&"x".repeat(201), "x").validate().is_err());
    }
}
