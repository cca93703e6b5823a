//! The typed client of the todos.

use super::{
    ChangeTodos, CreateTodo, CreateTodoList, ListTodos, MoveTodo, Todo, TodoList, UpdateTodo, UpdateTodoList,
};
use crate::client::{CallError, Caller, endpoints};
use crate::ids::{TodoId, TodoListId};

/// Speaks to the todos, each method for the caller's own. Every method may fail as [`Caller::call`] does; identity is the
/// transport's matter.
#[derive(Clone)]
pub struct TodosClient {
    caller: Caller,
}

impl TodosClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    /// A page of the caller's todos.
    ///
    /// # Errors
    /// As [`Caller::call`].
    pub async fn list(&self, query: &ListTodos) -> Result<Vec<Todo>, CallError> {
        let query = serde_urlencoded::to_string(query).map_err(|e| CallError::Undecodable(e.to_string()))?;
        self.caller.get(&format!("/api/v1/todos?{query}")).await
    }

    endpoints! {
        /// Makes a todo: 409 `LIMIT_REACHED` for who has too many.
        create(body: &CreateTodo) -> Todo = POST "/api/v1/todos", body;
        /// One todo, also from the bin.
        todo(id: TodoId) -> Todo = GET format!("/api/v1/todos/{id}");
        /// Changes a todo.
        update(id: TodoId, body: &UpdateTodo) -> Todo = PATCH format!("/api/v1/todos/{id}"), body;
        /// Puts a todo into the bin.
        delete(id: TodoId) -> () = DELETE format!("/api/v1/todos/{id}");
        /// Takes a todo out of the bin.
        restore(id: TodoId) -> Todo = POST format!("/api/v1/todos/{id}/restore");
        /// Gives a todo another place.
        move_to(id: TodoId, body: &MoveTodo) -> Todo = POST format!("/api/v1/todos/{id}/move"), body;
        /// Changes many at once, all or none.
        change(body: &ChangeTodos) -> Vec<Todo> = POST "/api/v1/todos/bulk", body;
        /// Removes for good what is in the bin.
        empty_bin() -> () = DELETE "/api/v1/todos/bin";
        /// The caller's lists.
        lists() -> Vec<TodoList> = GET "/api/v1/todos/lists";
        /// Makes a list.
        create_list(body: &CreateTodoList) -> TodoList = POST "/api/v1/todos/lists", body;
        /// One list.
        one_list(id: TodoListId) -> TodoList = GET format!("/api/v1/todos/lists/{id}");
        /// Renames a list.
        update_list(id: TodoListId, body: &UpdateTodoList) -> TodoList = PATCH format!("/api/v1/todos/lists/{id}"), body;
        /// Removes a list; what stood in it stands in none.
        delete_list(id: TodoListId) -> () = DELETE format!("/api/v1/todos/lists/{id}");
    }
}
