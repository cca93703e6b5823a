//! A message to somebody.

use crate::ids::{NotificationId, OrderId, UserId};
use crate::page::usual_limit;
use crate::texts::texts;
use garde::Validate;
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use utoipa::{IntoParams, ToSchema};

texts! {
    /// What a message is about.
    NotificationKind {
        /// Somebody has an account.
        Welcome = "WELCOME",
        /// An order will be delivered.
        OrderConfirmed = "ORDER_CONFIRMED",
        /// An order is on its way.
        OrderShipped = "ORDER_SHIPPED",
        /// An order was called off.
        OrderCancelled = "ORDER_CANCELLED",
        /// An order was not sold.
        OrderFailed = "ORDER_FAILED",
        /// Money was given back.
        OrderRefunded = "ORDER_REFUNDED",
        /// Money was taken.
        PaymentReceipt = "PAYMENT_RECEIPT",
        /// There is too little of a product in stock.
        LowStock = "LOW_STOCK",
        /// An event of an organisation waits for a decision.
        EventSubmitted = "EVENT_SUBMITTED",
        /// An event was approved.
        EventApproved = "EVENT_APPROVED",
        /// An event was rejected.
        EventRejected = "EVENT_REJECTED",
    }
}

impl NotificationKind {
    /// Whether who gets it may turn it off. What belongs to a purchase is sent in any case.
    #[must_use]
    pub const fn is_optional(self) -> bool {
        match self {
            Self::Welcome
            | Self::OrderShipped
            | Self::LowStock
            | Self::EventSubmitted
            | Self::EventApproved
            | Self::EventRejected => true,
            Self::OrderConfirmed
            | Self::OrderCancelled
            | Self::OrderFailed
            | Self::OrderRefunded
            | Self::PaymentReceipt => false,
        }
    }

    /// One sentence about it, for who decides whether they want it.
    #[must_use]
    pub const fn about(self) -> &'static str {
        match self {
            Self::Welcome => "A welcome when your account is made.",
            Self::OrderConfirmed => "Your order will be delivered.",
            Self::OrderShipped => "Your order is on its way.",
            Self::OrderCancelled => "Your order was called off.",
            Self::OrderFailed => "Your order could not be completed.",
            Self::OrderRefunded => "Money was given back to you.",
            Self::PaymentReceipt => "A receipt for what you paid.",
            Self::LowStock => "There is too little of a product of yours in stock.",
            Self::EventSubmitted => "An event waits for a decision in an organisation in which you decide.",
            Self::EventApproved => "An event of yours was approved.",
            Self::EventRejected => "An event of yours was rejected.",
        }
    }
}

texts! {
    /// Where a message stands.
    NotificationState {
        /// To be written.
        Queued = "QUEUED",
        /// Written and given to the mail.
        Mailed = "MAILED",
        /// Not sent on purpose; `why` says why.
        Skipped = "SKIPPED",
    }
}

texts! {
    /// How far the mail of a message has come.
    Delivery {
        /// To be sent.
        Pending = "PENDING",
        /// Kept in the outbox; there is no mail server.
        Stored = "STORED",
        /// Accepted by the mail server.
        Sent = "SENT",
        /// Given up.
        Failed = "FAILED",
    }
}

/// A message to somebody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Notification {
    /// Its identifier; later ones sort behind earlier ones.
    pub id: NotificationId,
    /// What it is about.
    pub kind: NotificationKind,
    /// To whom; absent for an address that belongs to nobody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// The order that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderId>,
    /// Where it stands.
    pub state: NotificationState,
    /// Why it was not sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
    /// Its subject line, once it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
    /// Its text, once it was written; not in a list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// How far its mail has come; absent when that is no longer known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Delivery>,
    /// When it was called for.
    #[serde(with = "time::serde::rfc3339")]
    pub created_at: OffsetDateTime,
    /// When it was given to the mail, or skipped.
    #[serde(default, with = "time::serde::rfc3339::option", skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<OffsetDateTime>,
}

/// The query of `GET /api/v1/notifications`. The list grows without end, so it is read by cursor, the youngest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Validate, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct ListNotifications {
    /// Those to this person; others than one's own need the permission `notifications:read`.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<UserId>,
    /// Only those of this kind.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<NotificationKind>,
    /// Only those that stand there.
    #[garde(skip)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<NotificationState>,
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
