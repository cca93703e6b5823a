//! Changing many at once: each is asked first, and one that refuses stops all.

use super::texts;
use super::todo::Todo;
use chassis::clock::Ts;
use contract::FieldError;
use contract::ids::TodoListId;
use contract::todos::{BulkAction, ChangeTodos, TAGS_MAX, TodoChange};

/// What is done to each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// They are done, or are not.
    Complete(bool),
    /// They go into the bin, or come out of it.
    Delete(bool),
    /// They stand in this list from now on.
    Move(Option<TodoListId>),
    /// Tags are added, tags are taken away, as [`texts::tags`] makes them.
    Tag {
        /// What each has from now on.
        add: Vec<String>,
        /// What none has from now on.
        remove: Vec<String>,
    },
}

impl From<&ChangeTodos> for Action {
    fn from(asked: &ChangeTodos) -> Self {
        let tags = |tags: &[String]| texts::tags(tags.iter().map(String::as_str));
        match asked.action {
            BulkAction::Complete => Self::Complete(true),
            BulkAction::Reopen => Self::Complete(false),
            BulkAction::Delete => Self::Delete(true),
            BulkAction::Restore => Self::Delete(false),
            BulkAction::Move => Self::Move(asked.list.flatten()),
            BulkAction::Tag => Self::Tag { add: tags(&asked.add_tags), remove: tags(&asked.remove_tags) },
        }
    }
}

/// Why one of many is not changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is none, or it is another's.
    Missing,
    /// What is in the bin is restored first.
    InTheBin,
    /// It would have too many tags.
    TooManyTags,
}

impl Refusal {
    fn message(self) -> String {
        match self {
            Self::Missing => "no such todo".to_owned(),
            Self::InTheBin => "is in the bin".to_owned(),
            Self::TooManyTags => format!("would have more than {TAGS_MAX} tags"),
        }
    }
}

/// Which of many refuse, by their place in the request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refusals(Vec<(usize, Refusal)>);

impl Refusals {
    /// Whether one of them is not there.
    #[must_use]
    pub fn is_missing(&self) -> bool {
        self.0.iter().any(|(_, refusal)| *refusal == Refusal::Missing)
    }

    /// What a client is told of each.
    #[must_use]
    pub fn details(&self) -> Vec<FieldError> {
        self.0.iter().map(|(place, why)| FieldError::new(format!("ids[{place}]"), why.message())).collect()
    }
}

/// One of many, and what it has become if it is another now.
pub type Decided = (Todo, Option<TodoChange>);

/// Decides on all of them; `None` stands for one that is not there.
///
/// # Errors
/// Every one that refuses.
pub fn decide(found: Vec<Option<Todo>>, action: &Action, now: Ts) -> Result<Vec<Decided>, Refusals> {
    let (mut decided, mut refusals) = (Vec::with_capacity(found.len()), Refusals::default());
    for (place, todo) in found.into_iter().enumerate() {
        match todo.ok_or(Refusal::Missing).and_then(|todo| one(todo, action, now)) {
            Ok(done) => decided.push(done),
            Err(refusal) => refusals.0.push((place, refusal)),
        }
    }
    if refusals.0.is_empty() { Ok(decided) } else { Err(refusals) }
}

fn one(todo: Todo, action: &Action, now: Ts) -> Result<Decided, Refusal> {
    let in_the_bin = todo.deleted_at.is_some();
    let changed = match action {
        Action::Delete(deleted) => todo.deleted(*deleted, now),
        _ if in_the_bin => return Err(Refusal::InTheBin),
        Action::Complete(completed) => todo.completed(*completed, now),
        Action::Move(list) => todo.in_list(*list, now),
        Action::Tag { add, remove } => {
            let kept = todo.tags.iter().chain(add).map(String::as_str);
            let tags = texts::tags(kept.filter(|tag| !remove.iter().any(|removed| removed == tag)));
            if tags.len() > TAGS_MAX {
                return Err(Refusal::TooManyTags);
            }
            todo.tagged(tags, now)
        }
    };
    Ok(match changed {
        Some((new, change)) => (new, Some(change)),
        None => (todo, None),
    })
}

#[cfg(test)]
mod tests {
    use super::super::todo::tests::todo;
    use super::*;

    const NOW: Ts = Ts::from_secs(5_000);

    #[test]
    fn every_one_that_refuses_is_named_by_its_place() {
        let gone = todo().deleted(true, NOW).unwrap().0;
        let found = vec![Some(todo()), None, Some(gone), None];
        let refusals = decide(found, &Action::Complete(true), NOW).unwrap_err();
        let details = refusals.details();
        let told: Vec<(&str, &str)> =
            details.iter().map(|detail| (detail.field.as_str(), detail.message.as_str())).collect();
        assert_eq!(
            told,
            [("ids[1]", "no such todo"), ("ids[2]", "is in the bin"), ("ids[3]", "no such todo")]
        );
        assert!(refusals.is_missing());
    }

    #[test]
    fn one_that_is_so_already_stays_as_it_is() {
        let done = todo().completed(true, NOW).unwrap().0;
        let decided = decide(vec![Some(done.clone()), Some(todo())], &Action::Complete(true), NOW).unwrap();
        assert_eq!(decided[0], (done, None));
        assert_eq!(decided[1].1, Some(TodoChange::Completed));
    }

    #[test]
    fn tags_are_added_and_taken_away_up_to_a_number() {
        let tags = |from: usize, to: usize| (from..to).map(|n| format!("t{n:02}")).collect::<Vec<_>>();
        let full = todo().tagged(tags(0, 20), NOW).unwrap().0;
        let more = Action::Tag { add: tags(20, 21), remove: Vec::new() };
        assert!(decide(vec![Some(full.clone())], &more, NOW).is_err());
        let other = Action::Tag { add: tags(20, 21), remove: tags(0, 1) };
        let decided = decide(vec![Some(full)], &other, NOW).unwrap();
        assert_eq!(decided[0].0.tags, tags(1, 21));
    }
}
