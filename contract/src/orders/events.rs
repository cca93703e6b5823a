//! What the orders publish, with the order's key.

use super::{CheckoutFlow, OrderLine};
use crate::event::{Event, OlderVersion, UpcastError};
use crate::ids::{CheckoutId, OrderId, ProductId, RefundId, UserId};
use crate::inventory::ReserveLine;
use crate::money::Money;
use crate::payments::MethodToken;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use utoipa::ToSchema;

/// What `order.created.v1` said: amounts in euro cents, and nothing of the checkout.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreatedV1 {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// What was bought.
    pub items: Vec<ReserveLine>,
    /// What it came to, in euro cents.
    pub total_cents: i64,
}

/// An order was placed: once for each attempt to pay it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCreated {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// The readable number of the order; absent in what was version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// This attempt; absent in what was version 1, where nobody is to act on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<CheckoutId>,
    /// Who leads the checkout. Inventory and payments act on this event in a choreography only.
    pub flow: CheckoutFlow,
    /// What was bought.
    pub lines: Vec<ReserveLine>,
    /// What it comes to, with shipping and tax.
    pub total: Money,
    /// With what it is paid; absent in what was version 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<MethodToken>,
}

impl Event for OrderCreated {
    const TYPE: &'static str = "order.created";
    const VERSION: u32 = 2;
    const ABOUT: &'static str = "An order was placed, or is paid again.";
    const OLDER: &'static [OlderVersion] = &[OlderVersion::of::<OrderCreatedV1>(1)];

    fn key(&self) -> String {
        self.order.to_string()
    }

    fn upcast(version: u32, data: Value) -> Result<Value, UpcastError> {
        if version != 1 {
            return Err(UpcastError::unknown(version));
        }
        Ok(json!({
            "order": data["order"],
            "user": data["user"],
            "flow": CheckoutFlow::Orchestration,
            "lines": data["items"],
            "total": {"amount": data["totalCents"], "currency": "EUR"},
        }))
    }
}

/// Stock is kept and the payment is good: the order will be delivered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderConfirmed {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// The attempt that succeeded.
    pub checkout: CheckoutId,
    /// Who leads the checkout; payments and inventory complete it on this event in a choreography only.
    pub flow: CheckoutFlow,
    /// What was bought.
    pub lines: Vec<OrderLine>,
    /// What it came to.
    pub total: Money,
}

/// An order was not sold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderFailed {
    /// The order.
    pub order: OrderId,
    /// Who wanted to buy.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// The attempt that failed.
    pub checkout: CheckoutId,
    /// Who led the checkout; inventory and payments undo what they did on this event in a choreography only.
    pub flow: CheckoutFlow,
    /// Why, for the buyer.
    pub reason: String,
}

/// An order was called off.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderCancelled {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// The attempt that is undone, if one had succeeded or was under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub checkout: Option<CheckoutId>,
    /// The id under which money and goods come back.
    pub refund: RefundId,
    /// Who led the checkout; inventory and payments undo what they did on this event in a choreography only.
    pub flow: CheckoutFlow,
    /// What was bought.
    pub lines: Vec<ReserveLine>,
    /// What is given back.
    pub total: Money,
    /// Why.
    pub reason: String,
}

/// An order is on its way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderShipped {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// Who brings it.
    pub carrier: String,
    /// The carrier's number.
    pub tracking_number: String,
}

/// An order is with its buyer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderDelivered {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// What they have now.
    pub products: Vec<ProductId>,
}

/// Some or all of what an order cost was given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrderRefunded {
    /// The order.
    pub order: OrderId,
    /// Who bought.
    pub user: UserId,
    /// Its readable number.
    pub number: String,
    /// The refund.
    pub refund: RefundId,
    /// How much this time.
    pub amount: Money,
    /// How much in all.
    pub refunded: Money,
    /// Whether that is all of it.
    pub whole: bool,
}

crate::event::events! { order:
    OrderConfirmed = "order.confirmed", 1, "An order will be delivered: stock is kept and the payment is good.";
    OrderFailed = "order.failed", 1, "An order was not sold.";
    OrderCancelled = "order.cancelled", 1, "An order was called off.";
    OrderShipped = "order.shipped", 1, "An order is on its way.";
    OrderDelivered = "order.delivered", 1, "An order is with its buyer.";
    OrderRefunded = "order.refunded", 1, "Some or all of what an order cost was given back.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::read;
    use crate::money::Currency;

    #[test]
    fn version_1_is_read_as_version_2_and_nobody_acts_on_it() {
        let (order, user, product) = (OrderId::new(), UserId::new(), ProductId::new());
        let old = OrderCreatedV1 {
            order,
            user,
            items: vec![ReserveLine { product, quantity: 2 }],
            total_cents: 3998,
        };
        let read: OrderCreated = read(1, serde_json::to_value(old).unwrap()).unwrap();
        assert_eq!((read.order, read.total), (order, Money::new(3998, Currency::EUR)));
        assert_eq!(read.lines, [ReserveLine { product, quantity: 2 }]);
        assert_eq!((read.flow, read.checkout, read.method), (CheckoutFlow::Orchestration, None, None));
    }
}
