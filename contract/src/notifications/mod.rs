//! The notifications' part of the language: what was sent to whom, and what somebody wants to be told.

mod client;
mod events;
mod notification;
mod preferences;

pub use client::NotificationsClient;
pub use events::NotificationCreated;
pub use notification::{Delivery, ListNotifications, Notification, NotificationKind, NotificationState};
pub use preferences::{Preference, SetPreference, SetPreferences};
