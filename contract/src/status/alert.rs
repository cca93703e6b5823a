//! Alerts as staff reads them.

use crate::ids::AlertId;
use crate::page::usual_limit;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// Whether an alert fires.
    AlertStatus {
        /// It does.
        Firing = "FIRING",
        /// It does not any more.
        Resolved = "RESOLVED",
    }
}

texts! {
    /// How bad it is: the label `severity`.
    Severity {
        /// Somebody has to do something now. It opens an incident.
        Critical = "CRITICAL",
        /// Somebody has to look at it; also for every alert that says nothing that is known.
        Warning = "WARNING",
        /// It is good to know.
        Info = "INFO",
    }
}

/// An alert. What has the same labels is the same alert, however often it fires.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Alert {
    /// Its identifier.
    pub id: AlertId,
    /// The hash of its labels.
    pub fingerprint: String,
    /// Its label `alertname`.
    pub name: String,
    /// How bad it is.
    pub severity: Severity,
    /// Whether it fires.
    pub status: AlertStatus,
    /// The service that it is about, when its label `service` or `job` names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Its annotation `summary`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub summary: Option<String>,
    /// Its annotation `description`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its labels; what is too long is cut.
    pub labels: BTreeMap<String, String>,
    /// Since when it fires, or fired last.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    /// When it ended; absent while it fires.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub ends_at: Option<OffsetDateTime>,
    /// How often it has begun to fire.
    pub fired: u32,
    /// How often it was sent.
    pub received: u32,
    /// When it was first sent.
    #[serde(with = "time::serde::rfc3339")]
    pub first_received_at: OffsetDateTime,
    /// When it was last sent.
    #[serde(with = "time::serde::rfc3339")]
    pub last_received_at: OffsetDateTime,
    /// When it last began to fire or ended.
    #[serde(with = "time::serde::rfc3339")]
    pub changed_at: OffsetDateTime,
}

/// A step in the history of an alert.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertChange {
    /// What it came to.
    pub status: AlertStatus,
    /// Since when it fired, of the time that this step is about.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    /// When it began or ended, as the sender says.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// When that was heard.
    #[serde(with = "time::serde::rfc3339")]
    pub received_at: OffsetDateTime,
    /// Whether nobody has said that it ended: it was not heard of for too long.
    #[serde(default)]
    pub expired: bool,
}

/// An alert with its history, the newest step first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertWithHistory {
    /// The alert.
    #[serde(flatten)]
    pub alert: Alert,
    /// Its newest steps, a hundred at most.
    pub history: Vec<AlertChange>,
}

/// How many alerts fire, by severity.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SeverityCounts {
    /// Critical ones.
    pub critical: u64,
    /// Warnings.
    pub warning: u64,
    /// Others.
    pub info: u64,
}

/// `GET /api/v1/alerts/stats`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct AlertStats {
    /// All that are known.
    pub total: u64,
    /// Those that fire.
    pub firing: u64,
    /// Those that do not.
    pub resolved: u64,
    /// Those that fire, by severity.
    pub firing_by_severity: SeverityCounts,
}

/// The query of `GET /api/v1/alerts`: the last changed first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListAlerts {
    /// Only those that stand so.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AlertStatus>,
    /// Only those that are as bad.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Only those about this service.
    #[garde(inner(length(max = 50)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Only those of this name.
    #[garde(inner(length(max = 200)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The cursor of the page before; absent for the first page.
    #[garde(inner(length(max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}
