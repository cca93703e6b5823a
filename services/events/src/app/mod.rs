//! What the service does, a file a verb. Handlers call it; it decides with [`crate::domain`] and keeps with [`crate::store`].
//!
//! A step of an event is one transaction: the event as it is then, at the next version; a row of its history; and what other
//! services are told. The event is held from when it is read, and compared with its version when it is written, so of two who
//! decide at once the second one finds it decided. A transaction is given back uncommitted, so that the handler commits it together
//! with its answer.

mod audit;
mod calendar;
mod change;
mod create;
mod decide;
mod left;
mod read;
mod remove;
mod rules;
mod submit;

pub(crate) use left::Left;

use crate::domain::event::{Event, Moved, Step};
use crate::domain::lifecycle::Action;
use crate::domain::viewer::{Refusal, Rules, Viewer};
use crate::error::{EventsError, EventsResult};
use crate::store::event_list::Sight;
use crate::store::{self, Reach, event, step};
use chassis::clock::Clock;
use chassis::db::{Db, Tx};
use chassis::events::Outbox;
use chassis::http::etag::IfMatch;
use chassis::identity::Principal;
use contract::auth::AuthClient;
use contract::identity::Permission;
use contract::ids::EventId;
use metrics::counter;
use std::sync::Arc;
use std::time::Duration;

/// The service, shared by its handlers and its jobs. Cheap to clone.
#[derive(Clone)]
pub(crate) struct App(pub(crate) Arc<Inner>);

/// What the service is made of.
pub(crate) struct Inner {
    pub(crate) db: Db,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    pub(crate) auth: AuthClient,
    /// How long an event stays in a calendar after it has begun.
    pub(crate) calendar_past: Duration,
    pub(crate) calendar_most: u32,
    /// How long the history of what was removed is kept.
    pub(crate) keep_deleted: Duration,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("db", &self.db).finish_non_exhaustive()
    }
}

/// Whose events somebody may know of.
fn reach(who: &Principal) -> Reach {
    if who.may(Permission::ManageOrganizations) {
        return Reach::Every;
    }
    Reach::These(who.memberships().iter().map(|membership| membership.id).collect())
}

/// What somebody sees of a list.
fn sight(who: &Principal) -> Sight {
    let organizations = who.memberships().iter().map(|membership| membership.id);
    let decides = organizations.filter(|id| Viewer::of(who, *id).decides()).collect();
    Sight { reach: reach(who), decides, user: who.user() }
}

impl App {
    /// A transaction, and an event that it holds, with which who asks may do this and which they have seen in this version.
    ///
    /// # Errors
    /// [`EventsError::Refused`], and [`EventsError::Precondition`] when it is not what they have seen.
    async fn begin_with(
        &self,
        who: &Principal,
        id: EventId,
        action: Action,
        seen: &IfMatch,
    ) -> EventsResult<(Tx, Event)> {
        let mut tx = self.db.begin().await?;
        let held = event::hold_within(&mut tx, &reach(who), id).await?.ok_or(Refusal::Unseen)?;
        let rules = match action {
            Action::Approve | Action::Reject => store::rules::of(&mut tx, held.organization).await?,
            // The rules of an organisation are about decisions only.
            Action::Edit | Action::Submit | Action::Reopen | Action::Delete => Rules::default(),
        };
        Viewer::of(who, held.organization).may(&held, action, rules)?;
        seen.check(held.version).map_err(EventsError::Precondition)?;
        Ok((tx, held))
    }

    /// Keeps an event after a step, and the step.
    async fn keep(&self, tx: &mut Tx, (after, taken): &Moved) -> EventsResult<()> {
        if !event::replace(tx, after).await? {
            return Err(EventsError::Changed);
        }
        self.record(tx, taken).await
    }

    /// Keeps a step, and counts it once it is committed.
    async fn record(&self, tx: &mut Tx, taken: &Step) -> EventsResult<()> {
        step::insert(tx, taken).await?;
        let action = taken.action.as_str();
        tx.after_commit(move || counter!("event_steps_total", "action" => action).increment(1));
        Ok(())
    }
}
