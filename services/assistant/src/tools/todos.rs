//! Tools on the person's own todos. Those that change something propose it.

use super::{Asking, Refusal, ToolOutcome, ToolSpec, Tools, found, parse, refused, some, way_to};
use contract::client::{CallError, Caller};
use contract::ids::TodoId;
use contract::todos::{CreateTodo, ListTodos, Todo, TodosClient, UpdateTodo};
use garde::Validate;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use time::OffsetDateTime;

pub(super) const LIST: &str = "list_todos";
pub(super) const ADD: &str = "add_todo";
pub(super) const COMPLETE: &str = "complete_todo";
const NAME: &str = "todos";

pub(super) fn specs() -> [ToolSpec; 3] {
    [
        ToolSpec {
            name: LIST,
            about: "The person's todos: what is to be done, until when, and whether it is done.",
            parameters: json!({"type": "object", "additionalProperties": false, "properties": {
                "completed": {"type": "boolean", "description": "Only those that are done, or are not"},
                "titleContains": {"type": "string", "maxLength": 200},
                "overdue": {"type": "boolean", "description": "Only those that should have been done by now"},
                "limit": {"type": "integer", "minimum": 1, "maximum": 20}}}),
        },
        ToolSpec {
            name: ADD,
            about: "Proposes to the person to add a todo. Only when the person asked for it.",
            parameters: json!({"type": "object", "additionalProperties": false, "required": ["title"], "properties": {
                "title": {"type": "string", "maxLength": 200},
                "notes": {"type": "string", "maxLength": 2000},
                "dueAt": {"type": "string", "format": "date-time"}}}),
        },
        ToolSpec {
            name: COMPLETE,
            about: "Proposes to the person to mark one of their todos as done. Only when the person asked for it.",
            parameters: json!({"type": "object", "additionalProperties": false, "required": ["id"], "properties": {
                "id": {"type": "string", "format": "uuid", "description": "The id of a todo, from list_todos"}}}),
        },
    ]
}

#[derive(Debug, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct List {
    #[garde(skip)]
    completed: Option<bool>,
    #[garde(inner(length(chars, max = 200)))]
    title_contains: Option<String>,
    #[garde(skip)]
    overdue: Option<bool>,
    #[garde(range(min = 1, max = 20))]
    #[serde(default = "some")]
    limit: u32,
}

/// What `add_todo` is asked with, and what is done when it is confirmed.
#[derive(Debug, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Add {
    #[garde(length(chars, max = 200))]
    title: String,
    #[garde(inner(length(chars, max = 2_000)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    notes: Option<String>,
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    due_at: Option<OffsetDateTime>,
}

impl From<Add> for CreateTodo {
    fn from(add: Add) -> Self {
        Self { title: add.title, notes: add.notes, due_at: add.due_at, ..Self::default() }
    }
}

/// What `complete_todo` is asked with, and what is done when it is confirmed.
#[derive(Debug, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Complete {
    #[garde(skip)]
    id: TodoId,
}

impl Tools {
    pub(super) async fn list_todos(&self, arguments: &Value) -> Result<ToolOutcome, Refusal> {
        let List { completed, title_contains, overdue, limit } = parse(arguments)?;
        let query = json!({"completed": completed, "titleContains": title_contains, "overdue": overdue, "limit": limit});
        let query: ListTodos = parse(&without_nulls(query))?;
        let todos = TodosClient::new(way_to(self.todos.as_ref(), NAME)?);
        let listed = todos.list(&query).await.map_err(|error| refused(NAME, &error))?;
        found(&listed.iter().map(told).collect::<Vec<_>>())
    }

    pub(super) async fn propose_todo(
        &self,
        asking: &Asking,
        arguments: &Value,
    ) -> Result<ToolOutcome, Refusal> {
        let add: Add = parse(arguments)?;
        let summary = match add.due_at {
            Some(due) => format!("Add the todo \"{}\", due on {}.", add.title.trim(), due.date()),
            None => format!("Add the todo \"{}\".", add.title.trim()),
        };
        let proposed = serde_json::to_value(&add).map_err(|error| error.to_string())?;
        CreateTodo::from(add).validate().map_err(|report| format!("The arguments are wrong: {report}"))?;
        way_to(self.todos.as_ref(), NAME)?;
        self.propose(asking, ADD, &proposed, summary).await
    }

    pub(super) async fn propose_completion(
        &self,
        asking: &Asking,
        arguments: &Value,
    ) -> Result<ToolOutcome, Refusal> {
        let complete: Complete = parse(arguments)?;
        let todos = TodosClient::new(way_to(self.todos.as_ref(), NAME)?);
        // So that the person reads what it is about, and so that another's is not there.
        let todo = todos.todo(complete.id).await.map_err(|error| refused(NAME, &error))?;
        let summary = format!("Mark the todo \"{}\" as done.", todo.title);
        self.propose(asking, COMPLETE, &complete, summary).await
    }
}

/// Does what was proposed, as this caller.
pub(super) async fn add(todos: Caller, arguments: &Value) -> Result<Value, CallError> {
    let add: Add = read(arguments)?;
    TodosClient::new(todos).create(&add.into()).await.map(|todo| told(&todo))
}

/// Does what was proposed, as this caller.
pub(super) async fn complete(todos: Caller, arguments: &Value) -> Result<Value, CallError> {
    let Complete { id } = read(arguments)?;
    let change = UpdateTodo { completed: Some(true), ..UpdateTodo::default() };
    TodosClient::new(todos).update(id, &change).await.map(|todo| told(&todo))
}

/// Arguments that were kept.
fn read<T: for<'de> Deserialize<'de>>(arguments: &Value) -> Result<T, CallError> {
    T::deserialize(arguments).map_err(|error| CallError::Undecodable(error.to_string()))
}

fn without_nulls(mut value: Value) -> Value {
    if let Some(fields) = value.as_object_mut() {
        fields.retain(|_, value| !value.is_null());
    }
    value
}

/// A todo as a model is told of it.
fn told(todo: &Todo) -> Value {
    without_nulls(json!({
        "id": todo.id,
        "title": todo.title,
        "dueOn": todo.due_at.map(|due| due.date().to_string()),
        "done": todo.completed,
        "tags": todo.tags,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_the_tool_is_for_can_be_asked_with_it() {
        assert!(parse::<Add>(&json!({"title": "Buy milk", "dueAt": "2027-01-01T00:00:00Z"})).is_ok());
        for bad in [json!({}), json!({"title": 1}), json!({"title": "x", "owner": "somebody"}), json!([])] {
            assert!(parse::<Add>(&bad).is_err(), "{bad}");
        }
        assert!(parse::<Complete>(&json!({"id": "../lists"})).is_err());
    }

    #[test]
    fn what_is_done_is_what_was_proposed() {
        let asked = json!({"title": "Buy milk", "notes": "2 l", "dueAt": "2027-01-01T00:00:00Z"});
        let kept = serde_json::to_value(parse::<Add>(&asked).unwrap()).unwrap();
        assert_eq!(kept, asked);
        let todo = CreateTodo::from(read::<Add>(&kept).unwrap());
        assert_eq!((todo.title.as_str(), todo.notes.as_deref()), ("Buy milk", Some("2 l")));
    }
}
