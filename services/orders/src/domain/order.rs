//! The order as its events make it.

use super::events::{Cancelled, CheckoutStarted, OrderEvent, Placed, RefundAsked};
use chassis::event_store::Aggregate;
use contract::ids::{CheckoutId, UserId};
use contract::inventory::ReserveLine;
use contract::money::{Money, MoneyError};
use contract::orders::{CheckoutFlow, OrderStatus};
use serde::{Deserialize, Serialize};

/// An order: what was placed, and where it stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Where it stands; nothing when there is no such order.
    pub status: Option<OrderStatus>,
    /// What was placed.
    pub placed: Option<Placed>,
    /// The attempt to turn it into a sale that came last.
    pub checkout: Option<Checkout>,
    /// Why the last attempt came to nothing.
    pub failure: Option<String>,
    /// Who wants it called off, and why.
    pub cancel_asked: Option<CancelAsked>,
    /// How it was called off.
    pub cancelled: Option<Cancelled>,
    /// Whether what a cancelled order cost was given back.
    pub given_back: bool,
    /// Who brings it, and the carrier's number.
    pub tracking: Option<(String, String)>,
    /// What is given back or was, in order.
    pub refunds: Vec<Refund>,
}

/// An attempt to turn an order into a sale.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkout {
    /// Its id, which is that of its saga, of its reservation and of its payment.
    pub id: CheckoutId,
    /// Who leads it.
    pub flow: CheckoutFlow,
    /// How far it is.
    pub stage: Stage,
}

/// How far an attempt is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    /// Stock and payment are being settled.
    Open,
    /// It will be sold: the money is taken and the goods leave.
    Confirmed,
    /// Sold.
    Complete,
    /// It came to nothing.
    Ended,
}

/// Who wants an order called off, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CancelAsked {
    /// Who.
    pub by: UserId,
    /// Why.
    pub reason: String,
}

/// Some of an order that is given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// What was asked for.
    pub asked: RefundAsked,
    /// Where it stands.
    pub stage: RefundStage,
}

/// Where a refund stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum RefundStage {
    /// The provider is asked.
    Open,
    /// It was given back.
    Done,
    /// The provider would not.
    Refused,
}

impl Aggregate for Order {
    type Event = OrderEvent;

    const NAME: &'static str = "order";
    const SNAPSHOT_VERSION: u32 = 1;

    fn apply(&mut self, event: OrderEvent) {
        match event {
            OrderEvent::Placed(placed) => {
                self.status = Some(OrderStatus::Pending);
                self.placed = Some(placed);
            }
            OrderEvent::CheckoutStarted(CheckoutStarted { checkout, flow, .. }) => {
                self.status = Some(OrderStatus::Pending);
                self.checkout = Some(Checkout { id: checkout, flow, stage: Stage::Open });
                self.failure = None;
            }
            OrderEvent::Confirmed(_) => {
                self.status = Some(OrderStatus::Confirmed);
                self.stage(Stage::Confirmed);
            }
            OrderEvent::Completed(_) => self.stage(Stage::Complete),
            OrderEvent::CheckoutFailed(failed) => {
                self.status = Some(OrderStatus::Failed);
                self.failure = Some(failed.reason);
                self.stage(Stage::Ended);
            }
            OrderEvent::CancelAsked(asked) => {
                self.cancel_asked = Some(CancelAsked { by: asked.by, reason: asked.reason });
            }
            OrderEvent::Cancelled(cancelled) => {
                self.status = Some(OrderStatus::Cancelled);
                if cancelled.giving_back.is_none() {
                    self.stage(Stage::Ended);
                }
                self.cancelled = Some(cancelled);
            }
            OrderEvent::CancellationSettled(_) => {
                self.given_back = true;
                self.stage(Stage::Ended);
            }
            OrderEvent::ProcessingBegun(_) => self.status = Some(OrderStatus::Processing),
            OrderEvent::Shipped(shipped) => {
                self.status = Some(OrderStatus::Shipped);
                self.tracking = Some((shipped.carrier, shipped.tracking_number));
            }
            OrderEvent::Delivered(_) => self.status = Some(OrderStatus::Delivered),
            OrderEvent::RefundAsked(asked) => {
                self.refunds.push(Refund { asked, stage: RefundStage::Open });
            }
            OrderEvent::Refunded(refunded) => {
                self.settle(refunded.refund, RefundStage::Done);
                if self.is_given_back_whole() {
                    self.status = Some(OrderStatus::Refunded);
                }
            }
            OrderEvent::RefundRefused(refused) => self.settle(refused.refund, RefundStage::Refused),
        }
    }
}

impl Order {
    fn stage(&mut self, stage: Stage) {
        if let Some(checkout) = &mut self.checkout {
            checkout.stage = stage;
        }
    }

    fn settle(&mut self, refund: contract::ids::RefundId, stage: RefundStage) {
        let found = self.refunds.iter_mut().find(|known| known.asked.refund == refund);
        if let Some(found) = found {
            found.stage = stage;
        }
    }

    fn is_given_back_whole(&self) -> bool {
        let total = self.placed.as_ref().map(|placed| placed.totals.total);
        total.is_some_and(|total| self.refunded() == Ok(total))
    }

    /// Whether something about it is not settled yet: nobody may call the state that it shows its end.
    #[must_use]
    pub fn is_processing(&self) -> bool {
        let open = |stage| matches!(stage, Stage::Open | Stage::Confirmed);
        let giving_back = self.cancelled.as_ref().is_some_and(|cancelled| cancelled.giving_back.is_some());
        self.checkout.is_some_and(|checkout| open(checkout.stage))
            || giving_back && !self.given_back
            || self.refunds.iter().any(|refund| refund.stage == RefundStage::Open)
    }

    /// How much was given back by refunds.
    ///
    /// # Errors
    /// When the amounts do not add up.
    pub fn refunded(&self) -> Result<Money, MoneyError> {
        self.given(|stage| stage == RefundStage::Done)
    }

    /// How much was given back in all: by refunds, and when it was called off.
    ///
    /// # Errors
    /// When the amounts do not add up.
    pub fn given_back_in_all(&self) -> Result<Money, MoneyError> {
        let called_off = self.cancelled.as_ref().filter(|_| self.given_back);
        let giving_back = called_off.and_then(|cancelled| cancelled.giving_back.as_ref());
        let refunded = self.refunded()?;
        giving_back.map_or(Ok(refunded), |giving_back| refunded.plus(giving_back.amount))
    }

    /// How much was given back by refunds or is about to be.
    ///
    /// # Errors
    /// When the amounts do not add up.
    pub fn promised_back(&self) -> Result<Money, MoneyError> {
        self.given(|stage| stage != RefundStage::Refused)
    }

    fn given(&self, which: impl Fn(RefundStage) -> bool) -> Result<Money, MoneyError> {
        let currency =
            self.placed.as_ref().map_or(contract::money::Currency::EUR, |p| p.totals.total.currency);
        let given = self.refunds.iter().filter(|refund| which(refund.stage));
        Money::sum(currency, given.map(|refund| refund.asked.amount))
    }

    /// What of it did not come back into stock by refunds.
    #[must_use]
    pub fn not_restocked(&self) -> Vec<ReserveLine> {
        let refunds = self.refunds.iter().filter(|refund| refund.stage != RefundStage::Refused);
        let back: Vec<ReserveLine> =
            refunds.flat_map(|refund| refund.asked.restock.iter().copied()).collect();
        let mut left = self.wanted();
        for line in &mut left {
            let restocked = back.iter().filter(|back| back.product == line.product);
            line.quantity = line.quantity.saturating_sub(restocked.map(|back| back.quantity).sum());
        }
        left.retain(|line| line.quantity > 0);
        left
    }

    /// What is reserved for it: each product once, the demand of its lines added up.
    #[must_use]
    pub fn wanted(&self) -> Vec<ReserveLine> {
        let lines = self.placed.iter().flat_map(|placed| &placed.lines);
        sum_up(lines.map(|line| ReserveLine { product: line.product, quantity: line.quantity }))
    }
}

/// Lines with each product once, in the order in which they are first named.
#[must_use]
pub fn sum_up(lines: impl IntoIterator<Item = ReserveLine>) -> Vec<ReserveLine> {
    let mut summed: Vec<ReserveLine> = Vec::new();
    for line in lines {
        match summed.iter_mut().find(|known| known.product == line.product) {
            Some(known) => known.quantity = known.quantity.saturating_add(line.quantity),
            None => summed.push(line),
        }
    }
    summed
}
