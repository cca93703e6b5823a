//! What the notifications publish, with the message's key.

use super::NotificationKind;
use crate::ids::{NotificationId, OrderId, UserId};
use crate::live::{Live, Readers, Topic};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// There is a message to a person, who has not turned its kind off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct NotificationCreated {
    /// The message.
    pub notification: NotificationId,
    /// To whom.
    pub user: UserId,
    /// What it is about.
    pub kind: NotificationKind,
    /// The order that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Its subject line.
    pub title: String,
}

crate::event::events! { notification:
    NotificationCreated = "notification.created", 1, "There is a message to a person.";
}

impl Live for NotificationCreated {
    const TOPIC: Topic = Topic::Notifications;

    type View = Self;

    fn resource(&self) -> Uuid {
        self.notification.uuid()
    }

    fn readers(&self) -> Readers {
        Readers::user(self.user)
    }

    fn view(&self) -> Self {
        self.clone()
    }
}
