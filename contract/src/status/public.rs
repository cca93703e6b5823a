//! What everybody may know: how the services are, how they were, and what happened. No labels, no addresses, no names of
//! checks and no persons.

use super::{Impact, IncidentStatus};
use crate::ids::IncidentId;
use crate::texts::texts;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::ToSchema;

texts! {
    /// How a service is.
    ServiceState {
        /// It says that it is ready.
        Operational = "OPERATIONAL",
        /// It answers, and says that something that it needs is not there.
        Degraded = "DEGRADED",
        /// It does not answer.
        Down = "DOWN",
        /// Nobody has looked lately.
        Unknown = "UNKNOWN",
    }
}

texts! {
    /// How the platform is, all in all.
    Overall {
        /// Everything works.
        Operational = "OPERATIONAL",
        /// Nobody has looked lately.
        Unknown = "UNKNOWN",
        /// Something is worse than usual.
        Degraded = "DEGRADED",
        /// A part of it does not work.
        PartialOutage = "PARTIAL_OUTAGE",
        /// Most of it does not work.
        MajorOutage = "MAJOR_OUTAGE",
    }
}

/// How much of a span of time a service was ready, of the time in which somebody looked.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uptime {
    /// Per cent of the known time, two digits, rounded down; absent when nobody looked at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub percent: Option<f64>,
    /// Per cent of the span in which somebody looked, two digits, rounded down. What is missing is unknown: neither up nor
    /// down.
    pub known_percent: f64,
}

/// Uptime over three spans.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Uptimes {
    /// Of 24 hours.
    pub day: Uptime,
    /// Of 7 days.
    pub week: Uptime,
    /// Of 90 days.
    pub quarter: Uptime,
}

/// A day of a service, in UTC.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Day {
    /// `2026-01-31`.
    pub date: String,
    /// How it was.
    #[serde(flatten)]
    pub uptime: Uptime,
}

/// A service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct ServiceStatus {
    /// Its name.
    pub name: String,
    /// One line about it.
    pub about: String,
    /// How it is.
    pub state: ServiceState,
    /// Since when it is so; absent when that is not known.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub since: Option<OffsetDateTime>,
    /// How it was.
    pub uptime: Uptimes,
    /// The days in which somebody looked, of the last 90, the oldest first.
    pub days: Vec<Day>,
}

/// What was said about an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicUpdate {
    /// Where it stood from then on.
    pub status: IncidentStatus,
    /// What was said.
    pub text: String,
    /// When.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
}

/// An incident as everybody sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct PublicIncident {
    /// Its identifier.
    pub id: IncidentId,
    /// One line about it.
    pub title: String,
    /// How much does not work.
    pub impact: Impact,
    /// How far the work on it is.
    pub status: IncidentStatus,
    /// The services that it is about.
    pub services: Vec<String>,
    /// When it began.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
    /// When it was over.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<OffsetDateTime>,
    /// What was said about it, the newest first.
    pub updates: Vec<PublicUpdate>,
}

/// The incidents of a page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Incidents {
    /// Those that are not over, the last opened first; twenty at most.
    pub open: Vec<PublicIncident>,
    /// Those of the last 14 days that are, the last opened first; twenty at most.
    pub recent: Vec<PublicIncident>,
}

/// `GET /api/v1/status`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct StatusPage {
    /// How the platform is.
    pub overall: Overall,
    /// When somebody last looked; absent when nobody has.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub checked_at: Option<OffsetDateTime>,
    /// The services, in the order of the platform's list.
    pub services: Vec<ServiceStatus>,
    /// What happens and what happened.
    pub incidents: Incidents,
}
