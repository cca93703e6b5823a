//! Tells of low stock.

use crate::app::App;
use chassis::jobs::{Job, Task};
use contract::ids::ProductId;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A product of which there is too little.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct TellLowStock {
    /// The event that said so.
    pub(crate) event: Uuid,
    pub(crate) product: ProductId,
    pub(crate) available: u32,
    pub(crate) reorder_level: u32,
}

impl Task for TellLowStock {
    const NAME: &'static str = "tell-low-stock";
}

/// The job. The messages that it calls for are known again by the event.
pub(crate) fn tell_low_stock(app: App) -> Job {
    Job::queued(move |task: TellLowStock, _| {
        let app = app.clone();
        async move { app.tell_low_stock(task).await }
    })
}
