//! What must hold over everything that the service keeps.

use super::App;
use crate::store::audit::{self, Difference};
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;

impl App {
    /// The history tells how every event came to be as it is.
    pub(crate) fn history_is_whole(&self) -> Invariant {
        let app = self.clone();
        let about = "Every event has one step for each of its versions, and stands where the last one says.";
        Invariant::new("the-history-of-events-is-whole", about, move || {
            let app = app.clone();
            async move {
                let checked = audit::count(&app.db).await?;
                let violations = audit::differences(&app.db).await?.into_iter().map(violation).collect();
                Ok(Checked { checked, violations })
            }
        })
    }
}

fn violation(found: Difference) -> Violation {
    let Difference { id, version, status, steps, told } = found;
    let told = told.unwrap_or_else(|| "nothing".to_owned());
    let found =
        format!("it is {status} at version {version}; there are {steps} steps, and the last one says {told}");
    Violation::new(format!("event {id}"), found)
}
