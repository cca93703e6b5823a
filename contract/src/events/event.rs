//! Something that an organisation plans.

use crate::auth::valid;
use crate::ids::{EventId, OrganizationId, UserId};
use crate::texts::texts;
use garde::{Error, Validate};
use serde::{Deserialize, Deserializer, Serialize};
use std::ops::RangeInclusive;
use time::OffsetDateTime;
use utoipa::ToSchema;

const TITLE: RangeInclusive<usize> = 3..=200;
const DESCRIPTION: RangeInclusive<usize> = 10..=5_000;
const REASON: RangeInclusive<usize> = 10..=500;

texts! {
    /// Where an event stands. Which moves there are is a table of the events service.
    EventStatus {
        /// Being written; its creator and those who decide in its organisation see it.
        Draft = "DRAFT",
        /// Waits for a decision, and cannot be changed meanwhile.
        Submitted = "SUBMITTED",
        /// Shown to every member of its organisation.
        Approved = "APPROVED",
        /// Sent back with a reason; its creator may change it and submit it again.
        Rejected = "REJECTED",
    }
}

/// `POST /api/v1/events`. Who makes it is its creator; it begins as a draft.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateEvent {
    /// The organisation whose event it is: one that the caller belongs to.
    #[garde(skip)]
    pub organization_id: OrganizationId,
    /// What it is called: 3 to 200 characters in one line.
    #[garde(custom(title_rule))]
    #[schema(min_length = 3, max_length = 200, example = "Summer fair")]
    pub title: String,
    /// What it is about: 10 to 5,000 characters.
    #[garde(custom(description_rule))]
    #[schema(min_length = 10, max_length = 5000, example = "Stalls, music and a tombola in the yard.")]
    pub description: String,
    /// Where it takes place.
    #[garde(inner(length(chars, max = 200), custom(valid::line)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200, example = "The yard")]
    pub location: Option<String>,
    /// When it begins.
    #[garde(skip)]
    #[serde(with = "time::serde::rfc3339")]
    pub start_date: OffsetDateTime,
    /// When it ends: after it begins.
    #[garde(skip)]
    #[serde(with = "time::serde::rfc3339")]
    pub end_date: OffsetDateTime,
}

/// `PATCH /api/v1/events/{id}`. A field that is absent stays as it is. What was approved goes back to review; what was rejected
/// is a draft again.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateEvent {
    /// What it is called: 3 to 200 characters in one line.
    #[garde(inner(custom(title_rule)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 3, max_length = 200)]
    pub title: Option<String>,
    /// What it is about: 10 to 5,000 characters.
    #[garde(inner(custom(description_rule)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 10, max_length = 5000)]
    pub description: Option<String>,
    /// Where it takes place; null takes it away.
    #[garde(inner(inner(length(chars, max = 200), custom(valid::line))))]
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, max_length = 200)]
    pub location: Option<Option<String>>,
    /// When it begins.
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub start_date: Option<OffsetDateTime>,
    /// When it ends: after it begins.
    #[garde(skip)]
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub end_date: Option<OffsetDateTime>,
}

/// `POST /api/v1/events/{id}/reject`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct RejectEvent {
    /// Why, for its creator: 10 to 500 characters.
    #[garde(custom(reason_rule))]
    #[schema(min_length = 10, max_length = 500, example = "Please say who is responsible on the day.")]
    pub reason: String,
}

/// An event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Its identifier.
    pub id: EventId,
    /// The organisation whose it is.
    pub organization_id: OrganizationId,
    /// What it is called.
    pub title: String,
    /// What it is about.
    pub description: String,
    /// Where it takes place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub location: Option<String>,
    /// When it begins.
    #[serde(with = "time::serde::rfc3339")]
    pub start_date: OffsetDateTime,
    /// When it ends.
    #[serde(with = "time::serde::rfc3339")]
    pub end_date: OffsetDateTime,
    /// Where it stands.
    pub status: EventStatus,
    /// Why it was rejected last, until it is submitted again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection_reason: Option<String>,
    /// Who made it.
    pub created_by: UserId,
    /// Who wrote what it says now.
    pub edited_by: UserId,
    /// Who decided on it last, if what it says now was decided on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided_by: Option<UserId>,
    /// How often it was changed, from 1; also its entity tag.
    pub version: i64,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was last changed, submitted or decided on.
    #[serde(with = "time::serde::rfc3339")]
    pub updated_at: OffsetDateTime,
}

/// Tells a field that is null from one that is absent.
fn present<'de, D: Deserializer<'de>, T: Deserialize<'de>>(deserializer: D) -> Result<Option<T>, D::Error> {
    T::deserialize(deserializer).map(Some)
}

/// Spaces around a text are taken off before it is kept, and do not count.
fn long_enough(value: &str, allowed: &RangeInclusive<usize>) -> garde::Result {
    if allowed.contains(&value.trim().chars().count()) {
        return Ok(());
    }
    Err(Error::new(format!("must have {} to {} characters", allowed.start(), allowed.end())))
}

fn title_rule(value: &str, (): &()) -> garde::Result {
    valid::line(value, &())?;
    long_enough(value, &TITLE)
}

fn description_rule(value: &str, (): &()) -> garde::Result {
    valid::lines(value, &())?;
    long_enough(value, &DESCRIPTION)
}

fn reason_rule(value: &str, (): &()) -> garde::Result {
    valid::lines(value, &())?;
    long_enough(value, &REASON)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn titled(title: &str) -> bool {
        UpdateEvent { title: Some(title.to_owned()), ..UpdateEvent::default() }.validate().is_ok()
    }

    #[test]
    fn spaces_around_a_title_do_not_make_it_longer() {
        assert!(titled(" Fair "));
        assert!(!titled(" Fa  "));
        assert!(titled(&"é".repeat(200)) && !titled(&"é".repeat(201)));
        assert!(!titled("Fair\nBcc: all"));
    }

    #[test]
    fn a_reason_has_ten_to_five_hundred_characters() {
        let of = |reason: &str| RejectEvent { reason: reason.to_owned() }.validate().is_ok();
        assert!(of("Too short.") && of(&"x".repeat(500)) && of("One line,\nand one more."));
        assert!(!of("Too short") && !of(&"x".repeat(501)) && !of("          ") && !of("A bell\u{7} rings."));
    }

    #[test]
    fn a_place_is_taken_away_by_null_and_left_alone_when_absent() {
        let read = |text: &str| serde_json::from_str::<UpdateEvent>(text).unwrap().location;
        assert_eq!(read("{}"), None);
        assert_eq!(read(r#"{"location": null}"#), Some(None));
        assert_eq!(read(r#"{"location": "Yard"}"#), Some(Some("Yard".to_owned())));
    }

    #[test]
    fn no_role_status_or_creator_comes_from_a_body() {
        for field in ["status", "createdBy", "role", "decidedBy", "organizationId"] {
            let body = format!(r#"{{"title": "Fair", "{field}": "x"}}"#);
            assert!(serde_json::from_str::<UpdateEvent>(&body).is_err(), "{field}");
        }
    }
}
