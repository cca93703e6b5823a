//! Giving a todo another place.

use super::App;
use crate::domain::rank::Rank;
use crate::domain::todo::Todo;
use crate::error::{TodosError, TodosResult};
use crate::store::{place, todo};
use chassis::db::{DbError, Tx};
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::ids::{TodoId, UserId};
use contract::todos::{MoveTodo, TodoChange};

/// Beside which todo, and on which side.
#[derive(Debug, Clone, Copy)]
enum Beside {
    Before(TodoId),
    After(TodoId),
}

impl Beside {
    const fn id(self) -> TodoId {
        match self {
            Self::Before(id) | Self::After(id) => id,
        }
    }
}

/// A place, and the two between which it lies.
struct Gap {
    below: Option<Rank>,
    rank: Rank,
    above: Option<Rank>,
}

impl Gap {
    fn holds(&self, rank: &Rank) -> bool {
        self.below.as_ref().is_none_or(|below| below < rank)
            && self.above.as_ref().is_none_or(|above| rank < above)
    }
}

impl App {
    /// Puts a todo of who asks directly before or after another one. One that stands there stays as it is.
    ///
    /// # Errors
    /// [`TodosError::NoTodo`] and [`TodosError::NoNeighbour`] also for another's, [`TodosError::InTheBin`],
    /// [`TodosError::BesideItself`], and [`TodosError::Precondition`] when the client has seen another version.
    pub(crate) async fn move_todo(
        &self,
        who: &Principal,
        id: TodoId,
        to: MoveTodo,
        seen: &IfMatch,
    ) -> TodosResult<(Tx, Todo)> {
        let beside = match to {
            MoveTodo { before: Some(other), .. } => Beside::Before(other),
            MoveTodo { after: Some(other), .. } => Beside::After(other),
            MoveTodo { before: None, after: None } => return Err(TodosError::NoNeighbour),
        };
        let (mut tx, old) = self.begin_with(who, id, seen).await?;
        if old.deleted_at.is_some() {
            return Err(TodosError::InTheBin);
        }
        if beside.id() == id {
            return Err(TodosError::BesideItself);
        }
        let other = todo::read_of_owner(&mut tx, who.user(), beside.id()).await?;
        if other.is_none_or(|other| other.deleted_at.is_some()) {
            return Err(TodosError::NoNeighbour);
        }
        let mut gap = gap(&mut tx, who.user(), id, beside).await?.ok_or(TodosError::NoNeighbour)?;
        let now_at = place::find(&mut tx, who.user(), id).await?.ok_or(TodosError::NoTodo)?;
        if gap.holds(&now_at) {
            return Ok((tx, old));
        }
        if gap.rank.is_long() {
            place::renumber(&mut tx, who.user()).await?;
            gap = self::gap(&mut tx, who.user(), id, beside).await?.ok_or(TodosError::NoNeighbour)?;
        }
        let new = old.moved();
        if !place::set(&mut tx, who.user(), id, &gap.rank, new.version).await? {
            return Err(TodosError::NoTodo);
        }
        self.say(&mut tx, &new, TodoChange::Moved, self.clock.now()).await?;
        Ok((tx, new))
    }
}

/// The place on one side of a todo, as if the one that is moved had none; `None` when there is no such todo.
async fn gap(tx: &mut Tx, owner: UserId, moved: TodoId, beside: Beside) -> Result<Option<Gap>, DbError> {
    let Some(at) = place::find(tx, owner, beside.id()).await? else { return Ok(None) };
    let (below, above) = match beside {
        Beside::Before(_) => (place::below(tx, owner, &at, moved).await?, Some(at)),
        Beside::After(_) => {
            let above = place::above(tx, owner, &at, moved).await?;
            (Some(at), above)
        }
    };
    let rank = match (&below, &above) {
        (Some(below), Some(above)) => below.between(above),
        (Some(below), None) => below.after(),
        (None, Some(above)) => above.before(),
        (None, None) => Rank::first(),
    };
    Ok(Some(Gap { below, rank, above }))
}
