//! The typed client of the status service.

use super::{AlertStats, CreateIncident, Incident, StatusPage, UpdateIncident};
use crate::client::{Caller, endpoints};
use crate::ids::IncidentId;

/// Speaks to the status service. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct StatusClient {
    caller: Caller,
}

impl StatusClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// How the platform is, for anybody.
        status() -> StatusPage = GET "/api/v1/status";
        /// How many alerts there are.
        stats() -> AlertStats = GET "/api/v1/alerts/stats";
        /// Opens an incident.
        open(incident: &CreateIncident) -> Incident = POST "/api/v1/incidents", incident;
        /// Changes an incident.
        update(id: IncidentId, change: &UpdateIncident) -> Incident = PATCH format!("/api/v1/incidents/{id}"), change;
    }
}
