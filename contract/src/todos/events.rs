//! What the todos publish, with the owner's key: everything of a person's in its order. Words stay in the service: who may see
//! them asks for them.

use crate::event::events;
use crate::ids::{TodoId, TodoListId, UserId};
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

texts! {
    /// What happened to a todo.
    TodoChange {
        /// It is new.
        Created = "CREATED",
        /// Something in it is another.
        Updated = "UPDATED",
        /// It is done.
        Completed = "COMPLETED",
        /// It is not done any more.
        Reopened = "REOPENED",
        /// It has another place among the others.
        Moved = "MOVED",
        /// It is in the bin.
        Deleted = "DELETED",
        /// It is out of the bin.
        Restored = "RESTORED",
    }
}

/// A todo changed. For the owner's other devices, and for nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TodoChanged {
    /// The todo.
    pub todo: TodoId,
    /// Whose it is.
    pub owner: UserId,
    /// What happened to it.
    pub change: TodoChange,
    /// Its version from then on.
    pub version: i64,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

texts! {
    /// What happened to a list.
    TodoListChange {
        /// It is new.
        Created = "CREATED",
        /// It is called otherwise.
        Renamed = "RENAMED",
        /// It is gone; what stood in it stands in none.
        Deleted = "DELETED",
    }
}

/// A list of todos changed. For the owner's other devices, and for nobody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TodoListChanged {
    /// The list.
    pub list: TodoListId,
    /// Whose it is.
    pub owner: UserId,
    /// What happened to it.
    pub change: TodoListChange,
    /// Its version from then on.
    pub version: i64,
    /// When it happened.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

events! { owner:
    TodoChanged = "todo.changed", 1, "A todo changed, for its owner's devices.";
    TodoListChanged = "todo.list_changed", 1, "A list of todos changed, for its owner's devices.";
}
