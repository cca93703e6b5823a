//! Reading todos.

use super::App;
use crate::domain::cursor::{BadCursor, Cursor, Order, Value};
use crate::domain::todo::Todo;
use crate::error::{TodosError, TodosResult};
use crate::store::todos::{Listed, Start};
use crate::store::{owner, todo, todos};
use chassis::http::{Page, cut_page};
use chassis::identity::Principal;
use contract::ids::TodoId;
use contract::page::Pagination;
use contract::todos::ListTodos;

impl App {
    /// A todo of who asks, also one in the bin.
    ///
    /// # Errors
    /// [`TodosError::NoTodo`] also for another's.
    pub(crate) async fn todo(&self, who: &Principal, id: TodoId) -> TodosResult<Todo> {
        todo::find_of_owner(&self.db, who.user(), id).await?.ok_or(TodosError::NoTodo)
    }

    /// A page of the todos of who asks, by number; it also tells the cursor with which the next one is read.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn page(
        &self,
        who: &Principal,
        query: &ListTodos,
        order: Order,
        page: Page,
    ) -> TodosResult<(Vec<Todo>, Pagination)> {
        let (owner, filter) = (who.user(), (query, self.clock.now()));
        let (start, limit) = (Start::Offset(page.offset()), i64::from(page.limit));
        let rows = todos::page_of_owner(&self.db, owner, filter, order, start, limit).await?;
        let total = todos::count_of_owner(&self.db, owner, query, filter.1).await?;
        let mut place = page.of(total);
        place.cursor = rows.last().filter(|_| place.has_next).map(|last| behind(last, order));
        Ok((shown(rows), place))
    }

    /// The page behind a cursor.
    ///
    /// # Errors
    /// [`TodosError::Cursor`] for one that is none of this list, and for one by position after all places were given anew.
    pub(crate) async fn page_behind(
        &self,
        who: &Principal,
        query: &ListTodos,
        order: Order,
        cursor: &str,
    ) -> TodosResult<(Vec<Todo>, Pagination)> {
        let cursor = Cursor::parse(cursor, order)?;
        let (owner, filter) = (who.user(), (query, self.clock.now()));
        // One more than is shown, which tells whether a page follows.
        let (start, limit) = (Start::Cursor(&cursor), i64::from(query.limit) + 1);
        let rows = todos::page_of_owner(&self.db, owner, filter, order, start, limit).await?;
        if let Value::Place(_, numbering) = cursor.value {
            let now = match rows.first() {
                Some(row) => row.numbering,
                None => owner::numbering(&self.db, owner).await?,
            };
            if now != numbering {
                return Err(TodosError::Cursor(BadCursor::Renumbered));
            }
        }
        let (rows, next) = cut_page(rows, query.limit, |last| behind(last, order));
        Ok((shown(rows), Pagination::by_cursor(query.limit, true, next)))
    }
}

/// The cursor of what comes behind a row.
fn behind(row: &Listed, order: Order) -> String {
    row.cursor(order.0).text(order)
}

fn shown(rows: Vec<Listed>) -> Vec<Todo> {
    rows.into_iter().map(|row| row.todo).collect()
}
