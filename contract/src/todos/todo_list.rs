//! Lists of todos.

use crate::auth::valid::line;
use crate::ids::TodoListId;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// `POST /api/v1/todos/lists`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTodoList {
    /// What it is called.
    #[garde(length(chars, max = 100), custom(line))]
    #[schema(min_length = 1, max_length = 100, example = "Groceries")]
    pub name: String,
}

/// `PATCH /api/v1/todos/lists/{id}`. A field that is absent stays as it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateTodoList {
    /// What it is called.
    #[garde(inner(length(chars, max = 100), custom(line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A list of todos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TodoList {
    /// Its identifier.
    pub id: TodoListId,
    /// What it is called.
    pub name: String,
    /// The number of changes to it, also its ETag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}
