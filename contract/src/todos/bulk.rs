//! Changing many todos at once.

use super::valid::{self, present};
use crate::ids::{TodoId, TodoListId};
use crate::texts::texts;
use garde::{Error, Validate};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use utoipa::ToSchema;

/// Todos in one request at most.
pub const BULK_MAX: usize = 200;

texts! {
    /// What is done to each of them.
    BulkAction {
        /// They are done.
        Complete = "COMPLETE",
        /// They are not done.
        Reopen = "REOPEN",
        /// They go into the bin.
        Delete = "DELETE",
        /// They come out of the bin.
        Restore = "RESTORE",
        /// They stand in another list from now on, or in none.
        Move = "MOVE",
        /// Tags are added, tags are taken away.
        Tag = "TAG",
    }
}

/// `POST /api/v1/todos/bulk`: all of them or none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[garde(custom(fits))]
pub struct ChangeTodos {
    /// What is done to each of them. One of which it holds already stays as it is.
    #[garde(skip)]
    pub action: BulkAction,
    /// Which, each once, 200 at most.
    #[garde(length(min = 1, max = BULK_MAX), custom(each_once))]
    #[schema(min_items = 1, max_items = 200)]
    pub ids: Vec<TodoId>,
    /// With `MOVE`: the list, or null for none.
    #[garde(skip)]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<TodoListId>)]
    pub list: Option<Option<TodoListId>>,
    /// With `TAG`: what each has from now on.
    #[garde(custom(valid::tags))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub add_tags: Vec<String>,
    /// With `TAG`: what none has from now on.
    #[garde(custom(valid::tags))]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remove_tags: Vec<String>,
}

fn each_once(ids: &[TodoId], _: &()) -> garde::Result {
    let different: BTreeSet<&TodoId> = ids.iter().collect();
    if different.len() == ids.len() { Ok(()) } else { Err(Error::new("must not name the same todo twice")) }
}

/// What belongs to another action is refused rather than passed over.
fn fits(request: &ChangeTodos, _: &()) -> garde::Result {
    let tags = !request.add_tags.is_empty() || !request.remove_tags.is_empty();
    match request.action {
        BulkAction::Move if request.list.is_none() => Err(Error::new("MOVE needs list, which may be null")),
        BulkAction::Tag if !tags => Err(Error::new("TAG needs addTags or removeTags")),
        action if request.list.is_some() && action != BulkAction::Move => {
            Err(Error::new("list is for MOVE only"))
        }
        action if tags && action != BulkAction::Tag => {
            Err(Error::new("addTags and removeTags are for TAG only"))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(json: &str) -> bool {
        let id = TodoId::new();
        let json = json.replace("ID", &format!("\"{id}\""));
        serde_json::from_str::<ChangeTodos>(&json).is_ok_and(|request| request.validate().is_ok())
    }

    #[test]
    fn what_an_action_needs_is_there_and_nothing_else() {
        for good in [
            r#"{"action":"COMPLETE","ids":[ID]}"#,
            r#"{"action":"MOVE","ids":[ID],"list":null}"#,
            r#"{"action":"TAG","ids":[ID],"removeTags":["home"]}"#,
        ] {
            assert!(read(good), "{good}");
        }
        for bad in [
            r#"{"action":"COMPLETE","ids":[]}"#,
            r#"{"action":"COMPLETE","ids":[ID,ID]}"#,
            r#"{"action":"COMPLETE","ids":[ID],"list":null}"#,
            r#"{"action":"DELETE","ids":[ID],"addTags":["x"]}"#,
            r#"{"action":"MOVE","ids":[ID]}"#,
            r#"{"action":"TAG","ids":[ID]}"#,
            r#"{"action":"TAG","ids":[ID],"addTags":[""]}"#,
            r#"{"action":"TOGGLE","ids":[ID]}"#,
        ] {
            assert!(!read(bad), "{bad}");
        }
    }
}
