//! Sagas: a business transaction over several services that ends done or compensated, whatever is killed when.
//!
//! A service writes a flow ([`Saga`]): parameters, and steps with what does and what undoes each. It starts one in a
//! transaction of its own ([`Sagas::start`]); from the commit on it is a row in the service's database, and workers of
//! any number of processes carry it out. *Local* steps run in a transaction in which their effect, the progress and the
//! line of the log commit together: exactly once. *Remote* steps call a peer under a key that is the same at every try
//! ([`Step::key`]): at least once, and the peer makes it once.
//!
//! What must hold:
//! - A saga has one owner at a time, by a lease with a fence. Every change is conditional on the fence and on the number
//!   of changes seen, so that one who was replaced, or does not know whether it has committed, changes nothing.
//! - A step that refuses turns the saga back: what was done is undone in reverse, and so is a remote step of which no
//!   answer is known. Behind the point of no return it only goes forward.
//! - A saga that can do neither is *stuck*, with its reason, until somebody decides ([`Sagas::retry`] and its siblings),
//!   with a line in the audit log.
//! - An action never runs longer than its owner has the saga.
//!
//! What it does not do: it isolates nothing. Between two steps everybody sees what the first one did. And it cannot stop
//! a call that is on its way: a peer may hear of a step after it has heard of its undo, and must refuse it then.

mod carry;
mod config;
mod disturb;
mod erased;
mod flow;
mod machine;
mod operate;
mod record;
mod store;
mod store_list;
mod watch;
mod worker;

pub use config::SagaConfig;
pub use disturb::{Disturb, Disturbance};
pub use erased::{Flow, StepInfo};
pub use flow::{
    AnyStep, LocalAction, LocalStep, Moved, RemoteAction, RemoteStep, Retry, Saga, Step, StepError,
    StepResult, Steps, What, local, remote,
};
pub use machine::{NotAllowed, Phase};
pub use operate::Edit;
pub use record::{OperateError, SagaRecord, StepRecord, Unreadable};
#[doc(hidden)]
pub use store::DUE;
pub use store_list::{After, Which};

use crate::clock::Clock;
use crate::db::{Db, DbError, Tx};
use crate::error::ApiError;
use crate::http::origin;
use metrics::counter;
use std::sync::Arc;
use tokio::sync::Notify;
use uuid::Uuid;

/// The sagas of one service. Cheap to clone; clones share them.
#[derive(Debug, Clone)]
pub struct Sagas(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    config: SagaConfig,
    db: Db,
    clock: Clock,
    committed: Arc<Notify>,
}

/// What a start came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a saga of this id may have been started before"]
pub enum Started {
    /// It begins when the transaction commits.
    Now,
    /// A saga of this id, this flow and these parameters was started before. Nothing was changed.
    Before,
}

/// Why a saga was not started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Another saga has this id: of another flow, or with other parameters.
    #[error("the id {0} belongs to another saga")]
    Taken(Uuid),
    /// The parameters have no form in JSON.
    #[error("the parameters cannot be written: {0}")]
    Parameters(serde_json::Error),
    /// The database failed; the transaction is over.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<StartError> for ApiError {
    #[track_caller]
    fn from(error: StartError) -> Self {
        match error {
            StartError::Db(error) => error.into(),
            other => Self::internal(other),
        }
    }
}

impl Sagas {
    /// The sagas in `db`, which has the chassis' migrations.
    #[must_use]
    pub fn new(config: SagaConfig, db: Db, clock: Clock) -> Self {
        Self(Arc::new(Inner { config, db, clock, committed: Arc::default() }))
    }

    /// Starts a saga, in the caller's transaction: it begins when that is committed and not otherwise. The trace and the
    /// correlation of the request in hand go with it.
    ///
    /// # Errors
    /// When another saga has this id, and when a statement fails.
    pub async fn start<S: Saga>(
        &self,
        t: &mut Tx,
        id: Uuid,
        params: &S::Params,
    ) -> Result<Started, StartError> {
        let plan = S::steps().plan();
        let params = serde_json::to_value(params).map_err(StartError::Parameters)?;
        let (now, origin) = (self.0.clock.now(), origin());
        let traceparent = origin.as_ref().map(|origin| origin.trace.to_string());
        let new = store::New {
            id,
            name: S::NAME,
            version: S::VERSION,
            plan: &plan.to_string(),
            step: plan.steps.first().map_or("", |step| step.name.as_str()),
            params: &params,
            deadline: S::DEADLINE.map(|deadline| now + deadline),
            traceparent: traceparent.as_deref(),
            correlation_id: origin.as_ref().map(|origin| &*origin.correlation_id),
            now,
        };
        if !store::insert(t, &new).await? {
            let found = store::find_in(t, id).await?;
            let same = |found: SagaRecord| found.name == S::NAME && found.params == params;
            return if found.is_some_and(same) { Ok(Started::Before) } else { Err(StartError::Taken(id)) };
        }
        let (committed, service) = (Arc::clone(&self.0.committed), self.0.db.service().to_owned());
        t.after_commit(move || {
            committed.notify_one();
            counter!("saga_started_total", "service" => service, "saga" => S::NAME).increment(1);
        });
        Ok(Started::Now)
    }

    /// Makes a saga that waits ([`StepError::Wait`]) or pauses go on at once when the caller's transaction is committed.
    /// Says whether it is open at all.
    ///
    /// # Errors
    /// When the statement fails.
    pub async fn nudge(&self, t: &mut Tx, id: Uuid) -> Result<bool, DbError> {
        let open = store::nudge(t, id, self.0.clock.now()).await?;
        let committed = Arc::clone(&self.0.committed);
        t.after_commit(move || committed.notify_one());
        Ok(open)
    }

    /// One saga.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find(&self, id: Uuid) -> Result<Option<SagaRecord>, DbError> {
        store::find(&self.0.db, id).await
    }

    /// What was tried of a saga, in order.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn log(&self, id: Uuid) -> Result<Vec<StepRecord>, DbError> {
        store::log(&self.0.db, id).await
    }

    /// Some sagas, of one flow or of all. The next page begins behind the last one of this.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn list(
        &self,
        which: Which,
        name: Option<&str>,
        after: Option<After>,
        most: u32,
    ) -> Result<Vec<SagaRecord>, DbError> {
        store_list::list(&self.0.db, which, name, after, i64::from(most)).await
    }
}
