//! What staff reads.

use super::App;
use crate::error::{StatusError, StatusResult};
use crate::store::{alert_list, incident, incident_list};
use chassis::http::Cursor;
use contract::ids::{AlertId, IncidentId};
use contract::status::{Alert, AlertStats, AlertWithHistory, Incident, ListAlerts, ListIncidents};

impl App {
    /// A page of alerts, and where the next one begins.
    ///
    /// # Errors
    /// [`StatusError::Cursor`].
    pub(crate) async fn alerts(&self, query: &ListAlerts) -> StatusResult<(Vec<Alert>, Option<Cursor>)> {
        let after =
            query.cursor.as_deref().map(Cursor::parse).transpose().map_err(|_| StatusError::Cursor)?;
        Ok(alert_list::list(&self.db, query, after).await?)
    }

    /// An alert with its history.
    ///
    /// # Errors
    /// [`StatusError::NotFound`].
    pub(crate) async fn alert(&self, id: AlertId) -> StatusResult<AlertWithHistory> {
        let alert = alert_list::find(&self.db, id).await?.ok_or(StatusError::NotFound("alert"))?;
        Ok(AlertWithHistory { alert, history: alert_list::history(&self.db, id).await? })
    }

    /// How many alerts there are.
    ///
    /// # Errors
    /// When the database fails.
    pub(crate) async fn stats(&self) -> StatusResult<AlertStats> {
        Ok(alert_list::stats(&self.db).await?)
    }

    /// A page of incidents without what was said about them, and where the next one begins.
    ///
    /// # Errors
    /// [`StatusError::Cursor`].
    pub(crate) async fn incidents(
        &self,
        query: &ListIncidents,
    ) -> StatusResult<(Vec<Incident>, Option<Cursor>)> {
        let after =
            query.cursor.as_deref().map(Cursor::parse).transpose().map_err(|_| StatusError::Cursor)?;
        let (found, next) = incident_list::list(&self.db, query, after).await?;
        Ok((found.into_iter().map(|kept| kept.with(Vec::new())).collect(), next))
    }

    /// An incident.
    ///
    /// # Errors
    /// [`StatusError::NotFound`].
    pub(crate) async fn incident(&self, id: IncidentId) -> StatusResult<Incident> {
        let kept = incident::find(&self.db, id).await?.ok_or(StatusError::NotFound("incident"))?;
        let updates = incident::updates(&self.db, id).await?;
        Ok(kept.with(updates))
    }
}
