//! Making a todo.

use super::App;
use crate::domain::rank::Rank;
use crate::domain::todo::Todo;
use crate::error::{TodosError, TodosResult};
use crate::store::{place, todo};
use chassis::db::Tx;
use chassis::identity::Principal;
use contract::todos::{CreateTodo, TodoChange};

impl App {
    /// Makes a todo behind all others of who asks.
    ///
    /// # Errors
    /// [`TodosError::TooMany`], and [`TodosError::NoList`] also for another's.
    pub(crate) async fn create(&self, who: &Principal, asked: CreateTodo) -> TodosResult<(Tx, Todo)> {
        let mut tx = self.begin(who).await?;
        if todo::count_of_owner(&mut tx, who.user()).await? >= u64::from(self.max_todos) {
            return Err(TodosError::TooMany(self.max_todos));
        }
        self.must_have(&mut tx, who.user(), asked.list).await?;
        let made = Todo::new(who.user(), asked, self.clock.now());
        let last = place::last(&mut tx, who.user()).await?;
        let rank = last.map_or_else(Rank::first, |last| last.after());
        todo::insert(&mut tx, &made, &rank).await?;
        self.say(&mut tx, &made, TodoChange::Created, made.created_at).await?;
        Ok((tx, made))
    }
}
