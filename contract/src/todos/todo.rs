//! Something that somebody has to do.

use super::valid::{self, present};
use crate::auth::valid::{line, lines};
use crate::ids::{TodoId, TodoListId};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// Tags of a todo at most.
pub const TAGS_MAX: usize = 20;

/// `POST /api/v1/todos`: it stands behind all others.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateTodo {
    /// One line.
    #[garde(length(chars, max = 200), custom(line))]
    #[schema(min_length = 1, max_length = 200, example = "Buy milk")]
    pub title: String,
    /// More about it.
    #[garde(inner(length(chars, max = 10_000), custom(lines)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The list in which it stands, one of the caller's; none when absent.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<TodoListId>,
    /// When it should be done (RFC 3339).
    #[garde(inner(custom(valid::due)))]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<OffsetDateTime>,
    /// Words to find it by, 20 at most; capitals and order do not matter.
    #[garde(custom(valid::tags))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 20)]
    pub tags: Vec<String>,
    /// Whether it is done already.
    #[garde(skip)]
    #[serde(default)]
    pub completed: bool,
}

/// `PATCH /api/v1/todos/{id}`. A field that is absent stays as it is; null takes a value away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateTodo {
    /// One line.
    #[garde(inner(length(chars, max = 200), custom(line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// More about it.
    #[garde(inner(inner(length(chars, max = 10_000), custom(lines))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub notes: Option<Option<String>>,
    /// The list in which it stands.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TodoListId>)]
    pub list: Option<Option<TodoListId>>,
    /// When it should be done (RFC 3339).
    #[garde(inner(inner(custom(valid::due))))]
    #[serde(default, with = "super::valid::maybe_time", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<OffsetDateTime>)]
    pub due_at: Option<Option<OffsetDateTime>>,
    /// Its tags from now on, 20 at most.
    #[garde(inner(custom(valid::tags)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_items = 20)]
    pub tags: Option<Vec<String>>,
    /// Whether it is done. It is set and not switched: the same request twice comes to the same.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed: Option<bool>,
}

/// `POST /api/v1/todos/{id}/move`: exactly one of the two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(custom(one_place))]
pub struct MoveTodo {
    /// It stands directly before this one from now on.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<TodoId>,
    /// It stands directly after this one from now on.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<TodoId>,
}

fn one_place(place: &MoveTodo, _: &()) -> garde::Result {
    if place.before.is_some() == place.after.is_some() {
        return Err(garde::Error::new("give either before or after"));
    }
    Ok(())
}

/// Something that somebody has to do. Its place among the others is not part of it: that is what `sort=position` shows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Todo {
    /// Its identifier.
    pub id: TodoId,
    /// One line.
    pub title: String,
    /// More about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub notes: Option<String>,
    /// The list in which it stands, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub list: Option<TodoListId>,
    /// When it should be done.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub due_at: Option<OffsetDateTime>,
    /// Words to find it by, in small letters and in the order of the alphabet.
    pub tags: Vec<String>,
    /// Whether it is done.
    pub completed: bool,
    /// When it was done.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<OffsetDateTime>,
    /// The number of changes to it, also its ETag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When something in it changed last; a new place is no such change.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
    /// When it was put into the bin; absent for what is not there.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub deleted_at: Option<OffsetDateTime>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_a_value_away_and_absence_leaves_it() {
        let absent: UpdateTodo = serde_json::from_str("{}").unwrap();
        let null: UpdateTodo = serde_json::from_str(r#"{"notes":null,"list":null,"dueAt":null}"#).unwrap();
        assert_eq!((absent.notes, absent.list, absent.due_at), (None, None, None));
        assert_eq!((null.notes, null.list, null.due_at), (Some(None), Some(None), Some(None)));
        let some: UpdateTodo = serde_json::from_str(r#"{"dueAt":"2027-01-02T03:04:05+02:00"}"#).unwrap();
        assert_eq!(some.due_at.flatten().map(OffsetDateTime::unix_timestamp), Some(1_798_851_845));
        assert_eq!(serde_json::from_value::<UpdateTodo>(serde_json::to_value(&some).unwrap()).unwrap(), some);
    }

    #[test]
    fn neither_the_owner_nor_the_version_can_be_sent() {
        for field in ["owner", "version", "id", "deletedAt", "completedAt", "createdAt"] {
            let body = format!(r#"{{"title":"x","{field}":null}}"#);
            assert!(serde_json::from_str::<CreateTodo>(&body).is_err(), "{field}");
            assert!(serde_json::from_str::<UpdateTodo>(&body).is_err(), "{field}");
        }
    }

    #[test]
    fn a_place_is_before_or_after_and_not_both_or_neither() {
        let id = Some(TodoId::new());
        assert!(MoveTodo { before: id, after: None }.validate().is_ok());
        assert!(MoveTodo { before: None, after: id }.validate().is_ok());
        assert!(MoveTodo { before: id, after: id }.validate().is_err());
        assert!(MoveTodo::default().validate().is_err());
    }
}
