//! What clients are told live of todos: their owner, on every device, and nobody else. Without words: those are asked for.

use super::{TodoChange, TodoChanged, TodoListChange, TodoListChanged};
use crate::ids::{TodoId, TodoListId};
use crate::live::{Live, Readers, Topic};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What clients are told live of a todo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TodoNews {
    /// The todo.
    pub todo: TodoId,
    /// What happened to it.
    pub change: TodoChange,
    /// Its version from then on.
    pub version: i64,
}

impl Live for TodoChanged {
    const TOPIC: Topic = Topic::Todos;

    type View = TodoNews;

    fn resource(&self) -> Uuid {
        self.todo.uuid()
    }

    fn readers(&self) -> Readers {
        Readers::user(self.owner)
    }

    fn view(&self) -> TodoNews {
        TodoNews { todo: self.todo, change: self.change, version: self.version }
    }
}

/// What clients are told live of a list of todos.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TodoListNews {
    /// The list.
    pub list: TodoListId,
    /// What happened to it.
    pub change: TodoListChange,
    /// Its version from then on.
    pub version: i64,
}

impl Live for TodoListChanged {
    const TOPIC: Topic = Topic::Todos;

    type View = TodoListNews;

    fn resource(&self) -> Uuid {
        self.list.uuid()
    }

    fn readers(&self) -> Readers {
        Readers::user(self.owner)
    }

    fn view(&self) -> TodoListNews {
        TodoListNews { list: self.list, change: self.change, version: self.version }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::identity::OrganizationRole;
    use crate::ids::UserId;
    use time::OffsetDateTime;

    #[test]
    fn only_the_owner_is_told_and_not_whose_it_is() {
        let (owner, other) = (UserId::new(), UserId::new());
        let at = OffsetDateTime::UNIX_EPOCH;
        let todo = TodoChanged { todo: TodoId::new(), owner, change: TodoChange::Created, version: 1, at };
        let change = TodoListChange::Created;
        let list = TodoListChanged { list: TodoListId::new(), owner, change, version: 1, at };
        for readers in [todo.readers(), list.readers()] {
            assert!(readers.name(owner, |_| None));
            assert!(!readers.name(other, |_| Some(OrganizationRole::Owner)));
        }
        let shown =
            [serde_json::to_string(&todo.view()).unwrap(), serde_json::to_string(&list.view()).unwrap()];
        assert!(shown.iter().all(|text| !text.contains(&owner.to_string())), "{shown:?}");
    }
}
