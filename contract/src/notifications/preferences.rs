//! What somebody wants to be told.

use super::NotificationKind;
use garde::Validate;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether somebody wants messages of a kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Preference {
    /// The kind.
    pub kind: NotificationKind,
    /// One sentence about it.
    pub about: String,
    /// Whether such messages are sent.
    pub enabled: bool,
    /// Whether they can be turned off. What belongs to a purchase cannot.
    pub optional: bool,
}

/// `PUT /api/v1/notifications/preferences`. A kind that is not in it stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPreferences {
    /// The kinds that change.
    #[garde(length(min = 1, max = 50), dive)]
    pub preferences: Vec<SetPreference>,
}

/// Whether messages of a kind are sent from now on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SetPreference {
    /// The kind.
    #[garde(skip)]
    pub kind: NotificationKind,
    /// Whether they are sent.
    #[garde(custom(may_be(self.kind)))]
    pub enabled: bool,
}

/// Only what is optional can be turned off.
fn may_be(kind: NotificationKind) -> impl FnOnce(&bool, &()) -> garde::Result {
    move |enabled, (): &()| {
        if *enabled || kind.is_optional() {
            return Ok(());
        }
        Err(garde::Error::new("messages of this kind belong to a purchase and cannot be turned off"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_optional_can_be_turned_off() {
        for kind in NotificationKind::ALL {
            let set = |enabled| SetPreferences { preferences: vec![SetPreference { kind: *kind, enabled }] };
            assert!(set(true).validate().is_ok());
            assert_eq!(set(false).validate().is_ok(), kind.is_optional(), "{kind}");
        }
    }
}
