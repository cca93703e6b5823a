//! Changing a todo, putting it into the bin and taking it out, and emptying the bin.

use super::App;
use crate::domain::todo::Todo;
use crate::error::{TodosError, TodosResult};
use crate::store::todo;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::TodoId;
use contract::todos::{TodoChange, UpdateTodo};

impl App {
    /// Changes a todo of who asks. One that says so already stays as it is.
    ///
    /// # Errors
    /// [`TodosError::NoTodo`] and [`TodosError::NoList`] also for another's, [`TodosError::InTheBin`], and
    /// [`TodosError::Precondition`] when the client has seen another version.
    pub(crate) async fn update(
        &self,
        who: &Principal,
        id: TodoId,
        change: UpdateTodo,
        seen: &IfMatch,
    ) -> TodosResult<(Tx, Todo)> {
        let (mut tx, old) = self.begin_with(who, id, seen).await?;
        if old.deleted_at.is_some() {
            return Err(TodosError::InTheBin);
        }
        self.must_have(&mut tx, who.user(), change.list.flatten()).await?;
        let changed = old.updated(change, self.clock.now());
        self.keep_if_changed(tx, old, changed).await
    }

    /// Puts a todo of who asks into the bin. One that is there stays there.
    ///
    /// # Errors
    /// [`TodosError::NoTodo`] also for another's, [`TodosError::Precondition`] when the client has seen another version.
    pub(crate) async fn delete(&self, who: &Principal, id: TodoId, seen: &IfMatch) -> TodosResult<Tx> {
        let (tx, old) = self.begin_with(who, id, seen).await?;
        let changed = old.deleted(true, self.clock.now());
        Ok(self.keep_if_changed(tx, old, changed).await?.0)
    }

    /// Takes a todo of who asks out of the bin, to the place that it had. One that is not there stays as it is.
    ///
    /// # Errors
    /// [`TodosError::NoTodo`] also for another's, [`TodosError::Precondition`] when the client has seen another version.
    pub(crate) async fn restore(
        &self,
        who: &Principal,
        id: TodoId,
        seen: &IfMatch,
    ) -> TodosResult<(Tx, Todo)> {
        let (tx, old) = self.begin_with(who, id, seen).await?;
        let changed = old.deleted(false, self.clock.now());
        self.keep_if_changed(tx, old, changed).await
    }

    /// Removes everything in the bin of who asks for good. Nobody is told: it was gone from their lists before.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn empty_bin(&self, who: &Principal) -> TodosResult<Tx> {
        let mut tx = self.begin(who).await?;
        let removed = todo::delete_bin_of_owner(&mut tx, who.user()).await?;
        tx.after_commit(move || metrics::counter!("todos_removed_total").increment(removed));
        Ok(tx)
    }

    /// A transaction, and a todo of who asks that they have seen in this version.
    pub(super) async fn begin_with(
        &self,
        who: &Principal,
        id: TodoId,
        seen: &IfMatch,
    ) -> TodosResult<(Tx, Todo)> {
        let mut tx = self.begin(who).await?;
        let old = todo::read_of_owner(&mut tx, who.user(), id).await?.ok_or(TodosError::NoTodo)?;
        seen.check(old.version).map_err(TodosError::Precondition)?;
        Ok((tx, old))
    }

    async fn keep_if_changed(
        &self,
        mut tx: Tx,
        old: Todo,
        changed: Option<(Todo, TodoChange)>,
    ) -> TodosResult<(Tx, Todo)> {
        let Some((new, change)) = changed else { return Ok((tx, old)) };
        self.keep(&mut tx, &new, change).await?;
        Ok((tx, new))
    }
}
