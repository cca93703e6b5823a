//! Reports of what models were used for.

use super::App;
use crate::error::AssistantResult;
use crate::store::report::{self, Filter, Sum};
use chassis::clock::Ts;
use chassis::http::Page;
use contract::assistant::{GroupBy, ReportQuery};
use std::time::Duration;

/// How far a report goes back that does not say from when on.
const USUAL: Duration = Duration::from_secs(30 * 86_400);

impl App {
    /// A page of a report, and how many rows it has.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn report(&self, asked: &ReportQuery, page: Page) -> AssistantResult<(Vec<Sum>, u64)> {
        let to = asked.to.map_or_else(|| self.clock.now() + Duration::from_micros(1), Ts::from_datetime);
        let filter = Filter {
            from: asked.from.map_or_else(|| to - USUAL, Ts::from_datetime),
            to,
            user: asked.user,
            organization: asked.organization,
            model: asked.model.clone(),
        };
        Ok(report::list(&self.db, asked.group_by.unwrap_or(GroupBy::Day), &filter, page).await?)
    }
}
