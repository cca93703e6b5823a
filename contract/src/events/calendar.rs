//! Calendar feeds: an address with a secret in it, because calendar programs send no headers.

use crate::auth::Token;
use crate::ids::{CalendarLinkId, OrganizationId};
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

/// `POST /api/v1/events/calendar-links`. It takes the place of the link that the caller had for this organisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct CreateCalendarLink {
    /// The organisation whose approved events are in the feed: one that the caller belongs to.
    #[garde(skip)]
    pub organization_id: OrganizationId,
}

/// A calendar feed of somebody. Its secret is told once, when it is made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CalendarLink {
    /// Its identifier.
    pub id: CalendarLinkId,
    /// The organisation whose approved events are in it.
    pub organization_id: OrganizationId,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
}

/// A calendar feed that was made just now.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NewCalendarLink {
    /// The feed.
    pub link: CalendarLink,
    /// Its secret. Nobody can tell it again: what is kept is its hash.
    pub token: Token,
    /// The path of the feed, with the secret: behind the address of the platform it is what a calendar program is given.
    #[schema(value_type = String, example = "/api/v1/events/calendar.ics?token=...")]
    pub path: Token,
}

/// The query of `GET /api/v1/events/calendar.ics`.
#[derive(Debug, Clone, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct CalendarToken {
    /// The secret of the feed.
    #[garde(custom(crate::auth::valid::token))]
    #[param(value_type = String)]
    pub token: Token,
}
