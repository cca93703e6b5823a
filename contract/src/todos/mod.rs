//! The todos' part of the language: what people have to do, each their own.

mod bulk;
mod client;
mod events;
mod list;
mod live;
mod todo;
mod todo_list;
mod valid;

pub use bulk::{BULK_MAX, BulkAction, ChangeTodos};
pub use client::TodosClient;
pub use events::{TodoChange, TodoChanged, TodoListChange, TodoListChanged};
pub use list::ListTodos;
pub use live::{TodoListNews, TodoNews};
pub use todo::{CreateTodo, MoveTodo, TAGS_MAX, Todo, UpdateTodo};
pub use todo_list::{CreateTodoList, TodoList, UpdateTodoList};
