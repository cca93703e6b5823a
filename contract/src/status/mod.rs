//! The status service's part of the language: alerts, incidents, and what everybody may know.

mod alert;
mod client;
mod events;
mod incident;
mod public;
mod webhook;

pub use alert::{
    Alert, AlertChange, AlertStats, AlertStatus, AlertWithHistory, ListAlerts, Severity, SeverityCounts,
};
pub use client::StatusClient;
pub use events::{AlertFired, AlertResolved, IncidentOpened, IncidentResolved, IncidentUpdated};
pub use incident::{
    CreateIncident, Impact, Incident, IncidentOrigin, IncidentStatus, IncidentUpdate, ListIncidents,
    UpdateIncident,
};
pub use public::{
    Day, Incidents, Overall, PublicIncident, PublicUpdate, ServiceState, ServiceStatus, StatusPage, Uptime,
    Uptimes,
};
pub use webhook::{SentAlert, SentStatus, Webhook, WebhookTaken};
