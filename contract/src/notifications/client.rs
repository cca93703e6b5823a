//! The typed client of the notifications.

use super::{Notification, Preference, SetPreferences};
use crate::client::{Caller, endpoints};
use crate::ids::NotificationId;

/// Speaks to the notifications. Every method may fail as [`Caller::call`] does; identity is the transport's matter.
#[derive(Clone)]
pub struct NotificationsClient {
    caller: Caller,
}

impl NotificationsClient {
    /// A client over this caller.
    #[must_use]
    pub const fn new(caller: Caller) -> Self {
        Self { caller }
    }

    endpoints! {
        /// The newest messages to the caller, a hundred at most.
        newest(limit: u32) -> Vec<Notification> = GET format!("/api/v1/notifications?limit={limit}");
        /// One message to the caller, with its text.
        notification(id: NotificationId) -> Notification = GET format!("/api/v1/notifications/{id}");
        /// What the caller wants to be told.
        preferences() -> Vec<Preference> = GET "/api/v1/notifications/preferences";
        /// Says what the caller wants to be told.
        set_preferences(body: &SetPreferences) -> Vec<Preference> = PUT "/api/v1/notifications/preferences", body;
    }
}
