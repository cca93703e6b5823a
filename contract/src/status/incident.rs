//! Incidents as staff writes and reads them. Title, impact, services and the texts of updates are shown to everybody.

use crate::ids::{IncidentId, UserId};
use crate::page::usual_limit;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// How much does not work.
    Impact {
        /// Something is slower or worse than usual.
        Minor = "MINOR",
        /// A part of the platform cannot be used.
        Major = "MAJOR",
        /// The platform cannot be used.
        Critical = "CRITICAL",
    }
}

texts! {
    /// How far the work on an incident is.
    IncidentStatus {
        /// Somebody looks for the cause.
        Investigating = "INVESTIGATING",
        /// The cause is known.
        Identified = "IDENTIFIED",
        /// It was put right, and somebody watches whether it stays so.
        Monitoring = "MONITORING",
        /// It is over. It does not come back: what happens next is another incident.
        Resolved = "RESOLVED",
    }
}

texts! {
    /// What opened an incident.
    IncidentOrigin {
        /// A service that did not say that it is ready.
        Readiness = "READINESS",
        /// A critical alert.
        Alert = "ALERT",
        /// A person.
        Person = "PERSON",
    }
}

/// A text of an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct IncidentUpdate {
    /// Where it stood from then on.
    pub status: IncidentStatus,
    /// What is said about it.
    pub text: String,
    /// When that was said.
    #[serde(with = "time::serde::rfc3339")]
    pub at: OffsetDateTime,
    /// Who said it; absent for what the platform says by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<UserId>,
}

/// An incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Incident {
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
    /// What opened it.
    pub origin: IncidentOrigin,
    /// Whether it ends by itself when its causes do. An incident that a person has opened or changed does not.
    pub automatic: bool,
    /// What was said about it, the newest first.
    pub updates: Vec<IncidentUpdate>,
    /// When it was opened.
    #[serde(with = "time::serde::rfc3339")]
    pub opened_at: OffsetDateTime,
    /// When it was over.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<OffsetDateTime>,
    /// Its version, as in the `ETag`.
    pub version: i64,
}

/// `POST /api/v1/incidents`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateIncident {
    /// One line about it.
    #[garde(length(chars, min = 3, max = 150), custom(line))]
    pub title: String,
    /// How much does not work.
    #[garde(skip)]
    pub impact: Impact,
    /// The services that it is about, by their names.
    #[garde(length(max = 30))]
    #[serde(default)]
    pub services: Vec<String>,
    /// How far the work on it is.
    #[garde(skip)]
    #[serde(default = "investigating")]
    pub status: IncidentStatus,
    /// What is said about it first.
    #[garde(length(chars, min = 1, max = 2_000), custom(prose))]
    pub text: String,
}

/// `PATCH /api/v1/incidents/{id}`. With `status` or `text` it gets an update that everybody sees.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateIncident {
    /// One line about it.
    #[garde(inner(length(chars, min = 3, max = 150), custom(line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// How much does not work.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<Impact>,
    /// The services that it is about, by their names.
    #[garde(inner(length(max = 30)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub services: Option<Vec<String>>,
    /// How far the work on it is.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// What is new.
    #[garde(inner(length(chars, min = 1, max = 2_000), custom(prose)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The query of `GET /api/v1/incidents`: the last opened first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListIncidents {
    /// Only those that stand there.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<IncidentStatus>,
    /// Only those that are not over, or only those that are.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
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

const fn investigating() -> IncidentStatus {
    IncidentStatus::Investigating
}

/// One line: not blank, and without control characters.
fn line(value: &str, _: &()) -> garde::Result {
    if value.chars().any(char::is_control) {
        return Err(garde::Error::new("must be one line without control characters"));
    }
    prose(value, &())
}

/// Text of some length: not blank, and of control characters only line breaks and tabs.
fn prose(value: &str, _: &()) -> garde::Result {
    if value.trim().is_empty() {
        return Err(garde::Error::new("must not be blank"));
    }
    if value.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(garde::Error::new("must not contain control characters"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_and_a_text_may_have_more() {
        let of = |title: &str, text: &str| UpdateIncident {
            title: Some(title.to_owned()),
            text: Some(text.to_owned()),
            ..UpdateIncident::default()
        };
        assert!(of("Orders are slow", "We look\ninto it.").validate().is_ok());
        for (title, text) in [("two\nlines", "x"), ("   ", "x"), ("Orders", " "), ("Orders", "bell \u{7}")] {
            assert!(of(title, text).validate().is_err(), "{title:?} {text:?}");
        }
    }
}
