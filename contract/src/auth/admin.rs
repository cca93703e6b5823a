//! Management of other people's accounts.

use super::account::UserStatus;
use crate::identity::Role;
use crate::page::{first_page, usual_limit};
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// The query of `GET /api/v1/users`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListUsers {
    /// Beginning of the address or of the display name, without regard to case.
    #[garde(inner(length(chars, min = 1, max = 100)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only those who have this role.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// Only those of this status.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<UserStatus>,
    /// `createdAt` or `email`, with a leading `-` for descending.
    #[garde(inner(length(max = 50)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort: Option<String>,
    /// The page, from 1.
    #[garde(range(min = 1, max = 1_000_000))]
    #[serde(default = "first_page")]
    #[param(minimum = 1, default = 1)]
    pub page: u32,
    /// Rows on a page, 100 at most.
    #[garde(range(min = 1, max = 100))]
    #[serde(default = "usual_limit")]
    #[param(minimum = 1, maximum = 100, default = 20)]
    pub limit: u32,
}

/// `PATCH /api/v1/users/{id}`. A field that is absent stays as it is; a change revokes the account's access tokens.
#[derive(Debug, Clone, Default, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct UpdateUser {
    /// All roles from now on; everybody is at least a user.
    #[garde(inner(length(min = 1, max = 8)))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<Role>>,
    /// The status from now on.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<UserStatus>,
}
