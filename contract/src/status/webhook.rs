//! What Alertmanager sends (webhook, version 4). It is another program's language: fields that are not known here are passed
//! over, so that its next release does not break this one.

use garde::Validate;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use time::OffsetDateTime;
use utoipa::ToSchema;

/// One notification: the alerts of a group.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Webhook {
    /// The version of this format; `4` is the one that is known.
    #[garde(custom(known_version))]
    pub version: String,
    /// What the alerts of the group have in common.
    #[garde(skip)]
    #[serde(default)]
    pub group_key: String,
    /// How many alerts Alertmanager has left out (`max_alerts`).
    #[garde(skip)]
    #[serde(default)]
    pub truncated_alerts: u64,
    /// The alerts.
    #[garde(skip)]
    pub alerts: Vec<SentAlert>,
}

/// Whether an alert fires.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SentStatus {
    /// It does.
    Firing,
    /// It does not any more.
    Resolved,
}

/// An alert as it is sent.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct SentAlert {
    /// Whether it fires.
    pub status: SentStatus,
    /// What identifies it.
    #[serde(default)]
    pub labels: BTreeMap<String, String>,
    /// What is said about it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Since when it fires.
    #[serde(with = "time::serde::rfc3339")]
    pub starts_at: OffsetDateTime,
    /// When it ended; means nothing while it fires.
    #[serde(default, with = "time::serde::rfc3339::option")]
    pub ends_at: Option<OffsetDateTime>,
    /// The hash of its labels: the same alert has the same one each time. Made of the labels when it is absent.
    #[serde(default)]
    pub fingerprint: String,
}

/// What was done with a notification.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct WebhookTaken {
    /// Alerts that were read.
    pub processed: u32,
    /// Those of them that began to fire or ended.
    pub changed: u32,
    /// Alerts that were more than a notification may hold, and were left out.
    pub dropped: u32,
}

fn known_version(version: &str, _: &()) -> garde::Result {
    if version == "4" { Ok(()) } else { Err(garde::Error::new("must be 4")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// As Alertmanager 0.27 sends it.
    #[test]
    fn what_alertmanager_sends_is_read_and_what_it_may_add_is_passed_over() {
        let sent = json!({
            "version": "4", "groupKey": "{}:{alertname=\"Down\"}", "truncatedAlerts": 0, "status": "firing",
            "receiver": "bowline", "groupLabels": {"alertname": "Down"}, "commonLabels": {}, "commonAnnotations": {},
            "externalURL": "http://alertmanager:9093", "fromTheFuture": {"x": 1},
            "alerts": [{
                "status": "firing", "labels": {"alertname": "Down", "severity": "critical"}, "annotations": {},
                "startsAt": "2026-01-02T03:04:05.678901234+01:00", "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "http://prometheus:9090/graph", "fingerprint": "a5b3c2d1e4f5a6b7",
            }],
        });
        let read: Webhook = serde_json::from_value(sent).unwrap();
        assert!(read.validate().is_ok());
        assert_eq!(read.alerts[0].status, SentStatus::Firing);
        assert_eq!(read.alerts[0].ends_at.map(OffsetDateTime::year), Some(1));
        assert!(Webhook { version: "3".to_owned(), ..read }.validate().is_err());
    }
}
