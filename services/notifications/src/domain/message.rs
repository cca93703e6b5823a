//! A message that is called for: to whom, about what, and what it tells.

use super::facts;
use super::template::Facts;
use contract::events::{EventApproved, EventCard, EventRejected};
use contract::ids::{CheckoutId, OrderId, UserId};
use contract::money::Money;
use contract::notifications::NotificationKind;
use contract::orders::{OrderCancelled, OrderConfirmed, OrderFailed, OrderRefunded, OrderShipped};

/// Who gets a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A person, at the address that their account has when the message is written.
    User(UserId),
    /// An address of the settings.
    Address(String),
}

impl Recipient {
    /// The text by which two messages are known to go to the same place.
    #[must_use]
    pub fn key(&self) -> String {
        match self {
            Self::User(user) => format!("user:{user}"),
            Self::Address(address) => format!("address:{}", address.to_lowercase()),
        }
    }
}

/// A message that is called for. Of one kind and subject, one recipient gets one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// What it is about.
    pub kind: NotificationKind,
    /// What makes it another message than the one before of its kind: the order, the attempt to pay, the refund, the version of
    /// an event.
    pub subject: String,
    /// To whom.
    pub to: Recipient,
    /// The order that it is about, if it is about one.
    pub order: Option<OrderId>,
    /// What it tells.
    pub facts: Facts,
}

impl Message {
    fn of_order(kind: NotificationKind, user: UserId, order: OrderId, subject: String, facts: Facts) -> Self {
        Self { kind, subject, to: Recipient::User(user), order: Some(order), facts }
    }

    fn of_event(kind: NotificationKind, event: &EventCard, facts: Facts) -> Self {
        // Each decision is another one: an event may be sent back more than once.
        let subject = format!("{}/{}", event.id, event.version);
        Self { kind, subject, to: Recipient::User(event.creator), order: None, facts }
    }

    /// To somebody who has an account now.
    #[must_use]
    pub fn welcome(user: UserId) -> Self {
        let (kind, to) = (NotificationKind::Welcome, Recipient::User(user));
        Self { kind, subject: user.to_string(), to, order: None, facts: Facts::new() }
    }

    /// Money was taken for an order; without its number when nobody knows it.
    #[must_use]
    pub fn receipt(user: UserId, order: OrderId, number: Option<String>, paid: (CheckoutId, Money)) -> Self {
        let (checkout, amount) = paid;
        let facts = facts::receipt(number.unwrap_or_else(|| order.to_string()), amount);
        Self::of_order(NotificationKind::PaymentReceipt, user, order, checkout.to_string(), facts)
    }
}

impl From<&OrderConfirmed> for Message {
    fn from(event: &OrderConfirmed) -> Self {
        let (kind, subject) = (NotificationKind::OrderConfirmed, event.order.to_string());
        Self::of_order(kind, event.user, event.order, subject, facts::confirmed(event))
    }
}

impl From<&OrderShipped> for Message {
    fn from(event: &OrderShipped) -> Self {
        let (kind, subject) = (NotificationKind::OrderShipped, event.order.to_string());
        Self::of_order(kind, event.user, event.order, subject, facts::shipped(event))
    }
}

impl From<&OrderCancelled> for Message {
    fn from(event: &OrderCancelled) -> Self {
        let (kind, subject) = (NotificationKind::OrderCancelled, event.order.to_string());
        Self::of_order(kind, event.user, event.order, subject, facts::cancelled(event))
    }
}

/// An order may fail more than once: each attempt to pay it is told.
impl From<&OrderFailed> for Message {
    fn from(event: &OrderFailed) -> Self {
        let (kind, subject) = (NotificationKind::OrderFailed, event.checkout.to_string());
        Self::of_order(kind, event.user, event.order, subject, facts::failed(event))
    }
}

impl From<&OrderRefunded> for Message {
    fn from(event: &OrderRefunded) -> Self {
        let (kind, subject) = (NotificationKind::OrderRefunded, event.refund.to_string());
        Self::of_order(kind, event.user, event.order, subject, facts::refunded(event))
    }
}

impl From<&EventApproved> for Message {
    fn from(event: &EventApproved) -> Self {
        Self::of_event(NotificationKind::EventApproved, &event.event, facts::approved(event))
    }
}

impl From<&EventRejected> for Message {
    fn from(event: &EventRejected) -> Self {
        Self::of_event(NotificationKind::EventRejected, &event.event, facts::rejected(event))
    }
}
