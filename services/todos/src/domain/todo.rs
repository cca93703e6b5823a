//! A todo as it is kept, and what changes it.

use super::texts;
use chassis::clock::Ts;
use contract::ids::{TodoId, TodoListId, UserId};
use contract::todos::{self, CreateTodo, TodoChange, UpdateTodo};

/// A todo as it is kept. Its place is the store's matter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Todo {
    /// Its identifier.
    pub id: TodoId,
    /// Whose it is.
    pub owner: UserId,
    /// The list in which it stands.
    pub list: Option<TodoListId>,
    /// One line.
    pub title: String,
    /// More about it.
    pub notes: Option<String>,
    /// As [`texts::tags`] makes them.
    pub tags: Vec<String>,
    /// When it should be done.
    pub due_at: Option<Ts>,
    /// When it was done.
    pub completed_at: Option<Ts>,
    /// The number of changes to it.
    pub version: i64,
    /// When it was made.
    pub created_at: Ts,
    /// When something in it last changed.
    pub updated_at: Ts,
    /// Since when it is in the bin.
    pub deleted_at: Option<Ts>,
}

impl Todo {
    /// A new one.
    #[must_use]
    pub fn new(owner: UserId, asked: CreateTodo, now: Ts) -> Self {
        let CreateTodo { title, notes, list, due_at, tags, completed } = asked;
        Self {
            id: TodoId::new(),
            owner,
            list,
            title: title.trim().to_owned(),
            notes: notes.and_then(written),
            tags: texts::tags(tags.iter().map(String::as_str)),
            due_at: due_at.map(Ts::from_datetime),
            completed_at: completed.then_some(now),
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        }
    }

    /// What it is after a change, and what to call that; `None` when it says so already.
    #[must_use]
    pub fn updated(&self, change: UpdateTodo, now: Ts) -> Option<(Self, TodoChange)> {
        let UpdateTodo { title, notes, list, due_at, tags, completed } = change;
        let mut new = self.clone();
        if let Some(title) = title {
            title.trim().clone_into(&mut new.title);
        }
        if let Some(notes) = notes {
            new.notes = notes.and_then(written);
        }
        if let Some(list) = list {
            new.list = list;
        }
        if let Some(due_at) = due_at {
            new.due_at = due_at.map(Ts::from_datetime);
        }
        if let Some(tags) = tags {
            new.tags = texts::tags(tags.iter().map(String::as_str));
        }
        if let Some(completed) = completed {
            new.set_completed(completed, now);
        }
        self.changed_to(new, now)
    }

    /// What it is when it is done, or is not.
    #[must_use]
    pub fn completed(&self, completed: bool, now: Ts) -> Option<(Self, TodoChange)> {
        let mut new = self.clone();
        new.set_completed(completed, now);
        self.changed_to(new, now)
    }

    /// What it is in another list, or in none.
    #[must_use]
    pub fn in_list(&self, list: Option<TodoListId>, now: Ts) -> Option<(Self, TodoChange)> {
        self.changed_to(Self { list, ..self.clone() }, now)
    }

    /// What it is with other tags, as [`texts::tags`] makes them.
    #[must_use]
    pub fn tagged(&self, tags: Vec<String>, now: Ts) -> Option<(Self, TodoChange)> {
        self.changed_to(Self { tags, ..self.clone() }, now)
    }

    /// What it is in the bin, or out of it.
    #[must_use]
    pub fn deleted(&self, deleted: bool, now: Ts) -> Option<(Self, TodoChange)> {
        if self.deleted_at.is_some() == deleted {
            return None;
        }
        self.changed_to(Self { deleted_at: deleted.then_some(now), ..self.clone() }, now)
    }

    /// What it is at another place: nothing in it is another, so it counts as a change and not as an update.
    #[must_use]
    pub fn moved(&self) -> Self {
        Self { version: self.version + 1, ..self.clone() }
    }

    fn set_completed(&mut self, completed: bool, now: Ts) {
        self.completed_at = completed.then(|| self.completed_at.unwrap_or(now));
    }

    fn changed_to(&self, new: Self, now: Ts) -> Option<(Self, TodoChange)> {
        if new == *self {
            return None;
        }
        let turned =
            |was: Option<Ts>, is: Option<Ts>| (was.is_some() != is.is_some()).then_some(is.is_some());
        let change =
            match (turned(self.deleted_at, new.deleted_at), turned(self.completed_at, new.completed_at)) {
                (Some(true), _) => TodoChange::Deleted,
                (Some(false), _) => TodoChange::Restored,
                (None, Some(true)) => TodoChange::Completed,
                (None, Some(false)) => TodoChange::Reopened,
                (None, None) => TodoChange::Updated,
            };
        Some((Self { version: self.version + 1, updated_at: now, ..new }, change))
    }

    /// What its owner sees.
    #[must_use]
    pub fn shown(self) -> todos::Todo {
        todos::Todo {
            id: self.id,
            title: self.title,
            notes: self.notes,
            list: self.list,
            due_at: self.due_at.map(Ts::to_datetime),
            tags: self.tags,
            completed: self.completed_at.is_some(),
            completed_at: self.completed_at.map(Ts::to_datetime),
            version: self.version,
            created_at: self.created_at.to_datetime(),
            updated_at: self.updated_at.to_datetime(),
            deleted_at: self.deleted_at.map(Ts::to_datetime),
        }
    }
}

/// Notes that say something.
fn written(notes: String) -> Option<String> {
    (!notes.trim().is_empty()).then_some(notes)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn todo() -> Todo {
        let asked = CreateTodo {
            title: " Buy milk ".to_owned(),
            notes: Some(" \n".to_owned()),
            ..CreateTodo::default()
        };
        Todo::new(UserId::new(), asked, Ts::from_secs(1_000))
    }

    #[test]
    fn a_new_one_is_trimmed_and_blank_notes_are_none() {
        let todo = todo();
        assert_eq!((todo.title.as_str(), todo.notes, todo.version), ("Buy milk", None, 1));
    }

    #[test]
    fn what_it_says_already_is_no_change() {
        let (todo, later) = (todo(), Ts::from_secs(2_000));
        assert_eq!(todo.updated(UpdateTodo::default(), later), None);
        let same = UpdateTodo {
            title: Some("Buy milk".to_owned()),
            notes: Some(None),
            completed: Some(false),
            ..UpdateTodo::default()
        };
        assert_eq!(todo.updated(same, later), None);
    }

    #[test]
    fn done_twice_is_done_once_at_the_first_time() {
        let (todo, first, second) = (todo(), Ts::from_secs(2_000), Ts::from_secs(3_000));
        let (done, change) = todo.completed(true, first).unwrap();
        assert_eq!((done.completed_at, done.version, change), (Some(first), 2, TodoChange::Completed));
        assert_eq!(done.completed(true, second), None);
        let more =
            UpdateTodo { completed: Some(true), title: Some("Milk".to_owned()), ..UpdateTodo::default() };
        let (renamed, change) = done.updated(more, second).unwrap();
        assert_eq!((renamed.completed_at, change), (Some(first), TodoChange::Updated));
        assert_eq!(renamed.completed(false, second).unwrap().1, TodoChange::Reopened);
    }

    #[test]
    fn a_place_is_a_new_version_and_no_update() {
        let todo = todo();
        let moved = todo.moved();
        assert_eq!((moved.version, moved.updated_at), (2, todo.updated_at));
    }

    #[test]
    fn deleting_and_restoring_leave_the_rest() {
        let (todo, later) = (todo(), Ts::from_secs(2_000));
        let (gone, change) = todo.deleted(true, later).unwrap();
        assert_eq!((gone.deleted_at, change), (Some(later), TodoChange::Deleted));
        assert_eq!(gone.deleted(true, later), None);
        let (back, change) = gone.deleted(false, later).unwrap();
        assert_eq!(change, TodoChange::Restored);
        assert_eq!(Todo { version: 1, updated_at: todo.updated_at, ..back }, todo);
    }
}
