//! Changing many at once.

use super::App;
use crate::domain::bulk::{Action, decide};
use crate::domain::todo::Todo;
use crate::error::{TodosError, TodosResult};
use crate::store::todo;
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::todos::ChangeTodos;

impl App {
    /// Does one thing to many todos of who asks, to all of them or to none; they are given back in the order of the request.
    ///
    /// # Errors
    /// [`TodosError::Refused`] with every one that cannot be changed, [`TodosError::NoList`] also for another's.
    pub(crate) async fn change_many(
        &self,
        who: &Principal,
        asked: &ChangeTodos,
    ) -> TodosResult<(Tx, Vec<Todo>)> {
        let action = Action::from(asked);
        let mut tx = self.begin(who).await?;
        if let Action::Move(list) = action {
            self.must_have(&mut tx, who.user(), list).await?;
        }
        let found = todo::read_many_of_owner(&mut tx, who.user(), &asked.ids).await?;
        let decided = decide(found, &action, self.clock.now()).map_err(TodosError::Refused)?;
        let mut todos = Vec::with_capacity(decided.len());
        for (todo, change) in decided {
            if let Some(change) = change {
                self.keep(&mut tx, &todo, change).await?;
            }
            todos.push(todo);
        }
        Ok((tx, todos))
    }
}
