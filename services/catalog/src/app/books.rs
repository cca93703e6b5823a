//! What must hold over everything that the catalog keeps.

use super::App;
use crate::store::{category, price};
use chassis::invariant::{Checked, Invariant};
use contract::audit::Violation;

impl App {
    /// What a product costs is the last version of its price.
    pub(crate) fn prices_are_kept(&self) -> Invariant {
        let app = self.clone();
        let about = "What a product costs is the newest of the versions of its price, and there are no gaps between them.";
        Invariant::new("prices-are-kept", about, move || {
            let app = app.clone();
            async move {
                let (checked, wrong) = price::differing(&app.db).await?;
                let told =
                    |(product, found): (_, String)| Violation::new(format!("product {product}"), found);
                Ok(Checked { checked, violations: wrong.into_iter().map(told).collect() })
            }
        })
    }

    /// Every category is reached from the top.
    pub(crate) fn categories_are_a_tree(&self) -> Invariant {
        let app = self.clone();
        let about = "Every category is reached from the top, and none is deeper than may be.";
        Invariant::new("categories-are-a-tree", about, move || {
            let app = app.clone();
            async move {
                let tree = category::all(&app.db).await?;
                let (checked, lost) = tree.lost();
                let told = |id| Violation::new(format!("category {id}"), "it is not reached from the top");
                Ok(Checked { checked, violations: lost.into_iter().map(told).collect() })
            }
        })
    }
}
