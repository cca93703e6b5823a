//! Reading the audit log, backwards in time, a page after the other.
//!
//! The log grows while it is read, so a page does not begin at a number but behind the last line of the page before.

use super::App;
use crate::error::AuthResult;
use crate::store::audit_list;
use chassis::http::Cursor;
use contract::auth::{AuditEntry, ListAudit};

impl App {
    /// The lines behind `after` that a filter lets through, the newest first, and where the page after them begins, if
    /// there is one.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn audit_log(
        &self,
        filter: &ListAudit,
        after: Option<Cursor>,
    ) -> AuthResult<(Vec<AuditEntry>, Option<Cursor>)> {
        Ok(audit_list::list_before(&self.db, filter, after).await?)
    }
}
