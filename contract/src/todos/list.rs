//! Todos as they are listed.

use crate::ids::TodoListId;
use crate::page::usual_limit;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::IntoParams;

/// The query of `GET /api/v1/todos`. Filters are joined by "and".
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListTodos {
    /// Only those that are done, or are not.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
    /// Only those with this text in their title; capitals do not matter, and no character has a meaning.
    #[garde(inner(length(chars, max = 200), custom(super::valid::searched)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title_contains: Option<String>,
    /// Only those of this list.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<TodoListId>,
    /// Only those in no list (`true`), or in any (`false`).
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unlisted: Option<bool>,
    /// Only those with this tag.
    #[garde(inner(length(chars, max = 100), custom(super::valid::searched)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only those due before this time (RFC 3339).
    #[garde(inner(custom(super::valid::due)))]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub due_before: Option<OffsetDateTime>,
    /// Only those due at this time or after it (RFC 3339).
    #[garde(inner(custom(super::valid::due)))]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub due_after: Option<OffsetDateTime>,
    /// Only those that should have been done by now and are not (`true`), or all others (`false`).
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue: Option<bool>,
    /// The bin in place of what is not in it.
    #[garde(skip)]
    #[serde(default)]
    #[param(default = false)]
    pub deleted: bool,
    /// `position`, `createdAt`, `updatedAt`, `title`, `completed` or `dueAt`, with a leading `-` for descending. Without a
    /// due date counts as due last.
    #[garde(inner(length(max = 50)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(default = "position")]
    pub sort: Option<String>,
    /// The page, from 1. Not together with `cursor`.
    #[garde(inner(range(min = 1, max = 1_000_000)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[param(minimum = 1, default = 1)]
    pub page: Option<u32>,
    /// `pagination.cursor` of the page before: what is added or removed meanwhile neither repeats a row nor leaves one out.
    #[garde(inner(length(max = 2_000)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}
