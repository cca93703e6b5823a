//! Lists of todos.

use super::App;
use crate::error::{TodosError, TodosResult};
use crate::store::todo_list;
use chassis::clock::Ts;
use chassis::db::Tx;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::{TodoListId, UserId};
use contract::todos::{CreateTodoList, TodoList, TodoListChange, TodoListChanged, UpdateTodoList};

impl App {
    /// Makes a list.
    ///
    /// # Errors
    /// [`TodosError::TooManyLists`].
    pub(crate) async fn create_list(
        &self,
        who: &Principal,
        asked: &CreateTodoList,
    ) -> TodosResult<(Tx, TodoList)> {
        let (owner, id, now) = (who.user(), TodoListId::new(), self.clock.now());
        let mut tx = self.begin(who).await?;
        if todo_list::count_of_owner(&mut tx, owner).await? >= u64::from(self.max_lists) {
            return Err(TodosError::TooManyLists(self.max_lists));
        }
        let name = asked.name.trim();
        todo_list::insert(&mut tx, owner, id, name, now).await?;
        let at = now.to_datetime();
        let made = TodoList { id, name: name.to_owned(), version: 1, created_at: at, updated_at: at };
        self.say_of_list(&mut tx, owner, &made, (TodoListChange::Created, now)).await?;
        Ok((tx, made))
    }

    /// The lists of who asks, the oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn lists(&self, who: &Principal) -> TodosResult<Vec<TodoList>> {
        Ok(todo_list::all_of_owner(&self.db, who.user()).await?)
    }

    /// A list of who asks.
    ///
    /// # Errors
    /// [`TodosError::NoList`] also for another's.
    pub(crate) async fn list(&self, who: &Principal, id: TodoListId) -> TodosResult<TodoList> {
        todo_list::find_of_owner(&self.db, who.user(), id).await?.ok_or(TodosError::NoList)
    }

    /// Renames a list of who asks. One that is called so stays as it is.
    ///
    /// # Errors
    /// [`TodosError::NoList`] also for another's, [`TodosError::Precondition`] when the client has seen another version.
    pub(crate) async fn rename_list(
        &self,
        who: &Principal,
        id: TodoListId,
        change: &UpdateTodoList,
        seen: &IfMatch,
    ) -> TodosResult<(Tx, TodoList)> {
        let (mut tx, old) = self.begin_with_list(who, id, seen).await?;
        let name = change.name.as_deref().map_or(old.name.as_str(), str::trim);
        if name == old.name {
            return Ok((tx, old));
        }
        let (now, version) = (self.clock.now(), old.version + 1);
        if !todo_list::rename(&mut tx, who.user(), id, (name, version), now).await? {
            return Err(TodosError::NoList);
        }
        let new = TodoList { name: name.to_owned(), version, updated_at: now.to_datetime(), ..old };
        self.say_of_list(&mut tx, who.user(), &new, (TodoListChange::Renamed, now)).await?;
        Ok((tx, new))
    }

    /// Removes a list of who asks. What stood in it stands in none.
    ///
    /// # Errors
    /// As [`App::rename_list`].
    pub(crate) async fn delete_list(
        &self,
        who: &Principal,
        id: TodoListId,
        seen: &IfMatch,
    ) -> TodosResult<Tx> {
        let (mut tx, old) = self.begin_with_list(who, id, seen).await?;
        let now = self.clock.now();
        if !todo_list::delete(&mut tx, who.user(), id, now).await? {
            return Err(TodosError::NoList);
        }
        let last = TodoList { version: old.version + 1, ..old };
        self.say_of_list(&mut tx, who.user(), &last, (TodoListChange::Deleted, now)).await?;
        Ok(tx)
    }

    async fn begin_with_list(
        &self,
        who: &Principal,
        id: TodoListId,
        seen: &IfMatch,
    ) -> TodosResult<(Tx, TodoList)> {
        let mut tx = self.begin(who).await?;
        let old = todo_list::read_of_owner(&mut tx, who.user(), id).await?.ok_or(TodosError::NoList)?;
        seen.check(old.version).map_err(TodosError::Precondition)?;
        Ok((tx, old))
    }

    async fn say_of_list(
        &self,
        tx: &mut Tx,
        owner: UserId,
        list: &TodoList,
        (change, now): (TodoListChange, Ts),
    ) -> TodosResult<()> {
        let (version, at) = (list.version, now.to_datetime());
        self.outbox.publish(tx, &TodoListChanged { list: list.id, owner, change, version, at }).await?;
        Ok(())
    }
}
