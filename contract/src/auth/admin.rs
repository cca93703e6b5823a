//! Management of other people's accounts.

use super::account::UserStatus;
use crate::identity::Role;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Filters of `GET /api/v1/users`; paging and sorting come beside them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase")]
#[into_params(parameter_in = Query)]
pub struct UserFilter {
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
