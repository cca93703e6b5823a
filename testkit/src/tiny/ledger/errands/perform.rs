//! What is done with an errand.

use super::store;
use crate::tiny::ledger::app::App;
use chassis::db::Tx;
use chassis::jobs::{JobResult, Perform, Run, Task};
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::time::Duration;
use uuid::Uuid;

/// How long it may take: the lease of a process that died ends five seconds after that.
pub(crate) const DEADLINE: Duration = Duration::from_secs(1);

/// What is put off.
#[derive(Debug, Clone, Serialize, Deserialize, Validate)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Errand {
    /// Chosen by the client: the same again is the same errand.
    #[garde(skip)]
    pub(crate) id: Uuid,
}

impl Task for Errand {
    const NAME: &'static str = "errand";
}

impl Perform<Errand> for App {
    async fn perform(&self, t: &mut Tx, errand: Errand, run: &Run) -> JobResult {
        Ok(store::note_effect(t, errand.id, run.attempt, self.clock.now()).await?)
    }
}
