//! What the status service publishes.

use super::{Impact, IncidentStatus, Severity};
use crate::ids::{AlertId, IncidentId};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

/// An alert has begun to fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertFired {
    /// The alert.
    pub alert: AlertId,
    /// Its name.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// The service that it is about, if it names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Since when it fires.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
}

/// An alert has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertResolved {
    /// The alert.
    pub alert: AlertId,
    /// Its name.
    pub name: String,
    /// How bad it was.
    pub severity: Severity,
    /// The service that it was about, if it named one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// When it ended.
    #[serde(with = "time::serde::rfc3339")]
    pub ends_at: OffsetDateTime,
}

/// An incident was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentOpened {
    /// The incident.
    pub incident: IncidentId,
    /// One line about it.
    pub title: String,
    /// How much does not work.
    pub impact: Impact,
    /// The services that it is about.
    pub services: Vec<String>,
}

/// An incident was changed, or something was said about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentUpdated {
    /// The incident.
    pub incident: IncidentId,
    /// One line about it.
    pub title: String,
    /// How much does not work.
    pub impact: Impact,
    /// How far the work on it is.
    pub status: IncidentStatus,
    /// What was said, if something was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// An incident is over.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentResolved {
    /// The incident.
    pub incident: IncidentId,
    /// One line about it.
    pub title: String,
    /// When it was opened.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
}

crate::event::events! { alert:
    AlertFired = "alert.fired", 1, "An alert has begun to fire.";
    AlertResolved = "alert.resolved", 1, "An alert has ended.";
}

crate::event::events! { incident:
    IncidentOpened = "incident.opened", 1, "An incident was opened.";
    IncidentUpdated = "incident.updated", 1, "An incident was changed, or something was said about it.";
    IncidentResolved = "incident.resolved", 1, "An incident is over.";
}
