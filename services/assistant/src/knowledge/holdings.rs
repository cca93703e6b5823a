//! What must hold over all knowledge that is kept.

use super::Knowledge;
use crate::store::knowledge::base;
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;

impl Knowledge {
    /// What is counted is what there is.
    pub(crate) fn holdings_agree(&self) -> Invariant {
        let db = self.db.clone();
        let about = "Every knowledge base has as many documents, every document as many passages, and everybody as many of both \
            as is counted for them.";
        Invariant::new("knowledge-is-counted", about, move || {
            let db = db.clone();
            async move {
                let (checked, wrong) = base::miscounted(&db).await?;
                let told = |(what, id)| Violation::new(format!("{what} {id}"), "another number is counted");
                Ok(Checked { checked, violations: wrong.into_iter().map(told).collect() })
            }
        })
    }
}
