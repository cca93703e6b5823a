//! Which events call for which messages.

use super::App;
use crate::domain::message::Message;
use crate::store::known_order;
use chassis::db::Tx;
use chassis::events::{Handled, Handler, Received};
use contract::auth::UserRegistered;
use contract::event::Event;
use contract::events::{EventApproved, EventRejected};
use contract::ids::UserId;
use contract::orders::OrderCreated;
use contract::payments::PaymentCaptured;

/// Events that call for one message each, to the person whom they are about.
#[derive(Debug)]
pub(crate) struct Calls(pub(crate) App);

impl<E: Event> Handler<E> for Calls
where
    Message: for<'e> From<&'e E>,
{
    async fn handle(&self, t: &mut Tx, event: Received<E>) -> Handled {
        Ok(self.0.tell(t, &Message::from(&event.data)).await?)
    }
}

impl From<&UserRegistered> for Message {
    fn from(event: &UserRegistered) -> Self {
        Self::welcome(event.user)
    }
}

/// A decision on an event of somebody.
pub(crate) trait Decision: Event {
    /// Whose event it is, and who decided.
    fn people(&self) -> (UserId, UserId);
}

impl Decision for EventApproved {
    fn people(&self) -> (UserId, UserId) {
        (self.event.creator, self.by)
    }
}

impl Decision for EventRejected {
    fn people(&self) -> (UserId, UserId) {
        (self.event.creator, self.by)
    }
}

/// Tells somebody what was decided on their event, unless they decided it themselves.
#[derive(Debug)]
pub(crate) struct Decided(pub(crate) App);

impl<E: Decision> Handler<E> for Decided
where
    Message: for<'e> From<&'e E>,
{
    async fn handle(&self, t: &mut Tx, event: Received<E>) -> Handled {
        let (creator, decider) = event.data.people();
        if creator != decider {
            self.0.tell(t, &Message::from(&event.data)).await?;
        }
        Ok(())
    }
}

/// Remembers whose order it is, and tells of the payments that came before.
#[derive(Debug)]
pub(crate) struct Orders(pub(crate) App);

impl Handler<OrderCreated> for Orders {
    async fn handle(&self, t: &mut Tx, event: Received<OrderCreated>) -> Handled {
        let OrderCreated { order, user, number, .. } = event.data;
        let now = self.0.clock.now();
        let known = known_order::learn(t, order, Some(user), number.as_deref(), now).await?;
        let mut parked = known_order::unpark(t, order).await?;
        parked.sort_unstable_by_key(|(checkout, _)| *checkout);
        for paid in parked {
            let receipt = Message::receipt(user, order, known.number.clone(), paid);
            self.0.tell(t, &receipt).await?;
        }
        Ok(())
    }
}

/// Tells of payments, once their order is known: `payment` and `order` are two topics, and either may come first.
#[derive(Debug)]
pub(crate) struct Receipts(pub(crate) App);

impl Handler<PaymentCaptured> for Receipts {
    async fn handle(&self, t: &mut Tx, event: Received<PaymentCaptured>) -> Handled {
        let PaymentCaptured { order, checkout, amount, .. } = event.data;
        let known = known_order::learn(t, order, None, None, self.0.clock.now()).await?;
        match known.user {
            Some(user) => {
                let receipt = Message::receipt(user, order, known.number, (checkout, amount));
                self.0.tell(t, &receipt).await?;
            }
            None => known_order::park(t, order, checkout, amount).await?,
        }
        Ok(())
    }
}
