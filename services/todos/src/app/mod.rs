//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`] and keeps with
//! [`crate::store`].
//!
//! Whatever changes something of a person's is one transaction that begins with holding the person's row, and ends with the
//! rows, their events and the kept answer: it is given back uncommitted, for the handler to commit it with its answer.

mod bulk;
mod change;
mod create;
mod lists;
mod place;
mod read;

use crate::domain::todo::Todo;
use crate::error::{TodosError, TodosResult};
use crate::store::{owner, todo, todo_list};
use chassis::clock::{Clock, Ts};
use chassis::db::{Db, Tx};
use chassis::events::Outbox;
use chassis::identity::Principal;
use contract::ids::{TodoListId, UserId};
use contract::todos::{TodoChange, TodoChanged};
use std::time::Duration;

/// The service, shared by its handlers and its job.
#[derive(Debug, Clone)]
pub(crate) struct App {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    /// Todos of a person at most, with those in the bin.
    pub(crate) max_todos: u32,
    /// Lists of a person at most.
    pub(crate) max_lists: u32,
    /// How long the bin keeps what is in it.
    pub(crate) keep: Duration,
}

impl App {
    /// A transaction in which nobody else changes anything of who asks.
    async fn begin(&self, who: &Principal) -> TodosResult<Tx> {
        let mut tx = self.db.begin().await?;
        owner::hold(&mut tx, who.user()).await?;
        Ok(tx)
    }

    /// A list is one of this person's, or none at all.
    async fn must_have(&self, tx: &mut Tx, owner: UserId, list: Option<TodoListId>) -> TodosResult<()> {
        match list {
            Some(list) if todo_list::read_of_owner(tx, owner, list).await?.is_none() => {
                Err(TodosError::NoList)
            }
            _ => Ok(()),
        }
    }

    /// Keeps a todo as it is now, and says so.
    async fn keep(&self, tx: &mut Tx, new: &Todo, change: TodoChange) -> TodosResult<()> {
        // The owner's row is held, so it is where it was read.
        if !todo::replace(tx, new).await? {
            return Err(TodosError::NoTodo);
        }
        self.say(tx, new, change, new.updated_at).await
    }

    /// Tells the owner's devices of a change.
    async fn say(&self, tx: &mut Tx, todo: &Todo, change: TodoChange, at: Ts) -> TodosResult<()> {
        let (version, at) = (todo.version, at.to_datetime());
        self.outbox
            .publish(tx, &TodoChanged { todo: todo.id, owner: todo.owner, change, version, at })
            .await?;
        tx.after_commit(move || {
            metrics::counter!("todos_changes_total", "change" => change.as_str()).increment(1);
        });
        Ok(())
    }
}
